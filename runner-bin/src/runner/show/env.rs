//! `--env TASK`: the environment that a task would get, and the source of each variable.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where the inherited environment is shown"
)]

use std::{collections::BTreeMap, env, ffi::OsString, os::unix::ffi::OsStrExt};

use jiff::Timestamp;
use runner_config::{OWN_VARIABLES, bytes_text, escape};
use runner_exec::{CommandLine, Environment, Plan, RunId, TaskContext};
use serde_json::{Value, json};

use crate::{
    exit::Exit,
    runner::{config_cmd::ConfigCmd, load::Source},
};

/// The variables by name, with value and source.
pub(super) type Variables = BTreeMap<OsString, (OsString, String)>;

/// Returns the environment of the task `name` in its first try, or the reason for which it is
/// unknown.
pub(super) fn variables(
    source: &Source,
    plan: &Plan,
    name: &str,
) -> Result<Variables, (Exit, String)> {
    let task = plan.find(name).map_err(|why| (Exit::Usage, why))?;
    let config_cmd = ConfigCmd::new(source.config.as_deref());
    let config_cmd = config_cmd.map_err(|why| (Exit::System, why))?;
    let settings = &plan.settings;
    let id = RunId::new(Timestamp::now(), rand::random());
    let environment = Environment::new(&settings.env, &config_cmd.value, &id);
    let seen = TaskContext {
        task,
        try_num: 1,
        end: None,
    };
    let command = CommandLine::task(task.settings.interpreter.as_ref(), &task.path());
    let command = environment.task(command, seen);
    let mut variables: Variables = env::vars_os()
        .map(|(name, value)| (name, (value, "inherited".to_owned())))
        .collect();
    for (name, value) in &*command.env {
        let Some(value) = value else {
            variables.remove(name);
            continue;
        };
        let written = name.to_str().filter(|name| !OWN_VARIABLES.contains(name));
        let written = written.and_then(|name| settings.variable_origin(name));
        let origin = written.map_or_else(|| "runner".to_owned(), ToString::to_string);
        variables.insert(name.clone(), (value.clone(), origin));
    }
    Ok(variables)
}

/// Returns the text for people: source, name and value.
pub(super) fn text(variables: &Variables) -> String {
    let line = |(name, (value, origin)): (&OsString, &(OsString, String))| {
        let (name, value) = (bytes_text(name.as_bytes()), bytes_text(value.as_bytes()));
        format!("{origin}\t{}={}\n", escape(&name), escape(&value))
    };
    variables.iter().map(line).collect()
}

/// Returns the JSON of docs/json.md.
pub(super) fn json(variables: &Variables) -> Value {
    let object = |(name, (value, origin)): (&OsString, &(OsString, String))| {
        let (name, value) = (bytes_text(name.as_bytes()), bytes_text(value.as_bytes()));
        json!({"name": name, "value": value, "origin": origin})
    };
    variables.iter().map(object).collect()
}
