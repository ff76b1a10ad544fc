"""Nothing acknowledged is lost, nothing takes effect twice."""

import json
import os
import random
import threading
import time

from harness import SLOW, Federation, check, equal, unpack

ROLES = ("gate-desks", "gate-peers", "core", "signer", "supervisor")


def federation():
    return Federation("JP", "US")


def revive(f, cc, role):
    if role == "supervisor":
        time.sleep(0.1)  # its children follow it
        f.script("start", cc)


class Traffic:
    """JP asks and US answers, on and on, while processes are killed.  Only
    what a command has acknowledged is written down."""

    def __init__(self, f):
        self.f = f
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.requests = []  # (ref, act id), acknowledged
        self.signed = 0     # forms, each sent until it was acknowledged
        self.answers = []   # (ref, act id), acknowledged
        self.running = 0    # commands under way
        self.errors = []
        self.threads = [threading.Thread(target=self.guard, args=(t,))
                        for t in (self.ask, self.answer)]
        for t in self.threads:
            t.start()

    def guard(self, target):
        try:
            target()
        except Exception as e:
            self.errors.append(e)

    def send(self, who, *args):
        """Exit status and, once acknowledged, what was entered."""
        with self.lock:
            self.running += 1
        got = self.f.run(who, "--timeout", "4", *args, "--json")
        with self.lock:
            self.running -= 1
        check(got.code in (0, 1, 3, 4, 5, 7, 8), "%s: exit %d: %s" % (
            " ".join(args), got.code, got.err))
        return got.code, got.json() if got.code == 0 else None

    def ask(self):
        while not self.stop.is_set():
            form = self.f.form()
            self.signed += 1
            end = time.monotonic() + 90
            while True:
                _, done = self.send("jp.ncp", "request", "new", "--to", "US",
                                    "--kind", "preservation", "--basis",
                                    "budapest", "--form", form)
                if done is not None:
                    break
                check(time.monotonic() < end, "no answer in 90 s")
            self.requests.append((done["ref"], done["id"]))
            time.sleep(0.02)

    def answer(self):
        at = 0
        while not self.stop.is_set():
            if at == len(self.requests):
                time.sleep(0.01)
                continue
            ref = self.requests[at][0]
            code, done = self.send("us.ncp", "request", "acknowledge", ref)
            if done is not None:
                self.answers.append((ref, done["id"]))
            if code in (0, 7):  # 7: entered by the try before
                _, done = self.send("us.ncp", "request", "note", ref,
                                    "--text", "note of " + ref)
                if done is not None:
                    self.answers.append((ref, done["id"]))
                at += 1
            elif code == 5:  # not delivered yet
                time.sleep(0.02)

    def moved(self, since):
        """Both sides have had something acknowledged since."""
        check(not self.errors, "; ".join(str(e) for e in self.errors))
        return len(self.requests) > since[0] and len(self.answers) > since[1]

    def count(self):
        return len(self.requests), len(self.answers)

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()
        check(not self.errors, "; ".join(str(e) for e in self.errors))


def until(condition, what, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, what)
        time.sleep(0.05)


def quiet(f):
    """Nothing left to send: homes' outboxes and brokers' queues."""
    for who in ("jp.ncp", "us.ncp"):
        box = os.path.join(f.home(who), "outbox")
        if any(n.endswith(".act") for n in os.listdir(box)):
            ref = f.run(who, "request", "ls", "--json").ok().lines()[0]["ref"]
            f.run(who, "request", "note", ref, "--text", "the rest").ok()
        until(lambda: f.run(who, "queue", "ls", "--json").ok().out == "",
              "the queue of %s did not empty" % who)


def test_kill_each_process_in_the_middle(f):
    kills = 10 if SLOW else 50
    chance = random.Random(4711)
    traffic = Traffic(f)
    met = 0
    try:
        for i in range(kills):
            role = ROLES[i % len(ROLES)]
            cc = ("us", "jp")[(i // len(ROLES)) % 2]
            before = traffic.count()
            until(lambda: traffic.moved(before),
                  "no traffic before kill %d (%s of %s)" % (i, role, cc), 90)
            time.sleep(chance.random() * 0.06)
            met += traffic.running > 0
            f.kill(cc, role)
            revive(f, cc, role)
    finally:
        traffic.end()
    check(2 * met > kills, "only %d kills met an exchange" % met)
    quiet(f)
    refs = [r for r, _ in traffic.requests]
    equal(len(set(refs)), traffic.signed, "each request is one case")
    for ref in refs:
        f.has("us.ncp", ref, "request", 60)
    rows = f.run("us.ncp", "inbox", "--json", "--all").ok().lines()
    equal(sorted(r["ref"] for r in rows), sorted(refs),
          "the cases US has: nothing lost, nothing twice")
    acknowledged = {}
    for ref, act in traffic.requests + traffic.answers:
        acknowledged.setdefault(ref, set()).add(act)
    for ref in refs:
        sides = [f.show(who, ref) for who in ("jp.ncp", "us.ncp")]
        ids = [[a["id"] for a in s["acts"]] for s in sides]
        equal(sorted(ids[0]), sorted(ids[1]), "%s on both sides" % ref)
        equal(len(set(ids[0])), len(ids[0]), "%s has an act twice" % ref)
        check(acknowledged[ref] <= set(ids[0]), "%s lost an act" % ref)
        kinds = [a["kind"] for a in sides[0]["acts"]]
        check(kinds.count("request") == 1 and kinds.count("acknowledge") <= 1,
              "%s: %r" % (ref, kinds))
        texts = [a for a in sides[1]["acts"]
                 if "note of " in json.dumps(a.get("fields", {}))]
        check(len(texts) <= 1, "%s has a note twice" % ref)
        equal(sides[0]["state"], sides[1]["state"], "state of " + ref)
    for cc in ("jp", "us"):
        f.verified(cc)
        one = f.run("%s.audit" % cc, "audit", "verify",
                    "--json").ok().json()
        equal(one["divergences"], 0, "divergences of " + cc)
        ids = [unpack(e[0])[5] for e in f.ledger(cc)
               if unpack(e[0])[1] in (1, 2, 3)]
        equal(len(set(ids)), len(ids), "acts of %s's ledger, each once" % cc)
    equal(f.run("jp.audit", "audit", "receipts", "--missing",
                "--json").ok().lines(), [], "receipts missing")


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
