#!/usr/bin/env python3
"""Plays the Ansible collection against twelve machines on this one.

    fleet.py [--only STORY]... RUNNER VENV

Each machine has its own mount, UTS and PID namespaces with an sshd on 127.0.0.1, and its own host
name, machine id, boot id, `/run`, and `/srv` for everything that outlives a boot. To kill process 1
of a machine is to cut its power. VENV has ansible-core. A story has a machine of its own, and the
stories run at the same time; the rollouts use all machines after that. Needs root.
"""

import argparse
import concurrent.futures
import contextlib
import itertools
import json
import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

TIMEOUT_SECONDS = 120
MACHINES = 12

# Ansible needs about a second of processor time for each play.
STORIES_AT_ONCE = 6

BOOT = """
set -eu
hostname "$1"
mount -t tmpfs tmpfs /run
mkdir /run/sshd
mount --bind "$2/srv" /srv
mount --bind "$2/machine-id" /etc/machine-id
cat /proc/sys/kernel/random/uuid >/run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id
# sshd without PAM refuses an account whose password is locked.
sed 's/^root:[^:]*/root:*/' /etc/shadow >/run/shadow
mount --bind /run/shadow /etc/shadow
/usr/sbin/sshd -D -e -f "$2/sshd_config" &
while :; do wait; done
"""

SSHD = """
ListenAddress 127.0.0.1
Port {port}
HostKey {top}/key
AuthorizedKeysFile {top}/key.pub
PermitRootLogin yes
StrictModes no
UsePAM no
PidFile none
MaxStartups 100
Subsystem sftp internal-sftp
"""

ANSIBLE = """
[defaults]
inventory = {top}/inventory
collections_path = {top}/collections
local_tmp = {top}/tmp
remote_tmp = /srv/tmp
forks = 12
host_key_checking = false
interpreter_python = {python}
[ssh_connection]
pipelining = true
control_path_dir = {top}/ssh
ssh_args = -o ControlMaster=auto -o ControlPersist=60s -o ServerAliveInterval=2 -o ServerAliveCountMax=4 -o UserKnownHostsFile=/dev/null
"""

CONFIG = """[runner]
state_dir = state
sleep_time = 0.1
max_tries = 2
"""
ONCE = CONFIG + "[1-once]\nfrequency = once\n"

# Parameters of every call of the module.
CHAIN = {"program": "/srv/runner", "config": "/srv/runner.cfg", "taskdir": "/srv/tasks.d"}

# Records its start, and runs until the test creates the file `go`.
SLOW = (
    'echo "$RUNNER_RUN_ID" >>/srv/starts; until [ -e /srv/go ]; do sleep 0.1; done; echo released'
)


def is_equal(what, found, expected):
    if found != expected:
        raise AssertionError(f"{what}: found {found!r}, expected {expected!r}")


def is_true(what, condition):
    if not condition:
        raise AssertionError(what)


def wait_until(what, condition):
    end = time.monotonic() + TIMEOUT_SECONDS
    while True:
        value = condition()
        if value:
            return value
        is_true(f"{what}: not within {TIMEOUT_SECONDS} s", time.monotonic() < end)
        time.sleep(0.05)


def processes():
    """Yields number, command line and PID namespace of every process."""
    for number in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            command = pathlib.Path("/proc", number, "cmdline").read_bytes().replace(b"\0", b" ")
            namespace = os.readlink(f"/proc/{number}/ns/pid")
            yield int(number), command.decode(errors="replace"), namespace


