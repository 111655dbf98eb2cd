//! A list of tasks for each task.

use crate::{Link, TaskId};

/// A list of tasks for each task. All lists stand in one row, and of each task its number
/// in 32 bits, since a `Vec` for each of very many tasks takes several times the memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TaskLists {
    row: Vec<u32>,
    /// Where in the row each list begins, and where the last one ends.
    begins: Vec<usize>,
}

impl TaskLists {
    /// No list yet, and room for so many.
    pub(crate) fn with_capacity(tasks: usize) -> TaskLists {
        let mut begins = Vec::with_capacity(tasks + 1);
        begins.push(0);
        TaskLists {
            row: Vec::new(),
            begins,
        }
    }

    /// Adds the list of the next task.
    pub(crate) fn push(&mut self, list: &[TaskId]) {
        self.row.extend(list.iter().map(|task| task.0 as u32));
        self.begins.push(self.row.len());
    }

    /// Adds the lists of the tasks that come next.
    pub(crate) fn append(&mut self, next: TaskLists) {
        let before = self.row.len();
        self.row.extend(next.row);
        self.begins
            .extend(next.begins[1..].iter().map(|begin| before + begin));
    }

    /// For each task, those that need it.
    pub(crate) fn needed_by(links: &[Link]) -> TaskLists {
        let mut begins = vec![0; links.len() + 1];
        for need in links.iter().flat_map(|link| &link.needs) {
            begins[need.0 + 1] += 1;
        }
        for index in 1..begins.len() {
            begins[index] += begins[index - 1];
        }
        let mut ends = begins.clone();
        let mut row = vec![0; begins[links.len()]];
        for (index, link) in links.iter().enumerate() {
            for need in &link.needs {
                row[ends[need.0]] = index as u32;
                ends[need.0] += 1;
            }
        }
        TaskLists { row, begins }
    }

    /// The list of `task`.
    pub(crate) fn of(&self, task: TaskId) -> impl Iterator<Item = TaskId> {
        let list = &self.row[self.begins[task.0]..self.begins[task.0 + 1]];
        list.iter().map(|&task| TaskId(task as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appended_lists_are_those_of_the_tasks_that_come_next() {
        let lists = |lists: &[&[usize]]| {
            let mut all = TaskLists::with_capacity(lists.len());
            for list in lists {
                all.push(&list.iter().copied().map(TaskId).collect::<Vec<_>>());
            }
            all
        };
        let mut all = lists(&[&[3, 1], &[]]);
        all.append(lists(&[&[2], &[0, 1]]));
        assert_eq!(all, lists(&[&[3, 1], &[], &[2], &[0, 1]]));
    }
}
