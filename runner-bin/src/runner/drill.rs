//! The answer of `--drill`: each task, and if it can be started again.

use std::{collections::BTreeMap, path::Path};

use runner_config::{name_text, shown};
use runner_exec::{
    ChainEnd, DrilledTask, Failure, LimitSetting, Outcome, OutputLine, Plan, Standing, Task,
    TaskId, TaskName,
};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::show::push_padded;
use crate::console::messages::{HINT, count, quoted_lines};

/// The message about a drill without `--yes`.
pub(crate) fn not_confirmed(taskdir: &Path) -> String {
    let taskdir = shown(taskdir);
    format!(
        "a drill runs every task in `{taskdir}` for real, and most of them many times: what they install, \
         change or remove stays\n\
         {HINT}add `--yes` on a machine or in a container that can be thrown away"
    )
}

/// The result of a drill, and the last output of the tasks that failed.
pub(crate) struct Answer<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) end: ChainEnd,
    pub(crate) tasks: &'a [DrilledTask],
    pub(crate) outputs: &'a BTreeMap<TaskName, Vec<OutputLine>>,
}

impl Answer<'_> {
    /// Returns the text for people: a line for each task, with the output of a failure, and a
    /// summary.
    pub(crate) fn text(&self) -> String {
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
    pub(crate) fn json(&self) -> Value {
        let ended_by = self.rows().find(|(_, drilled)| is_ended(drilled));
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
            "status": self.end.status(None),
            "ended_by": ended_by.map(|(task, _)| name_text(task.name.as_os_str())),
            "tasks": tasks.collect::<Vec<_>>(),
        })
    }

    /// Returns the tasks in the order of the chain.
    fn rows(&self) -> impl Iterator<Item = (&Task, &DrilledTask)> {
        let order = self.plan.order().into_iter();
        order.map(|TaskId(id)| (&self.plan.tasks[id], &self.tasks[id]))
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
        let tasks = count(self.tasks.len(), "task");
        let starts: usize = self.tasks.iter().map(|drilled| drilled.starts).sum();
        let starts = count(starts, "start");
        match self.end {
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

fn is_ended(drilled: &DrilledTask) -> bool {
    matches!(drilled.standing, Standing::Ended(_))
}

fn did(task: &Task, failure: &Failure) -> String {
    let limit = LimitSetting::MaxTime.of(task.settings.max_time);
    failure.outcome.predicate(limit, failure.survived)
}
