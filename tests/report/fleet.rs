//! One answer about many machines: `--fleet`.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    process::Command,
};

use rustix::process::geteuid;
use serde_json::Value;

use crate::support::{Ran, Test, install_program, is_missing, skip};

const FIRST: &str = "hosts/web1/journal.jsonl";

/// A run of a host that ended like this.
fn run(host: &str, status: u8, reason: &str) -> String {
    let line = |time: &str, event: &str| {
        format!(
            "{{\"ts\":\"2026-11-24T06:{time}.000Z\",\"run\":\"r-{host}\",\"boot\":\"b-{host}\",\"event\":{event}}}\n"
        )
    };
    let start = format!(
        r#""run-start","version":1,"pid":7,"taskdir":"/etc/tasks.d","tasks":1,"jobs":1,"max_tries":5,"host":"{host}","machine":"m-{host}","runner_version":"0.1.0","fingerprint":"3f2a91c0b7de","plan":["1-a"]"#
    );
    let end =
        format!(r#""run-end","status":{status},"reason":"{reason}","elapsed":1.5,"task":"1-a""#);
    line("00:00", &start) + &line("01:00", &end)
}

fn ready(host: &str) -> String {
    run(host, 0, "finished")
}

fn gave_up(host: &str) -> String {
    run(host, 1, "gave-up")
}

/// A story with these journals in the directory `hosts`.
#[track_caller]
fn journals(texts: &[(&str, &str)]) -> Test {
    let mut test = Test::new().no_config();
    fs::create_dir(test.path("hosts")).unwrap();
    for (name, text) in texts {
        test = test.file(&format!("hosts/{name}"), text, 0o644);
    }
    test
}

#[track_caller]
fn fleet(test: Test, args: &[&str]) -> Ran {
    test.run_with(["runner-report", "--fleet"].iter().chain(args))
}

/// Returns host and state of each host in the answer.
fn states(ran: &Ran) -> Vec<String> {
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let hosts = answer["hosts"].as_array().unwrap().iter();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let states = hosts.map(|host| text(&host["host"]) + " " + &text(&host["state"]));
    states.collect()
}

#[test]
fn a_real_run_is_ready_and_a_refused_one_is_not() {
    let test = Test::new().config("state_dir = state").task("1-a", "");
    let ran = fleet(test.run().status(0).test, &["state"])
        .status(0)
        .stderr("");
    assert!(
        ran.stdout.starts_with("1 host: 1 ready\n"),
        "{}",
        ran.stdout
    );
    let test = ran.test.task("1-a", "exit 1").config("max_tries = 1");
    let ran = fleet(test.run().status(1).test, &["state"])
        .status(1)
        .stderr("");
    let cause = "\n1 host not ready: `1-a` exited with 1 (gave up)\n";
    assert!(ran.stdout.contains(cause), "{}", ran.stdout);
    let test = ran.test.config("max_tries = x");
    let ran = fleet(test.run().status(78).test, &["state", "--format", "json"]).status(1);
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    let host = &answer["hosts"][0];
    // The refused start names its host, so it is the same one.
    assert_eq!(
        (answer["total"].as_u64(), host["reason"].as_str()),
        (Some(1), Some("refused"))
    );
    assert_eq!(host["status"], 78);
}

#[test]
fn the_status_says_if_enough_hosts_are_ready() {
    let some = || {
        journals(&[
            ("web1/journal.jsonl", &ready("web1")),
            ("web2/journal.jsonl", &gave_up("web2")),
        ])
    };
    let optional = journals(&[(
        "web1/journal.jsonl",
        &run("web1", 4, "finished-with-failures"),
    )]);
    fleet(optional, &["hosts"]).status(0);
    fleet(some(), &[FIRST]).status(0);
    for (args, status) in [
        (&["hosts"][..], 1),
        (&["hosts", "--allow", "1"], 0),
        (&["hosts", "--allow", "50%"], 0),
        (&["hosts", "--allow", "49%"], 1),
        (&["hosts", "--within", "1s", "--allow", "1"], 1),
        (&["hosts", "--not-ready"], 1),
        (&["hosts", "--not-ready", "--allow", "1"], 0),
        (&["hosts", "--format", "html"], 64),
        (&["hosts", "--not-ready", "--format", "json"], 64),
        (&["hosts", "--allow", "x"], 64),
        (&["hosts", "--run", "-1"], 64),
        (&["hosts", "--this-boot"], 64),
        (&["hosts", "--state-dir", "hosts"], 64),
        (&["hosts", "--history"], 64),
        (&["hosts", "--timeout", "3"], 64),
        (&["hosts/web1/journal.jsonl/x"], 66),
        (&[], 64),
        (&["hosts", "--expect", "nowhere"], 66),
        (&["hosts", "nowhere"], 66),
        (&["-"], 66),
    ] {
        let ran = fleet(some(), args).status(status);
        let has_answer = matches!(status, 0 | 1);
        assert_eq!(
            ran.stdout.is_empty(),
            !has_answer,
            "{args:?}: {}",
            ran.stdout
        );
        assert_eq!(
            ran.stderr.is_empty(),
            has_answer,
            "{args:?}: {}",
            ran.stderr
        );
    }
    for args in [
        &["--history", "--allow", "3"][..],
        &["--history", "--not-ready"],
        &["--run", "r1", "--within", "3"],
        &["--history", "--timeout", "3"],
        &["--expect", "x"],
        &["--within", "1s"],
        &["--allow", "1"],
        &["--not-ready"],
    ] {
        some()
            .run_with(["runner-report"].iter().chain(args))
            .status(64);
    }
}

#[test]
fn nothing_to_read_is_an_error_also_with_expected_hosts() {
    let empty = || {
        journals(&[
            ("web1/notes.txt", &ready("web1")),
            ("web2/journal.jsonl", "\n{}\nx\n"),
        ])
    };
    fleet(empty(), &["hosts"])
        .status(66)
        .stdout("")
        .says("there is no journal to read");
    let ran = fleet(
        empty().file("names", "web1\n", 0o644),
        &["hosts", "--expect", "names"],
    );
    let ran = ran.status(66).says("there is no journal to read");
    assert!(
        ran.stdout.starts_with("1 host: 1 missing\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn expected_names_are_lines_without_comments() {
    let names = "\n# all of them\nweb1\r\n  web2  \nweb2 # twice\n\r\nweb3";
    let test = journals(&[("web1/journal.jsonl", &ready("web1"))]).file("names", names, 0o644);
    let ran = fleet(test, &["hosts", "--expect", "names", "--format", "json"]).status(1);
    assert_eq!(states(&ran), ["web1 ready", "web2 missing", "web3 missing"]);
}

#[test]
fn directories_are_searched_three_levels_deep() {
    let test = journals(&[
        ("a.jsonl", &ready("a")),
        ("b/b.jsonl.old", &ready("b")),
        ("c/c/c.jsonl", &ready("c")),
        ("d/d/d/d.jsonl", &ready("d")),
        ("e.json", &ready("e")),
        ("f.jsonl.gz", &ready("f")),
        ("g.jsonl.old.old", &ready("g")),
    ]);
    // Links can form circles. Those to files are followed.
    symlink("..", test.path("hosts/b/up")).unwrap();
    symlink("self", test.path("hosts/self")).unwrap();
    let test = test.file("elsewhere", &ready("h"), 0o644);
    symlink("../elsewhere", test.path("hosts/h.jsonl")).unwrap();
    symlink("nowhere", test.path("hosts/i.jsonl")).unwrap();
    let ran = fleet(test, &["hosts", "--format", "json"])
        .status(0)
        .stderr("");
    assert_eq!(states(&ran), ["a ready", "b ready", "c ready", "h ready"]);
}

#[test]
fn a_stream_and_rotated_parts_give_the_answer_of_the_files() {
    let (one, two) = (ready("web1"), gave_up("web2"));
    let (begin, rest) = two.split_once('\n').unwrap();
    let begin = begin.to_owned() + "\n";
    let test = journals(&[
        ("web1/journal.jsonl", &one),
        ("web2/journal.jsonl", rest),
        ("web2/journal.jsonl.old", &begin),
    ]);
    let test = test.file("stream", &(one.clone() + &two), 0o644);
    let ran = fleet(test, &["hosts", "--format", "json"]).status(1);
    let expected = ran.stdout;
    assert!(expected.contains("web2"), "{expected}");
    let mut test = ran.test.through("exec <stream");
    for args in [
        &["-"][..],
        &["-", "-"],
        &["stream", "stream"],
        &["hosts", "-"],
        &[
            "hosts/web1",
            "hosts/web2/journal.jsonl",
            "hosts/web2/journal.jsonl.old",
        ],
    ] {
        let args = [args, &["--format", "json"]].concat();
        let ran = fleet(test, &args).status(1).stdout(&expected);
        test = ran.test;
    }
}

#[test]
fn names_for_other_programs_are_plain_words() {
    let names = ["web2", "*", "a b", r"a\nb", "\\u202eweb", "-l", "web[1-9]"];
    let mut text = ready("web1");
    for name in names {
        text += &gave_up(name);
    }
    // Two machines of one name are one word.
    text += &gave_up("web2")
        .replace("m-web2", "m9")
        .replace("b-web2", "b9");
    let test = || journals(&[("all.jsonl", &text)]);
    let ran = fleet(test(), &["hosts", "--not-ready"])
        .status(1)
        .stdout("web2\n");
    let warning = "left out 6 of the hosts, because their names are not plain words: ";
    ran.says(warning).says("`*`");
    let ran = fleet(test(), &["hosts"]).status(1).stderr("");
    assert!(!ran.stdout.contains('\u{202e}'), "{}", ran.stdout);
}

#[test]
fn a_host_whose_journal_cannot_be_read_is_unreadable() {
    let test = journals(&[
        ("web1/journal.jsonl", &ready("web1")),
        ("web2/journal.jsonl", &ready("web2")),
        ("web3/journal.jsonl", &ready("web3")),
    ]);
    // A pipe without a writer would block a reader forever.
    let pipe = test.path("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    fs::create_dir(test.path("hosts/web1/x.jsonl")).unwrap();
    let ran = fleet(test, &["hosts", "pipe", "--format", "json"]).status(1);
    let ran = ran.says("pipe`: it is not a regular file");
    assert_eq!(states(&ran).len(), 4);
    if geteuid().is_root() && is_missing("setpriv") {
        return skip("only another user than root cannot read a file");
    }
    let test = ran.test;
    for directory in ["hosts/web4", "locked"] {
        fs::create_dir(test.path(directory)).unwrap();
    }
    symlink(
        "../../locked/journal.jsonl",
        test.path("hosts/web4/journal.jsonl"),
    )
    .unwrap();
    for (path, mode) in [
        ("hosts/web2/journal.jsonl", 0),
        ("hosts/web3", 0),
        ("locked", 0),
        ("", 0o755),
    ] {
        fs::set_permissions(test.path(path), Permissions::from_mode(mode)).unwrap();
    }
    for name in ["stdout", "stderr"] {
        File::create(test.path(name)).unwrap();
    }
    let test = if geteuid().is_root() {
        // The program can be in a directory of root.
        let own = test.path("bin/runner");
        install_program(&own);
        let test = test.program(own);
        let program = test.path("through");
        let call = "[ -n \"$again\" ] || exec env again=1 setpriv --reuid 65534 --clear-groups";
        test.through(&format!("{call} '{}' \"$@\"", program.display()))
    } else {
        test
    };
    let ran = fleet(test, &["hosts", "--format", "json"]).status(1);
    let ran = ran
        .says("cannot read `hosts/web2/journal.jsonl`: permission denied")
        .says("cannot read `hosts/web3`: permission denied");
    assert_eq!(
        states(&ran),
        [
            "web1 ready",
            "web2 unreadable",
            "web3 unreadable",
            "web4 unreadable"
        ]
    );
    for path in ["hosts/web3", "locked"] {
        fs::set_permissions(ran.test.path(path), Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn a_file_without_a_host_has_the_name_of_the_directory() {
    let nameless = gave_up("x").replace(r#","host":"x","machine":"m-x""#, "");
    for (args, name) in [
        (&["hosts"][..], "web7"),
        (&["hosts/web7"], "web7"),
        (&["hosts/web7/journal.jsonl"], "web7"),
        (&["hosts/web7/."], "web7"),
    ] {
        let test = journals(&[("web7/journal.jsonl", &nameless)]);
        fleet(test, &[args, &["--not-ready"]].concat())
            .status(1)
            .stdout(&format!("{name}\n"));
    }
    let test = journals(&[("web7/journal.jsonl", &nameless)]).through("cd hosts/web7");
    fleet(test, &["journal.jsonl", "--not-ready"])
        .status(1)
        .stdout("web7\n");
}

#[test]
fn a_torn_last_line_does_not_swallow_the_next_file() {
    for torn in [
        "{\"ts\":\"2026-11-24T06:0",
        "{\"ts\":\"x\",\"why\":\"\u{e9}",
    ] {
        let torn = &torn.as_bytes()[..torn.len() - 1];
        let stream = [ready("web1").as_bytes(), torn, gave_up("web2").as_bytes()].concat();
        let test = journals(&[]);
        fs::write(test.path("stream"), stream).unwrap();
        let ran = fleet(test, &["stream", "--format", "json"]).status(1);
        assert_eq!(states(&ran), ["web1 ready", "web2 not-ready"]);
    }
    // A record in the value of a line is none.
    let good = gave_up("web2");
    let inner: Vec<&str> = good.lines().collect();
    let text = ready("web1") + &format!("{{\"log\":{}}}\n{{\"log\":{}}}\n", inner[0], inner[1]);
    let test = journals(&[("web1/journal.jsonl", &text)]);
    let ran = fleet(test, &["hosts", "--format", "json"]).status(0);
    assert_eq!(states(&ran), ["web1 ready"]);
}

#[test]
fn a_journal_that_is_being_renamed_is_its_older_part() {
    let test = journals(&[("web1/journal.jsonl.old", &ready("web1"))]);
    let ran = fleet(test, &[FIRST, "--format", "json"]).status(0);
    assert_eq!(states(&ran), ["web1 ready"]);
}
