#!/usr/bin/env python3
"""Write trees.json, proofs.json, checkpoints.json and receipts.json.

An implementation of SPEC 6 apart from the C one: RFC 6962 by its recursive
definitions, MessagePack by hand, Ed25519 by the `cryptography` package.  The
roots of the first eight leaves, two key ids and one note of Go's note package
are known from elsewhere and are checked here before anything is written.
"""
import base64
import hashlib
import json
import pathlib
import struct

from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ed25519

HERE = pathlib.Path(__file__).parent


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tagged(tag, data):
    return sha(b"holdfast/1/" + tag.encode() + b"\0", data)


# ---- RFC 6962, 2.1 ----

def leaf_hash(data):
    return sha(b"\0", data)


def node(left, right):
    return sha(b"\1", left, right)


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d):
    if not d:
        return sha()
    if len(d) == 1:
        return d[0]
    k = split(len(d))
    return node(mth(d[:k]), mth(d[k:]))


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    if m < k:
        return path(m, d[:k]) + [mth(d[k:])]
    return path(m - k, d[k:]) + [mth(d[:k])]


def subproof(m, d, whole):
    if m == len(d):
        return [] if whole else [mth(d)]
    k = split(len(d))
    if m <= k:
        return subproof(m, d[:k], whole) + [mth(d[k:])]
    return subproof(m - k, d[k:], False) + [mth(d[:k])]


# ---- MessagePack, shortest forms ----

def uint(v):
    for limit, head, fmt in ((0x80, b"", "B"), (1 << 8, b"\xcc", "B"),
                             (1 << 16, b"\xcd", ">H"), (1 << 32, b"\xce", ">I")):
        if v < limit:
            return head + struct.pack(fmt, v)
    return b"\xcf" + struct.pack(">Q", v)


def sized(data, heads):
    n = len(data)
    if n < 1 << 8:
        return heads[0] + struct.pack("B", n) + data
    return heads[1] + struct.pack(">H", n) + data


def binary(data):
    return sized(data, (b"\xc4", b"\xc5"))


def text(s):
    data = s if isinstance(s, bytes) else s.encode()
    if len(data) < 32:
        return bytes([0xa0 | len(data)]) + data
    return sized(data, (b"\xd9", b"\xda"))


def array(*members):
    return bytes([0x90 | len(members)]) + b"".join(members)


def mapping(*pairs):
    return bytes([0x80 | len(pairs)]) + b"".join(uint(k) + v for k, v in pairs)


# ---- keys and notes ----

class Key:
    def __init__(self, label):
        seed = sha(b"holdfast test key ", label.encode())
        self.secret = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.secret.public_key().public_bytes(
            ser.Encoding.Raw, ser.PublicFormat.Raw)

    def sign(self, message):
        return self.secret.sign(message)


def key_id(name, public, kind=1):
    return sha(name.encode(), b"\n", bytes([kind]), public)[:4]


def b64(data):
    return base64.b64encode(data).decode()


def line(name, ident, signature):
    return "\u2014 %s %s\n" % (name, b64(ident + signature))


def signed(body, name, key):
    return body + "\n" + line(name, key_id(name, key.public),
                              key.sign(body.encode()))


def head(origin, size, root):
    return "%s\n%s\n%s\n" % (origin, size, b64(root))


def write(name, value):
    out = json.dumps(value, indent=1, ensure_ascii=True) + "\n"
    (HERE / name).write_text(out)


# ---- trees and proofs ----

CT_LEAVES = [bytes.fromhex(h) for h in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
    "606162636465666768696a6b6c6d6e6f")]
CT_ROOTS = """
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d
fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125
aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77
d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7
4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4
76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef
ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c
5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328
""".split()
COUNT = 70
LEAVES = [leaf_hash(struct.pack(">I", i)) for i in range(COUNT)]


