"""A case as evidence: what each role may take out, and how anybody checks it."""

import io
import json
import os
import shutil
import subprocess
import tarfile
import time

from harness import HOLDFAST, Federation, WINDOW, check, equal
from test_4_secrecy import REQUESTER, canaries, canary, nowhere, words


def federation():
    return Federation("JP", "US")


def export(f, who, ref, *args):
    path = os.path.join(f.dir, "%s-%s.tar" % (who, ref))
    noun = "order" if "isp" in who else "request"
    got = f.run(who, noun, "export", ref, "-o", path, "--json",
                *args).ok().json()
    equal(got["size"], os.path.getsize(path), "size of the bundle")
    return path, got


def verify(path, *args, home="/nonexistent"):
    """As a prosecutor would: no home, no network."""
    done = subprocess.run([HOLDFAST, "--home", home, "request", "verify", path,
                           *args], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def verified(path, *args):
    code, out, err = verify(path, "--json", *args)
    got = json.loads(out)
    equal((code, got["ok"], got["problems"]), (0, True, []),
          "%s: %s" % (path, err))
    return got


def pin(f, cc):
    with open(os.path.join(f.home("jp.ncp"), "pins", cc + ".pin")) as p:
        return "%s=%s" % (cc, p.read().strip())


def read(path):
    with open(path, "rb") as f:
        return f.read()


def unpack(f, path):
    """By GNU tar, into a directory of its own."""
    to = path + ".d"
    shutil.rmtree(to, ignore_errors=True)
    os.mkdir(to)
    subprocess.run(["tar", "-xf", path, "-C", to], check=True)
    return to


def commands(readme):
    """What README.txt tells to type: "    $ command", with its here-document."""
    lines = iter(readme.splitlines())
    for line in lines:
        if not line.startswith("    $ "):
            continue
        command = [line[6:]]
        if "<<" in line:
            for line in lines:
                command.append(line[4:])
                if line == "    END":
                    break
        yield "\n".join(command)


def by_hand(directory):
    with open(os.path.join(directory, "README.txt")) as r:
        listed = list(commands(r.read()))
    equal([c.split()[0] for c in listed], ["sha256sum", "minisign", "python3"],
          "commands of README.txt")
    return [subprocess.run(["bash", "-c", c], cwd=directory,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                           text=True, timeout=60) for c in listed]


def traced(f):
    """A trace with a masked order, every field a canary."""
    asked = canaries()
    ref = f.request(kind="trace", form=f.form(**asked), basis="budapest",
                    seconds="5184000")
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "acknowledge", ref).ok()
    f.run("us.ncp", "request", "accept", ref).ok()
    said = {k: canary(k) for k in ("inner", "hop", "report")}
    f.run("us.ncp", "request", "note", ref, "--inner", "--text",
          said["inner"]).ok()
    order = f.run("us.ncp", "order", "new", ref, "--to", "us.isp1", "--form",
                  f.instrument(), "--flag", "mask-requester",
                  "--json").ok().json()["ref"]
    f.run("us.isp1", "order", "ack", order).ok()
    f.run("us.isp1", "order", "report", order, "--result", "preserved",
          "--text", said["report"]).ok()
    f.run("us.isp1", "order", "hop", order, "--direction", "origin",
          "--finding", "third-country", "--next-country", "DE", "--field",
          "window=" + WINDOW, "--field", "host_name=" + said["hop"]).ok()
    f.run("us.ncp", "trace", "hop", ref, "--from-order", order, "--show",
          "direction,finding,next_country,window").ok()
    f.has("jp.ncp", ref, "hop")
    return ref, order, asked, said


