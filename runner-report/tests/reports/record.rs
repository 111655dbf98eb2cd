//! Lines of the journal: writing and reading.

use jiff::Timestamp;
use proptest::{collection::vec, option, prelude::*};
use runner_exec::{Outcome, Signal, StartFailure};
use runner_report::{
    HaltEntry, HookEntry, JournalEntry, Record, RunEntry, RunReason, RunSetup, TaskEntry, TryEntry,
};

fn text() -> impl Strategy<Value = String> {
    r#"(\PC|\pC|["\\]){0,20}"#
}

/// Seconds up to 30 years, rounded to the microsecond as by the writer. serde_json does not
/// read more digits exactly.
fn seconds() -> impl Strategy<Value = f64> {
    let micros = prop_oneof![0..10_000_000_u64, 0..10_u64.pow(15)];
    micros.prop_map(|micros| (micros as f64).round() / 1e6)
}

fn reason() -> impl Strategy<Value = RunReason> {
    prop_oneof![
        Just(RunReason::Finished),
        Just(RunReason::FinishedWithFailures),
        Just(RunReason::HaltsUsedUp),
        text().prop_map(RunReason::Other),
    ]
}

fn run() -> impl Strategy<Value = RunEntry> {
    let (number, flag) = (any::<u32>, any::<u8>);
    let setup = (
        (number(), any::<i32>(), option::of(any::<u64>()), text()),
        (any::<usize>(), any::<usize>(), number(), vec(text(), 0..3)),
        (text(), text(), text(), text(), vec(text(), 0..3)),
    );
    let setup = setup.prop_map(|(process, counts, machine)| {
        let (version, pid, start_time, taskdir) = process;
        let (tasks, jobs, max_tries, done) = counts;
        let (host, machine, runner_version, fingerprint, plan) = machine;
        RunSetup {
            version,
            pid,
            start_time,
            taskdir,
            tasks,
            jobs,
            max_tries,
            done,
            host,
            machine,
            runner_version,
            fingerprint,
            plan,
        }
    });
    let end = (
        (flag(), reason(), seconds(), option::of(text())),
        [(); 3].map(|()| option::of(number())),
        vec(text(), 0..3),
    );
    let end = end.prop_map(|(end, [tries, failures, max_tries], not_reached)| {
        let (status, reason, elapsed, task) = end;
        RunEntry::End {
            status,
            reason,
            elapsed,
            task,
            tries,
            failures,
            max_tries,
            not_reached,
        }
    });
    prop_oneof![
        setup.prop_map(RunEntry::Start),
        text().prop_map(|phase| RunEntry::HookStart { phase }),
        (text(), text(), seconds()).prop_map(|(phase, outcome, elapsed)| RunEntry::HookEnd {
            phase,
            outcome,
            elapsed,
        }),
        end,
        (flag(), text(), text(), text()).prop_map(|(status, reason, host, machine)| {
            RunEntry::Refused {
                status,
                reason,
                host,
                machine,
            }
        }),
    ]
}

fn hook() -> impl Strategy<Value = HookEntry> {
    prop_oneof![
        (text(), text()).prop_map(|(task, phase)| HookEntry::Start { task, phase }),
        (text(), text(), text(), seconds()).prop_map(|(task, phase, outcome, elapsed)| {
            HookEntry::End {
                task,
                phase,
                outcome,
                elapsed,
            }
        }),
    ]
}

fn task() -> impl Strategy<Value = TaskEntry> {
    let start = (text(), any::<u32>(), any::<i32>());
    let end = (
        (text(), text(), text(), any::<u32>(), seconds()),
        (
            option::of(seconds()),
            option::of(text()),
            option::of(text()),
            option::of(text()),
            vec(text(), 0..3),
            option::of(any::<bool>()),
        ),
    );
    prop_oneof![
        start.prop_map(|(task, try_num, pid)| TaskEntry::Start { task, try_num, pid }),
        end.prop_map(
            |(
                (task, result, outcome, try_num, elapsed),
                (limit, limited_by, why, output, outputs, required),
            )| {
                TaskEntry::End {
                    task,
                    try_num,
                    result,
                    outcome,
                    elapsed,
                    limit,
                    limited_by,
                    why,
                    output,
                    outputs,
                    required,
                }
            }
        ),
    ]
}

