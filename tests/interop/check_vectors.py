"""Every file of proto/vectors, what is taken and what is refused."""

from types import SimpleNamespace

import act as acts
import codec as c
import kinds as k
import ledger
import life
import tree
from check import agrees, equal, refuses
from leaves import Disclosure, LeafList
from names import vectors, verify, words
from profiles import Profile


def test_acts():
    for v in vectors("acts.json")["valid"]:
        act, _ = acts.read(bytes.fromhex(v["hex"]))
        act.verify()
        equal((act.kind, act.id.hex(), act.digest.hex(), words(act.id, 6)),
              (v["kind"], v["id"], v["digest"], v["words"]), v["name"])
        if "ref" in v:
            equal(act.reference(), v["ref"], v["name"])


def test_acts_refused():
    for v in vectors("acts.json")["invalid"]:
        data = bytes.fromhex(v["hex"])
        if v["by"] == "verify":
            act, _ = acts.read(data)
            refuses(v, act.verify)
        else:
            refuses(v, lambda: acts.read(data))


def test_leaf_lists():
    for v in vectors("disclosures.json")["lists"]["valid"]:
        got = LeafList(bytes.fromhex(v["hex"]))
        equal((len(got.leaves), got.root.hex(), [s.hex() for s in got.salts]),
              (v["count"], v["root"], v["salts"]), v["name"])


def test_leaf_lists_refused():
    for v in vectors("disclosures.json")["lists"]["invalid"]:
        refuses(v, lambda: LeafList(bytes.fromhex(v["hex"])))


def test_disclosures():
    for v in vectors("disclosures.json")["disclosures"]["valid"]:
        got = Disclosure(bytes.fromhex(v["hex"]))
        equal((got.id.hex(), got.count, got.hidden_hashes,
               [{"index": i, "field": n, "value": c.encode(x).hex()}
                for i, n, x in got.shown]),
              (v["id"], v["count"], v["hidden"], v["shown"]), v["name"])


def test_disclosures_refused():
    for v in vectors("disclosures.json")["disclosures"]["invalid"]:
        refuses(v, lambda: Disclosure(bytes.fromhex(v["hex"])))


def test_trees():
    for v in vectors("trees.json"):
        hashes = [tree.leaf_hash(bytes.fromhex(x)) for x in v["leaves"]]
        for size, wanted in enumerate(v["roots"]):
            equal(tree.root(hashes[:size]).hex(), wanted,
                  "%s, size %d" % (v["about"], size))


def test_inclusion():
    for v in vectors("proofs.json")["inclusion"]:
        agrees(v, lambda: tree.verify_inclusion(
            v["index"], v["size"], bytes.fromhex(v["leaf_hash"]),
            [bytes.fromhex(x) for x in v["path"]], bytes.fromhex(v["root"])))


def test_consistency():
    for v in vectors("proofs.json")["consistency"]:
        agrees(v, lambda: tree.verify_consistency(
            v["old_size"], bytes.fromhex(v["old_root"]), v["new_size"],
            bytes.fromhex(v["new_root"]),
            [bytes.fromhex(x) for x in v["path"]]))


def test_checkpoints():
    for v in vectors("checkpoints.json")["key_ids"]:
        equal(ledger.key_id(v["name"], ledger.KIND_NOTE,
                            bytes.fromhex(v["key"])).hex(), v["id"],
              v["name"])
    for v in vectors("checkpoints.json")["notes"]:
        note = ledger.Note(v["note"])
        equal(note.text, v["text"], v["name"])
        key = bytes.fromhex(v["key"])
        for s in note.signed_by(v["name"], ledger.KIND_NOTE, key):
            verify(key, note.text.encode(), s)
    for v in vectors("checkpoints.json")["checkpoints"]:
        data = bytes.fromhex(v["note_hex"]) if "note_hex" in v else v["note"]
        got = agrees(v, lambda: ledger.Checkpoint(
            data, v["origin"], bytes.fromhex(v["key"])))
        if got is not None:
            equal((got.size, got.root.hex()), (v["size"], v["root"]),
                  v["name"])


def test_leaves_of_the_ledger():
    for v in vectors("receipts.json")["leaves"]:
        data = bytes.fromhex(v["bytes"])
        if v["error"]:
            refuses(v, lambda: ledger.Leaf(data))
            continue
        got = ledger.Leaf(data)
        for name in ("type", "epoch", "entered", "bound"):
            equal(getattr(got, name), v[name], name)
        for name in ("id", "core", "envelope", "sigs"):
            equal(getattr(got, name).hex(), v[name], name)


