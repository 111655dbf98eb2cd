//! The settings that a task has from `[runner]` and from its own section.

use std::collections::BTreeSet;

use crate::{
    problem::{Origin, Problems},
    reader::{Reader, Written, one_of},
    task_settings::{Codes, Frequency, Leftovers, MaxTries, TaskSettings},
    value,
};

const LEFTOVERS: &[(&str, Leftovers)] = &[
    ("kill", Leftovers::Kill),
    ("report", Leftovers::Report),
    ("allow", Leftovers::Allow),
];

const FREQUENCIES: &[(&str, Frequency)] = &[
    Frequency::Always.named(),
    Frequency::OncePerBoot.named(),
    Frequency::Once.named(),
];

/// Reads `[runner]` for all tasks, or the section of one task over that.
pub(crate) fn read(from: &mut Reader) -> TaskSettings {
    let ok = from.written("ok_codes", value::codes, |common| common.codes.ok.clone());
    let halt = from.written("halt_codes", value::codes, |common| {
        common.codes.halt.clone()
    });
    let stop = from.written("stop_codes", value::codes, |common| {
        common.codes.stop.clone()
    });
    let codes = checked_codes(ok, halt, stop, from.problems);
    let max_tries = match from.task {
        Some(_) => MaxTries::OfTask,
        None => MaxTries::OfChain,
    };
    let max_tries = |text: &str| value::whole_number(text).map(max_tries);
    TaskSettings {
        sleep_time: from.value("sleep_time", value::duration, |common| common.sleep_time),
        retry_jitter: from.value("retry_jitter", value::duration, |common| {
            common.retry_jitter
        }),
        retry_backoff: from.value("retry_backoff", value::factor, |common| {
            common.retry_backoff
        }),
        max_sleep: from.value("max_sleep", value::limit, |common| common.max_sleep),
        max_tries: from.value("max_tries", max_tries, |common| common.max_tries),
        max_time: from.value("max_time", value::limit, |common| common.max_time),
        hook_time: from.value("hook_time", value::limit, |common| common.hook_time),
        kill_grace: from.value("kill_grace", value::duration, |common| common.kill_grace),
        leak_time: from.value("leak_time", value::duration, |common| common.leak_time),
        leftovers: from.value("leftovers", leftovers(), |common| common.leftovers),
        interpreter: match from.task {
            Some((_, common)) => (from.own("interpreter", value::words))
                .map_or_else(|| common.interpreter.clone(), Written::command),
            None => from.get("interpreter", value::words).command(),
        },
        codes,
        enabled: (from.own("enabled", value::yes_or_no)).is_none_or(|own| own.value),
        required: (from.own("required", value::yes_or_no)).is_none_or(|own| own.value),
        frequency: (from.own("frequency", frequency())).map_or(Frequency::Always, |own| own.value),
    }
}

fn leftovers() -> impl Fn(&str) -> value::Parsed<Leftovers> {
    one_of(LEFTOVERS, "`kill`, `report` or `allow`")
}

fn frequency() -> impl Fn(&str) -> value::Parsed<Frequency> {
    one_of(FREQUENCIES, "`always`, `once-per-boot` or `once`")
}

/// Reports a code that is in two of the lists, where one of the two was written here.
fn checked_codes(
    ok: Written<BTreeSet<u8>>,
    halt: Written<BTreeSet<u8>>,
    stop: Written<BTreeSet<u8>>,
    problems: &mut Problems,
) -> Codes {
    let lists = [
        ("ok_codes", &ok),
        ("halt_codes", &halt),
        ("stop_codes", &stop),
    ];
    for (index, (name, list)) in lists.iter().enumerate() {
        for (other_name, other) in &lists[index + 1..] {
            // The two defaults do not overlap, so one of them was written.
            let (origin, cure) = match list.origin {
                Origin::Default => (&other.origin, name),
                _ => (&list.origin, other_name),
            };
            if *origin == Origin::Default {
                continue;
            }
            for code in list.value.intersection(&other.value) {
                problems
                    .error(
                        origin.clone(),
                        format!("exit code {code} is in both `{name}` and `{other_name}`"),
                    )
                    .hint(format!("write `{cure} =` without it beside this line"));
            }
        }
    }
    Codes {
        ok: ok.value,
        halt: halt.value,
        stop: stop.value,
    }
}
