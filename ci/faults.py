#!/usr/bin/env python3
"""Faults that need more than a shell: terminals, process 1, refused system calls,
processes that cannot be killed.

    faults.py [--quick] [--jobs JOBS] [--only NAME]... RUNNER

Each case has its own directory, a chain of misbehaving tasks, and a variable in the
environment of all its processes. After the case no such process may be alive, and no
zombie may be left. A case that this machine cannot run is skipped, with the reason.

`--quick` does less work in the slow cases. Bounds on time are wide: they find broken
behaviour, not slow machines.
"""

import argparse
import contextlib
import ctypes
import itertools
import os
import pty
import random
import resource
import select
import shutil
import signal
import socket
import statistics
import stat as modes
import struct
import subprocess
import sys
import tempfile
import time
import traceback

# Faults of a task or of another process, and their tests: a case in this file, a story in
# tests/, or none with the reason.
FAULTS = """
 1 | runs past its limit                   | case overshoot, story a_limit_ends_the_whole_group
 2 | ignores SIGTERM                       | story a_task_that_ignores_sigterm_is_killed_after_the_grace
 3 | exits with 0 when its limit ends it   | story a_task_ended_by_its_limit_is_timed_out_with_any_exit_code
 4 | its child ignores SIGTERM             | story a_member_that_ignores_sigterm_is_killed_after_its_leader_has_ended, story the_group_can_use_the_grace_to_clean_up_after_its_leader_has_ended
 5 | leaves a daemon and hangs             | story a_limit_ends_the_daemons_of_a_task_and_none_of_an_earlier_one, case setuid_orphan, case orphan_without_an_environment, case starts_beside_a_limit
 6 | starts 200 daemons and hangs          | case two_hundred_daemons, case forking_daemon_in_the_group, case forking_daemon_across_sessions, case forking_daemon_that_is_a_leftover
 7 | leaves a child with its output        | story leftovers_in_the_group_are_named_and_left_alone, story a_child_that_holds_the_output_does_not_delay_the_status
 8 | leaves a daemon with its output       | story a_daemon_that_left_the_group_is_left_alone, case earlier_daemons
 9 | leaves a child that keeps writing     | case chatty_child
10 | closes its output and continues       | case no_wake_ups, story a_task_that_closes_its_output_is_still_waited_for
11 | its output goes through a filter      | case output_through_a_filter, story a_process_that_ends_within_the_leak_time_is_not_a_leftover
12 | stops itself                          | story a_stopped_task_is_ended_at_its_limit
13 | reads the terminal                    | case reads_the_terminal
14 | sets the terminal                     | case sets_the_terminal
15 | Ctrl-C                                | case ctrl_c, case ctrl_c_in_a_start
16 | Ctrl-C, and the task ignores it       | case ctrl_c_ignored, story a_signal_goes_to_the_whole_group_and_survivors_are_killed_after_the_grace
17 | Ctrl-C twice                          | case ctrl_c_ignored, story a_second_signal_kills
18 | a third signal                        | case ctrl_c_ignored, story a_third_signal_ends_the_runner_at_once
19 | SIGTERM or SIGHUP to the runner       | story sigterm_is_passed_on, story sighup_is_passed_on, case terminal_goes_away
20 | Ctrl-Z and fg                         | case ctrl_z, case ctrl_z_in_a_wait, case ctrl_z_in_a_grace, case ctrl_z_rapidly, case ctrl_z_in_a_namespace
21 | nohup                                 | case ignored_signals, story an_ignored_signal_stays_ignored
22 | a signal in the wait for a retry      | story a_signal_ends_the_wait_before_a_retry, story a_signal_ends_the_wait_between_two_runs
23 | a signal between tasks, or in a hook  | story a_signal_ends_the_hook_before_a_task_and_the_task_does_not_start, story the_post_hook_of_an_interrupted_task_has_its_time
24 | nobody reads our output               | case nobody_reads_stdout, case nobody_reads_stderr, case nobody_reads_syslog, case nobody_reads_a_terminal
25 | our output is closed                  | case closed_output, case broken_pipe
26 | prints a gigabyte without a newline   | case gigabyte_without_a_line_end
27 | prints no UTF-8, no last newline      | story stdout_and_stderr_are_those_of_the_runner
28 | SIGCHLD is ignored at the start       | case ignored_sigchld, story a_status_is_known_although_sigchld_was_ignored
29 | SIGTERM is blocked at the start        | case blocked_sigterm
30 | its file is open for writing          | story a_start_waits_briefly_for_a_file_that_is_being_written, story a_file_that_stays_open_for_writing_does_not_start
31 | its file cannot be executed           | story a_failed_start_is_reported_in_a_sentence, story a_link_that_leads_to_itself_does_not_start
32 | a variable with no or a wrong name    | story a_variable_without_a_name_is_an_error
33 | more than 128 KiB for a hook          | none: the JSON holds a file name, which has at most 255 bytes; story an_environment_that_is_too_long_is_reported
34 | a hook hangs                          | story a_hook_that_hangs_is_ended_at_its_limit
35 | no descriptors or processes left      | case few_descriptors, case no_descriptor_for_a_pidfd, case few_processes, case many_tasks, case many_faults
36 | dies of a signal                      | story an_end_by_a_signal_is_a_failure_with_the_name_of_the_signal
37 | orphans of process 1                  | case process_1_reaps, case process_1_reaps_in_a_grace, case process_1_reaps_after_a_start, case statuses_beside_orphans, case orphans_of_quick_tasks
38 | SIGTERM to process 1                  | case process_1_gets_sigterm, case process_1_ends_daemons, case process_1_and_a_deaf_daemon
39 | one of several runs past its limit    | story a_limit_of_one_task_does_not_affect_the_others, story a_signal_is_passed_on_to_all_tasks
40 | kills its own group                   | story a_task_that_ends_its_own_group_ends_nothing_else
41 | kills the runner                      | case kills_the_runner
42 | changes its group or the terminal's   | case changes_its_group, case takes_the_terminal
43 | limits of 0, 0.05 and 10^12 seconds   | case odd_limits, story huge_times_mean_no_limit
44 | reads stdin                           | story stdin_is_empty_whatever_the_runner_has
45 | removes the directory it runs in      | case removes_the_directory
46 | 2000 tasks that do nothing            | none: benches/measure.py holds the time per task against its floor
47 | starts cost system calls              | case system_calls
 + | SIGKILL does not end it               | case frozen, case frozen_orphan, case orphan_that_ends_during_the_last_check, case frozen_leftover, case frozen_and_signals, case dead_file_system
 + | a debugger holds it                   | story a_task_that_a_debugger_holds_is_named_and_the_run_gives_up, story a_signal_does_not_wait_for_a_debugger, story no_status_is_lost_when_a_debugger_detaches
 + | its user may not see it (hidepid)     | case hidden_from_its_user, case hidden_orphan, case hidden_leftover
 + | the system does not let it wait       | case poll_is_forbidden, case fewer_descriptors_than_are_polled
 + | nothing is mounted at /dev            | case no_dev
 + | its output goes to a file             | case logs_are_the_output_itself, case logs_when_the_clock_was_set_back
 + | that file cannot be written           | case log_dir_that_cannot_be_created, case full_disk
"""

ROOT = os.geteuid() == 0
LIBC = ctypes.CDLL(None, use_errno=True)
INTERRUPT, SUSPEND = b"\x03", b"\x1a"


class Skip(Exception):
    """This machine cannot run the case."""


# Processes, as /proc shows them.


class Process:
    def __init__(self, pid):
        with open(f"/proc/{pid}/stat", errors="replace") as file:
            before, _, after = file.read().rpartition(")")
        self.pid, self.name = pid, before.partition(" (")[2]
        fields = after.split()
        self.state, self.parent, self.group = fields[0], int(fields[1]), int(fields[2])
        self.ticks = int(fields[11]) + int(fields[12])

    def __repr__(self):
        return f"{self.pid} {self.name} ({self.state})"


def processes():
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                yield Process(int(name))


def process(pid):
    """Returns the process with this number, or None."""
    with contextlib.suppress(OSError, IndexError):
        return Process(pid)
    return None


def lives(pid):
    found = process(pid)
    return found is not None and found.state not in "ZX"


def status_of(path, key):
    with open(path) as file:
        for line in file:
            if line.startswith(key + ":"):
                return line.split()[1]
    raise AssertionError(f"no {key} in {path}")


def until(what, true, timeout=10.0):
    """Waits until `true()` returns a true value, and returns that value."""
    end = time.monotonic() + timeout
    while True:
        value = true()
        if value:
            return value
        assert time.monotonic() < end, f"{what}: not within {timeout} s"
        time.sleep(0.01)


# A case and its runner.


