//! The completions of the shells: the blocks of options, values and settings are written from
//! `--help` and the table of settings, and each shell offers what fits.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    manual::{APPLETS, Opt, help, options},
    support::{Test, install_program, is_missing, top},
};

const SHELLS: [(&str, Shell); 3] = [
    ("runner.bash", Shell::Bash),
    ("_runner", Shell::Zsh),
    ("runner.fish", Shell::Fish),
];

#[derive(Clone, Copy)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// The word of the scripts for each name of a value in `--help`, and what zsh and fish do.
const VALUES: [(&str, &str, &str, &str); 14] = [
    ("FILE", "file", "_files", "-r -F"),
    ("PATH", "path", "_files", "-r -F"),
    (
        "DIR",
        "dir",
        "_files -/",
        "-x -a '(__fish_complete_directories)'",
    ),
    ("TASK", "task", "->task", "-x -a '(__runner_tasks)'"),
    ("SECTION.KEY", "key", "->key", "-x -a '(__runner_keys)'"),
    (
        "SECTION",
        "section",
        "->section",
        "-x -a '(__runner_sections)'",
    ),
    (
        "KEY=VALUE",
        "setting",
        "->setting",
        "-x -a '$__runner_settings'",
    ),
    ("USER", "user", "_users", "-x -a '(__fish_complete_users)'"),
    ("ID|-N", "run", "->run", "-x -k -a '(__runner_runs)'"),
    ("WHEN", "when", "", "-x"),
    ("FORMAT", "format", "", "-x"),
    ("TIME", "time", "", "-x"),
    ("VALUE", "value", "", "-x"),
    // All of them are numbers.
    ("", "number", "", "-x"),
];

/// An option as the scripts need it.
struct Completed<'a> {
    /// `-c` and `--config`, or the second one alone.
    names: Vec<&'a str>,
    meaning: &'a str,
    value: Option<Value<'a>>,
}

struct Value<'a> {
    word: &'a str,
    zsh: &'a str,
    fish: &'a str,
    /// All there are, if they are known.
    possible: Vec<&'a str>,
    /// `--list [<SECTION>]`
    is_optional: bool,
    /// `--wait-lock[=<TIME>]`
    is_glued: bool,
}

fn completed(option: &Opt) -> Completed<'_> {
    let (names, value) = match option.spec.find(['<', '[']) {
        Some(at) => option.spec.split_at(at),
        None => (option.spec.as_str(), ""),
    };
    let possible = option.meaning.split_once("[possible values: ");
    let possible = possible.and_then(|(_, rest)| Some(rest.split_once(']')?.0));
    let name = value.trim_matches(['[', ']', '<', '>', '=', '.']);
    let value = (!name.is_empty()).then(|| {
        let known = VALUES.iter().find(|(known, ..)| *known == name);
        let number = ["TIMES", "JOBS", "N|N%"]
            .contains(&name)
            .then(|| VALUES.last())
            .flatten();
        let (_, word, zsh, fish) = known.or(number).expect("the shells know this value");
        Value {
            word,
            zsh,
            fish,
            possible: possible.map_or(Vec::new(), |values| values.split(", ").collect()),
            is_optional: value.starts_with('['),
            is_glued: value.starts_with("[="),
        }
    });
    Completed {
        names: names.trim().split(", ").collect(),
        meaning: option.meaning.split(" [").next().unwrap(),
        value,
    }
}

impl Completed<'_> {
    /// `[-c]=file [--config]=file`
    fn bash(&self) -> String {
        let value = match &self.value {
            None => "''".to_owned(),
            Some(value) if value.is_glued => "''".to_owned(),
            Some(value) if !value.possible.is_empty() => format!("'={}'", value.possible.join(" ")),
            Some(value) if value.is_optional => format!("'?{}'", value.word),
            Some(value) => value.word.to_owned(),
        };
        let names = self.names.iter().map(|name| format!("[{name}]={value}"));
        format!("    {}\n", names.collect::<Vec<_>>().join(" "))
    }

    /// `'(-c --config)'{-c,--config=}'[The configuration file]:file:_files'`
    fn zsh(&self) -> String {
        let (equals, action) = match &self.value {
            None => ("", String::new()),
            Some(value) => {
                let action = match &value.possible[..] {
                    [] => value.zsh.to_owned(),
                    possible => format!("({})", possible.join(" ")),
                };
                match (value.is_glued, value.is_optional) {
                    (true, _) => ("=-", format!("::{}:{action}", value.word)),
                    (false, true) => ("", format!("::{}:{action}", value.word)),
                    (false, false) => ("=", format!(":{}:{action}", value.word)),
                }
            }
        };
        let is_repeated =
            (self.value.as_ref()).is_some_and(|it| ["setting", "user"].contains(&it.word));
        let meaning = self.meaning.replace('[', "\\[").replace(']', "\\]");
        let rest = format!("[{meaning}]{action}").replace('\'', r"'\''");
        match self.names[..] {
            [long] if is_repeated => format!("    '*{long}{equals}{rest}'\n"),
            [long] => format!("    '{long}{equals}{rest}'\n"),
            [short, long] => format!("    '({short} {long})'{{{short},{long}{equals}}}'{rest}'\n"),
            _ => panic!("an option has one name or two"),
        }
    }

    /// ` -s c -l config -r -F -d 'The configuration file'`
    fn fish(&self, applet: &str) -> String {
        let names = self.names.iter().map(|name| match name.strip_prefix("--") {
            Some(long) => format!(" -l {long}"),
            None => format!(" -s {}", &name[1..]),
        });
        let value = match &self.value {
            Some(value) if !value.possible.is_empty() => {
                format!(" -x -a '{}\\t'", value.possible.join("\\t "))
            }
            Some(value) if value.is_glued => String::new(),
            Some(value) => format!(" {}", value.fish),
            None => String::new(),
        };
        let names: String = names.collect();
        format!(
            "complete -c {applet}{names}{value} -d {}\n",
            in_fish(self.meaning)
        )
    }
}

