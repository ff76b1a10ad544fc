"""Bad input gets a clear error, and nothing is lost."""

import json
import os
import random
import shutil
import socket
import subprocess
import time

from harness import (FORM, HOLDFAST, HOLDFASTD, Federation, WINDOW, check,
                     equal)


def federation():
    return Federation("JP", "US")


def accepted(f):
    ref = f.request()
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "accept", ref).ok()
    f.has("jp.ncp", ref, "accept")
    return ref


def test_form_errors_are_named_all_at_once(f):
    bad = f.form(authority=None, window=None, categories=None,
                 source_port="x", no_such_field=1)
    got = f.run("jp.ncp", "request", "new", "--to", "US", "--kind",
                "preservation", "--form", bad, "--json").fails(2, "E7002")
    for name in ("source_port", "no_such_field"):
        check(name in got.err, "%s is not named: %s" % (name, got.err))
    bad = f.form(authority=None, necessity=None, window=None, categories=None)
    got = f.run("jp.ncp", "request", "new", "--to", "US", "--kind",
                "preservation", "--form", bad, "--json").fails(2, "E7002")
    for name in ("authority", "necessity", "window", "categories"):
        check(name in got.err, "%s is not named: %s" % (name, got.err))
    f.run("jp.ncp", "request", "new", "--to", "US", "--kind", "preservation",
          "--basis", "exercise", "--form", bad, "--incomplete",
          "--json").ok()
    path = f.file("broken.json", '{"authority": "x",\n "facts": }')
    f.run("jp.ncp", "request", "new", "--to", "US", "--kind", "preservation",
          "--form", path).fails(2, "broken.json:2")
    no_zone = f.form(window={"from": "2026-11-21T11:00:00",
                             "until": "2026-11-21T11:10:00"})
    f.run("jp.ncp", "request", "new", "--to", "US", "--kind", "preservation",
          "--form", no_zone).fails(2, "window")


def test_who_may_not(f):
    ref = f.request()
    f.has("us.ncp", ref, "request")
    f.run("jp.isp1", "request", "new", "--to", "US", "--kind", "preservation",
          "--basis", "exercise", "--form", f.form()).fails(4)
    f.run("jp.audit", "request", "new", "--to", "US", "--kind",
          "preservation", "--basis", "exercise", "--form", f.form()).fails(4)
    # who may not read a case does not learn that it exists
    f.run("us.isp1", "request", "show", ref).fails(5, "E4013")
    f.run("us.isp1", "request", "accept", ref).fails(5, "E4013")
    f.run("jp.ncp", "audit", "verify").fails(4, "E3017")
    f.run("jp.ncp", "request", "new", "--to", "FR", "--kind", "preservation",
          "--form", f.form()).fails(5, "E3008")
    f.run("jp.ncp", "request", "new", "--to", "us.nobody", "--kind",
          "preservation", "--form", f.form()).fails(5, "E3009")
    f.run("jp.ncp", "order", "new", ref, "--to", "us.isp1", "--form",
          f.instrument()).fails(5)
    f.run("jp.ncp", "country", "publish",
          os.path.join(f.dir, "jp", "1.hfd")).fails(4, "E3005")


def test_wrong_desk_and_country(f):
    ref = accepted(f)
    order = f.run("us.ncp", "order", "new", ref, "--to", "us.isp1", "--form",
                  f.instrument(), "--json").ok().json()["ref"]
    f.run("us.isp1", "order", "show", order).ok()
    f.run("us.isp2", "order", "show", order).fails(5, "E4013")
    f.run("us.isp2", "order", "ack", order).fails(5, "E4013")
    f.run("us.isp2", "order", "report", order, "--result",
          "not-held").fails(5, "E4013")
    equal(f.run("us.isp2", "order", "ls", "--json").ok().out, "", "orders")
    # the contact point does not report in its provider's name
    f.run("us.ncp", "order", "report", order, "--result",
          "preserved").fails(4, "E3007")
    # a provider of another country; a request to a desk that takes none
    f.run("us.ncp", "order", "new", ref, "--to", "jp.isp1", "--form",
          f.instrument()).fails(5, "E3009")
    f.run("jp.ncp", "request", "new", "--to", "us.audit", "--kind",
          "preservation", "--basis", "exercise", "--form",
          f.form()).fails(5, "E3009")
    # the asking side does not decide
    f.run("jp.ncp", "request", "accept", ref).fails(4, "E3007")
    f.run("us.audit", "request", "accept", ref).fails(4)
    equal([a["kind"] for a in f.show("jp.ncp", ref)["acts"]],
          ["request", "accept"], "nothing was entered")


