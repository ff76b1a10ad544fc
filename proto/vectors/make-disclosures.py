#!/usr/bin/env python3
"""Write disclosures.json: leaf lists and disclosures (SPEC 3.6 to 3.8) that
must be taken and that must be refused.

Written from SPEC apart from the C implementation; MessagePack, keys and cores
as in make-acts.py.  The file comes out the same each time.
"""
import importlib.util
import json
import pathlib

HERE = pathlib.Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("acts", HERE / "make-acts.py")
acts = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(acts)
sha, tagged = acts.sha, acts.tagged
uint, binary, text = acts.uint, acts.binary, acts.text
array, mapping = acts.array, acts.mapping

SEED = sha(b"a seed")
NIL, TRUE = b"\xc0", b"\xc3"
AUTHORITY, ORIGIN, PERIOD, MATTER = 1, 11, 22, 29
SOURCE_IP, SOURCE_PORT, USER_ID = 40, 41, 45
EVENT_TIME, WINDOW, CLOCK_OFFSET, CLOCK_ERROR = 62, 63, 64, 65
NEXT_COUNTRY, WILL_NOTIFY = 82, 96
FROM, UNTIL = acts.CREATED, acts.LATER


def sint(v):
    """A small negative number."""
    return bytes([0x100 + v]) if v >= -32 else b"\xd0" + bytes([0x100 + v])


def said(language, s):
    return array(text(language), text(s))


def salt(i, seed=SEED):
    return tagged("salt", seed, bytes([i]))[:16]


def leaf(i, field, value, seed=SEED):
    return array(binary(salt(i, seed)), uint(field), value)


def leaf_list(leaves, seed=SEED):
    return array(binary(seed), array(*(array(uint(f), v) for f, v in leaves)))


def half(n):
    return 1 << (n - 1).bit_length() - 1


def mth(leaves):
    """RFC 6962, 2.1."""
    if not leaves:
        return sha()
    if len(leaves) == 1:
        return sha(b"\0", leaves[0])
    k = half(len(leaves))
    return sha(b"\1", mth(leaves[:k]), mth(leaves[k:]))


def root_of(leaves, seed=SEED):
    data = [leaf(i, f, v, seed) for i, (f, v) in enumerate(leaves)]
    return tagged("leaf-root", len(data).to_bytes(4, "big"), mth(data))


def hidden(data, shown, first=0):
    if not any(first <= i < first + len(data) for i in shown):
        return [mth(data)]
    if len(data) == 1:
        return []
    k = half(len(data))
    return hidden(data[:k], shown, first) + hidden(data[k:], shown, first + k)


class Disclosure:
    """Everything can be replaced before the parts are put together."""

    def __init__(self, leaves, shown, **more):
        data = [leaf(i, f, v) for i, (f, v) in enumerate(leaves)]
        self.act = acts.Act(more.get("kind", 1), acts.opening(
            POLICY=binary(bytes(len(leaves)))), root=root_of(leaves), **{
                k: v for k, v in more.items() if k == "signers"})
        self.core = self.act.core
        self.sigs = array(*(self.act.pair(k) for k in self.act.signers))
        self.count = len(leaves)
        self.shown = [(i, data[i]) for i in shown]
        self.hidden = hidden(data, shown)
        self.order = (1, 2, 3, 4, 5)

    def hex(self):
        parts = {1: binary(self.core), 2: self.sigs, 3: uint(self.count),
                 4: array(*(array(uint(i), binary(b))
                            for i, b in self.shown)),
                 5: binary(b"".join(self.hidden))}
        return mapping([(k, parts[k]) for k in self.order]).hex()


