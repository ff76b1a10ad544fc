"""SPEC 13.5: signatures in minisign's format (prehashed)."""

import hashlib

import codec as c
from ledger import base64_strict
from names import H, verify

UNTRUSTED, TRUSTED = "untrusted comment: ", "trusted comment: "


def key_id(key):
    return H("minisign", key)[:8]


def lines_of(text, count):
    lines = text.split("\n")
    c.demand(len(lines) == count + 1 and lines[-1] == "", c.NOTE,
             "not %d lines" % count)
    return lines


def read_key(text):
    comment, data, _ = lines_of(text, 2)
    c.demand(comment.startswith(UNTRUSTED), c.NOTE, "no comment")
    data = base64_strict(data)
    c.demand(len(data) == 42 and data[:2] == b"Ed", c.NOTE, "no key")
    key = data[10:]
    c.demand(data[2:10] == key_id(key), c.NOTE, "another key id")
    return key, comment[len(UNTRUSTED):]


def check(text, message, key):
    """Verify the signature over the message; its trusted comment."""
    comment, signature, trusted, over_both, _ = lines_of(text, 4)
    c.demand(comment == UNTRUSTED + "signature of an officer's key" and
             trusted.startswith(TRUSTED), c.NOTE, "the comments")
    trusted = trusted[len(TRUSTED):]
    signature, over_both = base64_strict(signature), base64_strict(over_both)
    c.demand(len(signature) == 74 and signature[:2] == b"ED" and
             signature[2:10] == key_id(key) and len(over_both) == 64, c.NOTE,
             "not a prehashed signature of this key")
    verify(key, hashlib.blake2b(message).digest(), signature[10:])
    verify(key, signature[10:] + trusted.encode(), over_both)
    return trusted
