//! `--settings`, the table of all settings.

use rustix::process::Signal;

use crate::support::Test;

/// Every setting of `[runner]` with its default, then the settings of task sections only.
const DEFAULTS: [(&str, &str); 32] = [
    ("sleep_time", "1"),
    ("retry_jitter", ""),
    ("retry_backoff", "1"),
    ("max_sleep", "0"),
    ("max_tries", "5"),
    ("retry_from", "start"),
    ("max_run_time", "0"),
    ("max_time", "600"),
    ("hook_time", "30"),
    ("kill_grace", "5"),
    ("leak_time", "0.2"),
    ("leftovers", "report"),
    ("required", "yes"),
    ("halt_task", "halt.sh"),
    ("task_hook", ""),
    ("run_hook", ""),
    ("interpreter", ""),
    ("ok_codes", "0"),
    ("skip_codes", ""),
    ("halt_codes", "2"),
    ("stop_codes", ""),
    ("jobs", "1"),
    ("max_halts", "0"),
    ("halt_period", "1d"),
    ("include_dir", ""),
    ("state_dir", ""),
    ("journal_size", "16M"),
    ("log_dir", ""),
    ("log_keep", "10"),
    ("depends_on", ""),
    ("enabled", "yes"),
    ("frequency", "always"),
];

#[test]
fn every_setting_is_listed_with_its_default_and_meaning() {
    let ran = Test::new()
        .no_config()
        .run_with(["runner-config", "--settings"])
        .status(0)
        .stderr("");
    let mut found = Vec::new();
    for line in ran.stdout.lines() {
        let columns = line.split("  ").map(str::trim);
        let columns: Vec<&str> = columns.filter(|column| !column.is_empty()).collect();
        match columns[..] {
            [name, default, _meaning] => found.push((name, default)),
            [name, _meaning] => found.push((name, "")),
            _ => panic!("{line}"),
        }
    }
    assert_eq!(found, DEFAULTS);
}

#[test]
fn the_defaults_written_out_change_nothing() {
    let write = |settings: &[(&str, &str)]| -> String {
        let lines = settings
            .iter()
            .map(|(name, value)| format!("{name} = {value}\n"));
        lines.collect()
    };
    let (runner, task) = DEFAULTS.split_at(29);
    let written = format!("[runner]\n{}[a]\n{}", write(runner), write(task));
    let test = || {
        Test::new()
            .no_config()
            .task("1-a", "echo $RUNNER_MAX_TRIES")
            .task("halt.sh", "")
    };
    test()
        .only_config(&written)
        .args(["--check"])
        .run()
        .status(0)
        .does_not_say("warning");
    let list = |test: Test| test.args(["--list", "--json"]).run().status(0).stdout;
    assert_eq!(list(test().only_config(&written)), list(test()));
    test().run().status(0).stdout("5\n");
    test().only_config(&written).run().status(0).stdout("5\n");
}

#[test]
fn the_default_wait_is_one_to_two_seconds() {
    let running = Test::new().no_config().task("1-a", "exit 1").start();
    running.until("stderr", "(try 2 of 5)\n");
    running.signal(Signal::TERM);
    let ran = running.wait().status(143).order("1-a");
    let (_, wait) = ran.stderr.split_once(" from the beginning in ").unwrap();
    let (wait, _) = wait.split_once("s (try 2 of 5)").unwrap();
    let wait: f64 = wait.parse().unwrap();
    assert!((1.0..=2.0).contains(&wait), "{wait}");
}
