#!/usr/bin/env python3
"""Measures what README says about speed, and about the reports of a long journal.

    measure.py RUNNER FLOOR

RUNNER is the release build of `runner`, FLOOR the program of `floor.c`. Each
comparison runs the two commands in turn and takes the median of the ratios, so
that it holds when the machine's speed drifts. Exits 1 when a ratio is above what
is promised; the margin for a noisy machine is in the bounds. Reports are held to
their processor time, which hardly depends on what else the machine does.
"""

import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 15
BOOT = "0d40c7bf-f68c-4043-8f03-02c2e6a551fa"


def wall(command, repeat):
    start = time.perf_counter()
    for _ in range(repeat):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def compare(name, ours, theirs, bound, repeat=1, rounds=ROUNDS):
    """Prints the ratio of two commands, and says whether it is within `bound`."""
    wall(ours, 1), wall(theirs, 1)
    pairs = [(wall(ours, repeat), wall(theirs, repeat)) for _ in range(rounds)]
    ratio = statistics.median(a / b for a, b in pairs)
    a, b = (statistics.median(side) * 1000 / repeat for side in zip(*pairs))
    print(f"{name:<44} {a:9.2f} ms {b:9.2f} ms   ratio {ratio:.2f} (at most {bound:.2f})")
    return ratio <= bound


def peak(command):
    """How much memory a command takes at most, in MiB."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_maxrss / 1024


def within(name, mebibytes, bound):
    """Prints a size, and says whether it is within `bound`."""
    print(f"{name:<44} {mebibytes:9.2f} MiB {'(at most':>24} {bound:.0f})")
    return mebibytes <= bound


def tasks(directory, names, body=""):
    os.mkdir(directory)
    for name in names:
        path = os.path.join(directory, name)
        with open(path, "w") as task:
            task.write(f"#!/bin/sh\n{body}")
        os.chmod(path, 0o755)


def journal(path, events):
    """Writes a journal of so many events: runs of eight tasks, of which one fails once."""
    names = [f"{number}-task-of-the-chain.sh" for number in range(8)]
    written = 0
    with open(path, "w") as file:
        for number in itertools.count():
            run = f"20261124T060000.000Z-{number:08x}"
            lines = []

            def event(name, members):
                lines.append(
                    f'{{"ts":"2026-11-24T06:00:00.000Z","run":"{run}","boot":"{BOOT}",'
                    f'"event":"{name}",{members}}}\n'
                )

            event(
                "run-start",
                '"version":1,"pid":2,"start_time":3,"taskdir":"/etc/tasks.d","tasks":8,'
                '"jobs":1,"max_tries":5',
            )
            for try_num in (1, 2):
                event("try-start", f'"try_num":{try_num}')
                for index, name in enumerate(names[: 4 * try_num]):
                    failed = (try_num, index) == (1, 3)
                    result = '"RETRY","outcome":"exited:7"' if failed else '"OK","outcome":"exited:0"'
                    task = f'"task":"{name}","try_num":{try_num}'
                    event("task-start", f'{task},"pid":4')
                    elapsed = (number * 7919 + index) % 1000 / 1000
                    event("task-end", f'{task},"result":{result},"elapsed":{elapsed},"limit":600.0')
                if try_num == 1:
                    event("wait", '"seconds":1.0,"before":"try"')
            event("run-end", '"status":0,"reason":"finished","elapsed":9.5')
            if written + len(lines) > events:
                return
            file.write("".join(lines))
            written += len(lines)


def report(runner, state_dir, options):
    """Prints what a report of the journal costs, and says whether that is little enough."""
    costs = []
    for _ in range(3):
        command = [runner, "runner-report", "--state-dir", state_dir, *options]
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        assert child.returncode == 0, command
        costs.append((usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024))
    seconds, mebibytes = (min(side) for side in zip(*costs))
    name = f"1,000,000 events, {' '.join(options) or 'the last run'}"
    print(f"{name:<44} {seconds:9.2f} s  {mebibytes:9.1f} MiB  (at most 2 s, 100 MiB)")
    return seconds <= 2 and mebibytes <= 100


def main():
    runner, floor = (os.path.abspath(path) for path in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as scratch:
        no_ops = os.path.join(scratch, "tasks.d")
        tasks(no_ops, [f"{1000 + index}-no-op" for index in range(400)])
        short = os.path.join(scratch, "short.d")
        tasks(short, [f"1-{index:04}" for index in range(1000)], "exec sleep 0.01\n")
        xargs = f"ls -d {short}/* | xargs -P 2 -n 1 env"
        config = os.path.join(scratch, "runner.cfg")
        with open(config, "w") as file:
            file.write("[hg]\nremote = https://hg.example.org/tools\n")
        link = os.path.join(scratch, "runner-config")
        os.symlink(runner, link)
        large = os.path.join(scratch, "large")
        generate = os.path.join(os.path.dirname(os.path.abspath(__file__)), "generate.py")
        subprocess.run([sys.executable, generate, "100000", "5", large], check=True)
        list_large = [runner, "--list", "-c", f"{large}/runner.cfg", f"{large}/tasks.d"]
        print(f"{len(os.environ)} environment variables, medians of {ROUNDS} rounds\n")
        print(f"{'':<44} {'runner':>12} {'other':>12}")
        good = [
            compare(
                "400 `#!/bin/sh` no-ops, posix_spawn in C",
                [runner, "-q", no_ops],
                [floor, no_ops],
                1.20,
            ),
            compare(
                "runner-config -g, git config --get",
                [link, "-c", config, "-g", "hg.remote"],
                ["git", "config", "--file", config, "--get", "hg.remote"],
                1.10,
                repeat=20,
            ),
            compare(
                "1,000 tasks of 10 ms with -j 2, xargs -P 2",
                [runner, "-q", "-j", "2", short],
                ["sh", "-c", xargs],
                1.10,
                rounds=3,
            ),
            # Nearly half of it is in the kernel, which opens each of the tasks.
            compare(
                "--list of 100,000 tasks on 500,000, tsort",
                list_large,
                ["tsort", f"{large}/edges"],
                5.00,
                rounds=5,
            ),
            within("--list of 100,000 tasks on 500,000", peak(list_large), 100),
        ]
        journal(os.path.join(scratch, "journal.jsonl"), 1_000_000)
        for options in ([], ["--run", "-1000"], ["--history"], ["--tasks"]):
            good.append(report(runner, scratch, options))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