class Case:
    numbers = itertools.count(1)

    def __init__(self, binary, quick):
        self.binary, self.quick = binary, quick
        self.dir = tempfile.mkdtemp(prefix="faults-")
        os.chmod(self.dir, 0o755)
        os.mkdir(self.path("tasks.d"))
        self.cookie = f"FAULT={os.getpid()}.{next(self.numbers)}"
        outer = os.environ.items()
        self.env = {name: value for name, value in outer if not name.startswith("RUNNER_")}
        self.env["FAULT"] = self.cookie.partition("=")[2]
        # A user id that probably no other process has.
        self.nobody = 60000 + os.getpid() % 4000
        self.cleanup = contextlib.ExitStack()
        self.settings, self.tasks = "cfg", "tasks.d"
        self.runners, self.shells = [], set()
        self.config("sleep_time = 0", "retry_jitter = 0", "max_tries = 1")

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, text, mode=0o644):
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def read(self, name):
        with contextlib.suppress(FileNotFoundError):
            with open(self.path(name), errors="replace") as file:
                return file.read()
        return ""

    def lines(self, name):
        return self.read(name).splitlines()

    def task(self, name, body=""):
        self.write(f"tasks.d/{name}", f"#!/bin/sh\n{body}\n", 0o755)

    def python(self, name, body):
        head = f"#!{sys.executable}\nimport os, signal, sys, time\n"
        self.write(f"tasks.d/{name}", head + body, 0o755)

    def hook(self):
        """Adds a hook that writes its variables to the file `results`."""
        variables = '"$RUNNER_HOOK $RUNNER_TASK $RUNNER_RESULT $RUNNER_OUTCOME $RUNNER_ELAPSED"'
        self.write("hook", f"#!/bin/sh\necho {variables} >>results\n", 0o755)
        self.config("task_hook = ./hook")

    def results(self):
        """Returns (task, result, outcome, elapsed) of each task that has ended."""
        lines = [line.split() for line in self.lines("results") if line.startswith("post ")]
        return [(task, result, outcome, float(ran)) for _, task, result, outcome, ran in lines]

    def config(self, *lines):
        if not os.path.exists(self.path("cfg")):
            self.write("cfg", "[runner]\n")
        with open(self.path("cfg"), "a") as file:
            file.writelines(line + "\n" for line in lines)

    def command(self, args):
        return [self.binary, "-c", self.settings, *args, self.tasks]

    def start(self, *args, before=(), last=(), name="", **more):
        """Starts the runner with the words `before` before its command line and `last`
        after it. Its output goes to files whose names begin with `name`."""
        runner = Runner(self, [*before, *self.command(args), *last], name, more)
        self.runners.append(runner)
        return runner

    def run(self, *args, timeout=30, **more):
        return self.start(*args, **more).wait(timeout)

    def until(self, name, text="", timeout=10):
        """Waits until the file exists and contains this text."""
        there = lambda: os.path.exists(self.path(name)) and text in self.read(name)
        until(f"{text!r} in {name}", there, timeout)

    def unprivileged(self):
        """Returns the words that start a command as an unprivileged user, who becomes the
        owner of the directory of the case."""
        if not ROOT:
            return []
        binary = self.path("runner")
        if self.binary != binary:
            shutil.copy(self.binary, binary)
            self.binary = binary
        for directory, _, files in os.walk(self.dir):
            for name in [".", *files]:
                os.lchown(os.path.join(directory, name), self.nobody, self.nobody)
        return ["setpriv", f"--reuid={self.nobody}", f"--regid={self.nobody}", "--clear-groups"]

    def left(self):
        """Returns the living processes of this case."""
        cookie = self.cookie.encode()
        found = []
        for there in processes():
            with contextlib.suppress(OSError):
                with open(f"/proc/{there.pid}/environ", "rb") as file:
                    if cookie in file.read().split(b"\0"):
                        found.append(there)
        return found

    def kill_left(self):
        """Kills the remaining processes of this case, in any state."""
        end = time.monotonic() + 10
        while time.monotonic() < end:
            left = self.left()
            for there in left:
                with contextlib.suppress(OSError):
                    os.kill(there.pid, signal.SIGKILL)
            reap_orphans()
            # Processes that were orphaned just now become zombies a moment later.
            mine = [there for there in processes() if there.parent == os.getpid()]
            if not left and all(there.pid in self.shells for there in mine):
                break
            time.sleep(0.005)

    def reap_left(self, what):
        """Waits until the remaining processes have ended by themselves, and reaps them."""
        until(what, lambda: not self.left())
        self.kill_left()

    def nothing_left(self):
        """Asserts that no process and no zombie of this case remains. A killed process has
        one second to disappear."""
        with contextlib.suppress(AssertionError):
            until("", lambda: not self.left(), 1)
        assert not self.left(), f"left: {self.left()}"
        mine = [there for there in processes() if there.parent == os.getpid()]
        zombies = [there for there in mine if there.pid not in self.shells]
        reap_orphans()
        assert not zombies, f"nobody had waited for {zombies}"

    def close(self):
        for runner in self.runners:
            if runner.popen.poll() is None:
                runner.popen.kill()
                runner.popen.wait()
        self.cleanup.close()
        self.kill_left()
        shutil.rmtree(self.dir, ignore_errors=True)


def reap_orphans():
    """Reaps the orphans of the runners, whose parent is this process."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass


class Runner:
    def __init__(self, case, command, name, more):
        self.case, self.name = case, name
        kept = {}
        for output in ("stdout", "stderr"):
            case.write(name + output, "")
            if output not in more:
                more[output] = kept[output] = open(case.path(name + output), "wb")
        more = {"stdin": subprocess.DEVNULL, "cwd": case.dir, "start_new_session": True, **more}
        self.clock = time.monotonic()
        self.popen = subprocess.Popen(command, env=case.env, **more)
        for file in kept.values():
            file.close()
        self.found = None

    @property
    def pid(self):
        """Process number of the runner, which can be a descendant of the started process."""
        if self.found is None:
            binary = os.path.realpath(self.case.binary)
            self.found = until("a runner", lambda: find(binary, self.popen.pid))
        return self.found

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout=30):
        end = os.pidfd_open(self.popen.pid)
        try:
            over = not select.select([end], [], [], timeout)[0]
        finally:
            os.close(end)
        assert not over, f"the runner still runs after {timeout} s:\n{doing(self.pid)}"
        elapsed = time.monotonic() - self.clock
        return Ended(self.case, self.name, self.popen.wait(), elapsed)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def zombies(self):
        return [child for child in processes() if child.parent == self.pid and child.state == "Z"]

    def switches(self):
        """Returns how often the threads of the runner went to sleep."""
        tasks = f"/proc/{self.pid}/task"
        paths = [f"{tasks}/{task}/status" for task in os.listdir(tasks)]
        return sum(int(status_of(path, "voluntary_ctxt_switches")) for path in paths)


def find(binary, pid):
    with contextlib.suppress(OSError):
        if os.path.realpath(f"/proc/{pid}/exe") == binary:
            return pid
    below = (find(binary, child.pid) for child in processes() if child.parent == pid)
    return next((found for found in below if found), None)


def doing(pid):
    """Describes the state of the threads and the children of a process."""
    lines = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            words = []
            for name in ("comm", "wchan", "syscall"):
                with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/{name}") as file:
                    words.append(file.read().strip())
            state = status_of(f"/proc/{pid}/task/{task}/status", "State")
            lines.append(f"thread {task} {state} {' '.join(words)}")
    lines += [f"child {child}" for child in processes() if child.parent == pid]
    return "\n".join(lines)


class Ended:
    def __init__(self, case, name, status, elapsed):
        self.status, self.elapsed = status, elapsed
        self.stderr, self.stdout = case.read(name + "stderr"), case.read(name + "stdout")
        assert "panicked" not in self.stderr, "panicked"

    def must(self, status, *said, within=None):
        """Asserts the exit status, texts in stderr, and the maximum time in seconds."""
        assert self.status == status, f"status {self.status} instead of {status}"
        for text in said:
            assert text in self.stderr, f"it did not say {text!r}"
        assert within is None or self.elapsed <= within, f"{self.elapsed:.2f} s > {within} s"
        return self


def ignoring(*signals):
    """Returns a function that makes the child ignore these signals, for `preexec_fn`."""

    def ignore():
        for number in signals:
            signal.signal(number, signal.SIG_IGN)

    return ignore


def namespace():
    """Returns the words that make a command process 1 of a new PID namespace."""
    words = ["unshare", *([] if ROOT else ["-Ur"]), "--pid", "--fork", "--mount-proc"]
    needs(*words, "true")
    return words


def needs(*command):
    """Skips the case if this command fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Skip(f"`{' '.join(command)}`: {error}") from None
    reap_orphans()
    if done.returncode != 0:
        raise Skip(f"`{' '.join(command)}`: {done.stderr.strip() or done.returncode}")


def needs_root(what):
    if not ROOT:
        raise Skip(f"{what} needs root, and `id -u` says {os.geteuid()}")


# A terminal, and a shell with job control.


class Terminal:
    """A runner as the foreground job of a shell, in a terminal of its own."""

    def __init__(self, case, *args):
        self.case, self.shown, self.job = case, b"", None
        orders, self.orders = os.pipe()
        self.reports, reports = os.pipe()
        self.shell, self.master = pty.fork()
        if self.shell == 0:
            try:
                os.close(self.orders)
                shell(case.command(args), case.dir, case.env, orders, reports)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(70)
        case.shells.add(self.shell)
        os.close(orders)
        os.close(reports)
        case.cleanup.callback(self.close)
        self.job = int(self.report())
        self.report("running")

    def report(self, expected=None, timeout=10):
        """Waits for the next state of the job: `stopped`, `running`, or its exit status."""
        line = b""
        end = time.monotonic() + timeout
        while not line.endswith(b"\n"):
            left = max(0, end - time.monotonic())
            ready = select.select([self.reports, self.master], [], [], left)[0]
            assert ready, f"no {expected or 'report'} within {timeout} s:\n{doing(self.job)}"
            if self.master in ready:
                self.drain()
            if self.reports in ready:
                read = os.read(self.reports, 1)
                assert read, f"the shell died: {self.text()}"
                line += read
        report = line.decode().strip()
        assert expected in (None, report), f"{report} instead of {expected}"
        return report

    def drain(self):
        try:
            self.shown += os.read(self.master, 65536)
        except OSError:
            # No process has the terminal open any more.
            time.sleep(0.01)

    def text(self):
        return self.shown.decode(errors="replace")

    def until(self, text, timeout=10):
        """Waits until the terminal shows this text."""
        end = time.monotonic() + timeout
        while text.encode() not in self.shown:
            left = max(0, end - time.monotonic())
            ready = select.select([self.master], [], [], left)[0]
            assert ready, f"no {text!r} within {timeout} s, but {self.text()}\n{doing(self.job)}"
            self.drain()

    def press(self, key):
        os.write(self.master, key)

    def stop(self):
        self.press(SUSPEND)
        self.report("stopped")

    def foreground(self):
        os.write(self.orders, b"!")
        self.report("running")

    def ends(self, status, *said, timeout=20):
        self.report(str(status), timeout)
        assert "panicked" not in self.text(), "panicked"
        for text in said:
            assert text in self.text(), f"it did not say {text!r}"

    def close(self):
        self.case.write("stderr", self.text())
        for fd in (self.master, self.orders, self.reports):
            with contextlib.suppress(OSError):
                os.close(fd)
        with contextlib.suppress(OSError):
            os.kill(self.shell, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.shell, 0)


