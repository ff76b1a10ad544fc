"""SPEC 4: the kinds, where they stand, what they name, which keys they carry."""

from codec import SHAPE, demand

# keys of the envelope (SPEC 3.3)
(SALT, FROM, TO, CASE, TRACK, GEN, PREV, SEEN_GEN, SEEN, RE, MEASURE, BASIS,
 RULES, NOT_AFTER, URGENCY, FLAGS, CATEGORIES, POLICY, THIRD, LINEAGE, CITES,
 ROSTER, TERM, REASON, CHANGE, FREED, REFUSED, CHOICE, OUTSIDER, DUE, RESULT,
 ASSIGNEE, AT, TTL, DUTY) = range(35)
EVERY = {SALT, FROM, TO, TRACK, GEN, SEEN_GEN, POLICY, ROSTER}
CHAINED = {CASE, PREV, SEEN, RE}
ANY_ACT = {FLAGS, THIRD, CITES, OUTSIDER, URGENCY}

CORRECT, NARROW, WIDEN, CHANGE_URGENCY, SECRECY = range(1, 6)
HOLDING = (1, 2, 3)  # measures that hold data
TRACE_LIVE = 3
PRESERVED, PARTLY = 1, 2


class Kind:
    """A row of 4.1 and what 4.2 says of it."""

    def __init__(self, name, tracks, re, must=(), may=(), machine=False):
        self.name = name
        self.tracks = tuple({"A": (0,), "S": (1,), "I": (2, 3)}[c]
                            for c in tracks)
        self.tracks = sum(self.tracks, ())
        self.re = re
        self.must = frozenset(must)
        self.may = frozenset(may)
        self.machine = machine


OPENS = (MEASURE, BASIS, RULES, NOT_AFTER, URGENCY, CATEGORIES)
KINDS = {
    1: Kind("request", "A", None, OPENS, (TERM, LINEAGE, TTL)),
    2: Kind("order", "A", None, OPENS, (TERM, LINEAGE, TTL)),
    10: Kind("amend", "A", None, (CHANGE,),
             (CATEGORIES, TERM, FREED, NOT_AFTER)),
    11: Kind("extend", "A", None, (TERM,), (NOT_AFTER,)),
    12: Kind("follow-up", "A", None, (), (NOT_AFTER,)),
    13: Kind("go-on", "A", "advise", (CHOICE,)),
    14: Kind("withdraw", "A", None, (), (REASON,)),
    15: Kind("close", "A", None, (), (REASON,)),
    20: Kind("acknowledge", "S", "opening", (RULES,)),
    21: Kind("progress", "S", "other", (REASON,), (DUE,)),
    22: Kind("accept", "S", "not a follow-up", (CATEGORIES,),
             (TERM, REFUSED, TTL, DUTY)),
    23: Kind("decline", "S", "ask", (REASON,)),
    24: Kind("advise", "S", "other", (REASON,)),
    25: Kind("hop", "S", "other", (), (LINEAGE,)),
    26: Kind("withheld-hop", "S", "other", (REASON,)),
    27: Kind("report", "S", "other", (RESULT, CATEGORIES), (TERM,)),
    28: Kind("live-started", "S", "other", (AT,)),
    29: Kind("live-stopped", "S", "either", (AT,), (REASON,)),
    30: Kind("live-impossible", "S", "other", (), (REASON,)),
    31: Kind("follow-up-received", "S", "follow-up", (DUE,)),
    32: Kind("decided", "S", "received", (CHOICE,), (TERM,)),
    33: Kind("end", "S", "either", (REASON,), (LINEAGE,)),
    40: Kind("query", "AS", "either", (DUE,)),
    41: Kind("answer", "AS", "query"),
    42: Kind("note", "ASI", None, (), (LINEAGE,)),
    43: Kind("retract", "AS", "own", (), (REASON,)),
    44: Kind("confirm", "AS", "outsider"),
    50: Kind("grant", "I", None),
    51: Kind("assign", "I", None, (ASSIGNEE,)),
    52: Kind("legal-hold", "I", None, (CHOICE,), (REASON,)),
    60: Kind("expire", "S", "either", machine=True),
    61: Kind("lapse", "S", "opening", machine=True),
    62: Kind("live-timeout", "S", "either", (), (AT,), machine=True),
    63: Kind("unsupported", "S", "opening", (), (REASON,), machine=True),
    64: Kind("release", "A", None, (), (REASON,), machine=True),
}
NUMBER = {k.name: n for n, k in KINDS.items()}
OPENINGS = (1, 2)


def is_machine(kind):
    return kind in KINDS and KINDS[kind].machine


def critical_unknown(kind, envelope):
    """SPEC 1.6: an act that is kept and void."""
    return (kind < 128 and kind not in KINDS) or \
        any(DUTY < key < 64 for key in envelope)


def opens(kind, envelope):
    """The act that others name as their case (5.2): an opening, or one of
    an unknown critical kind at that place."""
    return envelope[TRACK] == 0 and envelope[GEN] == 1 and (
        kind in OPENINGS or (kind < 128 and kind not in KINDS))


def shape(kind, e):
    """SPEC 4.2, and where kinds may stand: E1020"""
    first = opens(kind, e)
    need(((CASE in e) == (not first)), "case")
    need((PREV in e) == (e[GEN] > 1), "prev")
    need((SEEN in e) == (e[SEEN_GEN] > 0), "seen")
    row = KINDS.get(kind)
    if row is None or critical_unknown(kind, e):
        return
    need(first or e[TRACK] != 0 or e[GEN] > 1, "what opens a case")
    need(e[TRACK] in row.tracks, "the track")
    need(kind not in OPENINGS or e[GEN] == 1, "an opening after the first")
    need(row.re is None or RE in e, "re")
    for key in row.must:
        need(key in e, "key %d is missing" % key)
    for key in e:
        need(key in row.must or key in row.may or key in EVERY or
             key in CHAINED or key in ANY_ACT or key > DUTY,
             "key %d is out of place" % key)
    if row.name == "amend":
        change = e[CHANGE]
        wanted = {CORRECT: (FREED,), NARROW: (CATEGORIES, TERM),
                  WIDEN: (CATEGORIES, TERM), CHANGE_URGENCY: (URGENCY,),
                  SECRECY: (FLAGS,)}[change]
        need(any(key in e for key in wanted), "what is changed")
        need(NOT_AFTER not in e or asks(kind, e), "not_after")
    if row.name == "report":
        need(e[RESULT] not in (PRESERVED, PARTLY) or TERM in e, "a term")
    if row.name == "decided":
        need(e[CHOICE] != 1 or TERM in e, "a term")


def need(condition, what):
    demand(condition, SHAPE, what)


def asks(kind, envelope):
    """The ask column of 4.1."""
    return kind in (1, 2, 11, 12) or \
        kind == 10 and envelope.get(CHANGE) in (WIDEN, CORRECT)
