"""Acts from desk to receipt and to the foreign desk's screen."""

import json
import os
import sys
import tempfile
import time

from common import ACTS, LOAD, WINDOW, call, emit, say

LEVELS = (1, 10, 50, 80)
OFFICERS = 8
SECONDS = float(os.environ.get("BENCH_SECONDS", "5"))


def limits(b):
    with tempfile.TemporaryDirectory(prefix="hf-bench-") as directory:
        b.limits = b.load("limits", "limits", directory)
    b.row("limits", "%.0f verifications/s and core, %.0f commits/s, %.0f "
          "CURVE round trips/s" % (
              b.limits["verify_per_s"], b.limits["commits_per_s"],
              b.limits["curve_round_trips_per_s"]))


def cost_rows(b, m):
    b.row("  CPU us an act", ", ".join(
        "%s %.0f" % x for x in m["cpu_us_per_act"].items() if x[1] >= 0.5))
    b.row("  syncs", "%d of the store, %d of all files, in %d commits of "
          "%.0f acts" % (m["store_syncs"], m["syncs"], m["commits"],
                         m["acts_per_commit"]),
          "%.2f a commit" % m["store_syncs_per_commit"], "1")
    # one may have been synced as the run began
    if m["store_syncs"] + 1 < m["commits"]:
        sys.exit("%d commits, %d syncs of the store: something was "
                 "acknowledged before it was durable" % (
                     m["commits"], m["store_syncs"]))


def intake(b):
    """The other broker is down, so that this one alone is measured; then it
    comes back to what waits for it."""
    f = b.brokers()
    f.script("stop", "US")
    m = b.load("intake", *f.measured("jp"), "intake",
               ",".join(f.homes("jp.ncp", OFFICERS)), "us.ncp", ACTS, WINDOW)
    b.intake = m["acts_per_s"]
    b.row("intake, %d in flight" % WINDOW, "%.0f acts/s, +- %.0f %%" % (
        b.intake, 50 * m["spread"]),
        "%.2f of cores x verifications" % (b.intake / b.verifications()),
        "0.40")
    cost_rows(b, m)
    catch_up(b, f)


def waiting(f):
    """Acts in JP's outbox."""
    return f.json("jp.ops", "broker", "status")["outbox"]


def catch_up(b, f):
    waited = waiting(f)
    f.script("start", "US")
    begin = time.monotonic()
    before = waited
    while True:
        left = waiting(f)
        if left < before:  # the link was not up until then
            break
        begin = time.monotonic()
    while left > 0:
        say("catch-up, %d of %d left" % (left, waited))
        left = waiting(f)
    rate = waited / (time.monotonic() - begin)
    emit({"bench": "catch-up", "acts": waited, "acts_per_s": round(rate)})
    b.row("catch-up of %d" % waited, "%.0f acts/s" % rate,
          "%.2f of intake" % (rate / b.intake), "0.8")


