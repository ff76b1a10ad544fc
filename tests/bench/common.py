"""What the benches share: brokers, loads, rows of the table."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("HOLDFAST_BUILD", os.path.join(TOP, "build")))
FEDERATION = os.path.join(TOP, "ops", "federation")
HOLDFAST = os.path.join(BUILD, "holdfast")
LOAD = os.path.join(BUILD, "bench-load")
SYNCS = os.path.join(BUILD, "bench-syncs.so")
REPEAT = int(os.environ.get("BENCH_REPEAT", "3"))
ACTS = int(os.environ.get("BENCH_ACTS", "10000"))
WINDOW = 512
UNLIMITED = "map_size_mib = 8192\n" + "".join("%s_per_minute = 0\n" % x for x in (
    "desk_routine", "desk_urgent", "desk_reads", "peer_routine",
    "peer_urgent", "peer_frames"))


def say(text):
    """Progress: one line that is written over."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K" + text)
        sys.stderr.flush()


def call(*argv, progress=False, **env):
    argv = [str(a) for a in argv]
    done = subprocess.run(argv, stdout=subprocess.PIPE, text=True,
                          stderr=None if progress else subprocess.PIPE,
                          env={**os.environ, **env})
    if done.returncode != 0:
        sys.exit("%s: exit %d: %s%s" % (" ".join(argv)[:2000], done.returncode,
                                        done.stdout, done.stderr or ""))
    return done.stdout


def emit(row):
    say("")
    print(json.dumps(row), flush=True)
    return row


def medians(rows):
    """Of each number, also of those in an object within."""
    found = {}
    for key, value in rows[0].items():
        if isinstance(value, dict):
            found[key] = medians([r[key] for r in rows])
        elif isinstance(value, (int, float)):
            found[key] = statistics.median(r[key] for r in rows)
    return found


def at(values, share):
    """A percentile, as meter.c takes it."""
    return sorted(values)[int(share * (len(values) - 1) + 0.5)]


class Brokers:
    """A federation on loopback whose cores' syncs are counted."""

    def __init__(self, *countries, officers=2, settings="", **env):
        self.dir = tempfile.mkdtemp(prefix="hf-bench-")
        self.env = {"HOLDFAST_OFFICERS": str(officers),
                    "HOLDFAST_SETTINGS": UNLIMITED + settings,
                    "HOLDFAST_BUILD": BUILD, **env}
        try:
            self.script("up", *countries)
        except BaseException:
            self.down()
            raise

    def down(self):
        try:
            self.script("down")
        finally:
            shutil.rmtree(self.dir, ignore_errors=True)

    def script(self, verb, *args):
        counters = os.path.join(self.dir, "syncs")
        os.makedirs(counters, exist_ok=True)
        call(FEDERATION, verb, self.dir, *args, LD_PRELOAD=SYNCS,
             BENCH_SYNCS=counters, **self.env)

    def home(self, who):
        return os.path.join(self.dir, who)

    def homes(self, desk, count):
        return [self.home(desk)] + [self.home("%s.%d" % (desk, n))
                                    for n in range(2, count + 1)]

    def run(self, who, *args):
        return call(HOLDFAST, "--home", self.home(who), *args)

    def json(self, who, *args):
        return json.loads(self.run(who, *args, "--json"))

    def processes(self, low):
        """Role and id of each process of a broker."""
        with open(os.path.join(self.dir, low, "pid")) as f:
            top = int(f.read())
        found = {"supervisor": top}
        with open("/proc/%d/task/%d/children" % (top, top)) as f:
            for pid in f.read().split():
                with open("/proc/%s/cmdline" % pid) as g:
                    found[g.read().split("\0")[2]] = int(pid)
        return found

    def measured(self, *lows):
        """Options that have a load tell what brokers cost; syncs and commits
        are the first one's."""
        args = []
        for low in lows:
            found = self.processes(low)
            prefix = "" if low == lows[0] else low + "."
            for role, pid in sorted(found.items()):
                args += ["-p", "%s%s=%d" % (prefix, role, pid)]
            if low == lows[0]:
                args += ["-s", os.path.join(self.dir, "syncs",
                                            str(found["core"])),
                         "-d", os.path.join(self.dir, low, "data",
                                            "data.mdb")]
        return args


class Bench:
    """One run of this program: its limits, its rows, its plots."""

    def __init__(self):
        self.rows = []
        self.plots = []  # title, [[lower microseconds, count], ...]
        self.limits = None
        self.pair = None
        self.intake = self.saturation = None

    def brokers(self):
        """JP and US, made when the first bench wants them."""
        if self.pair is None:
            say("starting brokers")
            self.pair = Brokers("JP", "US", officers=8)
            for home in self.pair.homes("jp.ncp", 8) + ["us.ncp"]:
                # the others' documents
                self.pair.run(os.path.basename(home), "roster", "ls")
        return self.pair

    def close(self):
        if self.pair is not None:
            self.pair.down()

    def repeat(self, name, measure):
        """Medians of REPEAT runs, and how far those lie apart."""
        got = []
        for i in range(REPEAT):
            say("%s, run %d of %d" % (name, i + 1, REPEAT))
            got.append(emit({**measure(), "bench": name}))
        median = medians(got)
        spread = [r["acts_per_s"] for r in got if "acts_per_s" in r]
        median["spread"] = (max(spread) - min(spread)) / max(spread) \
            if spread else 0
        median["last"] = got[-1]
        return median

    def load(self, name, *args):
        return self.repeat(name, lambda: json.loads(call(LOAD, *args)))

    def row(self, bench, measured, ratio="", target=""):
        self.rows.append((bench, measured, ratio, target))

    def verifications(self):
        return self.limits["cores"] * self.limits["verify_per_s"]

    def parts(self, commits, verifications, trips, signatures=0):
        """Microseconds of so many of each by this run's limits."""
        x = self.limits
        return 1e6 * (commits / x["commits_per_s"] +
                      verifications / x["verify_per_s"] +
                      signatures / x["sign_per_s"] +
                      trips / x["curve_round_trips_per_s"])
