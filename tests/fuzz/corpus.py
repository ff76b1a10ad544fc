#!/usr/bin/python3
"""corpus.py DIR: first inputs of every harness, from proto/vectors and from
the texts in the tests; what needs keys comes from seeds.c."""
import base64
import hashlib
import json
import os
import re
import sys

import msgpack

here = os.path.dirname(os.path.abspath(__file__))
top = os.path.dirname(os.path.dirname(here))
out = sys.argv[1]
count = 0


def put(harness, data):
    global count
    folder = os.path.join(out, harness)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "v-%05d" % count), "wb") as f:
        f.write(data)
    count += 1


def vectors(name):
    with open(os.path.join(top, "proto/vectors", name)) as f:
        return json.load(f)


def acts():
    d = vectors("acts.json")
    for row in d["valid"] + d["invalid"]:
        frame = bytes.fromhex(row["hex"])
        put("act", frame)
        put("wire", frame)
        try:
            core, envelope, sigs, body = msgpack.unpackb(frame)
        except Exception:
            continue
        for harness, part in zip(("core", "envelope", "sigs", "body"),
                                 (core, envelope, sigs, body)):
            put(harness, part if isinstance(part, bytes)
                else msgpack.packb(part))


def disclosures():
    d = vectors("disclosures.json")
    for row in d["lists"]["valid"] + d["lists"]["invalid"]:
        put("leaves", bytes.fromhex(row["hex"]))
    for row in d["disclosures"]["valid"] + d["disclosures"]["invalid"]:
        put("cite", bytes.fromhex(row["hex"]))
    for row in d["disclosures"]["valid"]:
        for shown in row["shown"]:
            put("field", shown["field"].to_bytes(2, "big")
                + bytes.fromhex(shown["value"]))


def fields():
    values = [b"\x92\xa2en\xa4text", b"\xa4text", b"\xc4\x04\xc0\x00\x02\x01",
              b"\xc4\x10" + bytes(16), b"\x00", b"\x7f", b"\xcd\x01\xbb",
              b"\xfb", b"\xc3", b"\xc0", b"\xa2JP", b"\xc4\x05bytes",
              b"\x92\xcf\x00\x00\x01\xa1\xfd\xb2\xe7\x82\x00",
              b"\x93\xcf\x00\x00\x01\xa1\xfd\xb2\xe7\x82"
              b"\xcf\x00\x00\x01\xa1\xfd\xb2\xe7\x83\xcd\x02\x1c"]
    text = open(os.path.join(top, "proto/fields.def")).read()
    for number in re.findall(r"^F\((\d+),", text, re.M):
        for value in values:
            put("field", int(number).to_bytes(2, "big") + value)


def ledger():
    d = vectors("receipts.json")
    for row in d["leaves"]:
        put("ledger_leaf", bytes.fromhex(row["bytes"]))
    for row in d["statements"]:
        put("statement", bytes.fromhex(row["bytes"]))
    for row in d["receipts"] + vectors("packed-receipts.json")["receipts"]:
        put("receipt", bytes.fromhex(row["bytes"]))
    for row in vectors("profiles.json"):
        put("profile", bytes.fromhex(row["bytes"]))


def heads():
    d = vectors("checkpoints.json")
    for row in d["notes"] + d["checkpoints"]:
        key = bytes.fromhex(row["key"])
        note = row.get("note", "").encode() or bytes.fromhex(
            row.get("note_hex", ""))
        put("note", note)
        put("checkpoint", key + note)
        put("archive", b"\x03" + note)
    d = vectors("cosignatures.json")
    for row in d["cosignatures"]:
        key = bytes.fromhex(row["key"])
        note = row.get("note", "").encode() or bytes.fromhex(
            row.get("note_hex", ""))
        put("note", note)
        lines = note.decode(errors="replace").splitlines(True) or [""]
        put("cosign", key + lines[-1].encode() + b"\0" + note)
    for row in d["added"]:
        put("cosign", bytes(32) + row.get("line", "").encode() + b"\0"
            + row.get("note", "").encode())
    for row in d["forks"]:
        put("fork", bytes.fromhex(row["key"]) + bytes.fromhex(row["proof"]))


