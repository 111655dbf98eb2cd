# The commands of CI, each of them alone. `just` without a recipe lists them.

default:
    @just --list

# All that a change has to pass, on a clean checkout.
ci:
    .ci/run

# The tests, as README says.
test:
    .ci/run test

# Formatting, lints and documentation, where every warning is an error.
lint:
    .ci/run lint

# The dialect of configuration files against Python's configparser.
dialect:
    .ci/run dialect

# What needs more than a shell: terminals, process 1, resources, what cannot be ended.
faults:
    .ci/run faults

# Daemons, and the stories of processes, on a machine that is busy.
load:
    .ci/run load

# Five hundred runners killed at random moments, and what the next one makes of it.
crash:
    .ci/run crash

# Three hundred chains of misbehaving tasks.
chaos:
    .ci/run chaos

# The production pattern of a build machine, with hooks that post to a server.
production:
    .ci/run production

# RUNNER_CONFIG_CMD under sudo; wants to be root.
sudo:
    .ci/run sudo

# docs/recipes.md, every recipe of it.
recipes:
    .ci/run recipes

# The systemd units, as systemd judges them.
service:
    .ci/run service

# docs/containers.md, in a container that bubblewrap makes; wants to be root.
container:
    .ci/run container

# The packages, in target/release-artifacts.
release:
    packaging/build target/release-artifacts

# The packages, and whether they keep what they promise; wants to be root.
verify-release:
    .ci/run release

# The pages of runner-report, in a browser.
browser:
    .ci/run browser

# The pictures in docs/reports.md.
screenshots:
    .ci/run screenshots

# The table of docs/benchmarks.md, in nine minutes on a quiet machine.
bench:
    .ci/run measure