def shell(command, directory, env, orders, reports):
    """Runs one job in the foreground. Continues a stopped job on each order. The shell
    stays until the orders end, since its end would close the terminal."""
    ready, go = os.pipe()
    job = os.fork()
    if job == 0:
        os.setpgid(0, 0)
        os.read(ready, 1)
        for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.chdir(directory)
        os.execve(command[0], command, env)
    os.setpgid(job, job)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.write(reports, b"%d\n" % job)
    os.tcsetpgrp(0, job)
    os.write(go, b"!")
    while True:
        os.write(reports, b"running\n")
        status = os.waitpid(job, os.WUNTRACED)[1]
        os.tcsetpgrp(0, os.getpgrp())
        if not os.WIFSTOPPED(status):
            os.write(reports, b"%d\n" % os.waitstatus_to_exitcode(status))
            os.read(orders, 1)
            return
        os.write(reports, b"stopped\n")
        if not os.read(orders, 1):
            return
        os.tcsetpgrp(0, job)
        os.kill(-job, signal.SIGCONT)


CASES = {}


def listed(case):
    CASES[case.__name__] = case
    return case


# The cases: a terminal.


# A shell runs a trap only after the current command has ended.
FOREVER = "while :; do sleep 0.1; done"


@listed
def ctrl_c(case):
    case.task("1-a", f"trap 'echo got INT; exit 0' INT\necho ready\n{FOREVER}")
    case.task("2-b", "echo the second task ran")
    terminal = Terminal(case)
    terminal.until("ready")
    clock = time.monotonic()
    terminal.press(INTERRUPT)
    terminal.ends(130, "got INT", "got SIGINT: ending what runs")
    assert time.monotonic() - clock < 3, "it took 3 s or more"
    assert "the second task ran" not in terminal.text()


@listed
def ctrl_c_ignored(case):
    """The first Ctrl-C gives the task its grace, the second one kills it."""
    case.task("1-a", "trap '' INT TERM\necho ready\nsleep 9000; sleep 9000")
    for grace, said, most in [(1, ["ending"], 4), (30, ["ending", "killing"], 3)]:
        case.config(f"kill_grace = {grace}")
        terminal = Terminal(case)
        terminal.until("ready")
        clock = time.monotonic()
        for word in said:
            terminal.press(INTERRUPT)
            terminal.until(f"got SIGINT: {word}")
        terminal.ends(130)
        took = time.monotonic() - clock
        assert (1 if grace == 1 else 0) <= took <= most, f"{took:.2f} s"


def catches_sigint(pid, binary):
    """Returns true if this process is the runner and has a handler for SIGINT."""
    caught = int(status_of(f"/proc/{pid}/status", "SigCgt"), 16) >> (signal.SIGINT - 1) & 1
    return caught and os.path.realpath(f"/proc/{pid}/exe") == binary


@listed
def ctrl_c_in_a_start(case):
    """The terminal also sends SIGINT to a task that does not have its own group yet."""
    dice = random.Random(15)
    for number in range(20):
        case.task(f"task-{number}")
    case.task("halt.sh", ": >halted")
    for _ in range(20 if case.quick else 60):
        terminal = Terminal(case, "-q", "-n", "0")
        until("a handler for SIGINT", lambda: catches_sigint(terminal.job, case.binary))
        time.sleep(dice.uniform(0, 0.03))
        terminal.press(INTERRUPT)
        terminal.ends(130)
        terminal.close()
    assert not os.path.exists(case.path("halted")), "the halt task ran"


# Takes 1.5 s without the time in which it is stopped. One long sleep would include it.
BUSY = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do sleep 0.1; done"


@listed
def ctrl_z(case):
    """Stops all processes and the clock of the limit; both continue afterwards."""
    case.hook()
    case.config("[a]", "max_time = 3", "[b]", "max_time = 1.5")
    case.task("1-a", f"echo a is ready\n{BUSY}\nexit 0")
    case.task("2-b", "echo b is ready\nsleep 9000")
    terminal = Terminal(case)
    terminal.until("a is ready")
    terminal.stop()
    time.sleep(0.5)
    # A shell that waits until its child has become a program is in state D.
    running = [left for left in case.left() if left.state not in "TD"]
    assert not running, f"not stopped: {running}"
    time.sleep(2)
    terminal.foreground()
    terminal.until("b is ready")
    time.sleep(0.3)
    terminal.stop()
    time.sleep(1.5)
    terminal.foreground()
    clock = time.monotonic()
    terminal.ends(1, "`2-b` ran longer than `max_time` (1.5s)")
    took = time.monotonic() - clock
    assert 0.7 < took < 5, f"it ended {took:.2f} s after it continued"
    results = [(task, result, outcome) for task, result, outcome, _ in case.results()]
    assert results == [("1-a", "OK", "exited:0"), ("2-b", "RETRY", "timed-out")], results


@listed
def ctrl_z_in_a_wait(case):
    case.config("sleep_time = 2", "max_tries = 2")
    case.task("1-a", "[ $RUNNER_TRY_NUM = 2 ] || exit 1\necho again")
    terminal = Terminal(case)
    terminal.until("trying again")
    terminal.stop()
    time.sleep(3)
    terminal.foreground()
    clock = time.monotonic()
    terminal.ends(0, "again")
    took = time.monotonic() - clock
    assert 1 < took < 5, f"it ended {took:.2f} s after it continued"


@listed
def ctrl_z_in_a_grace(case):
    """A stop during the grace does not shorten it."""
    case.config("max_time = 0.5", "kill_grace = 3")
    case.task("1-a", f"trap 'echo begins; {BUSY}; echo has cleaned up; exit' TERM\nsleep 9000")
    terminal = Terminal(case)
    terminal.until("begins")
    terminal.stop()
    time.sleep(3.5)
    terminal.foreground()
    terminal.ends(1, "has cleaned up")


@listed
def ctrl_z_rapidly(case):
    """The stop can come at any moment of a start."""
    dice = random.Random(20)
    for number in range(20):
        case.task(f"task-{number}", f"exit {100 + number}")
        case.config(f"[task-{number}]", f"ok_codes = {100 + number}")
    for jobs in ("1", "4"):
        terminal = Terminal(case, "-q", "-n", "0", "-j", jobs)
        for cycle in range(100 if case.quick else 200):
            time.sleep(dice.uniform(0, 0.01))
            terminal.press(SUSPEND)
            try:
                terminal.report("stopped", 5)
            except AssertionError as error:
                raise AssertionError(f"-j {jobs}, cycle {cycle}: {error}") from None
            terminal.foreground()
        os.kill(terminal.job, signal.SIGTERM)
        terminal.ends(143)
        terminal.close()


@listed
def ctrl_z_in_a_namespace(case):
    """The session began outside the namespace, so it has no number inside."""
    case.task("1-a", ": >ready\nuntil [ -e go ]; do sleep 0.05; done")
    # Process 1 itself cannot be stopped, so the runner is its child.
    runner = case.start(before=[*namespace(), "sh", "-c", '"$@"; exit $?', "sh"])
    case.until("ready")
    runner.signal(signal.SIGTSTP)
    until("the stop", lambda: process(runner.pid).state == "T")
    runner.signal(signal.SIGCONT)
    case.write("go", "")
    runner.wait().must(0)


def wants_the_terminal(case, use, signal):
    case.hook()
    case.config("max_time = 60")
    for before in ("", "sleep 1"):
        case.task("1-a", f"{before}\necho ready\n{use} </dev/tty\necho continued")
        terminal = Terminal(case)
        terminal.until("ready")
        clock = time.monotonic()
        terminal.ends(1, f"`1-a` wanted the terminal, which no task has ({signal})")
        took = time.monotonic() - clock
        assert took < 2.5, f"it took {took:.2f} s"
        assert "continued" not in terminal.text()
        assert case.results()[-1][:3] == ("1-a", "RETRY", f"signaled:{signal}"), case.results()
        terminal.close()


@listed
def reads_the_terminal(case):
    wants_the_terminal(case, "read line", "SIGTTIN")


@listed
def sets_the_terminal(case):
    wants_the_terminal(case, "stty -echo", "SIGTTOU")


@listed
def takes_the_terminal(case):
    """A task that takes the foreground, and lets no other group write to the terminal."""
    case.python(
        "1-a",
        """import termios
signal.signal(signal.SIGTTOU, signal.SIG_IGN)
tty = os.open("/dev/tty", os.O_RDWR)
os.tcsetpgrp(tty, os.getpgrp())
mode = termios.tcgetattr(tty)
mode[3] |= termios.TOSTOP
termios.tcsetattr(tty, termios.TCSANOW, mode)
""",
    )
    case.task("2-b", ": >b")
    terminal = Terminal(case)
    terminal.ends(0)
    assert os.path.exists(case.path("b"))


@listed
def terminal_goes_away(case):
    case.hook()
    case.task("1-a", "trap ': >got-signal; exit' HUP\necho ready\nsleep 9000 & wait")
    terminal = Terminal(case)
    terminal.until("ready")
    terminal.close()
    # The shell has ended, so this process is the parent of the runner now.
    until("the end of the runner", lambda: not lives(terminal.job))
    status = os.waitstatus_to_exitcode(os.waitpid(terminal.job, 0)[1])
    assert status == 129, status
    assert os.path.exists(case.path("got-signal")), "the task did not get SIGHUP"
    assert case.results()[0][1] == "INTERRUPTED", case.results()


# Process 1.


@listed
def process_1_reaps(case):
    """A hundred orphans that end at the same time are reaped within 0.1 s."""
    case.python(
        "1-a",
        """
def orphans():
    read, write = os.pipe()
    for _ in range(100):
        if os.fork() == 0:
            if os.fork() == 0:
                os.close(write)
                os.read(read, 1)
            os._exit(0)
        os.wait()
    return write

def there():
    return sum(name.isdigit() for name in os.listdir("/proc"))

for number in range(5):
    write = orphans()
    before = there()
    os.close(write)
    time.sleep(0.1)
    print(before, there(), file=open("there", "a"))
    time.sleep(0.4)
    print(before, there(), file=open("later", "a"))
""",
    )
    case.run(before=namespace()).must(0)
    for name in ("there", "later"):
        counts = [tuple(map(int, line.split())) for line in case.lines(name)]
        gone = [before == 102 and after == 2 for before, after in counts]
        # A busy machine can take longer than 0.1 s, so one of five rounds is enough.
        assert len(gone) == 5 and (any(gone) if name == "there" else all(gone)), counts


