//! A run as a page, as a picture and as a JUnit report.

use proptest::prelude::*;
use roxmltree::{Document, ParsingOptions};
use runner_config::{escape, is_hidden};
use runner_report::{
    FoundRun, HookEntry, JournalEntry, RunFinder, RunSelector, Timeline, history_text, run_html,
    run_json, run_junit, run_svg,
};

use crate::journal::{Journal, now};

const BDI: (&str, &str) = ("http://www.w3.org/1999/xhtml", "bdi");
const TITLE: (&str, &str) = ("http://www.w3.org/2000/svg", "title");

pub(crate) fn found(journal: &Journal) -> FoundRun<Timeline> {
    let mut finder = RunFinder::new(RunSelector::FromEnd(1));
    journal.read(|record| finder.apply(record)).unwrap();
    finder.finish()
}

fn svg(journal: &Journal) -> String {
    run_svg(&found(journal), &now(1000.0, &[7])).unwrap()
}

fn html(journal: &Journal) -> String {
    run_html(&found(journal), &now(1000.0, &[7])).unwrap()
}

fn junit(journal: &Journal) -> String {
    run_junit(&found(journal), &now(1000.0, &[7])).unwrap()
}

fn parse(text: &str) -> Document<'_> {
    let options = ParsingOptions {
        allow_dtd: true,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options).unwrap()
}

fn hook(journal: Journal, from: f64, to: f64, task: &str, phase: &str, outcome: &str) -> Journal {
    let start = HookEntry::Start {
        task: task.into(),
        phase: phase.into(),
    };
    let end = HookEntry::End {
        task: task.into(),
        phase: phase.into(),
        outcome: outcome.into(),
        elapsed: to - from,
    };
    journal
        .add(from, JournalEntry::Hook(start))
        .add(to, JournalEntry::Hook(end))
}

/// Builds a run with two tries, two jobs, hooks around one task, and a wait.
fn parallel() -> Journal {
    let journal = Journal::new().run_starts_with(0.0, 7, 2, &["0-done"]);
    let journal = journal
        .task_starts(0.0, "1-slow")
        .task_starts(0.0, "1-quick")
        .task_ends(20.0, "1-quick", 20.0, "OK", "exited:0")
        .task_ends(60.0, "1-slow", 60.0, "RETRY", "exited:7")
        .waits(60.0, 30.0, "try")
        .try_starts(90.0, 2);
    let journal = hook(journal, 90.0, 92.0, "1-slow", "pre", "exited:0")
        .task_starts(90.0, "1-quick")
        .task_starts(92.0, "1-slow")
        .task_ends(110.0, "1-quick", 20.0, "OK", "exited:0")
        .task_ends(142.0, "1-slow", 50.0, "OK", "exited:0");
    hook(journal, 142.0, 143.0, "1-slow", "post", "exited:0")
        .task(143.0, 150.0, "2-halt", "HALT", "exited:2")
        .halt_starts(150.0, "task")
        .run_ends(150.0, 2, "halted")
        .halt_ends(155.0, 5.0, "exited:0")
}

#[test]
fn the_picture_of_a_run_with_parallel_tasks() {
    let svg = svg(&parallel());
    let (before, rest) = svg.split_once("<style>").unwrap();
    let (_, drawn) = rest.split_once("</defs>").unwrap();
    snapshot!("report-svg", format!("{before}{drawn}"));
}

#[test]
fn the_junit_report_of_a_run() {
    let journal = parallel()
        .run("r2")
        .run_starts_with(200.0, 7, 1, &["0-done"])
        .task(200.0, 201.0, "1-flaky", "RETRY", "timed-out")
        .try_starts(201.0, 2)
        .task(201.0, 202.0, "1-flaky", "OK", "exited:0")
        .task(202.0, 203.0, "2-bad\u{1}</testcase>", "RETRY", "exited:1")
        .try_starts(203.0, 3)
        .task(203.0, 204.0, "1-flaky", "OK", "exited:0")
        .task_ends(
            204.0,
            "2-bad\u{1}</testcase>",
            0.0,
            "RETRY",
            "not-started: no such file",
        )
        .task_starts(204.0, "3-cut");
    snapshot!("report-junit", junit(&journal));
}

#[test]
fn page_and_picture_show_every_start() {
    let journal = parallel();
    let (html, svg) = (html(&journal), svg(&journal));
    let (page, picture) = (parse(&html), parse(&svg));
    let count = |document: &Document, name: &str, class: &str| {
        let nodes = document.descendants();
        let nodes = nodes.filter(|node| node.tag_name().name() == name);
        let classes = nodes.filter_map(|node| node.attribute("class"));
        classes.filter(|found| found.starts_with(class)).count()
    };
    // Five starts, a wait and the halt task, and four marks in the legend.
    for document in [&page, &picture] {
        assert_eq!(count(document, "rect", "bar "), 7 + 4);
        assert_eq!(count(document, "rect", "hook"), 2 + 1);
        assert_eq!(count(document, "line", "decides"), 5);
    }
    let links = page
        .descendants()
        .filter(|node| node.tag_name().name() == "a");
    assert_eq!(links.count(), 7);
    let rows = page
        .descendants()
        .filter(|node| node.tag_name().name() == "tr");
    assert_eq!(rows.count(), 1 + 7);
}

