//! One run with every start in it, and the hooks around each: what a picture of it needs.

use std::{collections::HashMap, path::Path};

use jiff::Timestamp;
use runner_config::from_name_text;
use runner_exec::{Phase, tail};

use crate::{
    journal::{
        reader::Author,
        record::{Entry, HookEntry, Record, TaskEntry, TryEntry},
    },
    model::{
        end::RecordedOutcome,
        now::later,
        run_details::{RunDetails, TaskEnd},
        runs_by_id::FromRecords,
    },
};

/// A run, start by start. It takes more memory than a [`RunDetails`], which forgets how a task
/// ended as soon as it is started again.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// The same, task by task.
    pub run: RunDetails,
    /// When each try started, in the order of the journal.
    pub(crate) tries: Vec<Try>,
    /// Every start, in the same order.
    pub(crate) visits: Vec<DetailedStart>,
    /// Which of them was the last one of a task.
    last: HashMap<String, usize>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Try {
    pub(crate) number: u32,
    pub(crate) at: Timestamp,
}

/// A start of a task with the hooks around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DetailedStart {
    pub(crate) task: String,
    pub(crate) try_num: u32,
    /// When it began, its hook included.
    pub(crate) from: Timestamp,
    pub(crate) before: Option<Hook>,
    /// When the task started, unless something kept it from that after its hook.
    pub(crate) started: Option<Timestamp>,
    pub(crate) ended: Option<TaskEnd>,
    /// The last lines of its output, once [`Timeline::read_outputs`] has seen them.
    pub(crate) lines: Vec<String>,
    pub(crate) after: Option<Hook>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hook {
    pub(crate) from: Timestamp,
    /// When it ended, and what it did.
    pub(crate) end: Option<(Timestamp, RecordedOutcome)>,
}

impl Timeline {
    /// Edge: reads the last lines of the output of each task, where there are any. The journal
    /// names the files, so only those of its `author` are read: otherwise a journal could
    /// make root show what its author cannot read.
    pub fn read_outputs(&mut self, author: Author) {
        let Author(Some(author)) = author else {
            return;
        };
        for visit in &mut self.visits {
            let output = visit.ended.as_ref().and_then(|end| end.output.as_deref());
            if let Some(output) = output.map(from_name_text) {
                // The log may be deleted since, or be readable for others only.
                visit.lines = tail(Path::new(&output), Some(author)).unwrap_or_default();
            }
        }
    }

    /// The hook on this side of the last start of `task`.
    fn hook(&mut self, task: &str, phase: &str) -> Option<&mut Option<Hook>> {
        let visit = &mut self.visits[*self.last.get(task)?];
        Some(match Phase::parse(phase) {
            Some(Phase::Pre) => &mut visit.before,
            Some(Phase::Post) | None => &mut visit.after,
        })
    }

    /// The start of `task` that has not got as far as `is_later` says.
    fn visit(
        &mut self,
        task: &str,
        from: Timestamp,
        is_later: fn(&DetailedStart) -> bool,
    ) -> &mut DetailedStart {
        let index = match self.last.get(task) {
            Some(&index) if !is_later(&self.visits[index]) => index,
            Some(_) | None => {
                self.visits.push(DetailedStart {
                    task: task.to_owned(),
                    try_num: self.run.head.try_num,
                    from,
                    ..DetailedStart::default()
                });
                self.visits.len() - 1
            }
        };
        self.last.insert(task.to_owned(), index);
        &mut self.visits[index]
    }
}

impl FromRecords for Timeline {
    fn new(record: &Record) -> Timeline {
        Timeline {
            run: RunDetails::new(record),
            ..Timeline::default()
        }
    }

    fn take(&mut self, record: &Record) {
        self.run.take(record);
        let at = self.run.head.at;
        match &record.entry {
            Entry::Try(TryEntry::Start { try_num }) => self.tries.push(Try {
                number: *try_num,
                at,
            }),
            Entry::Hook(HookEntry::Start { task, phase }) => {
                if Phase::parse(phase) == Some(Phase::Pre) {
                    self.visit(task, at, |_| true);
                }
                if let Some(hook) = self.hook(task, phase) {
                    let (from, end) = (at, None);
                    *hook = Some(Hook { from, end });
                }
            }
            Entry::Hook(HookEntry::End {
                task,
                phase,
                outcome,
                ..
            }) => {
                if let Some(Some(hook)) = self.hook(task, phase) {
                    hook.end = Some((at, RecordedOutcome::parse(outcome, None)));
                }
            }
            Entry::Task(TaskEntry::Start { task, .. }) => {
                let visit = self.visit(task, at, |last| last.started.is_some());
                visit.started = Some(at);
            }
            Entry::Task(TaskEntry::End { task, .. }) => {
                // What the run has just taken over of it.
                let Some(end) = self.run.end_of(task).cloned() else {
                    return;
                };
                let started = at.checked_sub(end.elapsed).unwrap_or(at);
                let visit = self.visit(task, started, |last| last.ended.is_some());
                // The clock may have been set since its hook.
                visit.started.get_or_insert(started.max(visit.from));
                visit.ended = Some(end);
            }
            Entry::Run(_) | Entry::Try(_) | Entry::Halt(_) | Entry::Unknown => {}
        }
    }
}

impl DetailedStart {
    /// When the task started, or would have.
    pub(crate) fn starts(&self) -> Timestamp {
        let hook = self.before.as_ref().map(|hook| hook.to(hook.from));
        self.started.or(hook).unwrap_or(self.from)
    }

    /// When the task ended; what has no end goes on until `otherwise`.
    pub(crate) fn ends(&self, otherwise: Timestamp) -> Timestamp {
        let after = self.after.as_ref().map(|hook| hook.from);
        match (&self.ended, self.started) {
            (Some(ended), _) => ended.at,
            // The line of its end is missing.
            (None, Some(_)) => after.unwrap_or(otherwise),
            (None, None) => self.starts(),
        }
    }

    /// When it was over, its hook included.
    pub(crate) fn is_over(&self, otherwise: Timestamp) -> Timestamp {
        let ends = self.ends(otherwise);
        let after = self.after.as_ref();
        after.map_or(ends, |hook| hook.to(otherwise).max(ends))
    }

    /// When its limit would have been up.
    pub(crate) fn limit_at(&self) -> Option<Timestamp> {
        Some(later(self.started?, self.ended.as_ref()?.limit?))
    }

    /// The hooks, each with its end. A line of the journal may be missing, so a hook without an
    /// end lasts until its task starts, or until `otherwise`, and none longer than the visit.
    pub(crate) fn hooks(
        &self,
        otherwise: Timestamp,
    ) -> impl Iterator<Item = (&'static str, &Hook, Timestamp)> {
        let over = self.is_over(otherwise);
        let started = self.started.unwrap_or(over);
        let before = self.before.iter().map(move |it| ("before", it, started));
        let after = self.after.iter().map(move |it| ("after", it, over));
        let hooks = before.chain(after);
        hooks.map(move |(when, hook, end)| (when, hook, hook.to(end).min(over)))
    }
}

impl Hook {
    /// When it ended; one that has no end goes on until `otherwise`.
    pub(crate) fn to(&self, otherwise: Timestamp) -> Timestamp {
        self.end.as_ref().map_or(otherwise, |(at, _)| *at)
    }
}
