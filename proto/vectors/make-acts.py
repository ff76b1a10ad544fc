#!/usr/bin/env python3
"""Write acts.json: acts that must be taken and acts that must be refused.

An implementation of SPEC 1 to 4 apart from the C one: MessagePack by hand,
Ed25519 by the `cryptography` package.  Signatures are deterministic, so the
file comes out the same each time.
"""
import hashlib
import json
import pathlib
import struct

from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ed25519

HERE = pathlib.Path(__file__).parent
WORDS = json.loads((HERE / "words.json").read_text())
ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def tagged(tag, *data):
    return sha(b"holdfast/1/" + tag.encode() + b"\0", *data)


# ---- MessagePack ----

def uint(v):
    for limit, head, fmt in ((0x80, b"", "B"), (1 << 8, b"\xcc", "B"),
                             (1 << 16, b"\xcd", ">H"), (1 << 32, b"\xce", ">I")):
        if v < limit:
            return head + struct.pack(fmt, v)
    return b"\xcf" + struct.pack(">Q", v)


def sized(data, heads):
    if len(data) < 1 << 8:
        return heads[0] + struct.pack("B", len(data)) + data
    return heads[1] + struct.pack(">H", len(data)) + data


def binary(data):
    return sized(data, (b"\xc4", b"\xc5"))


def text(s):
    data = s if isinstance(s, bytes) else s.encode()
    if len(data) < 32:
        return bytes([0xa0 | len(data)]) + data
    return sized(data, (b"\xd9", b"\xda"))


def head(count, small, wide):
    return bytes([small | count]) if count < 16 else wide + struct.pack(
        ">H", count)


def array(*members):
    return head(len(members), 0x90, b"\xdc") + b"".join(members)


def mapping(pairs):
    """Of (key, encoded value), in the order given."""
    return head(len(pairs), 0x80, b"\xde") + b"".join(
        (k if isinstance(k, bytes) else uint(k)) + v for k, v in pairs)


# ---- keys ----

class Key:
    def __init__(self, label):
        seed = sha(b"holdfast test key ", label.encode())
        self.secret = ed25519.Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self.secret.public_key().public_bytes(
            ser.Encoding.Raw, ser.PublicFormat.Raw)


OFFICER, SECOND, THIRD, FOURTH, FIFTH = (
    Key(f"officer {i}") for i in range(5))
LEDGER = Key("ledger")

# ---- the act ----

SALT, FROM, TO, CASE, TRACK, GEN, PREV, SEEN_GEN, SEEN, RE = range(10)
MEASURE, BASIS, RULES, NOT_AFTER, URGENCY, FLAGS, CATEGORIES = range(10, 17)
POLICY, THIRDS, LINEAGE, CITES, ROSTER, TERM, REASON, CHANGE = range(17, 25)
FREED, REFUSED, CHOICE, OUTSIDER, DUE, RESULT = range(25, 31)
ASSIGNEE, AT, TTL, DUTY = range(31, 35)

CREATED = 1795258923250  # 2026-11-21T11:02:03.250Z
LATER = CREATED + 86400000
CASE_ID = sha(b"a case")
OTHER_ID = sha(b"another case")
DIGEST = sha(b"an act before")
EMPTY_ROOT = tagged("leaf-root", struct.pack(">I", 0), sha())


def opening(**more):
    e = {SALT: binary(bytes(range(16))), FROM: text("jp.ncp"),
         TO: text("cz.ncp"), TRACK: uint(0), GEN: uint(1), SEEN_GEN: uint(0),
         MEASURE: uint(1), BASIS: uint(1),
         RULES: array(uint(1), binary(sha(b"a profile"))),
         NOT_AFTER: uint(LATER), URGENCY: uint(1), CATEGORIES: uint(2),
         POLICY: binary(b"\1\2\4"), ROSTER: uint(7)}
    return change(e, **more)


def asking(**more):
    """What every later act of the asking side has."""
    e = {SALT: binary(bytes(16)), FROM: text("jp.ncp"), TO: text("cz.ncp"),
         CASE: binary(CASE_ID), TRACK: uint(0), GEN: uint(2),
         PREV: binary(DIGEST), SEEN_GEN: uint(3), SEEN: binary(DIGEST),
         POLICY: binary(b""), ROSTER: uint(7)}
    return change(e, **more)


def asked(**more):
    e = asking(FROM=text("cz.ncp"), TO=text("jp.ncp"), TRACK=uint(1),
               GEN=uint(1), PREV=None, SEEN_GEN=uint(1), RE=binary(CASE_ID))
    return change(e, **more)