#[test]
fn the_breakdown_adds_up_the_critical_path() {
    let html = html(&parallel());
    for part in [
        "<bdi>1-slow</bdi><span>1m 50s, 2 times</span><b>71 %</b>",
        "<bdi>waits before another try</bdi><span>30s</span><b>19 %</b>",
        "<bdi>2-halt</bdi><span>7s</span><b>5 %</b>",
        "<bdi>halt task halt.sh</bdi><span>5s</span><b>3 %</b>",
        "<bdi>hooks</bdi><span>3s</span><b>2 %</b>",
    ] {
        assert!(html.contains(part), "{part} in {html}");
    }
    assert!(!html.contains("between these") && !html.contains("<bdi>1-quick</bdi><span>"));
}

#[test]
fn many_levels_share_rows() {
    let height = |tasks: u32| {
        let mut journal = Journal::new().run_starts(0.0, 7);
        for number in 0..tasks {
            let at = f64::from(number);
            journal = journal.ok(at, at + 1.0, &format!("{number}-task"));
        }
        let svg = svg(&journal);
        let height = parse(&svg)
            .root_element()
            .attribute("height")
            .unwrap()
            .to_owned();
        height.parse::<u32>().unwrap()
    };
    assert_eq!(height(20) - height(10), 10 * 22);
    assert_eq!(height(121), height(1));
}

#[test]
fn ticks_of_the_axis_are_few_and_round() {
    for (whole, expected) in [
        (0.0, "0s@0%"),
        (0.003, "0s@0% 1ms@33.333% 2ms@66.667%"),
        (
            1.234,
            "0s@0% 200ms@16.207% 400ms@32.415% 600ms@48.622% 800ms@64.83% 1s@81.037%",
        ),
        (
            64.0,
            "0s@0% 10s@15.625% 20s@31.25% 30s@46.875% 40s@62.5% 50s@78.125% 1m@93.75%",
        ),
        (
            5_400.0,
            "0s@0% 15m@16.667% 30m@33.333% 45m@50% 1h@66.667% 1h 15m@83.333%",
        ),
        (900.0 * 86_400.0, "0s@0%"),
    ] {
        let journal = Journal::new()
            .run_starts(0.0, 7)
            .ok(0.0, whole, "1-a")
            .run_ends(whole, 0, "finished");
        let text = svg(&journal);
        let picture = parse(&text);
        let ticks = picture
            .descendants()
            .filter(|node| node.attribute("class") == Some("muted small"));
        let ticks =
            ticks.map(|tick| format!("{}@{}", tick.text().unwrap(), tick.attribute("x").unwrap()));
        assert_eq!(ticks.collect::<Vec<_>>().join(" "), expected);
    }
}

#[test]
fn the_page_loads_nothing() {
    let html = html(&parallel());
    for text in [
        "<script", "<link", "<img", "@import", "src=", "url(http", "//cdn",
    ] {
        assert!(!html.contains(text), "{text}");
    }
}

#[test]
fn a_name_cannot_inject_markup() {
    for name in [
        "1-</script><script>alert(1)</script>",
        "1-\" onfocus=\"alert(1)",
        "1-]]>&amp;<!--",
        "1-\u{202e}hs\u{0}\u{1b}[31m\u{ffff}",
    ] {
        let journal = Journal::new()
            .run_starts(0.0, 7)
            .task(0.0, 1.0, name, "RETRY", name)
            .halt_starts(1.0, name)
            .run_ends(1.0, 1, name);
        for text in [html(&journal), svg(&journal), junit(&journal)] {
            let document = parse(&text);
            for node in document.descendants() {
                assert_ne!(node.tag_name().name(), "script");
                assert!(
                    node.attributes()
                        .all(|attribute| attribute.name() != "onfocus")
                );
            }
        }
    }
}