# Orphans that end a moment after the task that leaves them.
ORPHANS = "for i in $(seq 20); do (setsid sleep $SECONDS &); done"


@listed
def process_1_reaps_in_a_grace(case):
    """Orphans are reaped too while a group without its leader has its grace."""
    case.env["SECONDS"] = "1"
    case.config("kill_grace = 3", "max_time = 0.5")
    deaf = "sh -c \"trap '' TERM; while :; do sleep 9000; done\" &"
    case.task("1-a", f"{ORPHANS}\n{deaf}\n: >ready\nsleep 9000")
    runner = case.start(before=namespace())
    case.until("ready")
    time.sleep(1.5)
    zombies = [dead for dead in runner.zombies() if dead.name != "1-a"]
    assert not zombies, f"{len(zombies)} zombies"
    runner.wait().must(1)


@listed
def process_1_reaps_after_a_start(case):
    """Orphans that end while the next task is starting, which can take long, are reaped."""
    case.env["SECONDS"] = "0.05"
    case.config("leftovers = allow")
    case.task("2-b", ": >ready\nsleep 1\nexit 0")
    # A file that is open for writing cannot be started yet.
    case.task("1-a", f"{ORPHANS}\n(exec 9>>tasks.d/2-b; sleep 0.12) &")
    runner = case.start(before=namespace())
    case.until("ready")
    time.sleep(0.3)
    assert not runner.zombies(), f"{len(runner.zombies())} zombies"
    runner.wait().must(0)


@listed
def statuses_beside_orphans(case):
    """A thousand tasks, four at a time, while orphans end: no status is lost."""
    case.task("0-orphans", "for i in $(seq 100); do (sleep 0.0$i & sleep 1.$i &) & done\nwait")
    for number in range(250):
        case.task(f"t{number}", f"exit {5 + number}")
        case.config(f"[t{number}]", f"ok_codes = {5 + number}")
    for before in ([], namespace()):
        done = case.run("-n", "4", "-j", "4", before=before, timeout=60).must(0)
        for number in range(250):
            said = done.stderr.count(f"`t{number}` is done (exited with {5 + number}) after ")
            assert said == 4, f"t{number}: {said} of 4"
        if not before:
            # The last orphans take a while to end.
            case.reap_left("the end of the orphans")


@listed
def process_1_gets_sigterm(case):
    """SIGTERM from outside is passed on. A task that ignores it is killed after its grace."""
    case.config("kill_grace = 1")
    daemon = "(trap '' TERM; setsid sh -c 'while :; do sleep 9000; done' &)"
    polite = f"{daemon}\ntrap 'echo got TERM; exit' TERM\n: >ready\nsleep 9000 & wait"
    deaf = f"{daemon}\ntrap '' TERM\n: >ready\nwhile :; do sleep 9000; done"
    for body, least in ((polite, 0), (deaf, 1)):
        case.task("1-a", body)
        runner = case.start(before=namespace())
        case.until("ready")
        clock = time.monotonic()
        runner.signal(signal.SIGTERM)
        done = runner.wait().must(143, "got SIGTERM")
        took = time.monotonic() - clock
        assert least <= took < least + 2, f"{took:.2f} s"
        assert least or done.stdout == "got TERM\n", done.stdout
        os.unlink(case.path("ready"))


DAEMON = """
setsid sh -c 'trap ": >got-signal; exit" TERM; : >daemon; while :; do sleep 0.1; done' &
until [ -e daemon ]; do sleep 0.02; done
"""


@listed
def process_1_ends_daemons(case):
    """At its end process 1 sends SIGTERM to the remaining processes. The exit status is
    that of the run."""
    for code, status in ((0, 0), (2, 2), (1, 1)):
        case.task("1-a", f"{DAEMON}\nexit {code}")
        case.run(before=namespace()).must(status, within=8)
        assert os.path.exists(case.path("got-signal")), "the daemon did not get SIGTERM"
        os.unlink(case.path("got-signal"))
        os.unlink(case.path("daemon"))


@listed
def process_1_and_a_deaf_daemon(case):
    """Signals also shorten the grace of the processes that remain at the end."""
    case.config("kill_grace = 30")
    case.task("1-a", "(trap '' TERM; setsid sh -c 'while :; do sleep 9000; done' &)")
    runner = case.start(before=namespace())
    case.until("stderr", "finished")
    for _ in range(3):
        time.sleep(0.3)
        with contextlib.suppress(ProcessLookupError):
            runner.signal(signal.SIGTERM)
    runner.wait(5)


# Signals that are ignored or blocked when the runner starts.


def ignores(number):
    """Returns a shell command that succeeds if the shell ignores this signal."""
    return f"[ $((0x$(sed -n 's/^SigIgn:[^0-9a-f]*//p' /proc/$$/status) >> {number - 1} & 1)) = 1 ]"


@listed
def ignored_signals(case):
    """Ignored signals stay ignored, in the runner and in its tasks."""
    ignored = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
    all_ignored = " && ".join(map(ignores, ignored))
    case.task("1-a", f": >ready\nuntil [ -e go ]; do sleep 0.02; done\n{all_ignored} || exit 1")
    runner = case.start(preexec_fn=ignoring(*ignored))
    case.until("ready")
    for number in ignored:
        runner.signal(number)
    time.sleep(0.3)
    case.write("go", "")
    done = runner.wait().must(0)
    assert "got SIG" not in done.stderr


@listed
def ignored_sigchld(case):
    """No status is lost, and tasks have the default action. So has COMMAND, since SIGCHLD
    cannot be ignored again without unsafe code."""
    case.config("[a]", "ok_codes = 7")
    case.task("1-a", f"{ignores(signal.SIGCHLD)} && exit 8\nexit 7")
    for jobs in ("1", "2"):
        done = case.run("-j", jobs, preexec_fn=ignoring(signal.SIGCHLD))
        done.must(0, "`1-a` is done (exited with 7)")


@listed
def blocked_sigterm(case):
    """The runner still receives SIGTERM, and its tasks do not inherit the block."""
    block = lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    case.hook()
    case.config("kill_grace = 30", "[a]", "max_time = 0.5", "required = no")
    case.python("1-a", "time.sleep(9000)")
    case.task("2-b", f": >ready\n{FOREVER}")
    runner = case.start(preexec_fn=block)
    case.until("ready")
    [(_, result, outcome, elapsed)] = case.results()
    assert (result, outcome) == ("RETRY", "timed-out") and elapsed < 20, case.results()
    runner.signal(signal.SIGTERM)
    runner.wait().must(143, "got SIGTERM")


# Output.


def full_pipe(case):
    """Returns the write end of a full pipe without a reader."""
    read, write = os.pipe()
    case.cleanup.callback(os.close, read)
    case.cleanup.callback(os.close, write)
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, b"x" * 4096)
    os.set_blocking(write, True)
    return write


@listed
def nobody_reads_stdout(case):
    case.config("max_time = 1")
    case.task("1-a", "echo this does not fit")
    case.run(stdout=full_pipe(case)).must(1, "longer than `max_time`", within=4)


@listed
def nobody_reads_stderr(case):
    """Neither limits nor signals wait until messages are written."""
    case.config("max_time = 1")
    case.task("1-a", ": >ready\nsleep 9000")
    case.run(stderr=full_pipe(case), timeout=8).must(1)
    case.config("max_time = 0")
    os.unlink(case.path("ready"))
    runner = case.start(stderr=full_pipe(case))
    case.until("ready")
    runner.signal(signal.SIGTERM)
    runner.wait(8).must(143)


@listed
def nobody_reads_a_terminal(case):
    """A terminal that is not read counts as writable, but a write blocks half way."""
    case.env["TERM"] = "xterm"
    lines = "i=0; while [ $i -lt %d ]; do echo \"$i a line of a task that writes much\"; i=$((i+1)); done"
    case.task("1-a", lines % 1500)
    case.task("1-b", lines % 20)
    case.task("2-c", ": >reached")
    master, terminal = pty.openpty()
    case.start("-v", "-j", "2", stdout=terminal, stderr=terminal).wait(40).must(0)
    case.until("reached")
    os.close(terminal)
    os.close(master)
    case.task("1-b", lines % 3000)
    case.task("2-c", "sleep 9000")
    for jobs in ("1", "2"):
        master, terminal = pty.openpty()
        log = case.start("-v", "-j", jobs, stdout=terminal, stderr=terminal)
        for _ in range(3):
            time.sleep(1)
            log.signal(signal.SIGTERM)
        log.wait(8).must(143)
        os.close(terminal)
        os.close(master)


@listed
def nobody_reads_syslog(case):
    """Limits do not wait for a syslog that does not read."""
    if os.path.exists("/dev/log"):
        raise Skip("`ls /dev/log`: there is a syslog that reads")
    needs_root("a syslog of its own")
    listener, sender = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
    listener.bind("/dev/log")
    try:
        sender.connect("/dev/log")
        sender.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                sender.send(b"full")
        case.config("max_time = 1")
        case.task("1-a", "sleep 9000")
        case.run("--syslog", timeout=8).must(1, "ran longer than `max_time`")
    finally:
        listener.close()
        sender.close()
        os.unlink("/dev/log")


@listed
def closed_output(case):
    case.task("1-a", "echo a; echo a >&2; echo a >>ran")
    case.task("2-b", "echo b; echo b >&2; echo b >>ran")
    for close in (">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"):
        for more in ((), ("--set", "log_dir=logs")):
            case.run(*more, before=("sh", "-c", f'exec "$@" {close}', "sh")).must(0)
    assert case.lines("ran") == ["a", "b"] * 8, case.lines("ran")


@listed
def broken_pipe(case):
    case.task("1-a", "trap '' PIPE; echo a; echo a >&2; echo a >>ran")
    case.task("2-b", "trap '' PIPE; echo b; echo b >&2; echo b >>ran")
    for jobs in ("1", "2"):
        read, write = os.pipe()
        os.close(read)
        case.run("-v", "-j", jobs, stdout=write, stderr=write).must(0)
        os.close(write)
    assert case.lines("ran") == ["a", "b"] * 2, case.lines("ran")


