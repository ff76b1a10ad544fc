"""SPEC 8: legal profiles."""

import codec as c
from names import H, vectors

NAMES = ("name", "version", "basis", "term_default", "term_min", "term_max",
         "total_max", "extensions_max", "acknowledge", "decide", "pending",
         "first_hop", "reply", "ask_lives", "retain", "live_ttl_max",
         "measures", "categories", "grounds", "outsider", "suspend")


class Profile:
    """The map of 8.1, its keys by name."""

    def __init__(self, data):
        m = c.mapping(c.decode(data), range(1, 22))
        for key, name in enumerate(NAMES, 1):
            value = m[key]
            if name == "name":
                c.string(value, 1, 64)
            elif name in ("acknowledge", "decide"):
                for seconds in c.array(value, 3):
                    c.uint(seconds)
            elif name == "grounds":
                c.binary(value, 0, 255)
            elif name == "suspend":
                c.boolean(value)
            else:
                c.uint(value)
            setattr(self, name, value)
        self.digest = H("profile", data)

    def has(self, measure):
        return self.measures >> measure & 1 == 1


BUILT_IN = {p.digest: p for p in
            (Profile(bytes.fromhex(v["bytes"]))
             for v in vectors("profiles.json"))}
