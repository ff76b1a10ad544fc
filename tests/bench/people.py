"""Commands as whole processes, many desks, many peers."""

import importlib.machinery
import importlib.util
import json
import os
import signal
import subprocess
import sys
import time

from common import (BUILD, FEDERATION, HOLDFAST, LOAD, REPEAT, Brokers, at,
                    emit, medians, say)
import exchange

RUNS = int(os.environ.get("BENCH_RUNS", "100"))
DESKS = int(os.environ.get("BENCH_DESKS", "1000"))
PEERS = int(os.environ.get("BENCH_PEERS", "63"))
PROVIDERS = int(os.environ.get("BENCH_PROVIDERS", "100"))
IDLE_SECONDS = float(os.environ.get("BENCH_IDLE_SECONDS", "30"))
A_KEY = 4  # connections that a gate lets one key have


# ---- cold commands ----

def spans(argv):
    """Seconds of each of RUNS processes, from spawn to end."""
    quiet = [(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)]
    found = []
    for _ in range(RUNS):
        begin = time.monotonic()
        pid = os.posix_spawn(argv[0], argv, os.environ, file_actions=quiet)
        _, status = os.waitpid(pid, 0)
        found.append(time.monotonic() - begin)
        if status != 0:
            sys.exit("%s: ends with %d" % (" ".join(argv), status))
    return found


def cold(b):
    """`version` is what a process costs that asks nobody."""
    f = b.brokers()
    ref = exchange.request(f, "preservation", "COLD-%f" % time.time())
    home = [HOLDFAST, "--home", f.home("us.ncp")]
    bare = None
    for name, argv in (("version", [HOLDFAST, "version"]),
                       ("inbox", home + ["inbox"]),
                       ("request show", home + ["request", "show", ref])):
        say("cold %s, %d processes" % (name, RUNS))
        ms = [1e3 * s for s in spans(argv)]
        m = {"bench": "cold " + name, "runs": RUNS,
             "p50_ms": round(at(ms, 0.5), 2), "p99_ms": round(at(ms, 0.99), 2)}
        bare = bare or m["p50_ms"]
        m["of_version"] = round(m["p50_ms"] / bare, 2)
        if name == "inbox":
            m["rows"] = len(f.run("us.ncp", "inbox", "--json").splitlines())
        emit(m)
        b.row("cold " + name, "p50 %.1f ms, p99 %.1f ms" % (
            m["p50_ms"], m["p99_ms"]), "%.1f x version" % m["of_version"],
            "15 ms" if name == "inbox" else "")


# ---- many connections ----