@listed
def gigabyte_without_a_line_end(case):
    """The log has all of the output, and the last part is shown. The runner never has all of
    it in memory."""
    megabytes = 256 if case.quick else 1024
    case.config("log_dir = logs", "sleep_time = 60", "max_tries = 2")
    case.task("1-a", f"dd if=/dev/zero bs=1M count={megabytes} 2>dd\nprintf END\nexit 1")
    runner = case.start()
    case.until("stderr", "END", 60)
    peak = int(status_of(f"/proc/{runner.pid}/status", "VmHWM"))
    assert peak < 16 * 1024, f"{peak} KiB"
    runner.signal(signal.SIGTERM)
    done = runner.wait().must(143, "the end of `", "trying again")
    assert len(done.stderr) < 100_000, len(done.stderr)
    [log] = logs(case)
    assert os.path.getsize(log) == megabytes * 2**20 + 3


def logs(case):
    found = []
    for directory, _, names in os.walk(case.path("logs")):
        found += [os.path.join(directory, name) for name in names]
    return sorted(found)


@listed
def logs_are_the_output_itself(case):
    case.config("log_dir = logs", "log_keep = 3")
    tell = 'links=$(readlink /proc/$$/fd/1 /proc/$$/fd/2)\necho "$links" >>links'
    tell += "\necho out; echo err >&2"
    case.task("1-a", f"{tell}\nexit 0")
    case.task("2-b", tell)
    case.run("-n", "5").must(0)
    runs = os.listdir(case.path("logs"))
    assert len(runs) == 3, runs
    found = logs(case)
    assert [os.path.basename(log) for log in found] == ["1-a.1.log", "2-b.1.log"] * 3, found
    links = case.lines("links")
    assert len(links) == 20
    for log in found:
        assert links.count(os.path.realpath(log)) == 2, (log, links)
        assert case.read(log) == "out\nerr\n"
        assert modes.S_IMODE(os.stat(log).st_mode) == 0o640
        assert modes.S_IMODE(os.stat(os.path.dirname(log)).st_mode) == 0o750
    assert modes.S_IMODE(os.stat(case.path("logs")).st_mode) == 0o750


@listed
def logs_when_the_clock_was_set_back(case):
    """The log of this run is kept, although other names look newer."""
    case.config("log_dir = logs", "log_keep = 2")
    case.task("1-a", "echo out")
    for day in (1, 2, 3):
        os.makedirs(case.path(f"logs/2999010{day}T000000.000Z-00000000"))
    done = case.run().must(0)
    assert [case.read(log) for log in logs(case)] == ["out\n"], done.stderr
    assert len(os.listdir(case.path("logs"))) == 2


@listed
def log_dir_that_cannot_be_created(case):
    """The error is reported once and stops nothing."""
    case.config("log_dir = cfg/logs")
    case.task("1-a", "echo a")
    case.task("2-b", "echo b")
    done = case.run("-n", "3").must(0)
    assert done.stderr.count("cannot write the log") == 1, done.stderr
    assert done.stdout == "a\nb\n" * 3, done.stdout


@listed
def full_disk(case):
    """A file system without free blocks, and one without free inodes."""
    needs_root("a file system of its own size")
    needs("unshare", "-m", "true")
    case.config("log_dir = logs")
    case.task("1-a", "head -c 200000 /dev/zero\n[ $? -gt 0 ] || exit 9\necho a >>ran")
    case.task("2-b", "echo b >>ran")
    os.mkdir(case.path("logs"))
    for size, said in (("size=64k", 0), ("nr_inodes=3", 1), ("nr_inodes=1", 1)):
        mount = f'mount -t tmpfs -o mode=755,{size} faults logs && exec "$@"'
        if said:
            case.task("1-a", "echo a >>ran")
        done = case.run("-n", "2", before=("unshare", "-m", "sh", "-c", mount, "sh")).must(0)
        assert done.stderr.count("cannot write the log") == said, done.stderr
    assert case.lines("ran") == ["a", "b"] * 6, case.lines("ran")


@listed
def output_through_a_filter(case):
    """The filter, which writes the last line, ends after the task."""
    needs("bash", "--version")
    case.config("log_dir = logs", "leak_time = 5")
    body = "exec > >(sleep 0.2; cat)\necho END\nexit 1\n"
    case.write("tasks.d/1-a", f"#!/usr/bin/env bash\n{body}", 0o755)
    case.run().must(1, "| END", within=4)


@listed
def chatty_child(case):
    """A child that keeps writing does not extend `leak_time`."""
    case.config("leak_time = 0.5", "leftovers = kill")
    case.task("1-a", "(while :; do echo x; sleep 0.02; done) &")
    done = case.run().must(0, "`1-a` left ", "; ended", within=4)
    assert done.elapsed >= 0.5, done.elapsed


# Refused system calls and missing resources.


@listed
def few_descriptors(case):
    """A start fails or the run is refused. A task that did start ends at its limit, together
    with its daemon."""
    case.config("kill_grace = 0.3", "max_time = 1")
    case.task("1-a", ": >ran")
    case.task("1-b", "setsid sleep $SECONDS &\nsleep 9000")
    case.task("1-c", "trap '' TERM\nsleep 9000; sleep 9000")
    case.config("[a]", "required = no", "[b]", "required = no", "[c]", "required = no")
    # In groups of nine: all runners at once would slow down the machine too much.
    for numbers in (range(start, start + 9) for start in (6, 15, 24)):
        running = []
        for number, jobs in itertools.product(numbers, ("1", "3")):
            limit = lambda most=number: resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            # A different number for the daemon of each runner.
            case.env["SECONDS"] = f"9{number:02}{jobs}"
            name = f"{number}-{jobs}-"
            args = ("-j", jobs, "--no-lock")
            running.append((number, case.start(*args, name=name, preexec_fn=limit)))
        for number, runner in running:
            done = runner.wait()
            # With less than 12, neither the loader nor the shell of a task can open a file.
            statuses = (4, 71) if number >= 12 else (2, 4, 71, 78, 127)
            assert done.status in statuses, f"{number} descriptors: {done.status}"
            if number == 32:
                done.must(4, "`1-c` ran longer than `max_time`")
            elif done.status != 4:
                assert "error" in done.stderr or done.status == 2, f"{number} descriptors: not said"
    left = {there.pid: case.read(f"/proc/{there.pid}/cmdline") for there in case.left()}
    assert not left, f"left, 9, descriptors, jobs: {sorted(left.values())}"


@listed
def no_dev(case):
    """One error before anything runs, not one for each task. While an image is built, /dev
    can be empty."""
    needs_root("mounting")
    bare = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /dev && exec "$@"', "sh"]
    needs(*bare, "true")
    case.task("1-a", ": >ran")
    done = case.run(before=bare).must(71, "error: cannot open `/dev/null`: no such file or")
    assert not os.path.exists(case.path("ran")) and "1-a" not in done.stderr, done.stderr


@listed
def no_descriptor_for_a_pidfd(case):
    """A task that started when no descriptor was left for a pidfd still ends at its limit, and
    its daemon too. If it ends by itself, its status is known."""
    fault = "inject=pidfd_open:error=EMFILE:delay_enter=500000:when=1"
    strace = ["strace", "-f", "-q", "-o", os.devnull, "-e", "trace=pidfd_open", "-e", fault]
    needs(*strace, "true")
    case.config("max_tries = 1", "max_time = 1.5", "kill_grace = 5", "stop_codes = 3")
    case.task("1-a", "[ ! -e ready ] || exit 3\nsetsid sleep 9000 &\n: >ready\nsleep 9000")
    done = case.run(before=strace).must(1, "`1-a` ran longer than")
    assert os.path.exists(case.path("ready")) and not case.left(), f"left: {case.left()}"
    assert done.elapsed < 4, f"{done.elapsed:.2f} s"
    case.run(before=strace).must(3, "`1-a` exited with 3")


def forbidding(number):
    """Returns a function that makes the system call with this number fail, for `preexec_fn`."""
    load, jump, give = 0x20, 0x15, 0x06
    filters = ((load, 0, 0, 0), (jump, 0, 1, number), (give, 0, 0, 0x50001), (give, 0, 0, 0x7FFF0000))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in filters))
    program = struct.pack("HxxxxxxP", len(filters), ctypes.addressof(code))

    def forbid():
        assert code and LIBC.prctl(38, 1, 0, 0, 0) == 0, "no_new_privs"
        assert LIBC.prctl(22, 2, program, 0, 0) == 0, "seccomp"

    return forbid


def waits_without_poll(case, runner):
    """Asserts that the runner uses little processor time while it waits without poll, and
    that it gets the status."""
    case.until("ready")
    used = lambda: process(runner.pid).ticks
    before = used()
    time.sleep(1.5)
    ticks = used() - before
    assert ticks < 30, f"{ticks} ticks in 1.5 s"
    open(case.path("go"), "w").close()
    runner.wait(8).must(3, "`1-a` exited with 3")


@listed
def poll_is_forbidden(case):
    """The filter of a container forbids poll: ends of tasks and signals are still noticed."""
    number = {"x86_64": 271, "aarch64": 73}.get(os.uname().machine)
    if number is None:
        raise Skip(f"`uname -m` says {os.uname().machine}: which number has ppoll?")
    case.config("stop_codes = 3", "kill_grace = 0.5")
    case.task("1-a", ": >ready\nuntil [ -e go ]; do sleep 0.05; done\nexit 3")
    for jobs in ("1", "2"):
        runner = case.start("-j", jobs, preexec_fn=forbidding(number))
        waits_without_poll(case, runner)
        os.unlink(case.path("go"))
        os.unlink(case.path("ready"))
    runner = case.start(preexec_fn=forbidding(number))
    case.until("ready")
    runner.signal(signal.SIGTERM)
    runner.wait(8).must(143, "got SIGTERM")


@listed
def fewer_descriptors_than_are_polled(case):
    """The limit is lowered while the runner waits (`prlimit --nofile`)."""
    case.config("stop_codes = 3", "max_time = 6")
    case.task("1-a", ": >ready\nuntil [ -e go ]; do sleep 0.05; done\nexit 3")
    for limit in (2, 0):
        runner = case.start()
        case.until("ready")
        resource.prlimit(runner.pid, resource.RLIMIT_NOFILE, (limit, limit))
        waits_without_poll(case, runner)
        os.unlink(case.path("go"))
        os.unlink(case.path("ready"))


