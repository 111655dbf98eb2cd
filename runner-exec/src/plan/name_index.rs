//! Finds the tasks that a configuration names.

use std::collections::HashMap;

use runner_config::nearest;

use crate::plan::task_name::TaskName;

/// Maximum number of similar names in a hint.
const MAX_NEAR: usize = 3;

/// Maximum number of tasks in a hint.
const MAX_LISTED: usize = 8;

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

    /// Finds a task by its file name, or else by its short name.
    pub(crate) fn find(&self, name: &str) -> Result<Option<usize>, Ambiguous> {
        if let Some(&file) = self.by_file.get(name) {
            return Ok(Some(file));
        }
        let same_short = self.by_short.get(name).map_or(&[][..], Vec::as_slice);
        if same_short.len() > 1 {
            let several = same_short
                .iter()
                .map(|&index| format!("`{}`", self.names[index]));
            return Err(Ambiguous(several.collect::<Vec<_>>().join(" and ")));
        }
        Ok(same_short.first().copied())
    }

    /// Returns the hint for a `name` that no task has: the nearest names, or else the names of
    /// the first tasks. `None` if there are no tasks.
    pub(crate) fn hint(&self, name: &str) -> Option<String> {
        let all = self.by_file.keys().chain(self.by_short.keys()).copied();
        let near = nearest(name, all).into_iter().take(MAX_NEAR);
        let near: Vec<String> = near.map(|near| format!("`{near}`")).collect();
        if !near.is_empty() {
            return Some(format!("did you mean {}?", near.join(" or ")));
        }
        let some = self.names.iter().take(MAX_LISTED);
        let some: Vec<String> = some.map(|name| format!("`{name}`")).collect();
        let is_cut = self.names.len() > MAX_LISTED;
        let more = if is_cut { " and more" } else { "" };
        let some = (!some.is_empty()).then(|| some.join(", "))?;
        Some(format!("the task directory has {some}{more}"))
    }
}
