"""SPEC 13.2 and 13.3: C2SP tlog-tiles as static files, and tlog-proof."""

import os

import codec as c
import ledger
import tree

WIDTH = 256


def name_of(level, index, width):
    """tile/<L>/<N>[.p/<W>]"""
    digits = ["%03d" % (index % 1000)]
    while index >= 1000:
        index //= 1000
        digits.insert(0, "x%03d" % (index % 1000))
    return "tile/%s/%s%s" % (level, "/".join(digits),
                             "" if width == WIDTH else ".p/%d" % width)


def in_tiles(rows):
    for first in range(0, len(rows), WIDTH):
        yield first // WIDTH, rows[first:first + WIDTH]


def files(leaves):
    """Every tile and bundle of a tree, {name: bytes}, the checkpoint not."""
    found = {}
    for index, rows in in_tiles(leaves):
        found[name_of("entries", index, len(rows))] = b"".join(
            len(x).to_bytes(2, "big") + x for x in rows)
    level, hashes = 0, [tree.leaf_hash(x) for x in leaves]
    while hashes:
        above = []
        for index, rows in in_tiles(hashes):
            found[name_of(level, index, len(rows))] = b"".join(rows)
            if len(rows) == WIDTH:
                above.append(tree.root(rows))
        level, hashes = level + 1, above
    return found


def bundle(data):
    at, rows = 0, []
    while at < len(data):
        size = int.from_bytes(data[at:at + 2], "big")
        rows.append(data[at + 2:at + 2 + size])
        c.demand(at + 2 + size <= len(data), c.TRUNCATED, "an entry bundle")
        at += 2 + size
    return rows


def read(path, origin, key):
    """The leaves of a static tree: the checkpoint's signature, the bundles'
    entries against its root, and every tile against the entries."""

    def get(name):
        try:
            with open(os.path.join(path, name), "rb") as f:
                return f.read()
        except OSError as e:
            raise c.Refused(c.MISSING, str(e))

    head = ledger.Checkpoint(get("checkpoint"), origin, key)
    leaves = []
    for index in range((head.size + WIDTH - 1) // WIDTH):
        width = min(WIDTH, head.size - index * WIDTH)
        rows = bundle(get(name_of("entries", index, width)))
        c.demand(len(rows) == width, c.PROOF, "a bundle of another width")
        leaves += [ledger.Leaf(x) for x in rows]
    c.demand(tree.root([tree.leaf_hash(x.bytes) for x in leaves]) ==
             head.root, c.PROOF, "the entries do not hash to the head")
    for name, data in files([x.bytes for x in leaves]).items():
        c.demand(get(name) == data, c.PROOF, "%s is another" % name)
    return leaves


class Proof:
    """A proof file; `leaf` is what it says of itself in `extra`."""

    def __init__(self, data):
        text = data.decode("utf-8", "strict") if type(data) is bytes else data
        top, blank, self.note = text.partition("\n\n")
        lines = top.split("\n")
        c.demand(blank and lines.pop(0) == "c2sp.org/tlog-proof@v1", c.NOTE,
                 "not a proof file")
        c.demand(lines and lines[0].startswith("extra "), c.NOTE, "no extra")
        self.leaf = ledger.Leaf(ledger.base64_strict(lines.pop(0)[6:]))
        c.demand(lines and lines[0].startswith("index "), c.NOTE, "no index")
        number = lines.pop(0)[6:]
        c.demand(number.isascii() and number.isdigit() and
                 str(int(number)) == number, c.NOTE, "index " + number)
        self.index = int(number)
        self.path = [ledger.base64_strict(x) for x in lines]
        c.demand(all(len(x) == 32 for x in self.path), c.NOTE, "a hash")

    def verify(self, origin, key):
        head = ledger.Checkpoint(self.note, origin, key)
        tree.verify_inclusion(self.index, head.size,
                              tree.leaf_hash(self.leaf.bytes), self.path,
                              head.root)
        return head
