"""Backups of brokers at work, and what comes back of them (DESIGN 8)."""

import os
import shutil
import subprocess
import threading

from harness import HOLDFASTD, Federation, check, equal
from test_9_epoch import acts, ask, conf, next_epoch, refused, start_accepting


def federation():
    return Federation("JP", "US")


def daemon(f, *args):
    return subprocess.run([HOLDFASTD, "-c", conf(f), *args],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60)


def backup(f):
    done = daemon(f, "--backup", os.path.join(f.dir, "backup"))
    equal(done.returncode, 0, "exit of --backup, which said %s" % done.stderr)
    return done.stdout.split(":")[0]


def restore(f, copy, *args):
    return daemon(f, "--restore", copy, *args)


def move_away(f, name):
    """The store and the keys, not what the signer and witness remember."""
    data = os.path.join(f.dir, "jp", "data")
    os.mkdir(os.path.join(f.dir, name))
    for file in ("data.mdb", "case.keys", "lock.mdb"):
        shutil.move(os.path.join(data, file), os.path.join(f.dir, name))


def test_backup_of_a_stopped_broker_goes_on(f):
    first = ask(f)
    f.has("us.ncp", first, "request")
    f.script("stop", "JP")
    copy = backup(f)
    done = restore(f, copy)
    check(done.returncode == 1 and "move data.mdb" in done.stderr, done.stderr)
    move_away(f, "stopped")
    done = restore(f, copy)
    equal(done.returncode, 0, "exit of --restore: %s" % done.stderr)
    f.script("start", "JP")
    shown = f.run("jp.ncp", "request", "show", first).ok().out
    check("Metropolitan Police" in shown, "the body does not open: " + shown)
    f.run("us.ncp", "request", "acknowledge", first).ok()
    f.has("jp.ncp", first, "acknowledge")
    f.verified("jp")


def test_backup_under_load_is_whole(f):
    """Each is verified when it is made; each can be put back."""
    end = threading.Event()

    def work():
        while not end.is_set():
            ask(f)
    worker = threading.Thread(target=work)
    worker.start()
    try:
        copies = {backup(f) for _ in range(6)}
    finally:
        end.set()
        worker.join()
    check(len(copies) > 2, "the load did not change anything: %r" % copies)
    text = open(conf(f)).read()
    for i, copy in enumerate(sorted(copies)):
        there = os.path.join(f.dir, "there-%d" % i)
        path = f.file("there-%d.conf" % i, text.replace(
            os.path.join(f.dir, "jp", "data"), there))
        done = subprocess.run([HOLDFASTD, "-c", path, "--restore", copy],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, timeout=60)
        # nobody remembers there what was signed
        check(done.returncode == 6 and "E6005" in done.stderr, done.stderr)
        done = subprocess.run([HOLDFASTD, "-c", path, "--restore", copy,
                               "--accept-rollback"], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=60)
        equal(done.returncode, 0, "exit: %s" % done.stderr)
        check("next epoch only" in done.stdout, done.stdout)


def test_backup_that_is_old_begins_the_next_epoch(f):
    first = ask(f)
    f.has("us.ncp", first, "request")
    copy = backup(f)
    f.run("us.ncp", "request", "acknowledge", first).ok()
    f.has("jp.ncp", first, "acknowledge")
    second = ask(f)
    f.has("us.ncp", second, "request")
    known = {ref: acts(f, "us.ncp", ref) for ref in (first, second)}
    f.script("stop", "JP")
    move_away(f, "lost")

    done = restore(f, copy)
    check(done.returncode == 6 and "E6005" in done.stderr and
          "were signed" in done.stderr, done.stderr)
    done = restore(f, copy, "--accept-rollback")
    equal(done.returncode, 0, "exit of --restore: %s" % done.stderr)
    refused(f, "E6005")
    shutil.copy(next_epoch(f), os.path.join(f.dir, "jp", "documents",
                                            "JP.hfd"))
    start_accepting(f)
    for ref in (first, second):
        f.wait("jp.ncp", ref, lambda c: len(c["acts"]) == len(known[ref]),
               "all acts")
        equal(sorted(acts(f, "jp.ncp", ref)), sorted(known[ref]), "acts")
    f.verified("jp")


def test_backup_or_not_a_signer_that_forgot_does_not_start(f):
    """In the epoch that the test before began: its memory is removed."""
    f.script("stop", "JP")
    memory = os.path.join(f.dir, "jp", "data", "signer-2.mem")
    shutil.move(memory, memory + ".away")
    refused(f, "E6005")
    os.unlink(memory)  # an empty one, which that start made
    shutil.move(memory + ".away", memory)
    f.script("start", "JP")
