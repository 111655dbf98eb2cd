//! What left the group of a task and was orphaned: the runner is its reaper, so it
//! is a child of ours now.
//!
//! Whose orphan it is, its environment says: the runner's own variables tell the
//! processes of one start from those of all others. Daemons of earlier tasks stay. What
//! cannot be told apart is left alone and named, so that nothing is left in silence.

use std::{
    collections::{HashMap, HashSet},
    mem,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

// rustix knows no session that was begun outside of the PID namespace, which has the number 0.
use nix::unistd::getsid;
use rustix::process::Pid;

use super::{
    Cancel, Children, Limits,
    group::{RUNNABLE_TIMEOUT, SETTLE},
    pid::{is_running, reap, request_end, watch},
    poll::{Countdown, from_now, wait_readable},
    proc::{self, Process, processes, variables},
};
use crate::{
    process::{command::CommandLine, outcome::Signal},
    run::environment::COOKIE,
};

/// Time until the next look at orphans that cannot be waited for: a process that is about to
/// start a program has no environment for a moment, and one that forks and ends all the time
/// has to be met while it lives.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// Time after which a process without environment is not one that is about to start a program.
const MAX_EXEC_TIME: Duration = Duration::from_millis(50);

/// Origin of an orphan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lineage {
    /// From this start.
    Ours,
    /// From another one.
    Foreign,
    /// Neither its environment nor its age tells: that is not ours to read, was emptied, or is
    /// that of another runner, which may have been a task of ours or a run before.
    Unknown,
}

/// Ends the orphans of one start, and what they orphan in turn, as a group is ended: with a
/// signal, and with SIGKILL after the grace.
pub(crate) struct Sweep<'a> {
    /// What the environment of ours says.
    cookie: [Option<Vec<u8>>; COOKIE.len()],
    /// When the leader started, and its number, since the time is coarse; `None` when
    /// other tasks run beside it, so that the time says nothing.
    since: Option<(u64, i32)>,
    cancel: &'a Cancel,
    signal: Signal,
    grace: Duration,
    /// The grace of those that were signaled together with the group.
    countdown: Countdown,
    /// `true` if no other task can have orphaned what started after the leader.
    alone: bool,
    /// Number, start and life of what was there at the look before, and when it was seen first.
    seen: HashMap<(i32, u64, bool), Instant>,
    /// Number and start of what is ours.
    known: HashSet<(i32, u64)>,
    /// Processes, and groups by their negative number, that got the signal, which they get once.
    asked: HashSet<i32>,
}

/// Result of one look at the orphans.
#[derive(Default)]
struct Look {
    /// Ours, and alive.
    ours: Vec<Process>,
    /// Alive, and nobody knows whose.
    unknown: Vec<Process>,
    /// Come or died just now. What has died may have forked just before, and what is about to
    /// start a program has no environment for a moment.
    fresh: Vec<Process>,
}

