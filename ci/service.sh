#!/bin/sh
# Checks the units with systemd, with RUNNER in place of the installed program:
# service.sh RUNNER. Exits 1 if systemd reports a problem.
set -eu
runner=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -r "$scratch"' EXIT
for unit in runner.service runner@.service; do
    # The manual is not installed here.
    sed -e "s:^ExecStart=/usr/bin/runner:ExecStart=$runner:" -e '/^Documentation=/d' \
        "packaging/systemd/$unit" >"$scratch/$unit"
done
# systemd checks an instance, not the template.
cp "$scratch/runner@.service" "$scratch/runner@ci.service"
for unit in runner.service runner@ci.service; do
    said=$(systemd-analyze verify "$scratch/$unit" 2>&1 | grep -F "$scratch" || true)
    [ -z "$said" ] || {
        echo "$said"
        exit 1
    }
    # Tasks can do everything that an administrator can, so systemd rates the unit as unsafe.
    # The rating is printed so that a change is noticed.
    systemd-analyze security --offline=true --no-pager "$scratch/$unit" | tail -n 1
done
