//! A run as a page, as a picture and as a JUnit report.

use proptest::prelude::*;
use roxmltree::{Document, Node, ParsingOptions};
use runner_config::{escape, is_hidden};
use runner_report::{
    FoundRun, HookEntry, JournalEntry, PastCollector, RunFinder, RunSelector, Timeline,
    history_text, run_html, run_json, run_junit, run_md, run_svg,
};

use crate::journal::{Journal, now};

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

pub(crate) fn junit(journal: &Journal) -> String {
    run_junit(&found(journal), &now(1000.0, &[7])).unwrap()
}

pub(crate) fn parse(text: &str) -> Document<'_> {
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

/// Returns the elements of this name that have the class.
fn with_class<'a>(document: &'a Document, name: &str, class: &str) -> Vec<Node<'a, 'a>> {
    let has_class = |node: &Node| {
        let mut classes = node.attribute("class").unwrap_or_default().split(' ');
        node.tag_name().name() == name && classes.any(|found| found == class)
    };
    document.descendants().filter(has_class).collect()
}

#[test]
fn page_and_picture_show_every_start() {
    let journal = parallel();
    let (html, svg) = (html(&journal), svg(&journal));
    let (page, picture) = (parse(&html), parse(&svg));
    // Five starts, a wait and the halt task.
    assert_eq!(with_class(&picture, "rect", "bar").len(), 7);
    let bars = with_class(&page, "span", "bars").into_iter();
    let bars: Vec<Node> = bars.flat_map(|row| row.children()).collect();
    let is = |class: &str| {
        let with = |bar: &&Node| {
            let mut classes = bar.attribute("class").unwrap_or_default().split(' ');
            classes.any(|found| found == class)
        };
        bars.iter().filter(with).count()
    };
    assert_eq!(
        (is("ok"), is("failed"), is("halt"), is("wait")),
        (4, 1, 1, 1)
    );
    assert_eq!((is("hook"), is("path")), (2, 4));
    // A row for each task of the run, the one that was done before, and the halt task.
    let names = |document: &Document| -> Vec<String> {
        let cells = with_class(document, "span", "name").into_iter();
        let names = cells.filter_map(|cell| cell.first_element_child()?.text());
        names.map(str::to_owned).collect()
    };
    assert_eq!(
        names(&page),
        ["0-done", "1-slow", "1-quick", "2-halt", "halt task halt.sh"]
    );
    // Each start has a line in the table of its task.
    let lines = page
        .descendants()
        .filter(|node| node.tag_name().name() == "td");
    assert_eq!(lines.filter(|line| line.text() == Some("2")).count(), 4);
}

#[test]
fn a_page_begins_with_the_reason_of_the_end() {
    let journal = Journal::new()
        .plan(&["1-a", "2-b", "3-c", "4-d"])
        .run_starts(0.0, 7)
        .task(0.0, 1.0, "1-a", "OK", "exited:0")
        .task(1.0, 2.0, "2-b", "RETRY", "exited:1")
        .run_ends_because(2.0, 1, "gave-up", Some(("2-b", 1, 1)), &["3-c", "4-d"]);
    let title = "Gave up after 2s: 2-b exited with 1 (1 of 1 try)";
    let html = html(&journal);
    assert!(
        html.contains(&format!("{title}</h1><p>build7 · /etc/tasks.d</p>")),
        "{html}"
    );
    assert!(
        html.contains("2026-11-24 06:00:00 to 06:00:02 +00:00 · run "),
        "{html}"
    );
    assert!(html.contains("<b>Not reached: </b>3-c, 4-d"), "{html}");
    assert!(svg(&journal).contains(&format!(">{title}</text>")));
    let page = parse(&html);
    let rows = with_class(&page, "div", "missed");
    assert_eq!(rows.len(), 2);
}

/// Builds eight runs, of which the last one is much slower. The third one failed.
fn slower() -> Journal {
    const RUNS: [&str; 8] = ["r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8"];
    let mut journal = Journal::new();
    for (number, run) in RUNS.into_iter().enumerate() {
        let at = number as f64 * 100.0;
        let time = if run == "r8" { 10.0 } else { 1.0 };
        let (result, outcome) = match run {
            "r3" => ("RETRY", "exited:1"),
            _ => ("OK", "exited:0"),
        };
        journal = journal
            .run(run)
            .run_starts(at, 7)
            .task(at, at + time, "1-a", result, outcome);
        journal = match run {
            "r3" => journal.run_ends(at + time, 1, "gave-up"),
            _ => journal.run_ends(at + time, 0, "finished"),
        };
    }
    journal
}

