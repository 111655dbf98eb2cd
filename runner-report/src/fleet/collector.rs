//! Collects the starts of many hosts from the lines of their journals.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::BuildHasher,
    iter, mem,
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    fleet::{
        answer::FleetAnswer,
        boots::{Boots, Runs},
        clock::Clock,
        host::FleetHost,
        host_state::HostState,
        run::FleetRun,
        source::Source,
        verdict::host_of,
    },
    journal::{
        glance::Glance,
        record::{JournalEntry, Record, RunEntry},
    },
};

/// Collects the starts of hosts. Its memory depends on the number of hosts; of a run that a later
/// one has replaced, only a hash stays.
#[derive(Debug)]
pub struct FleetCollector {
    clock: Clock,
    sources: Vec<Source>,
    hosts: Vec<Host>,
    /// Index of each host by [`host_key`], and of the first one of each name.
    by_key: HashMap<String, usize>,
    by_name: HashMap<String, usize>,
    runs: Runs,
    /// Keys of all runs, in the order of their first lines.
    keys: Vec<u64>,
    /// Number of lines that were read.
    lines: usize,
    random: RandomState,
    /// Id, boot and hash of the run of the last line.
    last: (String, String, u64),
}

#[derive(Debug, Default)]
struct Host {
    name: String,
    /// Digest of its machine id, or empty if it has none.
    machine: String,
    /// Another machine of this name.
    next: Option<usize>,
    boots: Boots,
    is_unreadable: bool,
    /// It is the same as another host.
    is_united: bool,
}

impl FleetCollector {
    /// Starts to collect. Without a source, runs that name no host belong to the host `-`.
    pub fn new(now: Timestamp) -> FleetCollector {
        FleetCollector {
            clock: Clock::new(now),
            sources: vec![Source::new("-".to_owned())],
            hosts: Vec::new(),
            by_key: HashMap::new(),
            by_name: HashMap::new(),
            runs: Runs::new(),
            keys: Vec::new(),
            lines: 0,
            random: RandomState::new(),
            last: Default::default(),
        }
    }

    /// Begins another file with lines of any hosts, in the directory of this name.
    pub fn add_source(&mut self, directory: String) {
        self.sources.push(Source::new(directory));
    }

    /// Begins the journal of one runner, in the directory of this name.
    pub fn add_journal(&mut self, directory: String) {
        let mut source = Source::new(directory);
        source.is_of_one_runner = true;
        self.sources.push(source);
    }

    /// Marks the host of the present journal as unreadable.
    pub fn mark_unreadable(&mut self) {
        if let Some(source) = self.sources.last_mut() {
            source.is_unreadable = true;
        }
    }

    /// Adds a line, and returns `true` if it is a record.
    pub fn add_line(&mut self, line: &str) -> bool {
        if let Some(glance) = Glance::of(line) {
            self.run_mut(&glance);
            return true;
        }
        let record = Record::parse(line);
        record.iter().for_each(|record| self.apply(record));
        record.is_ok()
    }

    /// Adds a record.
    pub fn apply(&mut self, record: &Record) {
        // Events of later versions need not be in the order of time.
        if record.entry == JournalEntry::Unknown {
            return;
        }
        let Some((key, run)) = self.run_mut(&Glance {
            ts: record.ts,
            run: &record.run,
            boot: &record.boot,
        }) else {
            return;
        };
        run.apply(record);
        let (host, machine) = match &record.entry {
            JournalEntry::Run(RunEntry::Start(setup)) => (&setup.host, &setup.machine),
            JournalEntry::Run(RunEntry::Refused { host, machine, .. }) => (host, machine),
            _ => return,
        };
        if !host.is_empty() && run.host.is_none() {
            let host = self.host_index(host, machine);
            if let Some(source) = self.sources.last_mut() {
                source.add(&record.boot, host);
            }
            self.add_run(key, host);
        }
    }

    /// Returns the run of a line and its key, unless a later run has replaced it.
    fn run_mut(&mut self, line: &Glance) -> Option<(u64, &mut FleetRun)> {
        let (id, boot, key) = &mut self.last;
        if *id != line.run || *boot != line.boot {
            line.run.clone_into(id);
            line.boot.clone_into(boot);
            // Ids can repeat on other machines; boots are random.
            *key = self.random.hash_one((line.run, line.boot));
        }
        self.lines += 1;
        let (key, source) = (*key, self.sources.len() - 1);
        let run = self.runs.entry(key).or_insert_with(|| {
            self.keys.push(key);
            Some(Box::new(FleetRun::new(line, source, self.lines)))
        });
        let run = run.as_mut()?;
        run.touch(line.ts, self.lines, self.clock);
        Some((key, run))
    }

