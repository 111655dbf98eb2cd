//! Finds the tasks that a configuration names.

use std::collections::HashMap;

use runner_config::nearest;

use crate::plan::task_name::TaskName;

/// Finds tasks by file name or short name.
pub(crate) struct Names<'a> {
    names: Vec<&'a TaskName>,
    by_file: HashMap<&'a str, usize>,
    /// The tasks with each short name.
    by_short: HashMap<&'a str, Vec<usize>>,
}

/// Names of the tasks that share a short name, joined for a message.
pub(crate) struct Ambiguous(pub(crate) String);

impl<'a> Names<'a> {
    pub(crate) fn new(names: impl Iterator<Item = &'a TaskName>) -> Names<'a> {
        let names: Vec<&TaskName> = names.collect();
        let mut by_file = HashMap::new();
        let mut by_short: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            if let (Some(file), Some(short)) = (name.as_os_str().to_str(), name.short()) {
                by_file.insert(file, index);
                by_short.entry(short).or_default().push(index);
            }
        }
        Names {
            names,
            by_file,
            by_short,
        }
    }

    pub(crate) fn find(&self, name: &str) -> Result<Option<usize>, Ambiguous> {
        let same_short = self.by_short.get(name).map_or(&[][..], Vec::as_slice);
        if same_short.len() > 1 {
            let several = same_short
                .iter()
                .map(|&index| format!("`{}`", self.names[index]));
            return Err(Ambiguous(several.collect::<Vec<_>>().join(" and ")));
        }
        let file = self.by_file.get(name);
        Ok(file.or(same_short.first()).copied())
    }

    /// Returns the file name or short name that is nearest to `name`, for "did you mean".
    pub(crate) fn nearest(&self, name: &str) -> Option<&'a str> {
        let all = self.by_file.keys().chain(self.by_short.keys()).copied();
        nearest(name, all).first().copied()
    }
}
