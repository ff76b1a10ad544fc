"""The auditor's archive: fetched, resumed, judged offline, exported."""

import base64
import hashlib
import os
import random
import shutil
import threading
import time

from harness import Federation, check, equal, unpack


def federation():
    return Federation("JP", "US")


def path(f, *parts):
    return os.path.join(f.dir, *parts)


def read(*parts):
    with open(os.path.join(*parts), "rb") as f:
        return f.read()


def write(data, *parts):
    with open(os.path.join(*parts), "wb") as f:
        f.write(data)


def audit(f, *args, who="jp.audit"):
    return f.run(who, "audit", *args, timeout=120)


def frames(data):
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        yield at, data[at + 4:at + 4 + size]
        at += 4 + size


# ---- RFC 6962 and C2SP, written again here ----

def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def tree_root(hashes):
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while 2 * split < len(hashes):
        split *= 2
    return node(tree_root(hashes[:split]), tree_root(hashes[split:]))


def inclusion_root(index, size, leaf, path):
    """RFC 9162, 2.1.3.2."""
    fn, sn, r = index, size - 1, leaf
    for p in path:
        check(sn != 0, "the path is too long")
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    check(sn == 0, "the path is too short")
    return r


def checkpoint(text):
    lines = text.decode().split("\n")
    check(lines[3] == "", "three lines, then signatures")
    check(lines[4].startswith("\u2014 " + lines[0] + " "), "signed by itself")
    return lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True)


def tile_name(n, width):
    name = "%03d" % (n % 1000)
    while n >= 1000:
        n //= 1000
        name = "x%03d/" % (n % 1000) + name
    return name if width == 256 else "%s.p/%d" % (name, width)


