//! What a wait waits for, by what the journal says.

use crate::{
    journal::record::{Entry, Record, RunEntry},
    model::{
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

/// The state of a wait. What was is read first, and [`Watch::begin`] makes of it what is
/// waited for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Watch {
    /// These runs have a start and no end, as far as the journal is read.
    Reading(Vec<Head>),
    /// No run goes on.
    Next,
    /// This one goes on.
    Run(Head),
    /// There is nothing to wait for any more.
    Over(Waited),
}

impl Watch {
    /// Takes over a record of the journal.
    pub(crate) fn take(&mut self, record: &Record) {
        match (&mut *self, &record.entry) {
            (Watch::Reading(open), Entry::Run(RunEntry::Start(_))) => open.push(begun(record)),
            (Watch::Reading(open), _) => {
                // It is nearly always the last one.
                if let Some(place) = open.iter().rposition(|head| head.run == record.run) {
                    open[place].take(record);
                    if open[place].end.is_some() {
                        open.remove(place);
                    }
                }
            }
            (Watch::Next, Entry::Run(RunEntry::Start(_))) => *self = Watch::Run(begun(record)),
            (Watch::Next, Entry::Run(RunEntry::Refused { status, reason })) => {
                *self = Watch::Over(Waited::Refused(*status, reason.clone()));
            }
            (Watch::Run(head), _) if head.run == record.run => {
                head.take(record);
                if let Some(end) = &head.end {
                    *self = Watch::Over(Waited::Ended(end.status));
                }
            }
            (Watch::Next | Watch::Run(_) | Watch::Over(_), _) => {}
        }
    }

    /// Begins to wait for the run that goes on now, the last one when there are several, or
    /// for the next one; `now` asks for the runners of those that have no end.
    pub(crate) fn begin(self, now: impl FnOnce(&[Head]) -> Now) -> Watch {
        let Watch::Reading(mut open) = self else {
            return self;
        };
        let now = now(&open);
        open.retain(|head| head.state(&now) == State::Running);
        open.pop().map_or(Watch::Next, Watch::Run)
    }
}

fn begun(record: &Record) -> Head {
    let mut head = Head::new(record);
    head.take(record);
    head
}

#[cfg(test)]
mod tests {
    use jiff::ZonedDateTime;

    use super::*;
    use crate::model::now::Process;

    /// Takes over records: the id of a run and `<` for a start, `!` for a refused one, or `>`
    /// for an end, with its place in the list as the status.
    fn take(watch: &mut Watch, records: &str) {
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
            watch.take(&Record::parse(&line).unwrap());
        }
    }

    /// Reads `before`, finds the processes of the runs `alive` alive, and reads `after`.
    fn waited(before: &str, alive: &[i32], after: &str) -> Option<Waited> {
        let mut watch = Watch::Reading(Vec::new());
        take(&mut watch, before);
        let start_time = None;
        watch = watch.begin(|_| Now {
            at: ZonedDateTime::now(),
            boot: String::new(),
            alive: alive
                .iter()
                .map(|&pid| Process { pid, start_time })
                .collect(),
        });
        take(&mut watch, after);
        match watch {
            Watch::Over(waited) => Some(waited),
            Watch::Reading(_) | Watch::Next | Watch::Run(_) => None,
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
