//! The answer about many machines: hosts with their states, causes of failures, and fingerprints.

use std::{cmp::Reverse, collections::HashMap};

use crate::fleet::{allowance::Allowance, host::FleetHost, host_state::HostState};

/// Number of hosts that are named as examples of a cause.
pub(crate) const MAX_EXAMPLES: usize = 3;

/// Exit status of a start that found another run active.
const BUSY: u8 = 75;

/// Answer about many machines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetAnswer {
    /// Every host, also expected ones without a journal, sorted by name and machine.
    pub hosts: Vec<FleetHost>,
}

/// Cause that hosts have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FleetCause<'a> {
    pub(crate) state: HostState,
    /// Reason of the end, deciding task, and its outcome in the form of the journal.
    pub(crate) reason: Option<&'a str>,
    pub(crate) task: Option<&'a str>,
    pub(crate) outcome: Option<String>,
    /// Exit status and reason of a refused start. The reason is missing if another run was
    /// active, because it names the process of that run.
    pub(crate) refused: Option<(u8, Option<&'a str>)>,
}

impl FleetAnswer {
    /// Returns the number of hosts in this state.
    pub fn count(&self, state: HostState) -> usize {
        self.hosts.iter().filter(|host| host.state == state).count()
    }

    /// Returns the hosts that are not ready.
    pub fn not_ready(&self) -> impl Iterator<Item = &FleetHost> {
        self.hosts.iter().filter(|host| !host.state.is_ready())
    }

    /// Returns `true` if at most this many hosts are not ready.
    pub fn is_ready(&self, allowed: Allowance) -> bool {
        allowed.covers(self.not_ready().count(), self.hosts.len())
    }

    /// Returns the hosts that are not ready, or have failures, by cause; the largest group first.
    pub(crate) fn failures(&self) -> Vec<(FleetCause<'_>, Vec<&FleetHost>)> {
        let (mut groups, mut indexes) = (Vec::new(), HashMap::new());
        for host in &self.hosts {
            if host.state == HostState::Ready {
                continue;
            }
            let (cause, next) = (FleetCause::of(host), groups.len());
            let index = *indexes.entry(cause.clone()).or_insert(next);
            if index == next {
                groups.push((cause, Vec::new()));
            }
            groups[index].1.push(host);
        }
        groups.sort_by_key(|(_, hosts)| Reverse(hosts.len()));
        groups
    }

    /// Returns each known fingerprint with its number of hosts, the most frequent one first.
    pub(crate) fn fingerprints(&self) -> Vec<(&str, usize)> {
        let (mut counts, mut indexes) = (Vec::new(), HashMap::new());
        let last = self.hosts.iter().filter_map(|host| host.last.as_ref());
        for last in last.filter(|last| !last.fingerprint.is_empty()) {
            let next = counts.len();
            let index = *indexes.entry(last.fingerprint.clone()).or_insert(next);
            if index == next {
                counts.push((&*last.fingerprint, 0));
            }
            counts[index].1 += 1;
        }
        counts.sort_by_key(|(_, count)| Reverse(*count));
        counts
    }
}

impl FleetCause<'_> {
    fn of(host: &FleetHost) -> FleetCause<'_> {
        let last = match host.state {
            HostState::ReadyWithFailures | HostState::NotReady | HostState::Halted => {
                host.last.as_ref()
            }
            HostState::Ready | HostState::Unfinished | HostState::Silent => None,
            HostState::Missing | HostState::Unreadable => None,
        };
        let outcome = last.and_then(|last| last.outcome.as_ref());
        FleetCause {
            state: host.state,
            reason: last.and_then(|last| last.reason.as_deref()),
            task: last.and_then(|last| last.task.as_deref()),
            outcome: outcome.map(ToString::to_string),
            refused: last.and_then(|last| {
                let (reason, status) = (last.refusal.as_deref()?, last.status?);
                Some((status, Some(reason).filter(|_| status != BUSY)))
            }),
        }
    }
}
