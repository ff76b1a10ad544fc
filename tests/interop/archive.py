"""SPEC 13.1: an archive of a ledger, verified and folded again."""

import os
import sys

import act as acts
import codec as c
import kinds as k
import ledger
import profiles
import roster
from book import CHAIN, File
from names import key_read
from tree import Roots, leaf_hash

PINNED, UNPINNED, IN_FORCE = 1, 2, 3
FRAME_MAX = 65536
FIVE_MINUTES = 300000


def frames(path):
    """The frames of a file; a torn one at its end is no frame."""
    with open(path, "rb") as f:
        while True:
            size = f.read(4)
            if len(size) < 4:
                return
            size = int.from_bytes(size, "big")
            c.demand(size <= FRAME_MAX, c.TOO_BIG, "a frame of %d bytes"
                     % size)
            data = f.read(size)
            if len(data) < size:
                return
            yield data


def read_pins(text):
    pins = {}
    for line in text.splitlines():
        country, _, rest = line.partition(" ")
        kind, pin = key_read(rest)
        c.demand(kind == "hfr1", c.RANGE, "a pin of type " + kind)
        pins[c.country(country)] = pin
    return pins


def read_documents(members, pins):
    """{(country, version): document} of {name: bytes}"""
    documents = {}
    for name, data in members.items():
        country, _, version = name.partition(".")
        c.demand(country in pins, roster.NO_COUNTRY, "no pin of " + country)
        document = roster.Document(data, pins[country])
        c.demand((document.country, str(document.version)) ==
                 (country, version), c.RANGE, "document %s" % name)
        documents[country, document.version] = document
    for (country, version), document in documents.items():
        before = documents.get((country, version - 1))
        c.demand(before is None or document.previous == before.digest,
                 c.PROOF, "document %s.%d does not follow the one before"
                 % (country, version))
    return documents


