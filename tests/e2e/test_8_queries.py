"""The auditor's questions, asked of archives of live brokers."""

import csv
import io
import os
import shutil

from harness import Federation, check, equal, unpack


def federation():
    return Federation("JP", "US")


def fetched(f, cc, name):
    out = os.path.join(f.dir, name)
    f.run("%s.audit" % cc, "audit", "fetch", "--out", out).ok()
    return out


def ask(f, question, *args):
    """Offline: a home that nobody has stands for no home at all."""
    return f.run("nobody", "audit", question, *args, "--json")


def rows(f, question, *args):
    return ask(f, question, *args).ok().lines()


def whats(found, ref=None):
    return sorted(r["what"] for r in found if ref in (None, r.get("ref")))


def frames(data):
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        yield at, at + 4 + size
        at += 4 + size


def without(archive, act):
    """A copy of an archive from which the entry of one act was cut."""
    out = archive + ".cut"
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(archive, out)
    path = os.path.join(out, "ledger")
    with open(path, "rb") as file:
        data = file.read()
    kept = [data[a:b] for a, b in frames(data)
            if unpack(unpack(data[a + 4:b])[0])[5].hex() != act]
    check(len(b"".join(kept)) < len(data), "the act is in the ledger")
    with open(path, "wb") as file:
        file.write(b"".join(kept))
    return out


def settled(f, ref):
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "ack", ref).ok()
    f.run("us.ncp", "request", "accept", ref).ok()
    f.has("jp.ncp", ref, "accept")


def test_a_promise_and_the_order_beneath(f):
    ref = f.request(seconds="50")
    settled(f, ref)
    us = fetched(f, "us", "us.1")
    found = [r for r in rows(f, "uncovered", us) if r["ref"] == ref]
    equal(whats(found), ["uncovered"], "a promise with nothing beneath")
    check(0 < found[0]["left_s"] <= 50, "time left: %r" % found)
    order = f.run("us.ncp", "order", "new", ref, "--to", "us.isp1", "--form",
                  f.instrument(), "--json").ok().json()["ref"]
    us = fetched(f, "us", "us.1")
    equal(whats(rows(f, "uncovered", us), ref), ["uncovered"],
          "an order that nobody has confirmed")
    f.run("us.isp1", "order", "ack", order).ok()
    f.run("us.isp1", "order", "report", order, "--result", "preserved").ok()
    us = fetched(f, "us", "us.1")
    check("uncovered" not in whats(rows(f, "uncovered", us), ref), "covered")
    equal(whats(rows(f, "orphans", us), order), [], "its case is live")
    # JP promised nothing
    equal(rows(f, "uncovered", fetched(f, "jp", "jp.1")), [], "JP's promises")


def test_a_masked_order_leaves_it_unknown(f):
    ref = f.request(seconds="50")
    settled(f, ref)
    order = f.run("us.ncp", "order", "new", ref, "--to", "us.isp2", "--form",
                  f.instrument(), "--flag", "mask-requester",
                  "--json").ok().json()["ref"]
    f.run("us.isp2", "order", "report", order, "--result", "preserved").ok()
    us = fetched(f, "us", "us.2")
    equal(whats(rows(f, "uncovered", us), ref), ["unknown"], "masked")
    found = [r for r in rows(f, "orphans", us) if r.get("ref") == order]
    equal(whats(found), ["unknown"], "whose it is")
    check("unknown (masked)" in found[0]["text"], found[0]["text"])
    # once it is over on both sides nothing is owed but a follow-up
    f.run("jp.ncp", "request", "withdraw", ref).ok()
    f.has("us.isp2", order, "release")
    us = fetched(f, "us", "us.2")
    equal(whats(rows(f, "uncovered", us), ref), [], "withdrawn")
    equal(whats(rows(f, "orphans", us), order), [], "released")
    equal(whats(rows(f, "orphans", us), ref), ["never-followed"], "the case")


