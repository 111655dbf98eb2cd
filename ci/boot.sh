#!/usr/bin/env bash
# Boots Debian with systemd and the .deb, and checks what docs/systemd.md promises:
# boot.sh DIRECTORY, which packaging/build has filled. Needs root and x86_64.
#
# Each scenario is a virtual machine with its own copy of one disk. They run at the same time,
# emulated (no KVM) and without a network. A machine prints its answers on its second serial port
# and switches itself off. The drivers for the disk are in the kernel, so there is no initramfs.
set -euo pipefail
deb=$(echo "$(realpath "$1")"/*.deb)
scratch=$(mktemp -d)
chmod 755 "$scratch"
root=$scratch/root
declare -A machines
trap 'kill -KILL "${machines[@]}" 2>/dev/null || true; rm -rf "$scratch"' EXIT
# Timeout in seconds of each wait for a machine. Emulation on a busy machine is slow.
timeout=900

# The disk.

install_debian() {
    # shellcheck disable=SC2016 # mmdebstrap expands it.
    mmdebstrap --quiet --variant=essential --include=systemd-sysv --dpkgopt=force-unsafe-io \
        --customize-hook='export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG; cd "$1/boot" &&
            apt-get download -qq -o APT::Sandbox::User=root \
                $(apt-cache depends linux-image-cloud-amd64 | sed -n "s/.*Depends: //p")' \
        bookworm "$root"
    dpkg-deb --fsys-tarfile "$root"/boot/*.deb | tar -xO --wildcards './boot/vmlinuz*' >"$scratch/kernel"
    rm "$root"/boot/*.deb
    cp "$deb" "$root/runner.deb"
    chroot "$root" dpkg -i /runner.deb >/dev/null
    chroot "$root" systemd-machine-id-setup 2>/dev/null
}

# Writes a file of the disk from stdin. The files of a scenario are in /scenarios.
file() {
    mkdir -p "$(dirname "$root/$1")"
    cat >"$root/$1"
}
script() {
    { echo '#!/bin/sh' && cat; } | file "$1"
    chmod 755 "$root/$1"
}
task() { script "scenarios/$1/etc/runner/tasks.d/$2" <<<"$3"; }
config() { file "scenarios/$1/etc/runner/runner.cfg"; }
# The commands that a machine runs when systemd starts the services, and what they print.
answers() { script "scenarios/$1/answers"; }
expected() { cat >"$scratch/$1.expected"; }

install_services() {
    # Copies the files of the scenario that the kernel's command line names, then becomes systemd.
    script init <<'END'
cp -a "/scenarios/$scenario/." /
echo boot >>/var/log/starts
exec /sbin/init
END
    file etc/systemd/system/answers.service <<'END'
[Service]
Type=exec
ExecStart=/bin/sh -c '/answers >/dev/ttyS1 2>&1; systemctl poweroff --force'
[Install]
WantedBy=multi-user.target
END
    file etc/systemd/system/needs-runner.service <<'END'
[Unit]
Requires=runner.service
After=runner.service
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/bin/started
[Install]
WantedBy=multi-user.target
END
    # Each task logs its start. The log outlives a power cut.
    script usr/bin/started <<'END'
echo "${1:-${RUNNER_TASK:-needs-runner}}" >>/var/log/starts
sync /var/log/starts
END
    # Prints all starts, one line for each boot.
    script usr/bin/starts <<<"xargs </var/log/starts | sed 's/^boot //; s/ boot /\n/g'"
    # Prints the history without ids and dates.
    script usr/bin/history <<<'runner-report -c /etc/runner/runner.cfg --history | cut -d " " -f 5-'
    chroot "$root" systemctl enable --quiet runner answers needs-runner
    # Nobody logs in.
    chroot "$root" systemctl mask --quiet getty.target getty-static.service
}

make_disk() {
    truncate -s 1G "$scratch/disk"
    mke2fs -q -t ext4 -d "$root" "$scratch/disk"
    rm -r "$root"
}

# The machines.

# Boots a scenario from its disk, which an earlier machine may have changed.
boot() {
    [ -e "$scratch/$1.disk" ] || cp --sparse=always "$scratch/disk" "$scratch/$1.disk"
    : >"$scratch/$1.answers"
    qemu-system-x86_64 -accel tcg -machine q35 -cpu qemu64 -m 512 -no-user-config -nodefaults -display none \
        -drive "if=none,id=disk,format=raw,file=$scratch/$1.disk" -device nvme,serial=disk,drive=disk \
        -serial "file:$scratch/$1.console" -serial "file:$scratch/$1.answers" -kernel "$scratch/kernel" \
        -append "root=/dev/nvme0n1 rw init=/init scenario=$1 console=ttyS0 quiet mitigations=off" &
    machines[$1]=$!
    disown # So bash does not report that it was killed.
}

is_off() { ! kill -0 "${machines[$1]}" 2>/dev/null; }
has_answered() { grep -q "$2" "$scratch/$1.answers"; }

# Waits until a condition of a machine is true: await CONDITION SCENARIO [ARG]
await() {
    local end=$((SECONDS + timeout))
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "$2" "\`$*\` is not true after $timeout s"
        sleep 0.1
    done
}

fail() {
    printf 'error: %s: %s\n--- answers:\n' "$1" "$2"
    cat "$scratch/$1.answers"
    echo "--- end of the console:"
    tail -n 40 "$scratch/$1.console"
    exit 1
} >&2

# Compares the answers of a machine with the expected ones. In both, durations are TIME, ids of runs
# are RUN, and blanks are squeezed.
check() {
    await is_off "$1"
    unset "machines[$1]"
    tr -d '\r' <"$scratch/$1.answers" | tr -s ' ' | sed -E 's/^ //; s/\b([0-9]+m )?[0-9.]+m?s\b/TIME/g
        s/[0-9]{8}T[0-9.]+Z-[0-9a-f]{8}/RUN/g' >"$scratch/found"
    diff -u --label expected --label found "$scratch/$1.expected" "$scratch/found" >&2 ||
        fail "$1" "the answers differ"
    printf '%s (after %s s):\n' "$1" $SECONDS
    sed 's/^/    /' "$scratch/found"
}

# The scenarios.

# A chain takes 100 s, and the start timeout of its unit is 90 s, which ends another unit. A unit
# that needs the chain starts after it. The daemon of a task lives as long as the unit.
long_chain() {
    task long_chain 1-first 'started; sleep 50'
    # shellcheck disable=SC2016 # The task is to expand it.
    task long_chain 2-daemon 'started; setsid sh -c "echo \$\$ >/run/daemon; exec sleep 4321" & sleep 50'
    file scenarios/long_chain/etc/systemd/system/extends-nothing.service <<'END'
[Service]
Type=notify
TimeoutStartSec=90s
ExecStart=/bin/sleep 4321
END
    file scenarios/long_chain/etc/systemd/system/answers.service.d/wants.conf <<'END'
[Unit]
Wants=extends-nothing.service
END
    answers long_chain <<'END'
until [ -e /run/daemon ]; do [ "$(wc -l </var/log/starts)" -lt 2 ] || systemctl log-level debug; sleep 5; done
systemctl log-level info
systemctl is-system-running --wait >/dev/null
show() { systemctl show -P "$2" "$1"; }
ready=$(show runner ActiveEnterTimestampMonotonic)
echo "started: $(starts)"
echo "start timeout: $(show runner TimeoutStartUSec | tr -d ' ')"
[ $((ready - $(show runner InactiveExitTimestampMonotonic))) -ge 100000000 ] && echo "ready after 100 or more seconds"
[ "$(show needs-runner InactiveExitTimestampMonotonic)" -gt "$ready" ] && echo "needs-runner started after that"
echo "extends-nothing: $(show extends-nothing ActiveState), $(show extends-nothing Result)"
journalctl -q -u runner -o cat | grep -om 1 'EXTEND_TIMEOUT_USEC='
daemon() { [ -d "/proc/$(cat /run/daemon)" ] && echo "the daemon runs" || echo "no daemon"; }
daemon
systemctl stop runner
daemon
echo "runner: $(show runner ActiveState), needs-runner: $(show needs-runner ActiveState)"
END
    expected long_chain <<'END'
started: 1-first 2-daemon needs-runner
start timeout: 1min30s
ready after 100 or more seconds
needs-runner started after that
extends-nothing: failed, timeout
EXTEND_TIMEOUT_USEC=
the daemon runs
no daemon
runner: inactive, needs-runner: inactive
END
}

# A chain fails. Then two chains are ended while processes of a task ignore SIGTERM: the first by
# systemd, the second by another process, so its unit has failed.
failed_chain() {
    config failed_chain <<<$'[runner]\nstate_dir = /var/lib/runner\nmax_tries = 2'
    task failed_chain 1-fetch 'started'
    task failed_chain 2-build 'started; exit 1'
    script scenarios/failed_chain/hang <<<"trap '' TERM; setsid sleep 4321 & sleep 4321 & : >/run/hangs; sleep 4321"
    answers failed_chain <<'END'
state() { echo "runner: $(systemctl is-active runner), needs-runner: $(systemctl is-active needs-runner)"; }
systemctl is-system-running --wait >/dev/null
echo "started: $(starts)"
state
journalctl -q -u needs-runner -o cat | head -n 1
echo "# journalctl -p warning -u runner"
journalctl -q -p warning -u runner -o cat
end() {
    rm -f /run/hangs
    systemctl start --no-block runner
    until [ -e /run/hangs ]; do sleep 1; done
    read -r begin _ </proc/uptime
    echo "# $*"
    "$@"
    while [ "$(systemctl show -P MainPID runner)" -gt 0 ]; do sleep 1; done
    read -r end _ </proc/uptime
    [ $((${end%.*} - ${begin%.*})) -lt 30 ] && echo "took less than 30 seconds"
    echo "processes of the task: $(grep -lsx sleep /proc/*/comm | wc -l); $(systemctl show -P Result runner)"
    state
}
ln -sf /hang /etc/runner/tasks.d/2-build
end systemctl stop runner
end systemctl kill --kill-whom=main runner
END
    expected failed_chain <<'END'
