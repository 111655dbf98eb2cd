# The steps of CI as separate commands. `just` without an argument lists them.

default:
    @just --list

# All checks for a change.
ci:
    .ci/run

# The test command of the README.
test:
    .ci/run test

# Formatting, lints and documentation. Every warning is an error.
lint:
    .ci/run lint

# JUnit reports of every kind of result, validated with the schema of a plugin of Jenkins.
junit:
    .ci/run junit

# Configuration files, compared with Python's configparser.
dialect:
    .ci/run dialect

# Random configuration files and journals, for twenty seconds each.
fuzz:
    .ci/run fuzz

# Faults that need more than a shell: terminals, process 1, resources, unkillable processes.
faults:
    .ci/run faults

# Surviving daemons, and the stories of processes, on a busy machine.
load:
    .ci/run load

# Five hundred runners killed at random moments, and the run after each.
crash:
    .ci/run crash

# Three hundred chains of misbehaving tasks.
chaos:
    .ci/run chaos

# The production setup of a build machine, with hooks that post to a server.
production:
    .ci/run production

# RUNNER_CONFIG_CMD under sudo. Needs root.
sudo:
    .ci/run sudo

# This version and 0.1 on the same task directories. Needs root and the whole history.
upgrade:
    .ci/run upgrade

# Every recipe in docs/recipes.md.
recipes:
    .ci/run recipes

# The systemd units, checked by systemd.
service:
    .ci/run service

# docs/slurm.md, with slurmctld and two slurmd. Needs root.
slurm:
    .ci/run slurm

# The action for GitHub, with the variables and files of a job. Needs root.
action:
    .ci/run action

# The collection of Ansible: lints, and twelve machines that are cut off in the middle.
ansible:
    .ci/run ansible

# The example of docs/containers.md, in a container of bubblewrap. Needs root.
container:
    .ci/run container

# Builds the packages in target/release-artifacts.
release:
    packaging/build --local target/release-artifacts

# Builds and checks the packages. Needs root.
verify-release:
    .ci/run release

# The .deb on virtual machines that boot, halt and lose their power. Needs root.
boot:
    .ci/run boot

# The pages of runner-report, in a browser.
browser:
    .ci/run browser

# The pictures in README and docs/reports.md.
screenshots:
    .ci/run screenshots

# The table of docs/benchmarks.md, in nine minutes on a quiet machine.
bench:
    .ci/run measure
