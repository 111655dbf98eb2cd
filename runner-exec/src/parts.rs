//! Work on very many tasks, shared among the processors.

use std::{ops::Range, panic, thread};

/// With less to do in it, a part is not worth the start of a thread.
const LEAST: usize = 5_000;

/// What becomes of 0 to `length` when `work` is done on it in parts, as many as there are
/// processors for; in order.
pub(crate) fn in_parts<R: Send>(length: usize, work: impl Fn(Range<usize>) -> R + Sync) -> Vec<R> {
    let parts = threads(length / LEAST);
    let share = length.div_ceil(parts);
    let do_part = &|part: usize| work(part * share..length.min((part + 1) * share));
    thread::scope(|scope| {
        let helpers: Vec<_> = (1..parts)
            .map(|part| thread::Builder::new().spawn_scoped(scope, move || do_part(part)))
            .collect();
        let mut done = vec![do_part(0)];
        for (part, helper) in (1..).zip(helpers) {
            done.push(match helper.map(|helper| helper.join()) {
                Ok(Ok(part)) => part,
                Ok(Err(panic)) => panic::resume_unwind(panic),
                // Where no thread can be had, it is done here.
                Err(_) => do_part(part),
            });
        }
        done
    })
}

/// How many threads share the work when it is enough for `most`: no more than there are
/// processors. Those are counted only for many, since that reads files of the control group.
fn threads(most: usize) -> usize {
    match most {
        0 | 1 => 1,
        _ => thread::available_parallelism().map_or(1, |processors| most.min(processors.get())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_in_order_and_leave_nothing_out() {
        for length in [0, 1, LEAST, 2 * LEAST + 1, 7 * LEAST + 3] {
            let done: Vec<usize> = in_parts(length, |part| part)
                .into_iter()
                .flatten()
                .collect();
            assert_eq!(done, (0..length).collect::<Vec<_>>(), "{length}");
        }
    }
}
