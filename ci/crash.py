#!/usr/bin/env python3
"""Kills runners at random moments, and checks the next run.

    crash.py [--rounds ROUNDS] [--seed SEED] [--jobs JOBS] RUNNER

Each round has a random chain whose tasks record their starts and ends. The runner is
killed at a random time, at one of its flushes (by strace, so between the end of a process
and its line on the disk), or while the file system of its state directory is full. Then
the next run has to finish. `Round.check` has the rules that must hold after it.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TIMEOUT_SECONDS = 60

TASK = """#!/bin/sh
say() {{ echo "$1 $RUNNER_RUN_ID $RUNNER_TRY_NUM $RUNNER_TASK" >>trace; }}
say start
{sleep}
[ "$RUNNER_TRY_NUM" -gt {fails} ] || {{ say fail; exit 1; }}
say ok
"""


class Task:
    def __init__(self, dice, index):
        self.number = dice.randint(1, 4)
        self.name = f"{self.number}-t{index}"
        self.once = dice.random() < 0.4
        self.fails = dice.choice([0, 0, 0, 0, 1])
        self.sleep = dice.choice(["", "", f"sleep 0.0{dice.randint(1, 4)}"])


def works(*command):
    """Returns true if this command works on this machine."""
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


class Round:
    ways = ["time", "time", "time", "flush", "full"]

    def __init__(self, runner, seed):
        self.runner = runner
        self.seed = seed
        self.dice = random.Random(seed)
        self.tasks = [Task(self.dice, index) for index in range(self.dice.randint(3, 7))]
        self.from_failed = self.dice.random() < 0.5
        self.jobs = self.dice.choice([1, 1, 2, 3])
        self.how = self.dice.choice(self.ways)

    def play(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="runner-crash."))
        try:
            self.make()
            self.crash()
            self.finish()
            return self.check()
        finally:
            if self.how == "full":
                subprocess.run(["umount", "-l", self.directory / "state"], check=False)
            shutil.rmtree(self.directory)

    def make(self):
        tasks = self.directory / "tasks.d"
        tasks.mkdir()
        config = ["[runner]", "state_dir = state", "sleep_time = 0.01", "retry_jitter = 0"]
        config += [f"jobs = {self.jobs}", "max_tries = 3"]
        config += [f"retry_from = {'failed' if self.from_failed else 'start'}"]
        for task in self.tasks:
            path = tasks / task.name
            path.write_text(TASK.format(sleep=task.sleep, fails=task.fails))
            path.chmod(0o755)
            if task.once:
                config += [f"[{task.name}]", "frequency = once"]
        (self.directory / "runner.cfg").write_text("\n".join(config) + "\n")
        (self.directory / "trace").touch()
        state = self.directory / "state"
        state.mkdir()
        if self.how == "full":
            size = f"mode=755,size={self.dice.randint(3, 6) * 4}k"
            subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", state], check=True)

    def start(self, before=(), options=()):
        command = [*before, self.runner, "-c", "runner.cfg", *options, "tasks.d"]
        return subprocess.Popen(
            command,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=(self.directory / "said").open("ab"),
            start_new_session=True,
        )

    def crash(self):
        if self.how == "flush":
            # Only the runner flushes, so this counts its ends and marks.
            call = self.dice.choice(["fdatasync", "fsync", "rename"])
            when = self.dice.randint(1, 6)
            inject = f"inject={call}:signal=SIGKILL:when={when}"
            strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject]
            # strace follows the tasks too, so it ends after them.
            self.start(before=strace).wait(TIMEOUT_SECONDS)
            self.killed = True
            return
        process = self.start()
        try:
            process.wait(self.dice.uniform(0, 0.1))
        except subprocess.TimeoutExpired:
            pass
        process.kill()
        self.killed = process.wait(TIMEOUT_SECONDS) == -signal.SIGKILL

    def record_state(self):
        """Records the marks that the next run finds, and the length of the trace before it."""
        self.marked = self.marks()
        self.before = len(self.trace())
        self.marks_at.append((self.before, self.marked))

    def finish(self):
        self.marks_at = [(0, set())]
        self.record_state()
        if self.how == "full":
            # Half of the rounds have a run on the full file system, where no `once` task can start.
            if self.dice.random() < 0.5:
                self.start(options=["--wait-lock"]).wait(TIMEOUT_SECONDS)
                self.record_state()
            subprocess.run(
                ["mount", "-o", "remount,size=1m", self.directory / "state"], check=True
            )
        last = self.start(options=["--wait-lock"])
        self.status = last.wait(TIMEOUT_SECONDS)

    def marks(self):
        done = self.directory / "state" / "done"
        return {path.name for path in done.glob("[0-9]*")} if done.is_dir() else set()

    def trace(self):
        lines = (self.directory / "trace").read_text().splitlines()
        return [tuple(line.split()) for line in lines]

    def journal(self):
        text = (self.directory / "state" / "journal.jsonl").read_bytes()
        records = []
        for line in text.split(b"\n"):
            try:
                records.append(json.loads(line))
            except ValueError:
                # A line that is not JSON must be the beginning of one line, not of two.
                assert line.count(b'{"ts"') <= 1, f"two lines are joined: {line}"
        return records

    def check(self):
        assert self.status == 0, f"the next run ended with {self.status}"
        trace, journal = self.trace(), self.journal()
        runs = [run for run, _ in itertools.groupby(trace, key=lambda line: line[1])]
        assert len(runs) == len(set(runs)), "tasks of two runs ran at the same time"
        tasks = {task.name: task for task in self.tasks}

        # Within a try no task starts twice, and none before the tasks it waits for.
        passed, started, last = set(), set(), (None, None)
        for place, (what, run, try_num, name) in enumerate(trace):
            if run != last[0]:
                marked = set([marks for length, marks in self.marks_at if length <= place][-1])
                passed = set(marked)
            elif try_num != last[1] and not self.from_failed:
                passed = set(marked)
            if (run, try_num) != last:
                started, last = set(), (run, try_num)
            if what == "start":
                assert name not in started, f"{name} was started twice in try {try_num}"
                assert name not in passed, f"{name} was started again in try {try_num}"
                started.add(name)
                before = {t.name for t in self.tasks if t.number < tasks[name].number}
                missing = before - passed
                assert not missing, f"{name} was started before {missing}"
            if what == "ok":
                passed.add(name)
                if tasks[name].once:
                    marked.add(name)

        # A task with a mark is not started again, every other task is.
        after = trace[self.before :]
        again = {name for what, _, _, name in after if what == "start"}
        assert not again & self.marked, f"{again & self.marked} were started although marked"
        missing = set(tasks) - self.marked - again
        assert not missing, f"{missing} have no mark and were not started"

        # No task counts as done that was never done.
        ok = {(run, try_num, name) for what, run, try_num, name in trace if what == "ok"}
        missing = set(tasks) - {name for _, _, name in ok}
        assert not missing, f"{missing} were never done"
        for record in journal:
            if record["event"] == "task-end" and record["result"] == "OK":
                key = (record["run"], str(record["try_num"]), record["task"])
                assert key in ok, f"{key} never ended"

        # No flushed line is lost: a start that depends on an end comes after the line of that end.
        if self.how != "full":
            ended = set()
            for record in journal:
                key = (record.get("run"), record.get("task"))
                if record["event"] == "task-end" and record["result"] == "OK":
                    ended.add(key)
                if record["event"] == "task-start":
                    before = [t for t in self.tasks if t.number < tasks[record["task"]].number]
                    missing = [
                        t.name
                        for t in before
                        if (record["run"], t.name) not in ended and not t.once
                    ]
                    assert not missing, f"{record['task']} started, {missing} have no end"
        return self.how if self.killed else "ended before"


def play(arguments):
    runner, seed = arguments
    round = Round(runner, seed)
    try:
        return round.play(), None
    except Exception as error:  # noqa: BLE001 - whatever it is, the seed is what counts
        return round.how, f"seed {seed} ({round.how}): {type(error).__name__}: {error}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("runner", type=os.path.abspath)
    arguments = parser.parse_args()

    # In a new namespace mounts need no rights and affect no other process.
    unshare = ["unshare", "--map-root-user", "--mount"]
    if not os.environ.get("RUNNER_CRASH_INSIDE") and works(*unshare, "true"):
        os.environ["RUNNER_CRASH_INSIDE"] = "yes"
        os.execvp(unshare[0], [*unshare, sys.executable, *sys.argv])
    for way, can in [
        ("full", bool(os.environ.get("RUNNER_CRASH_INSIDE"))),
        ("flush", works("strace", "-f", "-o", "/dev/null", "true")),
    ]:
        if not can:
            print(f"skipped: this machine cannot crash a runner by `{way}`")
            Round.ways = [other for other in Round.ways if other != way]

    counts, failures = {}, []
    rounds = [(arguments.runner, arguments.seed + number) for number in range(arguments.rounds)]
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        for how, failure in pool.map(play, rounds):
            counts[how] = counts.get(how, 0) + 1
            if failure:
                failures.append(failure)
                print(failure, flush=True)
    said = ", ".join(f"{count} {how}" for how, count in sorted(counts.items()))
    print(f"{arguments.rounds} crashes from seed {arguments.seed}: {said}")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
