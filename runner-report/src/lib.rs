//! What is remembered of runs: events in, the journal and reports of it out.
//!
//! [`Journal`] writes it. [`read()`] hands over its records; [`Select`], [`Gather`] and
//! [`Tasks`] each make something of them, a [`Run`] or a [`Timeline`] for one, [`Now`] says what has become of runs without an
//! end, and the texts and the JSON show it. [`wait()`] waits for what is not written yet.

mod alive;
mod end;
mod file;
mod follow;
mod from_event;
mod head;
mod history;
mod journal;
mod json;
mod junit;
mod now;
mod page;
mod reader;
mod record;
mod run;
mod runs;
mod select;
mod tasks;
mod text;
mod timeline;
mod wait;
mod watch;

pub use crate::{
    end::{Ending, RunReason},
    file::JOURNAL,
    head::{Head, RunEnd, State},
    history::{Gather, History, Past, Summary},
    journal::{Journal, refused},
    json::{history_json, run_json, tasks_json},
    junit::run_junit,
    now::{Now, Process},
    page::{run_html, run_svg},
    reader::{Author, read},
    record::{Entry, Record, Text, VERSION},
    run::{Halt, Run, Setup, Start, Task, TaskEnd, Wait},
    select::{Found, Refusals, Refused, Select, Which},
    tasks::{TaskNumbers, Tasks, Times},
    text::{history_text, run_text, tasks_text},
    timeline::Timeline,
    wait::wait,
    watch::Waited,
};
