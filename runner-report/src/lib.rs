//! What is remembered of runs: events in, the journal and reports of it out.
//!
//! [`Journal`] writes it. [`read()`] hands over its records; [`Select`], [`Gather`] and
//! [`Tasks`] each make something of them, [`Now`] says what has become of runs without an
//! end, and the texts and the JSON show it. [`wait()`] waits for what is not written yet.

mod alive;
mod file;
mod follow;
mod from_event;
mod head;
mod history;
mod journal;
mod json;
mod now;
mod reader;
mod record;
mod run;
mod runs;
mod select;
mod tasks;
mod text;
mod wait;
mod watch;

pub use crate::{
    file::JOURNAL,
    head::{Head, RunEnd, State},
    history::{Gather, History, Past, Summary},
    journal::{Journal, refused},
    json::{history_json, run_json, tasks_json},
    now::{Now, Process},
    reader::read,
    record::{Entry, Record, Text, VERSION},
    run::{Halt, Run, Setup, Start, Task, TaskEnd, Wait},
    select::{Found, Refusals, Refused, Select, Which},
    tasks::{TaskNumbers, Tasks, Times},
    text::{history_text, run_text, tasks_text},
    wait::wait,
    watch::Waited,
};
