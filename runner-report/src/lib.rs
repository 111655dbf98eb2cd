//! The journal of runs, and reports of it.
//!
//! [`JournalWriter`] writes events to the journal, and [`read_journal()`] reads its records.
//! [`RunFinder`], [`History`] and [`StatisticsBuilder`] build values from them, which the functions
//! of [`FORMATS`] show. [`Now`] shows if a run without an end is running. [`FleetCollector`] reads
//! the journals of many machines.

mod fleet;
mod formats;
mod journal;
mod model;
mod wait;

pub use crate::{
    fleet::{
        allowance::Allowance,
        answer::FleetAnswer,
        collector::FleetCollector,
        host::{FleetHost, LastStart},
        host_state::HostState,
    },
    formats::{
        FORMATS, Format,
        html::{run_html, run_svg},
        json::{fleet_json, history_json, run_json, tasks_json},
        junit::run_junit,
        md::run_md,
        text::{fleet_text, history_text, run_text, tasks_text},
    },
    journal::{
        append::JournalFile,
        follow::JournalFollower,
        glance::Glance,
        reader::{Author, read_journal},
        record::{
            HaltEntry, HookEntry, JournalEntry, Record, RunEntry, RunSetup, SCHEMA_VERSION,
            TaskEntry, TryEntry,
        },
        writer::{JournalError, JournalWriter, add_refusal},
    },
    model::{
        end::{AnyOutcome, RunReason},
        history::{History, RunSummary, RunnerStart},
        now::{Now, RunnerProcess},
        past::{Past, PastCollector},
        run_details::{HaltTask, RetryWait, RunDetails, TaskEnd, TaskHistory, TaskStart},
        run_finder::{FoundRun, Refusals, RefusedStart, RunFinder},
        run_header::{RunEnd, RunHeader, RunState},
        run_selector::RunSelector,
        task_statistics::{StatisticsBuilder, TaskStatistics},
        timeline::Timeline,
    },
    wait::{
        wait_for_run_end,
        watch::{WaitEnd, WaitState},
    },
};