class Archive:
    """Read, verified and replayed by the constructor: `problems` is what is
    wrong with it, in words, and `differing` the cases whose states differ."""

    def __init__(self, path):
        self.path = path
        self.problems = []
        self.differing = []
        self.files = {}
        self.snapshots = {}
        self.sent = {}
        self.force = {}
        self.conflicts = set()
        self.received = self.size = self.acts = self.disputed = 0
        self.profiles = dict(profiles.BUILT_IN)
        self.leaves = {}
        with open(os.path.join(path, "pins")) as f:
            self.pins = read_pins(f.read())
        folder = os.path.join(path, "documents")
        self.documents = read_documents(
            {name: self.bytes("documents", name)
             for name in os.listdir(folder)}, self.pins)
        self.read_head()
        self.read_ledger()
        self.read_receipts()
        self.read_states()

    def bytes(self, *parts):
        with open(os.path.join(self.path, *parts), "rb") as f:
            return f.read()

    def problem(self, where, what):
        self.problems.append("%s: %s" % (where, what))

    def newest(self, country):
        versions = [v for cc, v in self.documents if cc == country]
        c.demand(versions, roster.NO_COUNTRY, "no document of " + country)
        return self.documents[country, max(versions)]

    def in_force(self, country):
        """The document in force where the reading of the ledger is."""
        c.demand(country in self.force, roster.NO_COUNTRY,
                 "no document of %s in force" % country)
        return self.force[country]

    def read_head(self):
        data = self.bytes("head")
        origin = data.split(b"\n")[0].decode()
        name, self.country, epoch = origin.split("/")
        key = self.newest(c.country(self.country)).ledger_key(int(epoch))
        self.head = ledger.Checkpoint(data, origin, key)

    def read_ledger(self):
        roots = Roots()
        hashes = self.bytes("hashes") if os.path.exists(
            os.path.join(self.path, "hashes")) else None
        for index, data in enumerate(frames(os.path.join(self.path,
                                                         "ledger"))):
            if roots.size == self.head.size:
                self.check_root(roots)
            try:
                parts = [c.binary(x, 0, FRAME_MAX)
                         for x in c.array(c.decode(data), 5)]
                hashed = leaf_hash(parts[0])
                roots.add(hashed)
                if hashes is not None:
                    c.demand(hashes[32 * index:32 * index + 32] == hashed,
                             c.PROOF, "not the hash that was fetched")
                self.entry(index, *parts)
            except c.Refused as e:
                self.problem("entry %d" % index, e)
        self.size = roots.size
        if self.size <= self.head.size:
            self.check_root(roots)

    def check_root(self, roots):
        if (roots.size, roots.root()) != (self.head.size, self.head.root):
            self.problem("head", "the first %d entries do not hash to it"
                         % roots.size)

    def entry(self, index, leaf, core, envelope, signatures, payload):
        leaf = ledger.Leaf(leaf)
        if not leaf.is_act():
            c.demand(core == envelope == signatures == b"", c.RANGE,
                     "a statement with an act")
            self.statement(leaf, payload)
            return
        self.acts += 1
        act = acts.Act(core, envelope, signatures)
        c.demand(leaf.covers(act), c.OTHER_ACT,
                 "the leaf is another act's")
        act.profiles = self.profiles
        act.entered = leaf.entered
        try:
            act.verify()
            if leaf.type in (ledger.FOREIGN, ledger.RECALLED):
                self.came(act, leaf, payload)
            else:
                self.own(act, leaf, payload)
        except c.Refused as e:  # it has its place all the same
            self.problem("entry %d" % index, e)
        self.place(act, index)

    def statement(self, leaf, payload):
        s = ledger.Statement(payload)
        c.demand((leaf.type, leaf.id, leaf.core) ==
                 (s.type, s.subject, s.digest), c.OTHER_ACT,
                 "the leaf is another statement's")
        if s.type == ledger.CONFLICT and s.code == CHAIN:
            self.conflicts.discard(s.subject)
        if s.type == ledger.ROSTER:
            self.roster_change(s)

    def roster_change(self, s):
        if s.code == PINNED:
            c.demand(self.pins.get(s.text) == s.detail, roster.UNKNOWN_KEY,
                     "%s: the broker pinned another root" % s.text)
        elif s.code == UNPINNED:
            self.force.pop(s.text, None)
        elif s.code == IN_FORCE:
            document = self.documents.get((s.text, s.count))
            c.demand(document is not None and document.digest == s.detail,
                     roster.UNKNOWN_KEY, "%s.%d is not the archive's document"
                     % (s.text, s.count))
            self.force[s.text] = document
            self.profiles = dict(self.profiles)
            self.profiles.update({p.digest: p for p in document.profiles()})

    def own(self, act, leaf, payload):
        c.demand(payload == b"", c.RANGE, "an own act with a receipt")
        e = act.envelope
        country = c.country_of(e[k.FROM])
        if act.track < 2 and c.country_of(e[k.TO]) != self.country:
            self.sent[act.id] = act
        c.demand(country == self.country, roster.WRONG_COUNTRY,
                 "an act of %s" % country)
        c.demand(act.machine == (leaf.type == ledger.MACHINE), c.RANGE,
                 "type %d" % leaf.type)
        self.standing(act, leaf)
        if not act.machine:
            c.demand(abs(act.created - leaf.entered) <= FIVE_MINUTES, 3015,
                     "created %d ms from its entry"
                     % (leaf.entered - act.created))
            c.demand(len(act.signatures) >= self.in_force(country).approvals(
                act.kind, e.get(k.MEASURE, 0)), roster.APPROVALS,
                "%d signatures" % len(act.signatures))

    def came(self, act, leaf, payload):
        """SPEC 12.6; 12.12 of an own act that was lost."""
        e = act.envelope
        country, to = c.country_of(e[k.FROM]), c.country_of(e[k.TO])
        own = leaf.type == ledger.RECALLED
        c.demand(country != to and act.track < 2 and
                 self.country == (country if own else to),
                 roster.WRONG_COUNTRY, "not for this country")
        if own:
            self.sent[act.id] = act
        receipt = ledger.Receipt(payload)
        c.demand(receipt.leaf.covers(act), c.OTHER_ACT,
                 "a receipt of another act")
        c.demand(receipt.leaf.type == (ledger.MACHINE if act.machine
                                       else ledger.OWN), c.OTHER_ACT,
                 "a receipt of type %d" % receipt.leaf.type)
        c.demand(not own or receipt.leaf.epoch < leaf.epoch, c.OTHER_ACT,
                 "a receipt of no earlier epoch")
        receipt.verify(*self.ledger_of(country, receipt.epoch()))
        self.received += not own
        act.entered = receipt.leaf.entered
        self.standing(act, receipt.leaf)

    def ledger_of(self, country, epoch):
        return ledger.origin_of(country, epoch), \
            self.in_force(country).ledger_key(epoch)

    def standing(self, act, leaf):
        """SPEC 4.3: author and co-signers at the time of entry."""
        e = act.envelope
        document = self.in_force(c.country_of(e[k.FROM]))
        if act.machine:
            c.demand(document.ledger_key(leaf.epoch) == act.author,
                     roster.UNKNOWN_KEY, "not the ledger's key")
            return
        c.demand(e[k.ROSTER] <= document.version, roster.UNKNOWN_KEY,
                 "document %d is not here" % e[k.ROSTER])
        officers = [document.officer(key, leaf.entered)
                    for key, _ in act.signatures]
        c.demand(officers[0][2] == e[k.FROM], roster.WRONG_DESK,
                 "an officer of " + officers[0][2])
        c.demand(all(o[3] not in (4, 5) for o in officers[1:]), roster.ROLE,
                 "co-signed by an auditor or operator")
        self.may_send(act, document, officers[0])
        self.disputed += self.newest(document.country).disputed(
            act.author, leaf.entered)

    def may_send(self, act, document, officer):
        e = act.envelope
        kind = document.desk_type(e[k.FROM])
        points = roster.CONTACT_POINT, roster.CENTRAL
        if act.kind == 1:
            other = self.in_force(c.country_of(e[k.TO]))
            good = kind in points and other.desk_type(e[k.TO]) in points
        elif act.kind == 2:
            good = kind in points and (
                e[k.TO] == e[k.FROM] or
                document.desk_type(e[k.TO]) == roster.PROVIDER)
        elif act.kind == 52:
            good = kind == roster.OPERATOR
        elif kind in (roster.AUDITOR, roster.OVERSIGHT) or officer[3] == 4:
            good = act.kind == 42 and act.track > 1
        else:
            good = kind is not None
        c.demand(good, roster.ROLE, "%s may not send it" % e[k.FROM])

    def place(self, act, index):
        """Into its case; what loses its place is a conflict (12.6), and
        stays a divergence unless the ledger says so."""
        file = self.files.setdefault(act.case, File(act.case))
        for lost in file.add(act):
            self.conflicts.add(lost.id)
        self.leaves[act.id] = index
        if self.snapshots.get(act.case) is None or index < self.head.size:
            self.snapshots[act.case] = []
        self.snapshots[act.case].append((file.fold.state(),
                                         file.fold.digest())
                                        if file.started() else None)

    def read_receipts(self):
        """What peers receipted of the acts sent to them."""
        self.receipted = 0
        order = []
        for data in frames(os.path.join(self.path, "receipts")):
            try:
                name, country, receipt = c.array(c.decode(data), 3)
                act = self.sent.get(name)
                c.demand(act is not None, c.OTHER_ACT, "of no act sent")
                where = "receipt of entry %d" % self.leaves[name]
                order.append(self.leaves[name])
                c.demand(c.country_of(act.envelope[k.TO]) == country,
                         c.OTHER_ACT, where + ": by " + country)
                receipt = ledger.Receipt(receipt)
                c.demand(receipt.leaf.type == ledger.FOREIGN and
                         receipt.leaf.covers(act), c.OTHER_ACT, where)
                receipt.verify(*self.ledger_of(country, receipt.epoch()))
                self.receipted += 1
            except c.Refused as e:
                self.problem("receipts", e)
        if order != sorted(set(order)):
            self.problem("receipts", "not in the order of their acts")

    def read_states(self):
        """SPEC 13.1: each state is what the acts fold to, under the head or
        with some of those behind it."""
        for lost in self.conflicts:
            self.problem("act " + lost.hex(), "it lost its place, and no "
                         "conflict says so")
        told = set()
        last = b""
        for data in frames(os.path.join(self.path, "states")):
            try:
                case, state, digest = c.array(c.decode(data), 3)
                c.binary(case, 32)
                c.demand(case > last, c.KEY_ORDER, "states not ascending")
            except c.Refused as e:
                self.problem("states", e)
                continue
            told.add(case)
            last = case
            if (state, digest) not in self.snapshots.get(case, ()):
                self.differing.append((case, state, digest))
        self.told_wrong = len(self.differing)
        for case, file in self.files.items():
            if file.started() and case not in told and \
                    None not in self.snapshots[case]:
                self.differing.append((case, None, None))
        self.cases = len(told)

    def difference(self):
        """The first case that differs, in words."""
        case, state, digest = self.differing[0]
        file = self.files.get(case)
        if state is None:
            return "%s: the broker tells no state" % case.hex()
        if file is None:
            return "%s: no act of it here" % case.hex()
        return "%s: state %d, not %d; digest %s, not %s\n  asking %r\n  " \
            "asked  %r" % (case.hex(), file.fold.state(), state,
                           file.fold.digest().hex(), digest.hex(),
                           file.fold.newest(0), file.fold.newest(1))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        archive = Archive(name)
        print("%s: %s, %d entries, %d acts, %d received, %d of %d receipted, "
              "%d cases, %d differ, %d problems" % (
                  name, archive.country, archive.size, archive.acts,
                  archive.received, archive.receipted, len(archive.sent),
                  archive.cases, len(archive.differing),
                  len(archive.problems)))
        for line in archive.problems:
            print("  " + line)
        if archive.differing:
            print("  " + archive.difference())
        if archive.problems or archive.differing:
            sys.exit(1)
