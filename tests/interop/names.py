"""SPEC 2: hashes with their tags, keys in text, words, references."""

import base64
import hashlib
import json
import os

import nacl.bindings
import nacl.exceptions

from codec import RANGE, SIGNATURE, Refused, demand

PROTO = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), "proto")
SPEC = os.path.join(PROTO, "SPEC.md")
KEY_TYPES = ("hfo1", "hft1", "hfu1", "hfs1", "hfb1", "hfl1", "hfg1", "hfr1",
             "hfw1")
DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford
CHECK = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"  # ISO 7064 MOD 37,36


def vectors(name):
    with open(os.path.join(PROTO, "vectors", name), encoding="utf-8") as f:
        return json.load(f)


def sha256(data):
    return hashlib.sha256(data).digest()


def H(tag, *data):
    """SPEC 2.1"""
    return sha256(b"holdfast/1/" + tag.encode() + b"\0" + b"".join(data))


def verify(key, message, signature):
    """Ed25519 as libsodium verifies it: S below the group's order, no point
    of small order, no point in two forms."""
    try:
        nacl.bindings.crypto_sign_open(signature + message, key)
    except (nacl.exceptions.BadSignatureError, nacl.exceptions.CryptoError,
            ValueError):
        raise Refused(SIGNATURE, "a signature does not verify")


def key_text(kind, key):
    """SPEC 2.3"""
    check = H("key-check", kind.encode(), key)[:4]
    return kind + ":" + base64.urlsafe_b64encode(key + check).decode() \
        .rstrip("=")


def key_read(line):
    """The type and the key of a line; only its one form is taken."""
    kind, colon, text = line.partition(":")
    demand(colon and kind in KEY_TYPES and len(text) == 48, RANGE,
           "a key's line: %r" % line)
    try:
        key = base64.urlsafe_b64decode(text)[:32]
    except ValueError:
        raise Refused(RANGE, "a key's line: %r" % line)
    demand(key_text(kind, key) == line, RANGE, "the check of %r" % line)
    return kind, key


WORDS = vectors("words.json")


def words(data, count):
    """SPEC 2.4"""
    return " ".join(WORDS[b] for b in H("words", data)[:count])


def act_id(created, digest):
    """SPEC 3.2"""
    return created.to_bytes(6, "big") + digest[:26]


def reference(country, created, digest):
    """SPEC 3.9: CC-DDD-XXXXXX-C"""
    day = created // 86400000 % 32768
    bits = int.from_bytes(digest[:4], "big") >> 2
    body = country + "".join(DIGITS[day >> s & 31] for s in (10, 5, 0)) + \
        "".join(DIGITS[bits >> s & 31] for s in (25, 20, 15, 10, 5, 0))
    p = 36
    for c in body:
        p = (p + CHECK.index(c)) % 36 or 36
        p = p * 2 % 37
    return "%s-%s-%s-%s" % (body[:2], body[2:5], body[5:],
                            CHECK[(37 - p) % 36])
