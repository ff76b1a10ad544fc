"""Brokers cosign each other's ledgers; the receipts show it."""

import base64
import time

from harness import Federation, check


def federation():
    return Federation("JP", "US", "DE")


def test_peers_cosign_the_ledger(f):
    ref = f.request()
    f.has("us.ncp", ref, "request")
    end = time.monotonic() + 60
    while True:
        status = f.run("jp.ops", "broker", "status", "--json").ok().json()
        if status["witnessed_size"] == status["ledger_size"]:
            break
        check(time.monotonic() < end, "not witnessed: %r" % status)
        time.sleep(0.2)
    check(status["witnessed_at"], "when it was witnessed")
    again = f.run("jp.ncp", "request", "note", ref, "--text", "a note",
                  "--json").ok().json()
    check(again["receipt"]["index"] > 0, "receipt")
    # the archive's head carries the lines of both witnesses
    end = time.monotonic() + 60
    while True:
        f.run("jp.audit", "audit", "fetch").ok()
        with open(f.home("jp.audit") + "/ledger/head") as file:
            head = file.read()
        if all("holdfast/%s/witness" % cc in head for cc in ("US", "DE")):
            break
        check(time.monotonic() < end, "the head is not cosigned: " + head)
        time.sleep(0.3)
    lines = [x for x in head.splitlines() if "/witness " in x]
    for line in lines:
        check(len(base64.b64decode(line.split(" ")[2])) == 4 + 8 + 64, line)
    f.verified("jp")


def test_a_broker_that_was_away_is_witnessed_again(f):
    f.script("stop", "jp")
    f.script("start", "jp")
    end = time.monotonic() + 60
    while True:
        status = f.run("jp.ops", "broker", "status", "--json").ok().json()
        if status["witnessed_size"] == status["ledger_size"]:
            return
        check(time.monotonic() < end, "not witnessed: %r" % status)
        time.sleep(0.2)
