"""What end-to-end tests share: a federation of real brokers and its people."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("HOLDFAST_BUILD", os.path.join(TOP, "build")))
HOLDFAST = os.path.join(BUILD, "holdfast")
HOLDFASTD = os.path.join(BUILD, "holdfastd")
FEDERATION = os.path.join(TOP, "ops", "federation")
SLOW = bool(os.environ.get("HF_ASAN"))
# Time limits are so many times as long (valgrind).
TIMES = float(os.environ.get("HF_TIMES", "1"))

FORM = {
    "authority": "Metropolitan Police, Cyber Division",
    "offence": "Unauthorised access (Act 128/1999, art. 3)",
    "facts": "An account at example.jp was used without authority.",
    "relation": "The records show who held the address at that time.",
    "necessity": "Records are overwritten after seven days.",
    "mla_intent": "A request for assistance will follow.",
    "window": {"from": "2026-11-21T11:00:00+09:00",
               "until": "2026-11-21T11:10:00+09:00"},
    "categories": ["traffic"],
    "source_ip": ["198.51.100.23"],
    "source_port": [50123],
    "clock_error": 250,
    "record_type": ["radius"],
    "own_reference": "MPD-1121",
}
INSTRUMENT = {
    "issuer": "District Court",
    "instrument_reference": "26-mj-4711",
    "instrument_date": "2026-11-23T00:00:00-05:00",
    "law": "18 USC 2703(f)",
    "compulsion": "compulsory",
}
WINDOW = json.dumps(FORM["window"])


class Failure(Exception):
    pass


def check(condition, what):
    if not condition:
        raise Failure(what)


def short(value):
    text = repr(value)
    return text if len(text) < 400 else text[:300] + "... (%d)" % len(text)


def equal(got, wanted, what):
    check(got == wanted, "%s: %s, not %s" % (what, short(got), short(wanted)))


def unpack(data):
    """MessagePack of the canonical form (SPEC 1), enough to look inside."""
    value, at = unpack_at(data, 0)
    check(at == len(data), "bytes after the value")
    return value


def unpack_at(data, at):
    first = data[at]
    at += 1

    def number(size, signed=False):
        return int.from_bytes(data[at:at + size], "big", signed=signed)

    def members(count, at):
        got = []
        for _ in range(count):
            value, at = unpack_at(data, at)
            got.append(value)
        return got, at

    def mapping(count, at):
        got, at = members(2 * count, at)
        return dict(zip(got[::2], got[1::2])), at

    if first < 0x80:
        return first, at
    if first >= 0xe0:
        return first - 256, at
    if first < 0x90:
        return mapping(first & 15, at)
    if first < 0xa0:
        return members(first & 15, at)
    if first < 0xc0:
        size = first & 31
        return data[at:at + size].decode(), at + size
    if first in (0xc0, 0xc2, 0xc3):
        return {0xc0: None, 0xc2: False, 0xc3: True}[first], at
    if 0xc4 <= first <= 0xc6 or 0xd9 <= first <= 0xdb:
        width = 1 << (first - (0xc4 if first <= 0xc6 else 0xd9))
        size = number(width)
        at += width
        value = data[at:at + size]
        return value if first <= 0xc6 else value.decode(), at + size
    if 0xcc <= first <= 0xd3:
        width = 1 << (first & 3)
        return number(width, first >= 0xd0), at + width
    check(first in (0xdc, 0xdd, 0xde, 0xdf), "byte 0x%02x" % first)
    width = 2 if first in (0xdc, 0xde) else 4
    read = members if first < 0xde else mapping
    return read(number(width), at + width)


class Result:
    def __init__(self, done, args):
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr
        self.args = args

    def json(self):
        return json.loads(self.out)

    def lines(self):
        return [json.loads(x) for x in self.out.splitlines()]

    def ok(self):
        check(self.code == 0, "%s: exit %d: %s%s" % (
            " ".join(self.args), self.code, self.out, self.err))
        return self

    def fails(self, code, error=None):
        check(self.code == code, "%s: exit %d, not %d: %s%s" % (
            " ".join(self.args), self.code, code, self.out, self.err))
        if error is not None:
            check(error in self.err, "%s: no %s in: %s" % (
                " ".join(self.args), error, self.err))
        return self


class Federation:
    def __init__(self, *countries):
        self.dir = tempfile.mkdtemp(prefix="hf-e2e-")
        self.countries = countries
        self.serial = 0
        try:
            self.script("up", *countries)
        except BaseException:
            self.close()
            raise

    def script(self, verb, *args):
        done = subprocess.run([FEDERATION, verb, self.dir, *args],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=120 * TIMES)
        check(done.returncode == 0, "federation %s: %s%s" % (
            verb, done.stdout, done.stderr))
        return done.stdout

    def close(self):
        """Ends its brokers; whatever of them survives is a failure."""
        try:
            self.script("down")
            left = self.processes()
            end = time.monotonic() + 5 * TIMES
            while left and time.monotonic() < end:
                time.sleep(0.05)
                left = self.processes()
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            check(not left, "left running after down: %r" % left)
        finally:
            if not os.environ.get("HF_KEEP"):
                shutil.rmtree(self.dir, ignore_errors=True)

    def processes(self):
        """Ids of the processes whose command line names this directory."""
        found = []
        for name in os.listdir("/proc"):
            try:
                with open("/proc/%s/cmdline" % name, "rb") as f:
                    line = f.read()
            except OSError:
                continue
            if name.isdigit() and self.dir.encode() + b"/" in line and \
                    b"holdfast" in line:
                found.append(int(name))
        return found

    def home(self, who):
        return os.path.join(self.dir, who)

    def run(self, who, *args, timeout=60):
        argv = [HOLDFAST, "--home", self.home(who), *args]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=timeout * TIMES)
        return Result(done, argv[3:])

    @contextlib.contextmanager
    def agent(self, who, *options):
        """With the home's agent; what failed under it is told first."""
        self.run(who, "agent", *options).ok()
        try:
            yield
        except BaseException:
            self.run(who, "agent", "--stop")
            raise
        self.run(who, "agent", "--stop").ok()

    def start_command(self, who, *args):
        return subprocess.Popen([HOLDFAST, "--home", self.home(who), *args],
                                stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True)

    def file(self, name, content):
        path = os.path.join(self.dir, name)
        with open(path, "w") as f:
            if isinstance(content, str):
                f.write(content)
            else:
                json.dump(content, f)
        return path

    def form(self, **changes):
        """A form of its own each time, so that no two are the same."""
        self.serial += 1
        form = dict(FORM, own_reference="REF-%d-%d" % (os.getpid(), self.serial))
        form.update(changes)
        return self.file("form-%d.json" % self.serial,
                         {k: v for k, v in form.items() if v is not None})

    def instrument(self):
        return self.file("instrument.json", INSTRUMENT)

    def request(self, who="jp.ncp", to="US", *args, kind="preservation",
                form=None, basis="exercise", seconds="50"):
        return self.run(who, "request", "new", "--to", to, "--kind", kind,
                        "--basis", basis, "--seconds", seconds, "--form",
                        form or self.form(), "--json", *args).ok().json()["ref"]

    def show(self, who, ref):
        return self.run(who, "request", "show", ref, "--json").ok().json()

    def wait(self, who, ref, condition, what, seconds=20):
        """Until `condition(case)` holds on this desk's screen."""
        end = time.monotonic() + seconds * (3 if SLOW else 1) * TIMES
        last = None
        while time.monotonic() < end:
            got = self.run(who, "request", "show", ref, "--json")
            if got.code == 0:
                last = got.json()
                if condition(last):
                    return last
            time.sleep(0.05)
        raise Failure("%s did not see %s of %s: %s" % (
            who, what, ref, None if last is None else
            {"state": last["state"],
             "acts": [a["kind"] for a in last["acts"]]}))

    def has(self, who, ref, kind, seconds=20):
        return self.wait(who, ref,
                         lambda c: any(a["kind"] == kind for a in c["acts"]),
                         kind, seconds)

    def answers(self, who, seconds=20):
        """Until this desk's broker serves again."""
        end = time.monotonic() + seconds * (3 if SLOW else 1) * TIMES
        while self.run(who, "status").code != 0:
            check(time.monotonic() < end, "%s is not served again" % who)
            time.sleep(0.05)

    def pids(self, cc):
        with open(os.path.join(self.dir, cc, "data", "ready")) as f:
            return json.load(f)

    def kill(self, cc, role):
        """End a process of a broker; after a death before, the file of pids
        takes a moment to be right again."""
        end = time.monotonic() + 30
        while True:
            try:
                os.kill(self.pids(cc)[role], signal.SIGKILL)
                return
            except (OSError, ValueError):
                check(time.monotonic() < end, "no %s of %s to end" % (role, cc))
                time.sleep(0.02)

    def document(self, cc, version, change):
        """A new country document: `change` edits the specification."""
        here = os.path.join(self.dir, cc)
        with open(os.path.join(here, "spec.json")) as f:
            spec = json.load(f)
        change(spec)
        self.file("%s/spec.json" % cc, spec)
        out = os.path.join(here, "%d.hfd" % version)
        self.run("%s.ops" % cc, "country", "build", "--spec",
                 os.path.join(here, "spec.json"), "--root-key",
                 os.path.join(here, "root.key"), "--registrar-key",
                 os.path.join(here, "registrar.key"), "--previous",
                 os.path.join(here, "%d.hfd" % (version - 1)), "--out",
                 out).ok()
        return out

    def ledger(self, cc):
        """The entries of a broker's ledger, as its auditor fetches them:
        (leaf, core, envelope, signatures, payload), bytes each."""
        path = os.path.join(self.dir, "%s.archive" % cc)
        self.run("%s.audit" % cc, "audit", "fetch", "--out", path).ok()
        with open(os.path.join(path, "ledger"), "rb") as f:
            data = f.read()
        at = 0
        entries = []
        while at < len(data):
            size = int.from_bytes(data[at:at + 4], "big")
            entries.append(unpack(data[at + 4:at + 4 + size]))
            at += 4 + size
        return entries

    def broker_files(self, cc):
        for root, _, files in os.walk(os.path.join(self.dir, cc, "data")):
            for name in files:
                yield os.path.join(root, name)
        yield os.path.join(self.dir, cc, "log")

    def verified(self, cc):
        got = self.run("%s.audit" % cc, "audit", "replay", "--json",
                       timeout=120).ok().json()
        equal(got["divergences"], 0, "divergences of %s" % cc)
        equal(got["verified"], got["acts"], "acts verified of %s" % cc)
        return got
