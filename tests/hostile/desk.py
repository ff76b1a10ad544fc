"""A desk on a connection of its own, and acts made from one that was real."""

import os
import sys
import time

import nacl.bindings as n
import zmtp

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "interop"))
import codec as c  # noqa: E402
import kinds as k  # noqa: E402
from names import H, act_id  # noqa: E402

BUSY = 2110


def now_ms():
    return int(time.time() * 1000)


class Desk:
    """Requests and their answers, in any order."""

    def __init__(self, port, server_key, home, **more):
        sign, transport, _ = zmtp.secrets(os.path.join(home, "officer.key"))
        self.seed = sign
        self.public, self.secret = n.crypto_sign_seed_keypair(sign)
        self.where = port, server_key, zmtp.Key(transport)
        self.more = more
        self.last = 0
        self.dial()

    def dial(self):
        """A new connection; who is silent on one for 5 s is cut."""
        self.c = zmtp.Connection(*self.where, **self.more)

    def send(self, op, args):
        self.last += 1
        self.c.send(c.encode([op, self.last, args]))
        return self.last

    def answer(self):
        """(request, code, map)"""
        while True:
            got = c.decode(self.c.receive())
            if got[0] == 0:
                return got[1], got[2], got[3]

    def call(self, op, args):
        wanted = self.send(op, args)
        while True:
            request, code, result = self.answer()
            if request == wanted:
                return code, result


class Maker:
    """New openings from the parts of one: other salt and time, so another
    act and another case; the sealed body is the same."""

    def __init__(self, desk, frame):
        core, envelope, _, self.body = c.decode(frame)
        self.core, self.envelope = c.decode(core), c.decode(envelope)
        self.desk = desk

    def make(self, urgency=0):
        """(id, frame) of an act of now."""
        envelope = dict(self.envelope)
        created = now_ms()
        envelope[k.SALT] = os.urandom(16)
        envelope[k.URGENCY] = urgency
        envelope = c.encode(dict(sorted(envelope.items())))
        core = dict(self.core)
        core[3], core[4] = self.desk.public, created
        core[7] = H("envelope", envelope)
        core = c.encode(core)
        digest = H("core", core)
        signature = n.crypto_sign(H("sign-act", digest), self.desk.secret)[:64]
        return act_id(created, digest), c.encode(
            [core, envelope, [[self.desk.public, signature]], self.body])
