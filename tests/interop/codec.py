"""SPEC 1: the canonical encoding, and what a value of it may be.

python3-msgpack unpacks; what it took is then held to SPEC 1.2, and packed
again: bytes that do not come back are not the shortest form.
"""

import msgpack

# SPEC 1.3
TRUNCATED, TOO_BIG, TYPE, NOT_SHORTEST = 1001, 1002, 1003, 1004
KEY_ORDER, TEXT, TRAILING, DEPTH = 1005, 1006, 1007, 1008
TOO_MANY, RANGE, MISSING, UNKNOWN = 1009, 1010, 1011, 1012
SUITE, SHAPE, SIGNATURE = 1013, 1020, 3001
PROOF, NOTE, OTHER_ACT, DISCLOSURE = 6001, 6002, 6003, 6004

TIME_END = 1 << 48
BIDI = set(range(0x202a, 0x202f)) | set(range(0x2066, 0x206a))


class Refused(Exception):
    """What was read is not taken: the error's number, and why."""

    def __init__(self, code, why):
        super().__init__("E%d %s" % (code, why))
        self.code = code


def demand(condition, code, why):
    if not condition:
        raise Refused(code, why)


class Pairs(list):
    """A map as it was read: pairs, so that a key twice is seen."""


def encode(value):
    return msgpack.packb(value, use_bin_type=True)


def decode(data, limit=None, keys=None, members=256):
    """The value of a frame of at most `limit` bytes; with `keys`, of a map
    of exactly the keys 1 to `keys`; `members`: at most in an array."""
    demand(limit is None or len(data) <= limit, TOO_BIG,
           "%d bytes" % len(data))
    try:
        raw = msgpack.unpackb(data, raw=False, strict_map_key=False,
                              object_pairs_hook=Pairs)
    except msgpack.exceptions.ExtraData:
        raise Refused(TRAILING, "bytes after the value")
    except msgpack.exceptions.StackError:
        raise Refused(DEPTH, "nested too deeply")
    except msgpack.exceptions.FormatError:
        raise Refused(TYPE, "0xc1 is no value")
    except UnicodeDecodeError:
        raise Refused(TEXT, "not UTF-8")
    except ValueError as e:
        raise Refused(TRUNCATED, str(e))
    if keys is not None:
        demand(type(raw) is Pairs, TYPE, "not a map")
        demand(len(raw) <= keys, TOO_MANY, "%d keys" % len(raw))
        for wanted in range(1, keys + 1):
            got = raw[wanted - 1][0] if wanted <= len(raw) else 128
            demand(type(got) is not int or got <= wanted, MISSING,
                   "no key %d" % wanted)
    value = settle(raw, 0, [4 * members], members)
    demand(encode(value) == data, NOT_SHORTEST, "not the shortest form")
    return value


def settle(raw, depth, left, members):
    """The value without pairs, held to SPEC 1.2; `left`: values to go."""
    left[0] -= 1
    demand(left[0] >= 0, TOO_MANY, "more than 1,024 values")
    if raw is None or raw is True or raw is False or type(raw) is bytes:
        return raw
    if type(raw) is int:
        return raw
    if type(raw) is str:
        return text_checked(raw)
    demand(type(raw) in (list, Pairs), TYPE, "a %s" % type(raw).__name__)
    demand(depth < 4, DEPTH, "nested too deeply")
    if type(raw) is list:
        demand(len(raw) <= members, TOO_MANY, "%d members" % len(raw))
        return [settle(x, depth + 1, left, members) for x in raw]
    demand(len(raw) <= 64, TOO_MANY, "more than 64 keys")
    value = {}
    last = -1
    for key, item in raw:
        left[0] -= 1
        demand(type(key) is int and key >= 0, TYPE, "a key of a wrong type")
        demand(key <= 127, RANGE, "key %d" % key)
        demand(key > last, KEY_ORDER, "key %d after %d" % (key, last))
        last = key
        value[key] = settle(item, depth + 1, left, members)
    return value


def text_checked(text):
    demand(len(text.encode()) <= 4096, TOO_BIG, "a text above 4,096 bytes")
    for c in map(ord, text):
        if (c < 0x20 and c not in (9, 10)) or 0x7f <= c < 0xa0 or c in BIDI:
            raise Refused(TEXT, "U+%04X in a text" % c)
    return text


# Each of these takes a value read and gives it back, or refuses it.

def uint(value, low=0, high=(1 << 64) - 1):
    demand(type(value) is int and value >= 0, TYPE, "not an unsigned integer")
    demand(low <= value <= high, RANGE, "%d" % value)
    return value


def time(value):
    return uint(value, 0, TIME_END - 1)


def boolean(value):
    demand(type(value) is bool, TYPE, "not a boolean")
    return value


def binary(value, low, high=None):
    """A bin of `low` to `high` bytes, or of exactly `low`."""
    high = low if high is None else high
    demand(type(value) is bytes, TYPE, "not a bin")
    demand(len(value) <= high, TOO_BIG, "%d bytes" % len(value))
    demand(len(value) >= low, RANGE, "%d bytes" % len(value))
    return value


def string(value, low, high):
    demand(type(value) is str, TYPE, "not a text")
    size = len(value.encode())
    demand(size <= high, TOO_BIG, "%d bytes" % size)
    demand(size >= low, RANGE, "%d bytes" % size)
    return value


def array(value, low, high=None):
    high = low if high is None else high
    demand(type(value) is list, TYPE, "not an array")
    demand(len(value) <= high, TOO_MANY, "%d members" % len(value))
    demand(len(value) >= low, RANGE, "%d members" % len(value))
    return value


def mapping(value, must, may=()):
    """A map with every key of `must`, and of others only those of `may`."""
    demand(type(value) is dict, TYPE, "not a map")
    for key in value:
        demand(key in must or key in may, UNKNOWN, "key %d" % key)
    for key in must:
        demand(key in value, MISSING, "no key %d" % key)
    return value


def ascending(values):
    for a, b in zip(values, values[1:]):
        demand(a < b, KEY_ORDER, "%r after %r" % (b, a))


def zone(value):
    demand(type(value) is int, TYPE, "a zone")
    demand(-840 <= value <= 840, RANGE, "a zone of %d minutes" % value)
    return value


def country(value):
    string(value, 2, 2)
    demand(value.isascii() and value.isalpha() and value.isupper(), RANGE,
           "country %r" % value)
    return value


def desk(value):
    string(value, 4, 27)
    name = value[3:]
    demand(value[:2].isascii() and value[:2].isalpha() and value[:2].islower()
           and value[2] == "." and name[0] in LETTERS
           and all(c in NAME for c in name), RANGE, "desk %r" % value)
    return value


LETTERS = "abcdefghijklmnopqrstuvwxyz"
NAME = LETTERS + "0123456789-"


def country_of(name):
    """Of a desk: `jp.ncp` is of JP."""
    return name[:2].upper()
