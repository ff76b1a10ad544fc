"""Writes what the others read: keys, documents, acts, ledgers, archives.

Everything follows from the seed of a random.Random, so that a run can be
repeated.
"""

import base64
import os

import nacl.bindings

import codec as c
import kinds as k
import ledger
import life
from act import LEAF_ROOT_NONE, Act
from book import File
from leaves import leaf_root
from names import H, key_text, sha256
from profiles import NAMES, Profile
from tree import leaf_hash, node, root, split

YEAR = 365 * 86400000
START = 1795651200000


class Key:
    def __init__(self, random):
        self.public, self.secret = nacl.bindings.crypto_sign_seed_keypair(
            random.randbytes(32))

    def sign(self, message):
        return nacl.bindings.crypto_sign(message, self.secret)[:64]


def profile_bytes(**changes):
    values = {"name": "interop", "version": 1, "basis": 7, "term_default": 20,
              "term_min": 2, "term_max": 60, "total_max": 150,
              "extensions_max": 2, "acknowledge": [5, 5, 5],
              "decide": [5, 5, 5], "pending": 2, "first_hop": 30,
              "reply": 13, "ask_lives": 10, "retain": 3600,
              "live_ttl_max": 30, "measures": 30, "categories": 15,
              "grounds": bytes([1, 2, 3]), "outsider": 10, "suspend": True}
    values.update(changes)
    return c.encode({i: values[name] for i, name in enumerate(NAMES, 1)})


class Country:
    """A country with its keys, its document and its broker's ledger."""

    DESKS = (("ncp", 1, True), ("isp", 4, False), ("audit", 5, False))

    def __init__(self, random, name, **changes):
        self.random, self.name, self.low = random, name, name.lower()
        self.root, self.registrar = Key(random), Key(random)
        self.ledger = Key(random)
        self.officers = {self.low + "." + d: Key(random)
                         for d, _, _ in self.DESKS}
        self.profile = Profile(profile_bytes(**changes))
        self.documents = [self.document(profile_bytes(**changes))]

    def entry(self, kind, value):
        return c.encode([self.random.randbytes(16), kind, value])

    def document(self, profile, version=1, previous=bytes(32), revoked=()):
        """The complete document; abroad() cuts off what is domestic."""
        valid = START - 86400000, START + YEAR
        abroad = [self.entry(1, {
            1: self.random.randbytes(32), 2: self.ledger.public, 3: 1,
            4: ["tcp://127.0.0.1:7247"], 5: valid[0], 6: valid[1]})]
        domestic = []
        for desk, kind, known in self.DESKS:
            name = self.low + "." + desk
            rows = abroad if known else domestic
            rows.append(self.entry(2, {
                1: name, 2: kind, 3: name, 4: self.random.randbytes(32), 5: 1,
                6: ["en"], 7: "+99 1", 8: ["fax:+99 2"], 9: "24/7",
                10: "UTC"}))
            rows.append(self.entry(3, {
                1: self.officers[name].public, 2: name,
                3: 4 if kind == 5 else 1, 4: valid[0], 5: valid[1],
                6: self.random.randbytes(32), 7: self.random.randbytes(32),
                8: "An Officer"}))
        abroad.append(self.entry(5, {1: 7, 2: profile}))
        for key, since, at in revoked:
            abroad.append(self.entry(4, {1: key, 2: since, 3: at, 4: 1}))
        certificate = c.encode({1: self.name, 2: 1,
                                3: [self.registrar.public], 4: valid[0],
                                5: valid[1], 6: 1})
        head = c.encode({
            1: self.name, 2: version, 3: previous, 4: valid[0], 5: valid[1],
            6: len(abroad), 7: root(map(leaf_hash, abroad)),
            8: len(domestic), 9: root(map(leaf_hash, domestic)),
            10: valid[0]})
        self.digest = H("country-head", head)
        return [certificate, self.root.sign(H("sign-cert", certificate)),
                head, [[self.registrar.public,
                        self.registrar.sign(H("sign-head", head))]],
                abroad, domestic]


