//! Text and JSON, read back.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use runner_report::{FleetAnswer, fleet_json, fleet_text};
use serde::Deserialize;

use crate::fleet::{Machine, WEB1, WEB2, answer, answer_within};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fleet {
    total: usize,
    states: BTreeMap<String, usize>,
    failures: Vec<Failure>,
    fingerprints: Vec<Fingerprint>,
    hosts: Vec<Host>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Failure {
    state: String,
    reason: Option<String>,
    task: Option<String>,
    outcome: Option<String>,
    status: Option<u8>,
    refusal: Option<String>,
    count: usize,
    examples: Vec<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Fingerprint {
    fingerprint: String,
    count: usize,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Host {
    host: String,
    machine: Option<String>,
    state: String,
    seen: Option<String>,
    run: Option<String>,
    boot: Option<String>,
    started: Option<String>,
    reason: Option<String>,
    status: Option<u8>,
    task: Option<String>,
    outcome: Option<String>,
    refusal: Option<String>,
    fingerprint: Option<String>,
}

fn json(fleet: &FleetAnswer) -> Fleet {
    serde_json::from_str(&fleet_json(fleet)).unwrap()
}

#[test]
fn json_has_all_its_members() {
    let text = WEB1.gave_up("06:00", "r1") + &WEB2.refused("06:10", "r2", 78);
    let found = json(&answer_within(&[("-", &text)], &["web3"], None));
    assert_eq!(found.total, 3);
    let states = "halted missing not-ready ready ready-with-failures silent unfinished unreadable";
    let names: Vec<&str> = found.states.keys().map(String::as_str).collect();
    assert_eq!(names.join(" "), states);
    assert_eq!((found.states["not-ready"], found.states["missing"]), (2, 1));
    let web1 = Host {
        host: "web1".into(),
        machine: Some("m1".into()),
        state: "not-ready".into(),
        seen: Some("2026-11-24T06:00:00.000Z".into()),
        run: Some("r1".into()),
        boot: Some("b1".into()),
        started: Some("2026-11-24T06:00:00.000Z".into()),
        reason: Some("gave-up".into()),
        status: Some(1),
        task: Some("1-a".into()),
        outcome: Some("exited:7".into()),
        refusal: None,
        fingerprint: Some("3f2a91c0b7de".into()),
    };
    let web2 = Host {
        host: "web2".into(),
        machine: Some("m2".into()),
        state: "not-ready".into(),
        seen: Some("2026-11-24T06:10:00.000Z".into()),
        run: Some("r2".into()),
        boot: Some("b2".into()),
        started: Some("2026-11-24T06:10:00.000Z".into()),
        reason: Some("refused".into()),
        status: Some(78),
        task: None,
        outcome: None,
        refusal: Some("no".into()),
        fingerprint: None,
    };
    let web3 = Host {
        host: "web3".into(),
        machine: None,
        state: "missing".into(),
        seen: None,
        run: None,
        boot: None,
        started: None,
        reason: None,
        status: None,
        task: None,
        outcome: None,
        refusal: None,
        fingerprint: None,
    };
    assert_eq!(found.hosts, [web1, web2, web3]);
    let failures = [
        Failure {
            state: "not-ready".into(),
            reason: Some("gave-up".into()),
            task: Some("1-a".into()),
            outcome: Some("exited:7".into()),
            status: None,
            refusal: None,
            count: 1,
            examples: vec!["web1".into()],
        },
        Failure {
            state: "not-ready".into(),
            reason: Some("refused".into()),
            task: None,
            outcome: None,
            status: Some(78),
            refusal: Some("no".into()),
            count: 1,
            examples: vec!["web2".into()],
        },
        Failure {
            state: "missing".into(),
            reason: None,
            task: None,
            outcome: None,
            status: None,
            refusal: None,
            count: 1,
            examples: vec!["web3".into()],
        },
    ];
    for failure in &failures {
        assert!(found.failures.contains(failure), "{failure:?}");
    }
    assert_eq!(found.failures.len(), failures.len());
    let fingerprint = Fingerprint {
        fingerprint: "3f2a91c0b7de".into(),
        count: 1,
    };
    assert_eq!(found.fingerprints, [fingerprint]);
}

#[test]
fn text_has_a_paragraph_for_each_cause() {
    let twin = Machine {
        machine: "m9",
        boot: "b9",
        ..WEB2
    };
    let host = |host, boot| Machine {
        host,
        machine: boot,
        boot,
    };
    let text = [
        WEB1.finished("06:00", "r1"),
        WEB2.gave_up("06:00", "r2"),
        twin.gave_up("06:00", "r3"),
        host("a", "b3").start("06:00", "r4"),
        host("b", "b4").refused("06:00", "r5", 78),
        host("c", "b5").refused("06:00", "r6", 75),
        host("d", "b6").start("06:00", "r7")
            + &host("d", "b6").task("06:01", "r7", "2-b", 1, ["RETRY", "bad-output"])
            + &host("d", "b6").end("06:02", "r7", 4, "finished-with-failures", None),
        host("e", "b7").start("06:00", "r8")
            + &host("e", "b7").task("06:01", "r8", "2-b", 1, ["HALT", "exited:2"])
            + &host("e", "b7").end("06:02", "r8", 2, "halted", Some("2-b")),
        host("f", "b8").start("06:00", "r9")
            + &host("f", "b8").end("06:02", "r9", 143, "interrupted", Some("2-b")),
        host("evil\\u202e\\n", "c1").start("06:00", "r0")
            + &host("evil", "c1").end("06:02", "r0", 3, "stopped", Some("\\u001b[31m")),
    ];
    let fleet = answer_within(&[("-", &text.concat())], &["g"], None);
    let expected = "\
11 hosts: 1 ready, 1 ready with failures, 6 not ready, 1 halted, 1 unfinished, 1 missing

2 hosts not ready: `1-a` exited with 7 (gave up)
    web2 (m2), web2 (m9)

1 host unfinished
    a

1 host not ready: refused with status 78: no
    b

1 host not ready: refused with status 75: another run was active
    c

1 host ready with failures: `2-b` bad output
    d

1 host halted: `2-b` exited with 2
    e

1 host not ready: `\\x1b[31m` stopped
    evil\\u202e\\n

1 host not ready: `2-b` interrupted
    f

1 host missing
    g

1 fingerprint: 8 hosts run 3f2a91c0b7de
";
    assert_eq!(fleet_text(&fleet), expected);
}

#[test]
fn many_hosts_causes_and_fingerprints_are_counted() {
    let mut text = String::new();
    for number in 0..1_200 {
        // 1,100 hosts have the first cause, and the others one of their own.
        let cause = number.max(1_099);
        let mut lines = WEB1.gave_up("06:00", "r1");
        for (old, new) in [
            ("web1", format!("web{number:04}")),
            ("\"m1\"", format!("\"m{number}\"")),
            ("\"b1\"", format!("\"b{number}\"")),
            ("exited:7", format!("later-word:{cause}")),
            ("3f2a91c0b7de", format!("{cause:012}")),
        ] {
            lines = lines.replace(old, &new);
        }
        text += &lines;
    }
    let found = fleet_text(&answer(&[("-", &text)]));
    let begin = "1,200 hosts: 1,200 not ready\n\n1,100 hosts not ready: `1-a` later-word:1099 (gave up)\n    \
                 web0000, web0001, web0002 and 1,097 others\n\n1 host not ready: ";
    assert!(found.starts_with(begin), "{found}");
    let end = "\n\nand 81 more causes\n\n101 fingerprints: 1,100 hosts run 000000001099, 1 runs 000000001100, \
               1 runs 000000001101, 1 runs 000000001102, 1 runs 000000001103, and 96 more\n";
    assert!(found.ends_with(end), "{found}");
}

/// Three causes of failure and two fingerprints among 10,000 hosts.
#[test]
fn ten_thousand_hosts_have_one_answer() {
    let (mut journals, mut stream) = (Vec::new(), String::new());
    for number in 0..10_000 {
        let (result, end) = match number % 100 {
            0..3 => (["RETRY", "exited:1"], (1, "gave-up", Some("1-a"))),
            3..5 => (["HALT", "exited:2"], (2, "halted", Some("1-a"))),
            5 => (["RETRY", "timed-out"], (1, "gave-up", Some("1-a"))),
            _ => (["OK", "exited:0"], (0, "finished", None)),
        };
        let (status, reason, task) = end;
        let mut lines = WEB1.start("06:00", "r1");
        for event in [
            r#""try-start","try_num":1"#,
            r#""task-start","task":"1-a","try_num":1,"pid":9"#,
        ] {
            lines += &WEB1.line("06:00", "r1", event);
        }
        lines += &WEB1.task("06:01", "r1", "1-a", 1, result);
        lines += &WEB1.end("06:02", "r1", status, reason, task);
        for (old, new) in [
            ("web1", format!("web{number:05}")),
            ("\"m1\"", format!("\"{number:012}\"")),
            ("\"b1\"", format!("\"b{number}\"")),
        ] {
            lines = lines.replace(old, &new);
        }
        if number % 50 == 7 {
            lines = lines.replace("3f2a91c0b7de", "77c1e02b4410");
        }
        writeln!(stream, "{lines}").unwrap();
        journals.push(lines);
    }
    let journals: Vec<(&str, &str)> = journals.iter().map(|text| ("x", &**text)).collect();
    let within = Some(Duration::from_secs(2 * 3600));
    let fleet = answer_within(&journals, &[], within);
    let expected = "\
10,000 hosts: 9,400 ready, 400 not ready, 200 halted

300 hosts not ready: `1-a` exited with 1 (gave up)
    web00000, web00001, web00002 and 297 others

200 hosts halted: `1-a` exited with 2
    web00003, web00004, web00103 and 197 others

100 hosts not ready: `1-a` timed out (gave up)
    web00005, web00105, web00205 and 97 others

2 fingerprints: 9,800 hosts run 3f2a91c0b7de, 200 run 77c1e02b4410
";
    assert_eq!(fleet_text(&fleet), expected);
    assert_eq!(answer_within(&[("-", &stream)], &[], within), fleet);
    let found = json(&fleet);
    assert_eq!((found.total, found.hosts.len()), (10_000, 10_000));
    let counts: Vec<usize> = found.failures.iter().map(|failure| failure.count).collect();
    assert_eq!(counts, [300, 200, 100]);
}