class Machine:
    def __init__(self, fleet, number):
        self.fleet = fleet
        self.name = f"h{number}"
        self.directory = fleet.top / self.name
        self.srv = self.directory / "srv"
        # Process `unshare`, once it has booted.
        self.process = None
        self.port = free_port()
        self.srv.mkdir(parents=True)
        (self.directory / "machine-id").write_text(uuid.uuid4().hex + "\n")
        (self.directory / "sshd_config").write_text(SSHD.format(port=self.port, top=fleet.top))

    def reset(self):
        for path in self.srv.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        (self.srv / "tasks.d").mkdir()
        os.link(self.fleet.runner, self.srv / "runner")
        self.config(CONFIG)

    def boot(self):
        unshare = ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
        self.process = subprocess.Popen(
            [*unshare, "bash", "-c", BOOT, "boot", self.name, self.directory],
            stdin=subprocess.DEVNULL,
            stdout=(self.directory / "console").open("ab"),
            stderr=subprocess.STDOUT,
        )
        wait_until(f"{self.name} boots", self.accepts)
        children = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        self.init = int(pathlib.Path(children).read_text())
        self.namespace = os.readlink(f"/proc/{self.init}/ns/pid")

    def accepts(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)) as it:
            return it.recv(3) == b"SSH"

    def cut_power(self):
        # The kernel kills all others of the namespace before `unshare` can reap process 1.
        os.kill(self.init, signal.SIGKILL)
        self.process.wait()

    def config(self, text, name="runner.cfg"):
        (self.srv / name).write_text(text)

    def task(self, name, body):
        path = self.srv / "tasks.d" / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def pids(self, part):
        """Returns the processes of this machine with this part in their command line."""
        mine = [(pid, command) for pid, command, space in processes() if space == self.namespace]
        return [pid for pid, command in mine if re.search(part, command)]

    def kill(self, part, kind=signal.SIGKILL):
        pids = wait_until(f"{part} runs on {self.name}", lambda: self.pids(part))
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, kind)

    def journal(self, event=None):
        lines = (self.srv / "state/journal.jsonl").read_text().splitlines()
        return [it for it in map(json.loads, lines) if event in (None, it["event"])]

    def runs(self):
        return [it["run"] for it in self.journal("run-start")]

    def starts(self):
        path = self.srv / "starts"
        return path.read_text().split() if path.exists() else []

    def play(self, **chain):
        """Starts a play that calls the module once."""
        return Play(self, [chain])

    def answers(self, *chains, options=()):
        """Plays with several calls of the module. Returns what each of them returned."""
        status, answers = Play(self, chains, options).end()
        is_equal("status of the play", status, 0)
        return answers

    def wait_for_start(self, times=1):
        wait_until(f"{self.name} starts the task", lambda: len(self.starts()) == times)

    def wait_for_attached(self, times=1):
        wait_until(f"a play follows {self.name}", lambda: len(self.pids("--wait")) == times)

    def release(self):
        (self.srv / "go").touch()


class Play:
    """A play that calls the module on one machine. The answers are in a file of the controller."""

    numbers = itertools.count(1)

    def __init__(self, machine, chains, options=()):
        name = f"{next(Play.numbers)}-{machine.name}"
        self.answers_path = machine.fleet.top / f"answers-{name}.json"
        self.log = machine.fleet.top / f"play-{name}.log"
        # With one call, a failure ends the play, as usual.
        calls = [
            {
                "runner.fleet.chain": {**CHAIN, **chain},
                "register": f"answer_{number}",
                "ignore_errors": len(chains) > 1,
            }
            for number, chain in enumerate(chains)
        ]
        answers = ", ".join(f"answer_{number}" for number in range(len(chains)))
        save = {"content": f"{{{{ [{answers}] | to_json }}}}", "dest": str(self.answers_path)}
        # It is not in check mode if the play is.
        save = {"copy": save, "delegate_to": "localhost", "check_mode": False}
        play = {"hosts": machine.name, "gather_facts": False}
        play["tasks"] = [{"block": calls, "always": [save]}]
        path = self.log.with_suffix(".yml")
        path.write_text(json.dumps([play]))
        self.process = machine.fleet.ansible("ansible-playbook", path, *options, log=self.log)

    def end(self):
        """Waits for the end. Returns its status and the answers, or `None`."""
        status = self.process.wait(TIMEOUT_SECONDS)
        path = self.answers_path
        return status, json.loads(path.read_text()) if path.exists() else None

    def succeeds(self, **expected):
        status, answers = self.end()
        is_true(f"the play succeeds:\n{self.log.read_text()}", status == 0)
        return has(answers[0], failed=False, **expected)

    def fails(self, **expected):
        status, answers = self.end()
        is_equal("status of the play", status, 2)
        return has(answers[0], failed=True, **expected)

    def is_lost(self):
        """The connection was lost, so there is no answer of the module, and the play fails."""
        status, answers = self.end()
        is_true(f"the play fails:\n{self.log.read_text()}", status != 0)
        is_true(f"there is no answer: {answers}", not answers or "end" not in answers[0])
        recap = re.search(r"unreachable=0 +failed=0", self.log.read_text())
        is_true(f"the machine is not ok:\n{self.log.read_text()}", not recap)


