//! A host with its state and its last start.

use jiff::Timestamp;

use crate::{fleet::host_state::HostState, model::end::AnyOutcome};

/// A host.
#[derive(Clone, Debug, PartialEq)]
pub struct FleetHost {
    /// Host name.
    pub name: String,
    /// Digest of its machine id, if it has one.
    pub machine: Option<String>,
    /// `true` if another machine has this name.
    pub shares_name: bool,
    /// State.
    pub state: HostState,
    /// Time of its last record, unless its clock was never right.
    pub seen: Option<Timestamp>,
    /// Its last start, if one is known.
    pub last: Option<LastStart>,
}

/// Last start of the runner on a host.
#[derive(Clone, Debug, PartialEq)]
pub struct LastStart {
    /// Run id.
    pub run: String,
    /// Boot id of the machine, or empty if it has none.
    pub boot: String,
    /// Time of the start, or of its first known record.
    pub started: Timestamp,
    /// Reason of the end, or `refused`; `None` if it has no end.
    pub reason: Option<String>,
    /// Exit status of the runner.
    pub status: Option<u8>,
    /// The task that decided the end, or that failed although it is not required.
    pub task: Option<String>,
    /// Outcome of that task.
    pub outcome: Option<AnyOutcome>,
    /// Reason of the refusal.
    pub refusal: Option<String>,
    /// Fingerprint of its tasks and settings, or empty if it has none.
    pub fingerprint: String,
}

impl FleetHost {
    /// Returns a host without a name and without a start.
    pub(super) fn new(state: HostState) -> FleetHost {
        FleetHost {
            name: String::new(),
            machine: None,
            shares_name: false,
            state,
            seen: None,
            last: None,
        }
    }

    /// Returns its name, with the machine if another one has the same name.
    pub(crate) fn label(&self) -> String {
        let machine = self.machine.as_deref().unwrap_or("no machine id");
        if self.shares_name {
            format!("{} ({machine})", self.name)
        } else {
            self.name.clone()
        }
    }

    /// Returns `true` if its name is one plain word, which no other program takes for a pattern,
    /// an option or several names.
    pub fn has_plain_name(&self) -> bool {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let first = self.name.bytes().next();
        first.is_some_and(|first| first.is_ascii_alphanumeric() || first == b'_')
            && self.name.bytes().all(is_plain)
    }
}