def test_an_act_twice(f):
    ref = f.request()
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "acknowledge", ref).ok()
    f.run("us.ncp", "request", "acknowledge", ref).fails(7, "E4001")
    f.run("us.ncp", "request", "query", ref, "--question", "Which?").ok()
    f.has("jp.ncp", ref, "query")
    f.run("jp.ncp", "request", "answer", ref, "--answer", "That.").ok()
    f.run("jp.ncp", "request", "answer", ref, "--answer", "This.").fails(7)
    kinds = [a["kind"] for a in f.has("us.ncp", ref, "answer")["acts"]]
    equal(sorted(kinds), ["acknowledge", "answer", "query", "request"], "acts")


def test_an_expired_officer(f):
    def expire(spec):
        for o in spec["officers"]:
            if o["name"] == "us.isp2":
                o["valid_days"] = 4 / 86400

    f.run("us.isp2", "status").ok()
    watch = f.start_command("us.isp2", "inbox", "--watch", "--for", "20",
                            "--json")
    doc = f.document("us", 2, expire)
    f.run("us.ops", "country", "publish", doc).ok()
    f.run("us.isp2", "status").ok()  # four seconds are not over
    end = time.monotonic() + 30
    while f.run("us.isp2", "--timeout", "3", "status").code == 0:
        check(time.monotonic() < end, "an expired officer is served")
        time.sleep(0.2)
    f.run("us.isp2", "--timeout", "3", "status").fails(4, "E2107")
    ref = accepted(f)
    f.run("us.ncp", "order", "new", ref, "--to", "us.isp2", "--form",
          f.instrument(), "--json").ok()
    time.sleep(0.5)
    watch.terminate()
    seen = watch.communicate(timeout=20)[0]
    check('"event":"order"' not in seen, "the live session saw: " + seen)


def test_too_large(f):
    got = f.run("jp.ncp", "request", "new", "--to", "US", "--kind",
                "preservation", "--basis", "exercise", "--form",
                f.form(facts="x" * 5000))
    got.fails(2, "facts")
    f.run("jp.ncp", "request", "new", "--to", "US", "--kind", "preservation",
          "--basis", "exercise", "--form",
          f.form(user_id=[("%d" % i) * 1000 for i in range(9)] * 6)).fails(2)
    f.run("jp.ncp", "request", "new", "--to", "US", "--kind", "preservation",
          "--basis", "exercise", "--form",
          f.form(user_id=["u%d" % i for i in range(70)])).fails(2)
    f.run("jp.ncp", "request", "new", "--to", "US", "--kind", "preservation",
          "--form", f.dir + "/no-such-form").fails(1, "no-such-form")


def test_state_forbids(f):
    ref = accepted(f)
    f.run("us.ncp", "request", "accept", ref).fails(7, "E4001")
    f.run("us.ncp", "request", "decided", ref, "--outcome",
          "granted").fails(2)
    f.run("us.ncp", "request", "withdraw", ref).fails(4, "E3007")
    f.run("jp.ncp", "request", "withdraw", ref).ok()
    f.run("jp.ncp", "request", "extend", ref, "--seconds", "5").fails(7,
                                                                     "E4001")
    f.run("jp.ncp", "request", "show", "JP-AAA-AAAAAA-A").fails(5, "E4013")
    f.run("jp.ncp", "request", "show", "nonsense").fails(5, "E4013")


