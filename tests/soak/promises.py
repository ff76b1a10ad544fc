"""The promises of the threat model: what each is measured by, and its target.

A measure is (words, figure of tests/soak/run, relation, target): `at least`
says how much has been tried, `at most` what must hold however little it was.
"""

from collections import namedtuple

Promise = namedtuple("Promise", "name promise measures")
LEAST, MOST = "at least", "at most"

PROMISES = [
    Promise("A1", "nothing acknowledged is lost", [
        ("kills", "kills", LEAST, 1e5),
        ("acts acknowledged", "kills_acts", LEAST, 1e7),
        ("crash states", "crash_states", LEAST, 1e8),
        ("lost by kills", "kills_lost", MOST, 0),
        ("crash states failed", "crash_failed", MOST, 0)]),
    Promise("A2", "no second effect", [
        ("acts under kills", "kills_acts", LEAST, 1e6),
        ("second effects", "kills_twice", MOST, 0),
        ("acts that came again, simulated", "sim_again", LEAST, 1e6),
        ("violations simulated", "sim_violations", MOST, 0)]),
    Promise("A3", "whole after a power cut", [
        ("crash states", "crash_states", LEAST, 1e8),
        ("recoveries cut again", "crash_recoveries", LEAST, 1e6),
        ("failed", "crash_failed", MOST, 0),
        ("% of the control that passes", "control_passed", MOST, 50)]),
    Promise("A4", "errors of disk and sync", [
        ("runs with a fault", "faults", LEAST, 3000),
        ("failed", "faults_failed", MOST, 0)]),
    Promise("A5", "full disk, full map", [
        ("tests of a full store", "unit_full", LEAST, 1),
        ("runs with a fault, a full disk among them", "faults", LEAST, 3000)]),
    Promise("A6", "bit rot is found", [
        ("bits of a ledger", "flips", LEAST, 1e6),
        ("bits of any file", "flips_files", LEAST, 300)]),
    Promise("A7", "available", [
        ("kills", "kills", LEAST, 1e4),
        ("p99 until ready, s", "most_ready", MOST, 2)]),
    Promise("A8", "strangers cannot stop it", [
        ("connections", "connections", LEAST, 1e4),
        ("of them at once", "most_held", LEAST, 1e4),
        ("p99 of the work, s", "most_work_p99", MOST, 1),
        ("MiB more", "most_memory", MOST, 64)]),
    Promise("A9", "members cannot stop or spoof others", [
        ("seeds", "sim_seeds", LEAST, 25000),
        ("violations", "sim_violations", MOST, 0),
        ("small messages a second", "most_small", LEAST, 1e5),
        ("p99 of the work, s", "most_work_p99", MOST, 1),
        ("tests of the gates", "unit_gates", LEAST, 1)]),
    Promise("A10", "revocation", [
        ("trials", "revocations", LEAST, 1e4),
        ("accepted after a second", "revocations_late", MOST, 0),
        ("longest until cut, ms", "most_cut_ms", MOST, 1000)]),
    Promise("A11", "no rewriting unseen", [
        ("changes of structure", "attacks", LEAST, 1e5),
        ("tests of forks and rollback", "unit_forks", LEAST, 1)]),
    Promise("A12", "parsers", [
        ("executions by libFuzzer", "fuzzed", LEAST, 37e9),
        ("inputs and mutants", "mutants", LEAST, 1e5),
        ("all short inputs", "exhaustive", LEAST, 14 * 16843009),
        ("crashes", "fuzz_crashes", MOST, 0)]),
    # measured by make cover, which wants a build of its own
    Promise("A13", "coverage", []),
    Promise("A14", "simulation", [
        ("federation-hours", "sim_hours", LEAST, 1e6),
        ("sequences explored", "explored", LEAST, 12 ** 5),
        ("jumps of the clock", "jumps", LEAST, 1e4),
        ("violations", "sim_violations", MOST, 0),
        ("violations explored", "explore_violations", MOST, 0)]),
    Promise("A15", "old bugs", [
        ("found", "museum_found", LEAST, 50),
        ("not found", "museum_missed", MOST, 0)]),
    Promise("A16", "deleted", [("tests", "unit_erase", LEAST, 1)]),
    Promise("A17", "confined", [("tests", "unit_confine", LEAST, 1)]),
    Promise("A18", "cryptography", [
        ("tests", "unit_crypto", LEAST, 1),
        ("changed bits", "flips", LEAST, 1e6)]),
]
