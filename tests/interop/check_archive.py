"""Archives that make.py writes: read, and every change to one found."""

import os
import random
import shutil
import tempfile

import codec as c
import kinds as k
import make
from archive import Archive
from check import equal, true
from names import H


class Place:
    """A temporary directory that is gone afterwards."""

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="hf-interop-")
        return lambda *names: os.path.join(self.dir, *names)

    def __exit__(self, *exc):
        shutil.rmtree(self.dir)


def random_ledger(seed, cases, steps=30):
    """Two countries, and what the broker of the first has in its ledger."""
    r = random.Random(seed)
    jp = make.Country(r, "JP")
    us = make.Country(r, "US", suspend=False, total_max=0)
    book = make.Ledger(jp, [us])
    at = make.START
    for _ in range(cases):
        at += 1000
        make.RandomCase(r, book, jp, us, at).run(r.randrange(5, steps))
    return book


def sound(path):
    """The archive, which must have nothing wrong with it."""
    archive = Archive(path)
    equal(archive.problems, [], "problems")
    if archive.differing:
        equal(None, archive.difference(), "differing")
    return archive


def found(path):
    """Is something wrong with it, whatever it is?"""
    try:
        archive = Archive(path)
        return bool(archive.problems or archive.differing)
    except (c.Refused, ValueError):
        return True


def test_archive():
    with Place() as at:
        book = random_ledger(1, 60)
        book.write(at("a"))
        archive = sound(at("a"))
        equal(archive.size, len(book.frames), "entries")
        equal(archive.cases, len(book.states()), "cases")
        equal(archive.receipted, len(book.receipts), "receipts")
        true(archive.received > 100, "few foreign acts")


def test_archive_any_byte_changed():
    with Place() as at:
        random_ledger(2, 3, 12).write(at("a"))
        sound(at("a"))
        r = random.Random(3)
        files = [os.path.join(root, name)
                 for root, _, names in os.walk(at("a")) for name in names]
        for path in sorted(files):
            with open(path, "rb") as f:
                good = f.read()
            for n in range(40):
                i = r.randrange(len(good))
                bad = bytearray(good)
                bad[i] ^= 1 << r.randrange(8)
                with open(path, "wb") as f:
                    f.write(bad)
                true(found(at("a")), "%s: byte %d changed from %d to %d"
                     % (path, i, good[i], bad[i]))
            with open(path, "wb") as f:
                f.write(good)
        sound(at("a"))


def test_archive_entries_moved():
    with Place() as at:
        for change in ("left out", "twice", "swapped", "last left out"):
            book = random_ledger(4, 3, 12)
            middle = len(book.frames) // 2
            if change == "left out":
                del book.frames[middle]
            elif change == "twice":
                book.frames.insert(middle, book.frames[middle])
            elif change == "swapped":
                book.frames[middle:middle + 2] = \
                    book.frames[middle + 1:middle - 1:-1]
            else:
                book.frames.pop()
            book.write(at(change))
            true(found(at(change)), change)
            os.unlink(at(change, "hashes"))
            archive = Archive(at(change))
            true(any(x.startswith("head:") for x in archive.problems),
                 change + ": another root, without the hashes to tell where")


def test_archive_torn_at_its_end():
    with Place() as at:
        random_ledger(5, 3, 12).write(at("a"))
        for name, tail in (("ledger", b"\0\0\1\0\x95"), ("states", b"\0"),
                           ("receipts", b"\0\0\0\3\x93")):
            with open(at("a", name), "ab") as f:
                f.write(tail)
        sound(at("a"))


def test_archive_states_behind_the_head():
    """A state may be of any moment after the head (13.1), not of before."""
    with Place() as at:
        book = random_ledger(6, 1, 40)
        whole = book.states()
        (case, file), = book.files.items()
        entries = [i for i, f in enumerate(book.frames)
                   if c.decode(f)[1] != b""]
        cut = entries[-3]
        head = make.checkpoint(book.home, book.hashes[:cut])
        book.write(at("a"))
        with open(at("a", "head"), "w") as f:
            f.write(head)
        archive = sound(at("a"))
        every = archive.snapshots[case]
        equal(every[-1], tuple(whole[0][1:]), "the last one")
        true(len(every) >= 3, "snapshots behind the head")
        for state, digest in every:
            with open(at("a", "states"), "wb") as f:
                f.write(make.framed([c.encode([case, state, digest])]))
            sound(at("a"))
        with open(at("a", "states"), "wb") as f:
            f.write(make.framed([c.encode([case, 1, H("state", b"")])]))
        true(found(at("a")), "a state that never was")


def test_archive_receipts_of_peers():
    """Receipts that verify, and prove something else."""
    def change(book, n):
        rows = [c.decode(x) for x in book.receipts]
        us = book.others[0]
        act = next(a for f in book.files.values() for a in f.acts[0][1:] +
                   f.acts[1][1:] if a.id == rows[0][0])
        if n == "of another type":
            leaf = make.leaf_of(act, 1, act.entered)
            rows[0][2] = make.receipt(us, [leaf], 0)
        elif n == "of another act":
            rows[0][2] = rows[1][2]
        elif n == "of another country":
            rows[0][1] = "JP"
        elif n == "signed by us":
            leaf = make.leaf_of(act, 2, act.entered)
            rows[0][2] = make.receipt(book.home, [leaf], 0)
        elif n == "out of order":
            rows[:2] = rows[1::-1]
        book.receipts = [c.encode(x) for x in rows]

    for n in ("", "of another type", "of another act", "of another country",
              "signed by us", "out of order"):
        book = random_ledger(8, 4, 12)
        true(len(book.receipts) > 2, "too few receipts")
        change(book, n)
        with Place() as at:
            book.write(at("a"))
            problems = Archive(at("a")).problems
            equal(["receipts" in x for x in problems], [True] if n else [],
                  "a receipt %s: %r" % (n, problems))


