//! The state of a host, from its last start.

use std::time::Duration;

use jiff::Timestamp;

use crate::{
    fleet::{
        clock::Clock,
        host::{FleetHost, LastStart},
        host_state::HostState,
        run::FleetRun,
    },
    model::{end::RunReason, now::between},
};

/// Returns a host without its name. `seen` is the latest credible time of its newest boot.
pub(super) fn host_of(
    last: &FleetRun,
    seen: Option<Timestamp>,
    within: Option<Duration>,
    clock: Clock,
) -> FleetHost {
    let reason = last.end.as_ref().map(|end| &end.reason);
    let state = match reason {
        Some(RunReason::Finished) => HostState::Ready,
        Some(RunReason::FinishedWithFailures) => HostState::ReadyWithFailures,
        Some(RunReason::Halted) => HostState::Halted,
        Some(RunReason::GaveUp | RunReason::OutOfTime | RunReason::Stopped) => HostState::NotReady,
        Some(RunReason::Interrupted | RunReason::HaltsUsedUp | RunReason::Other(_)) => {
            HostState::NotReady
        }
        None if last.refusal.is_some() => HostState::NotReady,
        None if last.has_halt_started => HostState::Halted,
        None => HostState::Unfinished,
    };
    // A host whose clock was never right can have been silent for any time.
    let age = seen.map_or(Duration::MAX, |seen| between(seen, clock.now));
    let is_silent = within.is_some_and(|within| age > within);
    let (task, end) = last.deciding();
    let refusal = last.refusal.as_ref();
    let status = last.end.as_ref().map(|end| end.status);
    FleetHost {
        seen,
        last: Some(LastStart {
            run: last.id.clone(),
            boot: last.boot.clone(),
            started: last.start.as_ref().map_or(last.first, |start| start.at),
            reason: reason.map_or_else(
                || refusal.map(|_| "refused".to_owned()),
                |reason| Some(reason.as_str().to_owned()),
            ),
            status: status.or(refusal.map(|(status, _)| *status)),
            task: task.map(str::to_owned),
            outcome: end.map(|end| end.outcome.clone()),
            refusal: refusal.map(|(_, reason)| reason.clone()),
            fingerprint: last
                .start
                .as_ref()
                .map_or_else(String::new, |start| start.fingerprint.clone()),
        }),
        ..FleetHost::new(if is_silent { HostState::Silent } else { state })
    }
}