def test_each_role_exports_what_it_may_see(f):
    ref, order, asked, said = traced(f)
    everything = words(asked) + list(said.values())
    hidden = [w for k in REQUESTER for w in words({k: asked[k]})] + \
        [said["inner"]]

    # the contact points: all of both sides' shared acts, each receipted twice
    for who in ("jp.ncp", "us.ncp"):
        path, got = export(f, who, ref)
        seen = verified(path, "--pin", pin(f, "JP"), "--pin", pin(f, "US"))
        equal(got["acts"], 4, "acts")
        equal((seen["anchored"], seen["state"], seen["notes"]),
              (True, "accepted", []), who)
        equal(seen["fields_withheld"], 1, "the host name is counted")
        out = verify(path, "--pin", pin(f, "JP"), "--pin", pin(f, "US"))[1]
        check("roots that you trust.\n" in out, "without reserve: " + out)
        content = read(path)
        for w in words(asked):
            check(w.encode() in content, "%s shows %s" % (who, w))
        nowhere(path, content, [said["hop"], said["inner"], said["report"]])
        for desk in (b"isp1", b"isp2", b".audit", b".ops"):
            check(desk not in content, "%s tells of %r" % (who, desk))

    # the masked order: nothing of who asked, nor why
    path, got = export(f, "us.isp1", order)
    seen = verified(path, "--pin", pin(f, "US"))
    equal((seen["anchored"], seen["state"]), (True, "preserved"), "provider")
    content = read(path)
    nowhere(path, content, hidden)
    check(said["hop"].encode() in content, "its own words are in it")
    for text in (b"jp.ncp", b"JP-", b"JP ", b"isp2", b".audit", b".ops"):
        check(text not in content, "the provider's bundle has %r" % text)
    f.run("us.isp1", "request", "export", ref, "-o",
          os.path.join(f.dir, "no.tar")).fails(5, "E4013")
    check(not os.path.exists(os.path.join(f.dir, "no.tar")), "nothing written")

    # auditors: acts and receipts without a word of what they say
    for who, which in (("jp.audit", ref), ("us.audit", ref),
                       ("us.audit", order)):
        path, got = export(f, who, which)
        seen = verified(path)
        equal((seen["anchored"], seen["fields_shown"]), (False, 0), who)
        check(len(seen["notes"]) >= 2, "what is not shown is said")
        out = verify(
            path, "--pin", pin(f, "JP"), "--pin", pin(f, "US"))[1]
        check("trust, but for what the notes say." in out, who + ": " + out)
        nowhere(path, read(path), everything)


def test_common_tools_check_it(f):
    ref, order, _, _ = traced(f)
    for who, which in (("jp.ncp", ref), ("us.isp1", order),
                       ("us.audit", ref)):
        path, got = export(f, who, which)
        directory = unpack(f, path)
        names = sorted(os.path.relpath(os.path.join(d, n), directory)
                       for d, _, files in os.walk(directory) for n in files)
        with tarfile.open(path) as t:
            equal(sorted(t.getnames()), names, "members")
            equal({(m.mode, m.mtime, m.uid, m.uname) for m in t.getmembers()},
                  {(0o644, 0, 0, "")}, "headers")
        done = by_hand(directory)
        for d in done:
            check(d.returncode == 0, "README of %s: %s" % (who, d.stdout))
        check(who in done[1].stdout and which in done[1].stdout and
              "comment signature verified" in done[1].stdout,
              "minisign says who and what: " + done[1].stdout)
        equal(done[2].stdout.count(" ok\n"),
              len(os.listdir(os.path.join(directory, "proofs"))), "proofs")
        page = read(os.path.join(directory, "index.html"))
        check(b"<script" not in page and b"http:" not in page and
              b"https:" not in page, "the page asks nobody anything")

    # and they find what was changed
    spoil = os.path.join(directory, "acts", "0-1")
    with open(spoil, "r+b") as a:
        a.seek(100)
        byte = a.read(1)
        a.seek(100)
        a.write(bytes([byte[0] ^ 1]))
    done = by_hand(directory)
    check(done[0].returncode != 0 and "acts/0-1: FAILED" in done[0].stdout,
          "sha256sum: " + done[0].stdout)
    check(done[2].returncode != 0 and "0-1.US FAILED" in done[2].stdout,
          "python: " + done[2].stdout)
    with open(os.path.join(directory, "manifest"), "a") as m:
        m.write("\n")
    check(by_hand(directory)[1].returncode != 0, "minisign")


def rewrite(path, name, change):
    """The bundle with one member's bytes changed, packed as it was."""
    out = path + ".changed"
    with tarfile.open(path) as old, \
            tarfile.open(out, "w", format=tarfile.USTAR_FORMAT) as new:
        for m in old.getmembers():
            data = old.extractfile(m).read()
            if m.name == name:
                data = change(data)
                m.size = len(data)
            new.addfile(m, io.BytesIO(data))
    # Python pads to 10,240 bytes; ours ends with two blocks
    data = read(out)
    with open(out, "wb") as o:
        o.write(data.rstrip(b"\0"))
        at = o.tell()
        o.write(bytes(-at % 512 + 1024))
    return out


