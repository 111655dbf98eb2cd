#!/usr/bin/env python3
"""Measures the table of docs/benchmarks.md: the runner and other programs with the same work.

    measure.py RUNNER FLOOR [--guard] [--markdown] [--dynamic RUNNER]

RUNNER is the release build of `runner`. FLOOR is the program of `floor.c`, with that of
`reader.c` as `reader` in the same directory; `just bench` builds them all. Programs that are
not installed are left out, with a message.

A case is a row of `cases()`: two commands that do the same work. They run in turn, each of
them first in every other round, with an environment of a fixed number of variables. The
table shows the median of the ratios of the rounds, so that it holds when the speed of the
machine drifts. CPU time includes the processes that a command waited for, tasks included, on
both sides. The table also shows the median of each command.

With --guard fewer cases run, with fewer rounds, and the program exits with 1 if a value is
above its guard. Guards are wide, for a noisy machine with two cores, and are not a promise.
Costs below the noise are guarded by counting instructions, in `INSTRUCTIONS`. --markdown
writes the table of docs/benchmarks.md. --dynamic is another build of the runner, whose size is
shown.
"""

import argparse
import itertools
import math
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

BOOT = "0d40c7bf-f68c-4043-8f03-02c2e6a551fa"
GIB = 1 << 30

# Instructions of the static x86-64 build in user space, counted by valgrind. The last member
# of a key is the number of environment variables. The counts hardly depend on the machine, but
# on the compiler. To renew them, run `just bench` and copy its numbers if the change is worth it.
INSTRUCTIONS = {
    ("one value", "-g", 2): 126_800,
    ("ten tasks", "--list", 2): 1_072_500,
    ("each task", "-q --no-lock", 2): 117_900,
    ("each task", "-q --no-lock", 35): 276_000,
}
# Maximum ratio of a count to these numbers.
INSTRUCTIONS_MARGIN = 1.15


class Case(NamedTuple):
    """Two commands that do the same work. A command is a list of words, or a line for `sh`."""

    what: str
    flags: str
    ours: list | str
    rival: str
    theirs: list | str
    # Number of environment variables.
    variables: int = 35
    # Maximum ratio that is the goal.
    target: float | None = None
    # Maximum ratios of the guard, for wall time and CPU time.
    guard: tuple | None = None
    # Measures that the target applies to.
    targeted: tuple = ("wall", "CPU")
    rounds: int = 11
    # Number of times that a command runs in a round, by `floor --times`.
    repeat: int = 1
    # Files to remove before each command.
    removed: tuple = ()
    # Function whose cost is measured in each round and subtracted from ours.
    subtracted: object = None


class Cost(NamedTuple):
    wall: float
    cpu: float


class Report:
    """Prints rows, and collects exceeded guards and missing programs."""

    HEAD = ("what", "flags", "variables", "against", "runner", "other", "wall", "CPU", "target", "")
    WIDTHS = (41, 12, 9, 32, 11, 11, 5, 5, 11, 6)

    def __init__(self, markdown):
        self.markdown = markdown
        self.above_guard = []
        self.left_out = []
        self.row(*self.HEAD)
        if markdown:
            print("|" + " --- |" * len(self.HEAD))

    def row(self, *cells):
        if self.markdown:
            print(f"| {' | '.join(cells)} |", flush=True)
        else:
            cells = (cell.replace("`", "") for cell in cells)
            padded = (f"{cell:<{width}}" for cell, width in zip(cells, self.WIDTHS))
            print(" ".join(padded).rstrip(), flush=True)

    def single(self, what, value, text, target=None, guard=None, flags="", variables="", shown=None):
        """Prints a row of one number with its maximum."""
        wanted = "" if target is None else f"≤ {shown or target}"
        self.row(what, flags, variables, "", text, "", "", "", wanted, verdict([value], target))
        self.guard(what, value, guard)

    def guard(self, what, value, guard):
        if guard is not None and value > guard:
            self.above_guard.append(f"{what}: {value:.2f} is above {guard:.2f}")


def verdict(values, target):
    if target is None:
        return ""
    return "met" if all(value <= target for value in values) else "missed"


def environment(variables):
    """Returns an environment of this many variables, as long as those of a build machine."""
    made = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    for number in range(variables - len(made)):
        made[f"BUILD_VARIABLE_{number:02}"] = f"/var/lib/build-{number:02}/tools"
    return made


