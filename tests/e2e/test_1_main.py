"""The main job: a preservation and a trace through four countries."""

import time

from harness import Federation, WINDOW, check, equal


def federation():
    return Federation("JP", "US", "DE", "BR")


def ordered(f, ref, desk="us.isp2", *flags):
    """US accepts and orders one provider; the order's reference."""
    f.run("us.ncp", "request", "acknowledge", ref).ok()
    f.run("us.ncp", "request", "accept", ref).ok()
    return f.run("us.ncp", "order", "new", ref, "--to", desk, "--form",
                 f.instrument(), "--json", *flags).ok().json()["ref"]


def provider_hop(f, order, country, desk="us.isp2"):
    f.run(desk, "order", "hop", order, "--direction", "origin", "--finding",
          "third-country", "--next-country", country, "--next-provider",
          "Next Provider", "--field", "window=" + WINDOW, "--field",
          "source_ip=203.0.113.7", "--field", "source_port=40000", "--field",
          "clock_error=unknown", "--field", "user_id=mallory", "--field",
          "assigned_ip=203.0.113.8").ok()


def test_shapes_that_scripts_rely_on(f):
    new = f.run("jp.ncp", "request", "new", "--to", "US", "--kind",
                "preservation", "--urgency", "urgent", "--days", "60",
                "--form", f.form(), "--json").ok().json()
    for key in ("ref", "id", "state", "receipt"):
        check(new.get(key), "request new lacks %s" % key)
    f.has("us.ncp", new["ref"], "request")
    row = [r for r in f.run("us.ncp", "inbox", "--json").ok().lines()
           if r["ref"] == new["ref"]][0]
    equal(row["kind"], "preservation", "kind")
    equal(row["from"], "jp.ncp", "from")
    equal(row["urgency"], "urgent", "urgency")
    equal(row["state"], "unacknowledged", "state")
    case = f.show("us.ncp", new["ref"])
    for key in ("ref", "kind", "mode", "from", "to", "state", "expires_at",
                "acts", "fields", "hops", "orders"):
        check(key in case, "request show lacks %s" % key)
    for key in ("id", "kind", "from", "created", "receipt"):
        check(key in case["acts"][0], "act lacks %s" % key)
    equal(case["fields"]["source_port"], [50123], "source_port")


def test_size_on_the_wire(f):
    dry = f.run("jp.ncp", "request", "new", "--to", "US", "--kind",
                "preservation", "--form", f.form(), "--json", "-n").ok().json()
    check(dry["size"] < 2000, "%d bytes on the wire" % dry["size"])
    new = f.run("jp.ncp", "request", "new", "--to", "US", "--kind",
                "preservation", "--form", f.form(), "--json").ok().json()
    check(new["receipt"]["size"] < 1200,
          "receipt of %d bytes" % new["receipt"]["size"])


def test_preservation_order_report_release(f):
    ref = f.request()
    f.has("us.ncp", ref, "request")
    order = ordered(f, ref)
    case = f.show("us.ncp", ref)
    equal([o["ref"] for o in case["orders"]], [order], "orders")
    equal(case["state"], "accepted", "accepted is not preserved")
    f.run("us.isp2", "order", "ack", order).ok()
    f.run("us.isp2", "order", "report", order, "--result", "preserved").ok()
    equal(f.show("us.ncp", order)["state"], "preserved", "order")
    check(f.has("jp.ncp", ref, "accept")["expires_at"], "expires_at")
    f.run("jp.ncp", "request", "extend", ref, "--seconds", "20").ok()
    f.has("us.ncp", ref, "extend")
    before = f.show("us.ncp", ref)["expires_at"]
    f.run("us.ncp", "request", "accept", ref).ok()
    check(f.show("us.ncp", ref)["expires_at"] > before, "extended")
    # the release runs down to the provider and comes back with a receipt
    f.run("jp.ncp", "request", "withdraw", ref).ok()
    f.has("us.isp2", order, "release")
    f.run("us.isp2", "order", "end", order).ok()
    f.run("us.ncp", "request", "end", ref).ok()
    case = f.has("jp.ncp", ref, "end")
    equal(case["state"], "released", "state")
    check([a for a in case["acts"] if a["kind"] == "end"][0]["receipt"]
          ["verified"], "the release is receipted")


