# Completion of runner and its applets for fish.
#
# The blocks of options and settings are written by tests/completions.rs.

# Prints what the line gives: `config` is the arguments that name configuration or journal,
# `taskdir` the task directory; one line each, or none.
function __runner_given --argument-names what
    set -l tokens (commandline --tokenize --current-process)
    set -l config
    set -l taskdir
    set -e tokens[1]
    while set -q tokens[1]
        set -l token $tokens[1]
        set -e tokens[1]
        switch $token
            case --
                break
            case '--config=*' '--state-dir=*'
                set config (string split --max 1 = -- $token)
            case -c --config --state-dir
                set config $token $tokens[1]
                set -e tokens[1]
            case $__runner_with_value
                set -e tokens[1]
            case '-*'
            case '*'
                set taskdir $token
        end
    end
    string join \n -- $$what
end

# Asks the program on the line.
function __runner_ask
    set -l program (commandline --tokenize --current-process)[1]
    $program $argv 2>/dev/null
end

function __runner_tasks
    set -l taskdir (__runner_given taskdir)
    set -q taskdir[1]; or return
    __runner_ask (__runner_given config) --list $taskdir | string replace --regex '  +level ' '\tlevel '
end

function __runner_entries
    __runner_ask runner-config (__runner_given config) --list | string match --regex '^[^ =].*\..*='
end

function __runner_keys
    __runner_entries | string replace --regex '=.*' '\t'
end

function __runner_sections
    __runner_entries | string replace --regex '\..*' '\t' | sort -u
end

# The last runs, the newest first.
function __runner_runs
    __runner_ask runner-report (__runner_given config) --history | string match --invert '*  refused*' |
        tail -n 20 | tac | string replace --regex '  ' '\t'
end

# Options of runner.
set -ga __runner_with_value -c --config -n --times -j --jobs --set --trust-owner --ready --env --only --forget -g --get --install-links
complete -c runner -s c -l config -r -F -d 'Configuration file'
complete -c runner -s n -l times -x -d 'Number of runs of the chain; 0 = no limit'
complete -c runner -s H -l halt-after -d 'Run the halt task after the last run too, if all runs have finished'
complete -c runner -s j -l jobs -x -d 'Maximum number of tasks that run at the same time'
complete -c runner -l set -x -a '$__runner_settings' -d 'Override a setting of `[runner]`; all are in `runner-config --settings`'
complete -c runner -l trust-owner -x -a '(__fish_complete_users)' -d 'As root, also trust files of this user (name or number)'
complete -c runner -l insecure -d 'As root, also run files that another user can change'
complete -c runner -s q -l quiet -d 'Log only warnings and errors; the output of tasks stays'
complete -c runner -s v -l verbose -d 'Also log decisions and their reasons'
complete -c runner -l no-progress -d 'Hide the progress line at the bottom of the terminal'
complete -c runner -l syslog -d 'Also log to syslog'
complete -c runner -l ready -x -a 'started\t finished\t' -d 'Moment to notify the service manager (systemd)'
complete -c runner -l wait-lock -d 'Wait for a run of the same directory, forever or for this time (=10m)'
complete -c runner -l no-lock -d 'Take no lock: another run of the same directory can be active'
complete -c runner -l list -d 'List the tasks in order; run nothing'
complete -c runner -l dry-run -d 'Show each command and the origin of each setting; run nothing'
complete -c runner -l graph -d 'Print the plan as a graph for graphviz; run nothing'
complete -c runner -l env -x -a '(__runner_tasks)' -d 'Show the environment of a task, with values; run nothing'
complete -c runner -l check -d 'List all problems; run nothing. Exit status 0, 1 or 78 (errors)'
complete -c runner -l drill -d 'Find the tasks that fail when they are started again; needs `--yes`'
complete -c runner -l yes -d 'Confirm `--drill`: it runs the tasks for real, most of them many times'
complete -c runner -l json -d 'Answer `--list`, `--dry-run`, `--env`, `--check` or `--drill` as JSON'
complete -c runner -l only -x -a '(__runner_tasks)' -d 'Run one task with its hooks and limits, without the chain'
complete -c runner -l forget -x -a '(__runner_tasks)' -d 'Remove the mark of a task, so it runs again; run nothing'
complete -c runner -l forget-all -d 'Remove the marks of all tasks; run nothing'
complete -c runner -s g -l get -x -a '(__runner_keys)' -d 'Print the value of a key, as `runner-config -g` does'
complete -c runner -l install-links -x -a '(__fish_complete_directories)' -d 'Create the links `runner-config` and `runner-report` in this directory'
complete -c runner -s h -l help -d 'Print help'
complete -c runner -s V -l version -d 'Print version'

