#!/bin/sh
# service.sh RUNNER: what systemd says of the units, with RUNNER in the place of the
# installed program. Exits 1 when it finds fault with them.
set -eu
runner=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
for unit in runner.service runner@.service; do
    # The manual is not installed here.
    sed -e "s:^ExecStart=/usr/bin/runner:ExecStart=$runner:" -e '/^Documentation=/d' \
        "packaging/systemd/$unit" >"$scratch/$unit"
done
# An instance is judged, not the template.
cp "$scratch/runner@.service" "$scratch/runner@ci.service"
for unit in runner.service runner@ci.service; do
    said=$(systemd-analyze verify "$scratch/$unit" 2>&1 | grep -F "$scratch" || true)
    [ -z "$said" ] || {
        echo "$said"
        exit 1
    }
    # A task may do whatever an administrator does, so this is what it is: unsafe, by
    # systemd's measure. It is shown so that a change is seen.
    systemd-analyze security --offline=true --no-pager "$scratch/$unit" | tail -n 1
done
