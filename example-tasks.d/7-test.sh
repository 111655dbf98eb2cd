#!/bin/sh
# Tests the build.
set -e

# Without quotes: a command with its arguments.
# shellcheck disable=SC2086
dir=$($RUNNER_CONFIG_CMD -g work.dir)

# `|| exit 1`: a broken program could exit with 2, which would be a halt.
said=$(sh "$dir/builds/current/hello") || exit 1
if [ -z "$said" ]; then
    echo "hello says nothing: asking for a retry." >&2
    exit 1
fi
printf 'Tested hello, it says: %s\n' "$said"