MANY = [
    (AUTHORITY, said("ja", "\u8b66\u5bdf\u5e81")),
    (PERIOD, array(uint(FROM), uint(UNTIL), sint(-30))),
    (MATTER, binary(b"")),
    (SOURCE_IP, binary(bytes([192, 0, 2, 17]))),
    (SOURCE_IP, binary(bytes.fromhex("20010db8" + "0" * 23 + "1"))),
    (SOURCE_PORT, uint(50123)),
    (USER_ID, binary(b"\x00exact \xff bytes")),
    (EVENT_TIME, array(uint(FROM), uint(540 >> 3))),
    (WINDOW, array(uint(FROM), uint(FROM), uint(0))),
    (CLOCK_OFFSET, sint(-32)),
    (CLOCK_ERROR, NIL),
    (NEXT_COUNTRY, text("DE")),
    (WILL_NOTIFY, TRUE),
]
PLAIN = [(SOURCE_PORT, uint(p)) for p in range(1000, 1064)]

LISTS = {"valid": [], "invalid": []}
DISCLOSURES = {"valid": [], "invalid": []}


def list_valid(name, leaves):
    LISTS["valid"].append({
        "name": name, "count": len(leaves), "root": root_of(leaves).hex(),
        "salts": [salt(i).hex() for i in range(len(leaves))],
        "hex": leaf_list(leaves).hex()})


def list_invalid(name, error, data):
    if isinstance(data, list):
        data = leaf_list(data)
    LISTS["invalid"].append({"name": name, "error": error, "hex": data.hex()})


def valid(name, leaves, shown, **more):
    d = Disclosure(leaves, shown, **more)
    created = acts.CREATED.to_bytes(6, "big")
    DISCLOSURES["valid"].append({
        "name": name, "count": len(leaves),
        "id": (created + d.act.digest()[:26]).hex(),
        "shown": [{"index": i, "field": leaves[i][0],
                   "value": leaves[i][1].hex()} for i in shown],
        "hidden": len(d.hidden), "hex": d.hex()})


def invalid(name, error, change=None, leaves=None, shown=(3, 5)):
    d = Disclosure(MANY if leaves is None else leaves, shown)
    if change is not None:
        change(d)
    DISCLOSURES["invalid"].append(
        {"name": name, "error": error, "hex": d.hex()})


def lists():
    list_valid("of nothing", [])
    list_valid("of one", MANY[:1])
    list_valid("of every type", MANY)
    list_valid("of 64", PLAIN)
    list_valid("an unknown optional field", [(1024, array(NIL, TRUE))])
    good = leaf_list(MANY)
    port = (SOURCE_PORT, uint(1))
    list_invalid("nothing", 1001, b"")
    list_invalid("the last byte is missing", 1001, good[:-1])
    list_invalid("a byte behind", 1007, good + b"\0")
    list_invalid("seed of 31 bytes", 1010,
                 array(binary(bytes(31)), array()))
    list_invalid("65 leaves", 1009, PLAIN + [port])
    list_invalid("fields descending", 1005,
                 [(SOURCE_PORT, uint(1)), (AUTHORITY, said("en", "x"))])
    list_invalid("a field twice that must not", 1005, [MANY[0], MANY[0]])
    list_invalid("an unknown critical field", 1012, [(1023, uint(1))])
    list_invalid("field not shortest", 1004, array(
        binary(SEED), array(array(b"\xcc\x29", uint(1)))))
    list_invalid("value not shortest", 1004,
                 [(SOURCE_PORT, b"\xcd\0\1")])
    list_invalid("port as text", 1003, [(SOURCE_PORT, text("1"))])
    list_invalid("address of five bytes", 1010, [(SOURCE_IP, binary(bytes(5)))])
    list_invalid("identifier of no bytes", 1010, [(USER_ID, binary(b""))])
    list_invalid("text without its language", 1003,
                 [(AUTHORITY, text("Police"))])
    list_invalid("time without its zone", 1010, [(EVENT_TIME,
                                                  array(uint(FROM)))])
    list_invalid("zone of 841 minutes", 1010,
                 [(EVENT_TIME, array(uint(FROM), uint(841)))])
    list_invalid("window that ends before it begins", 1010,
                 [(WINDOW, array(uint(FROM), uint(FROM - 1), uint(0)))])
    list_invalid("country in small letters", 1010,
                 [(NEXT_COUNTRY, text("de"))])
    list_invalid("code outside its list", 1010, [(ORIGIN, uint(65535))])


