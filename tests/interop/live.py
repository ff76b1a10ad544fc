#!/usr/bin/python3
"""Real brokers: what their auditors fetch and their officers export.

  live.py BUILD [--only NAME]
"""

import os
import sys
import time

import bundle
from archive import Archive, read_pins
from check import equal, true
from check_archive import sound

E2E = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "e2e")


def federation(build):
    """Two countries and cases of several ends between them."""
    os.environ["HOLDFAST_BUILD"] = build
    sys.path.insert(0, E2E)
    import harness
    f = harness.Federation("JP", "US")
    try:
        return f, story(f, harness.WINDOW)
    except BaseException:
        f.close()
        raise


def story(f, window):
    """The references by what became of them."""
    refs = {}

    def asked(name, **more):
        ref = refs[name] = f.request(**more)
        f.has("us.ncp", ref, "request")
        return ref

    def us(*args):
        f.run("us.ncp", "request", *args).ok()

    ref = asked("released")
    us("acknowledge", ref)
    us("accept", ref)
    order = refs["order"] = f.run(
        "us.ncp", "order", "new", ref, "--to", "us.isp2", "--form",
        f.instrument(), "--json").ok().json()["ref"]
    f.run("us.isp2", "order", "ack", order).ok()
    f.run("us.isp2", "order", "report", order, "--result", "preserved").ok()
    f.has("jp.ncp", ref, "accept")
    f.run("jp.ncp", "request", "extend", ref, "--seconds", "20").ok()
    f.has("us.ncp", ref, "extend")
    us("accept", ref)
    f.run("jp.ncp", "request", "withdraw", ref).ok()
    f.has("us.isp2", order, "release")
    f.run("us.isp2", "order", "end", order).ok()
    us("end", ref)
    f.has("jp.ncp", ref, "end")

    ref = asked("trace", kind="trace")
    us("accept", ref)
    f.run("us.ncp", "trace", "hop", ref, "--direction", "origin",
          "--finding", "third-country", "--next-country", "BR", "--field",
          "window=" + window, "--field", "clock_error=100").ok()
    f.run("us.ncp", "trace", "withhold", ref, "--reason",
          "sovereignty").ok()
    f.has("jp.ncp", ref, "withheld-hop")

    us("decline", asked("declined"), "--reason", "sovereignty")
    us("advise", asked("advised"), "--reason", "would-harm")
    ref = asked("suspended", seconds="4")
    us("accept", ref)
    f.has("jp.ncp", ref, "accept")
    f.run("jp.ncp", "request", "follow-up", ref, "--reference", "M-7").ok()
    f.has("us.ncp", ref, "follow-up")
    us("follow-up-received", ref)
    ref = asked("expired", seconds="3")
    us("accept", ref, "--seconds", "3")
    f.has("jp.ncp", ref, "expire")
    f.has("jp.ncp", refs["suspended"], "follow-up-received")
    return refs


def root_pins(f):
    """The roots as they were pinned by hand, not as the archive says."""
    text = ""
    for cc in ("JP", "US"):
        with open(os.path.join(f.dir, cc.lower(), "root.pin")) as pin:
            text += cc + " " + pin.read()
    return read_pins(text)


def shown_state(f, who, ref):
    return f.show(who, ref)["state"]


def test_live_archives(build):
    f, refs = federation(build)
    try:
        archives = {}
        for cc in ("jp", "us"):
            path = os.path.join(f.dir, cc + ".archive")
            f.run(cc + ".audit", "audit", "fetch", "--out", path).ok()
            a = archives[cc] = sound(path)
            equal(a.country, cc.upper(), "country")
            equal(a.pins, root_pins(f), "pins of " + cc)
            equal(a.receipted, len(a.sent), "receipts of " + cc)
        jp, us = archives["jp"], archives["us"]
        equal(jp.received, len(us.sent), "what US sent has arrived")
        equal(us.received, len(jp.sent), "what JP sent has arrived")
        here = {x.acts[0][1].reference(): x.fold
                for x in us.files.values()}
        for name, ref in refs.items():
            equal(bundle.NAMES["state", here[ref].state()],
                  shown_state(f, "us.ncp", ref), name)
        # the fetch goes on where it ended
        f.run("jp.ncp", "request", "withdraw", refs["trace"]).ok()
        f.has("us.ncp", refs["trace"], "withdraw")
        f.run("us.audit", "audit", "fetch", "--out", us.path).ok()
        again = sound(us.path)
        true(again.size > us.size and again.acts == us.acts + 1, "resumed")
        one_byte(us.path)
    finally:
        f.close()


def one_byte(path):
    """The control: a byte of an act that was fetched."""
    name = os.path.join(path, "ledger")
    with open(name, "rb") as ledger:
        data = bytearray(ledger.read())
    data[len(data) // 2] ^= 1
    with open(name, "wb") as ledger:
        ledger.write(data)
    true(Archive(path).problems, "a changed byte was not found")


def test_live_bundles(build):
    f, refs = federation(build)
    try:
        time.sleep(1)  # receipts of what was sent last
        pins = root_pins(f)
        for who, name, state, acts in (
                ("jp.ncp", "released", "released", 7),
                ("us.ncp", "released", "released", 7),
                ("us.isp2", "order", "released", 5),
                ("us.ncp", "order", "released", 5),
                ("jp.ncp", "trace", "accepted", 4),
                ("jp.ncp", "declined", "declined", 2),
                ("us.ncp", "suspended", "suspended", 4),
                ("jp.ncp", "expired", "expired", 3)):
            path = os.path.join(f.dir, "%s.%s.tar" % (who, name))
            f.run(who, "request", "export", refs[name], "-o", path).ok()
            with open(path, "rb") as file:
                data = file.read()
            got = bundle.Bundle(data, pins)
            where = "%s of %s: " % (name, who)
            equal((got.ref, got.desk, len(got.acts)),
                  (refs[name], who, acts), where + "the bundle")
            equal(bundle.NAMES["state", got.life.state()], state,
                  where + "state")
            equal(got.said, [], where + "what is missing")
        path = os.path.join(f.dir, "less.tar")
        f.run("jp.ncp", "request", "export", refs["trace"], "-o", path,
              "--withhold", "window").ok()
        with open(path, "rb") as file:
            less = bundle.Bundle(file.read(), pins)
        equal(sum(x.withheld for x in less.shown.values()), 2, "withheld")
    finally:
        f.close()


if __name__ == "__main__":
    import run
    sys.exit(run.main([sys.modules["__main__"]], sys.argv))
