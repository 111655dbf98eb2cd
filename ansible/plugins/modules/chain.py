#!/usr/bin/python
# SPDX-License-Identifier: MIT OR Apache-2.0

"""Starts the chain of a task directory and follows it.

The runner has a session of its own and writes to a file, so it does not need this module or its
connection. Everything that the module knows about a run comes from the JSON of `runner-report`.
"""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: chain
short_description: Run a task directory with runner
description:
  - Starts the chain of a task directory, waits for its end, and returns what became of it.
  - The runner does not end with the module. If the connection breaks, the chain continues, and the
    next call follows it.
  - The configuration needs a C(state_dir).
  - Tasks run in the working directory C(/). The output of the runner and of the tasks that do not
    have a C(log_dir) is in C(ansible/) in the state directory, for the last 10 starts, readable by
    the user of the chain only.
version_added: 0.1.0
author:
  - The authors of runner
options:
  taskdir:
    description: The task directory.
    type: path
    required: true
  config:
    description: The configuration file.
    type: path
  set:
    description: Settings of the section C([runner]) that replace those of I(config).
    type: dict
    default: {}
  program:
    description: The program. Its name is enough if it is in C(PATH).
    type: str
    default: runner
  timeout:
    description:
      - Maximum time to follow the chain, in seconds, greater than 0. Then the module fails with
        C(rc=124), and the chain continues.
      - Without it, the limits of the chain are the only ones.
    type: float
  attach:
    description:
      - If the tasks are running already, follow that run.
      - With C(false) this is a failure, with C(rc=75).
    type: bool
    default: true
  allow_optional:
    description: Succeed if only tasks failed that are not required (status 4).
    type: bool
    default: false
  allow_halt:
    description: Succeed if a task requested a halt (status 2).
    type: bool
    default: false
requirements:
  - Python 3.6 or later
attributes:
  check_mode:
    support: full
    description:
      - Starts nothing and writes nothing. Fails where C(runner --check) does, also for warnings, and
        returns the tasks that would start.
  diff_mode:
    support: none
    description: Returns no difference.
  platform:
    support: full
    description: Linux.
    platforms: linux
"""

EXAMPLES = r"""
- name: Make the machine ready
  runner.fleet.chain:
    taskdir: /etc/runner/tasks.d
    config: /etc/runner/runner.cfg

- name: Make the machine ready, with one more minute for a chain that is running already
  runner.fleet.chain:
    taskdir: /etc/runner/tasks.d
    config: /etc/runner/runner.cfg
    set:
      max_tries: 2
      jobs: 4
    timeout: 60
    allow_optional: true
"""

RETURN = r"""
rc:
  description:
    - The exit status of the run, as in C(runner --help).
    - 124 if it is still running after I(timeout). A run that was cut off has 1, or 128 and the signal.
  type: int
  returned: when the chain was started or followed, or was refused
  sample: 0
end:
  description:
    - C(finished), C(finished-with-failures), C(gave-up), C(out-of-time), C(halted), C(stopped),
      C(interrupted), C(halts-used-up), C(cut-off) or C(running), as C(state) in the JSON of
      C(runner-report).
    - C(refused) if there was no run.
  type: str
  returned: with C(rc)
  sample: finished
ready:
  description: Whether the chain finished, also with failures of tasks that are not required.
  type: bool
  returned: with C(rc)
run:
  description: The id of the run, or null if the journal does not have it.
  type: str
  returned: with C(rc)
  sample: 20261124T060000.000Z-da2e7952
attached:
  description: Whether another process had started the run.
  type: bool
  returned: with C(rc)
tries:
  description: The tries of the chain.
  type: int
  returned: with C(rc)
elapsed:
  description: The duration of the run in seconds, up to now if it is running.
  type: float
  returned: with C(rc)
failed_tasks:
  description: The tasks whose last result was a failure.
  type: list
  elements: str
  returned: with C(rc)
not_reached:
  description: The tasks that did not start.
  type: list
  elements: str
  returned: with C(rc)
fingerprint:
  description: The same text on machines with the same tasks and settings.
  type: str
  returned: with C(rc)
  sample: 3f2a91c0b7de
host:
  description: The host name in the journal.
  type: str
  returned: with C(rc)
state_dir:
  description: The directory of the journal.
  type: str
  returned: with C(rc)
output:
  description: The file with the output of the runner, or null if another process had started it.
  type: str
  returned: with C(rc)
would_start:
  description: The tasks that would start, in the order of the chain.
  type: list
  elements: str
  returned: in check mode