    fn host_index(&mut self, name: &str, machine: &str) -> usize {
        let next = self.hosts.len();
        let index = *self.by_key.entry(host_key(name, machine)).or_insert(next);
        if index == next {
            self.hosts.push(Host {
                name: name.to_owned(),
                machine: machine.to_owned(),
                next: self.by_name.insert(name.to_owned(), index),
                ..Host::default()
            });
        }
        index
    }

    fn add_run(&mut self, key: u64, host: usize) {
        if let Some(Some(run)) = self.runs.get_mut(&key) {
            run.host = Some(host);
        }
        self.hosts[host].boots.add(key, &mut self.runs);
    }

    /// Returns `true` if no record was found and nothing is unreadable.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty() && !self.sources.iter().any(|source| source.is_unreadable)
    }

    /// Returns the answer. `expected` are names of hosts that should have a journal; a host is
    /// silent without a record `within` this time.
    // Inlined into another crate, it would not be built for size any more.
    #[inline(never)]
    pub fn finish(mut self, expected: &[&str], within: Option<Duration>) -> FleetAnswer {
        self.unite_hosts();
        self.assign_nameless_runs();
        for index in 0..self.sources.len() {
            if self.sources[index].is_unreadable {
                let host = self.sources[index].only_host();
                let host = host.unwrap_or_else(|| self.host_of_directory(index));
                self.hosts[host].is_unreadable = true;
            }
        }
        for name in expected {
            if self.named(name)[0].is_none() {
                self.host_index(name, "");
            }
        }
        let hosts = self.hosts.iter().filter(|host| !host.is_united);
        let mut hosts: Vec<&Host> = hosts.collect();
        hosts.sort_unstable_by(|a, b| (&a.name, &a.machine).cmp(&(&b.name, &b.machine)));
        let hosts = hosts.iter().map(|host| self.answer(host, within));
        FleetAnswer {
            hosts: hosts.collect(),
        }
    }

    fn answer(&self, host: &Host, within: Option<Duration>) -> FleetHost {
        let found = match host.boots.last(&self.runs) {
            Some((last, seen)) => host_of(last, seen, within, self.clock),
            None => FleetHost::new(HostState::Missing),
        };
        FleetHost {
            name: host.name.clone(),
            machine: Some(host.machine.clone()).filter(|machine| !machine.is_empty()),
            shares_name: self.named(&host.name)[1].is_some(),
            state: if host.is_unreadable {
                HostState::Unreadable
            } else {
                found.state
            },
            ..found
        }
    }

    /// Returns the indexes of up to three hosts of this name.
    fn named(&self, name: &str) -> [Option<usize>; 3] {
        let first = self.by_name.get(name).copied();
        let named = iter::successors(first, |index| self.hosts[*index].next);
        let mut named = named.filter(|index| !self.hosts[*index].is_united);
        [(); 3].map(|()| named.next())
    }

    /// Unites a host without a machine id with the only other host of its name: the id is new
    /// there, or belongs to a later version of the runner.
    fn unite_hosts(&mut self) {
        for old in 0..self.hosts.len() {
            if !self.hosts[old].machine.is_empty() {
                continue;
            }
            let [Some(a), Some(b), None] = self.named(&self.hosts[old].name) else {
                continue;
            };
            let new = if a == old { b } else { a };
            self.hosts[old].is_united = true;
            let moved: Vec<u64> = self.hosts[old].boots.take().collect();
            moved.into_iter().for_each(|key| self.add_run(key, new));
            let sources = self.sources.iter_mut();
            sources.for_each(|source| source.rename(old, new));
        }
    }

    /// Assigns each run without a host to that of its journal, or of the directory above it.
    fn assign_nameless_runs(&mut self) {
        for key in mem::take(&mut self.keys) {
            if let Some(Some(run)) = self.runs.get(&key)
                && run.host.is_none()
            {
                let source = run.source;
                let host = self.sources[source].host_of(&run.boot);
                let host = host.unwrap_or_else(|| self.host_of_directory(source));
                self.add_run(key, host);
            }
        }
    }

    fn host_of_directory(&mut self, source: usize) -> usize {
        let name = self.sources[source].directory.clone();
        match self.named(&name) {
            [Some(only), None, _] => only,
            _ => self.host_index(&name, ""),
        }
    }
}

/// Returns a text that differs for every two hosts.
fn host_key(name: &str, machine: &str) -> String {
    format!("{} {name}{machine}", name.len())
}
