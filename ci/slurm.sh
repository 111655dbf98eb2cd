#!/usr/bin/env bash
# Plays docs/slurm.md with slurmctld and two slurmd, in namespaces: slurm.sh RUNNER
#
# Needs root and the packages of `.ci/run slurm`. The script runs in namespaces of its own, so
# it changes no file of this machine, reaches no network, and all its processes end with it. Each
# node has its own /etc/runner, /var/lib/runner and /tmp. The page has the scripts, as it is written.
set -euo pipefail
if [ -z "${SLURM_TEST:-}" ]; then
    SLURM_TEST=$(mktemp -d)
    export SLURM_TEST
    trap 'rm -rf "$SLURM_TEST"' EXIT
    unshare --mount --net --uts --pid --fork --kill-child --mount-proc timeout 300 "$0" "$@"
    exit
fi
scratch=$SLURM_TEST
chmod 755 "$scratch"
page=docs/slurm.md
declare -A slurmd

# The machine.

# Writes the files of the page, in the place of their names below the given directory.
write_page() {
    awk -v top="$1" '
        /^```/ {
            file = ""
            if (/^```(sh|ini) /) {
                file = directory = top "/" $2
                sub("/[^/]*$", "", directory)
                system("mkdir -p " directory)
            }
            next
        }
        file { print >file }' "$page"
    grep -rl '^#!' "$1" | xargs chmod 755
}

make_machine() {
    hostname head
    ip link set lo up
    # With loopback addresses alone, names are not resolved (AI_ADDRCONFIG).
    ip address add 192.0.2.1/32 dev lo
    cp -a /etc "$scratch/etc"
    for directory in run var/log var/lib var/spool; do
        mount -t tmpfs -o mode=755 tmpfs "/$directory"
    done
    mkdir "$scratch/bin" /run/munge /run/runner /var/lib/{munge,slurm,runner} /var/log/munge /var/spool/slurm
    cp "$1" "$scratch/bin/runner"
    mount --bind "$scratch/bin" /usr/local/sbin
    mount --bind "$scratch/etc" /etc
    write_page "$scratch/page"
    grep -rl '^#!' "$scratch/page" | xargs shellcheck
    cp -a "$scratch/page/etc/." /etc
    echo '127.0.0.1 localhost head' >/etc/hosts
    head -c 128 /dev/urandom >/etc/munge/munge.key
    chown munge /run/munge /var/lib/munge /var/log/munge
    chown slurm /var/lib/slurm
    runuser -u munge munged
    {
        cat <<'END'
ClusterName=test
SlurmctldHost=head(127.0.0.1)
SlurmUser=slurm
StateSaveLocation=/var/lib/slurm
SlurmctldPidFile=/run/slurmctld.pid
SlurmdPidFile=/run/slurmd-%n.pid
SlurmdSpoolDir=/var/spool/slurm/%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
TaskPlugin=task/none
MpiDefault=none
NodeName=n1 NodeHostname=head NodeAddr=127.0.0.1 Port=7001 CPUs=4
NodeName=n2 NodeHostname=head NodeAddr=127.0.0.1 Port=7002 CPUs=4
PartitionName=all Nodes=n[1-2] Default=YES
END
        # The lines of the page, with a shorter interval.
        sed -n 's/^    \(\(HealthCheck\|Prolog\)[A-Za-z]*=.*\)/\1/p' "$page" | sed 's/Interval=300/Interval=2/'
    } >/etc/slurm/slurm.conf
}

start_slurm() {
    slurmctld -D >"$scratch/slurmctld.log" 2>&1 &
    for node in n1 n2; do
        mkdir "$scratch/$node"
        cp -a /etc/runner "$scratch/$node/etc"
        mkdir "$scratch/$node/lib"
        unshare --mount sh -c "
            mount -t tmpfs -o mode=700 tmpfs /run/runner
            mount --bind $scratch/$node/etc /etc/runner
            mount --bind $scratch/$node/lib /var/lib/runner
            mount -t tmpfs -o mode=755 tmpfs /var/log
            mount -t tmpfs -o size=1g tmpfs /tmp
            exec slurmd -D -N $node" >"$scratch/$node.log" 2>&1 &
        slurmd[$node]=$!
    done
}