def proofs():
    d = vectors("proofs.json")
    for row in d["inclusion"]:
        put("proof", b"\0" + row["index"].to_bytes(8, "big")
            + row["size"].to_bytes(8, "big")
            + bytes.fromhex(row["leaf_hash"] + row["root"]
                            + "".join(row["path"])))
    for row in d["consistency"]:
        put("proof", b"\1" + row["old_size"].to_bytes(8, "big")
            + row["new_size"].to_bytes(8, "big")
            + bytes.fromhex(row["old_root"] + row["new_root"]
                            + "".join(row["path"])))


def strings(name):
    """The C strings of a file, adjacent ones joined."""
    text = open(os.path.join(top, name), encoding="utf-8").read()
    for run in re.findall(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*',
                          text):
        parts = re.findall(r'"((?:[^"\\\n]|\\.)*)"', run)
        joined = "".join(parts).encode("latin-1", "backslashreplace")
        yield joined.decode("unicode_escape", "replace").encode(
            "utf-8", "replace")


def texts():
    for s in strings("tests/client/test_from_log.c"):
        if len(s) > 30 and not s.startswith(b"{"):
            for bits in b"\0\1\2\3":
                put("log_line", bytes([bits]) + s)
    for name in ("tests/client/test_form.c", "tests/client/test_from_log.c",
                 "tests/client/test_compose.c"):
        for s in strings(name):
            if s.startswith(b"{"):
                put("form", s)
    for name in ("tests/proto/test_ref.c", "tests/proto/test_rfc3339.c",
                 "tests/keys/test_secret.c", "tests/proto/test_crypto.c",
                 "tests/proto/test_text.c"):
        if os.path.exists(os.path.join(top, name)):
            for s in strings(name):
                if 0 < len(s) < 200:
                    put("text", s)
    good = (b'country = "JP"\ndata_dir = "data"\nkey_file = "key"\n'
            b'desk_endpoint = "tcp://127.0.0.1:0"\n'
            b'peer_endpoint = "tcp://0.0.0.0:7247"\npins_dir = "pins"\n')
    put("config", good)
    for s in strings("tests/broker/test_config.c"):
        if b"=" in s or b"{" in s:
            put("config", good + s)
            put("config", s)


def frames():
    """Messages of processes, of the agent, files of an archive."""
    header = (b"".join(n.to_bytes(4, "little") for n in (2, 0, 0, 5))
              + bytes(8) + bytes(32))
    put("record", header + b"frame")
    put("record", header[:12] + bytes(4) + header[16:])
    put("record", header)
    put("record", b"\1")
    for op in range(8):
        for size in (0, 32, 64, 65, 80, 192, 193):
            put("agent", msgpack.packb([op, bytes(size)]))
    for row in vectors("receipts.json")["receipts"]:
        receipt = bytes.fromhex(row["bytes"])
        leaf = bytes.fromhex(row.get("leaf", "90"))
        entry = msgpack.packb([leaf, b"", b"", b"", receipt[:64]])
        put("archive", b"\0" + len(entry).to_bytes(4, "big") + entry)
        line = msgpack.packb([bytes(32), "US", receipt])
        put("archive", b"\1" + len(line).to_bytes(4, "big") + line)
    line = msgpack.packb([bytes(32), 1, bytes(32)])
    put("archive", b"\2" + len(line).to_bytes(4, "big") + line)
    put("archive", b"\4JP " + key_line("hfr").encode() + b"\n")


def asked(peers, frames):
    """A request of libzmq, as fuzz_zap.c reads it."""
    put("zap", bytes([0 if peers else 1])
        + b"".join(bytes([len(f)]) + f for f in frames))


def zap():
    good = [b"1.0", b"1", b"peers", b"127.0.0.1", b"", b"CURVE", b"k" * 32]
    asked(True, good)
    asked(False, good[:2] + [b"desks"] + good[3:])
    asked(True, good[:2] + [b""] + good[3:])
    asked(True, good[:5] + [b"NULL"])
    asked(True, good[:5] + [b"PLAIN", b"user", b"word"])
    asked(True, good[:6] + [b"x" * 32])
    asked(True, good + [b"more"])
    put("zap", b"\0\xff" + b"long" * 200)


