//! The tasks of the page: a row for each with its tries one after the other. A row opens to a
//! table of the tries with their outputs.

use std::time::Duration;

use maud::{Markup, html};
use runner_config::format_duration;

use super::{
    axis::{Axis, percent},
    badge::Badge,
    colours::coloured,
    row::{Row, fold},
    sign::sign,
    span::Span,
    tries::Tries,
};
use crate::{
    formats::text::printable,
    model::{
        now::{Now, plus},
        past::UsualTime,
        run_details::TaskEnd,
    },
};

/// Maximum number of tries in the table of a task.
const MAX_TRIES: usize = 10;

pub(super) struct Chart<'a> {
    pub(super) tries: &'a Tries<'a>,
    pub(super) axis: &'a Axis,
    pub(super) now: &'a Now,
    /// The critical path differs from the order of the tasks.
    pub(super) shows_path: bool,
}

impl Chart<'_> {
    pub(super) fn html(&self, rows: Vec<Row>) -> Markup {
        let (shown, folded) = fold(rows);
        html! {
            section.chart {
                h2 { "Tasks " small { "in the order of the chain; a row opens to its tries" } }
                @if self.tries.omitted > 0 {
                    p.muted { (self.tries.omitted) " earlier tries are left out." }
                }
                div.rows {
                    div.grid aria-hidden="true" { (self.grid()) }
                    div.task.head aria-hidden="true" { span.bars { (self.try_headers()) } }
                    @for row in &shown { (self.row(row, true)) "\n" }
                    (self.waits())
                }
                @if !folded.is_empty() {
                    details.fold {
                        summary { (fold_text(&folded)) }
                        div.rows { @for row in &folded { (self.row(row, false)) "\n" } }
                    }
                }
                (self.legend(&shown))
            }
        }
    }

    /// Lines at the beginning of each try and at round times in it.
    fn grid(&self) -> Markup {
        html! {
            @for one in &self.tries.tries {
                @for tick in self.axis.ticks(one.duration()) {
                    i class=[tick.is_zero().then_some("try")]
                        style={ "left:" (percent(self.axis.x(plus(one.from, tick)))) } {}
                }
            }
        }
    }

    fn try_headers(&self) -> Markup {
        let mut ends: Vec<f64> = self
            .tries
            .tries
            .iter()
            .map(|one| self.axis.x(one.from))
            .collect();
        ends.push(1.0);
        html! {
            @for (one, end) in self.tries.tries.iter().zip(&ends[1..]) {
                @let from = self.axis.x(one.from);
                b style={ "left:" (percent(from)) ";width:" (percent(end - from)) } {
                    "Try " (one.number) " " small { (format_duration(one.duration())) }
                }
            }
        }
    }

    /// Returns a row with all waits, if there are some.
    fn waits(&self) -> Markup {
        let waits = self.tries.tries.iter().filter_map(|one| one.wait.as_ref());
        let waits: Vec<&Span> = waits.collect();
        let all = waits.iter().map(|wait| wait.duration()).sum();
        html! {
            @if !waits.is_empty() {
                div.task.waits {
                    (sign(Badge::WAIT))
                    span.name { "waits, not to scale" }
                    span.bars aria-hidden="true" {
                        @for wait in &waits { (self.bar("wait", wait, None)) }
                    }
                    span.time { (format_duration(all)) }
                    span.word {}
                } "\n"
            }
        }
    }

    /// Returns the row of a task. `is_full` is `false` for a folded row, which is shorter.
    fn row(&self, row: &Row, is_full: bool) -> Markup {
        let class = format!("task {}", row.badge.class);
        html! {
            @if row.spans.is_empty() {
                div class=(class) { (self.cells(row, is_full)) }
            } @else {
                details class=(class) {
                    summary { (self.cells(row, is_full)) }
                    (self.tries_table(row, is_full))
                }
            }
        }
    }

    fn cells(&self, row: &Row, is_full: bool) -> Markup {
        let usual = row.usual.filter(|_| is_full);
        html! {
            (sign(row.badge))
            span.name { bdi { (row.name) } }
            span.bars aria-hidden="true" {
                @for (_, span) in &row.spans {
                    @if is_full { (self.hooks(span)) }
                    (self.bar(span.badge.class, span, usual))
                }
            }
            span.time {
                @if let Some(time) = row.time { (format_duration(time)) }
                @if let Some(usual) = row.usual && row.is_slow() {
                    small { ", usually " (format_duration(usual.median)) }
                }
                @if let Some(limit) = near_limit(row) {
                    small { ", limit " (format_duration(limit)) }
                }
            }
            span.word { (row.status) }
        }
    }

    /// Returns a bar; with `usual`, also the usual duration behind it, as shares of the bar.
    fn bar(&self, class: &str, span: &Span, usual: Option<UsualTime>) -> Markup {
        let (from, to) = (self.axis.x(span.task_from), self.axis.x(span.task_to));
        let usual = usual.filter(|_| to > from).map(|usual| {
            let share = |time| percent(self.axis.share(time) / (to - from));
            format!(";--m:{};--p:{}", share(usual.median), share(usual.p95))
        });
        let path = if self.shows_path && span.is_critical {
            " path"
        } else {
            ""
        };
        html! {
            i class={ (class) (path) (if usual.is_some() { " usual" } else { "" }) }
                style={ "left:" (percent(from)) ";width:" (percent(to - from)) (usual.unwrap_or_default()) } {}
        }
    }

    fn hooks(&self, span: &Span) -> Markup {
        let parts = [(span.from, span.task_from), (span.task_to, span.to)];
        html! {
            @for (from, to) in parts.into_iter().filter(|(from, to)| from < to) {
                @let (from, to) = (self.axis.x(from), self.axis.x(to));
                i.hook style={ "left:" (percent(from)) ";width:" (percent(to - from)) } {}
            }
        }
    }

    fn tries_table(&self, row: &Row, is_full: bool) -> Markup {
        let omitted = row.spans.len().saturating_sub(MAX_TRIES);
        let shown = &row.spans[omitted..];
        let has_hooks = shown.iter().any(|(_, span)| !span.hooks.is_empty());
        let has_limit = shown.iter().any(|(_, span)| span.limit.is_some());
        html! {
            div.tries {
                @if omitted > 0 { p { (omitted) " earlier starts are left out." } }
                table {
                    // Folded rows are many, and their columns are understood without a head.
                    @if is_full {
                        tr {
                            th { "try" } th { "began" } th { "took" }
                            @if has_limit { th { "limit" } }
                            th { "what became of it" }
                            @if has_hooks { th { "hooks" } }
                        }
                    }
                    @for (number, span) in shown {
                        tr {
                            td { (number) }
                            td { (self.now.local(span.task_from, "%H:%M:%S%.3f")) }
                            td { (format_duration(span.time)) }
                            @if has_limit { td { (span.limit.map(format_duration).unwrap_or_default()) } }
                            td { (span.status) }
                            @if has_hooks { td { (span.hooks.join("; ")) } }
                        }
                    }
                }
                @if let Some(usual) = row.usual.filter(|_| is_full) {
                    p.muted {
                        "In earlier runs its median was " (format_duration(usual.median))
                        ", and 95 % took at most " (format_duration(usual.p95)) "."
                    }
                }
                @for (index, (number, span)) in shown.iter().enumerate() {
                    @let last = index.checked_sub(1).and_then(|last| shown[last].1.ended());
                    (output(*number, span, last, is_full))
                }
            }
        }
    }

    fn legend(&self, rows: &[Row]) -> Markup {
        let has = |badge| {
            rows.iter()
                .any(|row| row.spans.iter().any(|(_, span)| span.badge == badge))
        };
        let has_hooks = rows
            .iter()
            .any(|row| row.spans.iter().any(|(_, span)| !span.hooks.is_empty()));
        let has_usual = rows.iter().any(|row| row.usual.is_some());
        html! {
            ul.legend {
                @for badge in Badge::ALL.into_iter().filter(|badge| has(*badge)) {
                    li { i class=(badge.class) {} (sign(badge)) " " (badge.word) } "\n"
                }
                @if has_hooks { li { i.hook {} " hook" } }
                @if has_usual { li { i.ok.usual style="--m:120%;--p:170%" {} " behind it: usual, and 95 % of earlier runs" } }
                @if self.shows_path { li { i.ok.path {} " decided how long it took" } }
            }
        }
    }
}