def abroad(document):
    return document[:5] + [None]


def act(random, key, kind, envelope, created, cosigners=(), machine=False,
        policy=0):
    """An act of these leaves' worth; its body is not kept."""
    envelope = dict(envelope)
    envelope.setdefault(k.SALT, random.randbytes(16))
    envelope.setdefault(k.POLICY, bytes(policy))
    envelope.setdefault(k.ROSTER, 1)
    envelope = c.encode(dict(sorted(envelope.items())))
    core = c.encode({
        1: 1, 2: kind, 3: key.public, 4: created,
        5: LEAF_ROOT_NONE if machine else random.randbytes(32),
        6: H("body", b"" if machine else random.randbytes(8)),
        7: H("envelope", envelope)})
    message = H("sign-act", H("core", core))
    signatures = [] if machine else [[x.public, x.sign(message)]
                                     for x in (key, *cosigners)]
    return Act(core, envelope, c.encode(signatures))


def disclosure(random, key, kind, envelope, created, leaves, shown):
    """An act with leaves, and the disclosure that shows some of them."""
    seed = random.randbytes(32)
    data = [c.encode([H("salt", seed, bytes([i]))[:16], *leaf])
            for i, leaf in enumerate(leaves)]
    hashes = [leaf_hash(x) for x in data]
    envelope = dict(envelope)
    envelope.update({k.SALT: random.randbytes(16),
                     k.POLICY: bytes(len(leaves)), k.ROSTER: 1})
    envelope = c.encode(dict(sorted(envelope.items())))
    core = c.encode({1: 1, 2: kind, 3: key.public, 4: created,
                     5: leaf_root(hashes), 6: H("body", b"sealed"),
                     7: H("envelope", envelope)})
    signatures = [[key.public, key.sign(H("sign-act", H("core", core)))]]
    hidden = []

    def walk(low, size):
        if not any(low <= i < low + size for i in shown):
            hidden.append(root(hashes[low:low + size]))
        elif size > 1:
            walk(low, split(size))
            walk(low + split(size), size - split(size))

    walk(0, len(leaves))
    return Act(core, envelope, c.encode(signatures)), c.encode({
        1: core, 2: signatures, 3: len(leaves),
        4: [[i, data[i]] for i in sorted(shown)], 5: b"".join(hidden)})


def inclusion(index, hashes):
    if len(hashes) == 1:
        return []
    half = split(len(hashes))
    if index < half:
        return inclusion(index, hashes[:half]) + [root(hashes[half:])]
    return inclusion(index - half, hashes[half:]) + [root(hashes[:half])]


def signed_note(key, name, text):
    """C2SP signed-note"""
    line = ledger.key_id(name, ledger.KIND_NOTE, key.public) + \
        key.sign(text.encode())
    return "%s\n%s%s %s\n" % (text, ledger.DASH, name,
                              base64.b64encode(line).decode())


def checkpoint(country, hashes):
    name = ledger.origin_of(country.name, 1)
    return signed_note(country.ledger, name, "%s\n%d\n%s\n" % (
        name, len(hashes), base64.b64encode(root(hashes)).decode()))


def receipt(country, leaves, index):
    hashes = [leaf_hash(x) for x in leaves]
    return c.encode({1: leaves[index], 2: index,
                     3: b"".join(inclusion(index, hashes)),
                     4: checkpoint(country, hashes)})


def leaf_of(act, kind, entered):
    return c.encode([1, kind, 1, entered, 5, act.id, act.digest, act.core[7],
                     H("sigs", act.bytes[2])])


