//! The last output of tasks that can determine the end of a run. It is shown again before the
//! last message of the run, if anything was shown after it.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use runner_exec::{Event, Next, OutputLine, last_lines, tail};

use crate::console::screen::Screen;

/// The endings of one run, and the number of messages so far.
#[derive(Default)]
pub(super) struct Endings {
    messages: AtomicUsize,
    kept: Mutex<Vec<Ending>>,
}

/// The last output of a task.
struct Ending {
    task: String,
    lines: Vec<OutputLine>,
    /// The number of messages as long as nothing is shown after it; `None` if it was not shown.
    last_at: Option<usize>,
}

impl Endings {
    /// Counts a message, after which no earlier output is the last thing that was shown.
    pub(super) fn count_message(&self) {
        self.messages.fetch_add(1, Ordering::SeqCst);
    }

    /// Keeps the last output of a task that can determine the end of the run. Must be called before
    /// the message about its end. `screen` is set if tasks write through it.
    pub(super) fn keep(&self, event: &Event, screen: Option<&Screen>) {
        let (task, output) = match event {
            Event::RunStart { .. } => return self.kept().clear(),
            Event::TaskEnd {
                task,
                next: Next::Chain(consequence),
                output,
                ..
            } if consequence.ends_running_tasks() => (task.to_string(), output),
            Event::TaskEnd { task, .. } | Event::HaltEnd { task, .. } => {
                screen.inspect(|screen| screen.end(task.to_string()));
                return;
            }
            Event::HookEnd { hook, .. } => {
                screen.inspect(|screen| screen.end(hook.name().to_string()));
                return;
            }
            _ => return,
        };
        // The message about its end is one more.
        let messages = self.messages.load(Ordering::SeqCst) + 1;
        let last = screen.and_then(|screen| screen.last_output(task.clone()));
        let (lines, is_last) = match (output, last) {
            (Some(path), _) => (tail(path, None).unwrap_or_default(), true),
            (None, Some(last)) => (last_lines(&last.bytes), last.is_last),
            (None, None) => return,
        };
        self.kept().push(Ending {
            task,
            lines,
            last_at: is_last.then_some(messages),
        });
    }

    /// Returns the last output of `task` if it must be shown again.
    pub(super) fn to_repeat(&self, task: &str) -> Option<Vec<OutputLine>> {
        let messages = self.messages.load(Ordering::SeqCst);
        let kept = self.kept();
        let ending = kept.iter().rfind(|ending| ending.task == task)?;
        let is_needed = ending.last_at != Some(messages) && !ending.lines.is_empty();
        is_needed.then(|| ending.lines.clone())
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Ending>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
