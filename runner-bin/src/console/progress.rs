//! From events to the line at the bottom of a terminal, when nobody else writes there.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use runner_exec::{Consequence, Event, Next, TaskName};

use crate::console::screen::{Bar, Screen};

/// What is known of a run that goes on.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    bar: Bar,
    /// Whether a run goes on.
    runs: bool,
    /// Whether tasks write to the terminal themselves.
    tasks_hold: bool,
    /// Whether hooks do.
    hooks_hold: bool,
    /// Whether one of them runs now.
    hook: bool,
}

impl Progress {
    /// Shows on `screen` what `event` makes of it.
    pub(crate) fn event(&self, event: &Event, screen: &Screen) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.take(event) {
            return;
        }
        match state.is_shown() {
            true => screen.show(state.bar.clone()),
            false => screen.hide(),
        }
    }
}

impl State {
    fn is_shown(&self) -> bool {
        let held = self.tasks_hold || self.hooks_hold && self.hook;
        self.bar.next.is_some() || self.runs && !held
    }

    /// Takes over what `event` says, and whether it says anything.
    fn take(&mut self, event: &Event) -> bool {
        match event {
            Event::RunStart { plan, .. } => {
                let settings = &plan.settings;
                let alone = settings.jobs == 1;
                *self = State {
                    bar: Bar {
                        tasks: plan.tasks.len(),
                        try_num: 1,
                        ..Bar::default()
                    },
                    runs: true,
                    tasks_hold: alone && settings.log_dir.is_none(),
                    hooks_hold: alone,
                    hook: false,
                };
            }
            Event::TryStart { try_num, done } => {
                self.bar.next = None;
                self.bar.try_num = *try_num;
                self.bar.done = *done;
            }
            Event::TaskStart { task, .. } | Event::HaltStart { task, .. } => self.starts(task),
            Event::TaskEnd { task, next, .. } => {
                self.ends(task);
                if let Next::Chain(Consequence::GoOn | Consequence::Pass) = next {
                    self.bar.done += 1;
                }
            }
            Event::HaltEnd { task, .. } => self.ends(task),
            Event::HookStart { .. } => self.hook = true,
            Event::HookEnd { .. } => self.hook = false,
            // Then tasks write to stdout after all.
            Event::NoLog { .. } => self.tasks_hold = self.hooks_hold,
            Event::Wait { time, before } => {
                let at = Instant::now().checked_add(*time);
                self.bar.next = at.map(|at| (before.as_str(), at));
            }
            Event::RunEnd { .. } => {
                self.runs = false;
                self.bar.next = None;
            }
            Event::Started { .. }
            | Event::NoMark { .. }
            | Event::NoHaltCount { .. }
            | Event::Left { .. }
            | Event::HaltMissing { .. }
            | Event::HaltWithheld { .. } => return false,
        }
        true
    }

    fn starts(&mut self, task: &TaskName) {
        self.bar.running.push((task.to_string(), Instant::now()));
    }

    fn ends(&mut self, task: &TaskName) {
        let name = task.to_string();
        self.bar.running.retain(|(running, _)| *running != name);
    }
}