def read_tiles(top, kind, count):
    for n in range((count + 255) // 256):
        width = min(256, count - 256 * n)
        yield width, read(top, "tile", kind, tile_name(n, width))


def root_of_tiles(top, size):
    """The root from the tiles alone, each level checked against the next."""
    below, level = None, 0
    count = size
    while count > 0:
        hashes = []
        for width, tile in read_tiles(top, str(level), count):
            equal(len(tile), 32 * width, "size of a tile")
            hashes += [tile[32 * i:32 * i + 32] for i in range(width)]
        if below is not None:
            full = [tree_root(below[256 * i:256 * i + 256])
                    for i in range(len(below) // 256)]
            equal(hashes, full, "level %d over the one below" % level)
        else:
            leaves = hashes
        below, level, count = hashes, level + 1, count // 256
    return leaves, tree_root(leaves)


# ---- tests ----

def test_the_tiles_hash_to_the_checkpoint(f):
    top = path(f, "tiles")
    size = 0
    while size <= 260:  # more than one tile, and a level above
        for _ in range(20):
            f.request()
        got = audit(f, "export", "--tiles", top, "--json").ok().json()
        check(got["head_size"] > size, "the ledger does not grow")
        size = got["head_size"]
    origin, size, root = checkpoint(read(top, "checkpoint"))
    equal(origin, "holdfast/JP/1", "origin")
    equal(size, got["head_size"], "size")
    check(os.path.exists(os.path.join(top, "tile", "1", "000.p", "1")),
          "a tile of level 1")
    leaves, tiles_root = root_of_tiles(top, size)
    equal(tiles_root, root, "root of the tiles")
    entries = []
    for width, bundle in read_tiles(top, "entries", size):
        at = 0
        for _ in range(width):
            n = int.from_bytes(bundle[at:at + 2], "big")
            entries.append(bundle[at + 2:at + 2 + n])
            at += 2 + n
        equal(at, len(bundle), "a bundle is whole")
    equal([leaf_hash(e) for e in entries], leaves, "entries under the tiles")
    # digests only: a leaf is nine members, none longer than a digest
    for e in entries:
        check(len(unpack(e)) == 9 and len(e) <= 192, "a leaf")
    # a flipped hash is seen, or this test sees nothing
    name = os.path.join(top, "tile", "0", "001.p", str(size - 256))
    tile = bytearray(read(name))
    tile[0] ^= 1
    write(tile, name)
    check(root_of_tiles(top, size)[1] != root, "a flipped hash is not seen")


def test_a_proof_file_proves_offline(f):
    ref = f.request()
    act = f.show("jp.ncp", ref)["acts"][0]["id"]
    audit(f, "fetch").ok()
    archive = os.path.join(f.home("jp.audit"), "ledger")
    for name in (act, "0", "5"):
        out = path(f, "one.tlog-proof")
        audit(f, "prove", name, "--archive", archive, "--out", out).ok()
        text = read(out)
        equal(audit(f, "prove", name, "--archive", archive).ok().out.encode(),
              text, "the same on standard output")
        head, note = text.split(b"\n\n", 1)
        lines = head.decode().split("\n")
        equal(lines[0], "c2sp.org/tlog-proof@v1", "first line")
        leaf = base64.b64decode(lines[1].removeprefix("extra "), validate=True)
        index = int(lines[2].removeprefix("index "))
        hashes = [base64.b64decode(x, validate=True) for x in lines[3:]]
        _, size, root = checkpoint(note)
        equal(inclusion_root(index, size, leaf_hash(leaf), hashes), root,
              "root of the proof of " + name)
        if name == act:
            equal(unpack(leaf)[5].hex(), act, "the act's leaf")
        else:
            equal(index, int(name), "index")
    audit(f, "prove", "123456", "--archive", archive).fails(5)
    audit(f, "prove", "x", "--archive", archive).fails(2)


def same_as_fresh(f, here, fresh, what):
    """The later fetch may have more: a broker at work goes on entering."""
    audit(f, "fetch", "--out", here).ok()
    shutil.rmtree(fresh, ignore_errors=True)
    audit(f, "fetch", "--out", fresh).ok()
    for name in ("ledger", "hashes", "receipts"):
        got, later = read(here, name), read(fresh, name)
        equal(got, later[:len(got)], "%s after: %s" % (name, what))
    audit(f, "replay", here).ok()


def test_a_fetch_goes_on_where_it_ended(f):
    here, fresh = path(f, "here"), path(f, "fresh")
    first = audit(f, "fetch", "--out", here, "--json").ok().json()
    f.request()
    second = audit(f, "fetch", "--out", here, "--json").ok().json()
    equal(second["entries"] - second["new"], first["entries"], "went on")
    check(second["new"] > 0, "something new")
    ledger, hashes = read(here, "ledger"), read(here, "hashes")
    offsets = [at for at, _ in frames(ledger)]

    def interrupted(ledger_bytes, hash_bytes, keep_head, what):
        write(ledger_bytes, here, "ledger")
        write(hash_bytes, here, "hashes")
        if not keep_head:
            os.remove(os.path.join(here, "head"))
        same_as_fresh(f, here, fresh, what)

    last = offsets[-1]
    interrupted(ledger[:last + 2], hashes, True, "a torn size")
    interrupted(ledger[:last + 40], hashes[:-32], True, "a torn frame")
    interrupted(ledger[:last], hashes[:-17], True, "a torn hash")
    interrupted(ledger, b"", True, "no hashes")
    interrupted(ledger[:offsets[2]], hashes[:32], False, "hardly begun")
    interrupted(ledger[:offsets[4]] + bytes(500), hashes[:128] + bytes(64),
                False, "zeros that a power cut left")
    interrupted(b"", b"", True, "nothing but a head")
    # what lies under the head that was fetched is not overwritten in silence
    bad = bytearray(read(here, "ledger"))
    bad[offsets[3] + 30] ^= 1
    write(bad, here, "ledger")
    audit(f, "fetch", "--out", here).fails(6, "E5005")
    os.remove(os.path.join(here, "hashes"))
    audit(f, "fetch", "--out", here).fails(6, "E5005")


def test_a_fetch_that_is_killed_goes_on(f):
    here, fresh = path(f, "killed"), path(f, "unkilled")
    chance = random.Random(7)
    kills = 0
    for _ in range(25):
        p = f.start_command("jp.audit", "audit", "fetch", "--out", here)
        time.sleep(chance.uniform(0.002, 0.03))
        if p.poll() is None:
            p.kill()
            kills += 1
        p.communicate()
        if chance.random() < 0.3:  # what was fetched so far stands anew
            shutil.rmtree(here, ignore_errors=True)
    check(kills > 3, "only %d of 25 were killed" % kills)
    same_as_fresh(f, here, fresh, "kills")
    equal(read(here, "pins"), read(fresh, "pins"), "pins")
    equal(sorted(os.listdir(os.path.join(here, "documents"))),
          sorted(os.listdir(os.path.join(fresh, "documents"))), "documents")
    audit(f, "replay", here).ok()


def test_a_broker_at_work_is_audited(f):
    """What enters between head, states and receipts is no divergence."""
    stop = threading.Event()
    errors = []

    def work():
        try:
            while not stop.is_set():
                with lock:
                    form = f.form()
                ref = f.request(form=form)
                f.has("us.ncp", ref, "request")
                f.run("us.ncp", "request", "ack", ref).ok()
        except Exception as e:
            errors.append(e)

    lock = threading.Lock()
    threads = [threading.Thread(target=work) for _ in range(2)]
    for t in threads:
        t.start()
    rounds = behind = 0
    end = time.monotonic() + 60
    try:
        while rounds < 10 or (behind == 0 and time.monotonic() < end):
            rounds += 1
            for cc in ("jp", "us"):
                got = audit(f, "replay", "--json", who=cc + ".audit")
                equal(got.code, 0, got.out + got.err)
                behind += got.json()["entries"] > got.json()["head_size"]
    finally:
        stop.set()
        for t in threads:
            t.join()
    check(not errors, repr(errors))
    check(behind > 0, "nothing entered while it was fetched")


def test_another_ledger_under_the_same_key_is_told(f):
    early, late = path(f, "early"), path(f, "late")
    data, kept = path(f, "jp", "data"), path(f, "jp", "kept")
    f.script("stop", "jp")
    shutil.copytree(data, kept)
    shutil.rmtree(data)
    os.mkdir(data, 0o700)
    f.script("start", "jp")
    audit(f, "fetch", "--out", early).ok()
    f.script("stop", "jp")
    shutil.rmtree(data)
    os.rename(kept, data)
    f.script("start", "jp")
    audit(f, "fetch", "--out", late).ok()
    # larger than the one before, and not its continuation
    got = audit(f, "fetch", "--out", early).fails(6, "E6010")
    check("no prefix" in got.err, got.err)
    # smaller: the head of the larger one in the small one's archive
    audit(f, "verify", early).ok()
    shutil.copy(os.path.join(early, "head"), os.path.join(late, "head"))
    audit(f, "verify", late).fails(6)
    # of another country
    audit(f, "fetch", "--out", late, who="us.audit").fails(6, "E6010")


def test_an_archive_is_judged_without_a_broker(f):
    ref = f.request(basis="budapest", seconds="5184000")
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "ack", ref).ok()
    f.has("jp.ncp", ref, "acknowledge")
    before = time.strftime("%Y-%m-%dT%H:%M:%SZ",
                           time.gmtime(time.time() + 2))
    archive = path(f, "offline")
    audit(f, "fetch", "--out", archive).ok()
    f.script("stop", "jp")
    try:
        audit(f, "--timeout", "2", "verify").fails(3)
        got = audit(f, "replay", archive, "--json").ok().json()
        equal(got["divergences"], 0, "divergences")
        equal(got["verified"], got["acts"], "acts")
        equal(got["pins_known"], 2, "pins of the home")
        check(not [n for n in os.listdir(archive) if n.startswith(".")],
              "a temporary table was left")
        # whoever has no home takes the archive's own pins, and is told
        told = f.run("nobody", "audit", "verify", archive).ok()
        check("compare the others by hand" in told.out, told.out)
        rows = audit(f, "replay", archive, "--at", before, "--desk", "jp.ncp",
                     "--json").ok().lines()
        mine = [r for r in rows if r.get("ref") == ref]
        equal([r["state"] for r in mine], ["acknowledged"], "state then")
        rows = audit(f, "replay", archive, "--at", "2020-01-01T00:00:00Z",
                     "--json").ok().lines()
        equal([r for r in rows if "ref" in r], [], "nothing was known then")
        rows = audit(f, "replay", archive, "--at", before, "--desk",
                     "jp.isp1", "--json").ok().lines()
        equal([r for r in rows if "ref" in r], [], "no party of anything")
        audit(f, "replay", archive, "--at", "yesterday").fails(2)
        audit(f, "verify", path(f, "nothing")).fails(1, "E7008")
        ledger = read(archive, "ledger")
        entries = list(enumerate(frames(ledger)))
        for index, (at, frame) in entries[::1 + len(entries) // 40]:
            bad = bytearray(ledger)
            bad[at + 4 + len(frame) // 2] ^= 1
            write(bad, archive, "ledger")
            got = audit(f, "verify", archive, "--json").fails(6).json()
            check(got["first"].startswith("entry %d: " % index),
                  "entry %d: %r" % (index, got))
    finally:
        f.script("start", "jp")
