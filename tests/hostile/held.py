#!/usr/bin/python3
"""Raw connections to a broker's gates, of every bad kind, held and made anew
when they are cut.

  held.py CONNECTIONS SECONDS PORT=KEY [PORT=KEY...]

One line of JSON at the end: how many were opened, how many stood at once,
how many were cut.  There are more places than CONNECTIONS, since one that was
cut waits; sources are 512 addresses, 127.0.1.1 and on.
"""

import errno
import heapq
import json
import os
import random
import resource
import selectors
import socket
import struct
import sys
import time

import nacl.bindings as n
import zmtp

PAUSE = 1.0  # between a cut and the next try of a place


def idle(key):
    return []


def greeting_only(key):
    return [(0, zmtp.greeting())]


def hello_only(key):
    return [(0, zmtp.greeting()),
            (0.05, zmtp.hello(n.crypto_box_keypair(), key))]


def garbage(key):
    return [(0, os.urandom(600))] * 3


def slow(key):
    return [(1, bytes([b])) for b in zmtp.greeting()]


def half_close(key):
    return [(0, zmtp.greeting()), (0.1, None)]


def reset(key):
    return [(0, zmtp.greeting()[:12]), (0.2, "reset")]


def version_1(key):
    return [(0, b"\x01\x00" + b"\x04\x00abc" * 20)]


def version_2(key):
    return [(0, b"\xff" + bytes(8) + b"\x7f\x01\x05\x00\x00" +
             b"\x00\x03abc" * 20)]


def version_3_1(key):
    return [(0, zmtp.greeting((3, 1))),
            (0.05, zmtp.frame(b"\x09SUBSCRIBEabc", 4))]


def version_9(key):
    return [(0, zmtp.greeting((9, 9)))]


def null(key):
    return [(0, zmtp.greeting(mechanism=b"NULL")), (0.05, zmtp.frame(
        b"\x05READY" + zmtp.properties([(b"Socket-Type", b"DEALER")]), 4))]


def plain(key):
    return [(0, zmtp.greeting(mechanism=b"PLAIN")),
            (0.05, zmtp.frame(b"\x05HELLO\x05admin\x05admin", 4))]


def huge_command(key):
    """A command whose size says 2^62."""
    return [(0, zmtp.greeting()),
            (0.05, b"\x06" + struct.pack(">Q", 1 << 62) + bytes(4096))]


def long_trickle(key):
    """The largest frame that is taken, never finished."""
    head = b"\x06" + struct.pack(">Q", zmtp.FRAME_MAX)
    return [(0, zmtp.greeting()), (0.05, head + bytes(65000))]


KINDS = [idle, greeting_only, hello_only, garbage, slow, half_close, reset,
         version_1, version_2, version_3_1, version_9, null, plain,
         huge_command, long_trickle]


class Place:
    """One connection, made anew after it was cut."""

    def __init__(self, number, target):
        self.kind = KINDS[number % len(KINDS)]
        self.port, self.key = target
        self.source = "127.0.%d.%d" % (1 + number % 512 // 128,
                                       1 + number % 512 % 128)
        self.s = None
        self.due = random.random() * PAUSE


class Load:
    def __init__(self, count, targets):
        self.selector = selectors.EpollSelector()
        self.places = [Place(i, targets[i // len(KINDS) % len(targets)])
                       for i in range(count)]
        self.calls = [(p.due, i) for i, p in enumerate(self.places)]
        heapq.heapify(self.calls)
        self.begin = time.monotonic()
        self.opened = self.cut = self.failed = self.up = self.most = 0

    def now(self):
        return time.monotonic() - self.begin

    def open(self, p):
        p.s = socket.socket()
        p.s.setblocking(False)
        try:
            p.s.bind((p.source, 0))
            result = p.s.connect_ex(("127.0.0.1", p.port))
        except OSError:
            result = -1
        if result not in (0, errno.EINPROGRESS):
            self.failed += 1
            return self.close(p, False)
        self.opened += 1
        self.up += 1
        self.most = max(self.most, self.up)
        p.script = p.kind(p.key)
        p.due = self.now() + (p.script[0][0] if p.script else 1e9)
        self.selector.register(p.s, selectors.EVENT_READ, p)

    def close(self, p, registered=True):
        if registered:
            self.selector.unregister(p.s)
            self.up -= 1
        p.s.close()
        p.s = None
        p.due = self.now() + PAUSE * (0.5 + random.random())

    def step(self, p):
        """What the script says now."""
        if p.s is None:
            return self.open(p)
        what = p.script.pop(0)[1]
        try:
            if what == "reset":
                p.s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
                return self.close(p)
            if what is None:
                p.s.shutdown(socket.SHUT_WR)
            else:
                p.s.send(what)
        except BlockingIOError:
            pass
        except OSError:
            self.cut += 1
            return self.close(p)
        p.due = self.now() + p.script[0][0] if p.script else 1e9

    def read(self, p):
        try:
            if p.s.recv(4096):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self.cut += 1
        self.close(p)

    def run(self, seconds):
        while self.now() < seconds:
            for event, _ in self.selector.select(0.02):
                self.read(event.data)
            now = self.now()
            while self.calls[0][0] <= now:
                _, i = heapq.heappop(self.calls)
                p = self.places[i]
                if p.due <= now:
                    self.step(p)
                # a cut meanwhile may have set it: look again by then
                heapq.heappush(self.calls, (min(p.due, now + PAUSE), i))
        for p in self.places:
            if p.s is not None:
                self.close(p)


def main():
    count, seconds = int(sys.argv[1]), float(sys.argv[2])
    targets = [(int(a), bytes.fromhex(b)) for a, b in
               (x.split("=") for x in sys.argv[3:])]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    load = Load(min(count, hard - 64), targets)
    load.run(seconds)
    print(json.dumps({"asked": count, "places": len(load.places),
                      "opened": load.opened, "most": load.most,
                      "cut": load.cut, "failed": load.failed}))


if __name__ == "__main__":
    main()
