"""SPEC 6: leaves, statements, heads, cosignatures, receipts, forks."""

import base64
import binascii

import codec as c
import tree
from names import H, sha256, verify

ACT_TYPES = (1, 2, 3, 4)
OWN, FOREIGN, MACHINE, RECALLED = ACT_TYPES
ERASED, ROSTER, CONFLICT = 14, 15, 21
STATEMENTS = range(10, 29)
NOTE_MAX, RECEIPT_MAX, STATEMENT_MAX = 1024, 3072, 1024
SIZE_MAX = 1 << 48
ZEROS = bytes(32)
DASH = "\u2014 "
YEAR_9999 = 253402300799
KIND_NOTE, KIND_COSIGNATURE = b"\1", b"\4"


class Leaf:
    """SPEC 6.1"""

    def __init__(self, data):
        self.bytes = data
        m = c.array(c.decode(data), 9)
        c.uint(m[0], 1, 1)
        self.type, self.epoch = c.uint(m[1]), c.uint(m[2], 0, (1 << 32) - 1)
        self.entered = c.time(m[3])
        self.bound = c.uint(m[4], 0, (1 << 32) - 1)
        self.id, self.core, self.envelope, self.sigs = \
            [c.binary(x, 32) for x in m[5:]]
        c.demand(self.type in ACT_TYPES or self.type in STATEMENTS, c.RANGE,
                 "type %d" % self.type)
        c.demand(self.is_act() or self.envelope == self.sigs == ZEROS,
                 c.RANGE, "a statement with an envelope or signatures")

    def is_act(self):
        return self.type in ACT_TYPES

    def covers(self, act):
        return (self.is_act() and self.id == act.id and
                self.core == act.digest and self.envelope == act.core[7] and
                self.sigs == H("sigs", act.bytes[2]))


class Statement:
    """SPEC 6.2"""

    def __init__(self, data):
        m = c.mapping(c.decode(data, STATEMENT_MAX), (1,), range(2, 9))
        self.type = c.uint(m[1])
        c.demand(self.type in STATEMENTS, c.RANGE, "type %d" % self.type)
        self.subject = c.binary(m.get(2, ZEROS), 32)
        self.text = c.string(m.get(3, ""), 0, STATEMENT_MAX)
        self.code, self.count = c.uint(m.get(4, 0)), c.uint(m.get(5, 0))
        self.key = c.binary(m.get(6, ZEROS), 32)
        self.time = c.time(m.get(7, 0))
        self.detail = c.binary(m.get(8, b""), 0, STATEMENT_MAX)
        for key in m:
            c.demand(m[key] not in (0, "", b"", ZEROS), c.RANGE,
                     "key %d is empty" % key)
        self.digest = H("statement", data)


class Note:
    """A C2SP signed note: its text, and its signature lines as
    (name, key id, signature)."""

    def __init__(self, data):
        try:
            whole = data.decode() if type(data) is bytes else data
            c.demand(len(whole.encode()) <= NOTE_MAX, c.NOTE, "too large")
            c.demand(whole.endswith("\n") and "\n\n" in whole, c.NOTE,
                     "no signatures")
            c.demand(all(x == "\n" or x >= " " for x in whole), c.NOTE,
                     "a control character")
            self.text, lines = whole.rsplit("\n\n", 1)
            self.text += "\n"
            self.lines = lines[:-1].split("\n")
            self.signatures = [signature_line(x) for x in self.lines]
        except UnicodeError:
            raise c.Refused(c.NOTE, "not UTF-8")

    def signed_by(self, name, kind, key):
        """Signatures under this name and key id."""
        wanted = key_id(name, kind, key)
        return [s for n, i, s in self.signatures if n == name and i == wanted]


def signature_line(line):
    c.demand(line.startswith(DASH), c.NOTE, "%r is no signature" % line)
    name, space, text = line[len(DASH):].partition(" ")
    c.demand(name and space and "+" not in name and
             not any(x.isspace() for x in name), c.NOTE, "name %r" % name)
    data = base64_strict(text)
    c.demand(len(data) > 4, c.NOTE, "a signature of %d bytes" % len(data))
    return name, data[:4], data[4:]


