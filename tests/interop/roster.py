"""SPEC 7: country documents, and who stands in which office at a time."""

import codec as c
from names import H, verify
from profiles import Profile
from tree import leaf_hash, root, verify_inclusion

UNKNOWN_KEY, REVOKED, NOT_VALID, ROLE = 3002, 3003, 3004, 3005
WRONG_COUNTRY, WRONG_DESK, NO_COUNTRY, APPROVALS = 3006, 3007, 3008, 3010
BROKER, DESK, OFFICER, REVOCATION, PROFILE, WRAP, APPROVAL = range(1, 8)
ENTRY_MAX, ENTRIES_MAX = 1024, 1024
CONTACT_POINT, AUTHORISER, CENTRAL, PROVIDER, AUDITOR, OVERSIGHT, OPERATOR \
    = range(1, 8)


def key(value):
    return c.binary(value, 32)


def text(value):
    return c.string(value, 1, ENTRY_MAX)


def texts(value):
    for x in c.array(value, 1, 16):
        text(x)


# type: {key of the map: what it holds}; those at the end may be absent
ENTRIES = {
    BROKER: ({1: key, 2: key, 3: c.uint, 4: texts, 5: c.time, 6: c.time},
             {7: key}),
    DESK: ({1: c.desk, 2: lambda v: c.uint(v, 1, 7), 3: text, 4: key,
            5: c.uint, 6: texts, 7: text, 8: texts, 9: text, 10: text}, {}),
    OFFICER: ({1: key, 2: c.desk, 3: lambda v: c.uint(v, 1, 5), 4: c.time,
               5: c.time, 6: key, 7: key, 8: text}, {}),
    REVOCATION: ({1: key, 2: c.time, 3: c.time, 4: c.uint}, {}),
    PROFILE: ({1: lambda v: c.uint(v, 1, 255),
               2: lambda v: c.binary(v, 1, ENTRY_MAX)}, {}),
    WRAP: ({1: c.desk, 2: c.uint, 3: key, 4: lambda v: c.binary(v, 80)}, {}),
    APPROVAL: ({1: c.uint, 2: c.uint, 3: lambda v: c.uint(v, 1, 4)}, {}),
}


def signed(signatures):
    for s in c.array(signatures, 0, 7):
        c.array(s, 2)
        c.binary(s[0], 32)
        c.binary(s[1], 64)
    return signatures


