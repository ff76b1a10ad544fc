"""Evidence bundles: written here, read here and by the program."""

import base64
import hashlib
import json
import random

import bundle
import codec as c
import ledger
import make
import minisign
from check import equal, true
from check_archive import Place
from check_program import program
from leaves import Disclosure
from names import H, key_text


def proof_file(data):
    r = ledger.Receipt(data)
    return "c2sp.org/tlog-proof@v1\nextra %s\nindex %d\n%s\n%s" % (
        base64.b64encode(r.leaf.bytes).decode(), r.index,
        "".join(base64.b64encode(x).decode() + "\n" for x in r.path),
        r.note)


def sign(key, ref, desk, manifest):
    def line(data):
        return base64.b64encode(data).decode() + "\n"

    trusted = "holdfast evidence %s %s %s" % (
        ref, desk, key_text("hfo1", key.public))
    signature = key.sign(hashlib.blake2b(manifest).digest())
    return (minisign.UNTRUSTED + "signature of an officer's key\n" +
            line(b"ED" + minisign.key_id(key.public) + signature) +
            minisign.TRUSTED + trusted + "\n" +
            line(key.sign(signature + trusted.encode())))


class Writer:
    """The members of a bundle of a random case between JP and US, and what
    makes a file of them; a test changes members between."""

    def __init__(self, seed, steps=12):
        r = random.Random(seed)
        self.jp = make.Country(r, "JP")
        self.us = make.Country(r, "US")
        while True:  # until one is common, with acts that have names
            book = make.Ledger(self.jp, [self.us])
            make.RandomCase(r, book, self.jp, self.us, make.START) \
                .run(steps)
            (case, file), = book.files.items()
            every = file.acts[0][1:] + file.acts[1][1:]
            if file.started() and not file.waiting and len(every) > 6 and \
                    all(a.kind in bundle.k.KINDS for a in every) and \
                    file.fold.profile is not None:
                break
        self.every = sorted(every, key=lambda a: a.entered)
        self.key, self.desk = self.jp.officers["jp.ncp"], "jp.ncp"
        self.members = {
            "README.txt": b"How to check it.\n",
            "index.html": b"<!doctype html><title>A case</title>\n",
            "pins": "".join("%s %s\n" % (x.name, key_text(
                "hfr1", x.root.public)) for x in (self.jp, self.us)).encode(),
            "documents/JP.1": c.encode(make.abroad(self.jp.documents[0])),
            "documents/US.1": c.encode(make.abroad(self.us.documents[0]))}
        for act in self.every:
            core, envelope, signatures = act.bytes
            self.members["acts/%d-%d" % (act.track, act.gen)] = c.encode(
                [core, envelope, c.decode(signatures)])
        if any(a.envelope[bundle.k.FROM] == "jp.isp" for a in every):
            self.officer_alone()
        for country in (self.jp, self.us):
            self.enter(country)
        self.members["case.json"] = self.page()

    def officer_alone(self):
        """The domestic officer who signed, proved alone (13.4)."""
        head, known, domestic = [self.jp.documents[0][i] for i in (2, 4, 5)]
        index = [c.decode(x)[2].get(2) == "jp.isp" for x in domestic] \
            .index(True)
        self.members["entries/JP.1.%d" % (len(known) + index)] = c.encode(
            [head, True, index, domestic[index], b"".join(make.inclusion(
                index, [make.leaf_hash(x) for x in domestic]))])

    def enter(self, country):
        """Its ledger of these acts, the receipts and the head."""
        leaves, places = [], []
        for act in self.every:
            e = act.envelope
            own = c.country_of(e[bundle.k.FROM])
            if country.name not in (own, c.country_of(e[bundle.k.TO])):
                continue
            kind = ledger.FOREIGN if country.name != own else \
                ledger.MACHINE if act.machine else ledger.OWN
            places.append("%d-%d.%s" % (act.track, act.gen, country.name))
            leaves.append(make.leaf_of(act, kind, act.entered))
        for index, name in enumerate(places):
            data = make.receipt(country, leaves, index)
            self.members["receipts/" + name] = data
            self.members["proofs/" + name] = proof_file(data).encode()
        if country is self.jp:
            self.members["heads/JP"] = make.checkpoint(
                country, [make.leaf_hash(x) for x in leaves]).encode()

    def page(self):
        """case.json, with what 13.7 (i) asks for: filled in by a reader's
        own eyes, then checked by the reader."""
        reader = bundle.Bundle.__new__(bundle.Bundle)
        reader.members, reader.used, reader.said = dict(self.members), \
            set(), []
        reader.country, reader.heads = "JP", {}
        for name in ("exporter.pub", "manifest.minisig"):
            reader.members[name] = b""
        reader.roots({})
        reader.read_documents()
        reader.read_acts()
        reader.read_receipts()
        reader.fold()
        reader.read_disclosures()
        facts, rows = reader.facts()
        self.ref = facts["reference"]
        facts.update({"format": "holdfast-evidence-1",
                      "made_by": "interop 1", "acts": rows})
        return json.dumps(facts).encode()

    def file(self):
        m = dict(self.members)
        m["exporter.pub"] = ("untrusted comment: x\n%s\n" % base64.b64encode(
            b"Ed" + minisign.key_id(self.key.public) + self.key.public)
            .decode()).encode()
        m["manifest"] = "".join("%s  %s\n" % (
            hashlib.sha256(d).hexdigest(), n)
            for n, d in sorted(m.items())).encode()
        m["manifest.minisig"] = sign(self.key, self.ref, self.desk,
                                     m["manifest"]).encode()
        return bundle.pack([(n, m[n]) for n in bundle.FIRST] + [
            (n, m[n]) for n in sorted(set(m) - set(bundle.FIRST))])

    def pins(self):
        return {x.name: x.root.public for x in (self.jp, self.us)}