def spawn(command, variables):
    """Runs a command without input and output. Returns its cost."""
    words = ["/bin/sh", "-c", command] if isinstance(command, str) else command
    path = shutil.which(words[0]) or words[0]
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
    ]
    start = time.perf_counter()
    pid = os.posix_spawn(path, words, environment(variables), file_actions=files)
    _, ended, usage = os.wait4(pid, 0)
    wall = time.perf_counter() - start
    if os.waitstatus_to_exitcode(ended) != 0:
        sys.exit(f"{words} ended with {os.waitstatus_to_exitcode(ended)}")
    return Cost(wall, usage.ru_utime + usage.ru_stime)


def remove(paths):
    for path in paths:
        shutil.rmtree(path) if os.path.isdir(path) else os.path.exists(path) and os.remove(path)


class Bench:
    def __init__(self, options, scratch):
        self.scratch = scratch
        self.runner, self.floor = self.installed(options.runner), self.installed(options.floor)
        self.reader = self.installed(os.path.join(os.path.dirname(options.floor), "reader"))
        self.guarding = options.guard
        self.dynamic = options.dynamic
        self.report = Report(options.markdown)
        self.link = self.path("runner-config")
        os.symlink(self.runner, self.link)

    def path(self, *names):
        return os.path.join(self.scratch, *names)

    def installed(self, program):
        """Copies a program, so that its first run reads it from the disk, as after a boot.
        Starts of a program that was just written take up to a fifth less time, because its
        pages in memory are larger."""
        path = self.path(os.path.basename(program))
        shutil.copy(program, path)
        with open(path, "rb") as file:
            os.fsync(file)
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        return path

    def once(self, case, command):
        remove(case.removed)
        if case.repeat > 1:
            words = ["/bin/sh", "-c", command] if isinstance(command, str) else command
            path = shutil.which(words[0]) or words[0]
            command = [self.floor, "--times", str(case.repeat), path, *words[1:]]
        cost = spawn(command, case.variables)
        return Cost(cost.wall / case.repeat, cost.cpu / case.repeat)

    def compare(self, case):
        """Measures a case and prints its row. Returns the medians of ours."""
        program = case.rival.strip("`").split()[0]
        if shutil.which(program) is None and program in ("just", "task", "run-parts", "make", "git"):
            self.report.left_out.append(f"`{program}`, because it is not installed")
            return None
        rounds = min(case.rounds, 5) if self.guarding else case.rounds
        if not self.guarding or case.rounds > 3:
            self.once(case, case.ours), self.once(case, case.theirs)
        pairs, subtracted = [], []
        for number in range(rounds):
            if number % 2:
                theirs = self.once(case, case.theirs)
                ours = self.once(case, case.ours)
            else:
                ours = self.once(case, case.ours)
                theirs = self.once(case, case.theirs)
            subtracted.append(case.subtracted() if case.subtracted else Cost(0, 0))
            pairs.append((ours, theirs))
        remove(case.removed)
        wall, cpu = (
            statistics.median(
                (ours[of] - other[of]) / theirs[of]
                for (ours, theirs), other in zip(pairs, subtracted)
            )
            for of in (0, 1)
        )
        ours, theirs = (statistics.median(cost.wall for cost in side) for side in zip(*pairs))
        values = [value for of, value in (("wall", wall), ("CPU", cpu)) if of in case.targeted]
        target = "" if case.target is None else f"≤ {case.target:.2f}"
        if target and len(case.targeted) == 1:
            target += f" {case.targeted[0]}"
        rival = case.rival
        if case.subtracted:
            rival += f" + {statistics.median(cost.wall for cost in subtracted) * 1000:.0f} ms of flushes"
        self.report.row(
            case.what, case.flags and f"`{case.flags}`", str(case.variables), rival,
            milliseconds(ours), milliseconds(theirs), f"{wall:.2f}", f"{cpu:.2f}",
            target, verdict(values, case.target),
        )  # fmt: skip
        for name, value, max_ratio in zip(("wall", "CPU"), (wall, cpu), case.guard or ()):
            self.report.guard(f"{case.what}, {case.rival}, {name}", value, max_ratio)
        return Cost(ours, statistics.median(ours.cpu for ours, _ in pairs))

    def peak(self, command):
        """Returns the peak memory of a command in MiB."""
        words = [self.floor, "--peak", *command]
        return int(subprocess.check_output(words, env=environment(35))) / 1024

    def instructions(self, command, variables):
        valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no"]
        words = [*valgrind, "--cachegrind-out-file=/dev/null", *command]
        ended = subprocess.run(words, env=environment(variables), capture_output=True, check=True)
        return int(re.findall(rb"I +refs: +([\d,]+)", ended.stderr)[-1].replace(b",", b""))


