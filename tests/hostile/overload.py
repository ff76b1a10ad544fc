"""A flood of routine work by one desk and one peer; an urgent desk beside."""

import os
import threading
import time

import zmtp
from desk import BUSY, Desk, Maker, c
from harness import check

SUBMIT, ACTS = 2, 6
FLOOD_ACTS = 2000
# A desk's share, more than the legitimate work of run.py needs; the flood is
# to be a hundred times as much.
ROUTINE_A_MINUTE = 600
# on a noisy machine, to which $P99 gives patience, as much as it gives
TIMES = 5 if "P99" in os.environ else 100
SETTINGS = "desk_routine_per_minute = %d\n" % ROUTINE_A_MINUTE
URGENT_EVERY = 0.2
IN_FLIGHT = 50


def template(port, key, home, ref_case):
    """The opening of a case, as its desk reads it."""
    d = Desk(port, key, home)
    code, result = d.call(ACTS, {1: ref_case, 2: 0, 3: 1, 4: 1})
    check(code == 0, "acts: %d" % code)
    d.c.close()
    return result[1][0]


def case_of(f, who, port, key):
    """A case id: the first of the desk's cases."""
    d = Desk(port, key, f.home(who))
    code, result = d.call(4, {2: 1})
    check(code == 0 and result[1], "no case at %s" % who)
    d.c.close()
    return result[1][0][1]


class DeskFlood(threading.Thread):
    """Acts as fast as they can be sent, answers counted."""

    def __init__(self, g, seconds):
        super().__init__(daemon=True)
        f = g.f
        self.seconds = seconds
        case = case_of(f, "jp.ncp", g.target(False), g.key)
        act = template(g.target(False), g.key, f.home("jp.ncp"), case)[0]
        self.desk = Desk(g.target(False), g.key, f.home("jp.ncp.2"),
                         timeout=1)
        maker = Maker(self.desk, act)
        self.acts = [maker.make() for _ in range(FLOOD_ACTS)]
        self.desk.c.close()  # it would be cut: nothing is said for a while
        self.sent = self.answered = self.busy = self.other = 0
        self.waits, self.codes = set(), set()
        self.entered = {}
        self.ended = None
        self.of = {}

    def run(self):
        self.desk.dial()
        end = time.monotonic() + self.seconds
        reader = threading.Thread(target=self.read, daemon=True)
        reader.start()
        try:
            while time.monotonic() < end:
                for act, frame in self.acts:
                    self.of[self.desk.last + 1] = act
                    self.desk.send(SUBMIT, {1: frame})
                    self.sent += 1
                    if time.monotonic() > end:
                        break
                    # a desk that leaves more answers unread is cut
                    while self.sent - self.answered > IN_FLIGHT and \
                            time.monotonic() < end:
                        time.sleep(0.0005)
        except (zmtp.Closed, OSError) as e:
            self.ended = repr(e)
        reader.join()

    def read(self):
        quiet = 0
        while quiet < 2:
            try:
                request, code, result = self.desk.answer()
                quiet = 0
            except OSError:
                quiet += 1
                continue
            except zmtp.Closed:
                return
            self.answered += 1
            if code == BUSY:
                self.busy += 1
                self.waits.add(result.get(8))
            elif code == 0:
                self.entered[self.of[request]] = result[2]
            else:
                self.other += 1
                self.codes.add(code)


class PeerFlood(threading.Thread):
    """One batch of 20 acts again and again: each costs 20 signatures."""

    def __init__(self, g, seconds):
        super().__init__(daemon=True)
        self.g, self.seconds = g, seconds
        self.sent = self.cut = self.busy = 0
        f = g.f
        f.script("start", "de")
        pids = f.pids("de")
        secret = zmtp.secrets(os.path.join(f.dir, "de", "broker.key"))[0]
        key = zmtp.Key(secret)
        f.request("de.ncp", "JP", basis="budapest")
        case = case_of(f, "de.ncp", pids["desk_port"], key.public)
        act, receipt = template(pids["desk_port"], key.public,
                                f.home("de.ncp"), case)[:2]
        f.script("stop", "de")
        self.frame = c.encode([3, 1, [[act, receipt]] * min(
            20, 60000 // (len(act) + len(receipt) + 8))])
        self.key = key

    def run(self):
        end = time.monotonic() + self.seconds
        while time.monotonic() < end:
            try:
                p = zmtp.Connection(self.g.target(True), self.g.key, self.key,
                                    "127.0.9.8", timeout=0.001)
                self.burst(p, end)
            except (zmtp.Closed, OSError):
                self.cut += 1
                time.sleep(0.1)

    def burst(self, p, end):
        while time.monotonic() < end:
            p.s.settimeout(5)
            p.send(self.frame)
            self.sent += 1
            p.s.settimeout(0.001)
            try:
                while True:
                    self.busy += c.decode(p.receive())[0] == 5
            except OSError:
                continue


def urgent(g, flood, seconds, quick):
    """Urgent openings on the same desk's own connection, one by one."""
    d = Desk(g.target(False), g.key, g.f.home("jp.ncp"), timeout=20)
    act = template(g.target(False), g.key, g.f.home("jp.ncp"), case_of(
        g.f, "jp.ncp", g.target(False), g.key))[0]
    maker = Maker(d, act)
    end = time.monotonic() + seconds
    entered = {}
    while time.monotonic() < end:
        name, frame = maker.make(1)
        begin = time.monotonic()
        code, result = d.call(SUBMIT, {1: frame})
        quick.append(time.monotonic() - begin)
        check(code == 0, "an urgent act was refused: %d" % code)
        entered[name] = result[2]
        time.sleep(URGENT_EVERY)
    d.c.close()
    return entered


def flood(g, seconds):
    desk, peer = DeskFlood(g, seconds), PeerFlood(g, seconds)
    quick = []
    desk.start()
    peer.start()
    time.sleep(0.5)
    entered = urgent(g, desk, seconds - 1, quick)
    desk.join()
    peer.join()
    quick.sort()
    p99 = quick[min(len(quick) - 1, len(quick) * 99 // 100)]
    print("  offered %d acts by the desk (%d a second, %.0f times its share) "
          "and %d batches by the peer; desk: %d entered, %d busy, %d otherwise; peer: %d busy, "
          "%d cut; urgent: %d, p50 %.3f s, p99 %.3f s" % (
              desk.sent, desk.sent / seconds, 60 * desk.sent / seconds /
              ROUTINE_A_MINUTE, peer.sent, len(desk.entered),
              desk.busy, desk.other, peer.busy, peer.cut, len(quick),
              quick[len(quick) // 2], p99))
    check(desk.ended is None, "the flood was cut: %s" % desk.ended)
    check(p99 < float(os.environ.get("P99", "1")), "p99 of urgent acts is %.2f s" % p99)
    check(desk.busy > 0, "nobody was told busy: %r" % desk.codes)
    check(all(w and 250 <= w <= 30000 for w in desk.waits),
          "retry after: %r" % desk.waits)
    check(peer.busy > 0, "the peer was not told busy")
    check(60 * desk.sent / seconds >= TIMES * ROUTINE_A_MINUTE,
          "only %d a second were offered" % (desk.sent / seconds))
    entered.update(desk.entered)
    ledger = [c.decode(e[0])[5] for e in g.f.ledger("jp")]
    lost = [i for i, at in entered.items() if ledger[at] != i]
    check(not lost, "%d acknowledged acts are lost" % len(lost))
