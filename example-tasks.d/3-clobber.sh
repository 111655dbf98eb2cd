#!/bin/sh
# Removes old builds. A task that removes files checks its configuration first.
set -e

# Without quotes: a command with its arguments.
# shellcheck disable=SC2086
dir=$($RUNNER_CONFIG_CMD -g work.dir)
# shellcheck disable=SC2086
keep_days=$($RUNNER_CONFIG_CMD -g clobber.keep_days)

refuse() {
    printf '%s: nothing is removed, asking for a halt.\n' "$1" >&2
    exit 2
}

case $keep_days in
'' | *[!0-9]*) refuse "keep_days must be a whole number, not \"$keep_days\"" ;;
esac
[ -n "$dir" ] || refuse "The value of work.dir is empty"
[ -f "$dir/.runner-example" ] || refuse "$dir is not a directory of this example"
[ ! -L "$dir/builds" ] || refuse "$dir/builds leads to somewhere else"

removed=0
for build in "$dir/builds"/*; do
    [ -d "$build" ] || continue
    # find prints the name if the build is old enough.
    if [ -n "$(find "$build" -prune -mtime "+$keep_days")" ]; then
        rm -rf "$build"
        printf 'Removed the build %s.\n' "${build##*/}"
        removed=$((removed + 1))
    fi
done
[ "$removed" -gt 0 ] || echo "No build is older than $keep_days days."