def change(e, **more):
    e = dict(e)
    for name, value in more.items():
        key = globals()[name]
        if value is None:
            e.pop(key, None)
        else:
            e[key] = value
    return e


BODY = b"sealed"


class Act:
    """Everything can be replaced before the parts are put together."""

    def __init__(self, kind, e, body=BODY, signers=(OFFICER,), **more):
        self.kind, self.body, self.signers = kind, body, signers
        self.envelope = e if isinstance(e, bytes) else mapping(
            sorted(e.items()))
        self.author = more.get("author", OFFICER).public
        root = more.get("root", sha(b"a root"))
        self.pairs = [
            (1, uint(more.get("suite", 1))), (2, uint(kind)),
            (3, binary(self.author)), (4, uint(more.get("created", CREATED))),
            (5, binary(root)), (6, binary(tagged("body", body))),
            (7, binary(tagged("envelope", self.envelope)))]
        self.core = mapping(self.pairs)
        self.sigs = None

    def digest(self):
        return tagged("core", self.core)

    def pair(self, key):
        sig = key.secret.sign(tagged("sign-act", self.digest()))
        return array(binary(key.public), binary(sig))

    def frame(self):
        sigs = self.sigs
        if sigs is None:
            sigs = array(*(self.pair(k) for k in self.signers))
        return array(binary(self.core), binary(self.envelope), sigs,
                     binary(self.body))


def machine(kind=60, e=None, **more):
    more = {"author": LEDGER, "root": EMPTY_ROOT, "signers": (), "body": b"",
            **more}
    return Act(kind, e or asked(), **more)


# ---- what people read ----

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
ALNUM = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def digits(v, count):
    return "".join(CROCKFORD[v >> 5 * i & 31] for i in reversed(range(count)))


def check(s):
    p = 36
    for c in s:
        p = (p + ALNUM.index(c)) % 36 or 36
        p = p * 2 % 37
    return ALNUM[(1 - p) % 36]


assert check("A12425GABC1234002") == "M"  # the example of the GRid standard


