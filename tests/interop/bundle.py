#!/usr/bin/python3
"""SPEC 13.4 to 13.7: an evidence bundle, verified from the file alone.

  bundle.py FILE [CC=hfr1:...]...
"""

import datetime
import hashlib
import json
import sys

import act as acts
import archive
import codec as c
import kinds as k
import ledger
import life
import minisign
import profiles
import roster
import tiles
from book import File
from leaves import CATALOGUE, Disclosure
from names import H, key_read, key_text

SIZE_MAX, MEMBERS_MAX = 64 << 20, 8192
FIRST = ["README.txt", "index.html", "case.json", "manifest",
         "manifest.minisig", "exporter.pub"]
NAMES = {(x["list"], x["code"]): x["name"] for x in CATALOGUE["codes"]}
SIDES = {(True, False): "asking", (False, True): "asked",
         (True, True): "both"}


def header(name, size):
    """A header of ustar in the one form of 13.4."""
    data = bytearray(512)

    def put(at, text):
        data[at:at + len(text)] = text.encode()

    put(0, name)
    put(100, "0000644\0" + "0000000\0" * 2 + "%011o\0" % size + "%011o\0" % 0)
    put(156, "0")
    put(257, "ustar\00000")
    put(148, " " * 8)
    put(148, "%06o\0 " % sum(data))
    return bytes(data)


def pack(members):
    """The tar of [(name, bytes)]"""
    parts = []
    for name, data in members:
        parts += [header(name, len(data)), data, bytes(-len(data) % 512)]
    return b"".join(parts) + bytes(1024)


def unpack(data):
    """The members in their order; only the form that pack() gives."""
    c.demand(len(data) <= SIZE_MAX, c.TOO_BIG, "%d bytes" % len(data))
    at, members = 0, []
    while data[at:at + 512].strip(b"\0"):
        c.demand(len(members) < MEMBERS_MAX, c.TOO_MANY, "members")
        try:
            name = data[at:at + 100].rstrip(b"\0").decode("ascii")
            size = int(data[at + 124:at + 135].decode("ascii"), 8)
        except ValueError as e:
            raise c.Refused(c.RANGE, "a header: %s" % e)
        c.demand(0 <= size <= SIZE_MAX, c.RANGE, "a size")
        members.append((name, data[at + 512:at + 512 + size]))
        at += 512 + size + -size % 512
    c.demand(pack(members) == data, c.RANGE, "another form of tar")
    return members


