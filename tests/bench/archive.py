"""What an old and large ledger costs, and an auditor's passes over it."""

import json
import os
import subprocess
import sys
import time

from common import ACTS, BUILD, HOLDFAST, LOAD, WINDOW, call, emit

ENTRIES = os.environ.get("BENCH_ENTRIES", "1000,10000,100000,1000000")
AUDIT_ACTS = os.environ.get("BENCH_AUDIT_ACTS", "100000")
GROWTH = os.environ.get("BENCH_GROWTH", "10000,100000")
GROWTH_CASES = os.environ.get("BENCH_GROWTH_CASES", "1000000")


def program(name, *args):
    out = call(os.path.join(BUILD, name), *args, progress=True)
    print(out, end="", flush=True)
    return [json.loads(line) for line in out.splitlines()]


def ledger(b):
    """Prove and start at each size."""
    for entries in ENTRIES.split(","):
        rows = {r["bench"]: r for r in program("bench-ledger", entries)}
        b.row("prove at %s" % entries, "median %.1f us, worst %.1f us" % (
            rows["prove"]["median_us"], rows["prove"]["worst_us"]),
            "%.1f x a verification" % (
                rows["prove"]["median_us"] / b.parts(0, 1, 0)), "under 1 ms")
        b.row("start at %s" % entries, "%d ms" % rows["start"]["ms"],
              "%.1f x a synced commit" % (
                  1e3 * rows["start"]["ms"] / b.parts(1, 0, 0)), "under 2 s")


def audit(b):
    rows = {r["bench"]: r for r in program("bench-audit", AUDIT_ACTS)}
    for name in ("verify", "replay"):
        m = rows[name]
        b.row("audit %s, %d acts" % (name, m["acts"]),
              "%d acts/s, %d signatures/s, %.1f MiB" % (
                  m["acts_per_s"], m["signatures_per_s"],
                  m["anon_kib"] / 1024),
              "%.2f of cores x verifications, %.2f of the time it got" % (
                  m["ratio"], m["cpu_ratio"]), "0.85, 64 MiB")
    b.row("receipt, 3 cosignatures", "%d bytes" % rows["receipt"]["bytes"],
          "", "1200")


def anon_kib(pid):
    try:
        with open("/proc/%d/status" % pid) as status:
            for line in status:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1])
    except OSError:
        pass
    return 0


def watched(f, name, *args):
    """One audit command; the most memory seen that no file backs."""
    begin, peak = time.monotonic(), 0
    child = subprocess.Popen(
        [HOLDFAST, "--home", f.home("jp.audit"), "audit", name, "--json",
         *args], stdout=subprocess.PIPE, text=True)
    while child.poll() is None:
        peak = max(peak, anon_kib(child.pid))
        time.sleep(0.005)
    if child.returncode != 0:
        sys.exit("audit %s: exit %d" % (name, child.returncode))
    return emit({"bench": "audit-" + name, "anon_kib": peak,
                 "entries": json.loads(child.stdout.read())["entries"],
                 "seconds": round(time.monotonic() - begin, 2)})


def fetch(b):
    """A broker's ledger is fetched, verified and replayed by the program."""
    f = b.brokers()
    if b.intake is None:
        f.script("stop", "US")  # its receipts are not wanted
        call(LOAD, "intake", ",".join(f.homes("jp.ncp", 8)), "us.ncp", ACTS,
             WINDOW)
        f.script("start", "US")
    directory = f.home("archive")
    for name, *args in (("fetch", "--out", directory), ("verify", directory),
                        ("replay", directory)):
        row = watched(f, name, *args)
        b.row("holdfast audit %s" % name,
              "%d entries, %.1f s" % (row["entries"], row["seconds"]),
              "%.1f MiB" % (row["anon_kib"] / 1024), "64 MiB")


def growth(b):
    first = None
    for m in program("bench-growth", GROWTH, GROWTH_CASES):
        if m["bench"] != "growth":
            continue
        first = first or m
        b.row("growth, %d entries, %d cases" % (m["entries"], m["cases"]),
              "deciding %.1f us an act, filled in %.0f s" % (
                  m["decide_us"], m["fill_s"]),
              "keeps %.2f of the first" % (
                  first["decide_us"] / m["decide_us"]), "0.75")
        b.row("", "%.0f bytes of disk an act, %.1f MiB not of files" % (
            m["disk_bytes_per_act"], m["anon_kib"] / 1024),
            "%.2f x the bytes received" % m["disk_ratio"], "2.2, 128 MiB")
