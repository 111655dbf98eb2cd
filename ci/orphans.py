#!/usr/bin/env python3
"""Counts the daemons that survive their task and are not named by the runner.

    orphans.py [--rounds ROUNDS] [--loops LOOPS] [--idle IDLE] RUNNER

In each round a task starts a daemon that leaves its process group. The task is ended by
its limit or by a signal to the runner. LOOPS busy loops keep the machine busy, and IDLE
processes make /proc as long as on a machine in use. Afterwards the daemon has been ended,
or the runner has named it, or it is a silent survivor. With a silent survivor the exit
status is 1. The results are in docs/guarantees.md.
"""

import argparse
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

# Parts of the messages about processes that the runner does not end.
NAMED = ("cannot be ended", "may have left")

# Daemons: shell scripts that are started as `DAEMON &`. BEAT records that one is alive.
BEAT = 'printf . >>"$DIR/beats"\n'
HOP = """
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while os.path.exists("daemon"):
    if os.fork():
        os._exit(0)
    os.setsid()
    with open("beats", "a") as file:
        file.write(".")
"""
DAEMONS = {
    "sleeps": f"{BEAT}exec sleep 9000",
    # Forks and ends all the time, in one session.
    "forks": f'{BEAT}"$0" &',
    # Forks and ends all the time, each process in its own session.
    "forks to a new session": f'{BEAT}setsid "$0" &',
    # As before, but without loading a program, ten times as fast, and SIGTERM is ignored.
    "forks in a tight loop": f"{BEAT}exec {sys.executable} -c '{HOP}'",
    # Does not end on SIGTERM.
    "ignores SIGTERM": f"trap '' TERM\n{BEAT}while :; do sleep 0.1; done",
    # Its environment does not name its task.
    "has no environment": f"{BEAT}exec env -i sleep 9000",
}
ENDS = ("limit", "signal")
JOBS = (1, 2)


def environment(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
        return file.read().split(b"\0")
    return []


def directory_of(pid):
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/cwd")
    return ""


def living(cookie, directory):
    """Returns the processes of a round: those in its directory, and those with its cookie."""
    pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    is_one = lambda pid: directory_of(pid) == directory or cookie in environment(pid)
    return [pid for pid in pids if pid != os.getpid() and is_one(pid)]


def write(path, text, mode=0o644):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


def size(path):
    with contextlib.suppress(OSError):
        return os.stat(path).st_size
    return 0


class Round:
    def __init__(self, number, daemon, end, jobs):
        self.directory = os.path.realpath(tempfile.mkdtemp(prefix="orphans-"))
        self.daemon, self.end, self.jobs = daemon, end, jobs
        self.cookie = f"ORPHANS={os.getpid()}.{number}"
        self.beats = os.path.join(self.directory, "beats")

    def path(self, name):
        return os.path.join(self.directory, name)

    def play(self, runner):
        """Plays the round. Returns the fate of the daemon: `ended`, `named` or `silent`."""
        os.mkdir(self.path("tasks.d"))
        time_limit = 0.5 if self.end == "limit" else 0
        settings = f"max_tries = 1\nkill_grace = 0.3\nmax_time = {time_limit}\nhalt_task =\n"
        write(self.path("cfg"), f"[runner]\n{settings}")
        write(self.path("daemon"), f"#!/bin/sh\n{DAEMONS[self.daemon]}\n", 0o755)
        start = "setsid ./daemon &\nuntil [ -s beats ]; do sleep 0.02; done\n: >up\nsleep 9000"
        write(self.path("tasks.d/1-a"), f"#!/bin/sh\n{start}\n", 0o755)
        if self.jobs > 1:
            write(self.path("tasks.d/1-b"), "#!/bin/sh\nsleep 9000\n", 0o755)
        outer = os.environ.items()
        env = {name: value for name, value in outer if not name.startswith("RUNNER_")}
        name, _, value = self.cookie.partition("=")
        env |= {name: value, "DIR": self.directory}
        with open(self.path("stderr"), "wb") as stderr:
            command = [runner, "-c", "cfg", "-j", str(self.jobs), "tasks.d"]
            popen = subprocess.Popen(
                command, cwd=self.directory, env=env, stdin=subprocess.DEVNULL,
                stdout=stderr, stderr=stderr, start_new_session=True,
            )
        if self.end == "signal":
            while not os.path.exists(self.path("up")) and popen.poll() is None:
                time.sleep(0.01)
            popen.send_signal(signal.SIGTERM)
        try:
            popen.wait(60)
        except subprocess.TimeoutExpired:
            popen.kill()
            raise
        with open(self.path("stderr"), errors="replace") as file:
            self.said = file.read()
        if not self.survives():
            return "ended"
        return "named" if any(words in self.said for words in NAMED) else "silent"

    def survives(self):
        """Returns true if the daemon is alive. A daemon that forks all the time may be missing in
        /proc, but its beats continue."""
        before = size(self.beats)
        there = living(self.cookie.encode(), self.directory)
        time.sleep(0.1)
        return bool(there) or size(self.beats) > before

    def close(self):
        """Kills the remaining processes by number."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path("daemon"))
        for _ in range(200):
            left = living(self.cookie.encode(), self.directory)
            if not left:
                break
            for pid in left:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)
        shutil.rmtree(self.directory, ignore_errors=True)


@contextlib.contextmanager
def busy(loops, idle):
    """Keeps the machine busy, and /proc long."""
    running = []
    try:
        for number in range(loops + idle):
            command = ["sh", "-c", "while :; do :; done"] if number < loops else ["sleep", "9000"]
            running.append(subprocess.Popen(command))
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=100, help="number of rounds (100)")
    parser.add_argument("--loops", type=int, default=4, help="number of busy loops (4)")
    parser.add_argument("--idle", type=int, default=200, help="number of idle processes (200)")
    parser.add_argument("--verbose", action="store_true", help="show the messages that name a daemon")
    parser.add_argument("runner")
    args = parser.parse_args()
    runner = os.path.realpath(args.runner)
    kinds = list(itertools.product(DAEMONS, ENDS, JOBS))
    counts = {kind: dict.fromkeys(("ended", "named", "silent"), 0) for kind in kinds}
    with busy(args.loops, args.idle):
        for number in range(args.rounds):
            kind = kinds[number % len(kinds)]
            one = Round(number, *kind)
            try:
                how = one.play(runner)
            finally:
                one.close()
            counts[kind][how] += 1
            if how == "silent" or args.verbose and how == "named":
                print(f"round {number}: {', '.join(map(str, kind))}: {how}\n{one.said}", flush=True)
    print(f"{'daemon':24} {'end':8} jobs  ended named silent")
    for (daemon, end, jobs), count in counts.items():
        print(f"{daemon:24} {end:8} {jobs:4} {count['ended']:6}{count['named']:6}{count['silent']:7}")
    silent = sum(count["silent"] for count in counts.values())
    print(f"{args.rounds} rounds beside {args.loops} busy loops and {args.idle} idle processes: {silent} silent survivors")
    sys.exit(1 if silent else 0)


if __name__ == "__main__":
    main()
