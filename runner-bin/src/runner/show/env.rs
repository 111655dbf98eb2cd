//! `--env TASK`: the environment that a task would get, and where each variable comes
//! from.
#![expect(
    clippy::disallowed_methods,
    reason = "this is where the inherited environment is shown"
)]

use std::{
    collections::BTreeMap,
    env,
    ffi::{OsStr, OsString},
    os::unix::ffi::OsStrExt,
};

use jiff::Timestamp;
use runner_config::{OWN_VARIABLES, bytes_text, escape};
use runner_exec::{CommandLine, Environment, Plan, RunId, Seen};
use serde_json::{Value, json};

use crate::{
    exit::Exit,
    runner::{config_cmd::ConfigCmd, load::Source},
};

/// Each variable by its name, with its value and where that comes from.
pub(super) type Variables = BTreeMap<OsString, (OsString, String)>;

/// What the task called `name` would see in its first try; or why that is not known.
pub(super) fn variables(
    source: &Source,
    plan: &Plan,
    name: &str,
) -> Result<Variables, (Exit, String)> {
    let task = plan
        .find(name)
        .map_err(|sentence| (Exit::Usage, sentence))?;
    let config_cmd =
        ConfigCmd::new(source.config.as_deref()).map_err(|sentence| (Exit::System, sentence))?;
    let settings = &plan.settings;
    let id = RunId::new(Timestamp::now(), rand::random());
    let environment = Environment::new(&settings.env, &config_cmd.value, &id);
    let seen = Seen {
        task,
        try_num: 1,
        end: None,
    };
    let command = CommandLine::task(task.settings.interpreter.as_ref(), &task.path());
    let command = environment.task(command, seen);
    let mut variables: Variables = env::vars_os()
        .map(|(name, value)| (name, (value, "inherited".to_owned())))
        .collect();
    let origin = |name: &OsStr| match name.to_str() {
        Some(name) if !OWN_VARIABLES.contains(&name) => {
            settings.variable_origin(name).map(ToString::to_string)
        }
        Some(_) | None => None,
    };
    for (name, value) in &*command.env {
        match value {
            Some(value) => {
                let origin = origin(name).unwrap_or_else(|| "runner".to_owned());
                variables.insert(name.clone(), (value.clone(), origin))
            }
            None => variables.remove(name),
        };
    }
    Ok(variables)
}

/// For people: where from, and the variable as `env` prints it.
pub(super) fn text(variables: &Variables) -> String {
    let line = |(name, (value, origin)): (&OsString, &(OsString, String))| {
        let (name, value) = (bytes_text(name.as_bytes()), bytes_text(value.as_bytes()));
        format!("{origin}\t{}={}\n", escape(&name), escape(&value))
    };
    variables.iter().map(line).collect()
}

/// For programs: what docs/json.md says.
pub(super) fn json(variables: &Variables) -> Value {
    let variables = variables.iter();
    variables
        .map(|(name, (value, origin))| {
            json!({
                "name": bytes_text(name.as_bytes()),
                "value": bytes_text(value.as_bytes()),
                "origin": origin,
            })
        })
        .collect()
}
