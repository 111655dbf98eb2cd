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
        if matches!(event, Event::Started { .. }) {
            // The limit of the task counts already, so nothing may make it wait.
            return;
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.take(event);
        let is_held = state.tasks_hold || state.hooks_hold && state.hook;
        match state.bar.next.is_some() || state.runs && !is_held {
            true => screen.show(state.bar.clone()),
            false => screen.hide(),
        }
    }
}

impl State {
    fn take(&mut self, event: &Event) {
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
            Event::TaskStart { task, .. } | Event::HaltStart { task, .. } => {
                self.bar.running.push((task.to_string(), Instant::now()));
            }
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
            // No other event changes the line.
            _ => {}
        }
    }

    fn ends(&mut self, task: &TaskName) {
        let name = task.to_string();
        self.bar.running.retain(|(running, _)| *running != name);
    }
}