def one(b):
    """As intake: the peer is down, so its answers do not share the disk."""
    f = b.brokers()
    f.script("stop", "US")
    m = b.load("one", *f.measured("jp"), "intake", f.home("jp.ncp"), "us.ncp",
               max(ACTS // 20, 100), 1)
    f.script("start", "US")
    parts = b.parts(1, 1, 1, signatures=1)
    b.row("intake, one in flight", "p50 %.0f us, p99 %.0f us" % (
        m["receipt_p50_us"], m["receipt_p99_us"]),
        "%.1f x its parts (%.0f us)" % (m["receipt_p50_us"] / parts, parts),
        "2.5")


def relay_load(b, name, count, window, *rate):
    f = b.brokers()
    return b.load(name, *f.measured("jp", "us"), "relay",
                  ",".join(f.homes("jp.ncp", OFFICERS)), "us.ncp",
                  f.home("us.ncp"), count, window, *rate)


def relay(b):
    m = relay_load(b, "relay", ACTS, WINDOW // 4)
    b.saturation = m["acts_per_s"]
    b.row("relay, saturation", "%.0f acts/s, +- %.0f %%" % (
        b.saturation, 50 * m["spread"]), "" if b.intake is None else
        "%.2f of intake" % (b.saturation / b.intake), "0.4")
    b.row("  CPU us an act", ", ".join(
        "%s %.0f" % x for x in m["cpu_us_per_act"].items() if x[1] >= 0.5))


def latency_row(b, name, m, parts):
    """At 1 % of the load; what the table asks of relay and hop alike."""
    b.row(name, "p50 %.0f us, p99 %.0f us, p99.9 %.0f us" % (
        m["event_p50_us"], m["event_p99_us"], m["event_p999_us"]),
        "p50 %.1f x its parts (%.0f us), p99 %.1f x p50" % (
            m["event_p50_us"] / parts, parts,
            m["event_p99_us"] / m["event_p50_us"]), "2.5, 3")
    b.plots.append((name, m["last"]["event_buckets"]))


def saturation(b):
    if b.saturation is None:
        relay(b)
    return b.saturation


def latency(b):
    """At shares of the relay's own saturation."""
    full = saturation(b)
    quiet = None
    for share in LEVELS:
        rate = max(int(full * share / 100), 5)
        name = "relay at %d %%, %d/s" % (share, rate)
        m = relay_load(b, name, max(int(rate * SECONDS), 100), WINDOW, rate)
        if quiet is None:
            quiet = m
            latency_row(b, name, m, b.parts(2, 2, 1.5))
            continue
        b.row(name, "p50 %.0f us, p99 %.0f us, p99.9 %.0f us" % (
            m["event_p50_us"], m["event_p99_us"], m["event_p999_us"]),
            "p99 %.1f x the p50 at 1 %%" % (
                m["event_p99_us"] / quiet["event_p50_us"]),
            "20" if share == 50 else "")
        b.plots.append((name, m["last"]["event_buckets"]))


FORM = {
    "authority": "Metropolitan Police, Cyber Division",
    "offence": "Unauthorised access (Act 128/1999, art. 3)",
    "facts": "An account at example.jp is being used without authority.",
    "relation": "The records show who holds the address.",
    "necessity": "The connections are made anew every few minutes.",
    "mla_intent": "A request for assistance will follow.",
    "window": {"from": "2026-11-21T11:00:00+09:00",
               "until": "2026-11-21T11:10:00+09:00"},
    "categories": ["traffic"], "source_ip": ["198.51.100.23"],
    "source_port": [50123], "clock_error": 250, "record_type": ["radius"],
}
INSTRUMENT = {
    "issuer": "District Court", "instrument_reference": "26-mj-4711",
    "instrument_date": "2026-11-23T00:00:00-05:00", "law": "18 USC 2703(f)",
    "compulsion": "compulsory",
}


def write_json(f, name, value):
    path = os.path.join(f.dir, name)
    with open(path, "w") as out:
        json.dump(value, out)
    return path


def until_there(f, who, ref):
    """A case that the link has carried."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for row in map(json.loads, f.run(who, "inbox", "--json").splitlines()):
            if row["ref"] == ref:
                return
        time.sleep(0.02)
    sys.exit("%s does not reach %s" % (ref, who))


def request_only(f, kind, serial, *more):
    form = write_json(f, "form.json", {**FORM, "own_reference": serial})
    return f.json("jp.ncp", "request", "new", "--to", "US", "--kind", kind,
                  "--form", form, *more)["ref"]


def request(f, kind, serial, *more):
    ref = request_only(f, kind, serial, *more)
    until_there(f, "us.ncp", ref)
    return ref


def live_trace(f, serial):
    """A live trace that runs: the request and the provider's order."""
    ref = request(f, "trace", serial, "--mode", "live")
    f.run("us.ncp", "request", "acknowledge", ref)
    f.run("us.ncp", "request", "accept", ref)
    order = f.json("us.ncp", "order", "new", ref, "--to", "us.isp1", "--form",
                   write_json(f, "instrument.json", INSTRUMENT))["ref"]
    f.run("us.isp1", "order", "accept", order)
    f.run("us.isp1", "trace", "live", order, "--start")
    f.run("us.ncp", "trace", "live", ref, "--start")
    return ref, order


def hop(b):
    """Provider's hop, the contact point's, the requester's screen; the
    officer between takes no time to think."""
    f = b.brokers()
    rate = max(int(saturation(b) / 100), 5)
    serial = [0]

    def measure():
        serial[0] += 1
        ref, order = live_trace(f, "HOP-%d" % serial[0])
        return json.loads(call(
            LOAD, *f.measured("jp", "us"), "hop", f.home("us.isp1"), order,
            f.home("us.ncp"), ref, f.home("jp.ncp"),
            min(max(int(rate * SECONDS), 50), 200), rate))

    m = b.repeat("hop", measure)
    latency_row(b, "hop, live, %d/s" % rate, m, b.parts(3, 3, 2.5))