def good_disclosures():
    valid("one of one", MANY[:1], [0])
    valid("all", MANY, range(len(MANY)))
    valid("the first", MANY, [0])
    valid("the last", MANY, [len(MANY) - 1])
    valid("four of thirteen", MANY, [3, 5, 6, 7])
    valid("of three, the middle", PLAIN[:3], [1])
    valid("one of 64", PLAIN, [37])
    valid("every other of 64", PLAIN, range(0, 64, 2))
    valid("of a hop with an approval", MANY, [1],
          signers=(acts.OFFICER, acts.SECOND))


def bad_disclosures():
    def swapped(d):
        d.shown[0], d.shown[1] = (3, d.shown[1][1]), (5, d.shown[0][1])

    def flipped(d):
        d.hidden[0] = bytes([d.hidden[0][0] ^ 1]) + d.hidden[0][1:]

    def other_core(d):
        d.core = acts.Act(1, acts.opening()).core
        d.sigs = array(acts.Act(1, acts.opening()).pair(acts.OFFICER))

    def set_(name, value):
        return lambda d: setattr(d, name, value)

    bad = Disclosure(MANY, (3, 5))
    invalid("leaves have changed places", 6004, swapped)
    invalid("another value under a true salt", 6004, set_("shown", [
        (3, leaf(3, SOURCE_IP, binary(bytes([192, 0, 2, 18])))),
        bad.shown[1]]))
    invalid("another salt", 6004, set_("shown", [
        (3, leaf(4, *MANY[3])), bad.shown[1]]))
    invalid("another field", 6004, set_("shown", [
        bad.shown[0], (5, leaf(5, 43, uint(50123)))]))
    invalid("a bit of a hidden hash", 6004, flipped)
    invalid("a hidden hash is missing", 6004,
            lambda d: d.hidden.pop())
    invalid("a hidden hash too many", 6004,
            lambda d: d.hidden.append(bytes(32)))
    invalid("a hidden byte too many", 6004,
            lambda d: d.hidden.append(b"\0"))
    invalid("fewer leaves than were signed", 6004, set_("count", 12))
    invalid("more leaves than were signed", 6004, set_("count", 14))
    invalid("of another act", 6004, other_core)
    invalid("nothing shown", 1010, set_("shown", []))
    invalid("a leaf twice", 1010, lambda d: d.shown.insert(0, d.shown[0]))
    invalid("indexes descending", 1010, lambda d: d.shown.reverse())
    invalid("an index that is not there", 1010,
            lambda d: d.shown.append((13, d.shown[0][1])))
    invalid("a salt of 15 bytes", 1010, set_("shown", [
        (3, array(binary(bytes(15)), uint(40), MANY[3][1]))]))
    invalid("a leaf with a byte behind", 1007, set_("shown", [
        (3, bad.shown[0][1] + b"\0")]))
    invalid("signed by nobody", 3001, set_("sigs", array()))
    invalid("signed by another than the author", 3001, set_(
        "sigs", array(bad.act.pair(acts.SECOND))))
    invalid("an approval that does not verify", 3001, set_(
        "sigs", array(bad.act.pair(acts.OFFICER), array(
            binary(acts.SECOND.public), binary(bytes(64))))))
    invalid("a value that is not of its field's type", 1003,
            leaves=[(SOURCE_PORT, text("80"))], shown=(0,))
    invalid("keys out of order", 1011, set_("order", (1, 3, 2, 4, 5)))
    invalid("without its hidden part", 1011, set_("order", (1, 2, 3, 4)))


def main():
    lists()
    good_disclosures()
    bad_disclosures()
    data = {"about": "SPEC 3.6 to 3.8: leaf lists and disclosures that are "
                     "taken, with what follows from them, and ones that are "
                     "refused, with the number of the error.",
            "lists": LISTS, "disclosures": DISCLOSURES}
    (HERE / "disclosures.json").write_text(json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    main()
