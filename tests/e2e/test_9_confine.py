"""Every process of a running broker is confined, and a gate that is killed is
back within a second while the others run on."""

import time

from harness import Federation, check, equal

ROLES = ("gate-desks", "gate-peers", "core", "signer")
RESTART_SECONDS = 1.0


def federation():
    return Federation("JP")


def status(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f
                    if ":\t" in line)


def test_each_process_is_confined(f):
    for role, pid in f.pids("jp").items():
        if role.endswith("port"):
            continue
        s = status(pid)
        equal((s["Seccomp"], s["NoNewPrivs"]), ("2", "1"), role)
        with open("/proc/%d/limits" % pid) as limits:
            core = [x for x in limits if x.startswith("Max core file size")]
        equal(core[0].split()[4:6], ["0", "0"], "core dumps of " + role)


def test_a_killed_gate_is_back_in_a_second(f):
    f.run("jp.ncp", "inbox").ok()
    worst = 0
    for role in ("gate-desks", "gate-peers"):
        before = f.pids("jp")
        begin = time.monotonic()
        f.kill("jp", role)
        while True:
            try:
                after = f.pids("jp")
                if after[role] != before[role] and \
                        status(after[role])["Seccomp"] == "2":
                    break
            except (OSError, ValueError, KeyError):
                pass
            check(time.monotonic() - begin < 30, role + " is not back")
            time.sleep(0.005)
        worst = max(worst, time.monotonic() - begin)
        for other in ROLES:
            if other != role:
                equal(after[other], before[other], "pid of " + other)
    check(worst < RESTART_SECONDS, "back after %.2f s" % worst)
    f.run("jp.ncp", "inbox").ok()
    print("a killed gate is back after %.0f ms" % (worst * 1000))
