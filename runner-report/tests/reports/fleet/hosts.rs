//! Hosts, and the runs that belong to them.

use crate::fleet::{Machine, WEB1, WEB2, answer, answer_within, hosts};
use runner_report::{Allowance, FleetCollector, HostState};

#[test]
fn hosts_differ_by_name_and_machine() {
    let other = Machine {
        machine: "m9",
        boot: "b9",
        ..WEB1
    };
    let renamed = Machine {
        host: "db1",
        ..WEB1
    };
    let text = WEB1.finished("06:00", "r1")
        + &other.gave_up("06:01", "r2")
        + &renamed.start("06:02", "r3");
    let fleet = answer(&[("-", &text)]);
    let found = [
        "db1 m1 unfinished r3",
        "web1 m1 ready r1",
        "web1 m9 not-ready r2",
    ];
    assert_eq!(hosts(&fleet), found);
    let shared: Vec<bool> = fleet.hosts.iter().map(|host| host.shares_name).collect();
    assert_eq!(shared, [false, true, true]);
}

#[test]
fn a_host_without_a_machine_id_is_the_only_one_of_its_name() {
    let nameless = Machine {
        machine: "",
        boot: "b0",
        ..WEB1
    };
    let text = nameless.finished("06:00", "r0") + &WEB1.gave_up("06:01", "r1");
    assert_eq!(hosts(&answer(&[("x", &text)])), ["web1 m1 not-ready r1"]);
    let text = nameless.gave_up("06:02", "r0") + &WEB1.finished("06:01", "r1");
    assert_eq!(hosts(&answer(&[("x", &text)])), ["web1 m1 not-ready r0"]);
    let other = Machine {
        machine: "m9",
        boot: "b9",
        ..WEB1
    };
    let text = text + &other.finished("06:03", "r9");
    let found = [
        "web1 - not-ready r0",
        "web1 m1 ready r1",
        "web1 m9 ready r9",
    ];
    assert_eq!(hosts(&answer(&[("x", &text)])), found);
    let text = nameless.finished("06:00", "r0");
    assert_eq!(hosts(&answer(&[("x", &text)])), ["web1 - ready r0"]);
}

#[test]
fn a_run_without_a_host_belongs_to_its_boot_its_journal_or_its_directory() {
    let end = |machine: Machine, run| machine.end("06:30", run, 1, "gave-up", None);
    let old = WEB1.boot("b0");
    // Its start was rotated away.
    for (journals, found) in [
        (
            vec![("x", end(WEB1, "r0") + &WEB1.finished("06:00", "r1"))],
            vec!["web1 m1 not-ready r0"],
        ),
        (
            vec![("x", end(old, "r0") + &WEB1.finished("06:00", "r1"))],
            vec!["web1 m1 ready r1", "x - not-ready r0"],
        ),
        (vec![("x", end(WEB1, "r0"))], vec!["x - not-ready r0"]),
        // Its boot is known from another journal, maybe that of another container.
        (
            vec![("x", end(WEB1, "r0")), ("y", WEB1.finished("06:00", "r1"))],
            vec!["web1 m1 ready r1", "x - not-ready r0"],
        ),
        // The directory has the name of a host.
        (
            vec![
                ("web1", end(old, "r0")),
                ("y", WEB1.finished("06:00", "r1")),
            ],
            vec!["web1 m1 not-ready r0"],
        ),
        // Two hosts in one file, and a boot that neither has named.
        (
            vec![(
                "x",
                end(old, "r0") + &WEB1.finished("06:00", "r1") + &WEB2.finished("06:00", "r2"),
            )],
            vec!["web1 m1 ready r1", "web2 m2 ready r2", "x - not-ready r0"],
        ),
        // Containers have the boot of their machine.
        (
            vec![(
                "x",
                end(WEB1, "r0")
                    + &WEB1.finished("06:00", "r1")
                    + &WEB2.boot("b1").finished("06:00", "r2"),
            )],
            vec!["web1 m1 ready r1", "web2 m2 ready r2", "x - not-ready r0"],
        ),
    ] {
        let journals: Vec<(&str, &str)> =
            journals.iter().map(|(at, text)| (*at, &**text)).collect();
        assert_eq!(hosts(&answer(&journals)), found, "{journals:?}");
    }
}

#[test]
fn the_journal_of_one_runner_has_one_host() {
    let end = WEB1.boot("b0").end("06:30", "r0", 1, "gave-up", None);
    let text = end + &WEB1.finished("06:00", "r1");
    let mut collector = FleetCollector::new(crate::fleet::now());
    collector.add_journal("x".into());
    for line in text.lines() {
        collector.add_line(line);
    }
    let fleet = collector.finish(&[], None);
    assert_eq!(hosts(&fleet), ["web1 m1 not-ready r0"]);
}

