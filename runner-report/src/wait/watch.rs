//! What a wait waits for, by what the journal says.

use crate::{
    journal::record::{Entry, Record, RunEntry},
    model::{
        history::History,
        now::Now,
        run_header::{Head, State},
    },
};

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The run ended with this exit status.
    Ended(u8),
    /// The next run was refused, with this exit status and for this reason.
    Refused(u8, String),
    /// The runner of the run of this id is gone, and has not said how it ended.
    CutOff(String),
    /// The runner of the run of this id is gone, and its halt task had started.
    WentDown(String),
    /// The time is up.
    TimeUp,
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Watch {
    /// The next run.
    Next,
    /// The end of this one.
    Run(Head),
    /// Nothing any more.
    Over(Waited),
}

impl Watch {
    /// Begins to wait for the run that goes on, the last one when there are several, or for
    /// the next one.
    pub(crate) fn new(history: &History, now: &Now) -> Watch {
        let running = history
            .open()
            .filter(|head| head.state(now) == State::Running);
        running.last().cloned().map_or(Watch::Next, Watch::Run)
    }

    /// Takes over a record that was written since.
    pub(crate) fn take(&mut self, record: &Record) {
        match self {
            Watch::Next => match &record.entry {
                Entry::Run(RunEntry::Start(_)) => {
                    let mut head = Head::new(record);
                    head.take(record);
                    *self = Watch::Run(head);
                }
                Entry::Run(RunEntry::Refused { status, reason }) => {
                    *self = Watch::Over(Waited::Refused(*status, reason.clone()));
                }
                _ => {}
            },
            Watch::Run(head) if head.run == record.run => {
                head.take(record);
                if let Some(end) = &head.end {
                    *self = Watch::Over(Waited::Ended(end.status));
                }
            }
            Watch::Run(_) | Watch::Over(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::ZonedDateTime;

    use super::*;
    use crate::model::now::Process;

    /// Makes records: the id of a run and `<` for a start, `!` for a refused one, or `>`
    /// for an end, with its place in the list as the status.
    fn each(records: &str, mut take: impl FnMut(&Record)) {
        for (status, text) in records.split_whitespace().enumerate() {
            let (run, what) = text.split_at(text.len() - 1);
            let event = match what {
                "<" => format!(
                    r#""run-start","version":1,"pid":{run},"taskdir":"","tasks":1,"jobs":1,"max_tries":1"#
                ),
                "!" => format!(r#""refused","status":{status},"reason":"why""#),
                _ => format!(r#""run-end","status":{status},"reason":"","elapsed":0"#),
            };
            let line = format!(r#"{{"ts":"1970-01-01T00:00:00Z","run":"{run}","event":{event}}}"#);
            take(&Record::parse(&line).unwrap());
        }
    }

    /// Reads `before`, finds the processes of the runs `alive` alive, and reads `after`.
    fn waited(before: &str, alive: &[i32], after: &str) -> Option<Waited> {
        let mut history = History::default();
        each(before, |record| history.take(record));
        let start_time = None;
        let process = |&pid| Process { pid, start_time };
        let now = Now {
            at: ZonedDateTime::now(),
            boot: String::new(),
            alive: alive.iter().map(process).collect(),
        };
        let mut watch = Watch::new(&history, &now);
        each(after, |record| watch.take(record));
        match watch {
            Watch::Over(waited) => Some(waited),
            Watch::Next | Watch::Run(_) => None,
        }
    }

    #[test]
    fn the_present_run_is_waited_for_or_else_the_next_one() {
        let ended = |status| Some(Waited::Ended(status));
        let refused = |status| Some(Waited::Refused(status, "why".to_owned()));
        for (before, alive, after, expected) in [
            ("1<", &[1][..], "1>", ended(0)),
            ("1<", &[1], "2< 2! 2> 1>", ended(3)),
            ("1<", &[1], "1> 2< 2>", ended(0)),
            ("1<", &[1], "2< 2>", None),
            ("1< 2<", &[1, 2], "1> 2>", ended(1)),
            ("1< 2<", &[1], "2> 1>", ended(1)),
            ("1< 2< 1>", &[1, 2], "2>", ended(0)),
            ("", &[], "1< 1>", ended(1)),
            ("", &[], "1> 2<", None),
            ("1<", &[], "1> 2< 2>", ended(2)),
            ("1< 1>", &[1], "2< 2>", ended(1)),
            ("1!", &[], "", None),
            ("1!", &[], "2!", refused(0)),
            ("", &[], "2< 3!", None),
        ] {
            let found = waited(before, alive, after);
            assert_eq!(found, expected, "{before} {alive:?} {after}");
        }
    }
}
