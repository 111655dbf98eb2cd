#!/bin/sh
# Keep a history: one line for each task that ended, in history.log of the work
# directory. runner starts this before and after each task (RUNNER_HOOK is pre or
# post) with compact JSON as the last argument:
#
#     {"task":"3-clobber.sh","try_num":1,"max_retries":5,"result":"OK"}
#
# sh cannot read JSON, and need not: the environment has the same and more. What a
# hook ends with changes nothing.

[ "${RUNNER_HOOK:-}" = post ] || exit 0

# Without quotes: a command with its arguments.
# shellcheck disable=SC2086
dir=$($RUNNER_CONFIG_CMD -g work.dir) || exit 1
case $dir in '' | -*) exit 1 ;; esac

# The first task ends before the work directory is there. One that exists without
# the mark is somebody else's, and 1-workdir.sh will say so.
if [ ! -e "$dir" ]; then
    mkdir -p "$dir" && touch "$dir/.runner-example" || exit 1
fi
[ -f "$dir/.runner-example" ] || exit 0

# One printf and `>>`: lines stay whole, also when tasks end at the same time.
printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' \
    "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$RUNNER_RUN_ID" "$RUNNER_TRY_NUM" \
    "$RUNNER_RESULT" "$RUNNER_OUTCOME" "$RUNNER_ELAPSED" "$RUNNER_TASK" \
    >>"$dir/history.log"
