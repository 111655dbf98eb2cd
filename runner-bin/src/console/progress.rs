//! From events to the progress line, while no task writes to the terminal.

use std::{
    sync::{Mutex, PoisonError},
    time::Instant,
};

use runner_exec::{Consequence, Event, Next, Reaction, TaskName};

use crate::console::screen::{Bar, Screen};

/// State of the running chain.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    bar: Bar,
    /// A run is active.
    is_active: bool,
    /// Tasks write to the terminal directly.
    tasks_write: bool,
    /// Hooks write to the terminal directly.
    hooks_write: bool,
    /// A hook is running.
    in_hook: bool,
}

impl Progress {
    /// Updates the progress line on `screen`.
    pub(crate) fn event(&self, event: &Event, screen: &Screen) {
        if matches!(event, Event::Started { .. }) {
            // The limit of the task counts already, so this must not block.
            return;
        }
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.apply(event);
        let is_hidden = state.tasks_write || state.hooks_write && state.in_hook;
        if state.bar.next.is_some() || state.is_active && !is_hidden {
            screen.show(state.bar.clone());
        } else {
            screen.hide();
        }
    }
}

impl State {
    fn apply(&mut self, event: &Event) {
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
                    is_active: true,
                    tasks_write: alone && settings.log_dir.is_none(),
                    hooks_write: alone,
                    in_hook: false,
                };
            }
            Event::DrillStart { plan, .. } => {
                *self = State {
                    bar: Bar {
                        tasks: plan.tasks.len(),
                        try_num: 1,
                        ..Bar::default()
                    },
                    is_active: true,
                    ..State::default()
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
                if let Next::Chain(Consequence::Continue | Consequence::Pass)
                | Next::Drill(Reaction::Continue | Reaction::Finding | Reaction::Note) = next
                {
                    self.bar.done += 1;
                }
            }
            Event::HaltEnd { task, .. } => self.ends(task),
            Event::HookStart { .. } => self.in_hook = true,
            Event::HookEnd { .. } => self.in_hook = false,
            // Tasks write to stdout then.
            Event::NoLog { .. } => self.tasks_write = self.hooks_write,
            Event::Wait { time, before } => {
                let at = Instant::now().checked_add(*time);
                self.bar.next = at.map(|at| (before.as_str(), at));
            }
            Event::RunEnd { .. } | Event::DrillEnd { .. } => {
                self.is_active = false;
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
