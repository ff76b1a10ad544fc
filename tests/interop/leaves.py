"""SPEC 3.6 to 3.8: leaf lists, values, disclosures; the fields of 9.1."""

import act
import codec as c
from names import H, act_id, vectors, verify
from tree import hidden_root, leaf_hash, root

CATALOGUE = vectors("catalogue.json")
FIELDS = {f["number"]: f for f in CATALOGUE["fields"]}
CODES = {(x["list"], x["code"]) for x in CATALOGUE["codes"]}
COUNT_MAX = 64


def text(value):
    c.array(value, 2)
    c.string(value[0], 1, 35)
    c.string(value[1], 0, 4096)


def ip(value):
    c.binary(value, 4, 16)
    c.demand(len(value) in (4, 16), c.RANGE, "an address of %d bytes"
             % len(value))


def integer(value):
    c.demand(type(value) is int, c.TYPE, "not an integer")


def moment(value):
    c.array(value, 2)
    c.time(value[0])
    c.zone(value[1])


def window(value):
    c.array(value, 3)
    c.demand(c.time(value[0]) <= c.time(value[1]), c.RANGE,
             "a window that ends before it begins")
    c.zone(value[2])


def clock(value):
    if value is not None:
        c.uint(value)


TYPES = {
    "TEXT": text, "ID": lambda v: c.binary(v, 1, 1024), "IP": ip,
    "UINT": c.uint, "INT": integer, "BOOL": c.boolean, "TIME": moment,
    "WINDOW": window, "COUNTRY": c.country, "CLOCK": clock,
    "BIN": lambda v: c.binary(v, 0, act.ACT_MAX),
}


def check_value(number, value):
    """A known field has its type; an unknown optional one may be anything."""
    c.uint(number, 0, 65535)
    field = FIELDS.get(number)
    if field is None:
        c.demand(number >= 1024, c.UNKNOWN, "field %d" % number)
    elif field["type"] == "CODE":
        c.uint(value)
        c.demand((field["codes"], value) in CODES, c.RANGE,
                 "%d is not in %s" % (value, field["codes"]))
    else:
        TYPES[field["type"]](value)


class LeafList:
    """What the plaintext of a body holds."""

    def __init__(self, data):
        seed, leaves = c.array(c.decode(data), 2)
        c.binary(seed, 32)
        self.leaves = c.array(leaves, 0, COUNT_MAX)
        last = -1
        for leaf in leaves:
            number, value = c.array(leaf, 2)
            check_value(number, value)
            c.demand(number > last or number == last and
                     (number >= 1024 or FIELDS[number]["repeats"]),
                     c.KEY_ORDER, "field %d after %d" % (number, last))
            last = number
        self.salts = [H("salt", seed, bytes([i]))[:16]
                      for i in range(len(leaves))]
        self.root = leaf_root([leaf_hash(c.encode([salt, *leaf]))
                               for salt, leaf in zip(self.salts, leaves)])


def leaf_root(hashes):
    return H("leaf-root", len(hashes).to_bytes(4, "big"), root(hashes))


class Disclosure:
    """Leaves of an act that are shown, proved to be among those signed."""

    def __init__(self, data):
        parts = c.decode(data, act.ACT_MAX, keys=5)
        core = c.binary(parts[1], 1, act.CORE_MAX)
        self.core = act.read_core(core)
        self.digest = H("core", core)
        self.id = act_id(self.core[4], self.digest)
        self.signatures = act.read_signatures(parts[2])
        self.count = c.uint(parts[3], 0, COUNT_MAX)
        self.shown = []
        hashes = {}
        last = -1
        for item in c.array(parts[4], 1, COUNT_MAX):
            index, leaf = c.array(item, 2)
            c.uint(index, last + 1, self.count - 1)
            last = index
            c.binary(leaf, 1, act.ACT_MAX)
            salt, number, value = c.array(c.decode(leaf), 3)
            c.binary(salt, 16)
            check_value(number, value)
            hashes[index] = leaf_hash(leaf)
            self.shown.append((index, number, value))
        hidden = c.binary(parts[5], 0, 32 * COUNT_MAX)
        try:
            c.demand(len(hidden) % 32 == 0, c.PROOF, "a hash cut short")
            got = hidden_root(self.count, hashes, [
                hidden[i:i + 32] for i in range(0, len(hidden), 32)])
            c.demand(H("leaf-root", self.count.to_bytes(4, "big"), got) ==
                     self.core[5], c.PROOF, "another root")
        except c.Refused as e:
            raise c.Refused(c.DISCLOSURE, str(e))
        self.withheld = self.count - len(self.shown)
        self.hidden_hashes = len(hidden) // 32
        c.demand(self.signatures and self.signatures[0][0] == self.core[3],
                 c.SIGNATURE, "not signed by its author")
        for key, signature in self.signatures:
            verify(key, H("sign-act", self.digest), signature)
