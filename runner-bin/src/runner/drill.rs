//! `--drill`: the drill, and its answer: each task, and if it can be started again.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Mutex, PoisonError},
};

use runner_config::{name_text, shown};
use runner_exec::{
    ChainEnd, Drilled, DrilledTask, Event, Failure, LimitSetting, Next, Outcome, OutputLine, Plan,
    Reaction, Run, Standing, Task, TaskId, TaskName, Tools,
};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::{Worked, World, show::push_padded};
use crate::{
    console::{
        answer::pretty,
        messages::{HINT, count, quoted_lines},
    },
    exit::Exit,
};

/// The message about a drill without `--yes`.
pub(crate) fn not_confirmed(taskdir: &Path) -> String {
    let taskdir = shown(taskdir);
    format!(
        "a drill runs every task in `{taskdir}` for real, and most of them many times: what they install, \
         change or remove stays\n\
         {HINT}add `--yes` on a machine or in a container that can be thrown away"
    )
}

impl World {
    /// Drills `plan`. There is no answer if a signal ended the drill.
    pub(super) fn drill(&self, plan: &Plan, tools: &Tools, json: bool) -> Worked {
        let outputs = Mutex::new(BTreeMap::new());
        let sink = |event: &Event| {
            if let Event::TaskEnd { task, next, .. } = event
                && let Next::Drill(Reaction::Finding | Reaction::Note | Reaction::End) = next
            {
                let lines = self.session.log.last_lines(task);
                let mut outputs = outputs.lock().unwrap_or_else(PoisonError::into_inner);
                let is_first = !outputs.contains_key(*task);
                // Only the first failure of an optional task is shown, until it is a finding.
                if is_first || *next != Next::Drill(Reaction::Note) {
                    outputs.insert((*task).clone(), lines);
                }
            }
            (tools.sink)(event);
        };
        let tools = Tools {
            sink: &sink,
            ..*tools
        };
        let drilled = Run::new(plan, &tools).drill();
        let end = drilled.end;
        let answer = Answer {
            plan,
            drilled,
            outputs: outputs.into_inner().unwrap_or_else(PoisonError::into_inner),
        };
        let text = || {
            if json {
                pretty(&answer.json())
            } else {
                answer.text()
            }
        };
        let exit = Exit::Ended(end, self.stop.requested());
        Worked {
            answer: (end != ChainEnd::Interrupted).then(text),
            ..Worked::without_chain(exit, plan)
        }
    }
}

/// The result of a drill, and the last output of the tasks that failed.
struct Answer<'a> {
    plan: &'a Plan,
    drilled: Drilled,
    outputs: BTreeMap<TaskName, Vec<OutputLine>>,
}