/// Returns the page of a run with those before it.
fn html_with_past(journal: &Journal, selector: RunSelector) -> String {
    let mut finder = RunFinder::new(selector.clone());
    let mut past = PastCollector::new(selector);
    journal
        .read(|record| {
            finder.apply(record);
            past.apply(record);
        })
        .unwrap();
    let mut found: FoundRun<Timeline> = finder.finish();
    let run = found.run.as_ref().unwrap().run.header.run.clone();
    found.past = past.finish(&run);
    run_html(&found, &now(1000.0, &[])).unwrap()
}

#[test]
fn a_slow_task_is_compared_with_earlier_runs_and_the_runs_with_each_other() {
    let last = |html: &str| {
        let page = parse(html);
        let runs = with_class(&page, "section", "past");
        let runs = runs.iter().flat_map(|section| section.descendants());
        let bars = runs.filter(|node| node.tag_name().name() == "i");
        bars.map(|bar| bar.attribute("class").unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let page = html_with_past(&slower(), RunSelector::FromEnd(1));
    assert!(page.contains("10s<small>, usually 1s</small>"), "{page}");
    assert!(page.contains("--m:10%;--p:10%"), "{page}");
    assert_eq!(last(&page), "ok ok failed ok ok ok ok ok");
    assert!(page.contains("7 finished, 1 failed; the last one is this run"));
    // Only what was before the shown run counts.
    for selector in [RunSelector::FromEnd(4), RunSelector::Id("r5".into())] {
        let page = html_with_past(&slower(), selector);
        assert_eq!(last(&page), "ok ok failed ok ok");
        assert!(
            !page.contains("usually") && page.contains("--m:100%"),
            "{page}"
        );
    }
    // Two successes are too few.
    let page = html_with_past(&slower(), RunSelector::Id("r3".into()));
    assert!(!page.contains("--m:"), "{page}");
    let page = html_with_past(&slower(), RunSelector::FromEnd(8));
    assert_eq!(last(&page), "");
}

#[test]
fn at_most_forty_runs_are_compared() {
    let runs: Vec<String> = (1..=60).map(|number| format!("r{number}")).collect();
    let mut journal = Journal::new();
    for run in &runs {
        journal = journal
            .run(run.clone().leak())
            .run_starts(0.0, 7)
            .run_ends(1.0, 0, "finished");
    }
    for (selector, expected) in [
        (RunSelector::FromEnd(1), 40),
        (RunSelector::FromEnd(15), 40),
        (RunSelector::FromEnd(50), 11),
        (RunSelector::Id("r50".into()), 40),
        (RunSelector::Id("r7".into()), 7),
    ] {
        let page = html_with_past(&journal, selector.clone());
        let text = format!("The last {expected} runs ");
        assert!(page.contains(&text), "{selector:?}");
    }
}

#[test]
fn quiet_tasks_fold_above_sixty_rows() {
    let journal = |tasks: u32| {
        let mut journal = Journal::new().run_starts(0.0, 7);
        for number in 0..tasks {
            let at = f64::from(number);
            let time = if number % 10 == 0 { 0.9 } else { 0.1 };
            let name = format!("{number}-task");
            journal = match number {
                7 => journal.task(at, at + time, &name, "RETRY", "exited:1"),
                _ => journal.ok(at, at + time, &name),
            };
        }
        journal.run_ends(1000.0, 0, "finished")
    };
    let count = |tasks: u32| {
        let (html, svg) = (html(&journal(tasks)), svg(&journal(tasks)));
        let (page, picture) = (parse(&html), parse(&svg));
        let folds = with_class(&page, "details", "fold");
        let nodes = folds.iter().flat_map(|fold| fold.descendants());
        let folded = nodes.filter(|node| node.tag_name().name() == "bdi").count();
        let rows = picture.descendants();
        let rows = rows.filter(|node| node.tag_name().name() == "g").count();
        (with_class(&page, "span", "name").len(), folded, rows)
    };
    // All, in the fold, and in the picture: those that failed or were slow.
    assert_eq!(count(60), (60, 0, 60));
    assert_eq!(count(61), (61, 61 - 8, 8));
    assert_eq!(count(200), (200, 200 - 21, 21));
    assert!(html(&journal(61)).contains("53 more tasks: 53 OK"));
}

#[test]
fn a_limit_is_shown_only_if_most_of_it_was_used() {
    for (seconds, is_shown) in [(419.0, false), (421.0, true), (600.0, true)] {
        let journal = Journal::new().run_starts(0.0, 7).ok(0.0, seconds, "1-a");
        assert_eq!(
            html(&journal).contains("<small>, limit 10m</small>"),
            is_shown
        );
    }
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
fn ticks_of_the_axis_are_few_and_round() {
    for (whole, expected) in [
        (0.0, "0%"),
        (0.003, "0% 33.167% 66.335%"),
        (1.234, "0% 16.127% 32.254% 48.38% 64.507% 80.634% 96.761%"),
        (64.0, "0% 15.547% 31.095% 46.642% 62.189% 77.736% 93.284%"),
        (5_400.0, "0% 16.584% 33.167% 49.751% 66.335% 82.919%"),
        (900.0 * 86_400.0, "0%"),
    ] {
        let journal = Journal::new()
            .run_starts(0.0, 7)
            .ok(0.0, whole, "1-a")
            .run_ends(whole, 0, "finished");
        let text = svg(&journal);
        let picture = parse(&text);
        let is_tick = |node: &Node| {
            let class = node.attribute("class");
            matches!(class, Some("tick" | "try"))
        };
        let ticks = picture.descendants().filter(is_tick);
        let ticks: Vec<&str> = ticks.map(|tick| tick.attribute("x1").unwrap()).collect();
        assert_eq!(ticks.join(" "), expected);
    }
}

#[test]
fn tries_have_the_same_scale_and_a_long_wait_is_a_short_gap() {
    let journal = Journal::new()
        .run_starts(0.0, 7)
        .task(0.0, 10.0, "1-a", "RETRY", "exited:1")
        .waits(10.0, 3600.0, "try")
        .try_starts(3610.0, 2)
        .ok(3610.0, 3630.0, "1-a")
        .run_ends(3630.0, 0, "finished");
    let text = svg(&journal);
    let picture = parse(&text);
    let bars = with_class(&picture, "rect", "bar");
    let places = bars.iter().map(|bar| {
        let place = |name| {
            bar.attribute(name)
                .unwrap()
                .trim_end_matches('%')
                .parse::<f64>()
        };
        (place("x").unwrap().round(), place("width").unwrap().round())
    });
    // The try of 10 s, the one of 20 s, and the wait of an hour between them.
    assert_eq!(
        places.collect::<Vec<_>>(),
        [(0.0, 32.0), (35.0, 65.0), (32.0, 2.0)]
    );
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

#[test]
fn a_name_that_was_not_reached_cannot_break_the_xml() {
    let journal = Journal::new()
        .plan(&["0-a", "1-\u{ffff}", "2-\u{fffe}]]>"])
        .run_starts(0.0, 7)
        .task(0.0, 1.0, "0-a", "RETRY", "exited:1")
        .run_ends_because(1.0, 1, "gave-up", Some(("0-a", 1, 1)), &[]);
    for text in [html(&journal), svg(&journal), junit(&journal)] {
        parse(&text);
    }
}

/// Returns the name of the first task, as a parser reads it from page, picture and JUnit report.
fn names(name: &str) -> [String; 3] {
    let journal = Journal::new().run_starts(0.0, 7).ok(0.0, 1.0, name);
    let text = html(&journal);
    let page = parse(&text);
    let in_page = with_class(&page, "span", "name")[0]
        .first_element_child()
        .unwrap()
        .text()
        .unwrap_or_default();
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
    assert!(text.contains("Running for 16m 40s</h1>"), "{text}");
    assert!(text.contains("since 2026-11-24 06:00:00 +00:00 "), "{text}");
    assert!(
        text.contains("<span class=\"word\">running</span>"),
        "{text}"
    );
    let text = run_html(&found(&journal), &now(1000.0, &[])).unwrap();
    let title = "Cut off after 1s: 2-b had not ended</h1>";
    assert!(text.contains(title), "{text}");
    assert!(text.contains("06:00:00 to 06:00:01 +00:00"), "{text}");
    assert!(
        text.contains("<span class=\"word\">end unknown</span>"),
        "{text}"
    );
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
fn without_a_run_there_is_no_page_picture_junit_or_markdown_report() {
    let found = found(&Journal::new().refused(1.0, 75, "busy"));
    let now = now(2.0, &[]);
    for report in [run_html, run_svg, run_junit, run_md] {
        assert_eq!(report(&found, &now), None);
    }
}
