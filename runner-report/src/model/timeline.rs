//! One run with every start of a task and the hooks around it, for pictures.

use std::collections::HashMap;

use jiff::Timestamp;
use runner_exec::Phase;

use crate::{
    journal::{
        reader::Author,
        record::{HookEntry, JournalEntry, Record, TaskEntry, TryEntry},
    },
    model::{
        end::AnyOutcome,
        run_details::{RunDetails, TaskEnd},
        runs_by_id::FromRecords,
    },
};

/// A run with the full details of every start. A [`RunDetails`] needs less memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// The run by tasks.
    pub run: RunDetails,
    /// Starts of tries, in the order of the journal.
    pub(crate) tries: Vec<TryStart>,
    /// Starts of tasks, in the order of the journal.
    pub(crate) starts: Vec<FullStart>,
    /// Index in `starts` of the last start of each task.
    last_index: HashMap<String, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TryStart {
    pub(crate) number: u32,
    pub(crate) at: Timestamp,
}

/// A start of a task with the hooks around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct FullStart {
    pub(crate) task: String,
    pub(crate) try_num: u32,
    /// Start of its first hook, or of the task without one.
    pub(crate) from: Timestamp,
    pub(crate) before: Option<Hook>,
    /// Start of the task, or `None` if only its hook ran.
    pub(crate) started: Option<Timestamp>,
    pub(crate) ended: Option<TaskEnd>,
    pub(crate) after: Option<Hook>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hook {
    pub(crate) from: Timestamp,
    /// Time of the end, and outcome.
    pub(crate) end: Option<(Timestamp, AnyOutcome)>,
}

impl Timeline {
    /// Reads the last lines of the output of each start, as [`RunDetails::read_outputs`] does.
    pub fn read_outputs(&mut self, author: Author) {
        let ends = self
            .starts
            .iter_mut()
            .filter_map(|start| start.ended.as_mut());
        ends.for_each(|end| end.read_output(author));
        for (task, &index) in &self.last_index {
            if let Some(end) = &self.starts[index].ended {
                self.run.task_mut(task).end = Some(end.clone());
            }
        }
    }

    /// Returns the hook of this phase of the last start of `task`.
    fn hook(&mut self, task: &str, phase: &str) -> Option<&mut Option<Hook>> {
        let start = &mut self.starts[*self.last_index.get(task)?];
        Some(match Phase::parse(phase) {
            Some(Phase::Pre) => &mut start.before,
            Some(Phase::Post) | None => &mut start.after,
        })
    }

    /// Returns the last start of `task`, or a new one if that `is_past` the present event.
    fn start_of(
        &mut self,
        task: &str,
        from: Timestamp,
        is_past: fn(&FullStart) -> bool,
    ) -> &mut FullStart {
        let index = match self.last_index.get(task) {
            Some(&index) if !is_past(&self.starts[index]) => index,
            Some(_) | None => {
                self.starts.push(FullStart {
                    task: task.to_owned(),
                    try_num: self.run.header.try_num,
                    from,
                    ..FullStart::default()
                });
                self.starts.len() - 1
            }
        };
        match self.last_index.get_mut(task) {
            Some(last) => *last = index,
            None => _ = self.last_index.insert(task.to_owned(), index),
        }
        &mut self.starts[index]
    }
}

impl FromRecords for Timeline {
    fn new(record: &Record) -> Timeline {
        Timeline {
            run: RunDetails::new(record),
            ..Timeline::default()
        }
    }

    fn apply(&mut self, record: &Record) {
        self.run.apply(record);
        let at = self.run.header.last_record;
        match &record.entry {
            JournalEntry::Try(TryEntry::Start { try_num, .. }) => self.tries.push(TryStart {
                number: *try_num,
                at,
            }),
            JournalEntry::Hook(HookEntry::Start { task, phase }) => {
                if Phase::parse(phase) == Some(Phase::Pre) {
                    self.start_of(task, at, |_| true);
                }
                if let Some(hook) = self.hook(task, phase) {
                    let (from, end) = (at, None);
                    *hook = Some(Hook { from, end });
                }
            }
            JournalEntry::Hook(HookEntry::End {
                task,
                phase,
                outcome,
                ..
            }) => {
                if let Some(Some(hook)) = self.hook(task, phase) {
                    hook.end = Some((at, AnyOutcome::parse(outcome, None)));
                }
            }
            JournalEntry::Task(TaskEntry::Start { task, .. }) => {
                let start = self.start_of(task, at, |last| last.started.is_some());
                start.started = Some(at);
            }
            JournalEntry::Task(TaskEntry::End { task, .. }) => {
                // `self.run` has just added this end.
                let Some(end) = self.run.task(task).and_then(|task| task.end.clone()) else {
                    return;
                };
                let started = at.checked_sub(end.elapsed).unwrap_or(at);
                let start = self.start_of(task, started, |last| last.ended.is_some());
                // The clock can have been set back since the hook.
                start.started.get_or_insert(started.max(start.from));
                start.ended = Some(end);
            }
            JournalEntry::Run(_) | JournalEntry::Try(_) | JournalEntry::Halt(_) => {}
            JournalEntry::Unknown => {}
        }
    }
}

impl FullStart {
    /// Returns the start of the task, or the end of its hook if it did not start.
    pub(crate) fn task_from(&self) -> Timestamp {
        let hook = self.before.as_ref().map(|hook| hook.end_or(hook.from));
        self.started.or(hook).unwrap_or(self.from)
    }

    /// Returns the end of the task, or `default_end` while it has none.
    pub(crate) fn task_to(&self, default_end: Timestamp) -> Timestamp {
        let after = self.after.as_ref().map(|hook| hook.from);
        match (&self.ended, self.started) {
            (Some(ended), _) => ended.at,
            // The record of its end is missing.
            (None, Some(_)) => after.unwrap_or(default_end),
            (None, None) => self.task_from(),
        }
    }

    /// Returns the end of its last hook, or of the task without one.
    pub(crate) fn to(&self, default_end: Timestamp) -> Timestamp {
        let ends = self.task_to(default_end);
        let after = self.after.as_ref();
        after.map_or(ends, |hook| hook.end_or(default_end).max(ends))
    }

    /// Returns the hooks, each with its phase in words and its end. The record of an end can be
    /// missing: then the first hook lasts until the task starts, the other until the very end.
    pub(crate) fn hooks(
        &self,
        default_end: Timestamp,
    ) -> impl Iterator<Item = (&'static str, &Hook, Timestamp)> {
        let over = self.to(default_end);
        let started = self.started.unwrap_or(over);
        let before = self.before.iter().map(move |it| ("before", it, started));
        let after = self.after.iter().map(move |it| ("after", it, over));
        let hooks = before.chain(after);
        hooks.map(move |(when, hook, end)| (when, hook, hook.end_or(end).min(over)))
    }
}

impl Hook {
    /// Returns the end of the hook, or `default_end` if it has none.
    pub(crate) fn end_or(&self, default_end: Timestamp) -> Timestamp {
        self.end.as_ref().map_or(default_end, |(at, _)| *at)
    }
}
