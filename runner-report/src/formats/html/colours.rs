//! Output of tasks in its colours. The page shows it on a dark ground, as terminals do.

use anstyle::{Ansi256Color, AnsiColor, Color, Effects, Style};
use maud::{Markup, html};
use runner_exec::OutputLine;

/// Effects with a class in the style sheet.
const EFFECTS: [(Effects, &str); 5] = [
    (Effects::BOLD, "bold"),
    (Effects::DIMMED, "dim"),
    (Effects::ITALIC, "italic"),
    (Effects::UNDERLINE, "under"),
    (Effects::STRIKETHROUGH, "strike"),
];

/// Steps of the colour cube of 256-colour terminals.
const CUBE: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// Returns the lines as the content of a `pre`.
pub(super) fn coloured(lines: &[OutputLine]) -> Markup {
    html! {
        @for (index, line) in lines.iter().enumerate() {
            @if index > 0 { "\n" }
            @for (style, text) in &line.parts {
                @let text = text.replace('\t', "    ");
                @if *style == Style::new() { (text) } @else { (span(*style, &text)) }
            }
        }
    }
}

fn span(style: Style, text: &str) -> Markup {
    let (mut front, mut back) = (style.get_fg_color(), style.get_bg_color());
    if style.get_effects().contains(Effects::INVERT) {
        (front, back) = (
            back.or(Some(AnsiColor::Black.into())),
            front.or(Some(AnsiColor::White.into())),
        );
    }
    let mut css = String::new();
    for (property, colour) in [("color", front), ("background", back)] {
        if let Some(colour) = colour {
            css += &format!("{property}:{};", css_colour(colour));
        }
    }
    let effects = EFFECTS
        .iter()
        .filter(|(effect, _)| style.get_effects().contains(*effect));
    let classes: Vec<&str> = effects.map(|(_, class)| *class).collect();
    let class = (!classes.is_empty()).then(|| classes.join(" "));
    let css = (!css.is_empty()).then_some(css);
    html! { span class=[class] style=[css] { (text) } }
}

/// The first 16 colours are variables of the style sheet.
fn css_colour(colour: Color) -> String {
    let rgb = |r: u8, g: u8, b: u8| format!("#{r:02x}{g:02x}{b:02x}");
    match colour {
        Color::Ansi(colour) => css_colour(Ansi256Color::from_ansi(colour).into()),
        Color::Rgb(colour) => rgb(colour.0, colour.1, colour.2),
        Color::Ansi256(Ansi256Color(index @ 0..=15)) => format!("var(--c{index})"),
        Color::Ansi256(Ansi256Color(index @ 16..=231)) => {
            let step = |by: u8| CUBE[usize::from((index - 16) / by % 6)];
            rgb(step(36), step(6), step(1))
        }
        Color::Ansi256(Ansi256Color(index @ 232..)) => {
            let grey = 8 + 10 * (index - 232);
            rgb(grey, grey, grey)
        }
    }
}

#[cfg(test)]
mod tests {
    use runner_exec::last_lines;

    use super::*;

    #[test]
    fn colours_and_effects_become_spans() {
        for (output, expected) in [
            ("a <b>\n\tc", "a &lt;b&gt;\n    c"),
            (
                "\x1b[31mred\x1b[0m.",
                r#"<span style="color:var(--c1);">red</span>."#,
            ),
            (
                "\x1b[1;97;44m\x1b[4mx",
                r#"<span class="bold under" style="color:var(--c15);background:var(--c4);">x</span>"#,
            ),
            // Inverse, with and without colours of its own.
            (
                "\x1b[7mx\x1b[32my",
                "<span style=\"color:var(--c0);background:var(--c7);\">x</span>\
                 <span style=\"color:var(--c0);background:var(--c2);\">y</span>",
            ),
            // 256 colours: the first 16, the cube, and the greys.
            (
                "\x1b[38;5;9mx",
                r#"<span style="color:var(--c9);">x</span>"#,
            ),
            ("\x1b[38;5;16mx", r#"<span style="color:#000000;">x</span>"#),
            (
                "\x1b[38;5;208mx",
                r#"<span style="color:#ff8700;">x</span>"#,
            ),
            (
                "\x1b[38;5;231mx",
                r#"<span style="color:#ffffff;">x</span>"#,
            ),
            (
                "\x1b[38;5;232mx",
                r#"<span style="color:#080808;">x</span>"#,
            ),
            (
                "\x1b[48;5;255mx",
                r#"<span style="background:#eeeeee;">x</span>"#,
            ),
            (
                "\x1b[38;2;1;2;255mx",
                r#"<span style="color:#0102ff;">x</span>"#,
            ),
            (
                "\x1b[1mx</span>",
                r#"<span class="bold">x&lt;/span&gt;</span>"#,
            ),
        ] {
            let lines = last_lines(output.as_bytes());
            assert_eq!(coloured(&lines).into_string(), expected, "{output:?}");
        }
    }
}