impl<'a> Sweep<'a> {
    /// Sends `signal` to the orphans of what `command` started as `leader`, which is not reaped:
    /// their grace is that of the group. `cancel` can cut it short.
    pub(crate) fn start(
        command: &CommandLine,
        leader: Pid,
        limits: &Limits,
        signal: Signal,
        cancel: &'a Cancel,
    ) -> Sweep<'a> {
        let value = |name: &str| {
            let (_, value) = command.env.iter().rfind(|(set, _)| set == name)?;
            Some(value.as_ref()?.as_encoded_bytes().to_owned())
        };
        let leader = Process::read(leader.as_raw_pid()).filter(|_| limits.alone);
        let grace = limits.kill_grace;
        let mut sweep = Sweep {
            cookie: COOKIE.map(value),
            since: leader.map(|leader| (leader.started, leader.pid)),
            cancel,
            signal,
            grace,
            countdown: Countdown::start(Some(grace), cancel.only_killed()),
            // To process 1 come all orphans there are.
            alone: std::process::id() != 1,
            seen: HashMap::new(),
            known: HashSet::new(),
            asked: HashSet::new(),
        };
        if !cancel.killed() {
            sweep.look(Some(signal));
        }
        sweep
    }

    /// Sees to their end, when the group has ended. Returns those that may be its own and are
    /// left alone, since that cannot be known, and its own that survived SIGKILL.
    pub(crate) fn finish(mut self) -> (Vec<Process>, Vec<Process>) {
        let (cancel, signal) = (self.cancel, self.signal);
        if !cancel.killed() {
            let asked = self.asked.len();
            // What is new is asked later, if it turns out to be ours.
            let is_all_asked = self.look(Some(signal)).fresh.is_empty();
            let mut countdown = Countdown::start(Some(self.grace), cancel.only_killed());
            if is_all_asked && self.asked.len() == asked {
                mem::swap(&mut countdown, &mut self.countdown);
            }
            if let Some(unknown) = self.end(signal, &countdown) {
                return (unknown, Vec::new());
            }
        }
        for time in [self.grace.max(SETTLE), RUNNABLE_TIMEOUT] {
            let countdown = Countdown::start(Some(time), cancel.never());
            if let Some(unknown) = self.end(Signal::KILL, &countdown) {
                return (unknown, Vec::new());
            }
            // On a busy machine they are ended as soon as they run.
            if !self
                .look(None)
                .ours
                .iter()
                .all(|orphan| orphan.state == 'R')
            {
                break;
            }
        }
        wait_readable(&[], from_now(LOOK_INTERVAL));
        let look = self.look(None);
        ([look.unknown, look.fresh].concat(), look.ours)
    }

    /// Sends `signal` to all that is ours until there is nothing any more or `time` is over.
    /// Returns the others, or `None` when some of ours is left.
    fn end(&mut self, signal: Signal, time: &Countdown) -> Option<Vec<Process>> {
        let mut is_over = false;
        let mut last_ours = Instant::now();
        loop {
            let look = self.look(Some(signal));
            if look.ours.is_empty() && look.fresh.is_empty() {
                return Some(look.unknown);
            }
            if !look.ours.is_empty() {
                last_ours = Instant::now();
            } else if last_ours.elapsed() >= SETTLE {
                // One that forks all the time and is never met alive. It is not ended, but
                // it is named.
                return Some([look.unknown, look.fresh].concat());
            }
            if is_over {
                return None;
            }
            let ends: Vec<OwnedFd> = look.ours.iter().filter_map(watch).collect();
            let is_watched = look.fresh.is_empty() && ends.len() == look.ours.len();
            let next = from_now(LOOK_INTERVAL).filter(|_| !is_watched);
            is_over = !time.wait_for_ends(ends, next);
            look.ours.iter().for_each(|orphan| reap(orphan.pid));
            self.cancel.children.reap_orphans();
        }
    }

    /// Looks at all orphans there are, and sends `signal` to those that are ours.
    fn look(&mut self, signal: Option<Signal>) -> Look {
        // While something seems to be started nobody else reaps: who has died is seen,
        // and numbers stay whose they are.
        let _unreaped = self.cancel.children.starting();
        let mut look = Look::default();
        let mut unknown = Vec::new();
        let mut seen = HashMap::new();
        // One that forks and ends all the time is gone before the others are looked at, so
        // the youngest comes first, and is signaled at once.
        for pid in orphans(&self.cancel.children) {
            // One that lives although `/proc` does not show it is hidden.
            let hidden = || is_running(pid).then(|| Process::hidden(pid));
            let Some(orphan) = Process::read(pid).or_else(hidden) else {
                continue;
            };
            let now = (orphan.pid, orphan.started, orphan.lives());
            let first_seen = self.seen.get(&now).copied().unwrap_or_else(Instant::now);
            let is_fresh = first_seen.elapsed() < MAX_EXEC_TIME && !self.is_known(&orphan);
            seen.insert(now, first_seen);
            match self.lineage(&orphan) {
                Lineage::Ours => self.signal(orphan, signal, &mut look),
                // A daemon of an earlier task may orphan others.
                Lineage::Foreign => self.alone &= !orphan.lives(),
                Lineage::Unknown if is_fresh => look.fresh.push(orphan),
                Lineage::Unknown if orphan.lives() => unknown.push(orphan),
                Lineage::Unknown => {}
            }
        }
        self.seen = seen;
        for orphan in unknown {
            // When it started says whose it is only where nobody else can have
            // orphaned it; of a hidden one not even that is known.
            let has_age = self.since.is_some() && orphan.state != Process::UNKNOWN_STATE;
            if self.alone && has_age || self.is_known(&orphan) {
                self.signal(orphan, signal, &mut look);
            } else {
                look.unknown.push(orphan);
            }
        }
        look
    }

    fn lineage(&self, orphan: &Process) -> Lineage {
        // A dead process has no environment any more, and of a hidden one nothing is known.
        let cookie = variables(orphan.pid, COOKIE).filter(|_| orphan.lives());
        let cookie = cookie.unwrap_or_default();
        let is_older = |since| orphan.started > 0 && (orphan.started, orphan.pid) <= since;
        if cookie == self.cookie {
            Lineage::Ours
        } else if cookie[0] == self.cookie[0] || self.since.is_some_and(is_older) {
            Lineage::Foreign
        } else {
            Lineage::Unknown
        }
    }

    fn is_known(&self, orphan: &Process) -> bool {
        self.known.contains(&(orphan.pid, orphan.started))
    }

    /// Sends `signal` to one of ours, once unless it is SIGKILL.
    fn signal(&mut self, orphan: Process, signal: Option<Signal>, look: &mut Look) {
        // One that forks and ends all the time is gone before it is signaled. Its group is
        // not, and nobody from outside its session can have joined that.
        let own_session = getsid(None).map_or(0, |session| session.as_raw());
        let has_group = orphan.group > 1 && orphan.session != own_session;
        let number = if has_group { -orphan.group } else { orphan.pid };
        if let Some(signal) = signal
            && (self.asked.insert(number) || signal == Signal::KILL)
        {
            // It is a child of ours that nobody reaps now, so its numbers are its own.
            request_end(number, signal);
        }
        self.known.insert((orphan.pid, orphan.started));
        look.ours.push(orphan);
    }
}

/// The children of this process that no task was started as, the youngest first.
fn orphans(children: &Children) -> Vec<i32> {
    let me = std::process::id() as i32;
    let mut orphans = proc::adopted().unwrap_or_else(|_| {
        // A kernel without such lists. Something that is being started may be among them.
        let all = processes().unwrap_or_default().into_iter();
        all.filter(|process| process.parent == me)
            .map(|child| child.pid)
            .collect()
    });
    orphans.retain(|&pid| !children.has(pid));
    orphans.reverse();
    orphans
}
