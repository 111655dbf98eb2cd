//! What is remembered of runs: events in, the journal and reports of it out.
//!
//! [`Journal`] writes it. [`read()`] hands over its records; [`Select`], [`History`] and
//! [`Tasks`] each make something of them, a [`Run`] or a [`Timeline`] for one, [`Now`] says what has become of runs without an
//! end, and the texts and the JSON show it. [`wait()`] waits for what is not written yet.

mod formats;
mod journal;
mod model;
mod wait;

pub use crate::{
    formats::{
        FORMATS, Format,
        html::{run_html, run_svg},
        json::{history_json, run_json, tasks_json},
        junit::run_junit,
        text::{history_text, run_text, tasks_text},
    },
    journal::{
        append::JournalFile,
        follow::Follow,
        reader::{Author, read},
        record::{
            Entry, HaltEntry, HookEntry, Record, RunEntry, Setup, TaskEntry, TryEntry, VERSION,
        },
        writer::{Journal, refused},
    },
    model::{
        end::{Ending, RunReason},
        history::{History, Past, Summary},
        now::{Now, Process},
        run::{Halt, Run, Start, Task, TaskEnd, Wait},
        run_header::{Head, RunEnd, State},
        select::{Found, Refusals, Refused, Select, Which},
        task_stats::{TaskNumbers, Tasks},
        timeline::Timeline,
    },
    wait::{
        wait,
        watch::{Waited, Watch},
    },
};
