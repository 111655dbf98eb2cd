#!/bin/sh
# Summarizes this run from the history that the hook writes.
set -e

# Without quotes: a command with its arguments.
# shellcheck disable=SC2086
dir=$($RUNNER_CONFIG_CMD -g work.dir)
history=$dir/history.log

if [ ! -f "$history" ]; then
    echo "There is no history: the hook did not run."
    exit 0
fi

# The columns: time, run, try, result, outcome, seconds, task. With "" appended, awk
# compares the runs as text; as numbers, two long ones could be equal.
# `|| exit 1`: awk exits with 2 if it fails.
awk -F '\t' '
    ($2 "") != (ENVIRON["RUNNER_RUN_ID"] "") { next }
    { tasks++; total += $6; if ($3 + 0 > tries) tries = $3 + 0 }
    $4 != "OK" { failed = failed sprintf("  %s in try %d (%s)\n", $7, $3, $5) }
    END {
        printf "This run so far: %d tasks in %d %s, %.2f seconds of work.\n",
            tasks, tries, tries == 1 ? "try" : "tries", total
        if (failed != "") printf "Failed on the way:\n%s", failed
    }' "$history" || exit 1
printf 'Everything written is in %s, which may be removed.\n' "$dir"
printf 'The history of all runs is %s.\n' "$history"
