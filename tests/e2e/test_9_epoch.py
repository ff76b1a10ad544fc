"""A database is lost and an old copy of it is all there is (SPEC 12.12)."""

import os
import shutil
import subprocess
import time

from harness import HOLDFASTD, TIMES, TOP, Federation, check, equal


def federation():
    return Federation("JP", "US")


def conf(f):
    return os.path.join(f.dir, "jp", "holdfastd.conf")


def refused(f, error):
    """It must not start like this."""
    done = subprocess.run([HOLDFASTD, "-c", conf(f)],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=30 * TIMES)
    equal(done.returncode, 6, "exit of the daemon, which said %s;" % done.stderr)
    check(error in done.stderr, "no %s in: %s" % (error, done.stderr))


def start_accepting(f):
    here = os.path.join(f.dir, "jp")
    try:
        os.unlink(os.path.join(here, "data", "ready"))
    except OSError:
        pass
    with open(os.path.join(here, "log"), "a") as log:
        child = subprocess.Popen([HOLDFASTD, "-c", conf(f), "--accept-rollback"],
                                 stdin=subprocess.DEVNULL, stdout=log,
                                 stderr=log, start_new_session=True)
    f.file("jp/pid", "%d\n" % child.pid)
    end = time.monotonic() + 30 * TIMES
    while not os.path.exists(os.path.join(here, "data", "ready")):
        check(child.poll() is None and time.monotonic() < end,
              "JP did not start: see its log")
        time.sleep(0.05)


def ask(f):
    """With time enough for brokers that start and stop."""
    return f.run("jp.ncp", "request", "new", "--to", "US", "--kind",
                 "preservation", "--basis", "budapest", "--form", f.form(),
                 "--json").ok().json()["ref"]


def acts(f, who, ref):
    return [a["id"] for a in f.show(who, ref)["acts"]]


def next_epoch(f):
    """What the operator and the registrar do: a key, a document, two lines of
    the configuration."""
    here = os.path.join(f.dir, "jp")
    key = f.run("jp.ops", "key", "new", "--purpose", "broker", "--next-epoch",
                os.path.join(here, "broker.key"), "--out",
                os.path.join(here, "broker-2.key"), "--unprotected",
                "--json").ok().json()

    def change(spec):
        old = spec["brokers"][0]
        equal(key["transport"], old["transport"], "transport key")
        equal(key["witness"], old["witness"], "witness key")
        check(key["ledger"] != old["ledger"], "another ledger key")
        spec["brokers"].append(dict(old, ledger=key["ledger"], epoch=2))

    document = f.document("jp", 2, change)
    with open(conf(f)) as c:
        text = c.read().replace("broker.key", "broker-2.key")
    with open(conf(f), "w") as c:
        c.write(text + "ledger_epoch = 2\n")
    return document


def test_a_lost_database_comes_back_from_abroad(f):
    data = os.path.join(f.dir, "jp", "data")
    first = ask(f)
    f.has("us.ncp", first, "request")
    f.script("stop", "JP")
    shutil.copytree(data, data + ".old")
    f.script("start", "JP")

    f.run("us.ncp", "request", "acknowledge", first).ok()
    f.has("jp.ncp", first, "acknowledge")
    f.run("jp.ncp", "request", "note", first, "--text", "before the loss").ok()
    second = ask(f)
    f.has("us.ncp", second, "request")
    f.run("us.ncp", "request", "acknowledge", second).ok()
    f.has("jp.ncp", second, "acknowledge")
    f.has("us.ncp", first, "note")
    known = {ref: acts(f, "us.ncp", ref) for ref in (first, second)}

    f.script("stop", "JP")
    for name in os.listdir(data + ".old"):
        if not name.endswith(".mem"):
            shutil.copy(os.path.join(data + ".old", name), data)
    refused(f, "E6005")
    document = next_epoch(f)
    refused(f, "E6015")
    shutil.copy(document, os.path.join(f.dir, "jp", "documents", "JP.hfd"))
    start_accepting(f)

    for ref in (first, second):
        f.wait("jp.ncp", ref, lambda c: len(c["acts"]) == len(known[ref]),
               "all acts")
        equal(sorted(acts(f, "jp.ncp", ref)), sorted(known[ref]), "acts")
    shown = f.run("jp.ncp", "request", "show", first).ok().out
    check("before the loss" in shown, "no text of the note in: " + shown)

    f.run("jp.ncp", "request", "note", first, "--text", "after").ok()
    f.wait("us.ncp", first, lambda c: sum(
        a["kind"] == "note" for a in c["acts"]) == 2, "the new note")
    got = f.verified("jp")
    check(got["acts"] >= 5, "acts in the ledger: %r" % got)
    f.verified("us")
    types = [entry_type(e) for e in f.ledger("jp")]
    equal(types.count(27), 1, "statements of the new epoch")
    equal(types.count(28), 1, "statements that sides are back")
    equal(types.count(4), 2, "own acts that came back")
    # the second implementation says so too, and a bundle has both epochs
    done = subprocess.run(
        ["/usr/bin/python3", os.path.join(TOP, "tests/interop/archive.py"),
         os.path.join(f.dir, "jp.archive")], stdout=subprocess.PIPE, text=True)
    check(done.returncode == 0 and "0 differ, 0 problems" in done.stdout,
          done.stdout)
    tar = os.path.join(f.dir, "first.tar")
    f.run("jp.ncp", "request", "export", first, "-o", tar).ok()
    shown = f.run("us.ncp", "request", "verify", tar).ok().out
    check("Result: whole" in shown, shown)
    with open(os.path.join(f.dir, "us", "log")) as log:
        check("E6016" in log.read(), "US does not tell of the new epoch")
    gaps = f.run("jp.audit", "audit", "gaps", "--json").out
    check("epoch" in gaps, "gaps do not tell the epoch: " + gaps)

    f.script("stop", "JP")
    f.script("start", "JP")
    equal(sorted(acts(f, "jp.ncp", second)), sorted(known[second]), "acts")


def entry_type(entry):
    from harness import unpack
    return unpack(entry[0])[1]


def test_a_store_of_another_version_is_named(f):
    """The mark is changed in the file: LMDB keeps a value behind its key."""
    data = os.path.join(f.dir, "jp", "data", "data.mdb")
    mark = b"format" + (2).to_bytes(8, "big")
    f.script("stop", "JP")
    with open(data, "rb") as store:
        good = store.read()
    check(mark in good, "no mark in the store")
    for number, error in ((1, "E5012"), (3, "E5013")):
        with open(data, "wb") as store:
            store.write(good.replace(
                mark, b"format" + number.to_bytes(8, "big")))
        refused(f, error)
        refused(f, "store-format dir=%s is=%d wants=2" % (
            os.path.dirname(data), number))
    with open(data, "wb") as store:
        store.write(good)
    f.script("start", "JP")
