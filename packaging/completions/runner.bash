# Completion of runner and its applets for bash 4.3 and later. It needs nothing but bash, sed and tac.
#
# The blocks of options and settings are written by tests/completions.rs. The value of an option
# is a word that names what follows it, or `=` and the possible values; with `?` it can be missing.

# Options of runner.
declare -gA _runner_options=(
    [-c]=file [--config]=file
    [-n]=number [--times]=number
    [-H]='' [--halt-after]=''
    [-j]=number [--jobs]=number
    [--set]=setting
    [--trust-owner]=user
    [--insecure]=''
    [-q]='' [--quiet]=''
    [-v]='' [--verbose]=''
    [--no-progress]=''
    [--syslog]=''
    [--ready]='=started finished'
    [--wait-lock]=''
    [--no-lock]=''
    [--list]=''
    [--dry-run]=''
    [--graph]=''
    [--env]=task
    [--check]=''
    [--drill]=''
    [--yes]=''
    [--json]=''
    [--only]=task
    [--forget]=task
    [--forget-all]=''
    [-g]=key [--get]=key
    [--install-links]=dir
    [-h]='' [--help]=''
    [-V]='' [--version]=''
)

# Options of runner-config.
declare -gA _runner_config_options=(
    [-c]=file [--config]=file
    [-g]=key [--get]=key
    [-l]='?section' [--list]='?section'
    [--check]=''
    [--settings]=''
    [--default]=value
    [--show-origin]=''
    [--format]='=text json ini'
    [--json]=''
    [-h]='' [--help]=''
    [-V]='' [--version]=''
)

# Options of runner-report.
declare -gA _runner_report_options=(
    [-c]=file [--config]=file
    [--state-dir]=dir
    [--run]=run
    [--this-boot]=''
    [--history]=''
    [--tasks]=''
    [--wait]=''
    [--timeout]=time
    [--fleet]=path
    [--expect]=file
    [--within]=time
    [--allow]=number
    [--not-ready]=''
    [--format]='=text json html svg junit md'
    [-h]='' [--help]=''
    [-V]='' [--version]=''
)

# Settings of runner.
_runner_settings=(
    sleep_time
    retry_jitter
    retry_backoff
    max_sleep
    max_tries
    retry_from
    max_run_time
    max_time
    hook_time
    kill_grace
    leak_time
    leftovers
    required
    halt_task
    task_hook
    run_hook
    interpreter
    ok_codes
    skip_codes
    halt_codes
    stop_codes
    jobs
    max_halts
    halt_period
    include_dir
    state_dir
    journal_size
    log_dir
    log_keep
)
# End.

# Offers every line that begins with $cur. Not `compgen -W`, which expands its words as a shell
# would: a file name must not be a command.
_runner_offer() {
    local line
    while IFS= read -r line; do
        [[ $line == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$line")")
    done
}

# Prints the entries of the configuration.
_runner_entries() {
    "$program" runner-config "${config[@]}" --list 2>/dev/null | sed -n '/^[^ =][^=]*\.[^=]*=/p'
}

# Offers what can follow an option with this value.
_runner_values() {
    case $1 in
        file | path) compopt -o default ;;
        dir) compopt -o dirnames ;;
        task)
            [[ -z $taskdir ]] || _runner_offer < <("$program" "${config[@]}" --list "$taskdir" 2>/dev/null |
                sed 's/  *level [0-9].*//')
            ;;
        key) _runner_offer < <(_runner_entries | sed 's/=.*//') ;;
        section) _runner_offer < <(_runner_entries | sed 's/[.=].*//' | sort -u) ;;
        setting)
            compopt -o nospace
            _runner_offer < <(printf '%s=\n' "${_runner_settings[@]}")
            ;;
        run)
            compopt -o nosort 2>/dev/null
            _runner_offer < <("$program" runner-report "${config[@]}" --history 2>/dev/null |
                sed -n '/  refused/!s/  .*//p' | tac | head -n 20)
            ;;
        user) _runner_offer < <(compgen -u) ;;
        =*) _runner_offer < <(tr ' ' '\n' <<<"${1#=}") ;;
    esac
}

_runner() {
    local program=${COMP_WORDS[0]/#\~/$HOME} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local -a config=()
    local applet=${COMP_WORDS[0]##*/} taskdir='' word value i
    [[ $applet == runner-@(config|report) ]] || applet=runner
    local -n options=_${applet/-/_}_options
    # Bash makes a word of `=`.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    # Configuration, journal and task directory, on both sides of the cursor.
    for ((i = 1; i < ${#COMP_WORDS[@]}; i++)); do
        word=${COMP_WORDS[i]}
        ((i == COMP_CWORD)) || [[ -z $word ]] && continue
        if [[ $word == -- ]]; then
            ((i < COMP_CWORD)) || break
            ((i + 1 == COMP_CWORD)) && _runner_offer < <(compgen -c -- "$cur")
            compopt -o default
            return
        fi
        value=${options[$word]-}
        if [[ ${COMP_WORDS[i + 1]-} == = ]]; then
            ((i += 2))
        elif [[ -n $value && $value != \?* ]]; then
            ((i += 1))
        else
            [[ $word == -* ]] || taskdir=${word/#\~/$HOME}
            continue
        fi
        ((i == COMP_CWORD)) && continue
        value=${COMP_WORDS[i]-}
        case $word in
            -c | --config) config=(-c "${value/#\~/$HOME}") ;;
            --state-dir) config=(--state-dir "${value/#\~/$HOME}") ;;
        esac
    done
    value=
    [[ -z $prev ]] || value=${options[$prev]-}
    if [[ -n $value && ! ($value == \?* && $cur == -*) ]]; then
        _runner_values "${value#\?}"
    elif [[ $cur == -* || $applet != runner ]]; then
        _runner_offer < <(printf '%s\n' "${!options[@]}" | sed -n '/^--/p' | sort)
    else
        compopt -o dirnames
    fi
}

complete -F _runner runner runner-config runner-report
