"""What tests share."""

import codec as c


class Disagree(Exception):
    pass


def equal(got, wanted, what):
    if got != wanted:
        raise Disagree("%s: %r, not %r" % (what, got, wanted))


def true(condition, what):
    if not condition:
        raise Disagree(what)


def refuses(vector, function):
    """`function` must refuse with the number that the vector gives."""
    try:
        function()
    except c.Refused as e:
        equal(e.code, vector["error"], "%s (%s)" % (vector["name"], e))
        return
    raise Disagree("%s: taken, not refused with E%d" % (
        vector["name"], vector["error"]))


def agrees(vector, function):
    """`function` takes what the vector says is ok, and refuses the rest."""
    try:
        got = function()
    except c.Refused as e:
        true(not vector["ok"], "%s: refused: %s" % (vector["name"], e))
        return None
    true(vector["ok"], "%s: taken" % vector["name"])
    return got