def test_trace_follows_a_hop_and_finds_the_loop(f):
    ref = f.request(kind="trace")
    f.has("us.ncp", ref, "request")
    order = ordered(f, ref, "us.isp2", "--flag", "mask-requester", "--flag",
                    "keep-order-secret")
    f.run("us.isp2", "order", "report", order, "--result", "preserved").ok()
    provider_hop(f, order, "DE")
    f.run("us.ncp", "trace", "hop", ref, "--from-order", order, "--show",
          "direction,finding,next_country,window", "--next-country", "DE").ok()
    case = f.has("jp.ncp", ref, "hop")
    hop = case["hops"][0]
    equal(hop["next_country"], "DE", "next country")
    equal(sorted(hop["shown"]), ["direction", "finding", "next_country",
                                 "window"], "shown")
    check(hop["withheld"] >= 5, "withheld is counted: %r" % hop)
    check("user_id" not in str(hop["fields"]), "user_id is withheld")
    second = f.run("jp.ncp", "trace", "follow", ref, hop["id"], "--to", "DE",
                   "--mode", "live", "--json").ok().json()["ref"]
    case = f.has("de.ncp", second, "request")
    cite = case["acts"][0]["cites"][0]
    check(cite["verified"], "the shown fields are part of what was signed")
    equal(cite["author"], "us.ncp", "DE verifies that US said so")
    equal(cite["act"], hop["id"], "it is the hop")
    f.run("de.ncp", "request", "accept", second).ok()
    f.run("de.ncp", "trace", "live", second).ok()
    equal(f.show("de.ncp", second)["state"], "tracing", "live trace")
    # a hop pushed while the requester watches
    watch = f.start_command("jp.ncp", "inbox", "--watch", "--for", "20",
                            "--json")
    time.sleep(1.0)
    f.run("de.ncp", "trace", "hop", second, "--direction", "origin",
          "--finding", "third-country", "--next-country", "BR", "--field",
          "window=" + WINDOW, "--field", "clock_error=100").ok()
    hop = f.has("jp.ncp", second, "hop")["hops"][0]
    time.sleep(0.5)
    watch.terminate()
    seen = watch.communicate(timeout=20)[0]
    check('"event":"hop"' in seen, "the watch saw no hop: %r" % seen)
    third = f.run("jp.ncp", "trace", "follow", second, hop["id"], "--to", "BR",
                  "--mode", "historical", "--json").ok().json()["ref"]
    f.has("br.ncp", third, "request")
    f.run("br.ncp", "request", "accept", third).ok()
    f.run("br.ncp", "trace", "hop", third, "--direction", "origin",
          "--finding", "back-to-requester", "--next-country", "JP", "--field",
          "window=" + WINDOW).ok()
    hop = f.has("jp.ncp", third, "hop")["hops"][0]
    f.run("jp.ncp", "trace", "follow", third, hop["id"], "--to",
          "US").fails(7, "E4017")
    tree = f.run("jp.ncp", "trace", "show", ref, "--json").ok().json()
    equal(tree["loops"], 1, "loops")
    equal(tree["hop_count"], 3, "hops")
    equal(tree["proven"], 3, "proven hops")
    text = f.run("jp.ncp", "trace", "show", ref).ok().out
    check("LOOPS BACK" in text, "the tree says that it loops: " + text)


def test_a_provider_accepts_a_live_trace_or_holds_nothing(f):
    ref = f.request(kind="trace")
    f.has("us.ncp", ref, "request")
    nothing = ordered(f, ref, "us.isp2")
    f.run("us.isp2", "order", "report", nothing, "--result",
          "never-held").ok()
    row = [o for o in f.show("us.ncp", ref)["orders"] if o["ref"] == nothing][0]
    equal(row["result"], "never-held", "what the provider said")
    check(row.get("due_type") in (None, "lapse"),
          "the provider owes nothing any more: %r" % row)
    text = f.run("us.ncp", "order", "ls").ok().out
    line = [x for x in text.splitlines() if nothing in x][0]
    check("ever held" in line, "the list does not say it: " + line)
    second = f.request("jp.ncp", "US", "--mode", "live", kind="trace")
    f.has("us.ncp", second, "request")
    live = ordered(f, second, "us.isp1")
    f.run("us.isp1", "order", "accept", live, "--seconds", "30", "--ttl",
          "20").ok()
    f.run("us.isp1", "trace", "live", live, "--start").ok()
    equal(f.show("us.ncp", live)["state"], "tracing", "the order's state")


