"""Nothing acknowledged is lost, nothing takes effect twice."""

import json
import os
import random
import subprocess
import time

from harness import SLOW, Federation, check, equal

ROLES = ("gate-desks", "gate-peers", "core", "signer", "supervisor")


def federation():
    return Federation("JP", "US")


def revive(f, cc, role):
    if role == "supervisor":
        time.sleep(0.1)  # its children follow it
        f.script("start", cc)


def entered(f, ref_file, *args):
    """Send until the broker has answered; the reference."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        got = f.run("jp.ncp", "--timeout", "5", *args)
        if got.code == 0:
            return got.json()["ref"]
        check(got.code in (1, 3, 4, 8), "%d: %s" % (got.code, got.err))
    check(False, "no answer in 60 s")


def test_kill_each_process_in_the_middle(f):
    kills = 10 if SLOW else 50
    chance = random.Random(4711)
    refs = []
    for i in range(kills):
        role = ROLES[i % len(ROLES)]
        cc = ("us", "jp")[(i // len(ROLES)) % 2]
        args = ["request", "new", "--to", "US", "--kind", "preservation",
                "--basis", "budapest", "--form", f.form(), "--json"]
        sending = f.start_command("jp.ncp", "--timeout", "5", *args)
        time.sleep(chance.random() * 0.08)
        f.kill(cc, role)
        out, _ = sending.communicate(timeout=60)
        revive(f, cc, role)
        if sending.returncode == 0:
            refs.append(json.loads(out)["ref"])
        else:
            refs.append(entered(f, None, *args))
    for ref in refs:
        f.has("us.ncp", ref, "request", 60)
    equal(len(set(refs)), kills, "each request is one case")
    rows = f.run("us.ncp", "inbox", "--json", "--all").ok().lines()
    equal(sorted(r["ref"] for r in rows), sorted(refs),
          "the cases US has: nothing lost, nothing twice")
    for cc in ("jp", "us"):
        f.verified(cc)
    equal(f.run("jp.audit", "audit", "receipts", "--missing",
                "--json").ok().lines(), [], "receipts missing")


def test_peer_down_then_back_without_new_traffic(f):
    f.script("stop", "us")
    refs = [f.request(basis="budapest", seconds="5184000")
            for _ in range(5)]
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
    spec = json.load(open(os.path.join(f.dir, "jp", "spec.json")))
    victim = [o for o in spec["officers"] if o["name"] == "jp.ncp.2"][0]
    spec["revocations"].append({"key": victim["sign"]})
    path = f.file("revoking.json", spec)
    doc = os.path.join(f.dir, "jp.2.hfd")
    f.run("jp.ops", "country", "build", "--spec", path, "--root-key",
          os.path.join(f.dir, "jp", "root.key"), "--registrar-key",
          os.path.join(f.dir, "jp", "registrar.key"), "--previous",
          os.path.join(f.dir, "jp", "1.hfd"), "--out", doc).ok()
    watch = f.start_command("jp.ncp.2", "inbox", "--watch", "--for", "30",
                            "--json")
    time.sleep(0.8)
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
