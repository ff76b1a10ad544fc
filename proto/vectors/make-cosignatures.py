#!/usr/bin/env python3
"""Write cosignatures.json: C2SP tlog-cosignature lines and proofs of forks.

Apart from the C implementation: signed notes and MessagePack by hand, Ed25519
by the `cryptography` package.
"""
import base64
import hashlib
import json
import pathlib
import struct

from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ed25519

HERE = pathlib.Path(__file__).parent
ORIGIN = "holdfast/JP/1"
MARK = "\u2014 "


def key_of(seed):
    return ed25519.Ed25519PrivateKey.from_private_bytes(
        hashlib.sha256(seed.encode()).digest())


def public(key):
    return key.public_key().public_bytes(ser.Encoding.Raw,
                                         ser.PublicFormat.Raw)


def key_id(name, kind, key):
    return hashlib.sha256(name.encode() + b"\n" + bytes([kind]) +
                          public(key)).digest()[:4]


def line(name, kind, key, payload):
    blob = key_id(name, kind, key) + payload
    return MARK + name + " " + base64.b64encode(blob).decode() + "\n"


def text_of(size, root):
    return "%s\n%d\n%s\n" % (ORIGIN, size, base64.b64encode(root).decode())


def note_of(size, root, key=None):
    key = key or JP
    text = text_of(size, root)
    return text + "\n" + line(ORIGIN, 1, key, key.sign(text.encode()))


def cosign(name, key, text, seconds, signed_seconds=None):
    message = "cosignature/v1\ntime %d\n%s" % (
        seconds if signed_seconds is None else signed_seconds, text)
    return line(name, 4, key, struct.pack(">Q", seconds) +
                key.sign(message.encode()))


def packed_str(s):
    b = s.encode()
    if len(b) < 32:
        return bytes([0xa0 | len(b)]) + b
    if len(b) < 256:
        return bytes([0xd9, len(b)]) + b
    return b"\xda" + struct.pack(">H", len(b)) + b


def packed_fork(origin, a, b):
    return (b"\x83\x01" + packed_str(origin) + b"\x02" + packed_str(a) +
            b"\x03" + packed_str(b))


JP = key_of("ledger key of JP")
WITNESS = {cc: key_of("witness key of " + cc) for cc in ("BR", "DE", "US")}
NAME = {cc: "holdfast/%s/witness" % cc for cc in WITNESS}
ROOT = hashlib.sha256(b"a root").digest()
OTHER = hashlib.sha256(b"another root").digest()
TEXT = text_of(70, ROOT)
NOTE = note_of(70, ROOT)
AT = 1795651200


def cosignatures():
    us = cosign(NAME["US"], WITNESS["US"], TEXT, AT)
    de = cosign(NAME["DE"], WITNESS["DE"], TEXT, AT + 1)
    br = cosign(NAME["BR"], WITNESS["BR"], TEXT, AT + 2)

    def row(what, note, ok, cc="US", seconds=AT):
        r = {"name": what, "note": note, "witness": NAME[cc],
             "key": public(WITNESS[cc]).hex(), "ok": ok}
        if ok:
            r["seconds"] = seconds
        return r

    broken = us.rstrip("\n")[:-4] + "AAA=\n"
    return [
        row("one", NOTE + us, True),
        row("two, the other first", NOTE + de + us, True),
        row("three, that of DE", NOTE + br + de + us, True, "DE", AT + 1),
        row("none", NOTE, False),
        row("by another", NOTE + de, False),
        row("of another time", NOTE + cosign(
            NAME["US"], WITNESS["US"], TEXT, AT, AT + 1), False),
        row("of another text", NOTE + cosign(
            NAME["US"], WITNESS["US"], text_of(71, ROOT), AT), False),
        row("a key of the same name", NOTE + cosign(
            NAME["US"], WITNESS["DE"], TEXT, AT), False),
        row("a bit of the signature", NOTE + broken, False),
        row("one good and one bad", NOTE + us + cosign(
            NAME["US"], WITNESS["US"], text_of(71, ROOT), AT), False),
        row("the note's own signature type", NOTE + line(
            NAME["US"], 1, WITNESS["US"], struct.pack(">Q", AT) +
            WITNESS["US"].sign(("cosignature/v1\ntime %d\n%s" % (
                AT, TEXT)).encode())), False),
        row("after the year 9999", NOTE + cosign(
            NAME["US"], WITNESS["US"], TEXT, 253402300800), False),
        row("in the year 9999", NOTE + cosign(
            NAME["US"], WITNESS["US"], TEXT, 253402300799), True, "US",
            253402300799),
        row("no newline at the end", (NOTE + us)[:-1], False),
    ]


def added():
    us = cosign(NAME["US"], WITNESS["US"], TEXT, AT)
    de = cosign(NAME["DE"], WITNESS["DE"], TEXT, AT + 1)
    br = cosign(NAME["BR"], WITNESS["BR"], TEXT, AT + 2)
    later = cosign(NAME["US"], WITNESS["US"], TEXT, AT + 60)
    return [
        {"name": "the first", "note": NOTE, "line": us, "to": NOTE + us},
        {"name": "before it", "note": NOTE + us, "line": de,
         "to": NOTE + de + us},
        {"name": "between", "note": NOTE + br + us, "line": de,
         "to": NOTE + br + de + us},
        {"name": "after it", "note": NOTE + br + de, "line": us,
         "to": NOTE + br + de + us},
        {"name": "instead of it", "note": NOTE + de + us, "line": later,
         "to": NOTE + de + later},
    ]


def forks():
    smaller, larger = sorted([ROOT, OTHER])
    a, b = note_of(70, smaller), note_of(70, larger)
    us = cosign(NAME["US"], WITNESS["US"], text_of(70, smaller), AT)
    stranger = key_of("a stranger")

    def row(what, proof, ok):
        return {"name": what, "origin": ORIGIN, "key": public(JP).hex(),
                "proof": proof.hex(), "ok": ok}

    return [
        row("two roots of one size", packed_fork(ORIGIN, a, b), True),
        row("in the other order", packed_fork(ORIGIN, b, a), False),
        row("one root twice", packed_fork(ORIGIN, a, a), False),
        row("two sizes", packed_fork(ORIGIN, a, note_of(71, larger)), False),
        row("with a cosignature", packed_fork(ORIGIN, a + us, b), False),
        row("one signed by a stranger",
            packed_fork(ORIGIN, a, note_of(70, larger, stranger)), False),
        row("of another origin", packed_fork("holdfast/US/1", a, b), False),
        row("cut short", packed_fork(ORIGIN, a, b)[:-1], False),
        row("a byte more", packed_fork(ORIGIN, a, b) + b"\0", False),
        row("a key more", b"\x84" + packed_fork(ORIGIN, a, b)[1:] +
            b"\x04\x00", False),
    ]


def main():
    data = {"about": "SPEC 6.6 and 6.8: cosignature lines, how a note takes "
                     "one more, proofs of forks.",
            "cosignatures": cosignatures(), "added": added(),
            "forks": forks()}
    (HERE / "cosignatures.json").write_text(
        json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    main()