def test_a_hop_taken_back_or_erased_says_so(f):
    ref = f.request(kind="trace")
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "accept", ref, "--seconds", "30").ok()
    for country in ("DE", "BR"):
        f.run("us.ncp", "trace", "hop", ref, "--direction", "origin",
              "--finding", "third-country", "--next-country", country,
              "--field", "window=" + WINDOW, "--field",
              "clock_error=100").ok()
    hops = f.wait("jp.ncp", ref, lambda c: len(c["hops"]) == 2,
                  "two hops")["hops"]
    f.run("us.ncp", "request", "retract", ref, "--re", hops[0]["id"]).ok()
    hops = f.wait("jp.ncp", ref, lambda c: c["hops"][0]["closed"],
                  "taken back")["hops"]
    equal(hops[0]["closed"], "taken back", "closed")
    equal(hops[0]["next_country"], None, "next country")
    equal(hops[0]["fields"], {}, "fields")
    equal(hops[1]["next_country"], "BR", "the other hop stays")
    text = f.run("jp.ncp", "trace", "show", ref).ok().out
    check("taken back" in text, text)
    f.run("jp.ncp", "request", "withdraw", ref).ok()
    f.has("us.ncp", ref, "withdraw")
    f.run("us.ncp", "request", "end", ref).ok()
    case = f.wait("jp.ncp", ref, lambda c: c["erased"], "erased", 30)
    equal([h["closed"] for h in case["hops"]], ["taken back", "erased"],
          "closed")
    text = f.run("jp.ncp", "trace", "show", ref).ok().out
    check("erased" in text and "ZZ" not in text, text)
    check("ZZ" not in f.run("jp.ncp", "trace", "hops", ref).ok().out, "ZZ")


def test_withheld_hop_is_counted(f):
    ref = f.request(kind="trace")
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "accept", ref).ok()
    f.run("us.ncp", "trace", "withhold", ref, "--reason", "sovereignty").ok()
    case = f.has("jp.ncp", ref, "withheld-hop")
    check(case["hops"][0]["withheld_hop"], "withheld hop")
    equal(case["hops"][0]["ground"], "sovereignty", "ground")


def test_follow_up_suspends_expiry(f):
    ref = f.request(seconds="4")
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "accept", ref).ok()
    f.has("jp.ncp", ref, "accept")
    f.run("jp.ncp", "request", "follow-up", ref, "--reference", "MLA-7").ok()
    f.has("us.ncp", ref, "follow-up")
    f.run("us.ncp", "request", "follow-up-received", ref).ok()
    time.sleep(5)
    equal(f.show("us.ncp", ref)["state"], "suspended", "past its term")
    f.run("us.ncp", "request", "decided", ref, "--outcome", "granted",
          "--seconds", "30").ok()
    equal(f.show("us.ncp", ref)["state"], "accepted", "after the decision")


def key_slots(f, cc):
    """The slots of a broker's case keys: state 1, zeros 7, key 32, check."""
    with open("%s/%s/data/case.keys" % (f.dir, cc), "rb") as keys:
        data = keys.read()
    return [data[i:i + 64] for i in range(0, len(data), 64)]


