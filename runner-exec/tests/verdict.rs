//! The verdict for an outcome of a task, and the JSON of the hook.

use std::collections::BTreeSet;

use runner_config::{Codes, MaxTries};
use runner_exec::{Outcome, Signal, StartFailure, TaskName, TaskResult, TaskStats, Verdict};

#[test]
fn only_exit_codes_can_mean_anything_but_retry() {
    let codes = Codes {
        ok: BTreeSet::from([0, 9]),
        skip: BTreeSet::from([10, 77]),
        halt: BTreeSet::from([2]),
        stop: BTreeSet::from([3]),
    };
    for code in 0..=255 {
        let expected = match code {
            0 | 9 => Verdict::Proceed,
            10 | 77 => Verdict::Skip,
            2 => Verdict::Halt,
            3 => Verdict::Stop,
            _ => Verdict::Retry,
        };
        assert_eq!(Verdict::of(&Outcome::Exited(code), &codes), expected);
    }
    let failure = StartFailure {
        reason: String::new(),
        hint: None,
    };
    for outcome in [
        Outcome::Signaled(Signal(2)),
        Outcome::TimedOut,
        Outcome::NotStarted(failure),
        Outcome::BadOutput(String::new()),
    ] {
        assert_eq!(Verdict::of(&outcome, &codes), Verdict::Retry);
    }
}

#[test]
fn the_members_of_the_json_are_these_in_this_order() {
    let name = TaskName::new("3-\"clobber\"\\\n\u{7f}é.sh");
    let stats = |result| TaskStats::new(&name, 1, MaxTries::OfTask(5), result).json();
    assert_eq!(
        stats(None),
        r#"{"task":"3-\"clobber\"\\\né.sh","try_num":1,"max_retries":5}"#.replace("né", "n\u{7f}é")
    );
    for (result, word) in [
        (TaskResult::Ok, "OK"),
        (TaskResult::Skip, "SKIP"),
        (TaskResult::Retry, "RETRY"),
        (TaskResult::Halt, "HALT"),
        (TaskResult::Exit, "EXIT"),
        (TaskResult::Interrupted, "INTERRUPTED"),
    ] {
        let end = format!(r#","max_retries":5,"result":"{word}"}}"#);
        assert!(stats(Some(result)).ends_with(&end));
        assert_eq!(result.as_str(), word);
    }
}
