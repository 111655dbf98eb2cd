//! From the names that a configuration uses to the tasks they stand for.

use foldhash::{HashMap, HashMapExt};

use crate::{TaskName, name::short_of};

/// Finds tasks by file name or short name.
///
/// Only short names stand in a table, since that of a file name follows from it: of very
/// many tasks, what is half as large is found much sooner.
pub(crate) struct Names<'a> {
    names: Vec<&'a TaskName>,
    /// The first one of each short name.
    by_short: HashMap<&'a str, usize>,
    /// All of a short name that several have.
    shared: HashMap<&'a str, Vec<usize>>,
}

/// A short name that several tasks share: their names, as a sentence has them.
pub(crate) struct Ambiguous(pub(crate) String);

impl<'a> Names<'a> {
    pub(crate) fn new(names: impl ExactSizeIterator<Item = &'a TaskName>) -> Names<'a> {
        let names: Vec<&TaskName> = names.collect();
        let mut by_short = HashMap::with_capacity(names.len());
        let mut shared: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            let Some(short) = name.short() else {
                continue;
            };
            let first = *by_short.entry(short).or_insert(index);
            if first != index {
                let several = shared.entry(short).or_insert_with(|| vec![first]);
                several.push(index);
            }
        }
        Names {
            names,
            by_short,
            shared,
        }
    }

    pub(crate) fn find(&self, name: &str) -> Result<Option<usize>, Ambiguous> {
        if let Some(several) = self.shared.get(name) {
            let several = several
                .iter()
                .map(|&index| format!("`{}`", self.names[index]));
            return Err(Ambiguous(several.collect::<Vec<_>>().join(" and ")));
        }
        let short = short_of(name);
        // Whatever is called by its own short name is the first one of it.
        let file = (short != name).then(|| self.file(name, short)).flatten();
        Ok(file.or_else(|| self.by_short.get(name).copied()))
    }

    /// The one whose file name is `name`, which has this short name.
    fn file(&self, name: &str, short: &str) -> Option<usize> {
        let first = self.by_short.get(short)?;
        let several = self.shared.get(short).map(Vec::as_slice);
        let mut same_short = several.unwrap_or(std::slice::from_ref(first)).iter();
        same_short
            .find(|&&index| self.names[index].as_os_str() == name)
            .copied()
    }

    /// Every file name and short name.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'a str> {
        let files = self
            .names
            .iter()
            .filter_map(|name| name.as_os_str().to_str());
        files.chain(self.by_short.keys().copied())
    }
}

/// For each file name and short name, the first one that is called so, whichever others are.
pub(crate) fn first_of<'a>(names: impl Iterator<Item = &'a TaskName>) -> HashMap<&'a str, usize> {
    let mut first = HashMap::new();
    for (index, name) in names.enumerate() {
        let called = [name.as_os_str().to_str(), name.short()];
        for called in called.into_iter().flatten() {
            first.entry(called).or_insert(index);
        }
    }
    first
}
