//! Journals that were read, for runs that do not name their host.

use std::collections::HashMap;

/// A journal with its older part, or a directory that cannot be read.
#[derive(Debug)]
pub(super) struct Source {
    /// Name of the directory above it.
    pub(super) directory: String,
    /// It is the journal of one runner. Other files can have lines of many.
    pub(super) is_of_one_runner: bool,
    pub(super) is_unreadable: bool,
    hosts: NamedHosts,
    boots: HashMap<String, NamedHosts>,
}

/// Hosts that the runs of a source name.
#[derive(Clone, Copy, Debug)]
enum NamedHosts {
    None,
    One(usize),
    Many,
}

impl Source {
    pub(super) fn new(directory: String) -> Source {
        Source {
            directory,
            is_of_one_runner: false,
            is_unreadable: false,
            hosts: NamedHosts::None,
            boots: HashMap::new(),
        }
    }

    /// Adds the host that a run names.
    pub(super) fn add(&mut self, boot: &str, host: usize) {
        self.hosts.add(host);
        if boot.is_empty() {
            return;
        }
        match self.boots.get_mut(boot) {
            Some(hosts) => hosts.add(host),
            None => _ = self.boots.insert(boot.to_owned(), NamedHosts::One(host)),
        }
    }

    /// Replaces the host `old`, which is the same as `new`.
    pub(super) fn rename(&mut self, old: usize, new: usize) {
        for hosts in self.boots.values_mut().chain([&mut self.hosts]) {
            hosts.rename(old, new);
        }
    }

    /// Returns the host of a run that names none, if other runs tell it: those of its boot, which
    /// containers can share, or all in the journal of one runner.
    pub(super) fn host_of(&self, boot: &str) -> Option<usize> {
        let of_boot = self.boots.get(boot).copied().and_then(NamedHosts::only);
        of_boot.or_else(|| self.only_host().filter(|_| self.is_of_one_runner))
    }

    /// Returns the only host, if there is only one.
    pub(super) fn only_host(&self) -> Option<usize> {
        self.hosts.only()
    }
}

impl NamedHosts {
    fn add(&mut self, host: usize) {
        *self = match *self {
            NamedHosts::None => NamedHosts::One(host),
            NamedHosts::One(known) if known == host => *self,
            NamedHosts::One(_) | NamedHosts::Many => NamedHosts::Many,
        };
    }

    fn rename(&mut self, old: usize, new: usize) {
        if let NamedHosts::One(host) = self
            && *host == old
        {
            *host = new;
        }
    }

    fn only(self) -> Option<usize> {
        match self {
            NamedHosts::One(host) => Some(host),
            NamedHosts::None | NamedHosts::Many => None,
        }
    }
}