/// Returns the time limit of the last start, if most of it was used.
fn near_limit(row: &Row) -> Option<Duration> {
    let (_, last) = row.spans.last()?;
    last.limit.filter(|_| last.is_near_limit())
}

/// Returns the end of the output of a start, unless it is that of the start before it. Of a folded
/// row, only that of failures.
fn output(try_num: u32, span: &Span, before: Option<&TaskEnd>, is_full: bool) -> Markup {
    let ended = span.ended();
    let path = ended.and_then(|ended| ended.output.as_deref());
    html! {
        @if let (Some(ended), Some(path)) = (ended, path) && (is_full || span.badge != Badge::OK) {
            @let is_same = before.is_some_and(|before| before.lines == ended.lines);
            p.muted {
                "try " (try_num) ": the end of " code { (printable(path)) }
                @if is_same && !ended.lines.is_empty() { ", the same as before" }
            }
            @if !is_same && !ended.lines.is_empty() { pre.output { (coloured(&ended.lines)) } }
        }
    }
}

fn fold_text(rows: &[Row]) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for row in rows {
        let word = row.badge.word;
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    let counts = counts.iter().map(|(word, count)| format!("{count} {word}"));
    format!(
        "{} more tasks: {}",
        rows.len(),
        counts.collect::<Vec<_>>().join(", ")
    )
}
