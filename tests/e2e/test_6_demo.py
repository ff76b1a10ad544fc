"""The story that `make demo` tells comes out as it says."""

import os
import re
import signal
import subprocess

from harness import BUILD, TIMES, TOP, check, equal


def test_the_demo(*_):
    demo = subprocess.Popen(
        [os.path.join(TOP, "ops", "demo", "run"), BUILD], cwd=TOP,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    try:
        told = demo.communicate(timeout=200 * TIMES)[0]
    except BaseException:
        demo.send_signal(signal.SIGTERM)  # it takes its brokers down
        demo.communicate(timeout=30 * TIMES)
        raise
    equal(demo.returncode, 0, told[-2000:])
    check(" 0 divergences" in told, "no figures")
    receipts = re.search(r"(\d+) for (\d+) acts sent abroad, 0 missing", told)
    check(receipts and receipts[1] == receipts[2], "receipts: " + told[-800:])
