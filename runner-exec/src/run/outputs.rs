//! Outputs: variables that a task hands to the tasks that had to wait for it.
//!
//! Pure: `output_files` reads the files of tasks, `state/marks` stores the outputs of tasks with
//! a mark. No value, nor any other part of a file, is in an error.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    mem,
    os::unix::ffi::OsStrExt,
    sync::Arc,
};

use crate::chain::{Node, TaskId, order};

/// Maximum size of the file of one task, in bytes.
pub(super) const MAX_OUTPUT_FILE_BYTES: usize = 64 << 10;

/// Maximum size of all outputs of a run, in bytes, each counted as `NAME=VALUE` and a NUL.
pub const MAX_OUTPUTS_BYTES: usize = 256 << 10;

/// Variables, by name.
pub type Variables = BTreeMap<String, OsString>;

/// Parses the content of a file: lines `NAME=VALUE`, or records that end with NUL if it contains one.
/// Of several values of a name the last one counts.
///
/// # Errors
///
/// The number of the first wrong line or record, and the reason.
pub fn parse_outputs(bytes: &[u8]) -> Result<Variables, String> {
    let (end, unit) = if bytes.contains(&0) {
        (0, "record")
    } else {
        (b'\n', "line")
    };
    let mut variables = Variables::new();
    for (index, record) in bytes.split(|byte| *byte == end).enumerate() {
        let wrong = |why: &str| Err(format!("{unit} {} {why}", index + 1));
        if end != 0 && record.ends_with(b"\r") {
            return wrong("ends in CRLF (Windows line ending)");
        }
        if record.is_empty() || record.starts_with(b"#") {
            continue;
        }
        let Some(sign) = record.iter().position(|byte| *byte == b'=') else {
            return wrong("has no `=`");
        };
        let Some(name) = name(&record[..sign]) else {
            return wrong("has a name with other characters than letters, digits and `_`");
        };
        if name.starts_with("RUNNER_") {
            return wrong("sets a variable whose name begins with `RUNNER_`");
        }
        let value = OsStr::from_bytes(&record[sign + 1..]);
        variables.insert(name.to_owned(), value.to_owned());
    }
    Ok(variables)
}

/// Returns the text of a name of a variable; `None` if it is not one.
fn name(bytes: &[u8]) -> Option<&str> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let is_name = bytes.iter().all(is_part) && !bytes.first()?.is_ascii_digit();
    str::from_utf8(bytes).ok().filter(|_| is_name)
}

/// Returns a file that [`parse_outputs`] reads back: records that end with NUL.
pub fn format_outputs(variables: &Variables) -> Vec<u8> {
    let record = |(name, value): (&String, &OsString)| {
        [name.as_bytes(), b"=", value.as_bytes(), b"\0"].concat()
    };
    variables.iter().flat_map(record).collect()
}

/// The outputs of the tasks of a run.
#[derive(Debug)]
pub struct Outputs {
    nodes: Arc<[Node]>,
    /// For each task, its place in the order of the plan; empty until a task has outputs.
    places: Vec<usize>,
    /// The tasks that have outputs, by place.
    by_place: BTreeMap<usize, (TaskId, Variables)>,
}

impl Outputs {
    /// Creates it for the tasks of a plan, without outputs.
    pub fn new(nodes: Arc<[Node]>) -> Outputs {
        Outputs {
            nodes,
            places: Vec::new(),
            by_place: BTreeMap::new(),
        }
    }

    /// Sets the outputs of `task`.
    ///
    /// # Errors
    ///
    /// All outputs together would be too large; `task` has none then.
    pub fn set(&mut self, task: TaskId, variables: Variables) -> Result<(), String> {
        if self.places.is_empty() && !variables.is_empty() {
            self.places = vec![0; self.nodes.len()];
            for (place, task) in order(&self.nodes).into_iter().enumerate() {
                self.places[task.0] = place;
            }
        }
        self.retain(|other| other != task);
        let size = |(name, value): (&String, &OsString)| name.len() + value.len() + 2;
        let others = self.by_place.values().map(|(_, others)| others);
        let all = others
            .chain([&variables])
            .flatten()
            .map(size)
            .sum::<usize>();
        if all > MAX_OUTPUTS_BYTES {
            let max = MAX_OUTPUTS_BYTES >> 10;
            return Err(format!("all outputs of the run are larger than {max}K"));
        }
        if !variables.is_empty() {
            self.by_place.insert(self.places[task.0], (task, variables));
        }
        Ok(())
    }

    /// Removes the outputs of all other tasks.
    pub fn retain(&mut self, keeps: impl Fn(TaskId) -> bool) {
        self.by_place.retain(|_, (task, _)| keeps(*task));
    }

    /// Removes the outputs of all other tasks, and returns them.
    pub(super) fn forget(
        &mut self,
        keeps: impl Fn(TaskId) -> bool,
    ) -> impl IntoIterator<Item = (TaskId, Variables)> {
        let (kept, forgotten) = mem::take(&mut self.by_place)
            .into_iter()
            .partition(|(_, (task, _))| keeps(*task));
        self.by_place = kept;
        BTreeMap::into_values(forgotten)
    }

    /// Returns the outputs of the tasks that `task` had to wait for: those of lower levels, and
    /// its direct and indirect dependencies. Of several values of a name, that of the last task
    /// in the order of the plan counts.
    pub fn visible_to(&self, task: TaskId) -> Variables {
        if self.by_place.is_empty() {
            return Variables::new();
        }
        let mut needed = BTreeSet::new();
        let mut open = vec![task];
        while let Some(next) = open.pop() {
            let needs = self.nodes[next.0].needs.iter();
            open.extend(needs.filter(|need| needed.insert(**need)));
        }
        let level = self.nodes[task.0].level;
        self.merged(|other| self.nodes[other.0].level < level || needed.contains(&other))
    }

    /// Returns the outputs of all tasks, as the halt task and COMMAND get them.
    pub fn all(&self) -> Variables {
        self.merged(|_| true)
    }

    fn merged(&self, is_visible: impl Fn(TaskId) -> bool) -> Variables {
        let tasks = self.by_place.values();
        let visible = tasks.filter(|(task, _)| is_visible(*task));
        let variables = visible.flat_map(|(_, variables)| variables.clone());
        variables.collect()
    }
}