class Ledger:
    """What one broker enters, as an archive shows it."""

    def __init__(self, home, others):
        self.home, self.others = home, others
        self.frames, self.hashes, self.receipts = [], [], []
        self.files = {}
        self.profiles = {x.profile.digest: x.profile
                         for x in (home, *others)}
        self.documents = {}
        self.statement({1: 19}, START)
        for country in (home, *others):
            self.statement({1: 15, 3: country.name, 4: 1,
                            8: country.root.public}, START)
            self.document(country, country.documents[0], 1, START)

    def document(self, country, document, version, at):
        self.documents["%s.%d" % (country.name, version)] = c.encode(
            document if country is self.home else abroad(document))
        self.statement({1: 15, 3: country.name, 4: 3, 5: version,
                        8: H("country-head", document[2])}, at)

    def entry(self, leaf, *rest):
        self.frames.append(c.encode([leaf, *rest]))
        self.hashes.append(leaf_hash(leaf))

    def statement(self, payload, at):
        data = c.encode(payload)
        self.entry(c.encode([1, payload[1], 1, at, 5,
                             payload.get(2, bytes(32)), H("statement", data),
                             bytes(32), bytes(32)]), b"", b"", b"", data)

    def own(self, act, at):
        kind = ledger.MACHINE if act.machine else ledger.OWN
        self.entry(leaf_of(act, kind, at), *act.bytes, b"")
        self.fold(act, at)
        to = c.country_of(act.envelope[k.TO])
        for other in self.others:
            if other.name == to and act.track < 2:
                there = leaf_of(act, ledger.FOREIGN, at)
                self.receipts.append(c.encode(
                    [act.id, to, receipt(other, [there], 0)]))

    def foreign(self, country, act, entered, at):
        """It comes with the receipt of its own broker, entered there."""
        there = leaf_of(act, ledger.MACHINE if act.machine else ledger.OWN,
                        entered)
        self.entry(leaf_of(act, ledger.FOREIGN, at), *act.bytes,
                   receipt(country, [b"x", there, b"y"], 1))
        return self.fold(act, entered)

    def fold(self, act, entered):
        act.entered, act.profiles = entered, self.profiles
        return self.files.setdefault(act.case, File(act.case)).add(act)

    def states(self):
        return [[case, f.fold.state(), f.fold.digest()]
                for case, f in sorted(self.files.items()) if f.started()]

    def write(self, path):
        """The archive of 13.1."""
        os.makedirs(os.path.join(path, "documents"))

        def put(name, data):
            with open(os.path.join(path, name), "wb") as f:
                f.write(data)

        put("ledger", framed(self.frames))
        put("hashes", b"".join(self.hashes))
        put("head", checkpoint(self.home, self.hashes).encode())
        put("receipts", framed(self.receipts))
        put("states", framed(map(c.encode, self.states())))
        put("pins", "".join("%s %s\n" % (x.name, key_text(
            "hfr1", x.root.public)) for x in (self.home, *self.others))
            .encode())
        for name, data in self.documents.items():
            put("documents/" + name, data)


def framed(frames):
    return b"".join(len(x).to_bytes(4, "big") + x for x in frames)


