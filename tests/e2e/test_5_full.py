"""A store or a disk that is full: a clear no, and nothing is lost."""

import os
import time

from harness import Federation, check, equal

LONG = ("facts", "relation", "location", "necessity", "legal_basis",
        "proportionality", "custodian", "call_back", "remarks")


def federation():
    return Federation("JP", "US")


def configure(f, *lines):
    """JP's broker with other settings; the ones before, to put back."""
    path = os.path.join(f.dir, "jp", "holdfastd.conf")
    f.script("stop", "jp")
    with open(path) as conf:
        before = conf.read()
    names = [line.split(" ")[0] for line in lines]
    kept = [x for x in before.splitlines() if x.split(" ")[0] not in names]
    f.file("jp/holdfastd.conf", "\n".join(kept + list(lines)) + "\n")
    f.script("start", "jp")
    return before.splitlines()


def status(f):
    return f.run("jp.ops", "broker", "status", "--json").ok().json()


def emergency_still_enters(f):
    """Routine cases are refused; the reserve is for these, and for reading."""
    check(status(f)["store_pressure"] == 1, "no mark: %r" % status(f))
    return f.run("jp.ncp", "request", "new", "--to", "US", "--kind",
                 "preservation", "--basis", "budapest", "--urgency",
                 "emergency", "--form", f.form(), "--json").ok().json()["ref"]


def ask(f, form):
    return f.run("jp.ncp", "--timeout", "10", "request", "new", "--to", "US",
                 "--kind", "preservation", "--basis", "budapest", "--form",
                 form, "--json")


def is_whole(f, refs):
    for ref in refs:
        f.has("us.ncp", ref, "request")
    rows = f.run("us.ncp", "inbox", "--json", "--all").ok().lines()
    check(set(refs) <= {r["ref"] for r in rows}, "a request is lost")
    equal(len({r["ref"] for r in rows}), len(rows), "a request stands twice")
    for cc in ("jp", "us"):
        f.verified(cc)


def fill_map(f, refs):
    """Until three in a row are refused: a page that was freed meanwhile may
    let one more in.  Returns the form that was refused last."""
    refused = 0
    while refused < 3:
        form = f.form(**{k: k[0] * 4000 for k in LONG})
        got = ask(f, form)
        if got.code == 0:
            refused = 0
            refs.append(got.json()["ref"])
            check(len(refs) < 1000, "16 MiB are never full")
            continue
        refused += 1
        got.fails(1, "E5009")
        check("NOT entered" in got.err, "what is known: " + got.err)
    return form


def test_a_full_map(f):
    before = configure(f, "map_size_mib = 16")
    refs = []
    try:
        form = fill_map(f, refs)
        refs.append(emergency_still_enters(f))
        # what stands there is read on, and others' acts still find room
        f.run("jp.ncp", "request", "show", refs[0]).ok()
        f.run("jp.ncp", "status").ok()
        f.run("us.ncp", "request", "acknowledge", refs[0]).ok()
        f.has("jp.ncp", refs[0], "acknowledge")
        with open(os.path.join(f.dir, "jp", "log")) as log:
            check("store-watermark" in log.read(), "the log says nothing")
        f.verified("jp")
        f.script("stop", "jp")
        f.script("start", "jp")
    finally:
        configure(f, *[x for x in before if x.startswith("map_size_mib")])
    equal(status(f)["store_pressure"], 0, "room again")
    ref = ask(f, form).ok().json()["ref"]
    check(ref not in refs, "the refused one is a new case")
    is_whole(f, refs + [ref])


def test_a_full_disk(f):
    first = ask(f, f.form()).ok().json()["ref"]
    # no disk has a tebibyte less than it has
    configure(f, "disk_reserve_mib = 1048576")
    try:
        form = f.form()
        begin = time.monotonic()
        ask(f, form).fails(1, "E5002")
        check(time.monotonic() - begin < 5, "the no is told, not waited for")
        # a peer's act waits at the peer
        f.run("us.ncp", "request", "acknowledge", first).ok()
        time.sleep(0.5)
        equal(len(f.run("us.ncp", "queue", "ls", "--json").ok().lines()), 1,
              "waits at US")
        pid = f.pids("jp")["core"]
        with open("/proc/%d/stat" % pid) as stat:
            spent = sum(int(x) for x in stat.read().split()[13:15])
        check(spent < 300, "the core spins: %d ticks" % spent)
    finally:
        configure(f, "disk_reserve_mib = 16")
    ref = ask(f, form).ok().json()["ref"]
    f.has("jp.ncp", first, "acknowledge")
    is_whole(f, [first, ref])