def test_what_was_changed_is_named(f):
    ref = f.request()
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "accept", ref).ok()
    f.has("jp.ncp", ref, "accept")
    path, _ = export(f, "jp.ncp", ref)
    whole = read(path)
    equal(read(rewrite(path, "", None)), whole, "packed again as it was")
    with tarfile.open(path) as t:
        names = t.getnames()
    for name in names:
        changed = rewrite(path, name,
                          lambda d: d[:-2] + bytes([d[-2] ^ 1]) + d[-1:])
        code, out, err = verify(changed)
        equal(code, 6, "%s: %s%s" % (name, out, err))
        named = "manifest.minisig" if name == "manifest" else name
        check(" %s: " % named in out and "FAILED" in out and
              "do NOT rely" in out, "%s is named: %s" % (name, out))
        code, out, _ = verify(changed, "--json")
        check(named in [p["member"] for p in json.loads(out)["problems"]],
              "%s is named: %s" % (name, out))
    for cut in (0, 1, 511, 5000, len(whole) - 1):
        with open(path + ".cut", "wb") as c:
            c.write(whole[:cut])
        code, _, err = verify(path + ".cut")
        equal((code, "E7010" in err), (1, True), "cut at %d: %s" % (cut, err))
    equal(verify(path + ".none")[0], 1, "no such file")

    # whose word the roots are is said plainly
    code, out, _ = verify(path)
    check(code == 0 and "only the bundle names" in out and "--pin" in out,
          "without pins: " + out)
    got = f.run("us.ncp", "request", "verify", path)
    check(got.code == 0 and "roots that you trust" in got.out,
          "with the home's pins: " + got.out)
    other = pin(f, "US").replace("US=", "JP=")
    code, out, _ = verify(path, "--pin", other, "--pin", pin(f, "US"))
    check(code == 6 and "pins: JP: another root" in out, "other pin: " + out)
    for wrong in ("JP", "JP=", "JP=hfr1:x", "jp=" + other[3:],
                  "JP=hfo1:" + other[8:]):
        code, _, err = verify(path, "--pin", wrong)
        equal((code, "E7001" in err), (2, True), "--pin %s: %s" % (wrong, err))


def test_options(f):
    ref, _, asked, _ = traced(f)
    full = verified(export(f, "jp.ncp", ref)[0])
    path, _ = export(f, "jp.ncp", ref, "--withhold", "user_id",
                     "--withhold", "next_country")
    part = verified(path)
    nowhere(path, read(path), words({"user_id": asked["user_id"]}))
    # the cite in the hop shows next_country, so it goes as a whole: one
    # field of the hop and the four that it cites
    equal(part["fields_shown"], full["fields_shown"] - 1 - 5, "shown")
    check("leaves/1-3" in [n["member"] for n in part["notes"]],
          "what is withheld is said: %r" % part["notes"])
    f.run("jp.ncp", "request", "export", ref, "-o", path, "--withhold",
          "no_such").fails(2, "E7001")
    f.run("jp.ncp", "request", "export", ref).fails(2, "E7001")
    away = os.path.join(f.dir, "away.tar")
    f.run("jp.ncp", "request", "export", ref, "-o", away, "-n").ok()
    check(not os.path.exists(away), "a dry run writes nothing")
    f.run("jp.ncp", "request", "export", ref, "-o",
          os.path.join(f.dir, "none", "x.tar")).fails(1, "E7008")
    f.run("jp.ncp", "request", "export", "JP-M9C-000000-0", "-o",
          away).fails(5, "E4013")
    # the key may be the agent's
    with f.agent("jp.ncp"):
        path, _ = export(f, "jp.ncp", ref)
        verified(path)


def test_who_left_stands_in_the_document_of_then(f):
    """Last of the file: it takes an officer away."""
    ref = f.request()
    f.has("us.ncp", ref, "request")
    f.run("us.ncp.2", "request", "accept", ref).ok()
    f.has("jp.ncp", ref, "accept")

    def leave(spec):
        spec["officers"] = [o for o in spec["officers"]
                            if o["name"] != "us.ncp.2"]

    f.run("us.ops", "country", "publish", f.document("us", 2, leave)).ok()
    end = time.monotonic() + 20
    while ("US", 2) not in [(r["country"], r["version"]) for r in
                            f.run("jp.ncp", "roster", "ls", "--json").lines()]:
        check(time.monotonic() < end, "the new document has not arrived")
        time.sleep(0.1)
    path, _ = export(f, "jp.ncp", ref)
    verified(path)
    with tarfile.open(path) as t:
        check({"documents/US.1", "documents/US.2"} <= set(t.getnames()),
              "both versions: %r" % t.getnames())