def has(answer, **expected):
    """Compares some members of an answer of the module. Returns it."""
    for key, value in expected.items():
        is_equal(f"`{key}` of {answer}", answer.get(key, False), value)
    return answer


class Fleet:
    def __init__(self, top, runner, venv):
        self.top = top
        self.venv = venv
        self.machines = []
        self.plays = []
        # The debug information is larger than the rest.
        self.runner = top / "runner"
        subprocess.run(["strip", "-o", self.runner, runner], check=True)
        subprocess.run([self.runner, "-q", "--install-links", top], check=True)
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", top / "key"], check=True
        )
        (top / "ansible.cfg").write_text(ANSIBLE.format(top=top, python=sys.executable))
        self.machines = [Machine(self, number) for number in range(1, MACHINES + 1)]
        host = "{0.name} ansible_host=127.0.0.1 ansible_port={0.port} ansible_user=root"
        host += f" ansible_ssh_private_key_file={top}/key\n"
        (top / "inventory").write_text("".join(map(host.format, self.machines)))
        collection = pathlib.Path(__file__).resolve().parent.parent / "ansible"
        self.run("ansible-galaxy", "collection", "build", collection, "--output-path", top)
        self.run("ansible-galaxy", "collection", "install", "--offline", *top.glob("*.tar.gz"))

    def environment(self):
        return {
            "PATH": f"{self.venv}/bin:{self.top}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(self.top),
            "PWD": str(self.top),
            "LC_ALL": "C.UTF-8",
            "ANSIBLE_CONFIG": str(self.top / "ansible.cfg"),
            "ANSIBLE_NOCOLOR": "1",
        }

    def ansible(self, *command, log):
        """Starts a command of Ansible in a session of its own, so a signal reaches all its processes."""
        process = subprocess.Popen(
            [self.venv / "bin" / command[0], *command[1:]],
            cwd=self.top,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.plays.append(process)
        return process

    def run(self, *command):
        log = self.top / "command.log"
        status = self.ansible(*command, log=log).wait(TIMEOUT_SECONDS)
        return status, log.read_text()

    def end(self):
        for process in self.plays:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        # `--kill-child` ends process 1 of each.
        for process in [machine.process for machine in self.machines if machine.process]:
            process.kill()
            process.wait()
        # The connections that Ansible keeps open remove their sockets now.
        wait_until(f"{self.top} is removed", self.is_removed)

    def is_removed(self):
        shutil.rmtree(self.top, ignore_errors=True)
        return not self.top.exists()


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


# Stories about an interruption: the first play is never ok, and the second one follows the same run.


def interrupted(machine, interrupt):
    machine.task("1-slow", SLOW)
    first = machine.play()
    machine.wait_for_start()
    begin = time.monotonic()
    interrupt(first)
    first.is_lost()
    noticed = time.monotonic() - begin
    second = machine.play()
    machine.wait_for_attached()
    machine.release()
    answer = second.succeeds(
        rc=0, end="finished", attached=True, changed=True, tries=1, host=machine.name
    )
    is_equal("runs", machine.runs(), [answer["run"]])
    # A refused start would be the last start in reports.
    is_equal("refused starts", machine.journal("refused"), [])
    is_equal("starts of the task", len(machine.starts()), 1)
    return f"noticed after {noticed:.1f} s; the second play followed the same run"


def ssh_is_killed(machine):
    def interrupt(_):
        mine = [pid for pid, command, _ in processes() if f"Port={machine.port} " in command]
        is_true("there is an ssh", mine)
        for pid in mine:
            os.kill(pid, signal.SIGKILL)

    return interrupted(machine, interrupt)


def connection_is_cut(machine):
    return interrupted(machine, lambda _: machine.kill("^sshd: root@"))


def connection_is_silent(machine):
    return interrupted(machine, lambda _: machine.kill("^sshd: root@", signal.SIGSTOP))


def module_is_killed(machine):
    return interrupted(machine, lambda _: machine.kill("python"))


def terminal_hangs_up(machine):
    def interrupt(_):
        for group in {os.getpgid(pid) for pid in machine.pids("python")}:
            os.killpg(group, signal.SIGHUP)

    return interrupted(machine, interrupt)


def ctrl_c(machine):
    return interrupted(machine, lambda play: os.killpg(play.process.pid, signal.SIGINT))


def power_is_cut(machine):
    machine.config(ONCE)
    machine.task("1-once", "echo once >>/srv/once")
    machine.task("2-slow", SLOW)
    first = machine.play()
    machine.wait_for_start()
    machine.cut_power()
    first.is_lost()
    machine.boot()
    second = machine.play()
    machine.wait_for_start(times=2)
    machine.release()
    answer = second.succeeds(rc=0, end="finished", attached=False)
    is_equal("the second run", answer["run"], machine.runs()[1])
    is_equal("starts of the `once` task", (machine.srv / "once").read_text(), "once\n")
    return "the second play started a new run"


def runner_is_killed(machine):
    machine.task("1-slow", SLOW)
    first = machine.play()
    machine.wait_for_start()
    machine.kill("^/srv/runner")
    first.fails(rc=137, end="cut-off", ready=False, run=machine.runs()[0])
    # The task is still running.
    second = machine.play()
    message = second.fails(rc=75, end="refused", changed=False)["msg"]
    is_true(f"the message says what to do: {message}", "kill -- -" in message)
    machine.release()
    wait_until("the task ends", lambda: not machine.pids("tasks.d"))
    machine.play().succeeds(rc=0, attached=False)
    return "failed with the end `cut-off`; the second play failed with 75 while the task ran"


def module_times_out(machine):
    machine.task("1-slow", SLOW)
    first = machine.play(timeout=1).fails(rc=124, end="running", ready=False, changed=True)
    first_again = machine.play(timeout=1).fails(rc=124, end="running", attached=True)
    is_equal("the same run", first_again["run"], first["run"])
    machine.release()
    wait_until("the run ends", lambda: machine.journal("run-end"))
    is_equal("runs", machine.runs(), [first["run"]])
    return "failed with 124; the second play followed the same run"


def halt_takes_the_machine_down(machine):
    machine.task("1-reboot", "echo x >>/srv/starts; [ -e /srv/go ] || exit 2")
    machine.task("halt.sh", "touch /srv/go; sleep 60")
    first = machine.play(allow_halt=True)
    wait_until("the halt task starts", lambda: (machine.srv / "go").exists())
    machine.cut_power()
    first.is_lost()
    machine.boot()
    machine.play().succeeds(rc=0, end="finished")
    return "the second play started a new run"


def two_plays_at_the_same_time(machine):
    machine.task("1-slow", SLOW)
    plays = [machine.play(), machine.play()]
    machine.wait_for_attached()
    machine.release()
    answers = [play.succeeds(rc=0, end="finished", changed=True) for play in plays]
    is_equal("attached", sorted(answer["attached"] for answer in answers), [False, True])
    is_equal("runs", machine.runs(), [answers[0]["run"]])
    is_equal("the run of the other", answers[1]["run"], answers[0]["run"])
    # Between the look for a run and the start, another runner takes the lock.
    shutil.rmtree(machine.srv / "state")
    (machine.srv / "go").unlink()
    race = machine.srv / "race"
    race.write_text("""#!/bin/sh
case "$*" in *runner-report*|*--json*) exec /srv/runner "$@" ;; esac
setsid /srv/runner "$@" >/dev/null 2>&1 &
until grep -q task-start /srv/state/journal.jsonl; do sleep 0.1; done
exec /srv/runner "$@"
""")
    race.chmod(0o755)
    play = machine.play(program="/srv/race")
    machine.wait_for_attached()
    machine.release()
    answer = play.succeeds(rc=0, attached=True, output=None)
    is_equal("runs", machine.runs(), [answer["run"]])
    is_equal("output of the refused start", os.listdir(machine.srv / "state/ansible"), [])
    return "both followed one run"


def journal_is_moved_away(machine):
    machine.task("1-slow", SLOW)
    machine.play(timeout=1).fails(rc=124)
    second = machine.play()
    machine.wait_for_attached()
    (machine.srv / "state/journal.jsonl").rename(machine.srv / "state/moved")
    machine.release()
    second.succeeds(rc=0, end="finished", attached=True)
    return "the play followed the run to its end"


# Stories about the answers of the module.


def tree(machine):
    """Returns the time and the size of each file, without those of Ansible."""
    paths = [
        path for path in machine.srv.rglob("*") if machine.srv / "tmp" not in [path, *path.parents]
    ]
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in paths}


