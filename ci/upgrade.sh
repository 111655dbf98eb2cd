#!/bin/sh
# Version 0.1 and the present one on the same task directories: upgrade.sh RUNNER RUNNER_0_1
#
# While one of them runs, the other one is refused or waits, with `state_dir` and without, as root
# and as another user, also when the first one was killed and its task is alive. The task fails
# if another one runs at the same time. Needs root.
set -eu

page=$(realpath docs/installing.md)
scratch=$(mktemp -d)
user=65534
first='' task=''
trap 'kill -KILL $first $task 2>/dev/null || true; rm -rf "$scratch"' EXIT
mkdir "$scratch/new" "$scratch/old"
cp "$1" "$scratch/new/runner"
cp "$2" "$scratch/old/runner"
chmod -R go+rX "$scratch"

# start WHO VERSION [ARG...] becomes the runner of a version, in the directory of the case.
start() {
    who=$1 version=$2
    shift 2
    if [ "$config" = with ]; then set -- -c runner.cfg "$@"; fi
    if [ "$who" = user ]; then
        exec setpriv --reuid "$user" --regid "$user" --clear-groups \
            env XDG_RUNTIME_DIR="$PWD/runtime" "$scratch/$version/runner" "$@" tasks.d
    fi
    exec "$scratch/$version/runner" "$@" tasks.d
}

# Waits until a command succeeds, for at most 60 seconds.
until_() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 1200 ] || fail "this never happened: $*"
        sleep 0.05
    done
}

fail() {
    echo "upgrade.sh: $case: $1" >&2
    cat stderr* >&2
    exit 1
}

# ends_with STATUS PID
ends_with() {
    status=0
    wait "$2" 2>/dev/null || status=$?
    [ $status = "$1" ] || fail "status $status, not $1"
}

# refuses WHO VERSION TEXT [ARG...]: another runner is refused, and its message has TEXT.
refuses() {
    who=$1 version=$2 text=$3
    shift 3
    (start "$who" "$version" "$@") 2>stderr2 &
    ends_with 75 $!
    grep -q "$text" stderr2 || fail "the message of the second one has no \"$text\""
}

# The message of the second one is in the page, with other times and numbers.
is_documented() {
    for file in "$page" stderr2; do
        # shellcheck disable=SC2016 # These are not commands of this script.
        sed -E 's/^ *([0-9T:+-]+ error|hint)/\1/; s/^[^ ]+ error/error/
            s/run [0-9]{8}T[^)]*/run #/; s/(pid|process|`kill -- -) ?[0-9]+/\1 #/g' "$file" >"${file##*/}.plain"
    done
    while read -r line; do
        grep -qxF -e "$line" installing.md.plain || fail "docs/installing.md has no line \"$line\""
    done <stderr2.plain
}

# A new directory for the case, with a task that runs until there is a file `go`.
set_up() {
    case="$1, $2 runs first, $3 state_dir"
    config=$3
    rm -rf "$scratch/case"
    mkdir -p "$scratch/case/tasks.d" "$scratch/case/runtime"
    cd "$scratch/case"
    cat >tasks.d/1-work <<'END'
#!/bin/sh
mkdir alone || exit 3
echo $$ >pid
while [ ! -e go ]; do sleep 0.05; done
rmdir alone
echo done >>order
END
    printf '#!/bin/sh\necho once >>order\n' >tasks.d/0-once
    chmod 755 tasks.d/*
    printf '[runner]\nmax_tries = 1\n' >runner.cfg
    if [ "$config" = with ]; then
        printf 'state_dir = state\n[once]\nfrequency = once\n' >>runner.cfg
    fi
    if [ "$1" = user ]; then chown -R "$user" .; fi
}

# begin WHO VERSION: starts the first runner. Returns when its task is named in the lock.
begin() {
    (start "$1" "$2") 2>stderr &
    first=$!
    until_ test -s pid
    task=$(cat pid)
    runtime=/run
    if [ "$1" = user ]; then runtime=runtime; fi
    until_ grep -qs "^task $task " state/lock "$runtime/runner/$(stat -c '%D-%i' tasks.d).lock"
}

living() {
    set_up "$1" "$2" "$4"
    begin "$1" "$2"
    refuses "$1" "$3" "another runner (\(pid\|process\) ${first}[,)]"
    is_documented
    (start "$1" "$3" --wait-lock) 2>stderr2 &
    second=$!
    until_ grep -q 'waiting for it' stderr2
    touch go
    ends_with 0 $first
    ends_with 0 $second
    # A `once` task of one version is done for the other one.
    expected='once done done'
    if [ "$config" = without ]; then expected='once done once done'; fi
    found=$(paste -s -d ' ' order)
    [ "$found" = "$expected" ] || fail "found \"$found\", expected \"$expected\""
    if [ "$config" = with ]; then
        [ "$(grep -c '"run-end","status":0' state/journal.jsonl)" = 2 ] || fail "not two ends"
        "$scratch/new/runner" runner-report --state-dir state --history >history || fail "no report"
        [ "$(grep -c 'finished' history)" = 2 ] || fail "not two finished runs in the history"
    fi
    echo "$case: the other one is refused, and waits"
}

killed() {
    set_up "$1" "$2" "$4"
    begin "$1" "$2"
    kill -KILL $first
    ends_with 137 $first
    refuses "$1" "$3" "\`1-work\` (\(pid\|process\) $task)"
    [ "$3" = old ] || is_documented
    (start "$1" "$3" --wait-lock) 2>stderr2 &
    second=$!
    until_ grep -q 'waiting for it' stderr2
    touch go
    ends_with 0 $second
    echo "$case, and is killed: the other one is refused, and waits for the task"
}

# A runner is killed, and its task is alive. Twelve runners of both versions wait for it, and for
# each other.
crowd() {
    set_up "$1" old "$2"
    begin "$1" old
    kill -KILL $first
    ends_with 137 $first
    pids=
    for number in 1 2 3 4 5 6; do
        for version in old new; do
            (start "$1" $version --wait-lock -q) 2>"stderr.$number.$version" &
            pids="$pids $!"
        done
    done
    touch go
    for pid in $pids; do ends_with 0 "$pid"; done
    [ "$(grep -c 'done' order)" = 13 ] || fail "not thirteen tasks"
    echo "$case, and is killed: twelve of both versions run one after the other"
}

# Root runs the tasks of a user who runs them with version 0.1.
trusted() {
    set_up user old with
    begin user old
    refuses root new "another runner (pid $first," --trust-owner "$user"
    touch go
    ends_with 0 $first
    echo "$case: root is refused"
}

for account in root user; do
    for state in with without; do
        living "$account" old new "$state"
        living "$account" new old "$state"
        killed "$account" old new "$state"
        # With `state_dir`, version 0.1 reads only the lock there, which does not name the task.
        # docs/installing.md has this exception.
        [ "$state" = with ] || killed "$account" new old "$state"
        crowd "$account" "$state"
    done
done
trusted
