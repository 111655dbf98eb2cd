//! Breakdown of a run's duration along the critical path: tasks, hooks and waits.

use std::{cmp::Reverse, collections::HashMap, time::Duration};

use super::tries::Tries;
use crate::model::now::between;

/// Maximum number of parts. Smaller ones are summed up as others.
const MAX_PARTS: usize = 6;

/// A part of the duration.
pub(super) struct TimePart {
    pub(super) name: String,
    pub(super) time: Duration,
    /// Number of spans in it.
    pub(super) count: usize,
}

/// Returns the largest parts, and the rest as the last ones. Parts below 1 ms are left out.
pub(super) fn breakdown(tries: &Tries) -> Vec<TimePart> {
    let mut parts = all_parts(tries);
    parts.sort_by_key(|part| Reverse(part.time));
    let known: Duration = parts.iter().map(|part| part.time).sum();
    let rest = parts.split_off(parts.len().min(MAX_PARTS));
    let mut add_once = |name, time| {
        let count = 1;
        parts.push(TimePart { name, time, count });
    };
    if !rest.is_empty() {
        let time = rest.iter().map(|part| part.time).sum();
        add_once(format!("{} others", rest.len()), time);
    }
    add_once(
        "the runner itself, between these".to_owned(),
        tries.duration().saturating_sub(known),
    );
    parts.retain(|part| part.time >= Duration::from_millis(1));
    parts
}

fn all_parts(tries: &Tries) -> Vec<TimePart> {
    let mut parts: Vec<TimePart> = Vec::new();
    let mut indexes: HashMap<String, usize> = HashMap::new();
    let mut add = |name: &str, time| {
        let index = *indexes.entry(name.to_owned()).or_insert(parts.len());
        if index == parts.len() {
            parts.push(TimePart {
                name: name.to_owned(),
                time: Duration::ZERO,
                count: 0,
            });
        }
        parts[index].time += time;
        parts[index].count += 1;
    };
    for (_, span) in tries.spans().filter(|(_, span)| span.is_critical) {
        let task = between(span.task_from, span.task_to).min(span.duration());
        if !span.hooks.is_empty() {
            add("hooks", span.duration() - task);
        }
        add(&span.name, task);
    }
    for wait in tries.tries.iter().filter_map(|one| one.wait.as_ref()) {
        add("waits before another try", wait.duration());
    }
    parts
}