def refused(data, pins):
    try:
        bundle.Bundle(data, pins)
    except c.Refused:
        return True
    return False


def test_bundle_any_byte_changed():
    w = Writer(1)
    good = w.file()
    bundle.Bundle(good, w.pins())
    r = random.Random(1)
    for _ in range(400):
        bad = bytearray(good)
        i = r.randrange(len(bad))
        bad[i] ^= 1 << r.randrange(8)
        true(refused(bytes(bad), w.pins()), "byte %d changed" % i)


def drop(name):
    def change(w):
        del w.members[name]
    return change


def swap(a, b):
    def change(w):
        w.members[a], w.members[b] = w.members[b], w.members[a]
    return change


def put(name, data):
    def change(w):
        w.members[name] = data
    return change


def page(**changes):
    def change(w):
        said = json.loads(w.members["case.json"])
        said.update(changes)
        w.members["case.json"] = json.dumps(said).encode()
    return change


def row(**changes):
    def change(w):
        said = json.loads(w.members["case.json"])
        said["acts"][-1].update(changes)
        w.members["case.json"] = json.dumps(said).encode()
    return change


def other_signer(w):
    w.key = w.jp.ledger


def other_ref(w):
    w.ref = "JP-M9F-000000-0"


def other_root(w):
    w.members["documents/US.1"] = c.encode(make.abroad(make.Country(
        random.Random(5), "US").documents[0]))


def domestic(w):
    w.members["documents/JP.1"] = c.encode(w.jp.documents[0])


def other_act(w):
    old = w.every[-1]
    key = (w.jp if old.envelope[bundle.k.FROM] == "jp.ncp" else w.us)
    e = {x: old.envelope[x] for x in bundle.k.EVERY | {
        bundle.k.PREV, bundle.k.SEEN} if x in old.envelope}
    e[bundle.k.CASE] = bytes(32)
    act = make.act(w.jp.random, key.officers[e[bundle.k.FROM]], 42, e,
                   old.created)
    w.members["acts/%d-%d" % (act.track, act.gen)] = c.encode(
        [act.bytes[0], act.bytes[1], c.decode(act.bytes[2])])


def other_head(w):
    w.members["heads/JP"] = make.checkpoint(w.jp, [bytes(32)] * sum(
        n.startswith("receipts/") and n.endswith("JP")
        for n in w.members)).encode()


def other_leaves(w):
    _, data = make.disclosure(
        w.jp.random, w.key, 42, {1: "jp.ncp", 2: "us.ncp", 3: bytes(32), 4: 0,
                                 5: 2, 6: bytes(32), 7: 0}, make.START,
        [[45, b"a man"], [45, b"another"]], [1])
    w.members["leaves/0-1"] = data