def test_archive_acts_that_do_not_chain():
    """Each is a divergence, unless a conflict of E4003 says that it lost its
    place (13.1)."""
    def case(change, conflict):
        r = random.Random(9)
        jp, us = make.Country(r, "JP"), make.Country(r, "US")
        book = make.Ledger(jp, [us])
        first = opening(jp, make.START)
        book.own(first, make.START)
        notes = [first]
        for gen in (2, 3):
            e = {k.FROM: "jp.ncp", k.TO: "us.ncp", k.TRACK: 0, k.GEN: gen,
                 k.CASE: first.id, k.PREV: notes[-1].digest, k.SEEN_GEN: 0}
            notes.append(make.act(r, jp.officers["jp.ncp"], 42, e,
                                  make.START + gen))
            book.own(notes[-1], make.START + gen)
        for gen, seen in ((1, 3), (2, 3)):
            e = {k.FROM: "us.ncp", k.TO: "jp.ncp", k.TRACK: 1, k.GEN: gen,
                 k.CASE: first.id, k.SEEN_GEN: seen,
                 k.SEEN: notes[seen - 1].digest}
            if gen == 2:
                e[k.PREV] = last.digest
                change(e, notes)
            last = make.act(r, us.officers["us.ncp"], 42, e, make.START + 9)
            book.foreign(us, last, make.START + 9, make.START + 9)
        if conflict:
            book.statement({1: 21, 2: last.id, 4: 4003, 8: first.id},
                           make.START + 10)
        with Place() as at:
            book.write(at("a"))
            return [x.split(": ")[1].split(",")[0] for x in Archive(at("a")).problems]

    def older(e, notes):
        e.update({k.SEEN_GEN: 2, k.SEEN: notes[1].digest})

    def other_seen(e, notes):
        e[k.SEEN] = notes[0].digest

    def other_prev(e, notes):
        e[k.PREV] = bytes(32)

    def other_desk(e, notes):
        e[k.TO] = "jp.isp"

    equal(case(lambda e, notes: None, False), [], "a good one")
    for change in (older, other_seen, other_prev, other_desk):
        equal(case(change, False), ["it lost its place"],
              "%s: not told" % change.__name__)
        equal(case(change, True), [], "%s: told" % change.__name__)


def opening(jp, at, who="jp.ncp", to="us.ncp"):
    e = {k.FROM: "jp.ncp", k.TO: to, k.TRACK: 0, k.GEN: 1,
         k.SEEN_GEN: 0, k.MEASURE: 1, k.BASIS: 7, k.NOT_AFTER: at + 9000,
         k.RULES: [1, jp.random.randbytes(32)], k.URGENCY: 0,
         k.CATEGORIES: 2}
    return make.act(jp.random, jp.officers[who], 1, e, at)


def test_archive_officers_standing():
    """One act each that must not be there, by who signed it or when."""
    r = random.Random(7)
    jp, us = make.Country(r, "JP"), make.Country(r, "US")
    later = make.START + 3600000
    officer = jp.officers["jp.ncp"].public

    def revoking(book):
        book.document(jp, jp.document(
            make.profile_bytes(), 2, H("country-head", jp.documents[0][2]),
            [(officer, later - 1000, later)]), 2, later)

    def problems(made, entered, before=None):
        book = make.Ledger(jp, [us])
        if before:
            before(book)
        book.own(made, entered)
        with Place() as at:
            book.write(at("a"))
            archive = Archive(at("a"))
            return [p.split(": ")[1][:5] for p in archive.problems], \
                archive.disputed

    equal(problems(opening(jp, later), later), ([], 0), "a good one")
    equal(problems(opening(jp, later), later, revoking),
          (["E3003"], 0), "signed after the revocation")
    equal(problems(opening(jp, later - 1), later - 1, revoking),
          ([], 1), "between compromise and revocation")
    equal(problems(opening(jp, later - 1001), later - 1001, revoking),
          ([], 0), "before the compromise")
    equal(problems(opening(jp, later, "jp.isp"), later), (["E3007"], 0),
          "another desk's officer")
    equal(problems(opening(jp, later + 2 * make.YEAR),
                   later + 2 * make.YEAR), (["E3004"], 0), "out of date")
    equal(problems(opening(jp, later + 300001), later), (["E3015"], 0),
          "a clock five minutes off")
    equal(problems(opening(jp, later, to="us.isp"),
                   later), (["E3005"], 0), "to no contact point")
    stranger = make.Key(r)
    jp.officers["jp.ncp"], kept = stranger, jp.officers["jp.ncp"]
    equal(problems(opening(jp, later), later), (["E3002"], 0), "a stranger")
    jp.officers["jp.ncp"] = kept
