"""Who sees what: canaries in every field of text or identifiers."""

import json
import os
import secrets

from harness import TOP, Federation, WINDOW, check, equal, unpack

# what the asking officer alone may know: none of it is a provider's business
REQUESTER = ("authority", "offence", "facts", "relation", "necessity",
             "mla_intent", "mla_reference", "legal_basis", "proportionality",
             "known_person", "known_communication", "recipient",
             "recipient_unit", "remarks", "call_back", "own_reference",
             "urgency_reason", "authority_contact")


def federation():
    return Federation("JP", "US")


def canary(name):
    return "CANARY-%s-%s" % (name[:12], secrets.token_hex(12))


def canaries():
    """Every field of the catalogue that holds text or an identifier."""
    with open(os.path.join(TOP, "proto/vectors/catalogue.json")) as f:
        fields = json.load(f)["fields"]
    return {x["name"]: [canary(x["name"])] if x["repeats"] else
            canary(x["name"]) for x in fields if x["type"] in ("TEXT", "ID")}


def words(fields):
    return [w for v in fields.values()
            for w in (v if isinstance(v, list) else [v])]


def tree(path):
    for root, _, files in os.walk(path):
        for name in files:
            with open(os.path.join(root, name), "rb") as f:
                yield name, f.read()


def spellings(text):
    """As it would stand in a file: plain, hexadecimal, 16 bits a letter."""
    return (text.encode(), text.encode().hex().encode(),
            text.encode("utf-16-le"))


def nowhere(where, content, secret):
    for s in secret:
        for form in spellings(s):
            check(form not in content, "%s stands in %s" % (s, where))


def outputs(f, who, *commands):
    for args in commands:
        for extra in ([], ["--json"]):
            got = f.run(who, *args, *extra)
            yield " ".join(args), (got.out + got.err).encode()


def test_canaries(f):
    asked = canaries()
    ref = f.request(kind="trace", form=f.form(**asked))
    f.has("us.ncp", ref, "request")
    shown = f.show("us.ncp", ref)["fields"]
    for name, value in asked.items():
        equal(shown[name], value, "the asked desk reads " + name)
    f.run("us.ncp", "request", "accept", ref).ok()
    said = {k: canary(k) for k in ("question", "answer", "note", "inner",
                                   "law", "issuer", "hop", "report")}
    f.run("us.ncp", "request", "query", ref, "--question",
          said["question"]).ok()
    f.has("jp.ncp", ref, "query")
    f.run("jp.ncp", "request", "answer", ref, "--answer", said["answer"]).ok()
    f.run("jp.ncp", "request", "note", ref, "--text", said["note"]).ok()
    f.run("us.ncp", "request", "note", ref, "--inner", "--text",
          said["inner"]).ok()
    f.has("us.ncp", ref, "note")
    with open(f.instrument()) as i:
        instrument = json.load(i)
    instrument.update(issuer=said["issuer"], law=said["law"])
    order = f.run("us.ncp", "order", "new", ref, "--to", "us.isp1", "--form",
                  f.file("canary-instrument.json", instrument), "--flag",
                  "mask-requester", "--flag", "keep-order-secret",
                  "--json").ok().json()["ref"]
    seen = f.run("us.isp1", "order", "show", order, "--json").ok().json()
    equal(seen["fields"]["user_id"], asked["user_id"],
          "the provider sees what it needs")
    f.run("us.isp1", "order", "ack", order).ok()
    f.run("us.isp1", "order", "report", order, "--result", "preserved",
          "--text", said["report"]).ok()
    f.run("us.isp1", "order", "hop", order, "--direction", "origin",
          "--finding", "third-country", "--next-country", "DE", "--field",
          "window=" + WINDOW, "--field", "host_name=" + said["hop"]).ok()
    f.run("us.ncp", "trace", "hop", ref, "--from-order", order, "--show",
          "direction,finding,next_country,window").ok()
    f.has("jp.ncp", ref, "hop")
    everything = words(asked) + list(said.values())

    # brokers hold nothing in the clear, and tell nothing to their logs
    for cc in ("jp", "us"):
        for path in f.broker_files(cc):
            with open(path, "rb") as data:
                nowhere(path, data.read(), everything)
    for cc in ("jp", "us"):
        for entry in f.ledger(cc):
            nowhere("the ledger of " + cc, b"".join(entry), everything)

    # the masked requester: whatever the provider may run, hold or receive
    hidden = [w for k in REQUESTER for w in words({k: asked[k]})] + \
        [said[k] for k in ("question", "answer", "note", "inner")]
    for where, out in outputs(f, "us.isp1", ["order", "show", order],
                              ["order", "ls"], ["inbox", "--all"],
                              ["request", "ls"], ["request", "show", order],
                              ["trace", "show", order], ["deadline", "ls"],
                              ["queue", "ls"], ["status"]):
        nowhere("the provider's " + where, out, hidden)
        check(b"jp.ncp" not in out and b"JP-" not in out,
              "the provider's %s tells who asked: %r" % (where, out))
    f.run("us.isp1", "request", "show", ref).fails(5, "E4013")
    for name, content in tree(f.home("us.isp1")):
        nowhere("the provider's " + name, content, hidden)
        if name not in ("JP.pin", "JP.hfd"):  # every home trusts the root
            check(b"jp.ncp" not in content, "the provider's %s names who "
                  "asked" % name)
    request_id = bytes.fromhex(f.show("us.ncp", ref)["acts"][0]["id"])
    ordered = [unpack(e[2]) for e in f.ledger("us") if e[2]]
    ordered = [e for e in ordered if "us.isp1" in (e[1], e[2])]
    check(len(ordered) >= 4, "order, acknowledge, report, hop: %r" % ordered)
    for e in ordered:
        check("jp.ncp" not in str(e) and str(request_id) not in str(e),
              "the order's envelope tells who asked: %r" % e)
        check(all(kind == 3 for kind, _ in e.get(19, [])),
              "the lineage of a masked order is a commitment")

    # the withheld field does not reach the requester
    for where, out in outputs(f, "jp.ncp", ["request", "show", ref],
                              ["trace", "show", ref], ["trace", "hops", ref],
                              ["inbox", "--all"]):
        nowhere("the requester's " + where, out,
                [said["hop"], said["inner"], said["report"]])
    for name, content in tree(f.home("jp.ncp")):
        nowhere("the requester's " + name, content,
                [said["hop"], said["inner"], said["report"]])