def check_mode(machine):
    machine.config(ONCE)
    machine.config(ONCE + "[2-always]\nfrequency = once\n", "both.cfg")
    machine.config(ONCE + "[2-alway]\nmax_tries = 3\n", "warning.cfg")
    machine.task("1-once", "true")
    machine.task("2-always", "true")
    before = tree(machine)
    [first] = machine.answers({}, options=["--check"])
    has(first, would_start=["1-once", "2-always"], changed=True)
    is_equal("files", tree(machine), before)

    both = {"config": "/srv/both.cfg"}
    warning = {"config": "/srv/warning.cfg"}
    changed = [has(it, rc=0)["changed"] for it in machine.answers({}, both, both, warning)]
    is_equal("changed", changed, [True, True, False, True])

    before = tree(machine)
    once, both, warning = machine.answers({}, both, warning, options=["--check"])
    has(once, would_start=["2-always"], changed=True, failed=False)
    has(both, would_start=[], changed=False, failed=False)
    # A warning fails in check mode only.
    has(warning, rc=1, end="refused", failed=True)
    is_true(f"the warning: {warning['msg']}", "2-alway" in warning["msg"])
    is_equal("files", tree(machine), before)
    return "nothing was written"


def statuses(machine):
    machine.config(CONFIG + "halt_codes =\n[1-optional]\nrequired = no\n")
    machine.task("1-optional", "exit 1")
    machine.task("2-required", "exit 5")
    machine.task("3-last", "true")
    gave_up, optional, allowed, halted, halt_allowed, stopped, finished = machine.answers(
        {},
        {"set": {"ok_codes": "0 5"}},
        {"set": {"ok_codes": "0 5"}, "allow_optional": True},
        {"set": {"halt_codes": 5}},
        {"set": {"halt_codes": 5}, "allow_halt": True},
        {"set": {"stop_codes": 5}, "allow_optional": True, "allow_halt": True},
        {"set": {"ok_codes": "0 1 5"}},
    )
    both = ["1-optional", "2-required"]
    has(
        gave_up,
        failed=True,
        rc=1,
        end="gave-up",
        ready=False,
        tries=2,
        failed_tasks=both,
        not_reached=["3-last"],
    )
    is_true(
        f"the message: {gave_up['msg']}",
        "by `2-required` (exited:5); failed: 1-opt" in gave_up["msg"],
    )
    has(
        optional,
        failed=True,
        rc=4,
        end="finished-with-failures",
        ready=True,
        failed_tasks=["1-optional"],
    )
    has(allowed, failed=False, rc=4, end="finished-with-failures", ready=True, not_reached=[])
    has(halted, failed=True, rc=2, end="halted", ready=False)
    has(halt_allowed, failed=False, rc=2, end="halted", ready=False)
    has(stopped, failed=True, rc=3, end="stopped", ready=False)
    fingerprints = [run["fingerprint"] for run in machine.journal("run-start")]
    has(finished, failed=False, rc=0, end="finished", ready=True, fingerprint=fingerprints[-1])
    return "0, 1, 2, 3 and 4"


