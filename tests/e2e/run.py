#!/usr/bin/env python3
"""Run the end-to-end tests: every test_* function of every test_*.py here.

  run.py                  all
  run.py --only NAME      one (a part of the name is enough), or a file's,
                          as test_7_audit

Each test prints `ok NAME (seconds)` or `FAIL NAME: why`, and the command
that repeats it.  Tests of one file share a federation if the file has a
function `federation()`.  Most of the time they wait, so two files (JOBS=n)
run side by side, each in a process of its own.
"""

import argparse
import concurrent.futures
import importlib
import os
import signal
import subprocess
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import harness  # noqa: E402

LIMIT_SECONDS = int(240 * harness.TIMES)
# filling a store takes minutes there; make check does it
WITHOUT_SANITIZER = ("test_5_full.py",)
# nor under memcheck, which also has no seccomp, no Landlock and no room for
# another preloaded library, nor time for the demo's terms of seconds
WITHOUT_MEMCHECK = ("test_5_full.py", "test_9_auth.py", "test_9_confine.py",
                    "test_6_demo.py")
LONG = ("test_5_full.py", "test_6_demo.py", "test_1_main.py")


def on_alarm(signum, frame):
    raise harness.Failure("took longer than %d s" % LIMIT_SECONDS)


def on_end(signum, frame):
    """Ended from outside: brokers are still taken down on the way out."""
    sys.exit(128 + signum)


def run_one(name, function, args):
    begin = time.monotonic()
    signal.alarm(LIMIT_SECONDS)
    try:
        function(*args)
    except Exception as e:  # a test may fail in any way
        why = str(e) if isinstance(e, harness.Failure) else \
            traceback.format_exc(limit=3)
        print("FAIL %s: %s\n  repeat: python3 tests/e2e/run.py --only %s"
              % (name, why.replace("\n", "\n  "), name), flush=True)
        return False
    finally:
        signal.alarm(0)
    print("ok %s (%.1f s)" % (name, time.monotonic() - begin), flush=True)
    return True


def down(file, federation):
    try:
        federation.close()
    except Exception as e:
        print("FAIL %s, closing: %s" % (file, e), flush=True)
        return False
    return True


def files():
    for file in sorted(os.listdir(HERE)):
        if file.startswith("test_") and file.endswith(".py"):
            yield file


def left_out(file, only):
    if harness.SLOW and not only and file in WITHOUT_SANITIZER:
        return "not under a sanitizer"
    if os.environ.get("HF_MEMCHECK") and file in WITHOUT_MEMCHECK:
        return "not under memcheck"
    return None


def run_file(file, only):
    """How many ran, and whether all were good."""
    module = importlib.import_module(file[:-3])
    tests = [(n, f) for n, f in vars(module).items()
             if n.startswith("test_") and callable(f) and
             (only in n or only == file[:-3])]
    if not tests:
        return 0, True
    good = True
    shared = []
    try:
        if hasattr(module, "federation"):
            shared = [module.federation()]
        for name, function in tests:
            good = run_one(name, function, shared) and good
    except Exception as e:  # the federation did not come up
        print("FAIL %s: %s" % (file, e), flush=True)
        good = False
    finally:
        for f in shared:
            good = down(file, f) and good
    return len(tests), good


def side_by_side(names, jobs):
    children = []

    def one(file):
        child = subprocess.Popen(
            [sys.executable, os.path.abspath(__file__), "--only", file[:-3]],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        children.append(child)
        said = child.communicate()[0]
        if child.returncode != 0 and "FAIL " not in said:
            said += "FAIL %s: status %d\n" % (file, child.returncode)
        print(said, end="", flush=True)
        return child.returncode == 0

    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        asked = [pool.submit(one, n) for n in names]
        try:
            return all([a.result() for a in asked])
        finally:
            for a in asked:
                a.cancel()
            for child in children:
                if child.poll() is None:
                    child.terminate()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--only", default="")
    a = p.parse_args()
    signal.signal(signal.SIGALRM, on_alarm)
    signal.signal(signal.SIGTERM, on_end)
    names = []
    for file in files():
        why = left_out(file, a.only)
        if why:
            print("%s: %s" % (file, why))
        else:
            names.append(file)
    if a.only:
        done = [run_file(n, a.only) for n in names]
        sys.exit(0 if all(good for _, good in done) and
                 sum(count for count, _ in done) > 0 else 1)
    # what takes longest first
    names.sort(key=lambda n: n not in LONG)
    jobs = int(os.environ.get("JOBS", "1" if os.environ.get("HF_MEMCHECK") else "2"))
    sys.exit(0 if names and side_by_side(names, jobs) else 1)


if __name__ == "__main__":
    main()
