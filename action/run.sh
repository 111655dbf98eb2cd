#!/usr/bin/env bash
# The step of action.yml: runs the tasks, adds the report to the summary of the job, sets the
# outputs, and exits with the status of the runner. The inputs are in INPUT_*.
set -euo pipefail
program=$INPUT_PROGRAM taskdir=$INPUT_TASKDIR
scratch=$(mktemp -d "$RUNNER_TEMP/runner.XXXXXX")
report=$scratch/report.md

# An option and its value are one word, so that no value is an option.
options=()
[ -z "$INPUT_CONFIG" ] || options+=("--config=$INPUT_CONFIG")
[ -z "$INPUT_TRUST_OWNER" ] || options+=("--trust-owner=$INPUT_TRUST_OWNER")
while IFS= read -r line; do
    if [[ ${line%%=*} == *state_dir* ]]; then
        echo "error: the input state-dir replaces the line $line" >&2
        exit 64
    fi
    [ -z "$line" ] || options+=("--set=$line")
done <<<"$INPUT_SET"
[[ $taskdir != -* ]] || taskdir=./$taskdir

journal=--config=$INPUT_CONFIG
if [ -n "$INPUT_STATE_DIR" ] || [ -z "$INPUT_CONFIG" ] ||
    [ -z "$("$program" runner-config "$journal" -g runner.state_dir --default "" 2>/dev/null)" ]; then
    state=${INPUT_STATE_DIR:-$scratch/state}
    journal=--state-dir=$state
    options+=("--set=state_dir=$state")
fi

# A directory without tasks would be a success. With a command, the runner refuses it (66).
command=()
checked=$("$program" "${options[@]}" --check --json "$taskdir" 2>/dev/null | tr -d ' \n') || true
[[ $checked != *'"status":1,"tasks":0}' ]] || command=(-- true)

# If the job is cancelled, only this process gets a signal. Without job control, the tasks would
# ignore SIGINT.
set -m
"$program" "${options[@]}" "$taskdir" "${command[@]}" &
trap 'kill -TERM $! 2>/dev/null || true' INT TERM
status=0
wait $! || status=$?
while kill -0 $! 2>/dev/null; do
    status=0
    wait $! || status=$?
done
# The report is written also after a signal.
trap : INT TERM

# The report of a start that was refused is about an earlier run, if there is one.
run='' end=refused
case $status in
    64 | 66 | 71 | 75 | 78 | 126 | 127) ;;
    *)
        json=$("$program" runner-report "$journal" --format json | tr -d ' \n') || true
        run=$(sed -n 's/.*"run":{"run":"\([^"]*\)".*/\1/p' <<<"$json")
        end=$(sed -n 's/.*,"state":"\([^"]*\)".*/\1/p' <<<"$json")
        ;;
esac
"$program" runner-report "$journal" --format md >"$report" 2>/dev/null ||
    echo "### ❌ no report (exit status $status); the log of this step has the reason" >"$report" || true
# The exit status counts also on a full disk.
printf '%s\n' "status=$status" "end=$end" "run=$run" "report=$report" >>"${GITHUB_OUTPUT:-/dev/null}" ||
    echo "warning: the outputs cannot be written" >&2
cat "$report" >>"${GITHUB_STEP_SUMMARY:-/dev/null}" ||
    echo "warning: the summary cannot be written" >&2

[ "$status.$INPUT_ALLOW_FAILURES" != 4.true ] || exit 0
exit "$status"
