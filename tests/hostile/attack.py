#!/usr/bin/python3
"""Peers and desks with valid keys that do what they must not.

  attack.py KIND SECONDS PORT SERVERKEY SECRETKEY

KIND is a function below.  One line of JSON at the end: what was sent, how
often the broker cut, the slowest cut in seconds.
"""

import ctypes
import json
import os
import resource
import socket
import struct
import sys
import time

import zmtp

TINY = b"\x93\x01\x01\x80"  # hello of a desk, request 1
PEER_PING = b"\x92\x0a\x01"
SOURCE = "127.0.9.9"
BUILD = os.environ.get("HOLDFAST_BUILD", os.path.join(os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "build"))


class Flood(ctypes.Structure):
    """struct flood of flood.c"""
    _fields_ = [("sent", ctypes.c_uint64), ("seconds", ctypes.c_double)]


class Attack:
    def __init__(self, seconds, port, server_key, secret):
        self.end = time.monotonic() + seconds
        self.port, self.server_key = port, server_key
        self.key = zmtp.Key(secret)
        self.sent = self.bytes = self.cut = self.refused = 0
        self.slowest = 0.0
        self.flooded = self.worked = 0.0  # seconds; of the processor

    def left(self):
        return time.monotonic() < self.end

    def connect(self, **more):
        try:
            return zmtp.Connection(self.port, self.server_key, self.key,
                                   SOURCE, timeout=2, **more)
        except (zmtp.Closed, socket.timeout):
            self.refused += 1
            time.sleep(0.2)
            return None

    def send(self, c, data):
        c.send_raw(data)
        self.sent += 1
        self.bytes += len(data)

    def rounds(self, attack, **more):
        """`attack(connection)` again and again; a cut begins the next."""
        while self.left():
            c = self.connect(**more)
            if c is None:
                continue
            begin = time.monotonic()
            try:
                attack(c)
            except (zmtp.Closed, socket.timeout):
                # a time-out: closed there with a full window, which the
                # kernel does not always say to the sender
                self.cut += 1
                self.slowest = max(self.slowest, time.monotonic() - begin)
            c.close()

    def until_cut(self, c):
        """It must be cut now."""
        begin = time.monotonic()
        if not c.ended(4):
            raise SystemExit("not cut after 4 s")
        self.slowest = max(self.slowest, time.monotonic() - begin)
        self.cut += 1


def endless(a):
    """One message of frames without an end."""
    def go(c):
        part = bytes(60000)
        while a.left():
            a.send(c, c.sealed(part, more=True))
    a.rounds(go)


def oversize(a):
    """The largest frame and one byte more, two parts, none at all."""
    # MAXMSGSIZE counts the sealed message: name, nonce, box, flags
    largest = zmtp.FRAME_MAX + 33 - (8 + 8 + 16 + 1)

    def go(c):
        for n in (largest - 1, largest, largest + 1):
            a.send(c, c.sealed(b"\xc1" + bytes(n - 1)))
        a.until_cut(c)

    def parts(c):
        a.send(c, c.sealed(TINY, more=True))
        a.send(c, c.sealed(TINY))
        a.until_cut(c)

    def empty(c):
        a.send(c, c.sealed(b""))
        a.until_cut(c)
    while a.left():
        for attack in (go, parts, empty):
            c = a.connect()
            if c is not None:
                try:
                    attack(c)
                except zmtp.Closed:
                    a.cut += 1
                c.close()
        time.sleep(0.05)


def tiny(a, message=TINY, read=False):
    """As many small messages as it can seal; answers are not read."""
    seal = ctypes.CDLL(os.path.join(BUILD, "hostile-flood.so")).hostile_flood

    def go(c):
        f = Flood(0, max(0.0, a.end - time.monotonic()))
        before = time.process_time()
        c.s.setblocking(False)
        cut = seal(c.s.fileno(), c.shared, ctypes.c_uint64(c.nonce), message,
                   len(message), int(read), ctypes.byref(f))
        a.sent += f.sent
        a.bytes += f.sent * len(c.sealed(message))
        a.flooded += f.seconds
        a.worked += time.process_time() - before
        if cut:
            raise zmtp.Closed("cut")
    a.rounds(go)


def tiny_read(a, message=TINY):
    """The same, answers read and thrown away."""
    tiny(a, message, read=True)


def pings(a):
    tiny_read(a, PEER_PING)


def identities(a):
    """Routing ids that are not its own: a peer's, the ROUTER's next ones."""
    ids = [b"US", b"PEER-US"] + [b"\x00" + struct.pack(">I", i)
                                 for i in range(1, 400)]
    at = 0
    while a.left():
        c = a.connect(identity=ids[at % len(ids)], metadata=[
            (b"User-Id", b"admin"), (b"X-Key", os.urandom(40))])
        at += 1
        if c is None:
            continue
        try:
            a.send(c, c.sealed(TINY))
            if not ids[(at - 1) % len(ids)].startswith(b"\x00\x00"):
                a.until_cut(c)
        except zmtp.Closed:
            a.cut += 1
        c.close()


def replay(a):
    """A message again, byte by byte; CURVE's nonce must have grown."""
    def go(c):
        message = c.sealed(TINY)
        a.send(c, message)
        a.send(c, message)
        a.until_cut(c)
    a.rounds(go)


def slow_reader(a):
    """Asks for much and reads nothing."""
    def go(c):
        ask = b"\x93\x09\x01\x81\x01\xc4\x02US"  # document of US
        while a.left():
            a.send(c, c.sealed(ask))
    a.rounds(go, small_buffer=True)


def silent(a):
    """Handshakes, and not a word after them."""
    held = []
    while a.left():
        c = a.connect()
        if c is not None:
            held.append(c)
        if len(held) > 100:
            held.pop(0).close()
        time.sleep(0.01)
    for c in held:
        c.close()


def garbage(a):
    """Frames of random bytes, and of bytes that begin well."""
    def go(c):
        for head in (b"", b"\x93", b"\x93\x02\x01", b"\x93\x03\x01\x92"):
            a.send(c, c.sealed(head + os.urandom(200)))
        a.until_cut(c)
    a.rounds(go)


def main():
    kind, seconds, port = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    a = Attack(seconds, port, bytes.fromhex(sys.argv[4]),
               bytes.fromhex(sys.argv[5]))
    globals()[kind](a)
    print(json.dumps({"attack": kind, "sent": a.sent, "mebibytes":
                      round(a.bytes / 1048576, 1), "cut": a.cut,
                      "refused": a.refused, "slowest_cut":
                      round(a.slowest, 3), **({"a_second": round(
                          a.sent / a.flooded), "a_cpu_second": round(
                          a.sent / a.worked)} if a.flooded else {})}))


if __name__ == "__main__":
    main()
