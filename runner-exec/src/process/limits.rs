//! The limits of a process.

use std::time::Duration;

use runner_config::{Leftovers, TaskSettings};

use super::group::MIN_KILL_TIMEOUT;

/// Limits of a process, and the treatment of processes that it leaves.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time limit; `None` = no limit.
    pub time: Option<TimeLimit>,
    /// Time between SIGTERM and SIGKILL.
    pub kill_grace: Duration,
    /// Timeout for processes that it leaves in its group.
    pub leak_time: Duration,
    /// Treatment of processes that are left after that.
    pub leftovers: Leftovers,
    /// No other task or hook runs at the same time.
    pub alone: bool,
}

/// A time limit, and the setting that it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimit {
    /// The time.
    pub time: Duration,
    /// The setting.
    pub setting: LimitSetting,
}

/// A setting that limits the time of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitSetting {
    /// The limit of a task.
    MaxTime,
    /// The limit of a hook.
    HookTime,
    /// The limit of a hook after a signal.
    KillGrace,
    /// The limit of the whole run.
    MaxRunTime,
}

impl LimitSetting {
    /// Parses the name of a setting.
    pub fn parse(name: &str) -> Option<LimitSetting> {
        use LimitSetting::{HookTime, KillGrace, MaxRunTime, MaxTime};
        let mut settings = [MaxTime, HookTime, KillGrace, MaxRunTime].into_iter();
        settings.find(|setting| setting.as_str() == name)
    }

    /// Returns the name of the setting.
    pub fn as_str(self) -> &'static str {
        match self {
            LimitSetting::MaxTime => "max_time",
            LimitSetting::HookTime => "hook_time",
            LimitSetting::KillGrace => "kill_grace",
            LimitSetting::MaxRunTime => "max_run_time",
        }
    }

    /// Returns the limit of this setting, if `time` is one.
    pub fn of(self, time: Option<Duration>) -> Option<TimeLimit> {
        let setting = self;
        time.map(|time| TimeLimit { time, setting })
    }
}

impl Limits {
    /// Returns the limits of a task.
    pub fn of_task(settings: &TaskSettings, alone: bool) -> Limits {
        Limits {
            time: LimitSetting::MaxTime.of(settings.max_time),
            kill_grace: settings.kill_grace,
            leak_time: settings.leak_time,
            leftovers: settings.leftovers,
            alone,
        }
    }

    /// Returns the limits of a hook.
    pub fn of_hook(settings: &TaskSettings, alone: bool) -> Limits {
        Limits {
            time: LimitSetting::HookTime.of(settings.hook_time),
            ..Limits::of_task(settings, alone)
        }
    }

    /// Returns the limits with `limit` as the time limit, if it is earlier.
    pub(crate) fn within(mut self, limit: Option<TimeLimit>) -> Limits {
        let is_earlier = |limit: &TimeLimit| self.time.is_none_or(|own| limit.time < own.time);
        self.time = limit.filter(is_earlier).or(self.time);
        self
    }

    /// Returns the maximum time until everything of it that can be ended has ended; `None`
    /// without a limit.
    pub fn longest(&self) -> Option<Duration> {
        Some(self.time?.time.saturating_add(self.after_limit()))
    }

    /// Returns the maximum time between its time limit, or its end, and the end of everything of it
    /// that can be ended.
    pub(crate) fn after_limit(&self) -> Duration {
        let grace = self.kill_grace;
        let end = grace.saturating_add(grace.max(MIN_KILL_TIMEOUT));
        // Twice: for the group, and then for what it orphaned.
        self.leak_time.saturating_add(end.saturating_mul(2))
    }
}