def wrong_configuration(machine):
    machine.task("1-a", "true")
    machine.config("[runner]\nmax_time = soon\n[env]\nSECRET = hunter2$HOME\n", "wrong.cfg")
    machine.config("[env]\nSECRET = hunter2$HOME\n", "stateless.cfg")
    wrong, stateless, given, no_file, no_program = machine.answers(
        {"config": "/srv/wrong.cfg"},
        {"config": "/srv/stateless.cfg"},
        {"config": "/srv/stateless.cfg", "set": {"state_dir": "/srv/state"}},
        {"config": "/srv/nowhere.cfg"},
        {"program": "runner-x"},
        options=["-vvv"],
    )
    has(wrong, failed=True, rc=78, end="refused", ready=False)
    is_true(f"the message: {wrong['msg']}", "wrong.cfg:2: `max_time` must be" in wrong["msg"])
    is_true(f"the message: {stateless['msg']}", "set it in `[runner]`" in stateless["msg"])
    has(given, failed=False, rc=0, state_dir="/srv/state")
    has(no_file, failed=True, rc=78)
    is_equal("the message", no_program["msg"], "`runner-x` is not in PATH")
    for log in machine.fleet.top.glob(f"*-{machine.name}.*"):
        is_true(f"no value of `[env]` in {log}", "hunter2" not in log.read_text())
    return "the message of the runner, and no value of [env]"