def test_not_after_lapses(f):
    soon = subprocess.run(["date", "-u", "-d", "+2 seconds",
                           "+%Y-%m-%dT%H:%M:%SZ"], stdout=subprocess.PIPE,
                          text=True).stdout.strip()
    ref = f.request("jp.ncp", "US", "--not-after", soon)
    f.wait("us.ncp", ref, lambda c: c["state"] == "lapsed", "lapsed")
    f.run("us.ncp", "request", "accept", ref).fails(7)


def test_terms_and_grounds(f):
    ref = f.request()
    f.has("us.ncp", ref, "request")
    f.run("us.ncp", "request", "accept", ref, "--days", "3").fails(4, "E4006")
    f.run("us.ncp", "request", "decline", ref, "--reason",
          "dual-criminality").fails(2, "E4009")
    got = f.run("us.ncp", "request", "decline", ref, "--reason",
                "dual-criminality", "--outside-profile", "--json").ok().json()
    check(got["outside_profile"], "flagged")
    case = f.has("jp.ncp", ref, "decline")
    check(case["outside_profile"], "delivered and flagged")
    equal(case["state"], "declined", "state")


def test_hops_and_cites(f):
    ref = accepted(f)
    f.run("us.ncp", "trace", "hop", ref, "--direction", "origin",
          "--next-country", "DE").fails(2, "E4022")
    f.run("us.ncp", "trace", "hop", ref, "--direction", "origin",
          "--finding", "third-country", "--field",
          'window={"from":"2026-11-21T11:00:00","until":"2026-11-21T11:10:00"}'
          ).fails(2)
    order = f.run("us.ncp", "order", "new", ref, "--to", "us.isp1", "--form",
                  f.instrument(), "--json").ok().json()["ref"]
    f.run("us.isp1", "order", "hop", order, "--direction", "origin",
          "--finding", "third-country", "--next-country", "DE", "--field",
          "window=" + WINDOW, "--share", "nobody").ok()
    f.run("us.ncp", "trace", "hop", ref, "--from-order", order, "--show",
          "direction,finding,window").fails(4, "E4010")
    f.run("us.ncp", "order", "new", ref, "--to", "us.isp2").fails(2, "E7002")


def test_log_lines(f):
    log = f.file("access.log",
                 '198.51.100.23 - - [21/Nov/2026:11:02:03 +0900] '
                 '"GET /x HTTP/1.1" 200 5 "-" "curl" port=50123\n'
                 'this is no log line\n'
                 '198.51.100.23 - - [30/Feb/2026:11:02:03 +0900] '
                 '"GET /x HTTP/1.1" 200 5 "-" "curl"\n')
    args = ["request", "new", "--to", "US", "--kind", "preservation",
            "--basis", "exercise", "--json", "--form",
            f.form(source_ip=None, source_port=None)]
    f.run("jp.ncp", *args, "--from-log", log + ":2").fails(2, "E7003")
    f.run("jp.ncp", *args, "--from-log", log + ":3").fails(2, "E7003")
    f.run("jp.ncp", *args, "--from-log", log + ":9").fails(2, "E7003")
    ref = f.run("jp.ncp", *args, "--from-log", log + ":1").ok().json()["ref"]
    fields = f.show("jp.ncp", ref)["fields"]
    equal(fields["source_ip"], ["198.51.100.23"], "address")
    equal(fields["source_port"], [50123], "port")
    equal(fields["event_time"], ["2026-11-21T11:02:03+09:00"], "time")


def test_key_files(f):
    home = os.path.join(f.dir, "spoilt")
    shutil.copytree(f.home("jp.ncp"), home)
    key = os.path.join(home, "officer.key")
    os.chmod(key, 0o644)
    f.run("spoilt", "status").fails(9, "E7005")
    os.chmod(key, 0o600)
    f.run("spoilt", "status").ok()
    with open(key, "r+") as k:
        k.seek(60)
        k.write("!")
    f.run("spoilt", "status").fails(9, "E7005")
    os.unlink(key)
    f.run("spoilt", "status").fails(1, "E7008")
    shutil.rmtree(home)


