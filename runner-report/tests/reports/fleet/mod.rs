//! One answer about many machines.

mod boots;
mod formats;
mod hosts;
mod same_answer;
mod states;

use std::time::Duration;

use jiff::Timestamp;
use runner_report::{FleetAnswer, FleetCollector, FleetHost};

/// The present: two hours after the runs of most tests.
fn now() -> Timestamp {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

/// Lines of one boot of a host.
#[derive(Clone, Copy, Debug)]
struct Machine {
    host: &'static str,
    machine: &'static str,
    boot: &'static str,
}

const WEB1: Machine = Machine {
    host: "web1",
    machine: "m1",
    boot: "b1",
};

const WEB2: Machine = Machine {
    host: "web2",
    machine: "m2",
    boot: "b2",
};

impl Machine {
    fn boot(self, boot: &'static str) -> Machine {
        Machine { boot, ..self }
    }

    /// A line at this time: a time of day, or date and time.
    fn line(self, at: &str, run: &str, event: &str) -> String {
        let at = match at.len() {
            5 => format!("2026-11-24T{at}:00.000Z"),
            _ => format!("{at}:00.000Z"),
        };
        let boot = self.boot;
        format!(r#"{{"ts":"{at}","run":"{run}","boot":"{boot}","event":{event}}}"#) + "\n"
    }

    /// A start whose runner was started at this tick.
    fn start_at_tick(self, at: &str, run: &str, tick: u64) -> String {
        let Machine { host, machine, .. } = self;
        let event = format!(
            r#""run-start","version":1,"pid":7,"start_time":{tick},"taskdir":"/etc/tasks.d","tasks":2,"jobs":1,"max_tries":5,"host":"{host}","machine":"{machine}","runner_version":"0.2.0","fingerprint":"3f2a91c0b7de","plan":["1-a","2-b"]"#
        );
        self.line(at, run, &event)
    }

    fn start(self, at: &str, run: &str) -> String {
        let line = self.start_at_tick(at, run, 0);
        line.replace(r#""start_time":0,"#, "")
    }

    fn task(self, at: &str, run: &str, task: &str, try_num: u32, end: [&str; 2]) -> String {
        let [result, outcome] = end;
        let event = format!(
            r#""task-end","task":"{task}","try_num":{try_num},"result":"{result}","outcome":"{outcome}","elapsed":0.5"#
        );
        self.line(at, run, &event)
    }

    fn end(self, at: &str, run: &str, status: u8, reason: &str, task: Option<&str>) -> String {
        let task = task.map_or(String::new(), |task| format!(r#","task":"{task}""#));
        let event =
            format!(r#""run-end","status":{status},"reason":"{reason}","elapsed":1.5{task}"#);
        self.line(at, run, &event)
    }

    /// A run that finished.
    fn finished(self, at: &str, run: &str) -> String {
        self.start(at, run) + &self.end(at, run, 0, "finished", None)
    }

    /// A run that gave up, because of `1-a`.
    fn gave_up(self, at: &str, run: &str) -> String {
        self.start(at, run)
            + &self.task(at, run, "1-a", 1, ["RETRY", "exited:7"])
            + &self.end(at, run, 1, "gave-up", Some("1-a"))
    }

    fn refused(self, at: &str, run: &str, status: u8) -> String {
        let Machine { host, machine, .. } = self;
        let event = format!(
            r#""refused","status":{status},"reason":"no","host":"{host}","machine":"{machine}""#
        );
        self.line(at, run, &event)
    }
}

/// Returns the answer about journals, each with the name of its directory.
fn answer(journals: &[(&str, &str)]) -> FleetAnswer {
    answer_within(journals, &[], None)
}

fn answer_within(
    journals: &[(&str, &str)],
    expected: &[&str],
    within: Option<Duration>,
) -> FleetAnswer {
    let mut collector = FleetCollector::new(now());
    for (directory, text) in journals {
        collector.add_source((*directory).to_owned());
        for line in text.split_inclusive('\n') {
            collector.add_line(line);
        }
    }
    collector.finish(expected, within)
}

/// Names, states and last runs of hosts.
fn hosts(fleet: &FleetAnswer) -> Vec<String> {
    fleet.hosts.iter().map(summary).collect()
}

fn summary(host: &FleetHost) -> String {
    let machine = host.machine.as_deref().unwrap_or("-");
    let run = host.last.as_ref().map_or("-", |last| &*last.run);
    let FleetHost { name, state, .. } = host;
    format!("{name} {machine} {} {run}", state.as_str())
}

/// Asserts the state of the only host of a journal.
#[track_caller]
fn assert_state(text: &str, expected: &str) {
    let fleet = answer(&[("somewhere", text)]);
    assert_eq!(hosts(&fleet), [format!("web1 m1 {expected}")], "{text}");
}