def rfc3339(ms):
    """In UTC, with milliseconds when there are any."""
    when = datetime.datetime(1970, 1, 1) + datetime.timedelta(
        seconds=ms // 1000)
    return when.isoformat() + (".%03dZ" % (ms % 1000) if ms % 1000 else "Z")


class Bundle:
    """Verified by the constructor.  `pins` are the verifier's own roots;
    `said` is what is missing without being wrong."""

    def __init__(self, data, pins=None):
        members = unpack(data)
        self.members = dict(members)
        c.demand(len(self.members) == len(members), c.RANGE, "a name twice")
        names = [n for n, _ in members]
        c.demand(names == FIRST + sorted(set(names) - set(FIRST)), c.RANGE,
                 "the order of the members")
        self.used = set(FIRST)
        self.said = []
        self.manifest()
        self.roots(pins)
        self.read_documents()
        self.exporter()
        self.heads = {}
        self.read_acts()
        self.read_receipts()
        self.fold()
        self.read_disclosures()
        self.page()
        for name in names:
            c.demand(name in self.used, c.RANGE, name + " is of no use")

    def folder(self, name):
        """{rest of the name: bytes}, and all of them taken as used"""
        found = {n[len(name) + 1:]: d for n, d in self.members.items()
                 if n.startswith(name + "/")}
        self.used.update("%s/%s" % (name, n) for n in found)
        return found

    def text(self, name):
        self.used.add(name)
        try:
            return self.members[name].decode()
        except (KeyError, UnicodeError) as e:
            raise c.Refused(c.MISSING, "%s: %r" % (name, e))

    def manifest(self):
        wanted = "".join("%s  %s\n" % (hashlib.sha256(d).hexdigest(), n)
                         for n, d in sorted(self.members.items())
                         if n not in ("manifest", "manifest.minisig"))
        c.demand(self.text("manifest") == wanted, c.PROOF, "the manifest")

    def roots(self, pins):
        text = self.text("pins")
        c.demand(text == "".join(sorted(text.splitlines(True))), c.KEY_ORDER,
                 "pins not ascending")
        self.pins = archive.read_pins(text)
        for country, root in self.pins.items():
            if pins and country in pins:
                c.demand(pins[country] == root, roster.NO_COUNTRY,
                         country + ": another root is pinned")
            else:
                self.said.append("the root of %s is the bundle's own word"
                                 % country)

    def read_documents(self):
        self.documents = archive.read_documents(self.folder("documents"),
                                                self.pins)
        for document in self.documents.values():
            c.demand(not document.complete, c.RANGE, "domestic entries")
        for name, data in self.folder("entries").items():
            country, version, index = name.split(".")
            document = self.documents.get((country, int(version)))
            c.demand(document is not None and
                     document.take(data) == int(index), c.PROOF,
                     "entries/" + name)

    def of_country(self, country):
        """Its documents, the newest first."""
        found = sorted((v, d) for (cc, v), d in self.documents.items()
                       if cc == country)
        c.demand(found, roster.NO_COUNTRY, "no document of " + country)
        return [d for _, d in reversed(found)]

    def officer(self, country, key, at):
        """SPEC 13.7 (e)"""
        for document in self.of_country(country):
            if any(e[1] == key for e in document.entries[roster.OFFICER]):
                return document.officer(key, at)
        raise c.Refused(roster.UNKNOWN_KEY, "no officer of " + country)

    def ledger_of(self, country, epoch):
        for document in self.of_country(country):
            for e in document.entries[roster.BROKER]:
                if e[3] == epoch:
                    return ledger.origin_of(country, epoch), e[2]
        raise c.Refused(roster.UNKNOWN_KEY, "no ledger key of " + country)

    def exporter(self):
        key, _ = minisign.read_key(self.text("exporter.pub"))
        trusted = minisign.check(self.text("manifest.minisig"),
                                 self.members["manifest"], key)
        words = trusted.split(" ")
        c.demand(len(words) == 5 and words[:2] == ["holdfast", "evidence"] and
                 words[4] == key_text("hfo1", key), c.NOTE, trusted)
        self.ref, self.desk, self.key = words[2], c.desk(words[3]), key
        self.country = c.country_of(self.desk)
        for document in self.of_country(self.country):
            for e in document.entries[roster.OFFICER]:
                if (e[1], e[2]) == (key, self.desk):
                    self.name = e[8]
                    return
        raise c.Refused(roster.UNKNOWN_KEY, "the exporter is no officer")

    def read_acts(self):
        self.acts = {}
        for name, data in self.folder("acts").items():
            core, envelope, signatures = c.array(c.decode(data), 3)
            act = acts.Act(c.binary(core, 1, 256), c.binary(envelope, 1, 2048),
                           c.encode(signatures))
            c.demand(name == "%d-%d" % (act.track, act.gen), c.OTHER_ACT,
                     "acts/" + name)
            act.verify()
            act.entered, act.name, act.receipts = None, name, []
            self.acts[name] = act
        c.demand("0-1" in self.acts, c.MISSING, "no opening")
        self.case = self.acts["0-1"].id

    def read_receipts(self):
        """SPEC 13.7 (e) and (g)"""
        proofs = self.folder("proofs")
        for name, data in sorted(self.folder("receipts").items()):
            where, country = name.split(".")
            act = self.acts.get(where)
            c.demand(act is not None, c.OTHER_ACT, "receipts/" + name)
            receipt = ledger.Receipt(data)
            own = c.country_of(act.envelope[k.FROM])
            kind = ledger.FOREIGN if country != own else \
                ledger.MACHINE if act.machine else ledger.OWN
            c.demand(receipt.leaf.covers(act) and receipt.leaf.type == kind
                     and country in (own, c.country_of(act.envelope[k.TO])),
                     c.OTHER_ACT, "receipts/" + name)
            self.head(receipt.verify(*self.ledger_of(country, receipt.epoch())))
            key = self.ledger_of(country, receipt.leaf.epoch)[1]
            if country == own:
                act.entered = receipt.leaf.entered
                if act.machine:
                    c.demand(key == act.author, roster.UNKNOWN_KEY,
                             "a machine act of another broker")
            act.receipts.append(country)
            proof = tiles.Proof(self.text("proofs/" + name))
            c.demand((proof.index, proof.path, proof.note, proof.leaf.bytes)
                     == (receipt.index, receipt.path, receipt.note,
                         receipt.leaf.bytes), c.PROOF, "proofs/" + name)
            del proofs[name]
        c.demand(not proofs, c.MISSING, "a proof file without its receipt")
        for name, data in self.folder("heads").items():
            origin = data.decode().split("\n")[0]
            c.demand(name == self.country == origin.split("/")[1], c.NOTE,
                     "heads/" + name)
            self.head(ledger.Checkpoint(data, *self.ledger_of(
                name, int(origin.split("/")[2]))))

    def head(self, head):
        known = self.heads.setdefault((head.origin, head.size), head.root)
        c.demand(known == head.root, c.PROOF, "a fork of " + head.origin)

    def fold(self):
        """SPEC 13.7 (e) and (h)"""
        known = dict(profiles.BUILT_IN)
        for document in self.documents.values():
            known.update({p.digest: p for p in document.profiles()})
        file = File(self.case)
        for act in sorted(self.acts.values(), key=lambda a: a.gen):
            c.demand(act.case == self.case and act.track < 2, c.OTHER_ACT,
                     "acts/%s is of another case" % act.name)
            if act.entered is None:
                self.said.append("no receipt of " + act.name)
                c.demand(not act.machine, c.MISSING, "a machine act without")
            at = act.created if act.entered is None else act.entered
            country = c.country_of(act.envelope[k.FROM])
            for n, (key, _) in enumerate(act.signatures):
                officer = self.officer(country, key, at)
                c.demand(n or officer[2] == act.envelope[k.FROM],
                         roster.WRONG_DESK, "an officer of " + officer[2])
            act.entered_known, act.entered = act.entered, at
            act.profiles = known
            c.demand(not file.add(act), 4003, act.name + " does not chain")
        c.demand(not file.waiting, c.MISSING, "acts before some are missing")
        self.life = file.fold
        rules = self.life.opening(k.RULES, None)
        c.demand(rules is None or rules[1] in known, c.MISSING,
                 "the profile that the opening pins")

    def read_disclosures(self):
        self.shown = {}
        for name, data in self.folder("leaves").items():
            got = Disclosure(data)
            act = self.acts.get(name)
            c.demand(act is not None and got.digest == act.digest,
                     c.OTHER_ACT, "leaves/" + name)
            self.shown[name] = got

    def hold_until(self):
        asked = self.life.newest(1)
        return asked.hold_until if life.in_force(asked) and \
            not self.life.suspended(asked) else 0

    def facts(self):
        """What case.json must say (13.7 (i))."""
        first = self.acts["0-1"]
        e = first.envelope
        until = self.hold_until()
        facts = {
            "reference": first.reference(), "case": self.case.hex(),
            "side": SIDES[self.country == c.country_of(e[k.FROM]),
                          self.country == c.country_of(e[k.TO])],
            "from": e[k.FROM], "to": e[k.TO],
            "opened_by": k.KINDS[first.kind].name,
            "measure": NAMES["measure", e[k.MEASURE]],
            "basis": NAMES["basis", e[k.BASIS]],
            "urgency": NAMES["urgency", self.life.newest(0).urgency],
            "state": NAMES["state", self.life.state()],
            "expires_at": rfc3339(until) if until else None}
        rows = []
        for act in sorted(self.acts.values(), key=lambda a: a.entered):
            e = act.envelope
            countries = [x for x in dict.fromkeys(
                map(c.country_of, (e[k.FROM], e[k.TO])))
                if x in act.receipts]
            rows.append({
                "id": act.id.hex(), "kind": NAMES.get(("kind", act.kind)),
                "track": act.track, "gen": act.gen,
                "from": e[k.FROM], "to": e[k.TO],
                "created": rfc3339(act.created), "members":
                    ["acts/" + act.name] +
                    ["leaves/" + n for n in self.shown if n == act.name] +
                    ["%s/%s.%s" % (folder, act.name, country)
                     for country in countries
                     for folder in ("receipts", "proofs")],
                "entered": None if act.entered_known is None
                else rfc3339(act.entered)})
        return facts, rows

    def page(self):
        try:
            said = json.loads(self.text("case.json"))
            rows = said["acts"]
            c.demand(said["format"] == "holdfast-evidence-1", c.RANGE,
                     "another format of case.json")
            facts, wanted = self.facts()
            c.demand(self.ref == facts["reference"], c.NOTE,
                     "signed for case " + self.ref)
            for name, value in facts.items():
                c.demand(said.get(name) == value, c.PROOF, "case.json: %s: %r"
                         ", not %r" % (name, said.get(name), value))
            c.demand(len(rows) == len(wanted), c.PROOF, "case.json: acts")
            entered = {a.id.hex(): a.entered for a in self.acts.values()}
            times = [entered.get(row["id"], 0) for row in rows]
            c.demand(times == sorted(times), c.PROOF, "case.json: the order")
            wanted = {row["id"]: row for row in wanted}
            for row in rows:
                for name, value in wanted.pop(row["id"]).items():
                    c.demand(row.get(name) == value, c.PROOF,
                             "case.json: %s of %s: %r, not %r" % (
                                 name, row["id"], row.get(name), value))
        except (KeyError, TypeError, ValueError) as e:
            raise c.Refused(c.RANGE, "case.json: %r" % e)


def main(argv):
    pins = {}
    for word in argv[2:]:
        country, _, line = word.partition("=")
        pins[country] = key_read(line)[1]
    with open(argv[1], "rb") as f:
        got = Bundle(f.read(), pins)
    print("%s: %d acts, %d disclosures, %s" % (
        got.ref, len(got.acts), len(got.shown),
        NAMES["state", got.life.state()]))
    for line in got.said:
        print("  " + line)


if __name__ == "__main__":
    main(sys.argv)
