#!/bin/sh
# RUNNER_CONFIG_CMD works after a task has changed its user: sudo.sh RUNNER
#
# Needs root and sudo. The binary and the configuration are in directories with blanks in
# their names, first without a link next to the binary, then with one.
set -eu

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 755 "$scratch"
mkdir "$scratch/my bin" "$scratch/my etc" "$scratch/tasks.d"
cp "$1" "$scratch/my bin/runner"
printf '[runner]\nmax_tries = 1\n[hg]\nremote = it is me\n' >"$scratch/my etc/my runner.cfg"
# shellcheck disable=SC2016 # The task is to expand it.
printf '#!/bin/sh\n%s\n%s\n%s\n' \
    'sudo -u nobody $RUNNER_CONFIG_CMD -g hg.remote' \
    'sudo -E sh -c "\$RUNNER_CONFIG_CMD -g hg.remote"' \
    'sudo -E -u nobody env -i $RUNNER_CONFIG_CMD -g hg.remote' >"$scratch/tasks.d/1-ask"
chmod 755 "$scratch/tasks.d/1-ask"

ask() {
    answers=$("$scratch/my bin/runner" -q -c "$scratch/my etc/my runner.cfg" "$scratch/tasks.d")
    [ "$answers" = "$(printf 'it is me\nit is me\nit is me')" ] || {
        printf 'wrong answers %s:\n%s\n' "$1" "$answers" >&2
        exit 1
    }
    echo "right answers $1"
}

ask "without links"
"$scratch/my bin/runner" -q --install-links "$scratch/my bin"
ask "with links"
