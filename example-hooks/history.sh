#!/bin/sh
# Writes a history: one line for each task that ended, in history.log of the work
# directory. runner starts this before and after each task (RUNNER_HOOK is pre or
# post) with compact JSON as the last argument:
#
#     {"task":"3-clobber.sh","try_num":1,"max_retries":5,"result":"OK"}
#
# sh cannot read JSON, but the environment has the same values and more. The exit code of
# a hook changes nothing.

[ "${RUNNER_HOOK:-}" = post ] || exit 0

# Without quotes: a command with its arguments.
# shellcheck disable=SC2086
dir=$($RUNNER_CONFIG_CMD -g work.dir) || exit 1
case $dir in '' | -*) exit 1 ;; esac

# The first task ends before the work directory exists. A directory without the mark
# does not belong to this example, and 1-workdir.sh will report that.
if [ ! -e "$dir" ]; then
    mkdir -p "$dir" && touch "$dir/.runner-example" || exit 1
fi
[ -f "$dir/.runner-example" ] || exit 0

# One printf with `>>`, so lines stay whole even if tasks end at the same time.
printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' \
    "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$RUNNER_RUN_ID" "$RUNNER_TRY_NUM" \
    "$RUNNER_RESULT" "$RUNNER_OUTCOME" "$RUNNER_ELAPSED" "$RUNNER_TASK" \
    >>"$dir/history.log"
