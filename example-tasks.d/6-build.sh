#!/bin/sh
# Builds the sources. By runner.cfg this task waits for fetch-sources, and exit code 2 is
# not a halt here: make and sh use it for ordinary failures.
set -e

# Without quotes: a command with its arguments.
# shellcheck disable=SC2086
dir=$($RUNNER_CONFIG_CMD -g work.dir)
build=$dir/builds/current

rm -rf "$build"
mkdir "$build"
{
    echo '#!/bin/sh'
    cat "$dir/sources/hello"
} >"$build/hello"
chmod +x "$build/hello"
echo "Built hello."
