//! The answer about many machines: hosts with their states.

use crate::fleet::{allowance::Allowance, host::FleetHost, host_state::HostState};

/// Answer about many machines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FleetAnswer {
    /// Every host, also expected ones without a journal, sorted by name and machine.
    pub hosts: Vec<FleetHost>,
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
}