def output_files(machine):
    directory = machine.srv / "state/ansible"
    directory.mkdir(parents=True, mode=0o700)
    for number in range(1, 21):
        (directory / f"{number}.log").touch()
    # The oldest one, and the newest, are directories. The clock was set back.
    os.utime(directory / "19.log", (2**32, 2**32))
    (directory / "1.log").unlink()
    for name in ("1.log", "21.log", "other"):
        (directory / name / "full").mkdir(parents=True)
    machine.task("1-a", "echo hello")
    output = machine.srv / machine.play().succeeds(rc=0)["output"].removeprefix("/srv/")
    is_true("the output", "hello\n" in output.read_text())
    is_equal("the output", output.name, "22.log")
    for name in ("1.log", "21.log", "other"):
        shutil.rmtree(directory / name)
    is_equal("mode of the directory", directory.stat().st_mode & 0o777, 0o700)
    is_equal("mode of the file", output.stat().st_mode & 0o777, 0o600)
    kept = [f"{number}.log" for number in (*range(13, 21), 22)]
    is_equal("files", sorted(os.listdir(directory)), kept)
    return "the last 10, readable by root only"


def lock_is_held(machine):
    machine.task("1-slow", SLOW)
    first = machine.play()
    machine.wait_for_start()
    machine.play(attach=False).fails(rc=75, end="refused", changed=False)
    machine.release()
    first.succeeds(rc=0)
    # A runner that has the lock and no run.
    (machine.srv / "go").unlink()
    only = ["nsenter", "-a", "-t", str(machine.init), "/srv/runner", "-c", "/srv/runner.cfg"]
    only = [*only, "-q", "/srv/tasks.d", "--only", "1-slow"]
    only = subprocess.Popen(only, stdout=subprocess.DEVNULL)
    machine.wait_for_start(times=2)
    message = machine.play().fails(rc=75, end="refused", changed=False)["msg"]
    is_true(f"the message: {message}", "another runner (pid" in message)
    machine.release()
    only.wait(TIMEOUT_SECONDS)
    machine.play().succeeds(rc=0)
    return "failed with 75 without permission to attach, or without a run"


def words_and_names(machine):
    # Neither a variable nor a home directory, for the start and for the reports.
    literal = {"set": {"state_dir": "/srv/$HOME/~"}}
    machine.task("1-a", "true")
    wrapper = machine.srv / "wrapper"
    wrapper.write_text('#!/bin/sh\n/srv/runner "$@"\nexit "$?"\n')
    wrapper.chmod(0o755)
    (machine.srv / "empty").mkdir()
    first, again, wrapped, empty, *limits = machine.answers(
        literal,
        literal,
        {"program": "/srv/wrapper"},
        {"taskdir": "/srv/empty", "set": {"state_dir": "/srv/none"}},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": "nan"},
        {"timeout": "inf"},
    )
    has(first, failed=False, rc=0, state_dir="/srv/$HOME/~")
    is_true("a run with a literal state directory", first["run"] and again["run"])
    is_true("another run", first["run"] != again["run"])
    [run] = machine.runs()
    has(wrapped, failed=False, rc=0, run=run, end="finished", attached=False)
    has(empty, failed=True, rc=66, end="refused", ready=False, changed=False)
    is_true(f"the message: {empty['msg']}", "no task" in empty["msg"])
    for limit in limits:
        has(limit, failed=True)
        is_true(f"the message: {limit['msg']}", "greater than 0" in limit["msg"])
    log = machine.fleet.top / f"ansible-{machine.name}.log"
    ansible = ["ansible", machine.name, "-m", "runner.fleet.chain", "-a", "taskdir=/srv/t\udcff"]
    is_equal("status", machine.fleet.ansible(*ansible, log=log).wait(TIMEOUT_SECONDS), 2)
    is_true(f"the message:\n{log.read_text()}", "a parameter is not UTF-8" in log.read_text())
    return "as they are written; no task is 66; a limit is greater than 0"


INTERRUPTIONS = [
    ssh_is_killed,
    connection_is_cut,
    connection_is_silent,
    module_is_killed,
    terminal_hangs_up,
    ctrl_c,
    power_is_cut,
    runner_is_killed,
    module_times_out,
    halt_takes_the_machine_down,
    two_plays_at_the_same_time,
    journal_is_moved_away,
]
ANSWERS = [check_mode, statuses, wrong_configuration, output_files, lock_is_held, words_and_names]


# The rollouts.


