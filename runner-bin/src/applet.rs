//! The programs inside the binary, and the choice of one.

use std::{
    borrow::Cow,
    ffi::{OsStr, OsString},
    io::{stderr, stdout},
    path::Path,
};

use anstream::stream::RawStream;
use clap::{
    Parser,
    error::{ContextKind, ContextValue, ErrorKind},
};
use runner_config::{Setting, escape_lines, setting};
use runner_exec::survive_file_size_limit;

use crate::{
    cli::{APPLETS, ConfigArgs, RunnerArgs, report_args::ReportArgs},
    config_applet,
    config_file::lasting,
    console::screen::has_colors,
    exit::Exit,
    report_applet, runner,
};

/// Starts the applet that `args` names: by the name of the program, or by the first argument.
pub(crate) fn start(mut args: Vec<OsString>) -> Exit {
    let second = args.get(1).and_then(|arg| named(arg));
    if second.is_some() {
        args.remove(0);
    }
    let first = || named(Path::new(args.first()?).file_stem()?);
    let name = second.or_else(first).unwrap_or(APPLETS[0]);
    match args.first_mut() {
        Some(called) => *called = name.into(),
        None => args.push(name.into()),
    }
    match name {
        "runner-config" => match ConfigArgs::of_a_task(&args) {
            Some((file, key)) => config_applet::get(Some(&lasting(file.into())), key, None),
            None => parse(args, config_applet::start),
        },
        "runner-report" => parse::<ReportArgs>(args, report_applet::start),
        _ => parse::<RunnerArgs>(args, runner::start),
    }
}

fn named(name: &OsStr) -> Option<&'static str> {
    APPLETS.into_iter().find(|applet| name == *applet)
}

fn parse<A: Parser>(args: Vec<OsString>, start: fn(A) -> Exit) -> Exit {
    // If the system refuses this, the limit ends this program like any other.
    let _ = survive_file_size_limit();
    match A::try_parse_from(args) {
        Ok(args) => start(args),
        Err(error) if error.use_stderr() => {
            write(&hint::<A>(error), stderr());
            Exit::Usage
        }
        Err(help) => {
            write(&help, stdout());
            Exit::Finished
        }
    }
}

/// Replaces tips of clap by better ones.
fn hint<A: Parser>(mut error: clap::Error) -> clap::Error {
    let argument = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(argument)) => argument.as_str(),
        Some(ContextValue::Strings(arguments)) => arguments.first().map_or("", String::as_str),
        Some(_) | None => return error,
    };
    let is_runner = || A::command().get_name() == APPLETS[0];
    let option = argument.trim_start_matches('-').replace('-', "_");
    let tip = match error.kind() {
        // Only `--json` needs one of several options there, and only `--yes` needs one.
        ErrorKind::MissingRequiredArgument if argument == "<--drill>" && is_runner() => {
            let sentence = "`--yes` goes with `--drill`";
            return A::command().error(error.kind(), sentence);
        }
        ErrorKind::MissingRequiredArgument if argument.starts_with("<--") && is_runner() => {
            let options = argument.trim_matches(['<', '>']).split('|');
            let options: Vec<_> = options.map(|option| format!("`{option}`")).collect();
            let sentence = format!("`--json` goes with {}", options.join(" or "));
            return A::command().error(error.kind(), sentence);
        }
        ErrorKind::UnknownArgument if setting(&option).is_some_and(Setting::in_runner) => {
            error.remove(ContextKind::SuggestedArg);
            format!("a setting is written in `[runner]`, or `--set {option}=VALUE`")
        }
        ErrorKind::UnknownArgument if !argument.starts_with('-') && is_runner() => {
            "only one TASKDIR is allowed; write `--` before a COMMAND".to_owned()
        }
        ErrorKind::UnknownArgument => {
            error.remove(ContextKind::Suggested);
            return error;
        }
        _ => return error,
    };
    error.insert(
        ContextKind::Suggested,
        ContextValue::StyledStrs(vec![tip.into()]),
    );
    error
}

/// Writes the help, or the error about the arguments. A file gets no colours, whatever
/// `CLICOLOR_FORCE` requests.
fn write(error: &clap::Error, mut stream: impl RawStream) {
    let text = error.render().to_string();
    // An error means that the reader is gone.
    let _ = match escape_lines(&text) {
        Cow::Borrowed(_) if has_colors(&stream) => error.print(),
        text => write!(stream, "{text}"),
    };
}
