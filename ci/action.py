#!/usr/bin/env python3
"""Runs the steps of action.yml as GitHub's runner does, and docs/github-actions.md with them.

    action.py RUNNER

Needs PyYAML. Each story is a job: a workspace, the files that GITHUB_OUTPUT and
GITHUB_STEP_SUMMARY name, the inputs with their defaults, and for each step a script that bash
runs with the options of `shell: bash`.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

TOP = Path(__file__).resolve().parent.parent
ACTION = yaml.safe_load((TOP / "action.yml").read_text())
PAGE = (TOP / "docs/github-actions.md").read_text()
RUNNER = Path(sys.argv[1]).resolve()
# Limit of GitHub for the summary of one step.
MAX_SUMMARY = 1024 * 1024
OTHER_USER = 1001


class Job:
    """A job with a workspace of tasks, and the result of the action in it."""

    def __init__(self, **tasks):
        self.directory = tempfile.TemporaryDirectory(prefix="a job ")
        self.top = Path(self.directory.name)
        self.top.chmod(0o755)
        self.workspace = self.top / "work space"
        for directory in (self.workspace / "tasks.d", self.top / "temp", self.top / "bin"):
            directory.mkdir(parents=True)
        (self.top / "bin/runner").symlink_to(RUNNER)
        for name, body in tasks.items():
            self.task(name.replace("_", "-").lstrip("-"), body)

    def task(self, name, body):
        self.file(f"tasks.d/{name}", f"#!/bin/sh\n{body}\n").chmod(0o755)

    def file(self, name, text):
        path = self.workspace / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, step, inputs, full_summary):
        """Starts a step of the action with the values of its inputs."""
        assert step["shell"] == "bash", step
        assert "${{" not in step["run"], "an input is a part of a script"
        script = self.top / "script.sh"
        script.write_text(step["run"])
        env = {
            "PATH": f"{self.top}/bin:{os.environ['PATH']}",
            "HOME": str(self.top),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(TOP),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_OUTPUT": str(self.top / "output"),
            "GITHUB_STEP_SUMMARY": str(self.top / "summary"),
            "RUNNER_TEMP": str(self.top / "temp"),
            "RUNNER_OS": "Linux",
        }
        for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
            Path(env[name]).write_text("")
        if full_summary:
            env["GITHUB_STEP_SUMMARY"] = "/dev/full"
        for name, value in step["env"].items():
            env[name] = re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: inputs[found[1]], value)
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
            cwd=self.workspace,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, status, end, cancel_at=None, full_summary=False, **given):
        """Runs the action. Checks the exit status of the step, and its outputs `status` and `end`."""
        inputs = {name: each.get("default", "") for name, each in ACTION["inputs"].items()}
        given = {name.replace("_", "-"): value for name, value in given.items()}
        unknown = given.keys() - inputs.keys()
        assert not unknown, unknown
        inputs |= {"taskdir": "tasks.d"} | given
        [step] = ACTION["runs"]["steps"]
        process = self.start(step, inputs, full_summary)
        if cancel_at:
            until_exists(self.workspace / cancel_at)
            process.send_signal(signal.SIGINT)
        self.log = process.communicate(timeout=60)[0]
        self.summary = (self.top / "summary").read_text()
        assert process.returncode == status, f"{process.returncode}, not {status}:\n{self.log}"
        values = parse_outputs((self.top / "output").read_text())
        self.outputs = {
            name: values.get(re.fullmatch(r"\$\{\{ steps\.run\.outputs\.(\w+) \}\}", each["value"])[1])
            for name, each in ACTION["outputs"].items()
        }
        assert self.outputs["end"] == end, f"{self.outputs}\n{self.log}"
        if end is not None and not full_summary:
            assert Path(self.outputs["report"]).read_text() == self.summary
            assert len(self.summary.encode()) < MAX_SUMMARY
        return self

    def summary_has(self, *texts):
        for text in texts:
            assert text in self.summary, f"no {text!r} in:\n{self.summary}"
        return self

    def log_has(self, *texts):
        for text in texts:
            assert text in self.log, f"no {text!r} in:\n{self.log}"
        return self


def parse_outputs(text):
    """Parses GITHUB_OUTPUT, in which this action writes lines NAME=VALUE only."""
    lines = [line.split("=", 1) for line in text.splitlines()]
    assert all(len(line) == 2 for line in lines), text
    assert len({name for name, _ in lines}) == len(lines), text
    return dict(lines)


def until_exists(path):
    end = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < end, f"no {path}"
        time.sleep(0.01)


QUICK = "max_tries=2\nsleep_time=0\n\nretry_jitter=0\nhalt_codes=\n"


def a_chain_that_finishes():
    job = Job(_1_a="echo from a", _2_b="echo from b")
    job.run(0, "finished").log_has("from a\n", "from b\n").summary_has("finished", "`2-b`")
    assert job.outputs["status"] == "0"
    assert job.outputs["run"] in job.summary
    assert re.fullmatch(r"[0-9TZ.]+-[0-9a-f]{8}", job.outputs["run"]), job.outputs


def a_chain_that_fails():
    job = Job(_1_a="true", _2_b="printf 'one\\n```\\n::error::two\\n'; exit 7", _3_c="true")
    job.run(1, "gave-up", set=QUICK + "log_dir=logs")
    job.summary_has("gave up: `2-b` exited with 7 (2 of 2 tries)", "not reached: `3-c`", "::error::two")
    assert job.outputs["status"] == "1"
    for code, end in ((2, "halted"), (3, "stopped")):
        Job(_1_a=f"exit {code}").run(code, end, set="stop_codes=3").summary_has(end)


def failures_that_are_not_required():
    job = Job(_1_a="exit 1", _2_b="true")
    job.run(4, "finished-with-failures", set="required=no\nmax_tries=1").summary_has("`1-a`")
    job.run(0, "finished-with-failures", set="required=no\nmax_tries=1", allow_failures="true")
    assert job.outputs["status"] == "4"
    # It allows nothing else.
    Job(_1_a="exit 1").run(1, "gave-up", set="max_tries=1", allow_failures="true")


def starts_that_are_refused():
    job = Job(_1_a="touch started")
    job.file("wrong.cfg", "[runner]\nmax_tries = five\n")
    job.run(78, "refused", config="wrong.cfg").log_has("wrong.cfg:2:")
    job.summary_has("no report (exit status 78)")
    assert job.outputs["run"] == ""
    job.run(66, "refused", taskdir="nowhere").summary_has("no report (exit status 66)")
    job.file("empty.d/.keep", "")
    job.run(66, "refused", taskdir="empty.d").log_has("no task in `empty.d`").summary_has("66")
    job.run(64, "refused", taskdir="")
    job.run(127, "refused", program="no-such-program").summary_has("no report (exit status 127)")
    job.run(64, None, set="state_dir = x").log_has("input state-dir")
    assert not (job.workspace / "started").exists()


def places_of_the_state():
    job = Job(_1_a="echo again >>starts")
    job.file("once.cfg", "[runner]\nstate_dir = from config\n[a]\nfrequency = once\n")
    # The journal of the configuration has the marks of the first run.
    job.run(0, "finished", config="once.cfg").summary_has("`1-a`")
    job.run(0, "finished", config="once.cfg")
    assert (job.workspace / "starts").read_text() == "again\n"
    job.run(0, "finished", config="once.cfg", state_dir="from input")
    for name in ("from config", "from input"):
        assert (job.workspace / name / "journal.jsonl").exists(), name
    # An earlier run is not the run of a step that was refused.
    job.run(78, "refused", config="once.cfg", set="max_tries=five").summary_has("refused")
    assert job.outputs["run"] == ""
    # Each step has its own directory.
    job.file("other.d/1-b", "#!/bin/sh\n").chmod(0o755)
    job.run(0, "finished")
    job.run(0, "finished", taskdir="other.d")


def inputs_that_look_like_code():
    hostile = [
        "$(touch pwned)", "`touch pwned`", "; touch pwned", "' touch pwned '", '" && touch pwned "',
        "--insecure", "-h", "--", "a\nb=$(touch pwned)", "runner-report", "*", "${{ inputs.taskdir }}", "END\ntouch pwned",
    ]
    for text in hostile:
        job = Job(_1_a="true")
        job.run(66, "refused", taskdir=text)
        job.run(78, "refused", config=text)
        job.run(127, "refused", program=text)
        job.run(64, "refused", set=text)
        job.run(78, "refused", set="max_tries=" + text.replace("\n", " "))
        job.run(0, "finished", state_dir=text)
        assert (job.workspace / text / "journal.jsonl").exists(), text
        job.run(0, "finished", allow_failures=text)
        # A directory can have these characters in its name.
        job = Job()
        job.file(f"{text}/1-a", "#!/bin/sh\necho it ran\n").chmod(0o755)
        job.run(0, "finished", taskdir=text).log_has("it ran")
        assert not list(job.top.rglob("pwned")), text


def names_that_look_like_answers():
    job = Job(_1_a="true")
    job.task('2-","state":"other","run":{"run":"other"}', "exit 1")
    job.run(1, "gave-up", set="max_tries=1")
    assert "other" not in job.outputs["run"], job.outputs


def tasks_see_the_environment_of_the_job():
    job = Job(_1_a='echo "$CI, $GITHUB_WORKSPACE, $RUNNER_TEMP, $PWD, $RUNNER_TASK"')
    place = job.workspace
    job.task("2-signal", "sh -c 'kill -INT $$'; echo \"a child ended with $?\"")
    job.run(0, "finished").log_has("a child ended with 130\n").log_has(f"true, {place}, {job.top}/temp, {place}, 1-a\n")


def a_job_that_is_cancelled():
    job = Job(_1_a="trap 'touch cleaned; exit 1' TERM; touch ready; while :; do sleep 0.1; done", _2_b="true")
    job.run(143, "interrupted", cancel_at="ready").summary_has("`1-a`", "not reached")
    assert (job.workspace / "cleaned").exists()


def a_job_that_is_cancelled_during_the_report():
    job = Job(_1_a="true")
    # The signal comes while the report is written.
    job.file("program", '''#!/bin/sh
case "$*" in *md) touch reporting; sleep 0.5 ;; esac
exec runner "$@"
''').chmod(0o755)
    job.run(0, "finished", program="./program", cancel_at="reporting").summary_has("`1-a`")


def a_summary_that_cannot_be_written():
    job = Job(_1_a="exit 3")
    job.run(3, "stopped", set="stop_codes=3", full_summary=True).log_has("the summary cannot be written")


def root_in_a_container():
    if os.geteuid() != 0:
        sys.exit("only root can run the story of a container")
    job = Job(_1_a="id -u")
    for path in (job.workspace, job.workspace / "tasks.d", job.workspace / "tasks.d/1-a", job.top / "temp"):
        os.chown(path, OTHER_USER, OTHER_USER)
    job.run(78, "refused").log_has("refusing")
    job.run(0, "finished", trust_owner=str(OTHER_USER)).log_has("0\n")


def a_long_summary():
    job = Job()
    for number in range(1500):
        job.task(f"{number}-{'x' * 200}", "exit 1")
    job.run(4, "finished-with-failures", set="required=no\nmax_tries=1\nlog_dir=logs")
    assert len(job.summary) > 100_000


def the_page():
    """The tables are those of action.yml, and the workflow of the page runs."""
    for name, each in ACTION["inputs"].items():
        default = f"`{each['default']}`" if each.get("default") else ""
        row = f"| `{name}` | {default} | {each['description']} |"
        assert row in PAGE, row
    for name, each in ACTION["outputs"].items():
        row = f"| `{name}` | {each['description']} |"
        assert row in PAGE, row
    job = Job()
    files = dict(re.findall(r"^```\w+ (\S+)\n(.*?)^```$", PAGE, re.M | re.S))
    workflow = yaml.safe_load(files.pop(".github/workflows/build.yml"))
    for name, text in files.items():
        job.file(name, text).chmod(0o755)
    steps = workflow["jobs"]["build"]["steps"]
    [step] = [step for step in steps if step.get("uses") == "./runner"]
    given = {name.replace("-", "_"): value for name, value in step["with"].items()}
    job.run(0, "finished", **given).summary_has("`2-build`")
    outputs = set(re.findall(r"steps\.chain\.outputs\.(\w+)", PAGE))
    assert outputs and outputs <= ACTION["outputs"].keys(), outputs


for story in (
    a_chain_that_finishes, a_chain_that_fails, failures_that_are_not_required, starts_that_are_refused,
    places_of_the_state, inputs_that_look_like_code, names_that_look_like_answers,
    tasks_see_the_environment_of_the_job, a_job_that_is_cancelled,
    a_job_that_is_cancelled_during_the_report, a_summary_that_cannot_be_written, root_in_a_container, a_long_summary, the_page,
):
    started = time.monotonic()
    story()
    print(f"{time.monotonic() - started:4.1f} s  {story.__name__.replace('_', ' ')}", flush=True)
