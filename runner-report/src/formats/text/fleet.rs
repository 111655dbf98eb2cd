//! The answer about many machines.

use super::printable;
use crate::{
    fleet::{
        answer::{FleetAnswer, FleetCause, MAX_EXAMPLES},
        host::FleetHost,
        host_state::HostState,
    },
    model::end::AnyOutcome,
};

/// Maximum number of causes, and of fingerprints.
const MAX_CAUSES: usize = 20;
const MAX_FINGERPRINTS: usize = 5;

/// Returns the counts, the causes of failures, and the fingerprints.
pub fn fleet_text(fleet: &FleetAnswer) -> String {
    let states = HostState::ALL.map(|state| (fleet.count(state), state));
    let counts = states.into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts
        .map(|(count, state)| format!("{} {}", thousands(count), state_words(state)))
        .collect();
    let mut text = format!("{}: {}\n", host_count(fleet.hosts.len()), counts.join(", "));
    let causes = fleet.failures();
    for (cause, hosts) in causes.iter().take(MAX_CAUSES) {
        text += &format!(
            "\n{} {}\n    {}\n",
            host_count(hosts.len()),
            cause_words(cause),
            examples(hosts)
        );
    }
    if let Some(others @ 1..) = causes.len().checked_sub(MAX_CAUSES) {
        text += &format!("\nand {} more causes\n", thousands(others));
    }
    text + &fingerprints(&fleet.fingerprints())
}

fn state_words(state: HostState) -> String {
    state.as_str().replace('-', " ")
}

/// Returns the state, and what caused it.
fn cause_words(cause: &FleetCause) -> String {
    let state = state_words(cause.state);
    let reason = cause
        .reason
        .map(|reason| printable(reason).replace('-', " "));
    if let Some((status, reason)) = cause.refused {
        let reason = reason.map_or("another run was active".to_owned(), printable);
        return format!("{state}: refused with status {status}: {reason}");
    }
    let Some(task) = cause.task else {
        let reason = reason.filter(|reason| *reason != state);
        return reason.map_or(state.clone(), |reason| format!("{state}: {reason}"));
    };
    let outcome = cause.outcome.as_deref();
    let outcome = outcome.map(|outcome| AnyOutcome::parse(outcome, None).description());
    // The reason of a bad output differs from host to host.
    let outcome = outcome.map(|outcome| outcome.trim_end_matches(": ").to_owned());
    let details: Vec<String> = match cause.state {
        HostState::NotReady => outcome.into_iter().chain(reason).collect(),
        _ => outcome.into_iter().collect(),
    };
    let task = format!("{state}: `{}`", printable(task));
    match &details[..] {
        [] => task,
        [detail] => format!("{task} {detail}"),
        [outcome, reason, ..] => format!("{task} {outcome} ({reason})"),
    }
}

/// Returns the first names, and the number of the others.
fn examples(hosts: &[&FleetHost]) -> String {
    let first = hosts.iter().take(MAX_EXAMPLES);
    let names: Vec<String> = first.map(|host| printable(&host.label())).collect();
    let names = names.join(", ");
    match hosts.len().saturating_sub(MAX_EXAMPLES) {
        0 => names,
        1 => format!("{names} and 1 other"),
        others => format!("{names} and {} others", thousands(others)),
    }
}

fn fingerprints(fingerprints: &[(&str, usize)]) -> String {
    let (count, plural) = match fingerprints.len() {
        0 => return String::new(),
        1 => (1, ""),
        count => (count, "s"),
    };
    let first = fingerprints.iter().take(MAX_FINGERPRINTS).enumerate();
    let mut parts: Vec<String> = first
        .map(|(index, (fingerprint, hosts))| {
            let hosts = match index {
                0 => host_count(*hosts),
                _ => thousands(*hosts),
            };
            let verb = if hosts.starts_with("1 ") || hosts == "1" {
                "runs"
            } else {
                "run"
            };
            format!("{hosts} {verb} {}", printable(fingerprint))
        })
        .collect();
    if count > MAX_FINGERPRINTS {
        parts.push(format!("and {} more", thousands(count - MAX_FINGERPRINTS)));
    }
    format!(
        "\n{} fingerprint{plural}: {}\n",
        thousands(count),
        parts.join(", ")
    )
}

fn host_count(count: usize) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} host{plural}", thousands(count))
}

/// Returns a number with commas between groups of three digits.
fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
