//! What stands above the picture: the end, and what there is to know before one looks.

use std::fmt::Write;

use runner_config::format_duration;

use super::{escape::Escaped, layout::Layout, made_of::made_of, picture::percent, scale::share};
use crate::{
    Found, Now, Refusals, State, Timeline,
    text::{Fact, facts, shown},
};

/// What became of the run, and how long it took: the title of page and picture.
pub(super) fn title(layout: &Layout, now: &Now) -> String {
    let head = &layout.timeline.run.head;
    let time = format_duration(head.elapsed(now));
    match layout.state {
        State::Running => format!("Running for {time}"),
        State::CutOff => format!("Cut off after {time}"),
        State::WentDown => format!("Halted after {time}: the machine went down"),
        State::Ended(end) => match end.reason.as_str() {
            "finished" => format!("Finished in {time}"),
            "finished-with-failures" => format!("Finished in {time}, with failures"),
            "gave-up" => format!("Gave up after {time}"),
            "halted" => format!("Halted after {time}"),
            "stopped" => format!("Stopped after {time}"),
            "interrupted" => format!("Interrupted after {time}"),
            "halts-used-up" => format!("Ended after {time}, without the halt task"),
            later => format!("Ended after {time}: {}", shown(later)),
        },
    }
}

pub(super) fn summary(found: &Found<Timeline>, layout: &Layout, now: &Now) -> String {
    let run = &layout.timeline.run;
    let (title, id) = (title(layout, now), shown(&run.head.run));
    let mut html = refused(&found.refused, now);
    let _ = write!(
        html,
        "<h1>{}</h1>\n<p class=\"id\">run <bdi>{}</bdi></p>\n<div class=\"summary\">\n<dl>\n",
        Escaped(&title),
        Escaped(&id)
    );
    for (name, fact) in facts(run, now) {
        html += &term((name, fact));
    }
    html += "</dl>\n";
    html += &parts(layout);
    html + "</div>\n"
}

fn term((name, fact): Fact) -> String {
    format!("<dt>{name}</dt><dd>{}</dd>\n", Escaped(&fact))
}

fn refused(refusals: &Refusals, now: &Now) -> String {
    let Some(last) = &refusals.last else {
        return String::new();
    };
    let (ago, reason) = (now.local(last.at, "%Y-%m-%d %H:%M:%S"), shown(&last.reason));
    let count = match refusals.count {
        1 => "A later start was".to_owned(),
        count => format!("{count} later starts were"),
    };
    let text = format!("{count} refused, the last one at {ago}: {reason}");
    format!(
        "<p class=\"refused\" role=\"note\">{}</p>\n",
        Escaped(&text)
    )
}

fn parts(layout: &Layout) -> String {
    let parts = made_of(layout);
    let whole = parts.iter().map(|part| part.time).sum();
    let mut html = String::from("<section><h2>What took the time</h2>\n<ol>\n");
    for part in &parts {
        let share = share(part.time, whole);
        let count = match part.count {
            1 => String::new(),
            count => format!(", {count} times"),
        };
        let time = format_duration(part.time);
        let _ = writeln!(
            html,
            "<li style=\"--share:{}\"><bdi>{}</bdi><span>{time}{count}</span><b>{:.0} %</b></li>",
            percent(share),
            Escaped(&part.name),
            share * 100.0
        );
    }
    html + "</ol></section>\n"
}