impl Answer<'_> {
    /// Returns the text for people: a line for each task, with the output of a failure, and a
    /// summary.
    fn text(&self) -> String {
        let rows: Vec<_> = (self.rows())
            .map(|(task, drilled)| {
                let starts = count(drilled.starts, "start");
                (
                    task.name.shown(),
                    starts,
                    self.sentence(task, drilled),
                    task,
                )
            })
            .collect();
        let names = rows.iter().map(|(name, ..)| name.width()).max();
        let starts = rows.iter().map(|(_, starts, ..)| starts.len()).max();
        let (names, all_starts) = (names.unwrap_or(0), starts.unwrap_or(0));
        let mut text = String::new();
        for (name, starts, sentence, task) in &rows {
            push_padded(&mut text, name, names + 2);
            text += &format!("{starts:>all_starts$}  {sentence}");
            text += &quoted_lines(self.output(task));
            text.push('\n');
        }
        text + &self.summary() + "\n"
    }

    /// Returns the JSON of docs/json.md.
    fn json(&self) -> Value {
        let ended_by = self.drilled.ended_by().map(|task| self.name(task));
        let tasks = self.rows().map(|(task, drilled)| {
            let (result, failure) = match &drilled.standing {
                Standing::New => ("not-reached", None),
                Standing::Failed => ("failed", drilled.failed_first.as_ref()),
                Standing::Skipped => ("skipped", None),
                Standing::Passed => ("can", None),
                Standing::Once => ("once", None),
                Standing::Finding { failure, .. } => ("cannot", Some(failure)),
                Standing::Ended(failure) => ("failed", Some(failure)),
            };
            let after = match &drilled.standing {
                Standing::Finding { after, .. } => Some(self.name(*after)),
                _ => None,
            };
            let output = self.output(task).iter().map(OutputLine::plain);
            json!({
                "task": name_text(task.name.as_os_str()),
                "required": task.settings.required,
                "starts": drilled.starts,
                "result": result,
                "message": self.sentence(task, drilled),
                "outcome": failure.map(|failure| failure.outcome.to_string()),
                "after": after.map(|name| name_text(name.as_os_str())),
                "output": output.collect::<Vec<_>>(),
            })
        });
        json!({
            "status": self.drilled.end.status(None),
            "ended_by": ended_by.map(|name| name_text(name.as_os_str())),
            "tasks": tasks.collect::<Vec<_>>(),
        })
    }

    /// Returns the tasks in the order of the chain.
    fn rows(&self) -> impl Iterator<Item = (&Task, &DrilledTask)> {
        let order = self.plan.order().into_iter();
        order.map(|TaskId(id)| (&self.plan.tasks[id], &self.drilled.tasks[id]))
    }

    fn name(&self, task: TaskId) -> &TaskName {
        &self.plan.tasks[task.0].name
    }

    fn output(&self, task: &Task) -> &[OutputLine] {
        self.outputs.get(&task.name).map_or(&[], Vec::as_slice)
    }

    fn sentence(&self, task: &Task, drilled: &DrilledTask) -> String {
        let at_first = |failure: &Failure| match failure.outcome {
            Outcome::NotStarted(_) => did(task, failure),
            Outcome::Exited(_)
            | Outcome::Signaled(_)
            | Outcome::TimedOut
            | Outcome::BadOutput(_) => {
                format!("{} in its first start", did(task, failure))
            }
        };
        let sentence = match &drilled.standing {
            Standing::New => "not reached".to_owned(),
            Standing::Failed => String::new(),
            Standing::Skipped => "left out: it was skipped".to_owned(),
            Standing::Passed => "can be started again".to_owned(),
            Standing::Once => "runs once".to_owned(),
            Standing::Finding { failure, after } => {
                let (what, after) = (did(task, failure), self.name(*after));
                format!("cannot: {what} when started again after `{after}`")
            }
            Standing::Ended(failure) if failure.survived => {
                "ended the drill: some of its processes survived SIGKILL".to_owned()
            }
            Standing::Ended(failure) => format!("ended the drill: {}", at_first(failure)),
        };
        let noted = drilled.failed_first.as_ref();
        let noted = noted.map(|failure| format!("not required: {}", at_first(failure)));
        let parts = [Some(sentence), noted].into_iter().flatten();
        let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
        parts.join("; ")
    }

    fn summary(&self) -> String {
        let tasks = count(self.drilled.tasks.len(), "task");
        let starts: usize = self.drilled.tasks.iter().map(|task| task.starts).sum();
        let starts = count(starts, "start");
        match self.drilled.end {
            ChainEnd::Finished { failed: 0 } => {
                format!("{tasks}, {starts}, nothing found")
            }
            ChainEnd::Finished { failed } => {
                format!("{tasks}, {starts}, {failed} cannot be started again")
            }
            ChainEnd::GaveUp
            | ChainEnd::OutOfTime
            | ChainEnd::Halted
            | ChainEnd::Stopped
            | ChainEnd::Interrupted => {
                format!("{tasks}, {starts}, ended early")
            }
        }
    }
}

fn did(task: &Task, failure: &Failure) -> String {
    let limit = LimitSetting::MaxTime.of(task.settings.max_time);
    failure.outcome.predicate(limit, failure.survived)
}
