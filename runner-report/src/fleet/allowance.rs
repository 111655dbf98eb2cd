//! Number of hosts that need not be ready.

/// Maximum number of hosts that are not ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// This many hosts.
    Hosts(usize),
    /// This part of all hosts in the answer.
    Percent(usize),
}

impl Allowance {
    /// Parses `N` or `N%`.
    pub fn parse(text: &str) -> Option<Allowance> {
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        match text.strip_suffix('%') {
            Some(percent) if is_number(percent) => {
                let percent = percent.parse().ok().filter(|percent| *percent <= 100);
                percent.map(Allowance::Percent)
            }
            None if is_number(text) => text.parse().ok().map(Allowance::Hosts),
            Some(_) | None => None,
        }
    }

    /// Returns `true` if it permits `not_ready` hosts out of `all`.
    pub(crate) fn covers(self, not_ready: usize, all: usize) -> bool {
        match self {
            Allowance::Hosts(max) => not_ready <= max,
            Allowance::Percent(percent) => not_ready * 100 <= percent * all,
        }
    }
}
