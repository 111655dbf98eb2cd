//! `--env TASK`: the environment that a task would get, and the source of each variable.
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
use runner_exec::{CommandLine, Environment, Plan, RunId, TaskContext, stored_outputs};
use serde_json::{Value, json};

use crate::{
    exit::Exit,
    runner::{config_cmd::ConfigCmd, load::Source},
};

/// The variables, by name.
pub(super) type Variables = BTreeMap<OsString, Variable>;

/// A variable that a task would get.
pub(super) struct Variable {
    /// `None` for an output, and for one that is known only in a run.
    value: Option<OsString>,
    origin: String,
}

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
    let outputs = stored_outputs(plan).visible_to(plan.id(task));
    let seen = TaskContext {
        task,
        try_num: 1,
        end: None,
        outputs: &outputs,
    };
    let command = CommandLine::task(task.settings.interpreter.as_ref(), &task.path());
    let command = environment.task(command, seen, None);
    let mut variables: Variables = env::vars_os()
        .map(|(name, value)| {
            let origin = "inherited".to_owned();
            let value = Some(value);
            (name, Variable { value, origin })
        })
        .collect();
    for (name, value) in &*command.env {
        let Some(value) = value else {
            variables.remove(name);
            continue;
        };
        let is_output = name.to_str().is_some_and(|name| outputs.contains_key(name));
        if is_output {
            let (value, origin) = (None, "output".to_owned());
            variables.insert(name.clone(), Variable { value, origin });
            continue;
        }
        let written = name.to_str().filter(|name| !OWN_VARIABLES.contains(name));
        let written = written.and_then(|name| settings.variable_origin(name));
        let origin = written.map_or_else(|| "runner".to_owned(), ToString::to_string);
        let value = Some(value.clone());
        variables.insert(name.clone(), Variable { value, origin });
    }
    let outputs = Variable {
        value: None,
        origin: "runner".to_owned(),
    };
    variables.insert("RUNNER_OUTPUTS".into(), outputs);
    Ok(variables)
}

/// Returns the text for people: source, name, and value if it is known.
pub(super) fn text(variables: &Variables) -> String {
    let line = |(name, variable): (&OsString, &Variable)| {
        let Variable { value, origin } = variable;
        let value = value.as_ref().map(|value| format!("={}", shown(value)));
        format!("{origin}\t{}{}\n", shown(name), value.unwrap_or_default())
    };
    variables.iter().map(line).collect()
}

fn shown(text: &OsStr) -> String {
    escape(&bytes_text(text.as_bytes())).into_owned()
}

/// Returns the JSON of docs/json.md.
pub(super) fn json(variables: &Variables) -> Value {
    let object = |(name, variable): (&OsString, &Variable)| {
        let Variable { value, origin } = variable;
        let value = value.as_ref().map(|value| bytes_text(value.as_bytes()));
        json!({"name": bytes_text(name.as_bytes()), "value": value, "origin": origin})
    };
    variables.iter().map(object).collect()
}