def test_statements():
    for v in vectors("receipts.json")["statements"]:
        data = bytes.fromhex(v["bytes"])
        if v["error"]:
            refuses(v, lambda: ledger.Statement(data))
            continue
        got = ledger.Statement(data)
        for name in ("type", "text", "code", "count", "time"):
            equal(getattr(got, name), v[name], name)
        for name in ("subject", "key", "detail", "digest"):
            equal(getattr(got, name).hex(), v[name], name)


def test_receipts():
    for v in vectors("receipts.json")["receipts"]:
        def read():
            receipt = ledger.Receipt(bytes.fromhex(v["bytes"]))
            return receipt, receipt.verify(v["origin"],
                                           bytes.fromhex(v["key"]))
        if v["error"]:
            refuses(v, read)
            continue
        got, head = read()
        equal((got.index, head.size, len(got.path), got.leaf.bytes.hex()),
              (v["index"], v["size"], v["path_count"], v["leaf"]), v["name"])


def test_packed_receipts():
    known = vectors("packed-receipts.json")
    for v in known["receipts"]:
        def read():
            receipt = ledger.Receipt(bytes.fromhex(v["bytes"]))
            receipt.verify(known["origin"], bytes.fromhex(known["ledger"]))
            return receipt
        got = agrees({**v, "ok": not v["error"]}, read)
        if got is not None:
            equal(got.note, v["note"], v["name"])


def test_cosignatures():
    for v in vectors("cosignatures.json")["cosignatures"]:
        got = agrees(v, lambda: ledger.cosigned(
            ledger.Note(v["note"]), v["witness"], bytes.fromhex(v["key"])))
        if got is not None:
            equal(got, v["seconds"], v["name"])
    for v in vectors("cosignatures.json")["added"]:
        equal(ledger.add_cosignature(v["note"], v["line"]), v["to"],
              v["name"])


def test_forks():
    for v in vectors("cosignatures.json")["forks"]:
        agrees(v, lambda: ledger.fork(bytes.fromhex(v["proof"]), v["origin"],
                                      bytes.fromhex(v["key"])))


class Scripted:
    """An act of a script: no bytes, only what the fold reads."""

    KEYS = {"measure": k.MEASURE, "categories": k.CATEGORIES,
            "not_after": k.NOT_AFTER, "urgency": k.URGENCY, "term": k.TERM,
            "change": k.CHANGE, "choice": k.CHOICE, "reason": k.REASON,
            "ttl": k.TTL, "at": k.AT, "result": k.RESULT}

    def __init__(self, row, gen):
        self.kind, self.track, self.gen = row["kind"], row["track"], gen
        self.seen_gen, self.entered = row["seen"], row["entered"]
        self.id = (self.track, gen)
        self.envelope = {key: row[name] for name, key in self.KEYS.items()
                         if name in row}
        if "rules_version" in row:
            self.envelope[k.RULES] = [row["rules_version"], "other"
                                      if "other_profile" in row else "pinned"]
        if "re" in row:
            self.envelope[k.RE] = tuple(row["re"])
        if "outsider" in row:
            self.envelope[k.OUTSIDER] = row["outsider"]
        if "unknown_critical" in row:
            self.envelope[k.DUTY + 1] = True


class ScriptProfile(SimpleNamespace):
    def has(self, measure):
        return self.measures >> measure & 1 == 1


def test_life_cycle():
    data = vectors("lifecycle.json")
    profile = ScriptProfile(**data["profile"])
    for script in data["scripts"]:
        name = script["name"]
        known = {} if script.get("profile_unknown") else {"pinned": profile}
        case = life.Case()
        for row in script["acts"]:
            act = Scripted(row, len(case.acts[row["track"]]))
            equal(case.add(act, known), row["clause"], "%s: the clause of %r"
                  % (name, act.id))
        want = script["expect"]
        asked = case.newest(1)
        suspended = case.suspended(asked)
        hold = asked.hold_until if life.in_force(asked) and not suspended \
            else 0
        got = {"state": case.state(), "scope": case.scope(),
               "hold_until": hold, "suspended": suspended,
               "outside_profile": case.outside_profile(),
               "unproven": case.unproven(),
               "facets": [list(case.newest(0)), list(asked[:-1]) +
                          [[list(a) for a in asked.answered]]],
               "digest": case.digest().hex()}
        for key in want:
            equal(got[key], want[key], "%s: %s" % (name, key))


def test_profiles():
    for v in vectors("profiles.json"):
        got = Profile(bytes.fromhex(v["bytes"]))
        equal((got.name, got.digest.hex()), (v["name"], v["digest"]),
              v["name"])