def memories():
    """Slots of a signer's memory and of the file of case keys."""
    def slot(count, pair, name, size):
        return (b"HFSIGN2\0" + count.to_bytes(8, "little")
                + pair.to_bytes(8, "little") + name.ljust(32, b"\0")
                + size.to_bytes(8, "little") + bytes(64)).ljust(512, b"\0")
    for newer in (1, 2):
        put("memory", b"\1" + b"".join(
            slot(k == newer, pair, b"holdfast/JP/1", 5)
            for pair in range(3) for k in (1, 2)))
    put("memory", b"\1" + slot(1, 0, b"", 0))
    for states in (b"\1\2\0\1", b"\0", b"\1\1\1\1\1\1\1\1"):
        put("case_keys", b"\1" + b"".join(
            bytes([s]) + bytes(7) + b"k" * 32 + bytes(24) for s in states))


def summaries():
    """The exchange of JP and US by ids 2, 4, ... of fuzz_summary.c."""
    empty = hashlib.sha256(b"").hexdigest()
    head = "holdfast/1/exchange\nUS JP\n1700000000000 40\n"
    first, end = "00" * 32 + " 0 %s\n" % empty, "ff" * 32 + " end\n"
    for rows in ([], [(2, 8)], [(2, 1), (4, 1)], [(3, 1), (5, 6)]):
        put("summary", (head + first + "".join(
            "%s %d %s\n" % (("%02x" % i) * 32, n, "ab" * 32)
            for i, n in rows) + end).encode())
    put("summary", (head + first).encode())
    put("summary", (head + first + first.replace(" 0 ", " 2 ")
                    + "00" * 32 + " end\n").encode())


def key_line(kind, byte=7):
    """SPEC 2.3: the key, and four bytes that tell a typing error."""
    key = bytes([byte]) * 32
    check = hashlib.sha256(b"%skey-check\0%s1%s" % (
        b"holdfast/1/", kind.encode(), key)).digest()[:4]
    return kind + "1:" + base64.urlsafe_b64encode(
        key + check).rstrip(b"=").decode()


def homes():
    """A context, its name, a pin; a description of a country."""
    key = key_line
    home = {"broker": "tcp://127.0.0.1:1", "country": "JP", "desk": "jp.ncp",
            "key": "/k", "broker_key": key("hfb")}
    put("context", b"\0" + json.dumps(home).encode())
    put("context", b"\1c\n")
    put("context", b"\2" + key("hfr").encode() + b"\n")
    put("context", b"\3" + bytes([2, 0xc4, 1, 0]) * 9)
    desk = {"desk": "jp.ncp", "type": "contact-point", "name": "name",
            "telephone": "+81", "means": ["fax:+81"], "languages": ["ja"],
            "hours": "24/7", "zone": "UTC", "domestic": False}
    spec = {"country": "JP", "valid_days": 365, "brokers": [
        {"transport": key("hfb"), "ledger": key("hfl"),
         "witness": key("hfw"), "epoch": 1,
         "endpoints": ["tcp://127.0.0.1:1"]}],
        "desks": [desk, dict(desk, desk="jp.dom", domestic=True)],
        "officers": [{"desk": "jp.ncp", "role": "duty", "name": "n",
                      "sign": key("hfo"), "transport": key("hft"),
                      "unwrap": key("hfu"), "valid_days": 30}],
        "profiles": ["budapest", "test"],
        "revocations": [{"key": key("hfo", 8), "since":
                         "2026-01-01T00:00:00Z"}]}
    for beside in b"\0\1":
        put("spec", bytes([beside]) + json.dumps(spec).encode())
        put("spec", bytes([beside]) + json.dumps(
            dict(spec, officers=[], revocations=[])).encode())
    put("spec", b"\0" + json.dumps(dict(spec, profiles=[5])).encode())
    put("context", b"\0" + json.dumps(dict(home, desk="")).encode())


def regressions():
    folder = os.path.join(here, "found")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        with open(os.path.join(folder, name)) as f:
            put(name.split("-")[0], bytes.fromhex("".join(
                line.split("#")[0].strip() for line in f)))


for part in (acts, disclosures, fields, ledger, heads, proofs, texts, frames,
             zap, memories, summaries, homes, regressions):
    part()
print("corpus: %d inputs" % count)