def milliseconds(seconds):
    digits = 0 if seconds >= 0.1 else 2
    return f"{seconds * 1000:,.{digits}f} ms"


def write(path, text, mode=0o644):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def tasks(directory, number, body=None, before=""):
    """Creates tasks: `#!/bin/sh` scripts, or links to /bin/true. `before` is a prefix of names."""
    os.mkdir(directory)
    for index in range(number):
        path = os.path.join(directory, f"{before}{1000 + index}-task")
        if body is None:
            os.symlink("/bin/true", path)
        else:
            write(path, f"#!/bin/sh\n{body}", 0o755)
    return directory


def flushes(path, number):
    """Returns a function that writes a journal: `number` times two lines and a flush."""

    def flush():
        line = b'{"ts":"2026-11-24T06:00:00.000Z",' + b'"more":"x",' * 10 + b'"end":0}\n'
        file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        start, times = time.perf_counter(), os.times()
        for _ in range(number):
            os.write(file, line)
            os.write(file, line)
            os.fdatasync(file)
        wall, ended = time.perf_counter() - start, os.times()
        os.close(file)
        os.remove(path)
        return Cost(wall, ended.user + ended.system - times.user - times.system)

    return flush


def rivals(bench, directory):
    """Returns other commands that run the files of a directory one after the other."""
    files = sorted(os.path.join(directory, name) for name in os.listdir(directory))
    base = directory.replace(".d", "")
    makefile = write(f"{base}.mk", "all:\n" + "".join(f"\t@{file}\n" for file in files))
    justfile = write(f"{base}.just", "all:\n" + "".join(f"    @{file}\n" for file in files))
    taskfile = write(
        f"{base}.yml",
        "version: '3'\ntasks:\n  default:\n    silent: true\n    cmds:\n"
        + "".join(f"      - {file}\n" for file in files),
    )
    return {
        "`run-parts`": ["run-parts", directory],
        "`make -s`": ["make", "-s", "-f", makefile],
        "`just`": ["just", "--justfile", justfile],
        "`task` (go-task)": ["task", "--taskfile", taskfile],
        "a loop in `sh`": f'for task in {directory}/*; do "$task" || exit 1; done',
    }


