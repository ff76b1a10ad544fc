#!/usr/bin/env python3
"""Run the end-to-end tests: every test_* function of every test_*.py here.

  run.py                  all
  run.py --only NAME      one (a part of the name is enough), or a file's,
                          as test_7_audit

Each test prints `ok NAME (seconds)` or `FAIL NAME: why`, and the command
that repeats it.  Tests of one file share a federation if the file has a
function `federation()`.
"""

import importlib
import os
import signal
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


def main():
    only = sys.argv[2] if len(sys.argv) > 2 and sys.argv[1] == "--only" else ""
    signal.signal(signal.SIGALRM, on_alarm)
    signal.signal(signal.SIGTERM, on_end)
    good = True
    count = 0
    for file in sorted(os.listdir(HERE)):
        if harness.SLOW and not only and file in WITHOUT_SANITIZER:
            print("%s: not under a sanitizer" % file)
            continue
        if os.environ.get("HF_MEMCHECK") and file in WITHOUT_MEMCHECK:
            print("%s: not under memcheck" % file)
            continue
        if not (file.startswith("test_") and file.endswith(".py")):
            continue
        module = importlib.import_module(file[:-3])
        tests = [(n, f) for n, f in vars(module).items()
                 if n.startswith("test_") and callable(f) and
                 (only in n or only == file[:-3])]
        if not tests:
            continue
        shared = []
        try:
            if hasattr(module, "federation"):
                shared = [module.federation()]
            for name, function in tests:
                good = run_one(name, function, shared) and good
                count += 1
        except Exception as e:  # the federation did not come up
            print("FAIL %s: %s" % (file, e), flush=True)
            good = False
        finally:
            for f in shared:
                good = down(file, f) and good
    sys.exit(0 if good and count > 0 else 1)


if __name__ == "__main__":
    main()
