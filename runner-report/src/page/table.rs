//! The same as the picture, as a table, for those who read rather than look.

use std::fmt::Write;

use runner_config::format_duration;

use super::{
    escape::Escaped,
    layout::{Band, Layout, Piece, What},
    words,
};
use crate::{Now, text::shown};

const HEAD: [&str; 7] = [
    "task",
    "try",
    "began",
    "took",
    "limit",
    "what became of it",
    "hooks",
];

pub(super) fn table(layout: &Layout, now: &Now) -> String {
    let mut html =
        String::from("<table>\n<caption>Every start, in the order of time</caption>\n<thead><tr>");
    for head in HEAD {
        let _ = write!(html, "<th scope=\"col\">{head}</th>");
    }
    html += "</tr></thead>\n<tbody>\n";
    for (number, (band, piece)) in layout.pieces().enumerate() {
        html += &row(layout, number, band, piece, now);
    }
    html + "</tbody>\n</table>\n"
}

fn row(layout: &Layout, number: usize, band: &Band, piece: &Piece, now: &Now) -> String {
    let limit = match piece.what {
        What::Visit(visit) => visit.limit().map(format_duration),
        What::Wait(_) | What::Halt(_) => None,
    };
    let cells = [
        band.number.to_string(),
        now.local(piece.from, "%H:%M:%S%.3f"),
        words::time(layout, piece),
        limit.unwrap_or_default(),
    ];
    let class = layout.mark(piece).class();
    let name = words::name(piece);
    let mut html = format!(
        "<tr id=\"s{number}\"><th scope=\"row\"><bdi>{}</bdi></th>",
        Escaped(&name)
    );
    for cell in &cells {
        let _ = write!(html, "<td class=\"n\">{}</td>", Escaped(cell));
    }
    let fate = words::fate(layout, piece);
    let _ = write!(
        html,
        "<td><svg class=\"picture\" width=\"10\" height=\"10\" aria-hidden=\"true\"><use class=\"sign {class}\" href=\"#sign-{class}\"/></svg> {}{}</td>",
        Escaped(&fate),
        output(piece)
    );
    let hooks = words::hooks(layout, piece).join("; ");
    let _ = writeln!(html, "<td>{}</td></tr>", Escaped(&hooks));
    html
}

fn output(piece: &Piece) -> String {
    let What::Visit(visit) = piece.what else {
        return String::new();
    };
    let Some(ended) = &visit.ended else {
        return String::new();
    };
    let Some(output) = &ended.how.output else {
        return String::new();
    };
    let output = shown(output);
    let output = Escaped(&output);
    if ended.lines.is_empty() {
        return format!("<br/><code>{output}</code>");
    }
    let lines: Vec<String> = ended
        .lines
        .iter()
        .map(|line| Escaped(&line.replace('\t', "    ")).to_string())
        .collect();
    let lines = lines.join("\n");
    format!(
        "<details><summary>last lines of <code>{output}</code></summary><pre>{lines}</pre></details>"
    )
}