def cases(bench):
    """Yields every comparison of two commands."""
    runner, floor, path = bench.runner, bench.floor, bench.path
    true = tasks(path("true.d"), 1000)
    no_ops = tasks(path("no-op.d"), 1000, "")
    few = tasks(path("few.d"), 300, "")
    # Tasks with the same number can run at the same time.
    beside = tasks(path("beside.d"), 1000, "", "1-")
    short = tasks(path("short.d"), 200, "exec sleep 0.01\n", "1-")
    hook = write(path("hook"), "#!/bin/sh\n", 0o755)
    hooked = write(path("hook.cfg"), f"[runner]\ntask_hook = {hook}\n")
    journaled = write(path("state.cfg"), f"[runner]\nstate_dir = {path('state')}\n")
    config = write(path("hg.cfg"), "[hg]\nremote = https://hg.example.org/tools\n")

    yield Case(
        "1,000 no-op scripts", "-q", [runner, "-q", no_ops], "the floor", [floor, no_ops],
        variables=2, target=1.06, guard=(1.50, 1.30), rounds=35,
    )  # fmt: skip
    yield Case(
        "1,000 no-op scripts", "-q", [runner, "-q", no_ops], "the floor", [floor, no_ops],
        target=1.10, guard=(1.50, 1.30), rounds=35,
    )  # fmt: skip
    yield Case(
        "1,000 no-op scripts", "-q", [runner, "-q", no_ops],
        "the floor, with the same system calls", [floor, "--watch", no_ops],
        variables=2, rounds=15,
    )  # fmt: skip
    yield Case(
        "1,000 links to /bin/true", "-q", [runner, "-q", true], "the floor", [floor, true],
        variables=2, rounds=7,
    )  # fmt: skip
    yield Case(
        "1,000 links to /bin/true", "-q", [runner, "-q", true], "the floor", [floor, true],
        rounds=7,
    )  # fmt: skip
    for name, theirs in rivals(bench, no_ops).items():
        yield Case(
            "1,000 no-op scripts", "-q", [runner, "-q", no_ops], name, theirs,
            target=1.00 if "run-parts" in name else None,
            rounds=25 if "run-parts" in name else 5,
            guard=(1.50, 1.30) if "run-parts" in name else None,
        )  # fmt: skip
    for name, theirs in rivals(bench, true).items():
        yield Case(
            "1,000 links to /bin/true", "-q", [runner, "-q", true], name, theirs, rounds=3,
        )  # fmt: skip
    for variables in (2, 35):
        yield Case(
            "300 no-op scripts with a hook", "-q", [runner, "-q", "-c", hooked, few],
            "the floor, 900 processes", [floor, few, hook], variables=variables,
            target=1.10, guard=(1.50, 1.40) if variables == 35 else None, rounds=25,
        )  # fmt: skip
    yield Case(
        "1,000 no-op scripts with a journal", "-q", [runner, "-q", "-c", journaled, no_ops],
        "without it", [runner, "-q", no_ops],
        target=1.50, targeted=("wall",), removed=(path("state"),),
        subtracted=flushes(path("flushed"), 1000), rounds=5,
    )  # fmt: skip
    yield Case(
        "1,000 no-op scripts", "-q -j 2", [runner, "-q", "-j", "2", beside],
        "`xargs -P 2`", f"ls -d {beside}/* | xargs -P 2 -n 1 sh", target=1.05, guard=(1.60, 1.40),
    )  # fmt: skip
    yield Case(
        "200 tasks of 10 ms", "-q -j 2", [runner, "-q", "-j", "2", short],
        "`xargs -P 2`", f"ls -d {short}/* | xargs -P 2 -n 1 sh", target=1.05,
        rounds=5, targeted=("wall",),
    )  # fmt: skip
    lookup = [bench.link, "-c", config, "-g", "hg.remote"]
    yield Case(
        "one value", "-g", lookup, "`git config --get`",
        ["git", "config", "--file", config, "--get", "hg.remote"],
        target=0.80, guard=(1.00, 1.00), repeat=100,
    )  # fmt: skip
    yield Case(
        "one value", "-g", lookup, "a static reader in C", [bench.reader, config, "hg", "remote"],
        target=1.50, repeat=100,
    )  # fmt: skip
    yield Case(
        "ten tasks", "--list", [runner, "--list", tasks(path("ten.d"), 10)],
        "`/bin/true`", ["/bin/true"], target=2.00, repeat=100,
    )  # fmt: skip


def outputs(bench):
    """Yields comparisons of a task that writes a GiB of lines."""
    runner, path = bench.runner, bench.path
    lines = f"{bench.floor} --lines {GIB}"
    chatty = path("chatty.d")
    os.mkdir(chatty)
    write(path("chatty.d", "1-chatty"), f"#!/bin/sh\nexec {lines}\n", 0o755)
    logged = write(path("log.cfg"), f"[runner]\nlog_dir = {path('logs')}\n")
    what = "1 GiB of output"
    yield Case(f"{what}, inherited", "-q", [runner, "-q", chatty], "`/dev/null`", f"{lines}", repeat=5)
    yield Case(
        f"{what}, `log_dir`", "-q", [runner, "-q", "-c", logged, chatty],
        "`>file` in `sh`", f"exec {lines} >{path('out')}", target=1.05,
        removed=(path("logs"), path("out")), rounds=15,
    )  # fmt: skip
    prefixed = [runner, "-q", "-j", "2", chatty]
    yield Case(
        f"{what}, prefixed", "-q -j 2", prefixed, "`cat`, through a pipe", f"{lines} | cat",
        target=1.30, guard=(4.00, 3.50), rounds=15,
    )  # fmt: skip
    yield Case(f"{what}, prefixed", "-q -j 2", prefixed, "`tee`, through a pipe", f"{lines} | tee", rounds=5)


