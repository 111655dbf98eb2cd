//! The answer about many machines.

use serde_json::{Map, Value};

use super::pretty;
use crate::fleet::{
    answer::{FleetAnswer, FleetCause, MAX_EXAMPLES},
    host::FleetHost,
    host_state::HostState,
};

/// Answer about many machines.
pub fn fleet_json(fleet: &FleetAnswer) -> String {
    let (mut answer, mut states) = (Members::default(), Members::default());
    for state in HostState::ALL {
        states.number(state.as_str(), Some(fleet.count(state)));
    }
    let failures = fleet.failures();
    let failures = failures.iter().map(|(cause, hosts)| failure(cause, hosts));
    let fingerprints = fleet.fingerprints().into_iter().map(|(text, count)| {
        let mut members = Members::default();
        members.text("fingerprint", Some(text));
        members.number("count", Some(count));
        Value::Object(members.0)
    });
    answer.number("total", Some(fleet.hosts.len()));
    answer.value("states", Value::Object(states.0));
    answer.value("failures", failures.collect());
    answer.value("fingerprints", fingerprints.collect());
    answer.value("hosts", fleet.hosts.iter().map(host).collect());
    pretty(&answer.0)
}

fn failure(cause: &FleetCause, hosts: &[&FleetHost]) -> Value {
    let (status, refusal) = cause.refused.unzip();
    let examples = hosts.iter().take(MAX_EXAMPLES).map(|host| host.label());
    let mut members = Members::default();
    members.text("state", Some(cause.state.as_str()));
    members.text("reason", cause.reason);
    members.text("task", cause.task);
    members.text("outcome", cause.outcome.as_deref());
    members.number("status", status.map(usize::from));
    members.text("refusal", refusal.flatten());
    members.number("count", Some(hosts.len()));
    members.value("examples", examples.collect());
    Value::Object(members.0)
}

fn host(host: &FleetHost) -> Value {
    let last = host.last.as_ref();
    let seen = host.seen.map(|seen| format!("{seen:.3}"));
    let started = last.map(|last| format!("{:.3}", last.started));
    let outcome = last.and_then(|last| last.outcome.as_ref());
    let outcome = outcome.map(ToString::to_string);
    let nonempty = |text: &&str| !text.is_empty();
    let mut members = Members::default();
    members.text("host", Some(&host.name));
    members.text("machine", host.machine.as_deref());
    members.text("state", Some(host.state.as_str()));
    members.text("seen", seen.as_deref());
    members.text("run", last.map(|last| &*last.run));
    members.text("boot", last.map(|last| &*last.boot).filter(nonempty));
    members.text("started", started.as_deref());
    members.text("reason", last.and_then(|last| last.reason.as_deref()));
    members.number("status", last.and_then(|last| last.status).map(usize::from));
    members.text("task", last.and_then(|last| last.task.as_deref()));
    members.text("outcome", outcome.as_deref());
    members.text("refusal", last.and_then(|last| last.refusal.as_deref()));
    let fingerprint = last.map(|last| &*last.fingerprint);
    members.text("fingerprint", fingerprint.filter(nonempty));
    Value::Object(members.0)
}

/// Members of an object. A type with serde for each would make the program larger by 10 KB.
#[derive(Default)]
struct Members(Map<String, Value>);

impl Members {
    fn text(&mut self, name: &str, text: Option<&str>) {
        self.value(name, text.into());
    }

    fn number(&mut self, name: &str, number: Option<usize>) {
        self.value(name, number.into());
    }

    #[inline(never)]
    fn value(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }
}