def reference(country, created, digest):
    days = digits(created // 86400000 % 32768, 3)
    top = digits(int.from_bytes(digest[:4], "big") >> 2, 6)
    return f"{country}-{days}-{top}-{check(country + days + top)}"


def words(data, count):
    return " ".join(WORDS[b] for b in tagged("words", data)[:count])


# ---- the lists ----

VALID, INVALID = [], []


def valid(name, act, erased=False):
    created = dict(act.pairs)[4]
    digest = act.digest()
    if erased:
        act.body = b""
    number = int.from_bytes(created[1:], "big")
    row = {"name": name, "kind": act.kind,
           "id": (number.to_bytes(6, "big") + digest[:26]).hex(),
           "digest": digest.hex(), "hex": act.frame().hex()}
    row["words"] = words(bytes.fromhex(row["id"]), 6)
    if act.kind in (1, 2):
        row["ref"] = reference("JP", number, digest)
    VALID.append(row)


def invalid(name, error, act, verify=False):
    frame = act if isinstance(act, bytes) else act.frame()
    INVALID.append({"name": name, "error": error,
                    "by": "verify" if verify else "decode",
                    "hex": frame.hex()})


def bad_envelope(name, error, pairs_or_bytes, kind=1):
    e = pairs_or_bytes
    invalid("envelope: " + name, error, Act(kind, e))


def replaced(key, value):
    return {**opening(), key: value}


def good():
    valid("request", Act(1, opening(), body=bytes(range(256)) * 3))
    valid("request with three approvals",
          Act(1, opening(), signers=(OFFICER, SECOND, THIRD, FOURTH)))
    valid("request, erased", Act(1, opening()), erased=True)
    valid("order that rests on a request and masks it", Act(2, opening(
        TO=text("jp.isp-one"), TERM=array(uint(CREATED), uint(LATER)),
        LINEAGE=array(array(uint(3), binary(OTHER_ID))),
        FLAGS=array(array(uint(1), uint(1), uint(0)),
                    array(uint(3), uint(2), uint(LATER))))))
    valid("accept", Act(22, asked(
        CATEGORIES=uint(2), TERM=array(uint(CREATED), uint(LATER)),
        REFUSED=uint(4))))
    valid("hop with a cite and third countries", Act(25, asked(
        CITES=array(array(binary(OTHER_ID), binary(bytes([0, 3, 63])))),
        THIRDS=array(text("CZ"), text("DE")))))
    valid("note for an outsider", Act(42, asking(
        OUTSIDER=array(text("N\u00e1po\u010detn\u00ed st\u0159edisko"), uint(1),
                       uint(CREATED), uint(2), uint(LATER)))))
    valid("inner assign", Act(51, asking(
        TRACK=uint(2), GEN=uint(1), PREV=None, SEEN_GEN=uint(0), SEEN=None,
        ASSIGNEE=binary(SECOND.public))))
    valid("machine: expire", machine())
    valid("optional keys are kept", Act(42, {
        **asking(), 64: uint(2**64 - 1),
        100: array(mapping([(0, b"\xc0"), (127, array(b"\xc3"))])),
        127: b"\xd3" + struct.pack(">q", -2**63)}))
    valid("an unknown optional kind", Act(130, asking()))
    valid("an unknown critical kind", Act(65, asking(REASON=uint(9))))
    valid("an unknown critical key", Act(42, {**asking(), 40: text("x")}))


def bad_frames():
    frame = Act(1, opening()).frame()
    invalid("nothing", 1001, b"")
    invalid("the last byte is missing", 1001, frame[:-1])
    invalid("a byte too many", 1007, frame + b"\0")
    invalid("three parts", 1010, array(*(binary(b"x"),) * 3))
    invalid("five parts", 1009, array(*(binary(b"x"),) * 5))
    invalid("a map", 1003, mapping([]))
    invalid("count not shortest", 1004, b"\xdc\0\4" + frame[1:])
    a = Act(1, opening())
    sigs = array(a.pair(OFFICER))
    wide = array(b"\xc5" + struct.pack(">H", len(a.core)) + a.core,
                 binary(a.envelope), sigs, binary(a.body))
    invalid("length not shortest", 1004, wide)
    invalid("core of 257 bytes", 1002,
            array(binary(bytes(257)), binary(a.envelope), sigs, binary(BODY)))
    invalid("envelope of 2,049 bytes", 1002,
            array(binary(a.core), binary(bytes(2049)), sigs, binary(BODY)))
    invalid("no core", 1010,
            array(binary(b""), binary(a.envelope), sigs, binary(BODY)))


def bad_cores():
    def core(name, error, pairs):
        a = Act(1, opening())
        a.core = pairs if isinstance(pairs, bytes) else mapping(pairs)
        invalid("core: " + name, error, a)

    p = Act(1, opening()).pairs
    core("suite 2", 1013, Act(1, opening(), suite=2).pairs)
    core("kind 0", 1010, Act(0, opening()).pairs)
    core("kind 192", 1010, Act(192, opening()).pairs)
    core("created in 2^48", 1010, Act(1, opening(), created=1 << 48).pairs)
    core("keys 3 and 4 swapped", 1011, p[:2] + [p[3], p[2]] + p[4:])
    core("key 2 twice", 1005, p[:2] + [p[1]] + p[3:])
    core("without the envelope's digest", 1011, p[:6])
    core("an eighth key", 1009, p + [(8, uint(0))])
    core("author of 31 bytes", 1010, p[:2] + [(3, binary(bytes(31)))] + p[3:])
    core("author of 33 bytes", 1002, p[:2] + [(3, binary(bytes(33)))] + p[3:])
    core("author as text", 1003, p[:2] + [(3, text("a" * 31))] + p[3:])
    core("suite not shortest", 1004, [(1, b"\xcc\1")] + p[1:])
    core("a key not shortest", 1004, [(b"\xcc\1", uint(1))] + p[1:])
    core("a byte behind", 1007, mapping(p) + b"\xc0")


def bad_envelopes():
    e = opening()
    for key in (SALT, FROM, TO, TRACK, GEN, SEEN_GEN, POLICY, ROSTER):
        bad_envelope(f"without key {key}", 1011,
                     {k: v for k, v in e.items() if k != key})
    pairs = sorted(e.items())
    bad_envelope("keys descending", 1005, mapping(pairs[::-1]))
    bad_envelope("a key twice", 1005, mapping(pairs[:3] + pairs[2:]))
    bad_envelope("a key above 127", 1010, mapping(pairs + [(128, uint(0))]))
    bad_envelope("a key below 0", 1003, mapping([(b"\xff", uint(0))] + pairs))
    bad_envelope("a byte behind", 1007, mapping(pairs) + b"\0")
    bad_envelope("salt of 15 bytes", 1010, replaced(SALT, binary(bytes(15))))
    for desk in ("JP.ncp", "jp-ncp", "jp.1cp", "jp.NCP", "jp.a_b",
                 "jp." + "a" * 25):
        bad_envelope(f"desk {desk}", 1002 if len(desk) > 27 else 1010,
                     replaced(FROM, text(desk)))
    bad_envelope("desk of three bytes", 1010, replaced(TO, text("jp.")))
    bad_envelope("track 4", 1010, replaced(TRACK, uint(4)))
    bad_envelope("gen 0", 1010, replaced(GEN, uint(0)))
    bad_envelope("gen of 33 bits", 1010, replaced(GEN, uint(1 << 32)))
    bad_envelope("gen as a float", 1003,
                 replaced(GEN, b"\xca" + struct.pack(">f", 1)))
    bad_envelope("an extension", 1003, replaced(100, b"\xd4\0\0"))
    bad_envelope("nested too deeply", 1008,
                 replaced(100, b"\x91\x91\x91\x91\xc0"))
    bad_envelope("urgency 3", 1010, replaced(URGENCY, uint(3)))
    bad_envelope("categories 16", 1010, replaced(CATEGORIES, uint(16)))
    bad_envelope("measure 0", 1010, replaced(MEASURE, uint(0)))
    bad_envelope("measure 256", 1010, replaced(MEASURE, uint(256)))
    bad_envelope("policy of 65 leaves", 1002,
                 replaced(POLICY, binary(bytes(65))))
    bad_envelope("rules of one", 1010, replaced(RULES, array(uint(1))))

    def flag(f, s=1):
        return array(uint(f), uint(s), uint(0))
    bad_envelope("flags empty", 1010, replaced(FLAGS, array()))
    bad_envelope("nine flags", 1009,
                 replaced(FLAGS, array(*(flag(i) for i in range(1, 10)))))
    bad_envelope("flags descending", 1005,
                 replaced(FLAGS, array(flag(2), flag(1))))
    bad_envelope("a flag twice", 1005,
                 replaced(FLAGS, array(flag(2), flag(2))))
    bad_envelope("strength 0", 1010, replaced(FLAGS, array(flag(1, 0))))
    bad_envelope("strength 3", 1010, replaced(FLAGS, array(flag(1, 3))))
    bad_envelope("third descending", 1005,
                 replaced(THIRDS, array(text("DE"), text("CZ"))))
    bad_envelope("third in small letters", 1010,
                 replaced(THIRDS, array(text("de"))))
    bad_envelope("lineage of type 0", 1010,
                 replaced(LINEAGE, array(array(uint(0), binary(OTHER_ID)))))
    bad_envelope("lineage of type 4", 1010,
                 replaced(LINEAGE, array(array(uint(4), binary(OTHER_ID)))))

    def cite(leaves):
        return array(binary(OTHER_ID), binary(bytes(leaves)))
    bad_envelope("five cites", 1009, replaced(CITES, array(*(cite([1]),) * 5)))
    bad_envelope("a cite of nothing", 1010, replaced(CITES, array(cite([]))))
    bad_envelope("cited leaves descending", 1005,
                 replaced(CITES, array(cite([2, 1]))))
    bad_envelope("a cited leaf twice", 1005,
                 replaced(CITES, array(cite([2, 2]))))
    bad_envelope("cited leaf 64", 1010, replaced(CITES, array(cite([64]))))
    bad_envelope("an empty term", 1010,
                 replaced(TERM, array(uint(LATER), uint(LATER))))

    def outsider(who, means=1, verified=1):
        return array(text(who), uint(means), uint(CREATED), uint(verified),
                     uint(LATER))
    for name, error, value in (
            ("nobody", 1010, outsider("")),
            ("201 bytes", 1002, outsider("a" * 201)),
            ("an override", 1006, outsider("a\u202eb")),
            ("an isolate", 1006, outsider("a\u2066b")),
            ("a NUL", 1006, outsider("a\0b")),
            ("DEL", 1006, outsider("a\x7fb")),
            ("a C1 control", 1006, outsider("a\u0085b")),
            ("an overlong slash", 1006, outsider(b"\xc0\xaf")),
            ("a surrogate", 1006, outsider(b"\xed\xa0\x80")),
            ("a cut character", 1006, outsider(b"a\xe2\x82")),
            ("means 0", 1010, outsider("a", means=0)),
            ("means 6", 1010, outsider("a", means=6)),
            ("verified 4", 1010, outsider("a", verified=4))):
        bad_envelope("outsider: " + name, error, replaced(OUTSIDER, value))


def bad_signatures():
    a = Act(1, opening())
    a.sigs = array(a.pair(OFFICER), a.pair(SECOND), a.pair(OFFICER))
    invalid("a key signs twice", 3001, a)
    a.sigs = array(a.pair(SECOND), a.pair(OFFICER))
    invalid("the first signer is not the author", 3001, a)
    invalid("unsigned", 3001, Act(1, opening(), signers=()))
    invalid("five signatures", 1009, Act(1, opening(), signers=(
        OFFICER, SECOND, THIRD, FOURTH, FIFTH)))
    other = Act(1, opening(ROSTER=uint(8)))
    a.sigs = array(other.pair(OFFICER))
    invalid("the signature of another act", 3001, a, verify=True)
    a.sigs = array(a.pair(OFFICER), other.pair(SECOND))
    invalid("a co-signature of another act", 3001, a, verify=True)
    sig = OFFICER.secret.sign(tagged("sign-act", a.digest()))
    s = int.from_bytes(sig[32:], "little") + ORDER
    a.sigs = array(array(binary(OFFICER.public),
                         binary(sig[:32] + s.to_bytes(32, "little"))))
    invalid("a signature with S above the group's order", 3001, a, verify=True)
    raw = OFFICER.secret.sign(a.digest())
    a.sigs = array(array(binary(OFFICER.public), binary(raw)))
    invalid("a signature without its tag", 3001, a, verify=True)


def bad_commitments():
    a = Act(1, opening())
    a.envelope = mapping(sorted(opening(ROSTER=uint(8)).items()))
    invalid("another envelope", 6001, a)
    a = Act(1, opening())
    a.body = a.body[:-1] + b"?"
    invalid("another body", 6001, a)
    a = machine()
    a.body = b"x"
    invalid("machine: a body", 1020, a)
    invalid("machine: the digest of another body", 6001, machine_of(b"x"))
    invalid("machine: signed", 3001, machine(signers=(LEDGER,)))
    invalid("machine: leaves", 1020, machine(e=asked(POLICY=binary(b"\1"))))
    invalid("machine: a root of leaves", 6001, machine(root=sha(b"a root")))


def machine_of(body):
    a = machine(body=body)
    a.body = b""
    return a


def bad_shapes():
    rows = (
        ("request with a case", 1, opening(CASE=binary(CASE_ID))),
        ("request at gen 2", 1, opening(GEN=uint(2), PREV=binary(DIGEST))),
        ("request without a measure", 1, opening(MEASURE=None)),
        ("request with a reason", 1, opening(REASON=uint(1))),
        ("request on the asked track", 1, opening(TRACK=uint(1))),
        ("prev at gen 1", 42, asking(TRACK=uint(1), GEN=uint(1))),
        ("no prev at gen 2", 42, asking(PREV=None)),
        ("seen of nothing", 42, asking(SEEN_GEN=uint(0))),
        ("nothing seen", 42, asking(SEEN=None)),
        ("note that opens the asking track", 42,
         asking(GEN=uint(1), PREV=None)),
        ("accept without re", 22, asked(CATEGORIES=uint(2), RE=None)),
        ("accept with a choice", 22,
         asked(CATEGORIES=uint(2), CHOICE=uint(1))),
        ("accept by the asking side", 22, asking(CATEGORIES=uint(2))),
        ("narrow that names nothing", 10, asking(CHANGE=uint(2))),
        ("narrow that asks", 10, asking(
            CHANGE=uint(2), CATEGORIES=uint(2), NOT_AFTER=uint(LATER))),
        ("correct without freed", 10, asking(CHANGE=uint(1))),
        ("report of data preserved without a term", 27,
         asked(RESULT=uint(1), CATEGORIES=uint(2))),
        ("granted without a term", 32, asked(CHOICE=uint(1))),
        ("assign on a shared track", 51,
         asking(ASSIGNEE=binary(SECOND.public))),
        ("an unknown kind without its prev", 130, asking(PREV=None)),
    )
    for name, kind, e in rows:
        invalid("shape: " + name, 1020, Act(kind, e))


def main():
    good()
    for build in (bad_frames, bad_cores, bad_envelopes, bad_signatures,
                  bad_commitments, bad_shapes):
        build()
    data = {"about": "SPEC 1 to 4: acts that decode and verify, with what "
                     "follows from them, and acts that are refused, with the "
                     "number of the error and by which step.",
            "valid": VALID, "invalid": INVALID}
    (HERE / "acts.json").write_text(json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    main()