def base64_strict(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise c.Refused(c.NOTE, "base64: %r" % text)
    c.demand(base64.b64encode(data).decode() == text, c.NOTE,
             "base64: %r" % text)
    return data


def key_id(name, kind, key):
    return sha256(name.encode() + b"\n" + kind + key)[:4]


class Checkpoint:
    """SPEC 6.3: a head of `origin`, signed by `key`."""

    def __init__(self, data, origin, key):
        self.note = Note(data)
        lines = self.note.text.split("\n")
        c.demand(len(lines) >= 4 and lines[-1] == "" and
                 all(lines[:-1]), c.NOTE, "the lines of a head")
        c.demand(lines[0] == origin, c.NOTE, "origin %r" % lines[0])
        c.demand(lines[1].isascii() and lines[1].isdigit() and
                 len(lines[1]) <= 15 and
                 str(int(lines[1])) == lines[1] and
                 int(lines[1]) <= SIZE_MAX, c.NOTE, "size %r" % lines[1])
        self.origin, self.size = origin, int(lines[1])
        self.root = base64_strict(lines[2])
        c.demand(len(self.root) == 32, c.NOTE, "a root of another size")
        found = self.note.signed_by(origin, KIND_NOTE, key)
        c.demand(found, c.NOTE, "not signed by %s" % origin)
        try:
            for signature in found:
                c.demand(len(signature) == 64, c.NOTE, "a short signature")
                verify(key, self.note.text.encode(), signature)
        except c.Refused as e:
            raise c.Refused(c.NOTE, str(e))


def origin_of(country, epoch):
    return "holdfast/%s/%d" % (country, epoch)


def cosigned(note, witness, key):
    """SPEC 6.6: the newest time at which this witness says that it saw the
    head."""
    found = note.signed_by(witness, KIND_COSIGNATURE, key)
    c.demand(found, c.NOTE, "not cosigned by %s" % witness)
    newest = 0
    for payload in found:
        c.demand(len(payload) == 72, c.NOTE, "a cosignature's size")
        seconds = int.from_bytes(payload[:8], "big")
        c.demand(seconds <= YEAR_9999, c.NOTE, "after the year 9999")
        verify(key, b"cosignature/v1\ntime %d\n" % seconds +
               note.text.encode(), payload[8:])
        newest = max(newest, seconds)
    return newest


def add_cosignature(data, line):
    """SPEC 6.6: the note with one line more, or instead of the witness's
    older one; our own signature stays first."""
    note = Note(data)
    c.demand(line.endswith("\n"), c.NOTE, "a line without its end")
    line = line[:-1]
    name = signature_line(line)[0]
    own = [x for x in note.lines if not signature_line(x)[0]
           .endswith("/witness")]
    others = [x for x in note.lines if x not in own and
              signature_line(x)[0] != name]
    others = sorted(others + [line], key=lambda x: signature_line(x)[0])
    return note.text + "\n" + "".join(x + "\n" for x in own + others[:4])


class Receipt:
    """SPEC 6.4: decoded, then verified against the ledger's key."""

    def __init__(self, data):
        m = c.mapping(c.decode(data, RECEIPT_MAX), range(1, 4), (4, 5))
        c.demand((4 in m) != (5 in m), c.MISSING, "one head")
        self.leaf = Leaf(c.binary(m[1], 0, RECEIPT_MAX))
        self.index = c.uint(m[2], 0, SIZE_MAX - 1)
        path = c.binary(m[3], 0, 48 * 32)
        c.demand(len(path) % 32 == 0, c.RANGE, "a path of %d bytes"
                 % len(path))
        self.path = [path[i:i + 32] for i in range(0, len(path), 32)]
        self.note = (c.string(m[4], 0, NOTE_MAX) if 4 in m
                     else self.unpack(m[5]))

    def unpack(self, head):
        """The note that was packed."""
        origin, size, own, lines = c.array(head, 4)
        c.string(origin, 1, 23)
        c.demand(all("!" <= x <= "~" and x != "+" for x in origin), c.NOTE,
                 "origin %r" % origin)
        c.uint(size, 0, SIZE_MAX)
        c.binary(own, 68)
        lines = c.binary(lines, 78, 4 * 78)
        c.demand(len(lines) % 78 == 0, c.RANGE, "cosignatures' size")
        lines = [lines[i:i + 78] for i in range(0, len(lines), 78)]
        seen = [x[:2] for x in lines]
        for name in seen:
            c.country(name.decode("latin-1"))
        c.demand(sorted(set(seen)) == seen, c.RANGE, "order of witnesses")
        root = tree.root_of_path(self.index, size,
                                 tree.leaf_hash(self.leaf.bytes), self.path)
        named = [(origin, own)] + [("holdfast/%s/witness" % x[:2].decode(),
                                    x[2:]) for x in lines]
        return "%s\n%d\n%s\n\n" % (
            origin, size, base64.b64encode(root).decode()) + "".join(
                "%s%s %s\n" % (DASH, name, base64.b64encode(blob).decode())
                for name, blob in named)

    def epoch(self):
        """That of the head, which is the leaf's or a later one."""
        epoch = self.note.split("\n")[0].split("/")[-1]
        c.demand(epoch.isascii() and epoch.isdigit() and
                 int(epoch) >= self.leaf.epoch, c.NOTE, "epoch " + epoch)
        return int(epoch)

    def verify(self, origin, key):
        head = Checkpoint(self.note, origin, key)
        tree.verify_inclusion(self.index, head.size,
                              tree.leaf_hash(self.leaf.bytes), self.path,
                              head.root)
        return head


def fork(data, origin, key):
    """SPEC 6.8: the proof that a ledger has signed two trees."""
    m = c.mapping(c.decode(data), (1, 2, 3))
    c.demand(m[1] == origin, c.NOTE, "origin %r" % m[1])
    a, b = [Checkpoint(c.string(m[i], 0, NOTE_MAX), origin, key)
            for i in (2, 3)]
    c.demand(a.size == b.size and a.root < b.root, c.PROOF,
             "no two roots of one size in order")
    c.demand(len(a.note.lines) == len(b.note.lines) == 1, c.NOTE,
             "more than its own signature")