def lists(bench):
    """Measures `--list` of many tasks, and the growth of its cost."""
    generate = os.path.join(os.path.dirname(os.path.abspath(__file__)), "generate.py")
    costs = {}
    for number, repeat in ((1_000, 20), (10_000, 3), (20_000, 1)):
        at = bench.path(f"list-{number}")
        subprocess.run([sys.executable, generate, str(number), "5", at], check=True)
        command = [bench.runner, "--list", "-c", f"{at}/runner.cfg", f"{at}/tasks.d"]
        costs[number] = bench.compare(
            Case(
                f"{number:,} tasks, 5 dependencies each", "--list", command,
                "`tsort`", ["tsort", f"{at}/edges"], repeat=repeat, rounds=7,
            )  # fmt: skip
        )
        if number == 10_000:
            cpu, mebibytes = costs[number].cpu * 1000, bench.peak(command)
            bench.report.single(
                "the same: CPU", cpu, f"{cpu:.0f} ms", 100, 300, "`--list`", "35", "100 ms"
            )
            bench.report.single(
                "the same: peak memory", mebibytes, f"{mebibytes:.1f} MiB", 40, 44,
                "`--list`", "35", "40 MiB",
            )  # fmt: skip
    sizes, seconds = zip(*((math.log(size), math.log(cost.cpu)) for size, cost in costs.items()))
    slope = statistics.linear_regression(sizes, seconds).slope
    bench.report.single(
        "the same: power by which CPU grows", slope, f"{slope:.2f}", 1.15, 1.25, "`--list`", "35"
    )


def journal(path, events):
    """Writes a journal of at most `events` events: runs of eight tasks, of which one fails once."""
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


def reports(bench):
    """Measures CPU time and memory of the reports of a long journal."""
    os.mkdir(bench.path("long"))
    journal(bench.path("long", "journal.jsonl"), 1_000_000)
    for options in ([], ["--run", "-1000"], ["--history"], ["--tasks"], ["--format", "html"]):
        command = [bench.runner, "runner-report", "--state-dir", bench.path("long"), *options]
        cost = min((spawn(command, 35) for _ in range(2)), key=lambda cost: cost.cpu)
        flags = f"`{' '.join(options)}`" if options else ""
        name = "`runner-report`, 1,000,000 events"
        bench.report.single(
            f"{name}: CPU", cost.cpu, milliseconds(cost.cpu), 1, 3, flags, "35", "1 s"
        )
        mebibytes = bench.peak(command)
        bench.report.single(
            f"{name}: peak", mebibytes, f"{mebibytes:.1f} MiB", 32, 40, flags, "35", "32 MiB"
        )


def fleet(bench):
    """Measures CPU time and memory of the answer about 10,000 journals with 11 lines."""
    names = [f"{number}-task-of-the-chain.sh" for number in range(4)]
    for host in range(10_000):
        os.makedirs(bench.path("fleet", f"web{host:05}"))
        with open(bench.path("fleet", f"web{host:05}", "journal.jsonl"), "w") as file:

            def event(name, members):
                file.write(
                    f'{{"ts":"2026-11-24T06:00:00.000Z","run":"20261124T060000.000Z-{host:08x}",'
                    f'"boot":"{host:08x}{BOOT[8:]}","event":"{name}",{members}}}\n'
                )

            event(
                "run-start",
                '"version":1,"pid":2,"start_time":3,"taskdir":"/etc/tasks.d","tasks":4,"jobs":1,'
                f'"max_tries":5,"host":"web{host:05}","machine":"{host:012x}","runner_version":"1",'
                f'"fingerprint":"3f2a91c0b7de","plan":{names}'.replace("'", '"'),
            )
            event("try-start", '"try_num":1')
            for name in names:
                event("task-start", f'"task":"{name}","try_num":1,"pid":4')
                event(
                    "task-end",
                    f'"task":"{name}","try_num":1,"result":"OK","outcome":"exited:0","elapsed":0.5,"limit":600.0',
                )
            event("run-end", '"status":0,"reason":"finished","elapsed":9.5')
    command = [bench.runner, "runner-report", "--fleet", bench.path("fleet")]
    cost = min((spawn(command, 35) for _ in range(2)), key=lambda cost: cost.cpu)
    name = "`runner-report`, 10,000 journals of 11 lines"
    flags = "`--fleet`"
    bench.report.single(f"{name}: CPU", cost.cpu, milliseconds(cost.cpu), 1, 3, flags, "35", "1 s")
    mebibytes = bench.peak(command)
    bench.report.single(
        f"{name}: peak", mebibytes, f"{mebibytes:.1f} MiB", 150, 160, flags, "35", "150 MiB"
    )


