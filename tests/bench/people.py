"""Commands as whole processes, many desks, many peers."""

import json
import os
import subprocess
import sys
import time

from common import (BUILD, HOLDFAST, LOAD, REPEAT, Brokers, at, call, emit,
                    say)
import exchange

RUNS = int(os.environ.get("BENCH_RUNS", "100"))
DESKS = int(os.environ.get("BENCH_DESKS", "1000"))
PEERS = int(os.environ.get("BENCH_PEERS", "200"))
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

def idle(b):
    raise SystemExit("idle")
