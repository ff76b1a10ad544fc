"""Who sees what: canaries in every field."""

import os
import secrets

from harness import Federation, WINDOW, check, equal


def federation():
    return Federation("JP", "US")


def tree(path):
    for root, _, files in os.walk(path):
        for name in files:
            with open(os.path.join(root, name), "rb") as f:
                yield name, f.read()


def test_canaries(f):
    fields = ("authority", "offence", "facts", "relation", "necessity",
              "mla_intent", "own_reference", "legal_basis", "remarks")
    canary = {k: "CANARY" + secrets.token_hex(12) for k in fields}
    user = "CANARY" + secrets.token_hex(12)
    ref = f.request(kind="trace", form=f.form(
        user_id=[user], **canary))
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "accept", ref).ok()
    order = f.run("us.ncp", "order", "new", ref, "--to", "us.isp1", "--form",
                  f.instrument(), "--flag", "mask-requester", "--flag",
                  "keep-order-secret", "--json").ok().json()["ref"]
    shown = f.show("us.isp1", order)
    equal(shown["fields"]["user_id"], [user], "the provider sees what it needs")
    hidden = "CANARY" + secrets.token_hex(12)
    f.run("us.isp1", "order", "hop", order, "--direction", "origin",
          "--finding", "third-country", "--next-country", "DE", "--field",
          "window=" + WINDOW, "--field", "host_name=" + hidden).ok()
    f.run("us.ncp", "trace", "hop", ref, "--from-order", order, "--show",
          "direction,finding,next_country,window").ok()
    f.has("jp.ncp", ref, "hop")
    everything = list(canary.values()) + [user, hidden]
    for cc in ("jp", "us"):
        for path in f.broker_files(cc):
            with open(path, "rb") as data:
                content = data.read()
            for c in everything:
                check(c.encode() not in content, "%s stands in %s" % (c, path))
    outputs = [f.run("us.isp1", *args).out + f.run("us.isp1", *args).err
               for args in (["order", "show", order],
                            ["order", "show", order, "--json"],
                            ["order", "ls"], ["inbox", "--all", "--json"],
                            ["request", "show", ref],
                            ["trace", "show", order],
                            ["deadline", "ls", "--json"])]
    for c in list(canary.values()):
        check(all(c not in o for o in outputs), "the provider reads " + c)
    check(all("jp.ncp" not in o and "JP-" not in o.replace(ref, "")
              for o in outputs), "the provider reads who asked")
    for name, content in tree(f.home("us.isp1")):
        if name in ("JP.pin", "JP.hfd"):
            continue
        for c in list(canary.values()) + ["jp.ncp"]:
            check(c.encode() not in content,
                  "%s stands in the provider's %s" % (c, name))
    outputs = [f.run("jp.ncp", *args).out
               for args in (["request", "show", ref, "--json"],
                            ["trace", "show", ref],
                            ["trace", "hops", ref, "--json"])]
    check(all(hidden not in o for o in outputs), "a withheld field is read")
    for name, content in tree(f.home("jp.ncp")):
        check(hidden.encode() not in content, "withheld, but in " + name)
    entries = f.run("us.audit", "audit", "fetch", "--out",
                    os.path.join(f.dir, "ledger")).ok()
    check(entries, "fetched")
    with open(os.path.join(f.dir, "ledger"), "rb") as data:
        content = data.read()
    for c in everything:
        check(c.encode() not in content, "the ledger holds " + c)
