#!/bin/sh
# Creates the work directory of all tasks.
set -e

# Without quotes: a command with its arguments.
# shellcheck disable=SC2086
dir=$($RUNNER_CONFIG_CMD -g work.dir)

case $dir in
'' | -*)
    printf 'The value of work.dir, "%s", cannot be used: asking for a halt.\n' "$dir" >&2
    exit 2
    ;;
esac

# A directory with other files is left alone. The mark shows that the directory belongs
# to this example. The hook, which can run first, creates the same mark.
mark=$dir/.runner-example
if [ -d "$dir" ] && [ ! -f "$mark" ] && [ -n "$(ls -A -- "$dir")" ]; then
    printf '%s holds something else: asking for a halt.\n' "$dir" >&2
    exit 2
fi
mkdir -p "$dir"
touch "$mark"
mkdir -p "$dir/builds" "$dir/sources"

# An old build, so that the clobber task has something to remove.
if [ "${RUNNER_TRY_NUM:-1}" = 1 ]; then
    mkdir -p "$dir/builds/2000-01-01"
    touch -t 200001010000 "$dir/builds/2000-01-01"
fi

printf 'The work directory is %s.\n' "$dir"