fn in_fish(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

/// The block below `# Options of APPLET.`
fn block(shell: Shell, applet: &str) -> String {
    let help = help(applet);
    let options = options(&help);
    let options = options.iter().map(completed);
    let name = applet.replace('-', "_");
    match shell {
        Shell::Bash => {
            let rows: String = options.map(|option| option.bash()).collect();
            format!("declare -gA _{name}_options=(\n{rows})\n")
        }
        Shell::Zsh => {
            let rows: String = options.map(|option| option.zsh()).collect();
            format!("_{name}_options=(\n{rows})\n")
        }
        Shell::Fish => {
            let options: Vec<_> = options.collect();
            let valued = options.iter().filter(|option| {
                let value = option.value.as_ref();
                value.is_some_and(|value| !value.is_optional)
            });
            let valued: Vec<&str> = valued.flat_map(|option| option.names.clone()).collect();
            let rows: String = options.iter().map(|option| option.fish(applet)).collect();
            format!("set -ga __runner_with_value {}\n{rows}", valued.join(" "))
        }
    }
}

/// The settings that `--set` takes.
fn settings(shell: Shell) -> String {
    let settings = runner_config::SETTINGS.iter();
    let settings = settings.filter(|setting| setting.in_runner());
    let rows: String = settings
        .map(|setting| match shell {
            Shell::Bash => format!("    {}\n", setting.name),
            Shell::Zsh => {
                let meaning = setting.meaning.replace('\'', r"'\''");
                format!("    '{}:{meaning}'\n", setting.name)
            }
            Shell::Fish => format!("    {}=\\t{} \\\n", setting.name, in_fish(setting.meaning)),
        })
        .collect();
    match shell {
        Shell::Bash | Shell::Zsh => format!("_runner_settings=(\n{rows})\n"),
        Shell::Fish => format!(
            "set -g __runner_settings \\\n{}\n",
            rows.trim_end_matches(" \\\n")
        ),
    }
}

fn script(name: &str) -> std::path::PathBuf {
    top().join("packaging/completions").join(name)
}

#[test]
fn the_options_values_and_settings_of_the_scripts_are_the_programs() {
    let update = std::env::var_os("INSTA_UPDATE").is_some_and(|update| update == "always");
    for (name, shell) in SHELLS {
        let text = fs::read_to_string(script(name)).unwrap();
        let (above, blocks) = text.split_once("# Options of runner.\n").unwrap();
        let (_, below) = blocks.split_once("# End.\n").unwrap();
        let applets = APPLETS
            .iter()
            .map(|applet| format!("# Options of {applet}.\n{}\n", block(shell, applet)));
        let applets: String = applets.collect();
        let settings = settings(shell);
        let expected = format!("{above}{applets}# Settings of runner.\n{settings}# End.\n{below}");
        if update {
            fs::write(script(name), expected).unwrap();
        } else {
            assert!(text == expected, "{name}: INSTA_UPDATE=always writes it");
        }
    }
}

/// Bash calls the function with the words of the line, and prints what it replies.
const BASH: &str = r#"source "$SCRIPT"
compopt() { :; }
COMP_WORDS=($LINE) COMP_CWORD=${#COMP_WORDS[@]}
[[ $LINE == *' ' ]] && COMP_WORDS+=('') || ((COMP_CWORD -= 1))
_runner
printf '%s\n' "${COMPREPLY[@]}""#;

const FISH: &str = "source $SCRIPT; complete -C $LINE";

/// An interactive zsh on a terminal of its own, in which Tab writes all matches to a file.
const ZSH: &str = r#"zmodload zsh/zpty
cat >.zshrc <<'END'
PS1= fpath=(${SCRIPT:h} $fpath)
autoload -Uz compinit && compinit -u -D
compadd() {
    if [[ -z ${argv[(r)-[OAD]]} ]]; then
        local -a matches
        builtin compadd -O matches "$@"
        print -rl -- $matches >>matches
    fi
    builtin compadd "$@"
}
_capture() { _main_complete; print >done }
zle -C capture complete-word _capture
bindkey '^I' capture
print >ready
END
await() { repeat 600; do [[ -e $1 ]] && return; sleep 0.1; done; print "no $1"; exit 1 }
export ZDOTDIR=$PWD
zpty shell zsh -i
await ready
zpty -w -n shell $LINE$'\t'
await done
zpty -d shell
[[ -e matches ]] && cat matches"#;

/// Returns the words that a shell offers for the end of a line, and their descriptions.
fn offered(shell: Shell, line: &str, directory: &Path) -> (Vec<String>, Vec<String>) {
    let (program, code, script_name) = match shell {
        Shell::Bash => ("bash", BASH, "runner.bash"),
        Shell::Zsh => ("zsh", ZSH, "_runner"),
        Shell::Fish => ("fish", FISH, "runner.fish"),
    };
    for file in ["matches", "done", "ready"] {
        let _ = fs::remove_file(directory.join(file));
    }
    let path = std::env::var("PATH").unwrap();
    let output = Command::new(program)
        .args(["-c", code])
        .env("SCRIPT", script(script_name))
        .env("LINE", line)
        .env(
            "PATH",
            format!("{}:{path}", directory.join("bin").display()),
        )
        .env("HOME", directory)
        .env_remove("RUNNER_CONFIG")
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(stderr, "", "{program}: {line}");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty());
    let (mut words, mut meanings) = (Vec::new(), Vec::new());
    for line in lines {
        let (word, meaning) = line.split_once('\t').unwrap_or((line, ""));
        // Zsh adds the `=` itself.
        let word = word.trim_end_matches('=').trim_start_matches(&['\''][..]);
        words.push(word.to_owned());
        meanings.push(meaning.to_owned());
    }
    words.sort();
    words.dedup();
    (words, meanings)
}

#[test]
fn each_shell_offers_what_fits() {
    let config = "[runner]\nstate_dir = state\n[hg]\nremote = https://example.org\n";
    let test = Test::new()
        .only_config(config)
        .task("1-fetch", "")
        .task("2-build", "");
    let test = test.run().status(0).test.run().status(0).test;
    for applet in APPLETS {
        install_program(&test.path(&format!("bin/{applet}")));
    }
    let ran = test
        .run_with(["runner-report", "-c", "runner.cfg", "--history"])
        .status(0);
    let runs: Vec<&str> = ran
        .stdout
        .lines()
        .filter_map(|line| line.split("  ").next())
        .collect();
    assert_eq!(runs.len(), 2);
    let formats: Vec<&str> = (runner_report::FORMATS.iter())
        .map(|(name, _)| *name)
        .collect();
    let formats = formats.join(" ");
    let runs = runs.join(" ");
    let settings = runner_config::SETTINGS
        .iter()
        .filter(|setting| setting.in_runner());
    let settings: Vec<&str> = settings.map(|setting| setting.name).collect();
    let settings = settings.join(" ");
    let text = APPLETS.map(help).concat();
    for (line, expected) in [
        ("runner --no-", "--no-lock --no-progress"),
        ("runner --ready ", "started finished"),
        ("runner --set max_t", "max_time max_tries"),
        ("runner --set ", &settings),
        ("runner -c runner.cfg tasks.d --only ", "1-fetch 2-build"),
        ("runner -c runner.cfg tasks.d --forget 2", "2-build"),
        (
            "runner -j 2 --config runner.cfg tasks.d -q --env 2",
            "2-build",
        ),
        // There is no directory on the line yet.
        ("runner -c runner.cfg --only ", ""),
        ("runner -c runner.cfg -g hg.", "hg.remote"),
        (
            "runner-config -c runner.cfg -g ",
            "runner.state_dir hg.remote",
        ),
        ("runner-config -c runner.cfg --list ", "runner hg"),
        ("runner-config --format ", "text json ini"),
        ("runner-report --format ", &formats),
        ("runner-report -c runner.cfg --run ", &runs),
        ("runner-report --state-dir state --run 2", &runs),
        ("runner-report --t", "--tasks --this-boot --timeout"),
    ] {
        let mut expected: Vec<&str> = expected
            .split(' ')
            .filter(|word| !word.is_empty())
            .collect();
        expected.sort();
        for (program, shell) in [
            ("bash", Shell::Bash),
            ("zsh", Shell::Zsh),
            ("fish", Shell::Fish),
        ] {
            if is_missing(program) {
                continue;
            }
            let (words, meanings) = offered(shell, line, ran.test.dir());
            assert_eq!(words, expected, "{program}: {line}");
            // Fish would repeat the meaning of the option for each value.
            let repeats = |meaning: &String| meaning.len() > 3 && text.contains(meaning);
            let is_value = !line.ends_with("--t") && !line.ends_with("--no-");
            assert!(
                !(is_value && meanings.iter().any(repeats)),
                "{program}: {line}{meanings:?}"
            );
        }
    }
}
