"""SPEC 5: the life cycle of a case, folded from its acts.

Each facet is kept as it was after each gen, so that an act is judged on what
its past left (5.3), whatever arrived meanwhile.
"""

from collections import namedtuple

import codec as c
import kinds as k
from names import H, SPEC

Asking = namedtuple("Asking", "gen phase ended urgency asks follow_up advise")
Asked = namedtuple("Asked", "gen phase rules hold_from hold_until scope "
                   "scope_gen extensions follow_up advise live since ttl "
                   "result answered")
OPEN, WITHDRAWN, CLOSED = range(3)
NEW, ACKNOWLEDGED, ACCEPTED, DECLINED, ENDED, EXPIRED, LAPSED, UNSUPPORTED \
    = range(8)
NONE, RUNNING, STOPPED, IMPOSSIBLE = range(4)
ASKS_MAX, ACTS_MAX = 64, 512

def state_table():
    """The table of 5.13, read from the spec itself: of each row the asked
    phases NKADEXLU and the asking phases OWC that allow it, and its needs."""
    rows = {}
    with open(SPEC, encoding="utf-8") as f:
        text = f.read().split("5.13 **State table.**")[1].split("5.14")[0]
    for line in text.splitlines():
        cells = [x.strip() for x in line.split("|")[1:-1]]
        if len(cells) != 14 or cells[1] not in ("A", "S", "A S"):
            continue
        allowed = [cell != "." for cell in cells[2:13]]
        row = allowed[:8], allowed[8:], cells[13].split(", ") \
            if cells[13] else []
        names = cells[0].split(", ")
        for name in [cells[0]] if names[0] in ("accept", "decline", "end") \
                else names:
            rows[name] = row
    return rows


def united(name, rows):
    """What any row of a kind allows, in each column, and all of them need."""
    mine = [row for label, row in rows.items() if label.split(",")[0] == name]
    asked, asking, needs = zip(*mine)
    return ([any(cells) for cells in zip(*asked)],
            [any(cells) for cells in zip(*asking)],
            [need for need in needs[0] if all(need in x for x in needs)])


ROWS = state_table()
ALL_ROWS = {name: united(name, ROWS)
            for name in {label.split(",")[0] for label in ROWS}}


class Void(Exception):
    """The act is void; the clause is 100 a + b for a.b."""

    def __init__(self, clause):
        self.clause = clause


def require(condition, clause):
    if not condition:
        raise Void(clause)