class Document:
    """SPEC 7.4, verified against the pinned root (7.5)."""

    def __init__(self, data, pinned):
        parts = c.array(c.decode(data, members=ENTRIES_MAX), 6)
        certificate = c.mapping(c.decode(c.binary(parts[0], 1, ENTRY_MAX)),
                                range(1, 7))
        registrars = [key(x) for x in c.array(certificate[3], 1, 7)]
        threshold = c.uint(certificate[2], 1, len(registrars))
        verify(pinned, H("sign-cert", parts[0]), c.binary(parts[1], 64))
        head = c.mapping(c.decode(c.binary(parts[2], 1, ENTRY_MAX)),
                         range(1, 11))
        self.country = c.country(head[1])
        c.demand(certificate[1] == self.country, c.RANGE,
                 "the certificate is of %r" % certificate[1])
        self.version = c.uint(head[2], 1, (1 << 32) - 1)
        self.previous = key(head[3])
        self.valid = c.time(head[4]), c.time(head[5])
        self.issued = c.time(head[10])
        self.head = parts[2]
        self.digest = H("country-head", parts[2])
        good = set()
        for by, signature in signed(parts[3]):
            c.demand(by in registrars and by not in good, c.SIGNATURE,
                     "a head signed by no registrar, or by one twice")
            verify(by, H("sign-head", parts[2]), signature)
            good.add(by)
        c.demand(len(good) >= threshold, c.SIGNATURE,
                 "%d of %d registrars" % (len(good), threshold))
        self.entries = {kind: [] for kind in ENTRIES}
        self.lists = (head[6], head[7]), (head[8], head[9])
        self.read_entries(parts[4], *self.lists[0])
        self.complete = parts[5] is not None
        if self.complete:
            self.read_entries(parts[5], *self.lists[1])
        self.unique()

    def read_entries(self, entries, count, wanted):
        c.demand(type(entries) is list, c.TYPE, "no array of entries")
        c.demand(len(entries) == count and
                 root([leaf_hash(e) for e in entries]) == wanted, c.PROOF,
                 "the entries are not those of the head")
        for data in entries:
            self.read_entry(data)

    def read_entry(self, data):
        salt, kind, value = c.array(c.decode(c.binary(data, 1, ENTRY_MAX)), 3)
        c.binary(salt, 16)
        c.demand(kind in ENTRIES, c.RANGE, "an entry of type %r" % kind)
        must, may = ENTRIES[kind]
        c.mapping(value, must, may)
        for name, x in value.items():
            (must.get(name) or may[name])(x)
        self.entries[kind].append(value)

    def take(self, data):
        """An entry shown alone (13.4); its number, abroad ones first."""
        head, domestic, index, entry, path = c.array(c.decode(data), 5)
        c.demand(c.binary(head, 1, ENTRY_MAX) == self.head, c.PROOF,
                 "an entry of another document")
        count, wanted = self.lists[c.boolean(domestic)]
        c.binary(path, 0, 48 * 32)
        c.demand(len(path) % 32 == 0, c.RANGE, "a path")
        verify_inclusion(c.uint(index), count,
                         leaf_hash(c.binary(entry, 1, ENTRY_MAX)),
                         [path[i:i + 32] for i in range(0, len(path), 32)],
                         wanted)
        self.read_entry(entry)
        return index + (self.lists[0][0] if domestic else 0)

    def unique(self):
        """SPEC 7.3, the last paragraphs"""
        desks = [e[1] for e in self.entries[DESK]]
        names = desks + [e[2] for e in self.entries[OFFICER]] + \
            [e[1] for e in self.entries[WRAP]]
        c.demand(all(c.country_of(x) == self.country and x in desks
                     for x in names), c.RANGE, "a desk that is not there")
        for rows in ([e[1] for e in self.entries[DESK]],
                     [e[1] for e in self.entries[OFFICER]],
                     [e[6] for e in self.entries[OFFICER]],
                     [e[1] for e in self.entries[REVOCATION]],
                     [e[3] for e in self.entries[BROKER]],
                     [e[1] for e in self.entries[PROFILE]],
                     [(e[1], e[2], e[3]) for e in self.entries[WRAP]]):
            c.demand(len(set(rows)) == len(rows), c.RANGE, "an entry twice")

    def desk_type(self, name):
        return {e[1]: e[2] for e in self.entries[DESK]}.get(name)

    def ledger_key(self, epoch):
        for e in self.entries[BROKER]:
            if e[3] == epoch:
                return e[2]
        raise c.Refused(UNKNOWN_KEY, "no ledger key of %s for epoch %d" % (
            self.country, epoch))

    def witness_key(self):
        """Of the newest epoch, or None."""
        keys = [e.get(7) for e in sorted(self.entries[BROKER],
                                         key=lambda e: e[3])]
        return keys[-1] if keys else None

    def profiles(self):
        return [Profile(e[2]) for e in self.entries[PROFILE]]

    def officer(self, signing, at):
        """The officer with this key who stands at this time."""
        for e in self.entries[REVOCATION]:
            c.demand(e[1] != signing or at < e[3], REVOKED, "revoked")
        for e in self.entries[OFFICER]:
            if e[1] == signing:
                c.demand(e[4] <= at < e[5], NOT_VALID, "not valid then")
                return e
        raise c.Refused(UNKNOWN_KEY, "no officer of %s" % self.country)

    def disputed(self, signing, at):
        """SPEC 5.11: entered between the compromise and the revocation."""
        return any(e[1] == signing and e[2] <= at < e[3]
                   for e in self.entries[REVOCATION])

    def approvals(self, kind, measure):
        return max([e[3] for e in self.entries[APPROVAL]
                    if e[1] == kind and e[2] in (0, measure)], default=1)
