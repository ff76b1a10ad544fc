"""SPEC 3.1 to 3.4: an act, its core, its envelope, its signatures."""

import codec as c
import kinds as k
from names import H, act_id, reference, sha256, verify

LEAF_ROOT_NONE = H("leaf-root", bytes(4), sha256(b""))
CORE_MAX, ENVELOPE_MAX, ACT_MAX = 256, 2048, 49152
UINT32 = (1 << 32) - 1


def code(value):
    return c.uint(value, 1, 255)


def flags(value):
    for flag in c.array(value, 1, 8):
        c.array(flag, 3)
        code(flag[0])
        c.uint(flag[1], 1, 2)
        c.time(flag[2])
    c.ascending([f[0] for f in value])


def third(value):
    for name in c.array(value, 1, 8):
        c.country(name)
    c.ascending(value)


def lineage(value):
    for link in c.array(value, 1, 4):
        c.array(link, 2)
        c.uint(link[0], 1, 3)
        c.binary(link[1], 32)


def cites(value):
    for cite in c.array(value, 1, 4):
        c.array(cite, 2)
        c.binary(cite[0], 32)
        c.binary(cite[1], 1, 64)
        c.ascending(list(cite[1]))
        c.demand(cite[1][-1] < 64, c.RANGE, "a leaf's index above 63")


def rules(value):
    c.array(value, 2)
    c.uint(value[0], 0, 65535)
    c.binary(value[1], 32)


def term(value):
    c.array(value, 2)
    c.demand(c.time(value[0]) < c.time(value[1]), c.RANGE, "an empty term")


def outsider(value):
    c.array(value, 5)
    c.string(value[0], 1, 200)
    c.uint(value[1], 1, 5)
    c.time(value[2])
    c.uint(value[3], 0, 3)
    c.time(value[4])


def digest(value):
    c.binary(value, 32)


def uint32(low):
    return lambda value: c.uint(value, low, UINT32)


def one_of(low, high):
    return lambda value: c.uint(value, low, high)


VALUES = {
    k.SALT: lambda v: c.binary(v, 16), k.FROM: c.desk, k.TO: c.desk,
    k.CASE: digest, k.TRACK: one_of(0, 3), k.GEN: uint32(1), k.PREV: digest,
    k.SEEN_GEN: uint32(0), k.SEEN: digest, k.RE: digest, k.MEASURE: code,
    k.BASIS: code, k.RULES: rules, k.NOT_AFTER: c.time,
    k.URGENCY: one_of(0, 2), k.FLAGS: flags, k.CATEGORIES: one_of(0, 15),
    k.POLICY: lambda v: c.binary(v, 0, 64), k.THIRD: third,
    k.LINEAGE: lineage, k.CITES: cites, k.ROSTER: uint32(0), k.TERM: term,
    k.REASON: code, k.CHANGE: one_of(1, 5), k.FREED: c.boolean,
    k.REFUSED: one_of(0, 15), k.CHOICE: one_of(1, 2), k.OUTSIDER: outsider,
    k.DUE: c.time, k.RESULT: code, k.ASSIGNEE: digest, k.AT: c.time,
    k.TTL: uint32(1), k.DUTY: digest,
}


def read_core(data):
    core = c.decode(data, CORE_MAX, keys=7)
    c.demand(c.uint(core[1]) == 1, c.SUITE, "suite %d" % core[1])
    c.uint(core[2], 1, 191)
    digest(core[3])
    c.time(core[4])
    for key in (5, 6, 7):
        digest(core[key])
    return core


def read_envelope(data):
    envelope = c.decode(data, ENVELOPE_MAX)
    c.mapping(envelope, sorted(k.EVERY), range(128))
    for key, value in envelope.items():
        if key in VALUES:
            VALUES[key](value)
    return envelope


def read_signatures(value):
    for signature in c.array(value, 0, 4):
        c.array(signature, 2)
        c.binary(signature[0], 32)
        c.binary(signature[1], 64)
    return value


class Act:
    """An act without its body, as ledgers and bundles hold it: `core`,
    `envelope` and `signatures` are bytes."""

    def __init__(self, core, envelope, signatures):
        self.bytes = (core, envelope, signatures)
        self.core = read_core(core)
        self.envelope = read_envelope(envelope)
        self.signatures = read_signatures(c.decode(signatures))
        self.kind = self.core[2]
        self.author = self.core[3]
        self.created = self.core[4]
        self.digest = H("core", core)
        self.id = act_id(self.created, self.digest)
        self.machine = k.is_machine(self.kind)
        e = self.envelope
        self.track, self.gen, self.seen_gen = e[k.TRACK], e[k.GEN], \
            e[k.SEEN_GEN]
        self.opens = k.opens(self.kind, e)
        self.case = self.id if self.opens else e.get(k.CASE)
        k.shape(self.kind, e)
        c.demand(H("envelope", envelope) == self.core[7], c.PROOF,
                 "the envelope is another's")
        keys = [s[0] for s in self.signatures]
        if self.machine:
            c.demand(not keys, c.SIGNATURE, "a machine act is signed")
            c.demand(e[k.POLICY] == b"", c.SHAPE, "a machine act has leaves")
            c.demand(self.core[5] == LEAF_ROOT_NONE and
                     self.core[6] == H("body", b""), c.PROOF,
                     "a machine act has leaves or a body")
        else:
            c.demand(keys and keys[0] == self.author and
                     len(set(keys)) == len(keys), c.SIGNATURE,
                     "not signed by its author, or by one twice")

    def verify(self):
        """SPEC 3.4"""
        for key, signature in self.signatures:
            verify(key, H("sign-act", self.digest), signature)

    def reference(self):
        return reference(c.country_of(self.envelope[k.FROM]), self.created,
                         self.digest)


def read(data):
    """An act as it travels (3.1), and its body (empty: erased)."""
    parts = c.array(c.decode(data, ACT_MAX), 4)
    core, envelope, signatures, body = parts
    c.binary(core, 1, CORE_MAX)
    c.binary(envelope, 1, ENVELOPE_MAX)
    c.array(signatures, 0, 4)
    c.binary(body, 0, ACT_MAX)
    act = Act(core, envelope, c.encode(signatures))
    c.demand(not (act.machine and body), c.SHAPE, "a machine act has a body")
    c.demand(not body or H("body", body) == act.core[6], c.PROOF,
             "the body is another's")
    return act, body