def trees():
    ct = [leaf_hash(d) for d in CT_LEAVES]
    assert [mth(ct[:n]).hex() for n in range(9)] == CT_ROOTS
    write("trees.json", [
        {"about": "the eight leaves of RFC 6962 implementations; "
                  "roots of sizes 0 to 8",
         "leaves": [d.hex() for d in CT_LEAVES], "roots": CT_ROOTS},
        {"about": "leaf i is i as 4 bytes big-endian; roots of sizes 0 to 70",
         "leaves": [struct.pack(">I", i).hex() for i in range(COUNT)],
         "roots": [mth(LEAVES[:n]).hex() for n in range(COUNT + 1)]},
    ])


def hexes(hashes):
    return [h.hex() for h in hashes]


def flip(h):
    return bytes([h[0] ^ 1]) + h[1:]


def inclusion(name, index, size, hashes, ok, leaf=None, root=None):
    root = mth(LEAVES[:size]) if root is None else root
    leaf = LEAVES[index] if leaf is None else leaf
    return {"name": name, "index": index, "size": size, "leaf_hash": leaf.hex(),
            "root": root.hex(), "path": hexes(hashes), "ok": ok}


def consistency(name, old, new, hashes, ok, old_root=None, new_root=None):
    old_root = mth(LEAVES[:old]) if old_root is None else old_root
    new_root = mth(LEAVES[:new]) if new_root is None else new_root
    return {"name": name, "old_size": old, "old_root": old_root.hex(),
            "new_size": new, "new_root": new_root.hex(), "path": hexes(hashes),
            "ok": ok}


def proofs():
    inc, con = [], []
    for index, size in ((0, 1), (0, 2), (1, 2), (2, 3), (0, 7), (6, 7), (5, 8),
                        (4, 5), (64, 65), (63, 65), (69, 70), (33, 70)):
        inc.append(inclusion("good", index, size, path(index, LEAVES[:size]),
                             True))
    p = path(5, LEAVES[:8])
    inc += [
        inclusion("one bit of one hash", 5, 8, [p[0], flip(p[1]), p[2]], False),
        inclusion("a hash too few", 5, 8, p[:2], False),
        inclusion("a hash too many", 5, 8, p + [p[0]], False),
        inclusion("two hashes swapped", 5, 8, [p[1], p[0], p[2]], False),
        inclusion("wrong leaf", 5, 8, p, False, leaf=LEAVES[4]),
        inclusion("wrong index", 4, 8, p, False, leaf=LEAVES[5]),
        inclusion("a smaller size", 5, 6, p, False, root=mth(LEAVES[:8])),
        inclusion("a larger size", 5, 9, p, False, root=mth(LEAVES[:8])),
        inclusion("index past the end", 8, 8, [], False, leaf=mth(LEAVES[:8])),
        inclusion("leaf of the empty tree", 0, 0, [], False),
    ]
    for old, new in ((1, 1), (1, 2), (2, 3), (3, 7), (4, 7), (6, 7), (7, 8),
                     (8, 8), (64, 65), (63, 64), (65, 70), (1, 70)):
        con.append(consistency("good", old, new,
                               subproof(old, LEAVES[:new], True), True))
    p = subproof(3, LEAVES[:7], True)
    con += [
        consistency("from the empty tree nothing is to be shown", 0, 5, [],
                    True),
        consistency("empty twice", 0, 0, [], True),
        consistency("from the empty tree with a hash", 0, 5, p[:1], False),
        consistency("not the empty tree's root", 0, 5, [], False,
                    old_root=LEAVES[0]),
        consistency("one bit of one hash", 3, 7, [flip(p[0])] + p[1:], False),
        consistency("a hash too few", 3, 7, p[:-1], False),
        consistency("a hash too many", 3, 7, p + p[-1:], False),
        consistency("no hash", 3, 7, [], False),
        consistency("old root replaced", 3, 7, p, False,
                    old_root=mth(LEAVES[1:4])),
        consistency("new root replaced", 3, 7, p, False,
                    new_root=mth(LEAVES[1:8])),
        consistency("same size, two roots", 5, 5, [], False,
                    new_root=mth(LEAVES[1:6])),
        consistency("same size, a hash", 5, 5, p[:1], False),
        consistency("the tree shrank", 7, 3, p, False),
    ]
    write("proofs.json", {"inclusion": inc, "consistency": con})


# ---- checkpoints ----