@listed
def few_processes(case):
    """The start of the task fails and is retried, or the runner cannot create a thread."""
    needs_root("being another user")
    case.config("max_tries = 3")
    case.task("1-a", ":")
    user = case.unprivileged()
    needs(*user, "true")
    for number in (1, 2, 3, 5):
        limit = lambda: resource.setrlimit(resource.RLIMIT_NPROC, (number, number))
        for jobs in ("1", "2"):
            done = case.run("-j", jobs, before=user, preexec_fn=limit)
            assert done.status in (0, 1, 71), f"{number} processes: {done.status}"
            if done.status == 1:
                assert done.stderr.count("`1-a` did not start: ") == 4, done.stderr
            if (number, jobs) == (2, "1"):
                done.must(1, "(try 3 of 3)")


# Counts descriptors and children of the runner. The runner first has a moment to close the
# descriptors that it needed for the start.
COUNT = """
sleep 0.1
count() { wc -l <count; rm count; }
ls /proc/$PPID/fd >count
descriptors=$(count)
grep -sl "^PPid:.$PPID\\$" /proc/[0-9]*/status >count
echo $descriptors $(count) >>counts
"""


def never_more(case, counts):
    """Asserts that the numbers of descriptors and of children do not grow from run to run."""
    counts_said = [tuple(map(int, line.split())) for line in case.lines("counts")]
    assert len(counts_said) == counts, f"{len(counts_said)} of {counts}"
    # Not the first run: it can be too short for the usual number of descriptors.
    first, last = counts_said[1], counts_said[-1]
    # An orphan that has just ended may not be reaped yet.
    fine = last[0] <= first[0] and last[1] <= first[1] + 3
    assert fine, f"descriptors and children: {first} became {last}"
    os.unlink(case.path("counts"))


@listed
def many_tasks(case):
    """Thousands of tasks leak no descriptors and no children."""
    runs = 10 if case.quick else 50
    for number in range(100):
        case.task(f"1-{number:02}")
    case.task("2-count", COUNT)
    for jobs in ("1", "4"):
        case.run("-q", "-n", str(runs), "-j", jobs, timeout=120).must(0)
        never_more(case, runs)


@listed
def many_faults(case):
    """Tasks that fail in every way leak no descriptors and no children."""
    case.config("max_time = 0.1", "kill_grace = 0.1", "leak_time = 0.05", "leftovers = kill")
    case.config("log_dir = logs", "log_keep = 2")
    faults = {
        "hang": "sleep 9000",
        "deaf": "trap '' TERM; sleep 9000; sleep 9000",
        "daemon": "setsid sleep 9000 & sleep 9000",
        "stop": "kill -STOP $$",
        "fork": "sleep 9000 & sleep 9000 & exit 1",
        "die": "kill -SEGV $$",
        "orphan": "(setsid sleep 0.01 &)",
    }
    for name, body in faults.items():
        case.task(f"1-{name}", body)
        case.config(f"[{name}]", "required = no")
    case.write("tasks.d/1-nothing", "#!/nowhere/sh\n", 0o755)
    case.config("[nothing]", "required = no", "[count]", "max_time = 0")
    case.task("2-count", COUNT)
    for jobs in ("1", "4"):
        case.run("-n", "8", "-j", jobs, timeout=60).must(4)
        never_more(case, 8)


@listed
def orphans_of_quick_tasks(case):
    """Orphans are reaped although every task is short and several tasks run at once."""
    for number in range(100):
        case.task(f"1-{number}", "(setsid sleep 0.02 &)")
    case.task("2-count", COUNT)
    for jobs in ("1", "4"):
        case.run("-q", "-j", jobs).must(0)
        [line] = case.lines("counts")
        children = int(line.split()[1])
        # The counting task is a child too, and the last orphans end while it waits.
        assert children <= 40, f"-j {jobs}: {children} children of the runner"
        os.unlink(case.path("counts"))
    # Orphans that ended with the runner or after it.
    case.reap_left("the end of the orphans")


# Times.


@listed
def overshoot(case):
    """Median time between a limit and the end of the task is below 5 ms. A busy machine has
    three attempts."""
    case.hook()
    case.config("max_time = 0.05", "[a]", "required = no")
    case.task("1-a", "exec sleep 9000")
    medians = []
    while len(medians) < 3 and (not medians or medians[-1] >= 0.005):
        case.write("results", "")
        case.run("-n", "40").must(4)
        over = [elapsed - 0.05 for _, _, outcome, elapsed in case.results() if outcome == "timed-out"]
        assert len(over) == 40 and min(over) >= 0, over
        medians.append(statistics.median(over))
    assert medians[-1] < 0.005, medians


@listed
def odd_limits(case):
    case.hook()
    case.task("1-none", "sleep 0.5")
    case.task("2-short", "sleep 9000")
    case.task("3-long", "sleep 0.5")
    case.config("[none]", "max_time = 0", "[short]", "max_time = 0.05", "required = no")
    case.config("[long]", f"max_time = {10**12}", f"kill_grace = {10**12}")
    case.run().must(4, within=10)
    outcomes = [outcome for _, _, outcome, _ in case.results()]
    assert outcomes == ["exited:0", "timed-out", "exited:0"], outcomes


@listed
def no_wake_ups(case):
    """The runner sleeps while a task sleeps, also if the task has closed its output."""
    begin, end = (2, 8) if case.quick else (5, 55)
    case.task("1-a", "exec >&- 2>&-\nexec sleep 60")
    runner = case.start()
    time.sleep(begin)
    descriptors = runner.descriptors()
    before, ticks = runner.switches(), Process(runner.pid).ticks
    time.sleep(end - begin)
    grown = runner.switches() - before
    assert grown <= 2, f"{grown} times in {end - begin} s"
    assert Process(runner.pid).ticks - ticks <= 1
    assert not runner.zombies() and runner.descriptors() <= descriptors
    runner.signal(signal.SIGTERM)
    runner.wait().must(143)


# Processes that cannot be killed.


def freezer(case):
    """Returns a function that freezes processes so that not even SIGKILL ends them, one that
    thaws them, and the path of the file that takes their numbers."""
    with open("/proc/mounts") as file:
        mounts = [line.split() for line in file]
    roots = [m[1] for m in mounts if m[2] == "cgroup" and "freezer" in m[3].split(",")]
    if not roots:
        raise Skip("`grep freezer /proc/mounts`: no cgroup that not even SIGKILL ends")
    group = os.path.join(roots[0], os.path.basename(case.dir))
    try:
        os.mkdir(group)
    except OSError as error:
        raise Skip(f"`mkdir {group}`: {error}") from None

    def state(word):
        with open(f"{group}/freezer.state", "w") as file:
            file.write(word)

    def freeze():
        state("FROZEN")
        is_frozen = lambda: open(f"{group}/freezer.state").read() == "FROZEN\n"
        until("frozen", is_frozen)

    def thaw():
        frozen = open(f"{group}/cgroup.procs").read().split()
        state("THAWED")
        case.kill_left()
        until("an empty group", lambda: not open(f"{group}/cgroup.procs").read())

        def gone():
            # Their runner ended before them, so this process has to reap them.
            reap_orphans()
            return not any(os.path.exists(f"/proc/{pid}") for pid in frozen)

        until("the end of what was frozen", gone)
        os.rmdir(group)

    case.cleanup.callback(lambda: os.path.exists(group) and thaw())
    return freeze, thaw, f"{group}/cgroup.procs"


@listed
def frozen(case):
    """The task is named, no other task starts, and the run gives up."""
    freeze, thaw, procs = freezer(case)
    case.hook()
    case.config("max_tries = 5", "kill_grace = 0.5", "max_time = 1")
    case.python("1-a", f"""open({procs!r}, "w").write(str(os.getpid()))
open("ready", "w").write(f"{{os.getpid()}}\\n")
time.sleep(9000)
""")
    case.task("2-b", ": >b")
    for jobs in ("1", "2"):
        runner = case.start("-j", jobs)
        case.until("ready", "\n")
        freeze()
        done = runner.wait(10).must(1, "cannot be ended, not even by SIGKILL: ")
        assert "1 process: {} `1-a` (state ".format(case.read("ready").strip()) in done.stderr
        assert "giving up" in done.stderr and not os.path.exists(case.path("b"))
        assert [found[:3] for found in case.results()] == [("1-a", "RETRY", "timed-out")], case.results()
        thaw()
        os.unlink(case.path("ready"))
        os.unlink(case.path("results"))
        freeze, thaw, procs = freezer(case)


@listed
def frozen_orphan(case):
    """The run also gives up for a daemon that the task leaves at its limit."""
    freeze, thaw, procs = freezer(case)
    case.config("max_tries = 5", "kill_grace = 0.5", "max_time = 1")
    daemon = f"echo $$ >{procs}; : >ready; while :; do sleep 9000; done"
    case.task("1-a", f"setsid sh -c '{daemon}' &\nsleep 9000")
    runner = case.start()
    case.until("ready")
    freeze()
    runner.wait(10).must(1, "cannot be ended, not even by SIGKILL: ", " `sh`")
    thaw()


@listed
def orphan_that_ends_during_the_last_check(case):
    """An orphan that has ended is not reported, even if the last check was slow and passed the
    deadline."""
    inject = ("-e", "trace=kill", "-e", "inject=kill:delay_exit=1200000:when=5+")
    strace = ["strace", "-f", "-q", "-o", os.devnull, *inject]
    needs(*strace, "true")
    case.config("max_tries = 2", "max_time = 0.5", "kill_grace = 0.2")
    daemon = "trap \"\" TERM; : >ready; while :; do sleep 9000; done"
    body = f"setsid sh -c '{daemon}' &\nuntil [ -e ready ]; do sleep 0.02; done\nsleep 9000"
    case.task("1-a", f"[ $RUNNER_TRY_NUM = 2 ] && exit 0\n{body}")
    done = case.run(before=strace).must(0, "longer than `max_time`")
    assert done.elapsed > 1.5 and "cannot be ended" not in done.stderr


