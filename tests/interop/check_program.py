"""What the program makes of archives written here."""

import json
import os
import subprocess
import tempfile

import codec as c
import make
from archive import Archive
from check import equal, true
from check_archive import Place, random_ledger

SEED = int(os.environ.get("HF_INTEROP_SEED", "1"))


def program(build, home, *args):
    os.makedirs(home, exist_ok=True)
    done = subprocess.run([os.path.join(build, "holdfast"), "--home", home,
                           *args], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def replay(build, at):
    code, out, err = program(build, at("home"), "audit", "replay",
                             "--archive", at("a"), "--json")
    true(out, "audit replay: exit %d: %s" % (code, err))
    return json.loads(out)


def test_a_thousand_random_cases_of_the_brokers(build):
    """Two brokers' engines, officers who do what comes to mind: their ledgers
    are true here, and every state is the one that is found here."""
    shm = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="hf-cases-") as top:
        env = dict(os.environ, HF_INTEROP_DIR=top, HF_INTEROP_SEED=str(SEED))
        if shm:
            env["TMPDIR"] = shm
        done = subprocess.run(
            [os.path.join(build, "test-broker"), "--filter", "interop/*"],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, timeout=300)
        again = "repeat: HF_INTEROP_SEED=%d" % SEED
        true(done.returncode == 0, "%s; %s" % (done.stdout, again))
        cases = 0
        for name in ("jp", "us"):
            archive = Archive(os.path.join(top, name))
            equal(archive.problems, [], "%s; %s" % (name, again))
            true(not archive.differing,
                 "%s: %s; %s" % (name, archive.differing[:3], again))
            cases += archive.cases
        true(cases >= 1000, "only %d cases" % cases)


def test_program_replays_random_cases(build):
    """500 cases of every kind of act, in effect and void, in and out of
    order: the program's states are ours, and one changed state is found."""
    with Place() as at:
        book = random_ledger(SEED, 500, 60)
        book.write(at("a"))
        got = replay(build, at)
        true(got["divergences"] == 0 and got["problems"] == [],
             "%d divergences, %r; repeat: HF_INTEROP_SEED=%d" % (
                 got["divergences"], got["problems"][:3], SEED))
        equal(got["cases"], len(book.states()), "cases")
        equal(got["verified"], got["acts"], "acts verified")
        rows = book.states()
        rows[7][2] = bytes(32)
        with open(at("a", "states"), "wb") as f:
            f.write(make.framed(map(c.encode, rows)))
        equal(replay(build, at)["divergences"], 1, "a changed digest")
