"""Where the time of one act goes in its broker: perf(1) over an intake.

Needs perf and the right to use it.  Percentages of samples by stage, times
the processor time that the run took, are microseconds an act.
"""

import collections
import json
import os
import re
import signal
import subprocess
import sys
import time

from common import ACTS, LOAD, WINDOW, call, emit, say

# Stage and the functions that are it; the first that any frame names wins.
DECIDING = (
    ("commit: write and sync", "txn_commit"),
    ("read-back before signing", "ledger_verify_range engine_consistency"),
    ("log lines", "log_line log_group"),
    ("answers to the gate", "gates_send gates_flush"),
    ("receipts", "effects_fill"),
    ("head: signer, note", "sign_head"),
    ("admission", "engine_admit"),
    ("records from the gate", "read_gate"),
    ("deadlines", "settle_folded"),
    ("ledger: leaf and nodes", "ledger_add_act"),
    ("body: key and sealing", "store_key_new case_body_put"),
    ("inbox and outbox", "inbox_put outbox_put"),
    ("act read again", "intake_decode"),
    ("judged and entered", "intake_own"),
    ("the rest of the turn", "core_turn"),
)
VERIFYING = (
    ("signature", "hf_act_verify"),
    ("act read, commitments", "desk_preverify"),
)


def stage_of(frames, stages):
    for name, functions in stages:
        if any(f in frames for f in functions.split()):
            return name
    return "outside"


def stacks(path, pid):
    """Thread and names of functions of each sample."""
    out = call("perf", "script", "-i", path, "--pid", pid, "-F", "tid,ip,sym")
    for block in out.split("\n\n"):
        lines = block.strip().splitlines()
        if len(lines) > 1:
            names = {re.split(r"[ +]", line.split(None, 1)[-1])[0]
                     for line in lines[1:]}
            yield int(lines[0]), names


def record(path, pid):
    perf = subprocess.Popen(
        ["perf", "record", "-q", "-F", "499", "--call-graph", "dwarf,16384",
         "-p", str(pid), "-o", path], stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    if perf.poll() is not None:
        sys.exit("perf cannot look at process %d: install linux-perf, or "
                 "lower kernel.perf_event_paranoid" % pid)
    return perf


def cpu_us(pid):
    """Processor time of each thread."""
    tick = 1e6 / os.sysconf("SC_CLK_TCK")
    found = {}
    for tid in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/stat" % (pid, tid)) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        found[int(tid)] = (int(fields[11]) + int(fields[12])) * tick
    return found


def cost(b):
    f = b.brokers()
    f.script("stop", "US")
    core = f.processes("jp")["core"]
    path = os.path.join(f.dir, "perf.data")
    args = [LOAD, *f.measured("jp"), "intake",
            ",".join(f.homes("jp.ncp", 8)), "us.ncp", ACTS, WINDOW]
    say("cost, the run that is timed")
    before = cpu_us(core)
    plain = json.loads(call(*args))
    spent = {t: us - before.get(t, 0) for t, us in cpu_us(core).items()}
    say("cost, the run that is looked at")
    perf = record(path, core)
    call(*args)
    perf.send_signal(signal.SIGINT)
    perf.wait()
    f.script("start", "US")
    counts = collections.Counter()
    threads = collections.Counter()
    for tid, names in stacks(path, core):
        role = "deciding" if tid == core else "verifying"
        threads[role] += 1
        counts[role, stage_of(
            names, DECIDING if tid == core else VERIFYING)] += 1
    total = {"deciding": spent[core] / ACTS,
             "verifying": sum(us for t, us in spent.items()
                              if t != core) / ACTS}
    row = {"bench": "cost", "acts_per_s": plain["acts_per_s"],
           "cpu_us_per_act": plain["cpu_us_per_act"],
           "us_per_act": {r: round(us, 1) for r, us in total.items()},
           "stages": []}
    for (role, stage), n in counts.most_common():
        us = total[role] * n / threads[role]
        row["stages"].append([role, stage, round(us, 1)])
    emit(row)
    for role in total:
        b.row("cost, %s" % role, "%.1f us an act" % total[role])
        for r, stage, us in row["stages"]:
            if r == role:
                b.row("  " + stage, "%.1f us" % us)
