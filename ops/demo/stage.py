"""What the demo's story is told with: people who type commands, a second
officer in each country whose screen shows when an act arrives, brokers, and
an end that leaves nothing running.

Everything that a reader sees is a command as it can be typed, and what that
command printed.  The script itself reads JSON, and stops the demo when a
step did not do what the story says.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Stop(Exception):
    """A step did not do what the story says."""


def check(true, text, *what):
    if not true:
        raise Stop(text % what if what else text)


class Screen(threading.Thread):
    """`inbox --watch` of one officer: the moments at which events appear."""

    def __init__(self, stage, who, after=0, show=False):
        super().__init__(daemon=True)
        self.events, self.news = [], threading.Condition()
        self.show, self.last = show, after
        args = ["inbox", "--watch", "--after", str(after)]
        if show:
            stage.say_command(who, args, " &")
        self.process = subprocess.Popen(
            stage.argv(who, args + ([] if show else ["--json"])),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True)
        self.start()

    def run(self):
        for line in self.process.stdout:
            now = time.monotonic()
            if self.show:
                print("  >> " + line.rstrip(), flush=True)
            event = {"event": line.split()[2]} if self.show else json.loads(line)
            with self.news:
                self.last = event.get("sequence", self.last)
                self.events.append((now, event))
                self.news.notify_all()

    def wait(self, seconds, **match):
        """The moment of the first such event; None: it did not come."""
        end = time.monotonic() + seconds
        with self.news:
            while True:
                for at, event in self.events:
                    if all(event.get(k) == v for k, v in match.items()):
                        return at
                left = end - time.monotonic()
                if left <= 0:
                    return None
                self.news.wait(left)

    def close(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.join()


class Stage:
    def __init__(self, build):
        self.build = os.path.relpath(os.path.abspath(build), TOP)
        os.chdir(TOP)
        os.environ["HOLDFAST_BUILD"] = self.build
        self.dir = tempfile.mkdtemp(prefix="holdfast-demo-")
        self.screens, self.pids = {}, set()
        self.latencies, self.scenes = [], 0
        self.begin = self.typed = time.monotonic()

    # ---- what the reader sees ----

    def scene(self, title):
        self.scenes += 1
        print("\n== %d. %s   [%.1f s]" % (
            self.scenes, title, time.monotonic() - self.begin), flush=True)

    def tell(self, text):
        print("   " + text, flush=True)

    def say_command(self, who, args, end=""):
        line = " ".join(a if a.startswith("$D") else shlex.quote(a) for a in args)
        print("%s$ holdfast --home $D/%s %s%s" % (who, who, line, end), flush=True)

    # ---- people at their desks ----

    def argv(self, who, args):
        return [os.path.join(self.build, "holdfast"), "--home",
                os.path.join(self.dir, who), *args]

    def start(self, who, *args):
        """Type a command and do not wait for it."""
        self.say_command(who, args)
        self.typed = time.monotonic()
        return subprocess.Popen(self.argv(who, args), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True)

    def finish(self, process, expect=0):
        out = process.communicate(timeout=30)[0]
        for line in out.splitlines():
            print("  " + line)
        sys.stdout.flush()
        check(process.returncode == expect, "exit status %d, not %d",
              process.returncode, expect)
        return out

    def call(self, who, *args, expect=0):
        return self.finish(self.start(who, *args), expect)

    def opened(self, who, *args):
        """The references of the cases that a command opened."""
        return re.findall(r"^(\S+)  (?:request|order) entered",
                          self.call(who, *args), re.M)

    # ---- what the script itself looks at ----

    def rows(self, who, *args):
        done = subprocess.run(self.argv(who, [*args, "--json"]),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=30)
        check(done.returncode == 0, "%s %s: %s", who, " ".join(args), done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def data(self, who, *args):
        return self.rows(who, *args)[0]

    def case(self, who, ref):
        return self.data(who, "request", "show", ref)

    def until(self, who, ref, what, condition, seconds=20):
        end = time.monotonic() + seconds
        while True:
            try:
                c = self.case(who, ref)
            except Stop:
                c = None  # has not arrived
            if c is not None and condition(c):
                return c
            check(time.monotonic() < end, "%s never saw %s of %s: %s", who, what,
                  ref, c and c["state"])
            time.sleep(0.02)

    def count(self, c, kind):
        return sum(a["kind"] == kind for a in c["acts"])

    def arrives(self, who, ref, kind, sender):
        """The act just typed is on the other country's screen: how long it
        took since Enter.  Then the case as that desk sees it."""
        case_id = self.case(who, ref)["id"] if kind != "request" else None
        typed, match = self.typed, {"event": kind, "from": sender}
        c = self.until(who, ref, kind, lambda c: self.count(c, kind) > 0)
        act = [a for a in c["acts"] if a["kind"] == kind][-1]
        at = self.screens[who.split(".")[0]].wait(5, act=act["id"], **match)
        check(at is not None, "%s's screen never showed %s", who, kind)
        check(case_id in (None, c["id"]), "%s became another case", ref)
        self.latencies.append((at - typed) * 1000)
        return c

    def watch(self, cc):
        """The second officer of a country looks at the screen."""
        self.screens[cc] = Screen(self, cc + ".ncp.2")

    # ---- brokers ----

    def federation(self, verb, *args):
        print("$ ops/federation %s" % " ".join([verb, "$D", *args]), flush=True)
        done = subprocess.run(["ops/federation", verb, self.dir, *args])
        check(done.returncode == 0, "ops/federation %s", verb)

    def ready(self, cc):
        """Ports and process ids of a broker."""
        path = os.path.join(self.dir, cc, "data", "ready")
        with open(path, encoding="utf-8") as f:
            r = json.load(f)
        self.pids.update(v for k, v in r.items() if not k.endswith("_port"))
        return r

    def kill(self, cc, process):
        pid = self.ready(cc)[process]
        print("$ kill -9 %d   # %s's %s" % (pid, cc.upper(), process), flush=True)
        os.kill(pid, signal.SIGKILL)
        return pid

    def alive(self):
        """Processes of the demo's brokers, whoever started them."""
        found, mark = [], os.fsencode(self.dir + "/")
        for name in os.listdir("/proc"):
            try:
                with open("/proc/%s/cmdline" % name, "rb") as f:
                    line = f.read()
            except OSError:
                continue
            if name.isdigit() and mark in line and b"holdfastd" in line:
                found.append(int(name))
        return found

    def close(self):
        """End what the demo started, whatever happened; what is left."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for screen in self.screens.values():
            screen.close()
        subprocess.run(["ops/federation", "down", self.dir])
        end = time.monotonic() + 5
        while self.alive() and time.monotonic() < end:
            time.sleep(0.02)
        left = self.alive()
        if os.environ.get("HF_KEEP"):
            print("   kept: D=%s   ops/federation up $D   starts it again" % self.dir)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)
        return left
