#!/bin/sh
# Prepare the one directory that everything else happens in.
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

# A directory with something in it that is not ours is left alone. The mark says
# that it is ours; the hook, which may come first, sets the same.
mark=$dir/.runner-example
if [ -d "$dir" ] && [ ! -f "$mark" ] && [ -n "$(ls -A -- "$dir")" ]; then
    printf '%s holds something else: asking for a halt.\n' "$dir" >&2
    exit 2
fi
mkdir -p "$dir"
touch "$mark"
mkdir -p "$dir/builds" "$dir/sources"

# A build of long ago, so that the clobber task has something to do.
if [ "${RUNNER_TRY_NUM:-1}" = 1 ]; then
    mkdir -p "$dir/builds/2000-01-01"
    touch -t 200001010000 "$dir/builds/2000-01-01"
fi

printf 'The work directory is %s.\n' "$dir"
