#!/bin/sh
# The example of docs/containers.md, in a container of bubblewrap: container.sh RUNNER
#
# The runner is process 1 and is replaced by the command. A task prepares a volume that
# belongs to user 1000. If a task fails in every try, the command does not start.
set -eu

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/tasks" "$scratch/uploads"
chown 1000:1000 "$scratch/uploads"
cp "$1" "$scratch/runner"

task() {
    printf '#!/bin/sh\n%s\n' "$2" >"$scratch/tasks/$1"
    chmod 755 "$scratch/tasks/$1"
}

contained() {
    bwrap --ro-bind / / --proc /proc --dev /dev --tmpfs /tmp --tmpfs /srv \
        --ro-bind "$scratch/runner" /tmp/runner \
        --ro-bind "$scratch/tasks" /tmp/docker-entrypoint.d \
        --bind "$scratch/uploads" /srv/uploads \
        --unshare-pid --as-pid-1 /tmp/runner -q --set max_tries=1 /tmp/docker-entrypoint.d -- "$@"
}

is() {
    [ "$2" = "$3" ] || {
        printf '%s: found %s, expected %s\n' "$1" "$2" "$3" >&2
        exit 1
    }
    echo "$1: $2"
}

# shellcheck disable=SC2016 # The task is to expand it.
task 1-orphan 'echo "the runner is $PPID"; (sleep 1 &)'
task 2-uploads 'exec setpriv --reuid=1000 --regid=1000 --clear-groups mkdir -p /srv/uploads/incoming'
# shellcheck disable=SC2016
is "process 1" "$(contained sh -c 'echo "the command is $$"')" "the runner is 1
the command is 1"
# shellcheck disable=SC2016
task 3-output 'echo "FROM_TASK=$(id -u)" >>"$RUNNER_OUTPUTS"'
# shellcheck disable=SC2016
is "an output" "$(contained sh -c 'echo "the command has $FROM_TASK"')" "the runner is 1
the command has 0"
is "owner of the volume" "$(stat -c %u "$scratch/uploads/incoming")" 1000
is "variables of the runner" "$(contained sh -c 'env | grep -c RUNNER_ || true')" "the runner is 1
0"
is "an empty command is none" "$(contained)" "the runner is 1"
task 4-fails 'exit 3'
status=0
contained --never 2>/dev/null >/dev/null || status=$?
is "a service that must not start" "$status" 1