# What a dishonest exporter might sign
CHANGES = {
    "no opening": drop("acts/0-1"), "no proof file": drop("proofs/0-1.JP"),
    "no document": drop("documents/US.1"), "no pins": drop("pins"),
    "no receipt beside its proof": drop("receipts/0-1.JP"),
    "receipts changed places": swap("receipts/0-1.JP", "receipts/0-1.US"),
    "proofs changed places": swap("proofs/0-1.JP", "proofs/0-1.US"),
    "acts changed places": swap("acts/0-1", "acts/1-1"),
    "a member more": put("acts/9-9", b"\x90"),
    "a file more": put("xyz", b"x"),
    "another state": page(state="expired"),
    "another reference": page(reference="JP-M9F-000000-0"),
    "another side": page(side="both"), "another desk": page(to="us.isp"),
    "an end": page(expires_at="2026"),
    "another kind": row(kind="note"), "another gen": row(gen=99),
    "another id": row(id="00" * 32), "no member": row(members=[]),
    "an act less on the page": lambda w: page(acts=json.loads(
        w.members["case.json"])["acts"][:-1])(w),
    "signed by no officer": other_signer, "signed for another": other_ref,
    "a document of another root": other_root,
    "a document with domestic entries": domestic,
    "an act of another case": other_act,
    "leaves of another act": other_leaves,
}
# 13.7 (g) and (i) forbid these too; the program does not look
TAKEN_BY_THE_PROGRAM = {
    "a fork between head and receipts": other_head,
    "another measure": page(measure="consult"),
    "another basis": page(basis="eu"), "another urgency": page(urgency="x"),
    "another kind of opening": page(opened_by="order"),
    "another time of entry": row(entered="2026-11-26T00:00:00.000Z"),
}


def test_bundle_signed_and_wrong(build):
    """Each is refused here and by the program; the good one by neither."""
    with Place() as at:
        def verdict(w):
            with open(at("b.tar"), "wb") as f:
                f.write(w.file())
            pins = ["--pin=%s=%s" % (n, key_text("hfr1", x))
                    for n, x in sorted(w.pins().items())]
            code, out, err = program(build, at("home"), "request", "verify",
                                     at("b.tar"), *pins)
            return code, out + err

        code, out = verdict(Writer(2))
        equal(code, 0, "request verify: " + out)
        for name, change in CHANGES.items():
            w = Writer(2)
            change(w)
            true(refused(w.file(), w.pins()), name + ": taken here")
            true(verdict(w)[0] != 0, name + ": taken by the program")
        for name, change in TAKEN_BY_THE_PROGRAM.items():
            w = Writer(2)
            change(w)
            true(refused(w.file(), w.pins()), name + ": taken here")


def test_bundles_of_random_cases(build):
    with Place() as at:
        for seed in range(20, 40):
            w = Writer(seed, 25)
            data = w.file()
            got = bundle.Bundle(data, w.pins())
            with open(at("b.tar"), "wb") as f:
                f.write(data)
            code, out, err = program(build, at("home"), "request", "verify",
                                     at("b.tar"), "--json")
            equal(code, 0, "seed %d: %s%s" % (seed, out, err))
            true(bundle.NAMES["state", got.life.state()] in out, out)


def test_disclosures_written_here():
    """Any choice of leaves verifies and tells no other (3.8)."""
    r = random.Random(3)
    key = make.Key(r)
    for count in list(range(1, 10)) + [33, 64]:
        leaves = [[45, r.randbytes(r.randrange(1, 40))]
                  for _ in range(count)]
        shown = r.sample(range(count), r.randrange(1, count + 1))
        act, data = make.disclosure(
            r, key, 42, {1: "jp.ncp", 2: "us.ncp", 3: bytes(32), 4: 0, 5: 2,
                         6: bytes(32), 7: 0}, make.START, leaves, shown)
        got = Disclosure(data)
        equal((got.id, got.withheld), (act.id, count - len(shown)), "counts")
        equal([list(x) for x in got.shown],
              [[i, *leaves[i]] for i in sorted(shown)], "shown")
        hidden = [v for i, (_, v) in enumerate(leaves) if i not in shown]
        true(not any(len(v) > 4 and v in data for v in hidden), "told")