# Runs a command where a node sees its files: on NODE COMMAND...
on() {
    nsenter --mount --target "${slurmd[$1]}" "${@:2}"
}

# Adds a task to a chain of a node: task NODE CHAIN NAME BODY
task() {
    printf '#!/bin/sh\n%s\n' "$4" >"$scratch/$1/etc/$2.d/$3"
    chmod 755 "$scratch/$1/etc/$2.d/$3"
}

# Answers.

state() { sinfo -h -n "$1" -o %T; }
reason() { sinfo -h -n "$1" -o %E; }
# Number of health checks of a node that have decided, and of those that could not start.
checks() { grep -c '"event":"\(run-end\|refused\)"' "$scratch/$1/lib/health/journal.jsonl" || true; }
# State and reason of a job, or of the jobs of an array.
job() { scontrol -o show job "$1" | sed -n 's/.* JobState=\([A-Z]*\) Reason=\([^ ]*\).*/\1 \2/p' | sort -u; }
submit() { runuser -u nobody -- sbatch --parsable -o /dev/null --chdir / "$@"; }

fail() {
    echo "$*" >&2
    sinfo -N -o '%N %T %E' >&2
    tail -n 20 "$scratch"/*.log >&2
    exit 1
}
# An expected answer can be a pattern.
# shellcheck disable=SC2053
is() {
    [[ "$2" == $3 ]] || fail "$1: found \`$2\`, expected \`$3\`"
    echo "$SECONDS s: $1: $2"
}
# Waits until an answer is as expected: await WHAT EXPECTED COMMAND...
# shellcheck disable=SC2053
await() {
    local end=$((SECONDS + 60))
    until [[ "$("${@:3}")" == $2 ]]; do
        [ $SECONDS -lt $end ] || fail "$1: found \`$("${@:3}")\`, expected \`$2\`"
        sleep 0.2
    done
    echo "$SECONDS s: $1: $("${@:3}")"
}
# Waits until two more health checks of a node have ended. The first one can have begun before the call.
await_checks() {
    local end=$((SECONDS + 60)) from
    from=$(checks "$1")
    until [ "$(checks "$1")" -ge $((from + 2)) ]; do
        [ $SECONDS -lt $end ] || fail "$1: no health check ends"
        sleep 0.2
    done
    # The script has yet to read and change the node.
    sleep 1
}

make_machine "$(realpath "$1")"
start_slurm
await "both nodes" "idle" sinfo -h -o %T

# A healthy node takes a job, also when a task has failed that is not required.
for chain in health prolog; do
    printf '[noise]\nrequired = no\n' >>"$scratch/n1/etc/$chain.cfg"
    task n1 "$chain" 20-noise 'exit 1'
done
is "the time of a check" "$(on n1 runner -c /etc/runner/health.cfg --dry-run /etc/runner/health.d | tail -n 1)" \
    "a run takes at most 49s"
await_checks n1
one=$(submit -w n1 --wrap true)
await "a job on a healthy node" "COMPLETED None" job "$one"
is "owner of its directory" "$(on n1 stat -c '%U %a' "/var/lib/jobs/$one")" "nobody 700"

# A failing one is drained, with the reason of the page, and takes none.
on n2 mount -o remount,size=64m /tmp
await "a failing node" "drained" state n2
is "its reason" "$(reason n2)" "health: 10-tmp exited with 1 (2 of 2 tries)"
sinfo -R -o '%60E %N' | tee "$scratch/transcript"
grep -qxF "    $(grep '10-tmp' "$scratch/transcript")" "$page" || fail "the page shows another transcript"
sinfo -R
since=$(sinfo -h -n n2 -o %H)
two=$(submit -w n2 --wrap true)
await_checks n2
is "a job on it" "$(job "$two")" "PENDING *"
is "the time of the drain" "$(sinfo -h -n n2 -o %H)" "$since"
is "the other node" "$(state n1)" "idle"

# A fixed one comes back.
on n2 mount -o remount,size=1g /tmp
await "a fixed node" "idle" state n2
await "the job that waited for it" "COMPLETED None" job "$two"

# The drain of an administrator stays, whatever the checks find.
scontrol update nodename=n2 state=drain reason="disk replaced" comment="x Reason=health: y"
await_checks n2
is "after checks that passed" "$(state n2) $(reason n2)" "drained disk replaced"
on n2 mount -o remount,size=64m /tmp
await_checks n2
is "after checks that failed" "$(state n2) $(reason n2)" "drained disk replaced"
on n2 mount -o remount,size=1g /tmp
await_checks n2
is "after the repair" "$(state n2) $(reason n2)" "drained disk replaced"
scontrol update nodename=n2 state=resume
await "after the administrator" "idle" state n2
scontrol update nodename=n2 comment=

# Another task decides, then a configuration that is wrong.
task n2 health 20-hang 'sleep 1000'
sed -i 's/^max_run_time = .*/max_run_time = 3s/' "$scratch/n2/etc/health.cfg"
await "a check that hangs" "health: 20-hang was still running after max_run_time (3s)*" reason n2
echo 'max_tries = five' >>"$scratch/n2/etc/health.cfg"
await "a wrong configuration" "health: /etc/runner/health.cfg:*max_tries*not five" reason n2
is "both" "$(state n2)" "drained"
rm "$scratch/n2/etc/health.d/20-hang"
cp "$scratch/page/etc/runner/health.cfg" "$scratch/n2/etc/health.cfg"
task n2 health '20-a;b' 'exit 1'
await "a name with a semicolon" "health: 20-a;b exited with 1 (2 of 2 tries)" reason n2
rm "$scratch/n2/etc/health.d/20-a;b"
mv "$scratch/n2/etc/health.d/10-tmp" "$scratch/n2"
await "no task" "health: there is no task in /etc/runner/health.d" reason n2
is "its node" "$(state n2)" "drained"
mv "$scratch/n2/10-tmp" "$scratch/n2/etc/health.d"
await "a corrected one" "idle" state n2

# A check that is still running decides nothing.
task n2 health 20-slow 'until [ -e /tmp/go ]; do sleep 0.1; done'
sed 's/^max_.*time = .*/max_time = 0/' "$scratch/n2/etc/health.cfg" >"$scratch/n2/etc/slow.cfg"
on n2 runner -q -c /etc/runner/slow.cfg /etc/runner/health.d &
until grep -q '"refused","status":75' "$scratch/n2/lib/health/journal.jsonl"; do sleep 0.2; done
await_checks n2
is "a node whose check is running" "$(state n2)" "idle"
on n2 touch /tmp/go
wait $!
rm "$scratch/n2/etc/health.d/20-slow"

# A prolog that fails drains the node and keeps the job. The health check does not change that.
on n1 sh -c 'rm -r /var/lib/jobs; touch /var/lib/jobs'
three=$(submit -w n1 --wrap true)
await "a job whose prolog failed" "PENDING *held*" job "$three"
is "its node" "$(state n1) $(reason n1)" "drained prolog: 10-job-directory exited with 1 (2 of 2 tries)"
await_checks n1
is "after health checks" "$(state n1)" "drained"
on n1 rm /var/lib/jobs
scontrol update nodename=n1 state=resume
scontrol release "$three"
# Slurm lets a job that it has queued again wait for two minutes.
scontrol update jobid="$three" starttime=now
await "the job after the repair" "COMPLETED None" job "$three"
is "owner of its directory" "$(on n1 stat -c '%U %a' "/var/lib/jobs/$three")" "nobody 700"

# Jobs that start together wait for each other's chain.
task n1 prolog 20-slow 'sleep 1'
array=$(submit -w n1 -n 1 --array 1-3 --wrap true)
await "three jobs at the same time" "COMPLETED None" job "$array"
is "their node" "$(reason n1)" "none"
is "their directories" "$(on n1 sh -c 'ls /var/lib/jobs | wc -l')" 4

# Plays a job whose prolog fails, and lets the node come back: refused REASON
refused() {
    local job
    job=$(submit -w n1 --wrap true)
    await "a job whose prolog failed" "PENDING *held*" job "$job"
    is "its node" "$(state n1) $(reason n1)" "drained $1"
    scancel "$job"
    scontrol update nodename=n1 state=resume
}
# shellcheck disable=SC2016
task n1 prolog 05-signal 'kill -TERM $PPID; sleep 10'
refused "Prolog error"
rm "$scratch/n1/etc/prolog.d"/*
refused "prolog: there is no task in /etc/runner/prolog.d"
