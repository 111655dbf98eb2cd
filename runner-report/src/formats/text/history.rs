//! The history: one line for each start of the runner.

use runner_config::format_duration;

use super::{
    printable,
    table::{
        Align::{Left, Right},
        table,
    },
};
use crate::model::{
    end::RunReason,
    history::{History, RunSummary, RunnerStart},
    now::Now,
    run_header::RunState,
};

const TIME_FORMAT: &str = "%Y-%m-%d %H:%M";

/// Returns a line for each start of the runner.
pub fn history_text(history: &History, now: &Now) -> String {
    let starts = history.starts();
    let rows = starts.iter().map(|past| row(*past, now));
    table([Left, Left, Left, Right, Right, Left], rows)
}

fn row(past: RunnerStart, now: &Now) -> [String; 6] {
    match past {
        RunnerStart::Run(RunSummary { header, not_ok }) => {
            let names: Vec<String> = not_ok.iter().map(|name| printable(name)).collect();
            [
                printable(&header.run),
                now.local(header.started, TIME_FORMAT),
                state_label(header.state(now)),
                format!("try {}", header.try_num),
                format_duration(header.elapsed(now)),
                names.join(", "),
            ]
        }
        RunnerStart::Refused(refused) => [
            printable(&refused.run),
            now.local(refused.at, TIME_FORMAT),
            "refused".to_owned(),
            String::new(),
            String::new(),
            printable(&refused.reason),
        ],
    }
}

/// Returns a state in at most three words.
pub(super) fn state_label(state: RunState) -> String {
    match state {
        RunState::Running => "running".to_owned(),
        RunState::CutOff => "cut off".to_owned(),
        RunState::WentDown => "halted".to_owned(),
        RunState::Ended(end) => match &end.reason {
            RunReason::FinishedWithFailures => "with failures".to_owned(),
            reason => printable(reason.as_str()).replace('-', " "),
        },
    }
}