@listed
def frozen_leftover(case):
    """A leftover that is still alive is not reported as ended."""
    freeze, thaw, procs = freezer(case)
    case.config("leftovers = kill", "kill_grace = 0.5", "leak_time = 1")
    child = f"echo $$ >{procs}; : >ready; while :; do sleep 9000; done"
    case.task("1-a", f"sh -c '{child}' &\nuntil [ -e ready ]; do sleep 0.02; done")
    case.task("2-b", ": >b")
    runner = case.start()
    case.until("ready")
    freeze()
    done = runner.wait(10)
    assert "cannot be ended, not even by SIGKILL: " in done.stderr, "it is said to have ended"
    done.must(1)
    assert not os.path.exists(case.path("b"))
    thaw()


@listed
def frozen_and_signals(case):
    """The runner ends on SIGTERM although a task cannot be ended."""
    freeze, thaw, procs = freezer(case)
    case.config("kill_grace = 0.5")
    case.task("1-a", f"echo $$ >{procs}\n: >ready\nwhile :; do sleep 9000; done")
    runner = case.start()
    case.until("ready")
    freeze()
    runner.signal(signal.SIGTERM)
    runner.wait(8).must(143, "cannot be ended, not even by SIGKILL: ")
    thaw()


@listed
def dead_file_system(case):
    """A FUSE server that has read a request and never answers it."""
    needs_root("mounting")
    where = case.path("dead")
    os.mkdir(where)
    try:
        server = os.open("/dev/fuse", os.O_RDWR)
    except OSError as error:
        raise Skip(f"opening /dev/fuse: {error}") from None
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0".encode()
    if LIBC.mount(b"faults", where.encode(), b"fuse", 6, options) != 0:
        os.close(server)
        raise Skip(f"`mount -t fuse`: {os.strerror(ctypes.get_errno())}")

    def abort():
        with contextlib.suppress(OSError):
            os.close(server)
        LIBC.umount2(where.encode(), 2)

    case.cleanup.callback(abort)
    case.config("max_tries = 5", "kill_grace = 0.5", "max_time = 2")
    case.task("1-a", "exec cat dead/file")
    runner = case.start()
    # Answers the first request (version, flags and sizes), but not the next one.
    for answer in (True, False):
        ready = select.select([server], [], [], 10)[0]
        assert ready, "no request within 10 s"
        unique = struct.unpack_from("<IIQ", os.read(server, 2**17))[2]
        if answer:
            init = struct.pack("<IIIIHHIIHHI28x", 7, 31, 4096, 0, 12, 10, 4096, 1, 1, 0, 0)
            os.write(server, struct.pack("<IiQ", 16 + len(init), 0, unique) + init)
    done = runner.wait(15)
    abort()
    case.reap_left("the end of what it held up")
    done.must(1, "SIGKILL: 1 process: ", " `cat` (state D)")


# System calls for starts and ends.


def traced(lines):
    """Returns the number of system calls of the runner's threads, and the calls that start
    processes."""
    trace, unfinished = [], {}
    for line in lines:
        pid, call = line.split(None, 1)
        if call.endswith("<unfinished ...>"):
            unfinished[pid] = call
        elif not call.startswith(("+++", "---")):
            call = (unfinished.pop(pid, "") if call.startswith("<...") else "") + call
            trace.append((pid, call))
    starts = ("clone(", "clone3(", "fork(", "vfork(")
    clones = [(pid, call) for pid, call in trace if call.startswith(starts)]
    threads = {trace[0][0]}
    for pid, call in clones * 3:
        if pid in threads and "CLONE_THREAD" in call:
            threads.add(call.rpartition("= ")[2])
    births = [call for pid, call in clones if pid in threads and "CLONE_THREAD" not in call]
    # Not counted: calls that strace interrupted, which begin again, and the checks of each
    # closed descriptor in a build without optimization.
    beside = ("ERESTART", ", F_GETFD")
    calls = sum(pid in threads and not any(word in call for word in beside) for pid, call in trace)
    return calls, births


@listed
def system_calls(case):
    """A start needs at most 16 system calls and copies no memory. A further try needs only its
    starts. Reading the head of a task file is needed once."""
    needs("strace", "-o", os.devnull, "true")
    number = 50 if case.quick else 200
    case.config("max_tries = 3", "[last]", "ok_codes = 7")
    counts = []
    # Differences between tries hide the work that is done only once.
    for files, tries in ((number, 2), (number, 3), (2 * number, 2)):
        for task in range(files):
            case.task(f"{task}")
        case.task("last", f"[ $RUNNER_TRY_NUM = {tries} ] && exit 7")
        # Not as root, since most runners are not root.
        before = [*case.unprivileged(), "strace", "-f", "-o", "trace"]
        case.run("-q", before=before, timeout=60).must(0)
        calls, births = traced(case.lines("trace"))
        counts.append(calls)
        assert len(births) == files * tries + tries, (len(births), files, tries)
        for birth in births:
            shares = birth.startswith("vfork(") or "CLONE_VM|CLONE_VFORK" in birth
            assert shares, f"a start copies the memory: {birth}"
    started = (counts[1] - counts[0]) / (number + 1)
    read = (counts[2] - counts[0]) / number - 2 * started
    # The message about the last task is spread over all starts, so the number is rounded down.
    assert int(started) <= 16, f"{started:.2f} system calls for a start"
    assert int(read) <= 8, f"{read:.2f} system calls for a file"


# Trees of processes, and directories that disappear.


@listed
def two_hundred_daemons(case):
    """All daemons are gone half a second after the limit."""
    case.config("max_time = 3")
    case.task("1-a", "for i in $(seq 200); do (setsid sleep 9000 &); done\n: >ready\nsleep 9000")
    runner = case.start()
    case.until("ready", timeout=2.5)
    done = runner.wait().must(1, "longer than `max_time`")
    assert not case.left(), f"left: {len(case.left())}"
    assert done.elapsed < 3 + 0.5 + 0.5, f"{done.elapsed:.2f} s"


# A daemon that forks and lets the parent end, all the time, while its file exists. After
# that it creates the file `over`.
FORKING_DAEMON = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
leave, rest = sys.argv[1] == "leave", float(sys.argv[2])
there = lambda: os.path.exists("daemon")
open("started", "w").close()
while there():
    if os.fork():
        os._exit(0)
    if leave:
        os.setsid()
    time.sleep(rest)