started: 1-fetch 2-build 1-fetch 2-build
runner: failed, needs-runner: inactive
Dependency failed for needs-runner.service.
# journalctl -p warning -u runner
`2-build` exited with 1 after TIME; trying again from the beginning in TIME (try 2 of 2)
`2-build` exited with 1 after TIME; giving up
gave up: `2-build` exited with 1 (2 of 2 tries)
hint: `runner-report --state-dir /var/lib/runner` shows more
runner.service: Failed with result 'exit-code'.
Failed to start runner.service - Make this machine ready.
# systemctl stop runner
took less than 30 seconds
processes of the task: 0; success
runner: inactive, needs-runner: inactive
# systemctl kill --kill-whom=main runner
took less than 30 seconds
processes of the task: 0; protocol
runner: failed, needs-runner: inactive
END
}

# A task requests a halt at each boot, and the halt task reboots: first as an administrator does,
# then without ending anything and with a new machine id. At the third boot the halts are used up.
halts() {
    config halts <<'END'
[runner]
state_dir = /var/lib/runner
max_halts = 2
[1-once]
frequency = once
[2-boot]
frequency = once-per-boot
[3-machine]
frequency = once-per-machine
END
    for task in 1-once 2-boot 3-machine; do task halts $task started; done
    # shellcheck disable=SC2016 # The task is to expand it.
    task halts 4-second-try 'started; [ "$RUNNER_TRY_NUM" -gt 1 ]'
    task halts 5-halt 'started; exit 2'
    script scenarios/halts/etc/runner/tasks.d/halt.sh <<'END'
started halt.sh
case $(grep -cx boot /var/log/starts) in
1) systemctl reboot ;;
2) rm /etc/machine-id && systemd-machine-id-setup && systemctl reboot --force --force ;;
esac
END
    answers halts <<'END'
