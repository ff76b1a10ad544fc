"""What the program makes of archives written here."""

import json
import os
import subprocess

import codec as c
import make
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