/// Returns the name of the first task, as a parser reads it from page, picture and JUnit report.
fn names(name: &str) -> [String; 3] {
    let journal = Journal::new().run_starts(0.0, 7).ok(0.0, 1.0, name);
    let text = html(&journal);
    let page = parse(&text);
    let mut names = page.descendants().filter(|node| node.has_tag_name(BDI));
    let in_page = names.next_back().unwrap().text().unwrap_or_default();
    let text = svg(&journal);
    let picture = parse(&text);
    let mut titles = picture
        .descendants()
        .filter(|node| node.has_tag_name(TITLE));
    let in_picture = titles.next_back().unwrap().text().unwrap();
    let (in_picture, _) = in_picture.split_once(", try 1\n").unwrap();
    let text = junit(&journal);
    let tests = parse(&text);
    let mut cases = tests
        .descendants()
        .filter(|node| node.has_tag_name("testcase"));
    let in_tests = cases.next_back().unwrap().attribute("name").unwrap();
    [in_page, in_picture, in_tests].map(str::to_owned)
}

#[test]
fn a_name_is_shown_as_text() {
    for (name, expected) in [
        ("3-clobber.sh", "3-clobber.sh"),
        ("</script><b>", "</script><b>"),
        ("]]>&amp;\"'", "]]>&amp;\"'"),
        ("a\u{0}\t\u{1b}[0m\u{85}\n", r"a\x00\t\x1b[0m\u0085\n"),
        ("\u{202e}hs.\u{2066}", r"\u202ehs.\u2066"),
        (
            "\u{fffe}\u{1ffff}\u{fffd}",
            "\\U0000fffe\\U0001ffff\u{fffd}",
        ),
        ("Prüfung 検査 🚀", "Prüfung 検査 🚀"),
    ] {
        assert_eq!(names(name), [expected; 3]);
    }
}

proptest! {
    #[test]
    fn any_name_is_read_as_it_is_shown(name in r#"([^\u{fe0f}]|[<>&"'\]\-/!])+"#) {
        let shown = escape(&name);
        for (report, found) in names(&name).into_iter().enumerate() {
            prop_assert!(!found.contains(is_hidden), "{report}: {found:?}");
            // Noncharacters are escaped as well.
            if !shown.contains(|c: char| u32::from(c) & 0xfffe == 0xfffe || ('\u{fdd0}'..='\u{fdef}').contains(&c)) {
                prop_assert_eq!(&found, &shown, "{}", report);
            }
        }
    }
}

#[test]
fn a_running_or_interrupted_run_is_shown_up_to_its_last_event() {
    let journal = Journal::new()
        .run_starts(0.0, 7)
        .ok(0.0, 1.0, "1-a")
        .task_starts(1.0, "2-b");
    let text = html(&journal);
    assert!(text.contains("<h1>Running for 16m 40s</h1>"), "{text}");
    assert!(text.contains("2-b: running;"), "{text}");
    let text = run_html(&found(&journal), &now(1000.0, &[])).unwrap();
    assert!(text.contains("<h1>Cut off after 1s</h1>"), "{text}");
    assert!(text.contains("2-b: end unknown;"), "{text}");
}

#[test]
fn words_of_a_later_version_are_shown_as_they_are() {
    let journal = Journal::new().run_starts(0.0, 7).task_starts(0.0, "1-a");
    let journal = hook(journal, 1.0, 2.0, "1-a", "around", "slept:9")
        .task_ends(2.0, "1-a", 2.0, "DREAMT", "dreamt:007")
        .task_ends(3.0, "2-b", 1.0, "RETRY", "exited:300")
        .halt_starts(4.0, "tired")
        .halt_ends(5.0, 1.0, "signaled:SIGNEW")
        .run_ends(5.0, 9, "woke-up");
    let (html, svg) = (html(&journal), svg(&journal));
    let now = now(6.0, &[]);
    let json = run_json(&journal.find(RunSelector::FromEnd(1)), &now);
    let history = history_text(&journal.history(), &now);
    for (text, words) in [
        (
            &html,
            &[
                "dreamt:007",
                "slept:9",
                "exited:300",
                "tired",
                "SIGNEW",
                "woke-up",
            ][..],
        ),
        (
            &svg,
            &[
                "dreamt:007",
                "slept:9",
                "exited:300",
                "tired",
                "SIGNEW",
                "woke-up",
            ],
        ),
        (&junit(&journal), &["dreamt:007", "exited:300"]),
        (
            &journal.report(6.0, &[]),
            &["dreamt:007", "exited:300", "SIGNEW", "woke-up"],
        ),
        (
            &json,
            &[
                "dreamt:007",
                "exited:300",
                "tired",
                "signaled:SIGNEW",
                "woke-up",
            ],
        ),
        (&history, &["woke up"]),
    ] {
        for word in words {
            assert!(text.contains(word), "no {word} in {text}");
        }
    }
}

#[test]
fn without_a_run_there_is_no_page_picture_or_junit_report() {
    let found = found(&Journal::new().refused(1.0, 75, "busy"));
    let now = now(2.0, &[]);
    for report in [run_html, run_svg, run_junit] {
        assert_eq!(report(&found, &now), None);
    }
}
