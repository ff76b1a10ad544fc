"""SPEC 5.1, 5.2, 12.6: the cases of a ledger, act by act in its order."""

import codec as c
import kinds as k
import life

CHAIN, PLACE, MANY = 4003, 4004, 4021


class File:
    """A case: its four tracks.  Acts whose past is not here wait; those of
    the shared tracks that have their place are folded."""

    def __init__(self, case_id):
        self.id = case_id
        self.fold = life.Case()
        self.acts = self.fold.acts + ([None], [None])
        self.waiting = {}

    def started(self):
        return len(self.acts[0]) > 1

    def ready(self, act):
        """Is this act's past here?"""
        return (act.gen == len(self.acts[act.track]) and
                act.seen_gen < len(self.acts[seen_track(act)]))

    def check(self, act):
        """SPEC 5.2, and that it comes from the case's desks."""
        e = act.envelope
        before = self.acts[act.track][act.gen - 1]
        seen = self.acts[seen_track(act)][act.seen_gen]
        refuse_unless(e.get(k.PREV) == (before and before.digest), "prev")
        refuse_unless(e.get(k.SEEN) == (seen and seen.digest), "seen")
        refuse_unless(before is None or act.seen_gen >= before.seen_gen,
                      "seen_gen decreases")
        refuse_unless((act.opens or act.track > 0 or act.gen > 1) and
                      (act.track != 1 or act.seen_gen > 0), "its opening")
        if act.track < 2 and not act.opens:
            first = self.acts[0][1].envelope
            desks = first[k.FROM], first[k.TO]
            refuse_unless((e[k.FROM], e[k.TO]) == desks[::1 - 2 * act.track],
                          "not from the case's desks")

    def settle(self, act):
        if act.track < 2:
            self.fold.add(act, act.profiles)
        else:
            self.acts[act.track].append(act)

    def add(self, act):
        """The acts that lost their place; refused is one for a place that
        is taken."""
        place = act.track, act.gen
        c.demand(act.gen <= life.ACTS_MAX, MANY, "gen %d" % act.gen)
        c.demand(act.gen >= len(self.acts[act.track]) and
                 place not in self.waiting, PLACE, "its place is taken")
        self.waiting[place] = act
        lost = []
        found = True
        while found:
            found = [a for a in self.waiting.values() if self.ready(a)]
            for a in found:
                if not self.ready(a):
                    continue
                del self.waiting[(a.track, a.gen)]
                try:
                    self.check(a)
                    self.settle(a)
                except c.Refused:
                    lost.append(a)
        return lost


def seen_track(act):
    return 1 - act.track if act.track < 2 else act.track - 2


def refuse_unless(condition, why):
    c.demand(condition, CHAIN, "does not chain: " + why)