class Rollout:
    """One rollout to all machines, from a directory of the controller."""

    def __init__(self, fleet):
        self.fleet = fleet
        self.source = fleet.top / "source"
        (self.source / "tasks.d").mkdir(parents=True)
        (self.source / "runner.cfg").write_text(ONCE)
        self.task("1-once", "[ ! -e /srv/bad ]")

    def task(self, name, body):
        path = self.source / "tasks.d" / name
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)

    def play(self, *options, allow="0"):
        """Returns the status of the play and what it printed."""
        variables = {
            "runner_program_source": str(self.fleet.runner),
            "runner_program": "/srv/runner",
            "runner_config_source": str(self.source / "runner.cfg"),
            "runner_config": "/srv/runner.cfg",
            "runner_taskdir_source": str(self.source / "tasks.d"),
            "runner_taskdir": "/srv/tasks.d",
            "runner_become": False,
            "runner_allow": allow,
        }
        extra = ["-e", json.dumps(variables)]
        return self.fleet.run("ansible-playbook", "runner.fleet.rollout", *extra, *options)

    def counts(self):
        """Returns the number of runs of each machine."""
        return [len(machine.runs()) for machine in self.fleet.machines]

    def stories(self):
        machines = self.fleet.machines
        for machine in machines:
            for path in machine.srv.iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        status, said = self.play()
        is_true(f"the first rollout succeeds:\n{said}", status == 0)
        is_equal("runs", self.counts(), [1] * MACHINES)
        starts = [machine.journal("run-start")[0]["ts"] for machine in machines]
        ends = [machine.journal("run-end")[0]["ts"] for machine in machines]
        is_true("the first machine is alone", ends[0] < min(starts[1:]))
        is_true("then ten machines", max(ends[1:11]) < starts[11])
        [journals] = (self.fleet.top / "runner-journals").iterdir()
        is_true(f"its name: {journals}", re.search("/[0-9]{8}T[0-9]{6}Z-[0-9a-f]{8}$", str(journals)))
        is_equal("journals", len(list(journals.glob("*/journal.jsonl"))), MACHINES)
        yield "12 machines are ready", "in batches of 1, 10 and 1"

        status, said = self.play("--limit", "h1,h2,h3")
        is_equal("status", status, 0)
        is_equal("recaps without a change", said.count("changed=0"), 3)
        is_equal("runs", self.counts(), [2] * 3 + [1] * 9)
        yield "the same again on 3 machines", "no machine is changed"

        (self.source / "tasks.d/1-once").unlink()
        self.task("2-new", "[ ! -e /srv/bad ]")
        status, said = self.play("--limit", "h1,h2", "--check")
        is_equal("status in check mode", status, 0)
        is_equal("runs", self.counts(), [2] * 3 + [1] * 9)
        is_equal("tasks", os.listdir(machines[0].srv / "tasks.d"), ["1-once"])
        yield "check mode on 2 machines", "nothing was written"

        status, said = self.play()
        is_equal("status of a play whose configuration is for another task", status, 2)
        is_equal("runs", self.counts(), [2] * 3 + [1] * 9)
        (self.source / "runner.cfg").write_text(CONFIG)
        yield "a warning", "stopped at the check of the first machine"

        (machines[0].srv / "bad").touch()
        status, said = self.play()
        is_equal("status of a play whose first machine fails", status, 2)
        is_equal("runs", self.counts(), [3, 2, 2] + [1] * 9)
        is_equal("tasks", os.listdir(machines[0].srv / "tasks.d"), ["2-new"])
        yield "the first machine gives up", "stopped after 1 machine"

        (machines[0].srv / "bad").unlink()
        (machines[2].srv / "bad").touch()
        machines[4].cut_power()
        status, said = self.play(allow="10%")
        is_true(f"the play fails:\n{said}", status != 0)
        is_equal("runs", self.counts(), [4, 3, 3] + [2, 1, 2, 2, 2, 2, 2, 2, 1])
        is_true("the gate says why", "missing" in said)
        yield "1 of 11 is off and 1 gives up, 10% are allowed", "stopped after 11 machines"

        variables = {"runner_serial": [1, 3, "100%"]}
        status, said = self.play(
            "--limit", "h1,h2,h3,h4,h5,h6", "-e", json.dumps(variables), allow="40%"
        )
        is_true("a machine that is off is never ok", status != 0)
        is_equal("runs", self.counts(), [5, 4, 4] + [3, 1, 3, 2, 2, 2, 2, 2, 1])
        yield "1 of 6 is off and 1 gives up, 40% are allowed", "went to all machines, and the play failed"

        yield from self.stories_of_one_machine()

    def stories_of_one_machine(self):
        machine = self.fleet.machines[0]
        (self.source / "runner.cfg").write_text(CONFIG)
        self.task("2-new", "true")
        is_equal("status", self.play("--limit", "h1")[0], 0)
        expected = machine.journal("run-start")[-1]["fingerprint"]
        # This play copies the files, or one before it did, and was lost.
        for is_copied in (False, True):
            for name in ("go", "starts"):
                (machine.srv / name).unlink(missing_ok=True)
            runs = len(machine.runs())
            machine.task("2-new", SLOW)
            old = machine.play()
            machine.wait_for_start()
            if is_copied:
                shutil.copy2(self.source / "tasks.d/2-new", machine.srv / "new")
                (machine.srv / "new").rename(machine.srv / "tasks.d/2-new")
            with concurrent.futures.ThreadPoolExecutor() as pool:
                rollout = pool.submit(self.play, "--limit", "h1")
                machine.wait_for_attached()
                machine.release()
            old.succeeds(rc=0)
            is_equal("status", rollout.result()[0], 0)
            # The rollout before had the same files.
            [old, new] = [run["fingerprint"] for run in machine.journal("run-start")[runs:]]
            is_true("the run that was followed has other tasks", old != expected)
            is_equal("fingerprint of the last run", new, expected)
        yield "a chain of older files is running", "the chain ran again"

        tasks = machine.srv / "tasks.d"
        files = sorted(os.listdir(tasks))
        source, self.source = self.source, self.fleet.top / "[x]/source"
        shutil.copytree(source, self.source)
        is_equal("status with a source like a pattern", self.play("--limit", "h1")[0], 0)
        is_equal("tasks", sorted(os.listdir(tasks)), files)
        shutil.copy2(machine.srv / "runner.cfg", tasks)
        inside = {"runner_config": "/srv/tasks.d/runner.cfg"}
        self.is_refused("--limit", "h1", "-e", json.dumps(inside))
        shutil.rmtree(self.source / "tasks.d")
        self.is_refused("--limit", "h1")
        (self.source / "tasks.d").mkdir()
        self.is_refused("--limit", "h1")
        is_equal("tasks", sorted(os.listdir(tasks)), [*files, "runner.cfg"])
        yield "a source like a pattern or without tasks, a configuration among the tasks", "no task was removed"

    def is_refused(self, *options):
        status, said = self.play(*options)
        is_equal("status of a play that could remove too much", status, 2)
        is_true(f"the reason:\n{said}", "must have tasks" in said)