fn entry() -> impl Strategy<Value = JournalEntry> {
    let try_start = (
        any::<u32>(),
        option::of(any::<i32>()),
        option::of(any::<u64>()),
    );
    let wait = (seconds(), text());
    let halt_end = (text(), text(), seconds());
    prop_oneof![
        run().prop_map(JournalEntry::Run),
        try_start.prop_map(|(try_num, pid, start_time)| {
            JournalEntry::Try(TryEntry::Start {
                try_num,
                pid,
                start_time,
            })
        }),
        wait.prop_map(|(seconds, before)| JournalEntry::Try(TryEntry::Wait { seconds, before })),
        hook().prop_map(JournalEntry::Hook),
        task().prop_map(JournalEntry::Task),
        (text(), text())
            .prop_map(|(task, reason)| JournalEntry::Halt(HaltEntry::Start { task, reason })),
        halt_end.prop_map(|(task, outcome, elapsed)| {
            JournalEntry::Halt(HaltEntry::End {
                task,
                outcome,
                elapsed,
            })
        }),
    ]
}

/// A record of any event.
pub(crate) fn record() -> impl Strategy<Value = Record> {
    let parts = (0..10_i64.pow(13), text(), text(), entry());
    parts.prop_map(|(millis, run, boot, entry)| {
        let ts = Timestamp::from_millisecond(millis).unwrap();
        Record {
            ts,
            run,
            boot,
            entry,
        }
    })
}