def test_expiry_and_erasure(f):
    ref = f.request(seconds="3")
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "accept", ref, "--seconds", "3").ok()
    f.has("jp.ncp", ref, "accept")
    # keys are made ready ahead: which is the case's is seen when it is gone
    before = {cc: key_slots(f, cc) for cc in ("jp", "us")}
    case = f.wait("jp.ncp", ref, lambda c: c["state"] == "expired", "expired")
    check(case["acts"][-1]["kind"] in ("expire", "accept"), "a machine act")
    for cc in ("us", "jp"):
        case = f.wait("%s.ncp" % cc, ref, lambda c: c["erased"], "erased", 30)
        check(all("fields" not in a or a["kind"] == "expire"
                  for a in case["acts"]), "no field opens any more")
        now = key_slots(f, cc)
        gone = [(i, s) for i, s in enumerate(before[cc])
                if s[0] == 1 and now[i][0] == 2]
        check(gone, "%s has destroyed the case's key" % cc)
        for i, slot in gone:
            check(slot[8:40] != bytes(32), "a key of zeros")
            check(now[i][8:40] == bytes(32), "slot %d is overwritten" % i)
            for path in f.broker_files(cc):
                with open(path, "rb") as data:
                    check(slot[8:40] not in data.read(),
                          "the destroyed key stands in " + path)
    f.verified("us")
    f.verified("jp")


def test_query_answer_amend_note(f):
    ref = f.request()
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "query", ref, "--question",
          "Which time zone?").ok()
    f.has("jp.ncp", ref, "query")
    f.run("jp.ncp", "request", "answer", ref, "--answer", "UTC+9").ok()
    f.has("us.ncp", ref, "answer")
    f.run("us.ncp", "request", "progress", ref, "--waiting-for", "judge").ok()
    f.run("us.ncp", "request", "note", ref, "--inner", "--text",
          "the judge is at lunch").ok()
    f.run("jp.ncp", "request", "amend", ref, "--change", "urgency",
          "--urgency", "emergency").ok()
    f.has("us.ncp", ref, "amend")
    case = f.has("jp.ncp", ref, "progress")
    check("lunch" not in str(case), "inner notes never cross the border")
    check("lunch" in str(f.show("us.ncp.2", ref)), "a colleague reads them")


def test_advise_pauses_until_go_on(f):
    ref = f.request()
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "advise", ref, "--reason", "would-harm",
          "--text", "the subject is told by law").ok()
    f.run("us.ncp", "request", "accept", ref).fails(7, "E4001")
    f.has("jp.ncp", ref, "advise")
    f.run("jp.ncp", "request", "go-on", ref).ok()
    f.has("us.ncp", ref, "go-on")
    f.run("us.ncp", "request", "accept", ref).ok()


def test_registered_for_an_outsider(f):
    ref = f.run("us.ncp", "request", "new", "--to", "US", "--kind",
                "preservation", "--basis", "exercise", "--form", f.form(),
                "--outsider", "Police of XX, by telephone", "--means",
                "telephone", "--verified", "call-back",
                "--json").ok().json()["ref"]
    case = f.show("us.ncp", ref)
    check(case["unproven"], "shown as unproven")
    equal(case["acts"][0]["registered_for"], "Police of XX, by telephone",
          "who")


def test_same_request_twice_is_one(f):
    form = f.form()
    first = f.request(form=form)
    again = f.run("jp.ncp", "request", "new", "--to", "US", "--kind",
                  "preservation", "--basis", "exercise", "--seconds", "50",
                  "--form", form, "--json").ok().json()
    equal(again["ref"], first, "reference")
    check(again["duplicate"], "said to be a duplicate")


def test_every_auditor_verifies_and_replays(f):
    for cc in ("jp", "us", "de", "br"):
        got = f.verified(cc)
        check(got["acts"] > 0 and got["entries"] > got["acts"], str(got))
        one = f.run("%s.audit" % cc, "audit", "verify", "--json").ok().json()
        equal(one["divergences"], 0, "divergences")
    missing = f.run("jp.audit", "audit", "receipts", "--missing",
                    "--json").ok().lines()
    equal(missing, [], "receipts missing")


def test_every_read_command_has_json(f):
    for args in (["status"], ["inbox"], ["request", "ls"], ["order", "ls"],
                 ["deadline", "ls"], ["peer", "ls"], ["queue", "ls"],
                 ["broker", "status"], ["roster", "ls"],
                 ["roster", "show", "US"], ["country", "show", "JP"],
                 ["peer", "contacts", "US"], ["context", "ls"],
                 ["context", "show"], ["errors", "E2107"], ["version"]):
        got = f.run("jp.ncp", *args, "--json").ok()
        got.lines()
        f.run("jp.ncp", *args).ok()
