#!/usr/bin/env python3
"""Writes a task directory as large as one likes, and a configuration for it.

    generate.py TASKS DEPENDENCIES DIRECTORY

DIRECTORY is made, and must not be there. Afterwards it holds

    tasks.d/     so many tasks, on levels of a thousand (a tenth of all, when there
                 are few): `7-task-007123.sh`, each of them a `#!/bin/sh` no-op
    runner.cfg   a section for each task with so many names in `depends_on`, by
                 file name and short name in turn: of the same level, in another
                 order than by name, or of the level before where that has too few
    edges        the same dependencies for `tsort`: first the task that has to be
                 done before, then the one that waits for it

The same numbers make the same files. For example

    generate.py 10000 5 /tmp/large
    time runner -c /tmp/large/runner.cfg --list /tmp/large/tasks.d
    time tsort /tmp/large/edges
"""

import os
import random
import sys

SCRIPT = b"#!/bin/sh\nexit 0\n"


def names_on_levels(number):
    """The stems of the tasks, level by level."""
    size = max(1, min(1000, number // 10))
    return [
        [f"{begin // size}-task-{index:06}" for index in range(begin, min(begin + size, number))]
        for begin in range(0, number, size)
    ]


def dependencies(levels, wanted, rng):
    """For each task the tasks that it waits for; no two wait for each other."""
    before = []
    for level in levels:
        # What makes no cycle is an order, and one by name would be too easy.
        order = rng.sample(level, len(level))
        for place, task in enumerate(order):
            near = rng.sample(order[:place], min(place, wanted))
            far = rng.sample(before, min(len(before), wanted - len(near)))
            yield task, far + near
        before = level


def spelled(task, turn):
    return f"{task}.sh" if turn % 2 else task.split("-", 1)[1]


def write_tasks(directory, levels):
    os.mkdir(directory)
    for task in (task for level in levels for task in level):
        file = os.open(os.path.join(directory, f"{task}.sh"), os.O_CREAT | os.O_WRONLY, 0o755)
        os.write(file, SCRIPT)
        os.close(file)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    number, wanted, target = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    levels = names_on_levels(number)
    os.umask(0o022)
    os.mkdir(target)
    write_tasks(os.path.join(target, "tasks.d"), levels)
    with (
        open(os.path.join(target, "runner.cfg"), "w") as config,
        open(os.path.join(target, "edges"), "w") as edges,
    ):
        config.write("[runner]\nmax_tries = 3\n")
        for task, needs in dependencies(levels, wanted, random.Random(1)):
            written = " ".join(spelled(need, turn) for turn, need in enumerate(needs))
            config.write(f"\n[{task}.sh]\ndepends_on = {written}\n")
            edges.writelines(f"{need}.sh {task}.sh\n" for need in needs)


if __name__ == "__main__":
    sys.exit(main())