def test_passphrase(f):
    home = os.path.join(f.dir, "locked")
    os.makedirs(home, 0o700)
    words = f.file("pass", "correct horse\n")
    key = os.path.join(home, "k")
    f.run("jp.ncp", "key", "new", "--purpose", "officer", "--out", key,
          "--passphrase-file", words, "--json").ok()
    f.run("jp.ncp", "key", "show", key).fails(4, "E7006")
    wrong = f.file("wrong", "battery staple\n")
    f.run("jp.ncp", "key", "show", key, "--passphrase-file",
          wrong).fails(4, "E7006")
    f.run("jp.ncp", "key", "show", key, "--passphrase-file", words).ok()


def test_agent_answers_when_its_command_has_ended(f):
    key = os.path.join(f.home("jp.ncp.2"), "officer.key")
    path = os.path.join(f.home("jp.ncp.2"), "agent.sock")
    for _ in range(5):
        with f.agent("jp.ncp.2", "--idle", "60"):
            os.rename(key, key + ".away")
            try:
                f.run("jp.ncp.2", "status").ok()  # at once
                f.run("jp.ncp.2", "agent").fails(1, "E7008")  # one is enough
                f.run("jp.ncp.2", "status").ok()
            finally:
                os.rename(key + ".away", key)
    # what comes after the key was read is told as well
    os.mkdir(path)
    f.run("jp.ncp.2", "agent").fails(1, "E7008")
    os.rmdir(path)


def test_configuration_errors_have_file_and_line(f):
    conf = open(os.path.join(f.dir, "jp", "holdfastd.conf")).read()

    def run(text):
        path = f.file("bad.conf", text)
        return subprocess.run([HOLDFASTD, "--check", "-c", path],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True)

    done = run(conf)
    equal(done.returncode, 0, done.stdout)
    for wrong, words in ((conf + 'colour = "red"\n', "bad.conf:10"),
                         (conf.replace('"JP"', '"Japan"'), "bad.conf:1"),
                         (conf.replace("tcp://127", "udp://127", 1),
                          "bad.conf:4"),
                         (conf.replace("data_dir", "#data_dir"), "data_dir")):
        done = run(wrong)
        equal(done.returncode, 9, "exit: " + done.stdout)
        check(words in done.stdout, "%s not in: %s" % (words, done.stdout))


def test_usage(f):
    f.run("jp.ncp", "reqest", "new").fails(2, "did you mean: holdfast request")
    f.run("jp.ncp", "request", "new", "--too", "US").fails(2, "E7001")
    f.run("jp.ncp", "request", "show").fails(2, "E7001")
    f.run("jp.ncp", "errors", "E9999").fails(5)
    for error in json.loads("[%s]" % ",".join(
            f.run("jp.ncp", "errors", "--json").ok().out.splitlines())):
        check(error["text"] and error["code"], str(error))
    done = subprocess.run([HOLDFAST, "--home", "/nonexistent", "status"],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)
    equal(done.returncode, 9, done.stderr)


def test_hostile_bytes_at_both_ports(f):
    ports = f.pids("us")
    chance = random.Random(7)
    for port in (ports["desk_port"], ports["peer_port"]):
        held = []
        for i in range(60):
            s = socket.create_connection(("127.0.0.1", port), timeout=5)
            try:
                s.sendall((b"", b"\xff" + bytes(8) + b"\x7f\x03",
                           chance.randbytes(200), b"GET / HTTP/1.0\r\n\r\n",
                           b"\xff\0\0\0\0\0\0\0\x01\x7f\x03\x00NULL" +
                           bytes(60))[i % 5])
            except OSError:
                pass
            held.append(s)
        ref = f.request()
        f.has("us.ncp", ref, "request")
        for s in held:
            s.close()
    f.verified("us")


def test_a_stranger_gets_nothing(f):
    home = os.path.join(f.dir, "stranger")
    shutil.copytree(f.home("jp.ncp"), home)
    os.unlink(os.path.join(home, "officer.key"))
    f.run("jp.ncp", "key", "new", "--purpose", "officer", "--unprotected",
          "--out", os.path.join(home, "officer.key")).ok()
    f.run("stranger", "--timeout", "5", "status").fails(4, "E2107")
    shutil.rmtree(home)
