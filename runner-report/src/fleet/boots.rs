//! The newest boots of a host, each with its last starts.
//!
//! A boot is as new as the latest credible time in it. If its clock was never right, it is newer
//! than everything that was read of this host before it, since a journal only grows.

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
    /// Number of all boots.
    count: usize,
}

#[derive(Debug)]
struct Boot {
    id: String,
    number: usize,
    /// Latest credible time of what was known before it.
    after: Option<Timestamp>,
    /// Latest credible time of its runs that were replaced.
    credible: Option<Timestamp>,
    /// Last run, and last refused start.
    run: Option<u64>,
    refused: Option<u64>,
}

impl Boot {
    fn credible(&self, runs: &Runs) -> Option<Timestamp> {
        let kept = [self.run, self.refused].into_iter().flatten();
        let kept = kept.filter_map(|key| runs.get(&key)?.as_ref()?.credible);
        kept.max().max(self.credible)
    }

    fn age(&self, runs: &Runs) -> (Option<Timestamp>, bool, usize) {
        let credible = self.credible(runs);
        (credible.or(self.after), credible.is_none(), self.number)
    }

    /// Removes what it keeps.
    fn drop_runs(&self, runs: &mut Runs) {
        for key in [self.run, self.refused].into_iter().flatten() {
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
            let times = self.boots.iter().filter_map(|boot| boot.credible(runs));
            let boot = Boot {
                id: run.boot.clone(),
                number: self.count,
                after: times.max(),
                credible: None,
                run: None,
                refused: None,
            };
            self.count += 1;
            self.boots.push(boot);
            self.boots.len() - 1
        });
        let boot = &mut self.boots[index];
        let last = if run.refusal.is_some() {
            &mut boot.refused
        } else {
            &mut boot.run
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
        if self.boots.len() > MAX_BOOTS {
            // The new one is not the oldest yet: its next line can set its time.
            let others = (0..self.boots.len()).filter(|other| *other != index);
            if let Some(oldest) = others.min_by_key(|other| self.boots[*other].age(runs)) {
                self.boots.swap_remove(oldest).drop_runs(runs);
            }
        }
    }

    /// Returns the last start in the newest boot, and the latest credible time of that boot.
    pub(super) fn last<'a>(&self, runs: &'a Runs) -> Option<(&'a FleetRun, Option<Timestamp>)> {
        let newest = self.boots.iter().max_by_key(|boot| boot.age(runs))?;
        let start = |key: Option<u64>| runs.get(&key?)?.as_deref();
        let (run, refused) = (start(newest.run), start(newest.refused));
        // A run that wrote something later is what the machine did last.
        let is_last = |refused: &&FleetRun| run.is_none_or(|run| run.last <= refused.first);
        let last = refused.filter(is_last).or(run)?;
        Some((last, newest.credible(runs)))
    }

    /// Returns the ids of the boots.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.boots.iter().map(|boot| &*boot.id)
    }

    /// Removes all starts, and returns them.
    pub(super) fn take(&mut self) -> impl Iterator<Item = u64> {
        let boots = std::mem::take(&mut self.boots).into_iter();
        boots.flat_map(|boot| [boot.run, boot.refused]).flatten()
    }
}