def play_story(story, machines):
    machine = machines.get()
    begin = time.monotonic()
    try:
        machine.reset()
        return story(machine), time.monotonic() - begin
    finally:
        machines.put(machine)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("runner")
    parser.add_argument("venv", type=pathlib.Path)
    arguments = parser.parse_args()
    stories = INTERRUPTIONS + ANSWERS
    if arguments.only:
        stories = [story for story in stories if story.__name__ in arguments.only]
    has_rollouts = not arguments.only or "rollouts" in arguments.only
    failures = 0
    # The machines end also if this process is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    top = pathlib.Path(tempfile.mkdtemp(prefix="fleet."))
    top.chmod(0o755)
    fleet = Fleet(top, arguments.runner, arguments.venv.absolute())
    try:
        machines = queue.Queue()
        for machine in fleet.machines:
            machine.boot()
            machines.put(machine)
        with concurrent.futures.ThreadPoolExecutor(STORIES_AT_ONCE) as pool:
            played = [(story, pool.submit(play_story, story, machines)) for story in stories]
            for story, future in played:
                name = story.__name__.replace("_", " ")
                try:
                    found, seconds = future.result()
                    print(f"{name}: {found} ({seconds:.1f} s)", flush=True)
                except Exception as error:
                    print(f"error: {name}: {error!r}", flush=True)
                    failures += 1
        if has_rollouts and not failures:
            begin = time.monotonic()
            for name, found in Rollout(fleet).stories():
                print(f"{name}: {found} ({time.monotonic() - begin:.1f} s)", flush=True)
                begin = time.monotonic()
    finally:
        fleet.end()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
