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
