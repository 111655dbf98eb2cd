#!/usr/bin/env bash
# Checks the packages, and runs the tests with their binary: release.sh DIRECTORY, which
# packaging/build has filled.
set -euo pipefail
packages=$(realpath "$1")
cd "$(dirname "$0")/.."
deb=$(echo "$packages"/*.deb)
rpm=$(echo "$packages"/*.rpm)
tarball=$(echo "$packages"/*.tar.gz)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

is() {
    [ "$2" = "$3" ] || {
        printf '%s: found %s, expected %s\n' "$1" "$2" "$3" >&2
        exit 1
    }
    echo "$1: $2"
}

# A release needs an address. The refusal comes before the build.
mkdir "$scratch/placeholder"
cp -r Cargo.toml packaging "$scratch/placeholder"
sed -i 's|^repository = .*|repository = "https://runner.example/runner"|' "$scratch/placeholder/Cargo.toml"
refused=$("$scratch/placeholder/packaging/build" "$scratch/placeholder/out" 2>&1) && exit 1
is "refused with a placeholder" "$(grep -c "Cargo.toml is a placeholder" <<<"$refused")" 1
[ ! -e "$scratch/placeholder/out" ]

# One commit always gives the same bytes, in any directory.
CARGO_TARGET_DIR=$scratch/target packaging/build --local "$scratch/again" 2>"$scratch/log" >&2 || {
    cat "$scratch/log"
    exit 1
}
for package in "$deb" "$rpm" "$tarball"; do
    cmp "$package" "$scratch/again/${package##*/}"
done
echo "built twice: the same"
rm -r "$scratch/target"

lintian --allow-root --fail-on error,warning "$deb"

# The manual. mandoc's messages about style are only about the length of source lines.
for page in packaging/man/*; do
    mandoc -T lint -W warning "$page"
    is "man --warnings ${page##*/}" "$(man --warnings=w -l "$page" 2>&1 >/dev/null)" ""
done

# The only script is the one that removes state and links at a purge, so installing them starts and
# stops nothing.
is "control files of the .deb" "$(dpkg-deb --ctrl-tarfile "$deb" | tar -t | sort | xargs)" \
    "./ ./conffiles ./control ./md5sums ./postrm"
is "scripts of the .rpm" "$(rpm -qp --scripts "$rpm")" ""

# Each package is installed, changed by an administrator, installed again and removed.
debian=$scratch/debian
mkdir -p "$debian"/var/lib/dpkg/{info,updates}
touch "$debian/var/lib/dpkg/status"
in_debian() {
    dpkg --root="$debian" --log=/dev/null --force-script-chrootless "$@" >/dev/null
}
fedora=$scratch/fedora
mkdir "$fedora"
in_fedora() {
    rpm --root="$fedora" --dbpath=/var/lib/rpm --nodeps "$@"
}
administer() {
    echo "max_tries = 3" >>"$1/etc/runner/runner.cfg"
    mkdir "$1/var/lib/runner"
    touch "$1/var/lib/runner/journal.jsonl" "$1/etc/runner/tasks.d/1-mine"
}
left() {
    (cd "$1" && find . ! -type d ! -path "./var/lib/$2/*" -printf '%P\n' | sort | xargs)
}

in_debian -i "$deb"
runner=$debian/usr/bin/runner
is "linked" "$(ldd "$runner" | xargs)" "statically linked"
is "below 4 MiB" "$(($(stat -c %s "$runner") < 4 << 20))" 1
is "links" "$(cd "$debian/usr/bin" && find . -type l -printf '%P -> %l\n' | sort | xargs)" \
    "runner-config -> runner runner-report -> runner"
"$debian/usr/bin/runner-config" -c "$debian/etc/runner/runner.cfg" --check
state=$("$debian/usr/bin/runner-config" -c "$debian/etc/runner/runner.cfg" -g runner.state_dir)
is "state_dir" "$state" /var/lib/runner

# Prints the completions of bash for the last word of a line.
completed() {
    # shellcheck disable=SC2016 # The inner bash expands it.
    PATH=$debian/usr/bin:$PATH bash -c 'source "$0"
        compopt() { :; }
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _runner
        echo "${COMPREPLY[*]}"' "$debian/usr/share/bash-completion/completions/runner" "$@"
}
is "completed tasks" "$(completed runner -c runner.cfg example-tasks.d --only 6)" "6-fetch-sources 6-build.sh"
is "completed keys" "$(completed runner-config -c runner.cfg -g work)" work.dir

address=$(sed -n 's/^repository = "\(.*\)"/\1/p' Cargo.toml)
is "address in the .deb" "$(dpkg-deb -f "$deb" Homepage)" "$address"
is "address in the .rpm" "$(rpm -qp --queryformat '%{URL}' "$rpm")" "$address"
is "address in units" "$(grep -l " $address\$" "$debian"/usr/lib/systemd/system/* | wc -l)" 2
is "address in the manual" "$(zgrep -l "^\.UR $address\$" "$debian"/usr/share/man/man*/* | wc -l)" 4

in_fedora -i "$rpm"
cmp "$runner" "$fedora/usr/bin/runner"
tar -C "$scratch" -xzf "$tarball"
cmp "$runner" "$scratch"/runner-*-linux/bin/runner

# The chain of the example, from the directory where the package installs it.
example=$debian/usr/share/doc/runner/examples
(cd "$scratch" && "$runner" -q -c "$example/runner.cfg" "$example/example-tasks.d" >"$scratch/log") || {
    cat "$scratch/log"
    exit 1
}

# All tests and the quick fault tests, with the installed binary.
RUNNER_UNDER_TEST=$runner cargo test --workspace --locked
python3 ci/faults.py --quick "$runner"

administer "$debian"
in_debian -i "$deb"
grep -qx "max_tries = 3" "$debian/etc/runner/runner.cfg"
in_debian -r runner
is "left by dpkg -r" "$(left "$debian" dpkg)" \
    "etc/runner/runner.cfg etc/runner/tasks.d/1-mine var/lib/runner/journal.jsonl"
wants=etc/systemd/system/multi-user.target.wants
mkdir -p "$debian/$wants"
ln -s /nowhere "$debian/$wants/runner.service"
ln -s /nowhere "$debian/$wants/runner@ci.service"
ln -s /nowhere "$debian/$wants/other.service"
in_debian -P runner
is "left by dpkg -P" "$(left "$debian" dpkg)" "etc/runner/tasks.d/1-mine $wants/other.service"
[ ! -e "$debian/var/lib/runner" ]

administer "$fedora"
in_fedora -U --force "$rpm"
grep -qx "max_tries = 3" "$fedora/etc/runner/runner.cfg"
in_fedora -e runner
is "left by rpm -e" "$(left "$fedora" rpm)" \
    "etc/runner/runner.cfg.rpmsave etc/runner/tasks.d/1-mine var/lib/runner/journal.jsonl"