proptest! {
    #[test]
    fn a_line_is_read_as_it_was_written(record in record()) {
        // Fails to compile for a new event, which then has to be added to `entry()` as well.
        match &record.entry {
            JournalEntry::Run(RunEntry::Start(_) | RunEntry::End { .. } | RunEntry::Refused { .. })
            | JournalEntry::Run(RunEntry::HookStart { .. } | RunEntry::HookEnd { .. })
            | JournalEntry::Try(TryEntry::Start { .. } | TryEntry::Wait { .. })
            | JournalEntry::Hook(HookEntry::Start { .. } | HookEntry::End { .. })
            | JournalEntry::Task(TaskEntry::Start { .. } | TaskEntry::End { .. })
            | JournalEntry::Halt(HaltEntry::Start { .. } | HaltEntry::End { .. }) => {}
            JournalEntry::Unknown => unreachable!("`entry()` does not produce it"),
        }
        let line = record.to_line();
        prop_assert_eq!(line.find('\n'), Some(line.len() - 1));
        prop_assert_eq!(Record::parse(&line).unwrap(), record);
    }

    #[test]
    fn a_time_is_read_as_jiff_reads_it(
        text in r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\.[0-9]{3}Z",
        at in 0..24_usize,
        other in "[-:/zé]?",
        changes in any::<bool>(),
    ) {
        let mut text = text;
        if changes {
            text.replace_range(at..=at, &other);
        }
        let line = format!(r#"{{"ts":"{text}","run":"r","boot":"b","event":"later"}}"#);
        let read = Record::parse(&line).ok().map(|record| record.ts);
        prop_assert_eq!(read, text.parse().ok(), "{}", text);
    }
}

#[test]
fn a_line_of_each_event_is_written_as_before() {
    for event in [
        r#""run-start","version":1,"pid":7,"taskdir":"/t","tasks":3,"jobs":2,"max_tries":0,"host":"h","machine":"","runner_version":"9","fingerprint":"f","plan":["1-a"]"#,
        r#""run-start","version":1,"pid":7,"start_time":9,"taskdir":"/t","tasks":3,"jobs":1,"max_tries":5,"done":["1-a"],"host":"h","machine":"m","runner_version":"9","fingerprint":"f","plan":[]"#,
        r#""run-hook-start","phase":"start""#,
        r#""run-hook-end","phase":"end","outcome":"exited:0","elapsed":0.25"#,
        r#""try-start","try_num":2"#,
        r#""try-start","try_num":2,"pid":7,"start_time":9"#,
        r#""hook-start","task":"1-a","phase":"pre""#,
        r#""hook-end","task":"1-a","phase":"post","outcome":"exited:0","elapsed":0.25"#,
        r#""task-start","task":"1-a","try_num":1,"pid":9"#,
        r#""task-end","task":"1-a","try_num":1,"result":"OK","outcome":"exited:0","elapsed":1.0"#,
        r#""task-end","task":"1-a","try_num":1,"result":"RETRY","outcome":"not-started","elapsed":0.0,"limit":1.5,"why":"y","output":"/o","outputs":["A","B"],"required":false"#,
        r#""wait","seconds":2.5,"before":"run""#,
        r#""halt-start","task":"h","reason":"gave-up""#,
        r#""halt-end","task":"h","outcome":"signaled:SIGTERM","elapsed":1e-6"#,
        r#""run-end","status":4,"reason":"finished-with-failures","elapsed":0.5"#,
        r#""run-end","status":1,"reason":"gave-up","elapsed":0.5,"task":"1-a","tries":2,"max_tries":3,"not_reached":["2-b"]"#,
        r#""run-end","status":1,"reason":"gave-up","elapsed":0.5,"task":"1-a","failures":3,"max_tries":3"#,
        r#""refused","status":78,"reason":"it is \u202e wrong","host":"h","machine":"m""#,
    ] {
        let line = format!(
            "{{\"ts\":\"2026-11-24T14:01:03.120Z\",\"run\":\"r\",\"boot\":\"b\",\"event\":{event}}}\n"
        );
        assert_eq!(Record::parse(&line).unwrap().to_line(), line);
    }
}

#[test]
fn an_outcome_is_read_as_it_was_written_and_other_words_are_not_outcomes() {
    let failure = StartFailure {
        reason: "why".to_owned(),
        hint: None,
    };
    let exited = (0..=255).map(Outcome::Exited);
    let signaled = (0..=64).map(|signal| Outcome::Signaled(Signal(signal)));
    let others = [
        Outcome::TimedOut,
        Outcome::NotStarted(failure),
        Outcome::BadOutput("why".to_owned()),
    ];
    for outcome in exited.chain(signaled).chain(others) {
        assert_eq!(Outcome::parse(&outcome.to_string(), "why"), Some(outcome));
    }
    for later in [
        "",
        "exited",
        "exited:256",
        "exited:+1",
        "exited:007",
        "signaled:15",
        "signaled:SIG15",
        "signaled:SIGDREAM",
        "timed-out:1",
        "not-started: no",
        "dreamt:1",
    ] {
        assert_eq!(Outcome::parse(later, "why"), None, "{later}");
    }
}

#[test]
fn a_run_of_version_0_1_has_no_machine_and_no_plan() {
    let line = r#"{"ts":"2026-11-24T14:01:03.120Z","run":"r","boot":"b","event":"run-start","version":1,"pid":7,"taskdir":"/t","tasks":3,"jobs":2,"max_tries":5}"#;
    let setup = RunSetup {
        version: 1,
        pid: 7,
        taskdir: "/t".into(),
        tasks: 3,
        jobs: 2,
        max_tries: 5,
        ..RunSetup::default()
    };
    let expected = JournalEntry::Run(RunEntry::Start(setup));
    assert_eq!(Record::parse(line).unwrap().entry, expected);
}

#[test]
fn additions_of_a_later_version_are_ignored() {
    let line = r#"{"ts":"2026-11-24T14:01:03.120Z","new":[1,{"a":null}],"run":"r","boot":"b","event":"try-start","try_num":2,"more":true}"#;
    let record = Record::parse(line).unwrap();
    assert_eq!(
        record.entry,
        JournalEntry::Try(TryEntry::Start {
            try_num: 2,
            pid: None,
            start_time: None,
        })
    );
    let known =
        r#"{"ts":"2026-11-24T14:01:03.120Z","run":"r","boot":"b","event":"try-start","try_num":2}"#;
    assert_eq!(record.to_line(), format!("{known}\n"));
    let line = r#"{"ts":"2026-11-24T14:01:03.120Z","run":"r","event":"task-dreamt","task":1}"#;
    let record = Record::parse(line).unwrap();
    assert_eq!((record.entry, &*record.boot), (JournalEntry::Unknown, ""));
}

#[test]
fn a_line_that_is_not_an_object_is_not_a_record() {
    let members = r#""ts":"2026-11-24T06:00:00.000Z","run":"r1","boot":"b","event":"later""#;
    assert!(Record::parse(&format!(" {{{members}}}\n")).is_ok());
    for line in [
        r#"["2026-11-24T06:00:00.000Z","r1","b","later"]"#,
        "7",
        "",
        "null",
    ] {
        assert!(Record::parse(line).is_err(), "{line}");
    }
}

#[test]
fn a_line_with_members_in_another_order_is_the_same_record() {
    let ts = r#""ts":"2026-11-24T14:01:03.120Z""#;
    let task = r#""event":"task-start","task":"1-a","try_num":1,"pid":9"#;
    let parse = |members: &[&str]| Record::parse(&format!("{{{}}}", members.join(",")));
    let record = parse(&[ts, r#""run":"r","boot":"b""#, task]).unwrap();
    for members in [
        [task, ts, r#""run":"r","boot":"b""#],
        [ts, task, r#""run":"\u0072","boot":"b""#],
        [r#""boot":"b","run":"r""#, ts, task],
    ] {
        assert_eq!(parse(&members).unwrap(), record, "{members:?}");
    }
    for twice in [ts, r#""run":"r""#, r#""boot":"b""#, r#""event":"wait""#] {
        let members = [ts, r#""run":"r","boot":"b""#, task, twice];
        assert!(parse(&members).is_err(), "{twice}");
    }
}
