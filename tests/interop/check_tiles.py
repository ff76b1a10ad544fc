"""Static trees and proof files, as the program writes them."""

import json
import os
import random
import shutil

import codec as c
import ledger
import names
import tiles
import tree
from archive import Archive
from check import equal, true
from check_archive import Place, random_ledger
from check_program import program


def export(build, at, cases):
    """An archive, and the tree that the program makes of it."""
    book = random_ledger(11, cases)
    book.write(at("a"))
    code, _, err = program(build, at("home"), "audit", "export", "--archive",
                           at("a"), "--tiles", at("t"))
    equal(code, 0, "audit export: " + err)
    return book, ledger.origin_of("JP", 1), book.home.ledger.public


def contents(path):
    found = {}
    for root, _, names in os.walk(path):
        for name in names:
            full = os.path.join(root, name)
            with open(full, "rb") as f:
                found[os.path.relpath(full, path)] = f.read()
    return found


def test_tiles_of_the_program(build):
    with Place() as at:
        book, origin, key = export(build, at, 60)
        leaves = tiles.read(at("t"), origin, key)
        equal([tree.leaf_hash(x.bytes) for x in leaves], book.hashes,
              "leaves")
        true(len(leaves) > 512, "more than two tiles")
        wanted = tiles.files([x.bytes for x in leaves])
        with open(at("a", "head"), "rb") as f:
            wanted["checkpoint"] = f.read()
        equal(sorted(contents(at("t"))), sorted(wanted), "names of files")
        equal(contents(at("t")), wanted, "files")


def test_tiles_any_byte_changed(build):
    with Place() as at:
        _, origin, key = export(build, at, 20)
        r = random.Random(1)
        for name, good in contents(at("t")).items():
            for _ in range(10):
                bad = bytearray(good)
                bad[r.randrange(len(bad))] ^= 1 << r.randrange(8)
                with open(at("t", name), "wb") as f:
                    f.write(bad)
                try:
                    tiles.read(at("t"), origin, key)
                except c.Refused:
                    continue
                true(False, "%s changed and taken" % name)
            with open(at("t", name), "wb") as f:
                f.write(good)
        tiles.read(at("t"), origin, key)


def judged(build, at, key):
    """What the program says of the tree in `t`: exit and report."""
    code, out, err = program(build, at("home"), "audit", "verify", "--tiles",
                             at("t"), "--key", names.key_text("hfl1", key),
                             "--json")
    true(out, "audit verify: exit %d: %s" % (code, err))
    return code, json.loads(out)


def test_tiles_of_ours_by_the_program(build):
    """It reads a tree that was written here, and finds what was changed."""
    with Place() as at:
        _, origin, key = export(build, at, 60)
        leaves = [x.bytes for x in tiles.read(at("t"), origin, key)]
        found = tiles.files(leaves)
        with open(at("a", "head"), "rb") as f:
            found["checkpoint"] = f.read()
        shutil.rmtree(at("t"))
        for name, data in found.items():
            os.makedirs(os.path.dirname(at("t", name)), exist_ok=True)
            with open(at("t", name), "wb") as f:
                f.write(data)
        code, said = judged(build, at, key)
        equal((code, said["entries"], said["divergences"]),
              (0, len(leaves), 0), "verify: %r" % said["problems"])
        r = random.Random(3)
        for name, good in sorted(found.items()):
            for _ in range(6):
                bad = bytearray(good)
                how = r.randrange(4)
                if how == 0:
                    del bad[r.randrange(len(bad)):]
                elif how == 1:
                    bad += b"x" * r.randrange(1, 40)
                else:
                    bad[r.randrange(len(bad))] ^= 1 << r.randrange(8)
                with open(at("t", name), "wb") as f:
                    f.write(bad)
                code, said = judged(build, at, key)
                true(code == 6 and said["divergences"] > 0,
                     "%s changed (%d) and taken" % (name, how))
            with open(at("t", name), "wb") as f:
                f.write(good)
        equal(judged(build, at, key)[0], 0, "as it was")


def test_names_of_tiles():
    for index, width, name in ((0, 256, "tile/0/000"),
                               (7, 3, "tile/0/007.p/3"),
                               (1234067, 256, "tile/0/x001/x234/067"),
                               (1000, 255, "tile/0/x001/000.p/255")):
        equal(tiles.name_of(0, index, width), name, "name")
    # the example of tlog-tiles: 70,000 entries
    made = tiles.files([b"%d" % i for i in range(70000)])
    equal(sum(n.startswith("tile/0/") for n in made), 274, "level 0")
    true("tile/0/273.p/112" in made and "tile/1/000" in made and
         "tile/1/001.p/17" in made and "tile/2/000.p/1" in made and
         len(made) == 2 * 274 + 3, "the upper levels")


def test_proof_files_of_the_program(build):
    with Place() as at:
        book = random_ledger(12, 8)
        book.write(at("a"))
        origin, key = ledger.origin_of("JP", 1), book.home.ledger.public
        archive = Archive(at("a"))
        r = random.Random(2)
        for index in r.sample(range(archive.size), 8):
            code, out, err = program(build, at("home"), "audit", "prove",
                                     str(index), "--archive", at("a"))
            equal(code, 0, "audit prove: " + err)
            proof = tiles.Proof(out)
            head = proof.verify(origin, key)
            equal((proof.index, tree.leaf_hash(proof.leaf.bytes), head.size),
                  (index, book.hashes[index], archive.head.size), "proof")
            data = out.encode()
            for _ in range(40):
                bad = bytearray(data)
                bad[r.randrange(len(bad))] ^= 1 << r.randrange(8)
                try:
                    tiles.Proof(bytes(bad)).verify(origin, key)
                except (c.Refused, UnicodeError):
                    continue
                true(False, "a changed proof file is taken: %r" % bytes(bad))