def test_two_ledgers_are_at_one_and_a_cut_is_named(f):
    ref = f.request()
    settled(f, ref)
    f.wait("us.ncp", ref, lambda c: len(c["acts"]) >= 3, "all of it")
    jp, us = fetched(f, "jp", "jp.3"), fetched(f, "us", "us.3")
    got = ask(f, "reconcile", jp, us)
    equal([r for r in got.lines() if r["what"] != "later"], [], "at one")
    equal(got.code, 0, "exit status")
    narrowed = 0
    for act in f.show("us.ncp", ref)["acts"]:
        cut = without(us, act["id"])
        got = ask(f, "reconcile", jp, cut).fails(6).lines()
        equal([(r["what"], r["act"], r["has"], r["lacks"], r["ref"],
                r["kind"]) for r in got],
              [("missing", act["id"], "JP", "US", ref, act["kind"])],
              "what was cut")
        check(got[0]["receipted"], "its receipt is there")
        # by a summary: the range first, then the act
        summary = os.path.join(f.dir, "us-jp.txt")
        ask(f, "reconcile", cut, "--summary", summary, "--peer", "JP").ok()
        wide = ask(f, "reconcile", jp, "--with", summary).fails(6).lines()
        near = wide  # before the first of a summary all is named at once
        if wide[0]["what"] == "range":
            ask(f, "reconcile", cut, "--summary", summary, "--peer", "JP",
                "--from", wide[0]["from"], "--until", wide[0]["until"],
                "--acts", "1").ok()
            near = ask(f, "reconcile", jp, "--with", summary).fails(6).lines()
            narrowed += 1
        equal([(r["what"], r["act"]) for r in near],
              [("missing", act["id"])], "the act")
    check(narrowed > 0, "no range was narrowed")
    ask(f, "reconcile", us, us).fails(2)
    ask(f, "reconcile", us).fails(2)
    ask(f, "reconcile", us, "--with", summary).fails(2)


def test_gaps_of_a_crash_and_of_a_peer_that_is_away(f):
    f.request()
    jp = fetched(f, "jp", "jp.4")
    before = whats(rows(f, "gaps", jp))
    check("crash" not in before, "no crash yet: %r" % before)
    f.kill("jp", "core")
    f.script("stop", "us")
    f.answers("jp.ncp")
    ref = f.request(basis="budapest", seconds="5184000")
    jp = fetched(f, "jp", "jp.4")
    found = rows(f, "gaps", jp)
    check("crash" in whats(found), "a crash: %r" % found)
    away = [r for r in found if r["what"] == "no-receipt"]
    check(ref in [r["ref"] for r in away], "not delivered: %r" % found)
    equal({r["peer"] for r in away}, {"US"}, "to whom")
    f.script("start", "us")
    f.has("us.ncp", ref, "request")
    f.verified("us")
    # the receipt is on its way back
    for _ in range(50):
        jp = fetched(f, "jp", "jp.4")
        if ref not in [r.get("ref") for r in rows(f, "gaps", jp)]:
            break
    else:
        check(False, "its receipt does not come")
    # an entry that was cut out of the middle is missed by what follows it
    settled(f, ref)
    jp = fetched(f, "jp", "jp.4")
    act = [a for a in f.show("jp.ncp", ref)["acts"]
           if a["kind"] == "acknowledge"][0]
    found = rows(f, "gaps", without(jp, act["id"]))
    equal([w for w in whats(found, ref) if w in ("missing", "waits")],
          ["missing", "waits"], "a hole, and what waits for it")


def test_the_other_questions_answer(f):
    settled(f, f.request())
    jp, us = fetched(f, "jp", "jp.5"), fetched(f, "us", "us.5")
    equal(rows(f, "erasures", jp, "--peer", us), [], "nothing is overdue")
    for by in ("peer", "kind", "hour", "weekday"):
        got = rows(f, "stats", jp, "--by", by)
        check(got and sum(r["acts"] for r in got) > 0, by)
    one = rows(f, "stats", us)[0]
    check(one["acknowledge"]["count"] > 0 and
          one["acknowledge"]["p95_ms"] >= one["acknowledge"]["median_ms"],
          "times: %r" % one)
    text = f.run("nobody", "audit", "stats", us, "--by", "peer",
                 "--csv").ok().out
    table = list(csv.DictReader(io.StringIO(text)))
    check("JP" in [r["group"] for r in table], "groups: " + text)
    chart = f.run("nobody", "audit", "stats", us, "--by", "kind").ok().out
    check("####" in chart and "as of" in chart, chart)
    f.run("us.audit", "audit", "fetch").ok()
    for question in ("gaps", "orphans", "uncovered", "erasures"):
        equal(f.run("us.audit", "audit", question, "--json").ok().lines(),
              rows(f, question, os.path.join(f.home("us.audit"), "ledger")),
              "%s of HOME/ledger" % question)
        check("as of" in f.run("nobody", "audit", question, us).ok().out,
              question)
        f.run("nobody", "audit", question, f.dir).fails(1, "E7")
        f.run("nobody", "audit", question, us, "--at", "soon").fails(2)
    f.run("nobody", "audit", "stats", us, "--by", "moon").fails(2)
