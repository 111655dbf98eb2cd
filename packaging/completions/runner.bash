# Completion of runner and its applets for bash. It needs nothing but bash.

# Options of runner.
_runner_options=(--config --times --halt-after --jobs --set --quiet --verbose --no-progress --syslog
    --trust-owner --insecure --ready --wait-lock --no-lock --list --dry-run --graph --env --check --json --only --get --install-links
    --help --version)

# Options of runner-config.
_runner_config_options=(--config --get --list --check --settings --default --show-origin --format --json
    --help --version)

# Options of runner-report.
_runner_report_options=(--config --state-dir --run --this-boot --history --tasks --wait --timeout
    --format --help --version)

# Offers every line that goes on from $cur. Not `compgen -W`, which expands its words as a shell
# would: a file name must not be a command.
_runner_offer() {
    local line
    while IFS= read -r line; do
        [[ $line == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$line")")
    done
}

# Offers the keys of the configuration.
_runner_keys() {
    _runner_offer < <("$program" runner-config "${config[@]}" --list 2>/dev/null |
        sed -n 's/^\([^ =][^=]*\.[^=]*\)=.*/\1/p')
}

_runner() {
    local program=${COMP_WORDS[0]/#\~/$HOME} cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
    local -a config=()
    local taskdir='' word i
    # Bash makes a word of `=`.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    # What is said on both sides of the cursor.
    for ((i = 1; i < ${#COMP_WORDS[@]}; i++)); do
        ((i == COMP_CWORD)) && continue
        word=${COMP_WORDS[i]}
        case $word in
            --)
                if ((i < COMP_CWORD)); then
                    ((i + 1 == COMP_CWORD)) && _runner_offer < <(compgen -c -- "$cur")
                    compopt -o default
                    return
                fi
                break
                ;;
            -c | --config)
                [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
                ((++i == COMP_CWORD)) || config=(-c "${COMP_WORDS[i]/#\~/$HOME}")
                ;;
            = | -n | --times | -j | --jobs | --set | --trust-owner | --ready | --env | --only | -g | --get | --install-links | --default) ((i++)) ;;
            -*) ;;
            *) taskdir=${word/#\~/$HOME} ;;
        esac
    done
    case $prev in
        -c | --config) compopt -o default ;;
        -g | --get) _runner_keys ;;
        --only | --env)
            [[ -z $taskdir ]] || _runner_offer < <("$program" "${config[@]}" --list "$taskdir" 2>/dev/null |
                sed 's/  *level [0-9].*//')
            ;;
        --set)
            compopt -o nospace
            _runner_offer < <("$program" runner-config --settings | sed 's/ .*/=/')
            ;;
        --trust-owner) _runner_offer < <(compgen -u) ;;
        --ready) _runner_offer < <(printf '%s\n' started finished) ;;
        --install-links) compopt -o dirnames ;;
        -n | --times | -j | --jobs | --default | --run | --timeout) ;;
        --state-dir) compopt -o dirnames ;;
        --format)
            if [[ ${program##*/} == runner-config ]]; then
                _runner_offer < <(printf '%s\n' text json ini)
            else
                _runner_offer < <(printf '%s\n' text json)
            fi
            ;;
        *)
            case ${program##*/} in
                runner-config)
                    if [[ $cur == -* ]]; then
                        _runner_offer < <(printf '%s\n' "${_runner_config_options[@]}")
                    elif [[ $prev == @(-l|--list) ]]; then
                        _runner_offer < <("$program" "${config[@]}" --list 2>/dev/null |
                            sed -n 's/^\([^ =.]*\)\..*=.*/\1/p' | sort -u)
                    fi
                    ;;
                runner-report)
                    _runner_offer < <(printf '%s\n' "${_runner_report_options[@]}")
                    ;;
                *)
                    if [[ $cur == -* ]]; then
                        _runner_offer < <(printf '%s\n' "${_runner_options[@]}")
                    else
                        compopt -o dirnames
                    fi
                    ;;
            esac
            ;;
    esac
}

complete -F _runner runner runner-config runner-report