ORIGIN = "holdfast/JP/1"
LEDGER = Key("ledger JP")
WITNESS = Key("witness DE")
PETER = ("PeterNeumann", "c74f20a3",
         "ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
PETER_TEXT = ("If you think cryptography is the answer to your problem,\n"
              "then you don't know what your problem is.\n")
PETER_NOTE = PETER_TEXT + (
    "\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGU"
    "gYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n")
GOSUM = ("sum.golang.org", "033de0ae",
         "Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8")


def row(name, note, size=None, root=None, origin=ORIGIN, key=LEDGER):
    r = {"name": name, "origin": origin, "key": key.public.hex(),
         "ok": size is not None}
    if isinstance(note, str) and "\0" in note:
        note = note.encode()
    r.update({"note_hex": note.hex()} if isinstance(note, bytes)
             else {"note": note})
    if size is not None:
        r.update({"size": size, "root": root.hex()})
    return r


def checkpoints():
    ids = []
    for name, ident, blob in (PETER, GOSUM):
        raw = base64.b64decode(blob)
        assert raw[0] == 1 and key_id(name, raw[1:]).hex() == ident
        ids.append({"name": name, "key": raw[1:].hex(), "id": ident})
    ids.append({"name": ORIGIN, "key": LEDGER.public.hex(),
                "id": key_id(ORIGIN, LEDGER.public).hex()})

    peter = ed25519.Ed25519PublicKey.from_public_bytes(
        bytes.fromhex(ids[0]["key"]))
    peter.verify(base64.b64decode(PETER_NOTE.split()[-1])[4:],
                 PETER_TEXT.encode())

    root = mth(LEAVES[:70])
    body = head(ORIGIN, 70, root)
    good = signed(body, ORIGIN, LEDGER)
    own = good[len(body) + 1:]
    ident = key_id(ORIGIN, LEDGER.public)
    sig = LEDGER.sign(body.encode())
    cosig = line("witness.example/DE", key_id("witness.example/DE",
                 WITNESS.public, 4), struct.pack(">Q", 1) +
                 WITNESS.sign(body.encode()))

    def resigned(text_):
        return signed(text_, ORIGIN, LEDGER)

    rows = [
        row("plain", good, 70, root),
        row("empty tree", resigned(head(ORIGIN, 0, sha())), 0, sha()),
        row("largest size", resigned(head(ORIGIN, 1 << 48, root)), 1 << 48,
            root),
        row("cosigned, ours first", good + cosig, 70, root),
        row("cosigned, ours last", body + "\n" + cosig + own, 70, root),
        row("our signature twice", good + own, 70, root),
        row("an extension line", resigned(body + "batch 12\n"), 70, root),
        row("our name, another's id",
            good + line(ORIGIN, key_id(ORIGIN, WITNESS.public), sig), 70, root),
        row("another's name, our id",
            good + line("witness.example/DE", ident, b"x" * 64), 70, root),
        row("a foreign name above ASCII",
            good + line("z\u00fcrich.example/1", b"abcd", b"x" * 64), 70, root),
        row("a foreign signature of one byte",
            good + line("witness.example/DE", b"abcd", b"x"), 70, root),
    ]
    bad = [
        ("nothing", ""),
        ("one newline", "\n"),
        ("newlines only", "\n\n\n"),
        ("no signature", body + "\n"),
        ("text only", body),
        ("no blank line", body + own),
        ("two blank lines", body + "\n\n" + own),
        ("no final newline", good[:-1]),
        ("an empty line at the end", good + "\n"),
        ("hyphen for em dash", body + "\n" + "-" + own[1:]),
        ("en dash for em dash", body + "\n" + "\u2013" + own[1:]),
        ("no space after the dash", body + "\n" + own[0] + own[2:]),
        ("two spaces after the dash", body + "\n" + own[0] + " " + own[1:]),
        ("two spaces before the signature",
         good.replace(ORIGIN + " ", ORIGIN + "  ")),
        ("a space at the end of the line", good[:-1] + " \n"),
        ("no name", body + "\n" + "\u2014  " + b64(ident + sig) + "\n"),
        ("no base64", body + "\n" + "\u2014 " + ORIGIN + "\n"),
        ("empty base64", body + "\n" + "\u2014 " + ORIGIN + " \n"),
        ("base64 without padding", good[:-2].rstrip("=") + "\n"),
        ("base64url", good.replace("+", "-").replace("/", "_").replace(
            "holdfast_JP_1", ORIGIN)),
        ("a bit after the end of the base64",
         good[:-3] + chr(ord(good[-3]) + 1) + good[-2:]),
        ("signature a byte short", body + "\n" + line(ORIGIN, ident, sig[:-1])),
        ("signature a byte long", body + "\n" + line(ORIGIN, ident, sig + b"0")),
        ("key id only", body + "\n" + line(ORIGIN, ident, b"")),
        ("another's signature only", body + "\n" + cosig),
        ("signed by another under our name",
         signed(body, ORIGIN, WITNESS)),
        ("signed by another under our name and id",
         body + "\n" + line(ORIGIN, ident, WITNESS.sign(body.encode()))),
        ("a good and a bad signature of ours",
         good + line(ORIGIN, ident, WITNESS.sign(body.encode()))),
        ("one bit of the signature",
         body + "\n" + line(ORIGIN, ident, flip(sig))),
        ("a foreign line without form", good + "hello\n"),
        ("a foreign key id without signature",
         good + line("witness.example/DE", b"abcd", b"")),
        ("a foreign name with plus", good + line("a+b", b"abcd", b"x" * 64)),
        ("a foreign name with a no-break space",
         good + line("a\u00a0b", b"abcd", b"x" * 64)),
        ("a foreign name with an ideographic space",
         good + line("a\u3000b", b"abcd", b"x" * 64)),
        ("a foreign line in bad base64", good + "\u2014 a.example !!!!\n"),
        ("another origin", signed(head("holdfast/JP/2", 70, root),
                                  ORIGIN, LEDGER)),
        ("another key name", signed(body, "holdfast/JP/2", LEDGER)),
        ("empty origin", resigned(head("", 70, root))),
        ("origin with a space after it", resigned(head(ORIGIN + " ", 70, root))),
        ("leading zero", resigned(head(ORIGIN, "070", root))),
        ("two zeros", resigned(head(ORIGIN, "00", root))),
        ("plus sign", resigned(head(ORIGIN, "+70", root))),
        ("minus sign", resigned(head(ORIGIN, "-70", root))),
        ("hexadecimal", resigned(head(ORIGIN, "0x46", root))),
        ("space before the size", resigned(head(ORIGIN, " 70", root))),
        ("space after the size", resigned(head(ORIGIN, "70 ", root))),
        ("no size", resigned(head(ORIGIN, "", root))),
        ("a size above the depth", resigned(head(ORIGIN, (1 << 48) + 1, root))),
        ("a size of 2^64 and more", resigned(head(ORIGIN, (1 << 64) + 70,
                                                  root))),
        ("a size of 30 digits", resigned(head(ORIGIN, "1" * 30, root))),
        ("digits of another script",
         resigned(head(ORIGIN, "\u0667\u0660", root))),
        ("root a byte short", resigned(head(ORIGIN, 70, root[:-1]))),
        ("root a byte long", resigned(head(ORIGIN, 70, root + b"0"))),
        ("root without padding", resigned(body[:-2] + "\n")),
        ("root in hexadecimal", resigned("%s\n70\n%s\n" % (ORIGIN,
                                                          root.hex()))),
        ("no root", resigned("%s\n70\n" % ORIGIN)),
        ("only an origin", resigned("%s\n" % ORIGIN)),
        ("an empty line before an extension line",
         resigned(body + "\nbatch 12\n")),
        ("carriage returns", resigned(body.replace("\n", "\r\n"))),
        ("a tab in an extension line", resigned(body + "a\tb\n")),
        ("a NUL in an extension line", resigned(body + "a\0b\n")),
        ("signed over other bytes", good.replace("\n70\n", "\n71\n")),
        ("larger than the limit", resigned(body + "x" * 900 + "\n")),
    ]
    rows += [row(name, note) for name, note in bad]
    rows.append(row("bytes that are not UTF-8", good.encode() + line(
        "a~b", b"abcd", b"x" * 64).encode().replace(b"~", b"\xff")))
    rows.append(row("right note, another's key", good, key=WITNESS))
    rows.append(row("right note, another origin expected", good,
                    origin="holdfast/JP/2"))
    write("checkpoints.json", {
        "key_ids": ids,
        "notes": [{"name": PETER[0], "key": ids[0]["key"], "note": PETER_NOTE,
                   "text": PETER_TEXT}],
        "checkpoints": rows})


# ---- leaves, statements, receipts ----

def ledger_leaf(type_, epoch, entered, bound, ident, core, envelope, sigs):
    return array(uint(1), uint(type_), uint(epoch), uint(entered), uint(bound),
                 binary(ident), binary(core), binary(envelope), binary(sigs))


def digest(label):
    return sha(b"digest ", label.encode())


def receipts():
    act = dict(type=1, epoch=1, entered=1795257723250, bound=40,
               id=digest("id"), core=digest("core"),
               envelope=digest("envelope"), sigs=digest("sigs"))
    payload = mapping((1, uint(10)), (2, binary(digest("id"))), (3, text("DE")),
                      (5, uint(300)), (7, uint(1795257723999)))
    full = mapping((1, uint(15)), (2, binary(digest("subject"))),
                   (3, text("jp.ncp \u65e5\u672c")), (4, uint(3002)),
                   (5, uint(1 << 40)), (6, binary(digest("key"))),
                   (7, uint(1795257723999)), (8, binary(b"detail" * 50)))
    start = mapping((1, uint(19)))
    stated = dict(type=10, epoch=1, entered=1795257724000,
                  bound=(1 << 32) - 1, id=digest("id"),
                  core=tagged("statement", payload), envelope=bytes(32),
                  sigs=bytes(32))

    def enc(a):
        return ledger_leaf(*a.values())

    def shown(a):
        return {k: v.hex() if isinstance(v, bytes) else v for k, v in a.items()}

    zero = bytes(32)
    leaves = [{"name": "own act", "bytes": enc(act).hex(), "error": 0,
               **shown(act)},
              {"name": "statement", "bytes": enc(stated).hex(), "error": 0,
               **shown(stated)},
              {"name": "version 2", "error": 1010,
               "bytes": enc(act).replace(b"\x99\x01", b"\x99\x02", 1).hex()},
              {"name": "type 5 is no type", "error": 1010,
               "bytes": enc({**act, "type": 5}).hex()},
              {"name": "a statement with an envelope", "error": 1010,
               "bytes": enc({**stated, "envelope": digest("e")}).hex()},
              {"name": "bound above 32 bits", "error": 1010,
               "bytes": enc({**act, "bound": 1 << 32}).hex()},
              {"name": "a byte after the end", "error": 1007,
               "bytes": (enc(act) + b"\0").hex()},
              {"name": "cut short", "error": 1001,
               "bytes": enc(act)[:-1].hex()}]
    statements = [
        {"name": "delivered", "bytes": payload.hex(), "error": 0, "type": 10,
         "subject": digest("id").hex(), "text": "DE", "code": 0, "count": 300,
         "key": zero.hex(), "time": 1795257723999, "detail": "",
         "digest": tagged("statement", payload).hex()},
        {"name": "every key", "bytes": full.hex(), "error": 0, "type": 15,
         "subject": digest("subject").hex(), "text": "jp.ncp \u65e5\u672c",
         "code": 3002, "count": 1 << 40, "key": digest("key").hex(),
         "time": 1795257723999, "detail": (b"detail" * 50).hex(),
         "digest": tagged("statement", full).hex()},
        {"name": "type only", "bytes": start.hex(), "error": 0, "type": 19,
         "subject": zero.hex(), "text": "", "code": 0, "count": 0,
         "key": zero.hex(), "time": 0, "detail": "",
         "digest": tagged("statement", start).hex()},
        {"name": "no type", "bytes": mapping((3, text("DE"))).hex(),
         "error": 1011},
        {"name": "the empty map", "bytes": "80", "error": 1011},
        {"name": "type of an act", "bytes": mapping((1, uint(1))).hex(),
         "error": 1010},
        {"name": "a zero that should be absent", "error": 1010,
         "bytes": mapping((1, uint(10)), (5, uint(0))).hex()},
        {"name": "a subject of zeros", "error": 1010,
         "bytes": mapping((1, uint(10)), (2, binary(zero))).hex()},
        {"name": "an empty text", "error": 1010,
         "bytes": mapping((1, uint(10)), (3, text(""))).hex()},
        {"name": "unknown key", "error": 1012,
         "bytes": mapping((1, uint(10)), (9, uint(1))).hex()},
        {"name": "keys out of order", "error": 1005,
         "bytes": mapping((5, uint(2)), (1, uint(10))).hex()},
        {"name": "larger than the limit", "error": 1002,
         "bytes": mapping((1, uint(10)), (8, binary(bytes(1 << 10)))).hex()},
    ]

    data = [enc({**act, "id": digest("act %d" % i)}) for i in range(21)]
    hashes = [leaf_hash(d) for d in data]
    note = signed(head(ORIGIN, 21, mth(hashes)), ORIGIN, LEDGER)

    def receipt(index, leaf=None, hashes_=None, note_=note, at=None):
        p = path(index, hashes) if hashes_ is None else hashes_
        return mapping((1, binary(data[index] if leaf is None else leaf)),
                       (2, uint(index if at is None else at)),
                       (3, binary(b"".join(p))), (4, text(note_)))

    def rrow(name, raw, error=0, **more):
        return {"name": name, "bytes": raw.hex(), "origin": ORIGIN,
                "key": LEDGER.public.hex(), "error": error, **more}

    p = path(13, hashes)
    alone = leaf_hash(data[0])
    rows = [rrow("leaf %d of 21" % i, receipt(i), index=i, size=21,
                 path_count=len(path(i, hashes)), leaf=data[i].hex())
            for i in (0, 13, 15, 16, 20)]
    rows += [
        rrow("the only leaf", receipt(0, hashes_=[], note_=signed(
            head(ORIGIN, 1, alone), ORIGIN, LEDGER)), index=0, size=1,
            path_count=0, leaf=data[0].hex()),
        rrow("one bit of the path", receipt(13, hashes_=[flip(p[0])] + p[1:]),
             6001),
        rrow("a hash too few", receipt(13, hashes_=p[:-1]), 6001),
        rrow("a hash too many", receipt(13, hashes_=p + p[:1]), 6001),
        rrow("another index", receipt(13, at=12), 6001),
        rrow("an index past the tree", receipt(13, at=21), 6001),
        rrow("another leaf", receipt(13, leaf=data[12]), 6001),
        rrow("a head of another tree", receipt(13, note_=signed(
            head(ORIGIN, 21, digest("root")), ORIGIN, LEDGER)), 6001),
        rrow("a head signed by another", receipt(13, note_=signed(
            head(ORIGIN, 21, mth(hashes)), ORIGIN, WITNESS)), 6002),
        rrow("a note that is none", receipt(13, note_="hello\n"), 6002),
        rrow("a path of 31 bytes", mapping(
            (1, binary(data[13])), (2, uint(13)), (3, binary(p[0][:31])),
            (4, text(note))), 1010),
        rrow("a path of 49 hashes", receipt(13, hashes_=p[:1] * 49), 1002),
        rrow("an index of 2^48", receipt(13, at=1 << 48), 1010),
        rrow("no path", mapping((1, binary(data[13])), (2, uint(13)),
                                (4, text(note))), 1011),
        rrow("an unknown key", mapping(
            (1, binary(data[13])), (2, uint(13)), (3, binary(b"".join(p))),
            (6, text(note))), 1012),
        rrow("a leaf that is none", receipt(13, leaf=b"\x80"), 1003),
        rrow("a byte after the end", receipt(13) + b"\0", 1007),
        rrow("cut short", receipt(13)[:-1], 1001),
    ]
    write("receipts.json", {"leaves": leaves, "statements": statements,
                            "receipts": rows})


if __name__ == "__main__":
    trees()
    proofs()
    checkpoints()
    receipts()
