//! The programs inside the binary, and which of them is meant.

use std::{
    ffi::{OsStr, OsString},
    path::Path,
};

use clap::Parser;

use crate::{
    args::{ConfigArgs, RunnerArgs},
    config,
    exit::Exit,
    run,
};

type Start = fn(Vec<OsString>) -> Exit;

/// Every applet by its name; the first one is meant when none is named.
pub(crate) const APPLETS: [(&str, Start); 2] = [
    ("runner", |args| parse::<RunnerArgs>(args, run::start)),
    ("runner-config", |args| {
        parse::<ConfigArgs>(args, config::start)
    }),
];

/// Starts the applet that `args` names: by the first of them, which is how the
/// program was called, or by the second.
pub(crate) fn start(mut args: Vec<OsString>) -> Exit {
    let first = args.get(1).and_then(|arg| find(arg));
    if first.is_some() {
        args.remove(0);
    }
    let called = || find(Path::new(args.first()?).file_stem()?);
    let (name, start) = first.or_else(called).unwrap_or(APPLETS[0]);
    match args.first_mut() {
        Some(called) => *called = name.into(),
        None => args.push(name.into()),
    }
    start(args)
}

fn find(name: &OsStr) -> Option<(&'static str, Start)> {
    APPLETS.into_iter().find(|(applet, _)| name == *applet)
}

fn parse<A: Parser>(args: Vec<OsString>, start: fn(A) -> Exit) -> Exit {
    match A::try_parse_from(args) {
        Ok(args) => start(args),
        Err(error) => {
            // A reader that is gone does not want to know.
            let _ = error.print();
            match error.use_stderr() {
                true => Exit::Usage,
                false => Exit::Finished,
            }
        }
    }
}
