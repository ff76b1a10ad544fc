"""ZMTP 3 with CURVE over a plain socket (RFC 23, 26), so that every byte of
it can be sent wrong.  libzmq never comes into it: its own sender would not
let a frame of an unfinished message out."""

import base64
import os
import socket
import struct

import nacl.bindings as n

ZERO8 = bytes(8)
FRAME_MAX = 65536


def greeting(version=(3, 0), mechanism=b"CURVE"):
    return (b"\xff" + ZERO8 + b"\x7f" + bytes(version) +
            mechanism.ljust(20, b"\0") + bytes(32))


def frame(body, flags=0):
    if len(body) > 255:
        return bytes([flags | 2]) + struct.pack(">Q", len(body)) + body
    return bytes([flags, len(body)]) + body


def properties(values):
    return b"".join(bytes([len(k)]) + k + struct.pack(">I", len(v)) + v
                    for k, v in values)


def hello(client, server_key, counter=1):
    """HELLO of the short-term key pair `client`."""
    nonce = struct.pack(">Q", counter)
    box = n.crypto_box(bytes(64), b"CurveZMQHELLO---" + nonce, server_key,
                       client[1])
    return frame(b"\x05HELLO\x01\x00" + bytes(72) + client[0] + nonce + box, 4)


class Closed(Exception):
    """The other side ended the connection."""


class Key:
    """An X25519 pair; `plain` reads an unprotected key file."""

    def __init__(self, secret=None):
        self.secret = secret or os.urandom(32)
        self.public = n.crypto_scalarmult_base(self.secret)


def secrets(path):
    """The three secrets of an unprotected key file."""
    text = open(path).read().split()[3]
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return raw[:32], raw[32:64], raw[64:96]


class Connection:
    """An authenticated connection; raises Closed when it is cut."""

    def __init__(self, port, server_key, key, source="127.0.0.1", timeout=10,
                 metadata=(), identity=b"", small_buffer=False):
        self.buffer = b""
        self.nonce = 2
        self.s = socket.socket()
        self.s.settimeout(timeout)
        if small_buffer:
            self.s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.s.bind((source, 0))
        try:
            self.s.connect(("127.0.0.1", port))
            self.s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.handshake(server_key, key, metadata, identity)
        except OSError as e:
            self.s.close()
            raise Closed(str(e))
        except BaseException:
            self.s.close()
            raise

    def handshake(self, server_key, key, metadata, identity):
        short = n.crypto_box_keypair()
        self.s.sendall(greeting())
        self.take(64)
        self.s.sendall(hello(short, server_key))
        body = self.read_frame()[1]
        if not body.startswith(b"\x07WELCOME"):
            raise Closed("no welcome: %r" % body[:10])
        opened = n.crypto_box_open(body[24:], b"WELCOME-" + body[8:24],
                                   server_key, short[1])
        theirs, cookie = opened[:32], opened[32:]
        vouch_nonce = os.urandom(16)
        vouch = n.crypto_box(short[0] + server_key, b"VOUCH---" + vouch_nonce,
                             theirs, key.secret)
        # crypto_box's shared key, once for all messages
        self.shared = n.crypto_box_beforenm(theirs, short[1])
        nonce = struct.pack(">Q", 2)
        box = n.crypto_box_afternm(
            key.public + vouch_nonce + vouch + properties(
                [(b"Socket-Type", b"DEALER"), (b"Identity", identity),
                 *metadata]), b"CurveZMQINITIATE" + nonce, self.shared)
        self.s.sendall(frame(b"\x08INITIATE" + cookie + nonce + box, 4))
        body = self.read_frame()[1]
        if not body.startswith(b"\x05READY"):
            raise Closed("not ready: %r" % body[:10])

    def need(self, size):
        """A time-out leaves what has come for the next call."""
        while len(self.buffer) < size:
            try:
                got = self.s.recv(262144)
            except (socket.timeout, BlockingIOError):
                raise
            except OSError as e:
                raise Closed(str(e))
            if not got:
                raise Closed("end")
            self.buffer += got

    def take(self, size):
        self.need(size)
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def read_frame(self):
        self.need(2)
        head = 9 if self.buffer[0] & 2 else 2
        self.need(head)
        size = struct.unpack(">Q", self.buffer[1:9])[0] if head == 9 else \
            self.buffer[1]
        whole = self.take(head + size)
        return whole[0], whole[head:]

    def sealed(self, data, more=False, command=False):
        """One MESSAGE, as bytes to send."""
        self.nonce += 1
        nonce = struct.pack(">Q", self.nonce)
        box = n.crypto_box_afternm(bytes([more + 2 * command]) + data,
                                   b"CurveZMQMESSAGEC" + nonce, self.shared)
        return frame(b"\x07MESSAGE" + nonce + box)

    def send_raw(self, data):
        try:
            self.s.sendall(data)
        except socket.timeout:
            raise
        except OSError as e:
            raise Closed(str(e))

    def send(self, data, more=False):
        self.send_raw(self.sealed(data, more))

    def receive(self):
        """The next message; pings are answered on the way."""
        while True:
            flags, body = self.read_frame()
            if not body.startswith(b"\x07MESSAGE"):
                continue
            opened = n.crypto_box_open_afternm(
                body[16:], b"CurveZMQMESSAGES" + body[8:16], self.shared)
            if opened[0] & 2:
                if opened[1:].startswith(b"\x04PING"):
                    self.send_raw(self.sealed(b"\x04PONG" + opened[8:],
                                              command=True))
                continue
            return opened[1:]

    def ended(self, seconds):
        """True when the other side ends it within this time."""
        self.s.settimeout(seconds)
        try:
            while True:
                self.receive()
        except Closed:
            return True
        except socket.timeout:
            return False

    def close(self):
        self.s.close()
