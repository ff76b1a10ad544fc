"""Peers and brokers that are away, commands that wait, a revoked officer.

Processes killed in the middle of their work: tests/kills."""

import json
import os
import time

from harness import Federation, check, equal


def federation():
    return Federation("JP", "US")


def test_peer_down_then_back_without_new_traffic(f):
    f.script("stop", "us")
    refs = [f.request(basis="budapest", seconds="5184000")
            for _ in range(5)]
    got = f.run("jp.ncp", "request", "note", refs[0], "--text", "hello").ok()
    check("stored and signed; delivery abroad goes on by itself" in got.out,
          "what is known: " + got.out)
    queued = f.run("jp.ncp", "queue", "ls", "--json").ok().lines()
    check(len(queued) >= 5, "what is not delivered stands in the queue")
    peers = f.run("jp.ncp", "peer", "ls", "--json").ok().lines()
    check(not peers[0]["up"], "shown as down")
    f.script("start", "us")
    for ref in refs:
        f.has("us.ncp", ref, "request", 60)
    end = time.monotonic() + 30
    while f.run("jp.ncp", "queue", "ls", "--json").ok().out != "":
        check(time.monotonic() < end, "the queue did not empty")
        time.sleep(0.1)


def test_own_broker_down(f):
    f.script("stop", "jp")
    form = f.form()
    args = ["request", "new", "--to", "US", "--kind", "preservation",
            "--basis", "budapest", "--form", form, "--json"]
    f.run("jp.ncp", "--timeout", "2", *args).fails(3)
    f.script("start", "jp")
    f.run("jp.ncp", *args).ok()


def test_time_out_says_what_is_known(f):
    pid = f.pids("jp")["core"]
    os.kill(pid, 19)
    try:
        got = f.run("jp.ncp", "--timeout", "1.5", "status")
        equal(got.code, 8, "exit: " + got.err)
        check("E2111" in got.err, got.err)
    finally:
        os.kill(pid, 18)
    f.run("jp.ncp", "status").ok()


def test_a_revoked_officer_delivers_nothing(f):
    f.request(basis="budapest", seconds="5184000")  # verifies later too
    with open(os.path.join(f.dir, "jp", "spec.json")) as spec:
        victim = [o for o in json.load(spec)["officers"]
                  if o["name"] == "jp.ncp.2"][0]
    at = lambda name: os.path.join(f.dir, "jp", name)
    doc = at("revoking.hfd")
    with open(at("root.pin")) as pin:
        root = pin.read().strip()
    # a registrar alone: the root lies in its safe
    f.run("jp.ops", "country", "revoke", victim["sign"], "--previous",
          at("1.hfd"), "--root", root, "--registrar-key",
          at("registrar.key"), "--out", doc).ok()
    watch = f.start_command("jp.ncp.2", "inbox", "--watch", "--for", "30",
                            "--json")
    time.sleep(0.8)
    before = f.request(basis="budapest", seconds="5184000")
    f.has("us.ncp", before, "request")
    f.run("us.ncp", "request", "progress", before, "--waiting-for",
          "judge").ok()
    f.has("jp.ncp", before, "progress")
    time.sleep(0.5)
    f.run("jp.ncp.2", "status").ok()
    f.run("jp.ops", "country", "publish", doc).ok()
    time.sleep(1.0)
    got = f.run("jp.ncp.2", "--timeout", "4", "request", "new", "--to", "US",
                "--kind", "preservation", "--basis", "budapest", "--form",
                f.form(), "--json")
    check(got.code != 0, "a revoked officer was served: " + got.out)
    ref = f.request(basis="budapest", seconds="5184000")
    f.run("us.ncp", "status").ok()
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "acknowledge", ref).ok()
    f.has("jp.ncp", ref, "acknowledge")
    time.sleep(0.5)
    watch.terminate()
    seen = watch.communicate(timeout=20)[0]
    check("progress" in seen, "the session was not live: " + seen)
    check("acknowledge" not in seen, "the live session saw: " + seen)
    # the newer document has travelled by itself
    end = time.monotonic() + 20
    while True:
        rows = f.run("us.ops", "roster", "ls", "--json").ok().lines()
        if [r["version"] for r in rows if r["country"] == "JP"] == [2]:
            break
        check(time.monotonic() < end, "US has no newer document: %r" % rows)
        time.sleep(0.2)
    f.verified("jp")


def test_nothing_runs_after_down(f):
    pids = [p for cc in ("jp", "us") for k, p in f.pids(cc).items()
            if not k.endswith("port")]
    f.script("down")
    time.sleep(0.2)
    left = [p for p in pids if os.path.exists("/proc/%d" % p) and
            "holdfastd" in open("/proc/%d/cmdline" % p).read()]
    equal(left, [], "processes left")
    f.script("up", *f.countries)