[ "$(grep -cx boot /var/log/starts)" -eq 3 ] || sleep infinity
systemctl is-system-running --wait >/dev/null
starts
history
journalctl -q -b -u runner -o cat | grep max_halts
END
    expected halts <<'END'
1-once 2-boot 3-machine 4-second-try 4-second-try 5-halt halt.sh
2-boot 4-second-try 4-second-try 5-halt halt.sh
2-boot 3-machine 4-second-try 4-second-try 5-halt
halted try 2 TIME 5-halt
halted try 2 TIME 5-halt
halts used up try 2 TIME 5-halt
the halt task would run now, because a task requested it, but the limit `max_halts` is reached: 2 halts within 1d
END
}

# The power is cut when a task has just started, after one that got a mark.
power_cut() {
    config power_cut <<'END'
[runner]
state_dir = /var/lib/runner
[1-done]
frequency = once
[2-cut]
frequency = once
END
    task power_cut 1-done started
    script scenarios/power_cut/etc/runner/tasks.d/2-cut <<'END'
started
[ "$(grep -cx boot /var/log/starts)" -eq 2 ] && exit
echo cut >/dev/ttyS1
sleep 4321
END
    task power_cut 3-last started
    answers power_cut <<'END'
systemctl is-system-running --wait >/dev/null
starts
history
journal=/var/lib/runner/journal.jsonl
echo "marks at the second start: $(grep -ao '"done":[^]]*]' $journal)"
echo "ends: $(sed -n 's/.*"event":"task-end","task":"\([^"]*\)".*/\1/p' $journal | xargs)"
runner-report -c /etc/runner/runner.cfg --run -2 | grep -e 'cut off' -e 'tasks '
END
    expected power_cut <<'END'
1-done 2-cut
2-cut 3-last needs-runner
cut off try 1 TIME
finished try 1 TIME
marks at the second start: "done":["1-done"]
ends: 1-done 2-cut 3-last
run RUN was cut off, last event TIME ago
tasks 1 of 3 OK, in /etc/runner/tasks.d
cut off by a kill or a power cut
END
}
cut_power() {
    await has_answered power_cut cut
    kill -KILL "${machines[power_cut]}"
    await is_off power_cut
    boot power_cut
}

scenarios=(failed_chain power_cut halts long_chain)
install_debian
install_services
for scenario in "${scenarios[@]}"; do
    "$scenario"
done
make_disk
echo "The disk is made (after $SECONDS s)."
for scenario in "${scenarios[@]}"; do
    boot "$scenario"
done
cut_power
for scenario in "${scenarios[@]}"; do
    check "$scenario"
done