"""

import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
import time

from ansible.module_utils.basic import AnsibleModule

# Exit statuses.
FINISHED = 0
HALTED = 2
FINISHED_WITH_FAILURES = 4
NO_INPUT = 66
BUSY = 75
TIME_UP = 124

# The end of a run that the journal does not have, by its status. Others are refused starts.
ENDS = {
    FINISHED: "finished",
    1: "gave-up",
    HALTED: "halted",
    3: "stopped",
    FINISHED_WITH_FAILURES: "finished-with-failures",
    TIME_UP: "running",
}

# Names of the output files.
OUTPUT = re.compile(r"([1-9][0-9]{0,17})\.log\Z")

# Number of output files to keep, with the new one.
KEEP = 10

# Maximum time until a runner that has the lock has written the start of its run.
START_SECONDS = 5


class Chain:
    """The commands of the runner for one task directory."""

    def __init__(self, module):
        self.module = module
        self.program = module.get_bin_path(module.params["program"])
        if self.program is None:
            module.fail_json(msg="`%s` is not in PATH" % module.params["program"])
        self.options = []
        if module.params["config"]:
            self.options += ["-c", os.path.abspath(module.params["config"])]
        for key, value in module.params["set"].items():
            if isinstance(value, bool):
                value = "yes" if value else "no"
            self.options += ["--set", "%s=%s" % (key, value)]
        self.taskdir = os.path.abspath(module.params["taskdir"])
        self.state_dir = None

    def run(self, *arguments):
        # Not expanded, as at the start.
        command = [self.program] + list(arguments)
        return self.module.run_command(command, cwd="/", expand_user_and_vars=False)

    def ask(self, option):
        """Returns what `runner --json` answers about the tasks. Without an answer, the module fails."""
        status, answer, errors = self.run(*(self.options + [option, "--json", self.taskdir]))
        try:
            return json.loads(answer)
        except ValueError:
            self.module.fail_json(
                msg="`runner %s` failed: %s" % (option, errors.strip()), rc=status
            )

    def check(self):
        """Fails if nothing would start; in check mode also for warnings."""
        check = self.ask("--check")
        problems = [problem for problem in check["problems"] if problem["severity"] != "note"]
        status = check["status"]
        if status <= 1 and check["tasks"] == 0:
            # The runner would finish.
            status = NO_INPUT
        if status > (0 if self.module.check_mode else 1):
            message = "\n".join(text(problem) for problem in problems)
            self.module.fail_json(msg=message, **result(status, None, end="refused"))
        for problem in problems:
            self.module.warn(text(problem))

    def plan(self):
        """Returns the tasks that would start, and learns the state directory."""
        plan = self.ask("--dry-run")
        setting = plan["settings"]["state_dir"]
        if not setting["value"]:
            self.module.fail_json(
                msg="there is no `state_dir`, so the run could not be followed: set it in `[runner]`"
            )
        # A path in a file is relative to that file, and one of `set` to the working directory.
        origin = setting["origin"].rpartition(":")[0]
        self.state_dir = os.path.join("/", os.path.dirname(origin), setting["value"])
        return [task["task"] for task in plan["tasks"] if task["done"] is None]

    def report(self, run):
        """Returns the report of a run, or `None` if there is no such run."""
        where = ["--state-dir", self.state_dir, "--run", run, "--format", "json"]
        status, answer, errors = self.run("runner-report", *where)
        if status == NO_INPUT:
            return None
        if status != 0:
            self.module.fail_json(msg="`runner-report` failed: %s" % errors.strip(), rc=status)
        return json.loads(answer)["run"]

    def follow(self, run, seconds):
        """Waits for the end of a run that another process started. Returns its status."""
        limit = [] if seconds is None else ["--timeout", "%.3f" % max(seconds, 0)]
        where = ["--state-dir", self.state_dir, "--wait", "--run", run]
        return positive(self.run("runner-report", *(where + limit))[0])

    def start(self, output):
        """Starts the runner, which has no part in the session and the pipes of this process."""
        return subprocess.Popen(
            [self.program] + self.options + [self.taskdir],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run_of(self, pid, before):
        """Returns the report of the run of a process, which is later than the run `before`.

        Without a run of that process, which can be a script that has started the runner, it is the
        newest run.
        """
        newest = None
        for back in itertools.count(1):
            run = self.report("-%d" % back)
            if run is None or run["run"] == before:
                return newest
            if run["pid"] == pid:
                return run
            newest = newest or run

    def run_of_lock(self, before):
        """Returns the id of the run that prevented a start, or `None` if it has none (`--only`)."""
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            run = self.report("-1")
            if run and (run["state"] == "running" or run["run"] != before):
                return run["run"]
            time.sleep(0.1)
        return None

    def open_output(self):
        """Creates the file for the output, and removes the oldest ones. Returns path and descriptor."""
        directory = os.path.join(self.state_dir, "ansible")
        os.makedirs(self.state_dir, 0o755, exist_ok=True)
        os.makedirs(directory, 0o700, exist_ok=True)
        # Numbers, because a clock can be set back.
        names = map(OUTPUT.match, os.listdir(directory))
        numbers = sorted(int(name.group(1)) for name in names if name)
        for number in numbers[: 1 - KEEP]:
            # Another module can remove it at the same time, and it can be a directory.
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(directory, "%d.log" % number))
        for number in itertools.count(numbers[-1] + 1 if numbers else 1):
            path = os.path.join(directory, "%d.log" % number)
            with contextlib.suppress(FileExistsError):
                return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)


def positive(status):
    """Returns the exit status that a shell has for a process that a signal ended."""
    return status if status >= 0 else 128 - status


def text(problem):
    where = "%s: " % problem["origin"] if problem["origin"] else ""
    hint = " (%s)" % problem["hint"] if problem["hint"] else ""
    return where + problem["message"] + hint


def result(rc, run, **more):
    """Returns the values for the caller. `run` is the report of the run, or `None`."""
    end = "interrupted" if rc > 128 else ENDS.get(rc, "refused")
    values = dict(
        rc=rc,
        end=run["state"] if run else end,
        ready=rc in (FINISHED, FINISHED_WITH_FAILURES),
        run=run and run["run"],
        attached=False,
        tries=run and run["try_num"],
        elapsed=run and run["elapsed"],
        failed_tasks=run["failed"] if run else [],
        not_reached=run["not_reached"] if run else [],
        fingerprint=run and run["fingerprint"],
        host=run and run["host"],
        state_dir=None,
        output=None,
    )
    values.update(more)
    return values


def has_started_a_task(run):
    return any(task["starts"] and task["outcome"] != "not-started" for task in run["tasks"])


def reason(values, run):
    """Returns the reason for a failure. Without a report that is the end of the output."""
    if run is None:
        return "\n".join(read(values["output"]).splitlines()[-20:])
    message = "run %s: %s" % (values["run"], values["end"])
    for task in run["tasks"]:
        if task["task"] == run["task"]:
            message += " by `%s` (%s)" % (task["task"], task["outcome"])
    if values["failed_tasks"]:
        message += "; failed: %s" % ", ".join(values["failed_tasks"])
    if values["not_reached"]:
        message += "; not reached: %s" % ", ".join(values["not_reached"])
    return message + "; `runner-report --state-dir %s --run %s` shows more" % (
        values["state_dir"],
        values["run"],
    )


def read(path):
    if path is None:
        return "the run is not in the journal any more"
    try:
        with open(path, errors="replace") as file:
            return file.read().strip()
    except OSError as error:
        return "the output of the runner cannot be read: %s" % error


def follow_or_start(chain):
    """Follows the current run, or starts one. Returns the values, the report, and the output."""
    params = chain.module.params
    deadline = None if params["timeout"] is None else time.monotonic() + params["timeout"]

    def attach(run):
        if not params["attach"]:
            message = "run %s is running already" % run
            chain.module.fail_json(msg=message, **result(BUSY, None, state_dir=chain.state_dir))
        rc = chain.follow(run, None if deadline is None else deadline - time.monotonic())
        return rc, chain.report(run), dict(attached=True)

    last = chain.report("-1")
    if last and last["state"] == "running":
        return attach(last["run"])
    before = last and last["run"]
    try:
        path, output = chain.open_output()
        child = chain.start(output)
    except OSError as error:
        chain.module.fail_json(msg="cannot start the runner: %s" % error)
    os.close(output)
    try:
        rc = positive(child.wait(params["timeout"]))
    except subprocess.TimeoutExpired:
        rc = TIME_UP
    if rc == BUSY:
        message = read(path)
        with contextlib.suppress(OSError):
            os.unlink(path)
        run = chain.run_of_lock(before)
        if run:
            return attach(run)
        chain.module.fail_json(msg=message, **result(BUSY, None, state_dir=chain.state_dir))
    has_run = rc in ENDS or rc > 128
    return rc, chain.run_of(child.pid, before) if has_run else None, dict(output=path)


def main():
    options = dict(
        taskdir=dict(type="path", required=True),
        config=dict(type="path"),
        set=dict(type="dict", default={}),
        program=dict(type="str", default="runner"),
        timeout=dict(type="float"),
        attach=dict(type="bool", default=True),
        allow_optional=dict(type="bool", default=False),
        allow_halt=dict(type="bool", default=False),
    )
    try:
        module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    except UnicodeEncodeError as error:
        # Ansible writes the parameters to syslog in UTF-8.
        print(json.dumps(dict(failed=True, msg="a parameter is not UTF-8: %s" % error)))
        sys.exit(1)
    timeout = module.params["timeout"]
    if timeout is not None and not 0 < timeout < float("inf"):
        module.fail_json(msg="`timeout` must be greater than 0, not %s" % timeout)
    chain = Chain(module)
    chain.check()
    would_start = chain.plan()
    if module.check_mode:
        module.exit_json(changed=bool(would_start), would_start=would_start)
    rc, run, more = follow_or_start(chain)
    values = result(rc, run, state_dir=chain.state_dir, **more)
    values["changed"] = has_started_a_task(run) if run else values["end"] != "refused"
    allowed = {FINISHED}
    allowed |= {FINISHED_WITH_FAILURES} if module.params["allow_optional"] else set()
    allowed |= {HALTED} if module.params["allow_halt"] else set()
    if run is None and values["end"] != "refused":
        module.warn("the journal in `%s` does not have this run" % chain.state_dir)
    if rc in allowed:
        # Ansible takes every other `rc` than 0 for a failure.
        module.exit_json(failed=False, **values)
    module.fail_json(msg=reason(values, run), **values)


if __name__ == "__main__":
    main()