def sizes(bench):
    """Measures sizes of programs, and memory with ten tasks."""
    mebibytes = bench.peak([bench.runner, "-q", bench.path("ten.d")])
    bench.report.single(
        "ten tasks: peak memory", mebibytes, f"{mebibytes:.1f} MiB", 5, 6, "`-q`", "35", "5 MiB"
    )
    static = "static build" if is_static(bench.runner) else "dynamic build"
    programs = [(f"size of `runner`, {static}", bench.runner, 4)]
    if bench.dynamic:
        programs.append(("size of `runner`, dynamic build", bench.dynamic, None))
    for name in ("run-parts", "make", "xargs", "tsort", "git", "just", "task"):
        if not bench.guarding and shutil.which(name):
            programs.append((f"size of `{name}`", os.path.realpath(shutil.which(name)), None))
    for what, path, target in programs:
        size = os.path.getsize(path) / (1 << 20)
        shown = target and f"{target} MiB"
        bench.report.single(what, size, f"{size:.2f} MiB", target, target and 4.5, shown=shown)


def counts(bench):
    """Counts instructions of operations that are too short for a clock."""
    if shutil.which("valgrind") is None:
        bench.report.left_out.append("instruction counts, because `valgrind` is not installed")
        return
    if not is_static(bench.runner) or platform.machine() != "x86_64":
        bench.report.left_out.append("instruction counts, because they are those of a static x86-64 build")
        return
    longer = tasks(bench.path("longer.d"), 60)

    def one_start(variables):
        # Without the lock: it reads the time from the vDSO, which valgrind does not have.
        ten, sixty = (
            bench.instructions([bench.runner, "-q", "--no-lock", directory], variables)
            for directory in (bench.path("ten.d"), longer)
        )
        return (sixty - ten) // 50

    lookup = [bench.link, "-c", bench.path("hg.cfg"), "-g", "hg.remote"]
    counted = (
        bench.instructions(lookup, 2),
        bench.instructions([bench.runner, "--list", bench.path("ten.d")], 2),
        one_start(2),
        one_start(35),
    )
    for ((what, flags, variables), expected), count in zip(INSTRUCTIONS.items(), counted):
        max_count = expected * INSTRUCTIONS_MARGIN
        bench.report.single(
            f"{what}: instructions", count, f"{count:,}", max_count, max_count,
            f"`{flags}`", str(variables), f"{max_count:,.0f}",
        )  # fmt: skip


def is_static(program):
    """Returns True if the first page of the program does not contain the path of a loader."""
    with open(program, "rb") as file:
        return b"/ld-linux" not in file.read(4096)


def machine(bench):
    """Describes the build and the machine."""
    build = "static" if is_static(bench.runner) else "dynamic"
    return (
        f"{build} release build, {os.cpu_count()} cores, Linux {platform.release()} on"
        f" {platform.machine()}, /run is {file_system('/run')}, load"
        f" {os.getloadavg()[0]:.1f} at the end"
    )


def file_system(path):
    kind = subprocess.run(["stat", "-f", "-c", "%T", path], capture_output=True, text=True)
    return kind.stdout.strip()


def mount_run():
    """Mounts a tmpfs on /run for this program and its children. A booted machine has one, with
    the lock of the runner in it. Without permission to mount, /run stays unchanged."""
    mounted = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs run /run && exec "$@"', "sh"]
    if file_system("/run") != "tmpfs" and subprocess.run([*mounted, "true"]).returncode == 0:
        os.execvp(mounted[0], [*mounted, sys.executable, *sys.argv])


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].strip())
    parser.add_argument("runner")
    parser.add_argument("floor")
    parser.add_argument("--guard", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("--dynamic")
    options = parser.parse_args()
    os.umask(0o022)
    mount_run()
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(options, scratch)
        for case in itertools.chain(cases(bench), outputs(bench)):
            if case.guard is not None or not options.guard:
                bench.compare(case)
        lists(bench)
        reports(bench)
        fleet(bench)
        sizes(bench)
        counts(bench)
        print()
        print(f"Measured: {machine(bench)}.")
    print("The original checks once a second if its task has ended: 1,000 tasks take 1,000 s.")
    for left_out in dict.fromkeys(bench.report.left_out):
        print(f"Left out: {left_out}.")
    for above in bench.report.above_guard if options.guard else ():
        print(f"Too slow: {above}", file=sys.stderr)
    return 1 if options.guard and bench.report.above_guard else 0


if __name__ == "__main__":
    sys.exit(main())
