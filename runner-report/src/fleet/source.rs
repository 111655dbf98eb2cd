//! Journals that were read, for runs that do not name their host.

/// A journal with its older part, or a directory that cannot be read.
#[derive(Debug)]
pub(super) struct Source {
    /// Name of the directory above it.
    pub(super) directory: String,
    pub(super) is_unreadable: bool,
    hosts: NamedHosts,
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
            is_unreadable: false,
            hosts: NamedHosts::None,
        }
    }

    pub(super) fn add(&mut self, host: usize) {
        self.hosts = match self.hosts {
            NamedHosts::None => NamedHosts::One(host),
            NamedHosts::One(known) if known == host => self.hosts,
            NamedHosts::One(_) | NamedHosts::Many => NamedHosts::Many,
        };
    }

    /// Replaces the host `old`, which is the same as `new`.
    pub(super) fn rename(&mut self, old: usize, new: usize) {
        if let NamedHosts::One(host) = &mut self.hosts
            && *host == old
        {
            *host = new;
        }
    }

    /// Returns the only host, if there is only one.
    pub(super) fn only_host(&self) -> Option<usize> {
        match self.hosts {
            NamedHosts::One(host) => Some(host),
            NamedHosts::None | NamedHosts::Many => None,
        }
    }
}
