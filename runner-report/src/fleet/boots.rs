//! The newest boots of a host, each with its last starts.
//!
//! A boot is as new as the latest credible time in it. If its clock was never right, it is newer
//! than everything that was read of this host before it, since a journal only grows.
//!
//! Within a boot, the last run is the last one of those with ticks or the last one of those
//! without, whichever is later by the clock. So the order is the same in whatever order the runs
//! are added: ticks never compete with times among more than two runs.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::fleet::run::FleetRun;

/// Number of boots that are kept. Only the newest one counts in the end, but the lines that tell
/// which one that is can come later.
const MAX_BOOTS: usize = 4;

/// All runs by the hash of their id and boot. A run that a later one has replaced is `None`: its
/// late lines start no new run.
pub(super) type Runs = HashMap<u64, Option<Box<FleetRun>>>;

/// The newest boots of a host.
#[derive(Debug, Default)]
pub(super) struct Boots {
    boots: Vec<Boot>,
}

#[derive(Debug)]
struct Boot {
    id: String,
    /// Number of the first line that was read of it.
    first_line: usize,
    /// Latest credible time of the boots that were read before it.
    after: Option<Timestamp>,
    /// Latest credible time of its runs that were replaced.
    credible: Option<Timestamp>,
    /// Last run whose ticks are known, last one without ticks, and last refused start.
    with_ticks: Option<u64>,
    without_ticks: Option<u64>,
    refused: Option<u64>,
}

impl Boot {
    fn kept(&self) -> impl Iterator<Item = u64> + use<> {
        let kept = [self.with_ticks, self.without_ticks, self.refused];
        kept.into_iter().flatten()
    }

    fn credible(&self, runs: &Runs) -> Option<Timestamp> {
        let kept = self
            .kept()
            .filter_map(|key| runs.get(&key)?.as_ref()?.credible);
        kept.max().max(self.credible)
    }

    fn age(&self, runs: &Runs) -> (Option<Timestamp>, bool, usize) {
        let credible = self.credible(runs);
        (credible.or(self.after), credible.is_none(), self.first_line)
    }

    /// Removes what it keeps.
    fn drop_runs(&self, runs: &mut Runs) {
        for key in self.kept() {
            runs.insert(key, None);
        }
    }
}

impl Boots {
    /// Adds a start to its boot. Only the later one of two stays.
    pub(super) fn add(&mut self, key: u64, runs: &mut Runs) {
        let Some(Some(run)) = runs.get(&key) else {
            return;
        };
        let known = self.boots.iter().position(|boot| boot.id == run.boot);
        let index = known.unwrap_or_else(|| {
            self.boots.push(Boot {
                id: run.boot.clone(),
                first_line: run.first_line,
                after: None,
                credible: None,
                with_ticks: None,
                without_ticks: None,
                refused: None,
            });
            self.boots.len() - 1
        });
        let boot = &mut self.boots[index];
        boot.first_line = boot.first_line.min(run.first_line);
        let last = if run.refusal.is_some() {
            &mut boot.refused
        } else if run.has_ticks() {
            &mut boot.with_ticks
        } else {
            &mut boot.without_ticks
        };
        let is_later = |than: u64| {
            let than = runs.get(&than).and_then(Option::as_ref);
            than.is_none_or(|than| run.compare(than).is_gt())
        };
        let replaced = match *last {
            Some(old) if old == key => None,
            Some(old) if !is_later(old) => Some(key),
            _ => last.replace(key),
        };
        if let Some(replaced) = replaced
            && let Some(replaced) = runs.insert(replaced, None).flatten()
        {
            boot.credible = boot.credible.max(replaced.credible);
        }
        self.update_after(runs);
        if self.boots.len() > MAX_BOOTS {
            // The new one is not the oldest yet: its next line can set its time.
            let others = (0..self.boots.len()).filter(|other| *other != index);
            if let Some(oldest) = others.min_by_key(|other| self.boots[*other].age(runs)) {
                self.boots.swap_remove(oldest).drop_runs(runs);
            }
        }
    }

    /// Runs without a host are added last, but can have been read first.
    fn update_after(&mut self, runs: &Runs) {
        let boots = self.boots.iter();
        let known: Vec<(usize, Option<Timestamp>)> = boots
            .map(|boot| (boot.first_line, boot.credible(runs)))
            .collect();
        for boot in &mut self.boots {
            let before = known.iter().filter(|(line, _)| *line < boot.first_line);
            let latest = before.filter_map(|(_, credible)| *credible).max();
            boot.after = boot.after.max(latest);
        }
    }

    /// Returns the last start in the newest boot, and the latest credible time of that boot.
    pub(super) fn last<'a>(&self, runs: &'a Runs) -> Option<(&'a FleetRun, Option<Timestamp>)> {
        let newest = self.boots.iter().max_by_key(|boot| boot.age(runs))?;
        let start = |key: Option<u64>| runs.get(&key?)?.as_deref();
        let both = [newest.with_ticks, newest.without_ticks];
        let both = both.into_iter().filter_map(start);
        let run = both.max_by(|run, other| run.compare_times(other));
        let refused = start(newest.refused);
        // A run that wrote something later is what the machine did last.
        let is_last = |refused: &&FleetRun| run.is_none_or(|run| refused.is_refused_after(run));
        let last = refused.filter(is_last).or(run)?;
        Some((last, newest.credible(runs)))
    }

    /// Removes all starts, and returns them.
    pub(super) fn take(&mut self) -> impl Iterator<Item = u64> {
        let boots = std::mem::take(&mut self.boots).into_iter();
        boots.flat_map(|boot| boot.kept())
    }
}
