#!/usr/bin/env python3
"""Writes a task directory of any size, and a configuration for it.

    generate.py TASKS DEPENDENCIES DIRECTORY

DIRECTORY is created, and must not exist. The program writes into it

    tasks.d/     TASKS tasks, on levels of at most a thousand (of a tenth of all if there
                 are fewer than 10,000): `7-task-007123.sh`, each a `#!/bin/sh` no-op
    runner.cfg   a section for each task with DEPENDENCIES names in `depends_on`, in turn
                 file names and short names: of the same level, not in the order of names,
                 or of the previous level if the same level has too few
    edges        the same dependencies for `tsort`: a task, then the one that waits for it

Equal arguments produce equal files. For example

    generate.py 10000 5 /tmp/large
    time runner -c /tmp/large/runner.cfg --list /tmp/large/tasks.d
    time tsort /tmp/large/edges
"""

import os
import random
import sys

SCRIPT = b"#!/bin/sh\nexit 0\n"


def names_on_levels(count):
    """Returns the stems of the tasks, level by level."""
    size = max(1, min(1000, count // 10))
    return [
        [f"{begin // size}-task-{index:06}" for index in range(begin, min(begin + size, count))]
        for begin in range(0, count, size)
    ]


def dependencies(levels, wanted, rng):
    """Yields each task and the tasks that it waits for, without cycles."""
    before = []
    for level in levels:
        # A random order prevents cycles. The order of names would be too easy.
        order = rng.sample(level, len(level))
        for position, task in enumerate(order):
            near = rng.sample(order[:position], min(position, wanted))
            far = rng.sample(before, min(len(before), wanted - len(near)))
            yield task, far + near
        before = level


def spelling(task, index):
    return f"{task}.sh" if index % 2 else task.split("-", 1)[1]


def write_tasks(directory, levels):
    os.mkdir(directory)
    for task in (task for level in levels for task in level):
        file = os.open(os.path.join(directory, f"{task}.sh"), os.O_CREAT | os.O_WRONLY, 0o755)
        os.write(file, SCRIPT)
        os.close(file)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    count, wanted, target = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    levels = names_on_levels(count)
    os.umask(0o022)
    os.mkdir(target)
    write_tasks(os.path.join(target, "tasks.d"), levels)
    with (
        open(os.path.join(target, "runner.cfg"), "w") as config,
        open(os.path.join(target, "edges"), "w") as edges,
    ):
        config.write("[runner]\nmax_tries = 3\n")
        for task, needs in dependencies(levels, wanted, random.Random(1)):
            written = " ".join(spelling(need, index) for index, need in enumerate(needs))
            config.write(f"\n[{task}.sh]\ndepends_on = {written}\n")
            edges.writelines(f"{need}.sh {task}.sh\n" for need in needs)


if __name__ == "__main__":
    sys.exit(main())