class Case:
    """The two shared tracks.  Acts are added in an order in which each
    one's past is here; `entered` is each act's time of entry at its author's
    own broker."""

    def __init__(self):
        self.acts = ([None], [None])
        self.facets = ([Asking(0, OPEN, 0, 0, 0, 0, 0)],
                       [Asked(0, NEW, False, 0, 0, 0, 0, 0, 0, 0, NONE, 0, 0,
                              0, ())])
        self.clauses = ([0], [0])
        self.places = {}
        self.profile = None

    def newest(self, track):
        return self.facets[track][-1]

    def add(self, act, profiles):
        """`profiles`: those known, by digest.  The clause, 0 in effect."""
        rules = act.envelope.get(k.RULES) if (act.track, act.gen) == (0, 1) \
            else self.opening(k.RULES, None)
        self.profile = profiles.get(rules[1]) if rules else None
        try:
            facet = self.judge(act)
            clause = 0
        except Void as e:
            facet = self.newest(act.track)
            clause = e.clause
        self.facets[act.track].append(facet._replace(gen=act.gen))
        self.acts[act.track].append(act)
        self.clauses[act.track].append(clause)
        self.places[act.id] = (act.track, act.gen)
        return clause

    def opening(self, key, default=0):
        return self.acts[0][1].envelope.get(key, default)

    def is_order(self):
        return self.acts[0][1].kind == 2

    def measure(self):
        return self.opening(k.MEASURE)

    def rules_known(self):
        rules = self.opening(k.RULES, None)
        return (self.clauses[0][1] == 0 and rules is not None and
                rules[0] == 1 and self.profile is not None and
                self.profile.has(self.measure()))

    def judge(self, act):
        """The facet of the act's track after it, or Void: the checks in the
        order of 5.4."""
        e = act.envelope
        require(not k.critical_unknown(act.kind, e), 106)
        own = self.newest(act.track)
        if act.kind not in k.KINDS:
            return own
        name = k.KINDS[act.kind].name
        require(act.track in k.KINDS[act.kind].tracks, 401)
        if act.kind in k.OPENINGS:
            require(act.gen == 1, 401)
            return own._replace(urgency=e.get(k.URGENCY, 0), asks=1)
        if act.track == 0:
            asking, asked = own, self.facets[1][act.seen_gen]
        else:
            asking, asked = self.facets[0][act.seen_gen], own
            require(asked.phase != NEW or self.rules_known() or
                    name == "unsupported", 510)
        require(self.allowed(ALL_ROWS[name], asking, asked), 503)
        named = self.named(act)
        self.check_re(act, named, asked)
        row = ROWS[self.row(name, named, asking)]
        require(self.allowed(row, asking, asked), 503)
        if act.track == 0:
            return self.after_asking(name, act, asking, asked, named)
        return self.after_asked(name, act, asking, asked, named)

    def named(self, act):
        """Where the act that `re` names stands, if in this act's past."""
        track, gen = self.places.get(act.envelope.get(k.RE), (None, 0))
        past = act.gen - 1 if track == act.track else act.seen_gen
        return (track, gen) if track is not None and gen <= past else None

    def ask_at(self, named):
        """The act in effect that asks, at this place."""
        if named is None or named[0] != 0 or self.clauses[0][named[1]]:
            return None
        act = self.acts[0][named[1]]
        return act if k.asks(act.kind, act.envelope) else None

    def row(self, name, named, asking):
        """The row of 5.13, where `re` is known to be right."""
        if name == "end":
            return "end, asking open" if asking.phase == OPEN \
                else "end, not open"
        if name not in ("accept", "decline"):
            return name
        ask = self.ask_at(named)
        if name == "decline":
            return "decline, opening" if ask.gen == 1 \
                else "decline, other ask"
        return self.accept_row(ask)

    def accept_row(self, ask):
        kind = k.KINDS[ask.kind].name
        if kind == "amend":
            return "accept, widen" if ask.envelope[k.CHANGE] == k.WIDEN \
                else "accept, correct"
        return {"request": "accept, opening", "order": "accept, opening",
                "extend": "accept, extend"}[kind]

    def allowed(self, row, asking, asked):
        in_asked, in_asking, needs = row
        true = {"hold": in_force(asked),
                "unpaused": asked.advise == asking.advise,
                "received": asked.follow_up != 0,
                "trace": self.measure() == k.TRACE_LIVE,
                "running": asked.live == RUNNING,
                "idle": asked.live != RUNNING, "order": self.is_order()}
        return in_asked[asked.phase] and in_asking[asking.phase] and \
            all(true[need] for need in needs)

    def check_re(self, act, named, asked):
        """The re column of 4.1."""
        wanted = k.KINDS[act.kind].re
        if wanted is None:
            return
        other = 1 - act.track
        require(named is not None, 401)
        there = self.acts[named[0]][named[1]]
        ask = self.ask_at(named)
        require({"opening": lambda: named == (0, 1),
                 "advise": lambda: named == (1, asked.advise),
                 "ask": lambda: ask is not None,
                 "not a follow-up": lambda: ask is not None and
                 ask.kind != 12,
                 "other": lambda: named[0] == other,
                 "own": lambda: named[0] == act.track,
                 "either": lambda: True,
                 "follow-up": lambda: ask is not None and ask.kind == 12,
                 "received": lambda: named == (0, asked.follow_up),
                 "query": lambda: named[0] == other and there.kind == 40
                 and not self.clauses[other][named[1]],
                 "outsider": lambda: named[0] == act.track and
                 k.OUTSIDER in there.envelope}[wanted](), 401)

    def after_asking(self, name, act, asking, asked, named):
        e = act.envelope
        if name == "follow-up":
            require(self.follow_up_over(act, asking, asked), 503)
            asking = asking._replace(follow_up=act.gen)
        elif name == "go-on":
            require(asking.advise != asked.advise, 503)
            asking = asking._replace(advise=asked.advise)
        elif name == "answer":
            require(self.unanswered(act, named), 503)
        elif name == "amend" and e[k.CHANGE] == k.CHANGE_URGENCY:
            asking = asking._replace(urgency=e[k.URGENCY])
        if k.asks(act.kind, e):
            require(asking.asks < ASKS_MAX, 513)
            asking = asking._replace(asks=asking.asks + 1)
        ended = asking.ended or act.gen  # the first that ended it
        if asking.phase == OPEN and (
                name in ("withdraw", "release") or
                name == "go-on" and e[k.CHOICE] == 2):
            asking = asking._replace(phase=WITHDRAWN, ended=ended)
        elif name == "close":
            asking = asking._replace(phase=CLOSED, ended=ended)
        return asking

    def follow_up_over(self, act, asking, asked):
        if asking.follow_up == 0:
            return True
        answered = dict(asked.answered).get(asking.follow_up)
        if answered is None:
            return not in_time(act, self.acts[0][asking.follow_up])
        return not answered or asked.follow_up != asking.follow_up

    def unanswered(self, act, named):
        """No answer in effect to this query stands on the act's track."""
        return not any(
            a is not None and not clause and a.kind == 41 and
            self.places.get(a.envelope[k.RE]) == named
            for a, clause in zip(self.acts[act.track],
                                 self.clauses[act.track]))

    def after_asked(self, name, act, asking, asked, named):
        e = act.envelope
        if name == "acknowledge":
            require(e[k.RULES] == self.opening(k.RULES), 510)
            return asked._replace(phase=ACKNOWLEDGED, rules=True)
        if name == "accept":
            ask = self.acts[0][named[1]]
            return self.accept(act, ask, asked, e[k.CATEGORIES], False)
        if name == "decline":
            require(named[1] not in dict(asked.answered), 503)
            asked = answer(asked, named[1], False)
            return asked._replace(phase=DECLINED) if named[1] == 1 else asked
        if name == "advise":
            return asked._replace(advise=act.gen)
        if name == "report":
            return self.report(act, asking, asked, named)
        if name == "live-started":
            return asked._replace(live=RUNNING,
                                  since=min(e[k.AT], act.entered))
        if name == "live-stopped":
            return asked._replace(live=STOPPED)
        if name == "live-impossible":
            return asked._replace(live=IMPOSSIBLE)
        if name == "live-timeout":
            require(k.AT in e or
                    act.entered >= asked.since + asked.ttl * 1000, 508)
            return asked._replace(live=STOPPED)
        if name == "follow-up-received":
            require(asked.follow_up == 0 and
                    named[1] not in dict(asked.answered), 503)
            require(in_time(act, self.acts[0][named[1]]), 507)
            return answer(asked, named[1], True)._replace(follow_up=named[1])
        if name == "decided":
            return self.decided(act, asked)
        if name == "answer":
            require(self.unanswered(act, named), 503)
            return asked
        if name == "expire":
            require(not self.suspended(asked), 503)
            require(act.entered >= asked.hold_until, 508)
        elif name == "lapse":
            require(act.entered >= self.opening(k.NOT_AFTER), 508)
        over = {"end": ENDED, "expire": EXPIRED, "lapse": LAPSED,
                "unsupported": UNSUPPORTED}.get(name)
        if over is not None:
            asked = asked._replace(phase=over, follow_up=0)
            if asked.live == RUNNING:
                asked = asked._replace(live=STOPPED)
        return asked

    def suspended(self, asked):
        return asked.follow_up != 0 and self.profile is not None and \
            self.profile.suspend

    def accept(self, act, ask, asked, categories, by_report):
        """5.6 and 5.7; ask: the act accepted"""
        e = act.envelope
        require(ask.gen not in dict(asked.answered), 503)
        require(in_time(act, ask), 507)
        kind = self.accept_row(ask)
        named = ask.envelope.get(k.CATEGORIES, 0)
        if kind in ("accept, opening", "accept, widen"):
            if by_report:
                categories &= named
            require(categories & ~named == 0, 507)
        term = e.get(k.TERM)
        if kind == "accept, opening":
            asked = self.accept_opening(act, asked, term)
        elif kind == "accept, extend":
            require(term is not None, 507)
            self.check_extension(act, asked, term[1])
            asked = asked._replace(hold_until=term[1],
                                   extensions=asked.extensions + 1)
        if kind in ("accept, opening", "accept, widen"):
            back = max(ask.gen, asked.scope_gen)
            scope = asked.scope & ~self.narrowed(asked.scope_gen, back) | \
                categories & ~self.narrowed(ask.gen, back)
            asked = asked._replace(scope=scope, scope_gen=back)
        return answer(asked, ask.gen, True)

    def accept_opening(self, act, asked, term):
        p = self.profile
        if self.measure() in k.HOLDING:
            require(term is not None, 507)
            require(p.term_min * 1000 <= term[1] - term[0] <=
                    p.term_max * 1000, 507)
            asked = asked._replace(hold_from=term[0], hold_until=term[1])
        if self.measure() == k.TRACE_LIVE:
            ttl = act.envelope.get(k.TTL, 0)
            require(1 <= ttl <= p.live_ttl_max, 507)
            asked = asked._replace(ttl=ttl)
        return asked._replace(phase=ACCEPTED)

    def check_extension(self, act, asked, until):
        p = self.profile
        require(until > asked.hold_until, 507)
        require(until <= max(asked.hold_until, act.entered) +
                p.term_max * 1000, 507)
        require(p.total_max == 0 or
                until - asked.hold_from <= p.total_max * 1000, 507)
        require(asked.extensions < p.extensions_max, 507)

    def narrowed(self, after, until):
        """What narrowings at asking gens above `after`, to `until`, took."""
        taken = 0
        for gen in range(after + 1, until + 1):
            act = self.acts[0][gen]
            if act.kind == 10 and not self.clauses[0][gen] and \
                    act.envelope[k.CHANGE] == k.NARROW:
                taken |= act.envelope.get(k.CATEGORIES, 0)
        return taken

    def report(self, act, asking, asked, named):
        """5.6: where it would be taken for an accept, it is one, and void
        if 5.7 forbids that one."""
        e = act.envelope
        ask = self.ask_at(named)
        if not self.is_order() or ask is None or ask.kind not in (1, 2, 11):
            return asked
        if self.measure() != k.TRACE_LIVE and \
                e[k.RESULT] in (k.PRESERVED, k.PARTLY) and k.TERM in e and \
                self.would_accept(act, ask, asking, asked):
            asked = self.accept(act, ask, asked, e[k.CATEGORIES], True)
        return asked._replace(result=e[k.RESULT])

    def would_accept(self, act, ask, asking, asked):
        return self.allowed(ROWS[self.accept_row(ask)], asking, asked) and \
            ask.gen not in dict(asked.answered) and in_time(act, ask)

    def decided(self, act, asked):
        e = act.envelope
        if e[k.CHOICE] == 1:
            until = e[k.TERM][1] if k.TERM in e else 0
            require(act.entered < until <= self.profile.term_max * 1000 +
                    max(act.entered, asked.hold_until), 507)
            asked = asked._replace(hold_until=until)
        return asked._replace(follow_up=0)

    def digest(self):
        """SPEC 5.14"""
        asked = self.newest(1)
        return H("state", c.encode([
            list(self.newest(0)),
            list(asked[:-1]) + [[list(a) for a in asked.answered]]]))

    def scope(self):
        """The scope in force."""
        asked = self.newest(1)
        return asked.scope & ~self.narrowed(asked.scope_gen,
                                            len(self.acts[0]) - 1)

    def state(self):
        """SPEC 5.9, by its number."""
        asking, asked = self.newest(0), self.newest(1)
        if asked.phase == UNSUPPORTED:
            return 16
        if asked.phase == LAPSED:
            return 15
        if asked.phase == DECLINED:
            return 13
        if asked.phase == ENDED:
            return 12 if asking.phase == OPEN else 11
        if asked.phase == EXPIRED:
            return 14
        if asking.phase != OPEN:
            return 9 if asking.phase == WITHDRAWN else 10
        if asked.advise != asking.advise:
            return 8
        if asked.live == RUNNING:
            return 6
        if asked.phase == ACCEPTED:
            if self.suspended(asked):
                return 7
            if self.is_order() and asked.result in (k.PRESERVED, k.PARTLY):
                return 4 if asked.result == k.PRESERVED else 5
            return 3
        return 2 if asked.phase == ACKNOWLEDGED else 1

    def outside_profile(self):
        """8.2: a refusal in effect on a ground that the profile lacks."""
        return any(a is not None and not clause and a.kind == 23 and
                   self.profile is not None and
                   a.envelope[k.REASON] not in self.profile.grounds
                   for a, clause in zip(self.acts[1], self.clauses[1]))

    def unproven(self):
        """An act registered for an outsider that nobody has confirmed."""
        for track in (0, 1):
            pairs = list(zip(self.acts[track], self.clauses[track]))[1:]
            confirmed = {a.envelope.get(k.RE) for a, clause in pairs
                         if a.kind == 44 and not clause}
            if any(k.OUTSIDER in a.envelope and not clause and
                   a.id not in confirmed for a, clause in pairs):
                return True
        return False


def in_force(asked):
    return asked.phase == ACCEPTED and asked.hold_until != 0


def answer(asked, gen, accepted):
    return asked._replace(answered=asked.answered + ((gen, accepted),))


def in_time(act, ask):
    """SPEC 5.7: E4007"""
    return act.entered <= ask.envelope.get(k.NOT_AFTER, c.TIME_END)
