#!/usr/bin/env python3
"""Write packed-receipts.json: receipts under cosigned heads (SPEC 6.4) that
must be taken, with their notes, and that must be refused.

Written from SPEC and C2SP tlog-cosignature apart from the C implementation;
MessagePack, keys and notes as in make-ledger.py.  The file comes out the same
each time.
"""
import importlib.util
import pathlib
import struct

HERE = pathlib.Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("ledger", HERE / "make-ledger.py")
base = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(base)
head, line, signed, flip = base.head, base.line, base.signed, base.flip
uint, binary, text = base.uint, base.binary, base.text
array, mapping = base.array, base.mapping

ORIGIN, LEDGER = base.ORIGIN, base.LEDGER
DE, FR, US, BR = (base.Key("witness " + c) for c in ("DE", "FR", "US", "BR"))
KEYS = {"BR": BR, "DE": DE, "FR": FR, "US": US}
AT = 1795257723


def name_of(country):
    return "holdfast/%s/witness" % country


def message(seconds, body):
    return b"cosignature/v1\ntime %d\n" % seconds + body.encode()


def cosig(country, body, seconds=AT, key=None, kind=4, tail=None):
    key = KEYS[country] if key is None else key
    if tail is None:
        tail = struct.pack(">Q", seconds) + key.sign(message(seconds, body))
    return line(name_of(country), base.key_id(name_of(country), key.public,
                                              kind), tail)


DATA = [base.ledger_leaf(1, 1, AT * 1000, 40, base.digest("act %d" % i),
                         base.digest("core"), base.digest("envelope"),
                         base.digest("sigs")) for i in range(21)]
HASHES = [base.leaf_hash(d) for d in DATA]
ROOT = base.mth(HASHES)
BODY = head(ORIGIN, 21, ROOT)
PLAIN = signed(BODY, ORIGIN, LEDGER)


def receipts():
    def packed(index, countries, **more):
        m = {"origin": ORIGIN, "size": 21, "count": 4,
             "path": base.path(index, HASHES), **more}
        own = base.key_id(ORIGIN, LEDGER.public) + m.get(
            "own", LEDGER.sign(BODY.encode()))
        blob = b"".join(
            c.encode() + base.key_id(name_of(c), KEYS[c].public, 4) +
            struct.pack(">Q", AT) + KEYS[c].sign(message(AT, BODY))
            for c in countries) + m.get("tail", b"")
        return mapping((1, binary(DATA[index])), (2, uint(index)),
                       (3, binary(b"".join(m["path"]))),
                       *m.get("before", ()),
                       (5, array(text(m["origin"]), uint(m["size"]),
                                 binary(own), binary(blob))))

    def note(countries):
        return PLAIN + "".join(cosig(c, BODY) for c in countries)

    def row(name, data, countries=None, error=0):
        r = {"name": name, "bytes": data.hex(), "error": error}
        if error == 0:
            r.update({"note": note(countries)})
        return r

    p = base.path(13, HASHES)
    return [
        row("one witness", packed(13, ["DE"]), ["DE"]),
        row("three witnesses", packed(0, ["BR", "DE", "US"]),
            ["BR", "DE", "US"]),
        row("four witnesses", packed(20, ["BR", "DE", "FR", "US"]),
            ["BR", "DE", "FR", "US"]),
        row("no witness: then it is not packed", packed(13, []), error=1010),
        row("five witnesses", packed(13, ["BR", "DE", "FR", "US", "US"]),
            error=1002),
        row("not ascending", packed(13, ["US", "DE"]), error=1010),
        row("one twice", packed(13, ["DE", "DE"]), error=1010),
        row("a byte too many", packed(13, ["DE"], tail=b"\0"), error=1010),
        row("a country in small letters", packed(13, ["DE"]).replace(
            b"DE", b"de"), error=1010),
        row("note and packed head", packed(
            13, ["DE"], before=((4, text(PLAIN)),)), error=1009),
        row("a hash too few", packed(13, ["DE"], path=p[:-1]), error=6001),
        row("a size that the path is not of", packed(13, ["DE"], size=13),
            error=6001),
        row("another size of the same shape", packed(13, ["DE"], size=22),
            error=6002),
        row("one bit of the path", packed(13, ["DE"], path=[flip(p[0])] +
                                          p[1:]), error=6002),
        row("one bit of the log's signature", packed(
            13, ["DE"], own=flip(LEDGER.sign(BODY.encode()))), error=6002),
        row("another origin", packed(13, ["DE"], origin="holdfast/JP/2"),
            error=6002),
        row("an origin with a space", packed(13, ["DE"], origin="a b"),
            error=6002),
    ]


def main():
    base.write("packed-receipts.json", {
        "about": "SPEC 6.4: receipts of the ledger JP under packed heads, "
                 "with the notes that they were packed from, or the number of "
                 "the error.",
        "origin": ORIGIN, "ledger": LEDGER.public.hex(),
        "receipts": receipts()})


if __name__ == "__main__":
    main()