# Options of runner-config.
set -ga __runner_with_value -c --config -g --get --default --format
complete -c runner-config -s c -l config -r -F -d 'Configuration file'
complete -c runner-config -s g -l get -x -a '(__runner_keys)' -d 'Print the value of a key'
complete -c runner-config -s l -l list -x -a '(__runner_sections)' -d 'List all keys and values, or those of a section'
complete -c runner-config -l check -d 'List all problems; exit status 0, 1 (warnings) or 78 (errors)'
complete -c runner-config -l settings -d 'List every setting: name, default, meaning'
complete -c runner-config -l default -x -d 'Print this value and exit with 0 if the key is missing'
complete -c runner-config -l show-origin -d 'Show where each value was written'
complete -c runner-config -l format -x -a 'text\t json\t ini\t' -d 'Format of the list; `ini` is one file that reads back the same'
complete -c runner-config -l json -d 'Short for `--format json`: one object, section, key, value'
complete -c runner-config -s h -l help -d 'Print help'
complete -c runner-config -s V -l version -d 'Print version'

# Options of runner-report.
set -ga __runner_with_value -c --config --state-dir --run --timeout --fleet --expect --within --allow --format
complete -c runner-report -s c -l config -r -F -d 'Configuration file'
complete -c runner-report -l state-dir -x -a '(__fish_complete_directories)' -d 'Directory of the journal'
complete -c runner-report -l run -x -k -a '(__runner_runs)' -d 'Run to show or wait for: its id, -1 for the last, -2 for the one before'
complete -c runner-report -l this-boot -d 'Show only what happened since the machine started'
complete -c runner-report -l history -d 'List all runs, one per line, the last one at the end'
complete -c runner-report -l tasks -d 'Show how often each task ran and failed, and how long it took'
complete -c runner-report -l wait -d 'Wait for the end of the current run, or of the next one if none is running'
complete -c runner-report -l timeout -x -d 'Maximum time to wait'
complete -c runner-report -l fleet -r -F -d 'Show the state of many machines, from their journals: files, directories that are searched three levels deep for `*.jsonl` and `*.jsonl.old`, or - for stdin'
complete -c runner-report -l expect -r -F -d 'File with the names of hosts, one per line; those without a journal are missing'
complete -c runner-report -l within -x -d 'Count a host as silent if its last record is older than this'
complete -c runner-report -l allow -x -d 'Number of hosts that need not be ready, or their part of all hosts'
complete -c runner-report -l not-ready -d 'Print only the names of the hosts that are not ready, one per line'
complete -c runner-report -l format -x -a 'text\t json\t html\t svg\t junit\t md\t' -d 'Format of the answer'
complete -c runner-report -s h -l help -d 'Print help'
complete -c runner-report -s V -l version -d 'Print version'

# Settings of runner.
set -g __runner_settings \
    sleep_time=\t'minimum wait before a retry, and minimum time between the starts of two runs' \
    retry_jitter=\t'a random time from 0 to this is added to each wait; empty = `sleep_time`' \
    retry_backoff=\t'factor by which the wait grows with each further try' \
    max_sleep=\t'upper limit of one wait; 0 = none' \
    max_tries=\t'tries before giving up; 0 = never give up; in a task\'s section: failures of that task' \
    retry_from=\t'where a retry starts: `start` of the chain, or the `failed` task' \
    max_run_time=\t'time limit for one whole run; 0 = none' \
    max_time=\t'time limit for a task or the halt task; 0 = none' \
    hook_time=\t'time limit for a hook; 0 = none' \
    kill_grace=\t'time between asking a process group to end (SIGTERM) and killing it (SIGKILL)' \
    leak_time=\t'how long to wait for processes that a finished task left in its group' \
    leftovers=\t'what to do with them then: `kill`, `report`, or `allow` (do not even wait)' \
    required=\t'`no` lets the chain continue when the task fails' \
    halt_task=\t'file in the task directory; never part of the chain' \
    task_hook=\t'command run before and after each task; the JSON is its last argument' \
    run_hook=\t'command run when a run starts and when its chain has ended; the JSON is its last argument' \
    interpreter=\t'command put before the task\'s path' \
    ok_codes=\t'exit codes that mean: continue' \
    skip_codes=\t'exit codes that mean: this task does not apply here; continue' \
    halt_codes=\t'exit codes that mean: run the halt task, then end' \
    stop_codes=\t'exit codes that mean: end, without the halt task' \
    jobs=\t'how many tasks may run at the same time' \
    max_halts=\t'after this many halts within `halt_period` the halt task is not run any more; 0 = no limit' \
    halt_period=\t'see `max_halts`' \
    include_dir=\t'directory whose files are read after this one, in byte order; later wins' \
    state_dir=\t'directory for journal, lock and `once` marks; empty = none' \
    journal_size=\t'a larger journal is renamed to `journal.jsonl.old` when a run or a try starts; 0 = never' \
    log_dir=\t'directory for the output of tasks, one file per task and try, instead of stdout' \
    log_keep=\t'how many runs to keep in `log_dir`'
# End.

complete -c runner -x -a '(__fish_complete_directories)'
complete -c runner-config -f
complete -c runner-report -f
