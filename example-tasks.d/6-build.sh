#!/bin/sh
# Build what was fetched. runner.cfg says that this waits for fetch-sources, and that
# 2, with which make and sh report troubles, is no halt here.
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