class Watchers:
    """bench-load watch: many connections of a process of its own, each of
    which is told events from now on."""

    def __init__(self, homes, each, events):
        self.process = subprocess.Popen(
            [LOAD, "watch", str(each), str(events)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.process.stdin.write("".join(h + "\n" for h in homes) + "\n")
        self.process.stdin.flush()
        if self.process.stdout.readline() != "ready\n":
            self.process.wait()
            sys.exit("watchers: not connected")

    def result(self):
        """When all events have come: monotonic times of each, sorted."""
        line = self.process.stdout.readline()
        self.end()
        if line == "":
            sys.exit("watchers: events did not come")
        return sorted(json.loads(line)["at"])

    def end(self):
        self.process.stdin.close()
        self.process.wait()


ROOM = ("connections_max = 4096\nsource_connections_max = 4096\n"
        "handshakes_max = 2048\n")


def fan_out(b):
    say("fan-out, making %d providers and %d officers" % (
        PROVIDERS, DESKS // A_KEY))
    f = Brokers("JP", "US", officers=DESKS // A_KEY, settings=ROOM,
                HOLDFAST_PROVIDERS=str(PROVIDERS))
    try:
        orders(b, f)
        crowd(b, f)
    finally:
        f.down()


def orders(b, f):
    """From the command's start, which composes and signs, to the last of the
    providers' screens."""
    names = ["us.isp%d" % (n + 1) for n in range(PROVIDERS)]
    instrument = exchange.write_json(f, "instrument.json", exchange.INSTRUMENT)
    to = [x for name in names for x in ("--to", name)]
    got = []
    for i in range(REPEAT):
        say("fan-out of orders, run %d of %d" % (i + 1, REPEAT))
        ref = exchange.request(f, "preservation", "FAN-%d" % i)
        f.run("us.ncp", "request", "acknowledge", ref)
        f.run("us.ncp", "request", "accept", ref)
        w = Watchers([f.home(n) for n in names], 1, PROVIDERS)
        begin = time.monotonic()
        f.run("us.ncp", "order", "new", ref, *to, "--form", instrument)
        done = time.monotonic() - begin
        came = w.result()
        got.append(emit({"bench": "fan-out orders", "desks": PROVIDERS,
                         "first_ms": round(1e3 * (came[0] - begin), 1),
                         "last_ms": round(1e3 * (came[-1] - begin), 1),
                         "command_ms": round(1e3 * done, 1)}))
    last = at([m["last_ms"] for m in got], 0.5)
    first = at([m["first_ms"] for m in got], 0.5)
    parts = PROVIDERS * b.parts(1, 1, 1.5, signatures=1) / 1e3
    b.row("fan-out, %d orders" % PROVIDERS, "first desk %.0f ms, last %.0f ms"
          % (first, last), "%.1f x %d times an act's parts (%.0f ms)" % (
              last / parts, PROVIDERS, parts))


def crowd(b, f):
    """One event to a desk with so many connections, all watching."""
    w, got = None, []
    homes = f.homes("us.ncp", DESKS // A_KEY)
    for i in range(REPEAT):
        say("fan-out to %d watches, run %d of %d" % (DESKS, i + 1, REPEAT))
        w = Watchers(homes, A_KEY, len(homes) * A_KEY)
        begin = time.monotonic()
        exchange.request_only(f, "preservation", "CROWD-%d" % i)
        came = w.result()
        got.append(emit({
            "bench": "fan-out watch", "connections": len(came),
            "first_ms": round(1e3 * (came[0] - begin), 1),
            "p50_ms": round(1e3 * (at(came, 0.5) - begin), 1),
            "last_ms": round(1e3 * (came[-1] - begin), 1),
            "us_each": round(1e6 * (came[-1] - came[0]) / len(came), 1)}))
    each = at([m["us_each"] for m in got], 0.5)
    trip = b.parts(0, 0, 0.5)
    b.row("fan-out, %d watches" % got[0]["connections"],
          "first %.0f ms, last %.0f ms after the command's start" % (
              at([m["first_ms"] for m in got], 0.5),
              at([m["last_ms"] for m in got], 0.5)),
          "%.0f us each, %.2f x a transport hop (%.0f us)" % (
              each, each / trip, trip))


# ---- idle ----

def peers(f, count):
    """Brokers of so many countries more, each of which knows itself and JP,
    as JP knows all of them; quick to make, for they have one desk."""
    loader = importlib.machinery.SourceFileLoader("federation", FEDERATION)
    os.environ["HOLDFAST_BUILD"] = BUILD
    os.environ["HOLDFAST_SETTINGS"] = ""
    sys.dont_write_bytecode = True
    maker = importlib.util.module_from_spec(
        importlib.util.spec_from_loader("federation", loader))
    loader.exec_module(maker)
    maker.DESKS = [("ops", ["ops"], "operator", "operator", True)]
    jp = maker.Country(f.dir, "JP")
    codes = [a + b for a in "ABCDEFGHI" for b in "CDEFGHILMNOPQRSTZ"
             if a + b != "EU"][:count]
    made = []
    for code in codes:
        say("idle, making %s" % code)
        c = maker.Country(f.dir, code)
        c.create()
        c.pin([c, jp])
        c.start()  # at once: connections are given ports out of the same range
        made.append(c)
    maker.DESKS = []  # JP's homes need not know them
    jp.pin(made + [jp])
    return made


def own_memory(pid):
    """KiB that are its alone, and those that no file backs."""
    found = {}
    with open("/proc/%d/smaps_rollup" % pid) as f:
        for line in f:
            words = line.split()
            if words[0].startswith("Private_") or words[0] == "Anonymous:":
                found[words[0]] = int(words[1])
    return (sum(v for k, v in found.items() if k.startswith("Private_")),
            found["Anonymous:"])


def processor(pid):
    """Seconds of all its threads."""
    with open("/proc/%d/stat" % pid) as f:
        words = f.read().rsplit(")", 1)[1].split()
    return sum(int(x) for x in words[11:13]) / os.sysconf("SC_CLK_TCK")


def idle(b):
    """All processes of one broker with many peers and desks connected that
    say nothing but their heartbeats."""
    say("idle, making %d officers" % (DESKS // A_KEY))
    f = Brokers("JP", officers=DESKS // A_KEY, settings=ROOM)
    w = None
    try:
        others = peers(f, PEERS)
        os.kill(f.processes("jp")["supervisor"], signal.SIGHUP)
        up = links_up(f, len(others))
        w = Watchers(f.homes("jp.ncp", DESKS // A_KEY), A_KEY, 1 << 20)
        time.sleep(IDLE_SECONDS / 6)  # what connecting left behind
        got = [idle_run(f) for _ in range(REPEAT)]
    finally:
        if w is not None:
            w.end()
        f.down()
    m = medians(got)
    for row in got:
        emit({"bench": "idle", "peers": up,
              "connections": DESKS // A_KEY * A_KEY, **row})
    b.row("idle, %d peers, %d desks" % (up, DESKS // A_KEY * A_KEY),
          ", ".join("%s %.2f %%" % (k, v) for k, v in m["cpu"].items()),
          "%.2f %% of one core" % m["cpu_percent"], "2 %")
    b.row("", ", ".join("%s %.0f MiB" % (k, v / 1024)
                        for k, v in m["own_kib"].items()),
          "%.0f MiB, %.0f not of files" % (
              sum(m["own_kib"].values()) / 1024, m["anon_kib"] / 1024),
          "150 MiB")


def links_up(f, count):
    """How many are, when all are or none has come for a while: one whose port
    was taken meanwhile stays away."""
    most, since = 0, time.monotonic()
    while True:
        rows = [json.loads(x) for x in
                f.run("jp.ops", "peer", "ls", "--json").splitlines()]
        up = sum(1 for r in rows if r["up"])
        say("idle, %d of %d links up" % (up, count))
        if up > most:
            most, since = up, time.monotonic()
        if up == count:
            return up
        if time.monotonic() - since > 30:
            if up == 0:
                sys.exit("idle: no link comes up")
            return up
        time.sleep(0.5)


def idle_run(f):
    found = f.processes("jp")
    before = {role: processor(pid) for role, pid in found.items()}
    begin = time.monotonic()
    say("idle, %.0f s of it" % IDLE_SECONDS)
    time.sleep(IDLE_SECONDS)
    spent = time.monotonic() - begin
    cpu = {role: 100 * (processor(pid) - before[role]) / spent
           for role, pid in found.items()}
    memory = {role: own_memory(pid) for role, pid in found.items()}
    return {"seconds": round(spent, 1),
            "cpu": {k: round(v, 3) for k, v in cpu.items()},
            "cpu_percent": round(sum(cpu.values()), 3),
            "own_kib": {k: v[0] for k, v in memory.items()},
            "anon_kib": sum(v[1] for v in memory.values())}