#[test]
fn a_journal_of_version_0_1_names_no_host() {
    let text = WEB1
        .finished("06:00", "r1")
        .replace(r#","host":"web1","machine":"m1""#, "");
    let text = text
        + &WEB1
            .refused("06:10", "r2", 78)
            .replace(r#","host":"web1","machine":"m1""#, "");
    assert_eq!(hosts(&answer(&[("web7", &text)])), ["web7 - not-ready r2"]);
}

#[test]
fn a_refused_start_in_a_new_boot_names_its_host() {
    let text = WEB1.finished("06:00", "r1")
        + &WEB2.finished("06:00", "r2")
        + &WEB2.boot("b9").refused("06:10", "r3", 78);
    assert_eq!(
        hosts(&answer(&[("-", &text)])),
        ["web1 m1 ready r1", "web2 m2 not-ready r3"]
    );
}

#[test]
fn run_ids_can_repeat_on_other_machines() {
    let text = WEB1.start("06:00", "r1")
        + &WEB2.gave_up("06:00", "r1")
        + &WEB1.end("06:01", "r1", 0, "finished", None);
    assert_eq!(
        hosts(&answer(&[("-", &text)])),
        ["web1 m1 ready r1", "web2 m2 not-ready r1"]
    );
}

#[test]
fn an_expected_host_without_a_journal_is_missing() {
    let text = WEB1.finished("06:00", "r1");
    let fleet = answer_within(&[("x", &text)], &["web1", "web2", "web2"], None);
    assert_eq!(hosts(&fleet), ["web1 m1 ready r1", "web2 - missing -"]);
    let fleet = answer_within(&[], &["web2"], None);
    assert_eq!(hosts(&fleet), ["web2 - missing -"]);
}

#[test]
fn a_journal_that_cannot_be_read_makes_its_host_unreadable() {
    let mut collector = FleetCollector::new(crate::fleet::now());
    assert!(collector.is_empty());
    collector.add_source("web9".into());
    collector.mark_unreadable();
    assert!(!collector.is_empty());
    // The other part of this journal can be read.
    collector.add_source("x".into());
    for line in WEB1.finished("06:00", "r1").lines() {
        collector.add_line(line);
    }
    collector.mark_unreadable();
    let fleet = collector.finish(&["web9"], None);
    assert_eq!(
        hosts(&fleet),
        ["web1 m1 unreadable r1", "web9 - unreadable -"]
    );
}

#[test]
fn broken_and_foreign_lines_are_skipped() {
    let good = WEB1.finished("06:00", "r1");
    for broken in [
        "",
        "\n",
        "null\n",
        "{}\n",
        "{\"ts\":\"2026-11-24T06:00:00.000Z\"\n",
        "{\"message\":\"GET /\",\"ts\":1}\n",
        &WEB2.line("07:00", "r2", r#""a-later-event","x":1"#),
        &WEB2.start("07:00", "r2").replace("06:", ""),
    ] {
        let broken = broken.replace("\"run-start\",\"version\":1", "\"run-start\"");
        let text = broken.clone() + &good + &broken;
        assert_eq!(
            hosts(&answer(&[("x", &text)])),
            ["web1 m1 ready r1"],
            "{broken}"
        );
    }
}

#[test]
fn an_allowance_is_a_number_of_hosts_or_a_part_of_all() {
    let text = WEB1.finished("06:00", "r1") + &WEB2.gave_up("06:00", "r2");
    let fleet = answer_within(&[("-", &text)], &["web3", "web4"], None);
    assert_eq!(fleet.count(HostState::Missing), 2);
    for (allowed, is_ready) in [
        ("0", false),
        ("2", false),
        ("3", true),
        ("74%", false),
        ("75%", true),
        ("100%", true),
    ] {
        let allowed = Allowance::parse(allowed).unwrap();
        assert_eq!(fleet.is_ready(allowed), is_ready, "{allowed:?}");
    }
    for wrong in [
        "",
        "%",
        "-1",
        "+1",
        "1.5",
        "101%",
        "1 %",
        "x",
        "99999999999999999999999",
    ] {
        assert_eq!(Allowance::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_plain_name_is_one_word_for_other_programs() {
    for (name, is_plain) in [
        ("web1", true),
        ("web-1.example.org", true),
        ("_x", true),
        ("", false),
        ("a b", false),
        ("a\\nb", false),
        ("-l", false),
        ("*", false),
        ("web[1-9]", false),
        ("!web1", false),
        ("@group", false),
        ("a,b", false),
        ("a:b", false),
        ("\u{202e}a", false),
        ("wéb", false),
    ] {
        let text = WEB1.finished("06:00", "r1").replace("web1", name);
        let fleet = answer(&[("x", &text)]);
        // A host without a name has that of the directory.
        let is_plain = is_plain || name.is_empty();
        assert_eq!(fleet.hosts[0].has_plain_name(), is_plain, "{name}");
    }
}