open("over", "w").close()
"""


def start_forking_daemon(case, leave, rest, then):
    case.write("daemon", FORKING_DAEMON)
    case.config("max_time = 1", "kill_grace = 0.3")
    start = f"{sys.executable} daemon {leave} {rest} &\nuntil [ -e started ]; do sleep 0.02; done"
    case.task("1-a", f"{start}\n{then}")
    case.cleanup.callback(end_forking_daemon, case)


def end_forking_daemon(case):
    """Ends the daemon. Returns true if it was alive."""
    for name in ("daemon", "started"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(case.path(name))
    with contextlib.suppress(AssertionError):
        until("over", lambda: os.path.exists(case.path("over")), 0.7)
    end = time.monotonic() + 1
    while any(there.parent == os.getpid() for there in processes()) and time.monotonic() < end:
        reap_orphans()
    with contextlib.suppress(FileNotFoundError):
        os.unlink(case.path("over"))
        return True
    return False


@listed
def forking_daemon_in_the_group(case):
    """The group is killed as a whole, whatever processes it has at that moment."""
    for rest in (0, 0.003) if case.quick else (0, 0.001, 0.003, 0.01, 0.05):
        start_forking_daemon(case, "stay", rest, "sleep 9000")
        case.run(timeout=8).must(1, "longer than `max_time`")
        assert not end_forking_daemon(case), f"a daemon that rests for {rest} s survives"


@listed
def forking_daemon_across_sessions(case):
    """The daemon is found, unless it forks faster than /proc can be read: then only a cgroup
    could end it. The runner does not search forever."""
    for rest in (0.05, 0.003) if case.quick else (0.05, 0.01, 0.003, 0.001, 0):
        start_forking_daemon(case, "leave", rest, "sleep 9000")
        case.run(timeout=8).must(1)
        assert not end_forking_daemon(case) or rest < 0.05, f"a daemon that rests for {rest} s survives"


@listed
def forking_daemon_that_is_a_leftover(case):
    """The daemon is a leftover of a task that has ended, and the chain continues."""
    case.task("2-b", ": >b")
    for leftovers in ("report", "kill"):
        start_forking_daemon(case, "stay", 0, "exit 0")
        case.config(f"leftovers = {leftovers}")
        case.run(timeout=8).must(0)
        os.unlink(case.path("b"))
        assert not end_forking_daemon(case) or leftovers == "report", "it survives"


def daemon_without_an_environment(name):
    """Returns a command that starts a daemon without the variables of the runner. The daemon
    writes its number to the file `name`."""
    become = f"echo $$ >{name}.new; mv {name}.new {name}; exec sleep 9000"
    return (
        f"env -i PATH=\"$PATH\" setsid sh -c '{become}' &\n"
        f"until [ -e {name} ]; do :; done"
    )


def ends_daemon(case, name):
    """Ends this daemon. Returns true if it was alive."""
    pid = int(case.read(name))
    os.unlink(case.path(name))
    lived = lives(pid)
    if lived:
        os.kill(pid, signal.SIGKILL)
        until("its end", lambda: not lives(pid))
        reap_orphans()
    return lived


@listed
def starts_beside_a_limit(case):
    """A process that another worker is just starting is not an orphan, although its
    environment does not name a task yet."""
    inject = ("-e", "trace=execve", "-e", "inject=execve:delay_enter=300000")
    strace = ["strace", "-f", "-q", "-o", os.devnull, *inject]
    needs(*strace, "true")
    case.config("kill_grace = 0.1", "[a]", "max_time = 1", "required = no")
    case.task("1-a", "while :; do :; done")
    for number in range(10):
        case.task(f"1-b{number}")
    done = case.run("-j", "2", before=strace).must(4, "longer than `max_time`")
    assert "may have left" not in done.stderr


@listed
def earlier_daemons(case):
    """A daemon without the variables could belong to an earlier task whose daemon is alive.
    It is named and left alone."""
    case.config("[b]", "max_time = 1")
    case.task("1-a", daemon_without_an_environment("early"))
    case.task("2-b", daemon_without_an_environment("late") + "\nsleep 9000")
    for _ in range(3 if case.quick else 10):
        case.run().must(1, "`2-b` may have left 1 process: ")
        early, late = ends_daemon(case, "early"), ends_daemon(case, "late")
        assert early, "the daemon of the first task was ended"
        assert late, "what may be the daemon's was ended"


@listed
def orphan_without_an_environment(case):
    """An orphan without the variables could belong to another running task. It is named and
    left alone."""
    case.config("max_time = 1")
    case.task("1-a", daemon_without_an_environment("daemon") + "\nsleep 9000")
    case.task("1-b", "sleep 9000")
    done = case.run("-j", "2").must(1)
    pid = case.read("daemon").strip()
    assert ends_daemon(case, "daemon"), "it was ended"
    assert f"{pid} `sleep`" in done.stderr and "still running" in done.stderr, done.stderr


@listed
def setuid_orphan(case):
    """An orphan whose environment an unprivileged runner cannot read is ended."""
    needs_root("a file that is setuid root")
    user = case.unprivileged()
    needs(*user, "true")
    shutil.copy(shutil.which("sleep"), case.path("nap"))
    os.chmod(case.path("nap"), 0o4755)
    case.config("max_time = 1")
    case.task("1-a", "setsid ./nap 9000 &\nsleep 9000")
    runner = case.start(before=user)
    is_there = lambda: [left for left in case.left() if left.name == "nap"]
    [nap] = until("the daemon", is_there, 5)
    if os.stat(f"/proc/{nap.pid}").st_uid != 0:
        runner.wait()
        raise Skip(f"`{case.path('nap')}`, setuid root: it does not become root here")
    runner.wait().must(1)


def hiding(case, how):
    """Returns the words that start a command as a user from whom /proc hides the processes of
    other users. With `hidepid=1` they are listed but cannot be read. `nap` sleeps: it is
    hidden and can be signaled. `up` starts a command as root."""
    needs_root("mounting, and a file that is setuid root")
    user = case.unprivileged()
    for name, program in (("nap", "sleep"), ("up", "setpriv")):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(case.path(name))
        shutil.copy(shutil.which(program), case.path(name))
        os.chmod(case.path(name), 0o4755)
    script = f'mount -t proc -o hidepid={how} proc /proc && exec "$@"'
    words = ["unshare", "--mount", "sh", "-c", script, "sh", *user]
    needs(*words, "true")
    as_root = [*words, case.path("up"), "--reuid=0", "--regid=0", "--clear-groups"]
    needs(*as_root, "sh", "-c", "[ $(id -ru) = 0 ]")
    return words


UP = "./up --reuid=0 --regid=0 --clear-groups sleep 9000"


@listed
def hidden_from_its_user(case):
    """A hidden process is ended. If that is not possible, it is named and no task starts."""
    case.config("max_time = 1", "kill_grace = 0.5", "max_tries = 3")
    for how in ("2",) if case.quick else ("1", "2"):
        for body, kept in (
            ("exec ./nap 9000", False),
            ("./nap 9000 &\nsleep 9000", False),
            (f"exec {UP}", True),
            (f"{UP} &\nsleep 9000", True),
        ):
            case.task("1-a", f"echo $$ >>pids\n{body}")
            done = case.run(before=hiding(case, how), timeout=15)
            done.must(1, "longer than `max_time`")
            pids = case.lines("pids")
            named = f"SIGKILL: 1 process: {pids[0]} (not seen in `/proc`)\n" in done.stderr
            assert named == kept and bool(case.left()) == kept, (body, case.left(), done.stderr)
            assert len(pids) == (1 if kept else 3), (body, pids)
            case.kill_left()
            os.unlink(case.path("pids"))


@listed
def hidden_orphan(case):
    """The task of a hidden orphan is unknown: it is named and left alone."""
    case.task("1-a", "setsid ./nap 9000 &\n: >ready\nsleep 9000")
    case.config("max_time = 1")
    done = case.run(before=hiding(case, "2")).must(1, "`1-a` may have left 1 process: ")
    [nap] = case.left()
    assert f" {nap.pid} (not seen in `/proc`); still running" in done.stderr, nap
    case.kill_left()


@listed
def hidden_leftover(case):
    """A hidden leftover is named or ended, like a visible one."""
    case.config("leak_time = 0.2", "kill_grace = 0.5")
    case.task("1-a", "./nap 9000 &\necho $$ >pid")
    for leftovers, said in (("report", "still running"), ("kill", "ended")):
        case.config(f"leftovers = {leftovers}")
        done = case.run(before=hiding(case, "2"))
        pid = case.read("pid").strip()
        done.must(0, f"`1-a` left 1 process: {pid} (not seen in `/proc`); {said}")
        assert bool(case.left()) == (leftovers == "report"), case.left()
        case.kill_left()


@listed
def changes_its_group(case):
    """A task that has moved to another group is found and ended."""
    case.hook()
    case.config("max_time = 1")
    body = "signal.signal(signal.SIGHUP, signal.SIG_IGN)\nos.setpgid(0, os.getpgid(os.getppid()))\n"
    case.python("1-a", body + "open('moved', 'w')\ntime.sleep(9000)")
    case.run().must(1, "longer than `max_time`", within=5)
    assert os.path.exists(case.path("moved"))
    assert case.results()[0][1:3] == ("RETRY", "timed-out"), case.results()


@listed
def kills_the_runner(case):
    """The next run after a killed runner succeeds."""
    case.task("1-a", "[ -e again ] || { : >again; kill -KILL $PPID; }")
    case.task("2-b", ": >b")
    done = case.run()
    assert done.status == -signal.SIGKILL, done.status
    case.reap_left("the end of the task")
    case.run().must(0, within=5)
    assert os.path.exists(case.path("b"))


@listed
def removes_the_directory(case):
    """Without the task directory the next task does not start. Without the working directory
    the tasks that do not need it run."""
    case.task("1-a", "rm -r tasks.d")
    case.task("2-b")
    case.run().must(1, "`2-b` did not start: ")
    os.mkdir(case.path("tasks.d"))
    os.mkdir(case.path("here"))
    case.task("1-a", 'rm -r "$PWD"')
    case.task("2-b", f": >{case.path('b')}")
    case.tasks, case.settings = case.path("tasks.d"), case.path("cfg")
    case.run(cwd=case.path("here")).must(0)
    assert os.path.exists(case.path("b"))


# The table of faults.


@listed
def table(case):
    """Each fault has a line, each case is in the table, and each story exists in tests/."""
    tests = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tests")
    text = ""
    for folder, _, names in os.walk(tests):
        for name in names:
            if name.endswith(".rs"):
                with open(os.path.join(folder, name)) as file:
                    text += file.read()
    numbers, cases, stories = [], {"table"}, set()
    for line in FAULTS.strip().splitlines():
        number, _, covered = (column.strip() for column in line.split("|"))
        numbers += [int(number)] if number != "+" else []
        for words in covered.replace(";", ",").split(","):
            kind, _, name = words.strip().partition(" ")
            {"case": cases, "story": stories}.get(kind, set()).add(name)
    assert numbers == list(range(1, 48)), numbers
    assert cases == set(CASES), f"{cases ^ set(CASES)} in one of both only"
    if "fn a_limit_ends_the_whole_group()" not in text:
        raise Skip("`ls tests/processes`: the stories are not here")
    missing = sorted(story for story in stories if f"fn {story}()" not in text)
    assert not missing, f"no such story in tests/: {', '.join(missing)}"


def play(name, binary, quick):
    """Returns `ok`, `skipped` or `FAILED`, and the reason."""
    case = Case(binary, quick)
    try:
        CASES[name](case)
        case.nothing_left()
        return "ok", ""
    except Skip as skip:
        return "skipped", str(skip)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)
        line = next((frame.lineno for frame in where if frame.name == name), 0)
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        said = "".join(f"\n    | {line}" for line in case.lines("stderr")[-12:])
        return "FAILED", f"line {line}: {kind}{error}{said}"
    finally:
        case.close()


RESULTS = ["ok", "FAILED", "skipped"]


def start(name, binary, quick):
    """Starts a process that plays this case. Its exit code is an index into RESULTS."""
    pid = os.fork()
    if pid == 0:
        result = "FAILED"
        try:
            # This process may have inherited ignored or blocked signals that the cases need.
            for word in ("HUP", "QUIT", "TERM", "TSTP", "TTIN", "TTOU", "CHLD"):
                signal.signal(getattr(signal, f"SIG{word}"), signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.pthread_sigmask(signal.SIG_SETMASK, [])
            # Orphans of a runner become children of this process.
            LIBC.prctl(36, 1, 0, 0, 0)
            clock = time.monotonic()
            result, why = play(name, binary, quick)
            why = why and f": {why}"
            line = f"{result:8}{name} ({time.monotonic() - clock:.1f} s){why}\n"
            os.write(1, line.encode(errors="replace"))
        finally:
            os._exit(RESULTS.index(result))
    return pid


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="do less work in the slow cases")
    parser.add_argument("--jobs", type=int, default=2, help="number of cases at a time (2)")
    parser.add_argument("--only", action="append", metavar="NAME", help="this case, repeatable")
    parser.add_argument("runner")
    args = parser.parse_args()
    unknown = [name for name in args.only or [] if name not in CASES]
    if unknown:
        parser.error(f"no case {unknown[0]}; there are {', '.join(CASES)}")
    os.umask(0o022)
    binary = os.path.realpath(args.runner)
    waiting, running = list(args.only or CASES), set()
    counts = dict.fromkeys(RESULTS, 0)
    while waiting or running:
        while waiting and len(running) < args.jobs:
            running.add(start(waiting.pop(0), binary, args.quick))
        pid, status = os.wait()
        running.discard(pid)
        code = os.waitstatus_to_exitcode(status)
        counts[RESULTS[code] if 0 <= code < len(RESULTS) else "FAILED"] += 1
    skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
    print(f"{counts['ok']} passed, {counts['FAILED']} failed{skipped}")
    sys.exit(1 if counts["FAILED"] else 0)


if __name__ == "__main__":
    main()