class RandomCase:
    """A case between two countries, seen from one of them: its own acts are
    those that the home broker takes, the other's may be anything that
    chains, void ones too, and come late and in any order."""

    def __init__(self, random, book, home, other, at):
        self.random, self.book, self.home, self.other = \
            random, book, home, other
        self.at = at
        self.domestic = random.random() < 0.25
        self.asking = home if self.domestic or random.random() < 0.5 \
            else other
        self.asked = home if self.domestic else \
            other if self.asking is home else home
        self.desks = self.asking.low + ".ncp", self.asked.low + (
            ".isp" if self.domestic and random.random() < 0.7 else ".ncp")
        # what is known on the other side, ahead of what has come here
        self.there = File(None)
        self.late = []

    def run(self, steps):
        while self.there.id is None:
            self.step(self.open(), 0)
        if self.random.random() < 0.7:
            self.come(1)
            self.step((22, self.keys(22, 1)), 1)
        for _ in range(steps):
            self.at += self.random.choice((0, 1, 500, 2000, 9000))
            track = self.random.randrange(2)
            kind = self.random.choice(self.kinds(track))
            self.step((kind, self.keys(kind, track)), track)
            self.come(0.5)
        self.come(1)

    def kinds(self, track):
        """Those that may stand there; what ends a case is rare."""
        rare = (14, 15, 23, 33, 60, 61, 63, 64)
        ends = self.random.random() < 0.1
        found = [n for n, row in k.KINDS.items() if track in row.tracks and
                 n not in k.OPENINGS and (n in rare) == ends]
        if ends:
            return found + [130, 90]
        return found + ([22] * 6 + [27, 31, 31, 32, 32, 28, 29, 62]
                        if track else [10, 10, 10, 11, 11, 11, 12, 12, 13])

    def side(self, track):
        return self.asked if track else self.asking

    def open(self):
        r = self.random
        kind = 2 if self.domestic else 1
        digest = self.asked.profile.digest if r.random() < 0.9 else \
            r.randbytes(32)
        e = {k.MEASURE: r.choice((1, 1, 2, 3, 3, 4, 5)), k.BASIS: 7,
             k.RULES: [r.choice((1, 1, 1, 1, 1, 1, 1, 2)), digest],
             k.NOT_AFTER: self.at + r.randrange(5000, 40000),
             k.URGENCY: r.randrange(3), k.CATEGORIES: r.randrange(1, 16)}
        if r.random() < 0.05:
            e[40] = 1
        return kind, e

    def keys(self, kind, track):
        """Keys that the kind asks for, at random, near the limits."""
        r, e = self.random, {}
        row = k.KINDS.get(kind)
        names = set(row.must) if row else set()
        names |= {x for x in (row.may if row else ()) if r.random() < 0.5}
        if kind == 10:
            change = e[k.CHANGE] = r.choice((1, 2, 2, 3, 3, 4, 5))
            names |= {1: {k.FREED}, 2: {k.CATEGORIES}, 3: {k.CATEGORIES},
                      4: {k.URGENCY}, 5: {k.FLAGS}}[change]
            names.discard(k.CHANGE)
            if change not in (1, 3):
                names.discard(k.NOT_AFTER)
        if kind in (22, 27, 32) and r.random() < 0.9:
            names.add(k.TERM)
        if kind == 22:
            names |= {k.TTL}
        named = self.name_act(track, kind)
        for key in sorted(names):
            e[key] = self.value(key, named)
        if kind == 20 and r.random() < 0.8:
            e[k.RULES] = self.there.acts[0][1].envelope.get(
                k.RULES, e[k.RULES])
        if kind == 27 and e[k.RESULT] in (1, 2) and k.TERM not in e:
            e[k.RESULT] = 3
        if row and row.re or r.random() < 0.2:
            e[k.RE] = named.id
        if r.random() < 0.03:
            e[k.OUTSIDER] = ["A man", 1, self.at, 1, self.at + 5000]
        if r.random() < 0.02:
            e[50] = 1
        if r.random() < 0.02:
            e[100] = "kept"
        return e

    def name_act(self, track, kind):
        """An act of the case that `re` may name, mostly a fitting one."""
        every = self.there.acts[0][1:] + self.there.acts[1][1:]
        want = {22: k.asks, 23: k.asks, 31: lambda n, e: n == 12,
                32: lambda n, e: n == 12, 27: k.asks,
                13: lambda n, e: n == 24, 41: lambda n, e: n == 40,
                20: lambda n, e: n in k.OPENINGS,
                61: lambda n, e: n in k.OPENINGS,
                63: lambda n, e: n in k.OPENINGS,
                44: lambda n, e: k.OUTSIDER in e}.get(kind)
        if want and self.random.random() < 0.9:
            fitting = [a for a in every if want(a.kind, a.envelope)]
            return self.random.choice(fitting[-3:] or every)
        return self.random.choice(every)

    def value(self, key, named):
        r = self.random
        if key == k.TERM:
            asked = self.there.fold.newest(1)
            begin = r.choice((self.at, named.created, asked.hold_from or
                              self.at))
            span = r.choice((1999, 2000, 60000, 60001, 20000, 50000,
                             r.randrange(2000, 60000)))
            end = r.choice((begin + span, begin + span,
                            asked.hold_until + span,
                            max(asked.hold_until, self.at) + 60000,
                            asked.hold_from + r.choice((150000, 150001))))
            return [begin, max(end, begin + 1)]
        if key in (k.CATEGORIES, k.REFUSED):
            asked = named.envelope.get(k.CATEGORIES, 15)
            return asked & r.randrange(16) if r.random() < 0.9 \
                else r.randrange(16)
        if key in (k.NOT_AFTER, k.DUE, k.AT):
            return self.at + r.choice((-1000, 0, 1000, 20000))
        return {k.RULES: lambda: [1, r.randbytes(32)],
                k.REASON: lambda: r.choice((1, 2, 6)),
                k.CHOICE: lambda: r.choice((1, 1, 2)),
                k.FREED: lambda: True, k.URGENCY: lambda: r.randrange(3),
                k.FLAGS: lambda: [[1, 1, 0]],
                k.LINEAGE: lambda: [[2, r.randbytes(32)]],
                k.RESULT: lambda: r.choice((1, 1, 2, 3)),
                k.TTL: lambda: r.choice((1, 5, 30, 31)),
                k.DUTY: lambda: r.randbytes(32),
                k.ASSIGNEE: lambda: r.randbytes(32)}[key]()

    def step(self, what, track):
        """The next act of this track; none if its home broker refuses."""
        kind, e = what
        country = self.side(track)
        mine = country is self.home
        view = self.book.files.get(self.there.id) if mine else self.there
        if self.there.id is not None and (view is None or
                                          not view.started()):
            return
        view = view or self.there
        gen = len(view.acts[track])
        newest = len(view.acts[1 - track]) - 1
        before = view.acts[track][gen - 1]
        seen = newest if mine else self.random.choice(
            (newest, newest, max(1 if track else 0,
                                 before.seen_gen if before else 0)))
        machine = k.is_machine(kind)
        e = dict(e)
        e.update({k.FROM: self.desks[track], k.TO: self.desks[1 - track],
                  k.TRACK: track, k.GEN: gen, k.SEEN_GEN: seen})
        if gen > 1:
            e[k.PREV] = before.digest
        if seen:
            e[k.SEEN] = view.acts[1 - track][seen].digest
        if gen > 1 or track:
            e[k.CASE] = self.there.id
        key = country.ledger if machine else country.officers[
            self.desks[track]]
        try:
            made = act(self.random, key, kind, e, self.at, machine=machine)
        except c.Refused:
            return
        made.entered, made.profiles = self.at, self.book.profiles
        if mine:
            try:
                judge(view, made)
            except life.Void:
                return
            self.enter(made)
        else:
            self.late.append((made, self.at))
        if self.there.id is None:
            self.there.id = made.id
        self.there.add(made)

    def enter(self, made):
        self.book.own(made, self.at)

    def come(self, probability):
        """Some of the other side's acts arrive, in any order."""
        self.random.shuffle(self.late)
        for item in list(self.late):
            if self.random.random() < probability:
                self.late.remove(item)
                self.book.foreign(self.other, item[0], item[1], self.at)


def judge(file, act):
    """Would the home broker take it?"""
    fold = file.fold
    rules = act.envelope.get(k.RULES) if act.opens else \
        fold.opening(k.RULES, None)
    fold.profile = act.profiles.get(rules[1]) if rules else None
    if act.opens:
        if k.critical_unknown(act.kind, act.envelope) or \
                rules[0] != 1 or fold.profile is None or \
                not fold.profile.has(act.envelope[k.MEASURE]):
            raise life.Void(510)
        return
    fold.judge(act)
