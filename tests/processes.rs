//! Processes: how tasks start, how they end, and what they leave.
//!
//! Times are short for what has to end, and long for what would have to wait: a
//! story that takes 10 seconds waited for something that it should not wait for.

use std::{env, fs, os::unix::fs::symlink, time::Duration};

use rustix::process::Signal;

use crate::support::{
    HOLD, Ran, Test, cannot_block_signals, cannot_hold, ignores, is_ignored, is_missing, once,
    pause, quoted, runner, skip, until,
};

const SOON: Duration = Duration::from_secs(10);

/// Shell functions: one waits for a file, which another process or the story
/// makes; one does so in a way that no signal but KILL ends.
const WAIT: &str =
    "wait_for() { until [ -e \"$1\" ]; do sleep 0.02 2>/dev/null || sleep 1; done; }";

/// A task that says `ready` in a file, waits for a signal, and says which it got.
const TRAP: &str = "\
for name in TERM INT HUP QUIT; do trap \"echo got $name; exit 0\" $name; done
sleep 30 &
: >ready
wait";

/// What ignores every signal that can be ignored.
const DEAF: &str = "trap '' TERM INT HUP QUIT\n: >ready\nwhile :; do sleep 30; done";

impl Test {
    /// A task with [`WAIT`] in it.
    #[track_caller]
    fn waiting(self, name: &str, body: &str) -> Test {
        self.task(name, &format!("{WAIT}\n{body}"))
    }
}

// What a task begins with.

#[test]
fn stdin_is_empty_whatever_the_runner_has() {
    Test::new()
        .task("1-a", "cat; echo end")
        .task("halt.sh", "cat; echo end")
        .file("hook", "#!/bin/sh\ncat\necho end\n", 0o755)
        .config("task_hook = ./hook")
        .through("exec <<END\nsecret\nEND")
        .args(["-H"])
        .run()
        .status(0)
        .stdout("end\nend\nend\nend\n")
        .nothing_left();
}

#[test]
fn a_task_gets_no_arguments_and_the_working_directory_of_the_runner() {
    let ran = Test::new()
        .task("1-a", "echo $#; pwd -P")
        .run()
        .status(0)
        .nothing_left();
    let here = fs::canonicalize(ran.test.dir()).unwrap();
    ran.stdout(&format!("0\n{}\n", here.display()));
}

#[test]
fn every_process_leads_a_group_of_its_own() {
    let leads = "read -r pid name state parent group rest </proc/$$/stat\n\
                 echo $((group == $$)) $((parent == PPID))";
    Test::new()
        .task("1-a", leads)
        .task("halt.sh", leads)
        .file("hook", &format!("#!/bin/sh\n{leads}\n"), 0o755)
        .config("task_hook = ./hook")
        .args(["-H"])
        .run()
        .status(0)
        .stdout(&"1 1\n".repeat(4))
        .nothing_left();
}

#[test]
fn stdout_and_stderr_are_those_of_the_runner() {
    Test::new()
        .task(
            "1-a",
            "printf 'no line end'; echo oops >&2; printf '\\377\\000x\\r'",
        )
        .run()
        .status(0)
        .stdout("no line end\u{fffd}\0x\r")
        .says("oops\n")
        .nothing_left();
}

/// Every process sees the descriptors that the runner was started with, and none
/// of the runner's own.
#[test]
fn descriptors_of_the_runner_do_not_leak() {
    let list = |name: &str| format!("ls /proc/self/fd >'{name}'");
    for jobs in ["1", "2"] {
        let ran = Test::new()
            .task("1-a", &list("task"))
            .waiting("2-b", &format!(": >b\nwait_for c\n{}", list("b-task")))
            .waiting(
                "2-c",
                &format!(": >c\nwait_for ${{B-b}}\n{}", list("c-task")),
            )
            .task("halt.sh", &list("halt"))
            .file(
                "hook",
                "#!/bin/sh\nls /proc/self/fd >\"$RUNNER_HOOK\"\n",
                0o755,
            )
            .config("task_hook = ./hook\n[b]\ndepends_on =")
            .args(["-H", "-j", jobs])
            .through(&format!("{}\n: >c", list("outside")))
            .run()
            .status(0)
            .nothing_left();
        let outside = ran.read("outside");
        assert!(outside.contains("2\n"), "{outside}");
        for name in ["task", "b-task", "c-task", "halt", "pre", "post"] {
            assert_eq!(ran.read(name), outside, "{name}");
        }
    }
}

#[test]
fn a_bare_interpreter_is_looked_up_in_the_path_of_the_runner() {
    let test = Test::new()
        .task("1-a", "echo no")
        .file(
            "bin/interpret",
            "#!/bin/sh\necho the right one: $1 $2\n",
            0o755,
        )
        .file("other/interpret", "#!/bin/sh\necho a wrong one\n", 0o755);
    let before = |name| {
        let usual = env::var("PATH").unwrap();
        format!("{}:{usual}", test.path(name).display())
    };
    let ours = before("bin");
    let theirs = format!(
        "interpreter = interpret -x\n[env]\nPATH = {}",
        before("other")
    );
    test.config(&theirs)
        .env("PATH", ours)
        .run()
        .status(0)
        .stdout("the right one: -x tasks.d/1-a\n")
        .nothing_left();
}

// Limits.

#[test]
fn a_limit_ends_the_whole_group() {
    Test::new()
        .task("1-a", "sleep 30 &\nsh -c 'sleep 30 & wait' &\nsleep 30")
        .config("max_time = 0.2\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .says("`1-a` ran longer than `max_time` (200ms); its process group was ended")
        .nothing_left();
}

#[test]
fn a_limit_is_not_shortened_by_rounding() {
    let ran = Test::new()
        .task("1-a", "sleep 30")
        .config("max_time = 0.2\nmax_tries = 1")
        .run()
        .status(1);
    assert!(ran.elapsed >= Duration::from_millis(200));
}

#[test]
fn what_ignores_the_request_is_killed_after_the_grace() {
    let ran = Test::new()
        .task("1-a", DEAF)
        .config("max_time = 0.5\nkill_grace = 0.3\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .says("`1-a` ran longer than `max_time` (500ms)")
        .nothing_left();
    assert!(ran.elapsed >= Duration::from_millis(800));
}

#[test]
fn a_task_that_is_timed_out_is_so_whatever_it_exits_with() {
    let exit = |code| format!("trap 'echo bye; exit {code}' TERM\nsleep 30 & wait");
    let ran = Test::new()
        .task("1-a", &exit(0))
        .task("1-b", &exit(2))
        .task("1-c", &exit(3))
        .task("halt.sh", "")
        .hook()
        .config("max_time = 1\nstop_codes = 3")
        .config("[a]\nrequired = no\n[b]\nrequired = no\n[c]\nrequired = no")
        .args(["-j", "3"])
        .run()
        .status(4)
        .within(SOON)
        .nothing_left();
    let mut said: Vec<&str> = ran.stdout.lines().collect();
    said.sort();
    assert_eq!(said, ["1-a     | bye", "1-b     | bye", "1-c     | bye"]);
    let retry = |line: &&String| line.ends_with(r#""result":"RETRY"}"#);
    assert_eq!(ran.hooks().iter().filter(retry).count(), 3);
}

#[test]
fn the_group_may_use_the_grace_to_clean_up_when_its_leader_is_gone() {
    Test::new()
        .task(
            "1-a",
            "(trap 'sleep 0.3 || sleep 1; echo cleaned up; exit' TERM; sleep 30 & wait) &\nsleep 30",
        )
        .config("max_time = 0.5\nkill_grace = 30\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .stdout("cleaned up\n")
        .nothing_left();
}

#[test]
fn a_member_that_ignores_the_request_is_killed_when_its_leader_is_gone() {
    Test::new()
        .task("1-a", &format!("({DEAF}) &\nsleep 30"))
        .config("max_time = 0.5\nkill_grace = 0.3\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .nothing_left();
}

#[test]
fn a_stopped_task_is_ended_at_its_limit() {
    Test::new()
        .task("1-a", "kill -STOP $$\necho went on")
        .config("max_time = 0.2\nkill_grace = 30\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .stdout("")
        .nothing_left();
}

#[test]
fn a_stopped_task_that_ignores_the_request_is_killed() {
    Test::new()
        .task("1-a", "trap '' TERM\nkill -STOP 0\nsleep 30")
        .config("max_time = 0.2\nkill_grace = 0.2\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .nothing_left();
}

#[test]
fn without_a_grace_what_reaches_its_limit_is_killed() {
    Test::new()
        .task("1-a", DEAF)
        .config("max_time = 0.2\nkill_grace = 0\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .nothing_left();
}

/// Makes stderr a pipe that nobody reads and that is full. What fills it ends when
/// the pipe is gone.
const FULL_STDERR: &str = "\
mkfifo full
exec 2<>full
dd if=/dev/zero of=full bs=4096 count=1024 2>/dev/null &
sleep 1";

#[test]
fn a_limit_does_not_wait_for_whoever_reads_the_messages() {
    Test::new()
        .task("1-a", "sleep 30")
        .config("max_time = 0.2\nmax_tries = 1")
        .through(FULL_STDERR)
        .run()
        .status(1)
        .within(SOON)
        .left("");
}

#[test]
fn a_signal_does_not_wait_for_whoever_reads_the_messages() {
    let running = Test::new()
        .task("1-a", "sleep 30")
        .through(FULL_STDERR)
        .start();
    running.until("order", "1-a");
    running.signal(Signal::TERM);
    running.wait().status(143).within(SOON).left("");
}

#[test]
fn what_closes_its_output_is_waited_for_all_the_same() {
    Test::new()
        .task("1-a", "exec >&- 2>&-\nsleep 0.3 || sleep 1\nexit 3")
        .config("stop_codes = 3")
        .run()
        .status(3)
        .within(SOON)
        .nothing_left();
}

/// Traces the process whose number is in the file `pid`, and reaps nothing, as a debugger
/// that waits for its user. It lets go when the file `let_go` is there.
const TRACER: &str = "\
import ctypes, os, time
def wait_for(name):
    while not os.path.exists(name):
        time.sleep(0.01)
open('up', 'w').close()
wait_for('pid')
seized = ctypes.CDLL(None).ptrace(0x4206, int(open('pid').read()), 0, 0) == 0
open('traced' if seized else 'refused', 'w').close()
wait_for('let_go')
";

/// A task that is traced from some moment on, and then does `body`. It starts no other
/// process: a signal at its end would stop it.
fn traced(body: &str) -> Test {
    let wait = "echo $$ >new; mv new pid\n\
                while [ ! -e traced ] && [ ! -e refused ]; do :; done\n";
    Test::new()
        .file("tracer", TRACER, 0o644)
        .file("tasks.d/1-a", &format!("#!/bin/sh\n{wait}{body}\n"), 0o755)
        .task("2-b", "")
        .through("python3 tracer &\nuntil [ -e up ]; do sleep 0.05 || sleep 1; done")
}

/// Says so and does nothing more when a process may not be traced here.
fn was_refused(ran: &Ran) -> bool {
    let refused = ran.test.path("refused").exists();
    if refused {
        skip("a process cannot be traced");
    }
    refused
}

#[test]
fn a_task_that_a_debugger_holds_is_named_and_the_run_gives_up() {
    if is_missing("python3") {
        return;
    }
    for body in ["exec sleep 30", "exit 0"] {
        for jobs in ["1", "2"] {
            let ran = traced(body)
                .config("max_time = 2\nkill_grace = 0.2\nmax_tries = 3")
                .args(["-j", jobs])
                .run();
            if was_refused(&ran) {
                return;
            }
            ran.status(1)
                .within(SOON)
                .order("")
                .says("`1-a` cannot be ended, not even by SIGKILL: 1 process: ")
                .says(" (state Z, traced by process ")
                .says("ran longer than `max_time` (2s); some of it is still there; giving up")
                .does_not_say("was ended")
                .left("python3");
        }
    }
}

#[test]
fn a_signal_does_not_wait_for_a_debugger() {
    if is_missing("python3") {
        return;
    }
    for body in ["exec sleep 30", "exit 0"] {
        let running = traced(body).config("kill_grace = 0.2").start();
        until(|| ["traced", "refused"].map(|name| running.path(name).exists()) != [false; 2]);
        pause(Duration::from_millis(100));
        running.signal(Signal::TERM);
        let ran = running.wait();
        if was_refused(&ran) {
            return;
        }
        ran.status(143)
            .within(SOON)
            .says("`1-a` cannot be ended, not even by SIGKILL: 1 process: ")
            .says("`1-a` got SIGTERM, and some of it is still there after ")
            .left("python3");
    }
}

#[test]
fn a_debugger_that_lets_go_loses_no_status() {
    if is_missing("python3") {
        return;
    }
    let running = traced("exit 3").config("stop_codes = 3").start();
    until(|| ["traced", "refused"].map(|name| running.path(name).exists()) != [false; 2]);
    pause(Duration::from_millis(300));
    fs::write(running.path("let_go"), "").unwrap();
    running
        .wait()
        .status(3)
        .within(SOON)
        .says("`1-a` exited with 3 after ")
        .nothing_left();
}

#[test]
fn times_beyond_all_bounds_are_no_limit() {
    for time in ["0", "999999999999999999999", "400000000w"] {
        Test::new()
            .task("1-a", "exit 3")
            .config(&format!(
                "max_time = {time}\nkill_grace = {time}\nstop_codes = 3"
            ))
            .run()
            .status(3)
            .within(SOON)
            .nothing_left();
    }
}

// What is left.

/// Starts a daemon as `setsid` does, and waits until it has a session of its own.
fn daemon(name: &str) -> String {
    format!("setsid sh -c ': >{name}; exec sleep 30' & wait_for {name}")
}

#[test]
fn a_limit_ends_the_daemons_of_a_task_and_none_of_an_earlier_one() {
    if is_missing("setsid") {
        return;
    }
    let ran = Test::new()
        .waiting("1-a", &daemon("early"))
        .waiting("2-b", &format!("{}\nsleep 30", daemon("late")))
        .config("max_tries = 1\n[b]\nmax_time = 0.5")
        .run()
        .status(1)
        .within(SOON)
        .left("sleep");
    assert!(ran.read("late").is_empty() && ran.test.path("late").exists());
}

/// Starts a daemon that does `body` when it is asked to end.
fn polite_daemon(body: &str) -> String {
    format!("setsid sh -c 'trap \"{body}\" TERM; : >up; while :; do sleep 0.1; done' & wait_for up")
}

#[test]
fn a_daemon_may_use_the_grace_to_clean_up() {
    if is_missing("setsid") {
        return;
    }
    let task = format!(
        "{}\nsleep 30",
        polite_daemon("sleep 0.3; echo cleaned up; exit")
    );
    let test = || {
        Test::new()
            .waiting("1-a", &task)
            .config("kill_grace = 30\nmax_tries = 1")
    };
    test()
        .config("max_time = 1")
        .run()
        .status(1)
        .within(SOON)
        .stdout("cleaned up\n")
        .nothing_left();
    let running = test().start();
    running.until("up", "");
    running.signal(Signal::TERM);
    running
        .wait()
        .status(143)
        .within(SOON)
        .stdout("cleaned up\n")
        .nothing_left();
}

#[test]
fn a_daemon_that_ignores_the_request_is_killed_after_the_grace() {
    if is_missing("setsid") {
        return;
    }
    let ran = Test::new()
        .waiting("1-a", &format!("{}\nsleep 30", polite_daemon("")))
        .config("max_time = 1\nkill_grace = 0.5\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .does_not_say("cannot be ended")
        .nothing_left();
    assert!(ran.elapsed >= Duration::from_millis(1500));
}

#[test]
fn a_daemon_has_its_grace_together_with_the_group() {
    if is_missing("setsid") {
        return;
    }
    let running = Test::new()
        .waiting("1-a", &format!("({})\n{DEAF}", polite_daemon("")))
        .config("kill_grace = 4")
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    running
        .wait()
        .status(143)
        .within(Duration::from_secs(7))
        .nothing_left();
}

#[test]
fn a_second_signal_kills_a_daemon_in_its_grace() {
    if is_missing("setsid") {
        return;
    }
    let running = Test::new()
        .waiting("1-a", &format!("{}\nsleep 30", polite_daemon(": >asked")))
        .config("kill_grace = 60")
        .start();
    running.until("up", "");
    running.signal(Signal::TERM);
    running.until("asked", "");
    running.signal(Signal::TERM);
    running.wait().status(143).within(SOON).nothing_left();
}

/// A daemon that is another process all the time: it starts itself anew and ends, and
/// says so with a byte each time. It ends when its file is gone, at the latest with the story.
const RESTLESS: &str = "#!/bin/sh\nprintf . >>beats\n\"$0\" &\n";

#[test]
fn a_limit_ends_a_daemon_that_forks_all_the_time() {
    if is_missing("setsid") {
        return;
    }
    for _ in 0..5 {
        let ran = Test::new()
            .file("restless", RESTLESS, 0o755)
            .waiting("1-a", "setsid ./restless & wait_for beats; sleep 30")
            .config("max_tries = 1\n[a]\nmax_time = 0.6")
            .run()
            .status(1)
            .within(SOON)
            .does_not_say("gives up");
        let beats = ran.read("beats").len();
        pause(Duration::from_millis(100));
        assert_eq!(ran.read("beats").len(), beats);
        ran.nothing_left();
    }
}

#[test]
fn a_limit_leaves_a_daemon_of_an_earlier_task_that_forks_all_the_time() {
    if is_missing("setsid") {
        return;
    }
    let ran = Test::new()
        .file("restless", RESTLESS, 0o755)
        .waiting("1-a", "setsid ./restless & wait_for beats")
        .waiting("2-b", "sleep 30")
        .config("max_tries = 1\n[b]\nmax_time = 0.6")
        .run()
        .status(1)
        .within(SOON);
    let beats = ran.read("beats").len();
    until(|| ran.read("beats").len() > beats);
    fs::remove_file(ran.test.path("restless")).unwrap();
}

/// What makes a process forget whose it is.
const FORGET: &str = "unset RUNNER_RUN_ID RUNNER_TASK RUNNER_TRY_NUM";

#[test]
fn a_limit_ends_a_daemon_that_forgot_its_environment() {
    if is_missing("setsid") {
        return;
    }
    Test::new()
        .waiting("1-a", &format!("{FORGET}\n{}\nsleep 30", daemon("late")))
        .config("max_tries = 1\n[a]\nmax_time = 0.5")
        .run()
        .status(1)
        .within(SOON)
        .nothing_left();
}

#[test]
fn what_a_daemon_of_an_earlier_task_may_have_orphaned_is_named_and_left_alone() {
    if is_missing("setsid") {
        return;
    }
    Test::new()
        .waiting("1-a", &daemon("early"))
        .waiting("2-b", &format!("{FORGET}\n{}\nsleep 30", daemon("late")))
        .config("max_tries = 1\n[b]\nmax_time = 0.5")
        .run()
        .status(1)
        .within(SOON)
        .says("`2-b` may have left 1 process: ")
        .left("sleep sleep");
}

#[test]
fn a_limit_ends_what_a_runner_among_the_tasks_leaves() {
    Test::new()
        .task("1-a", &format!("exec {} inner", quoted(&runner())))
        .file("inner/1-x", &format!("#!/bin/sh\n{DEAF}\n"), 0o755)
        .config("max_time = 0.5\nkill_grace = 0.3\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .nothing_left();
}

/// Counts the orphans of a task that sleep or slept.
const ORPHANS: &str = "cat /proc/[0-9]*/stat 2>/dev/null | grep -c \"(sleep) . $PPID \"";

#[test]
fn what_a_task_orphans_is_reaped() {
    Test::new()
        .task("1-a", "for n in 1 2 3 4 5; do (sleep 1 &); done")
        .task(
            "2-b",
            &format!(
                "for n in 1 2 3 4 5 6; do\n\
                 [ $({ORPHANS}) = 0 ] && exit 0\nsleep 1\ndone\nexit 3"
            ),
        )
        .config("leftovers = allow\nstop_codes = 3")
        .run()
        .status(0)
        .within(SOON)
        .nothing_left();
}

#[test]
fn what_a_task_orphans_at_its_beginning_is_reaped_while_it_runs() {
    Test::new()
        .task(
            "1-a",
            &format!(
                "(sleep 0.1 &)\nsleep 0.2\n\
                 for n in 1 2 3 4 5; do\nsleep 1\n[ $({ORPHANS}) = 0 ] && exit 0\ndone\nexit 3"
            ),
        )
        .config("stop_codes = 3")
        .run()
        .status(0)
        .nothing_left();
}

#[test]
fn what_a_task_orphans_is_reaped_while_another_has_its_grace() {
    let deaf = "(trap '' TERM; while [ ! -e over ]; do sleep 0.1; done) &";
    Test::new()
        // It has ended, and is not waited for before all of its group have ended.
        .task(
            "1-b",
            &format!("trap ': >ended; exit' TERM\n{deaf}\nwait; wait"),
        )
        .waiting(
            "1-a",
            "wait_for ended\nfor n in 1 2 3 4 5; do (sleep 0.1 &); done",
        )
        .task(
            "1-c",
            &format!(
                "for n in 1 2 3 4 5 6 7 8; do\n\
                 [ $({ORPHANS}) = 0 ] && break\nsleep 0.3\ndone\n\
                 [ $n -lt 8 ] || code=3\n: >over\nexit $code"
            ),
        )
        .config("leftovers = allow\nstop_codes = 3\nkill_grace = 60\nmax_tries = 1")
        .config("[b]\nmax_time = 0.1\nrequired = no")
        .args(["-j", "2"])
        .run()
        .status(4)
        .within(SOON)
        .says("`1-c` is done");
}

#[test]
fn what_a_task_leaves_in_its_group_is_named_and_left_alone() {
    Test::new()
        .task("1-a", "sleep 30 &")
        .task("2-b", "")
        .run()
        .status(0)
        .within(SOON)
        .order("1-a 2-b")
        .says("warning: `1-a` left 1 process: ")
        .says(" `sleep`; left alone")
        .left("sleep");
}

#[test]
fn what_a_task_leaves_in_its_group_can_be_killed() {
    Test::new()
        .task("1-a", &format!("({DEAF}) & sleep 30 &"))
        .task("2-b", "")
        .config("leftovers = kill\nkill_grace = 0.2")
        .run()
        .status(0)
        .within(SOON)
        .order("1-a 2-b")
        .says("`1-a` left ")
        .says("; ended")
        .nothing_left();
}

#[test]
fn what_a_task_leaves_in_its_group_can_be_allowed() {
    Test::new()
        .task("1-a", "sleep 30 &")
        .task("2-b", "")
        .config("leftovers = allow\nleak_time = 30")
        .run()
        .status(0)
        .within(SOON)
        .order("1-a 2-b")
        .does_not_say("left")
        .left("sleep");
}

#[test]
fn what_ends_within_the_leak_time_is_not_left_and_not_waited_for_any_longer() {
    Test::new()
        .task("1-a", "(sleep 0.3 || sleep 1; echo last words) &")
        .task("2-b", "echo 2-b")
        .config("leftovers = kill\nleak_time = 30")
        .run()
        .status(0)
        .within(SOON)
        .stdout("last words\n2-b\n")
        .does_not_say("left")
        .nothing_left();
}

#[test]
fn a_daemon_that_left_the_group_is_left_alone() {
    if is_missing("setsid") {
        return;
    }
    Test::new()
        .waiting("1-a", &daemon("up"))
        .config("leftovers = kill")
        .run()
        .status(0)
        .within(SOON)
        .does_not_say("`1-a` left")
        .left("sleep");
}

#[test]
fn what_is_left_alone_is_not_said_to_be_ended() {
    if is_missing("setsid") {
        return;
    }
    Test::new()
        .waiting("1-a", &format!("{FORGET}\n{}\nsleep 30", daemon("up")))
        .waiting("1-b", "wait_for go")
        .config("leftovers = kill\n[a]\nmax_time = 1\nmax_tries = 1")
        .args(["-j", "2"])
        .run()
        .status(1)
        .within(SOON)
        .says(" `sleep`; left alone")
        .does_not_say("; ended\n")
        .left("sleep");
}

#[test]
fn a_status_is_neither_lost_nor_late_because_something_holds_the_output() {
    Test::new()
        .task("1-a", "sleep 30 &\nexit 3")
        .config("stop_codes = 3\nleftovers = allow")
        .run()
        .status(3)
        .within(SOON)
        .left("sleep");
}

#[test]
fn a_signal_cuts_the_leak_time_short() {
    let running = Test::new()
        .task("1-a", "(: >ready; exec sleep 30) &")
        .task("2-b", "")
        .config("leak_time = 60")
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    running.wait().status(143).within(SOON).order("1-a");
}

#[test]
fn hooks_and_the_halt_task_have_the_same_limits_for_what_they_leave() {
    Test::new()
        .task("1-a", "")
        .task("halt.sh", "sleep 30 &")
        .file("hook", "#!/bin/sh\nsleep 30 &\n", 0o755)
        .config("task_hook = ./hook\nleftovers = kill")
        .args(["-H"])
        .run()
        .status(0)
        .within(SOON)
        .nothing_left();
}

// Starts that fail.

/// A first task that makes the second one what `make` says, and what is said then.
#[track_caller]
fn does_not_start(make: &str, expected: &str) -> Ran {
    Test::new()
        .task("1-a", make)
        .task("2-b", "")
        .task("3-c", "")
        .config("max_tries = 1")
        .run()
        .status(1)
        .order("1-a")
        .says(&format!(
            "error: `2-b` did not start: {expected}; giving up\n"
        ))
        .nothing_left()
}

#[test]
fn a_start_that_fails_is_said_in_a_sentence() {
    for (make, expected) in [
        ("chmod 644 tasks.d/2-b", "permission denied"),
        ("rm tasks.d/2-b", "there is no such file any more"),
        ("rm tasks.d/2-b; mkdir tasks.d/2-b", "it is a directory"),
        (
            "rm tasks.d/2-b; ln -s nowhere tasks.d/2-b",
            "it is a link that leads nowhere",
        ),
        (
            "echo true >tasks.d/2-b",
            "exec format error: it has no `#!` line and is no program",
        ),
        (
            ": >tasks.d/2-b",
            "exec format error: it has no `#!` line and is no program",
        ),
        (
            "echo '#!/nowhere/sh -e' >tasks.d/2-b",
            "its interpreter `/nowhere/sh` does not exist",
        ),
        (
            "printf '#!/bin/sh\\r\\n' >tasks.d/2-b",
            "its `#!` line ends in a carriage return",
        ),
        (
            "printf '\\177ELF\\002\\001\\001' >tasks.d/2-b",
            "it is a program for another kind of machine",
        ),
    ] {
        does_not_start(make, expected);
    }
}

#[test]
fn a_start_that_fails_comes_with_its_cure() {
    for (make, expected) in [
        (
            "chmod 644 tasks.d/2-b",
            "make it and its interpreter executable, on a file system without `noexec`",
        ),
        (
            "echo true >tasks.d/2-b",
            "add a `#!` line, or set `interpreter`",
        ),
        ("echo '#!/nowhere/sh' >tasks.d/2-b", "mend its `#!` line"),
    ] {
        Test::new()
            .task("1-a", make)
            .task("2-b", "")
            .config("max_tries = 1")
            .run()
            .status(1)
            .says(&format!("; giving up\n  hint: {expected}\n"));
    }
}

#[test]
fn a_start_that_fails_is_tried_again_like_any_failure() {
    Test::new()
        .task(
            "1-a",
            "case $RUNNER_TRY_NUM in 1) mv tasks.d/2-b away ;; *) mv away tasks.d/2-b ;; esac",
        )
        .task("2-b", "")
        .run()
        .status(0)
        .order("1-a 1-a 2-b")
        .nothing_left();
}

#[test]
fn a_link_that_leads_to_itself_does_not_start() {
    let test = Test::new().task("1-a", "");
    symlink("2-b", test.path("tasks.d/2-b")).unwrap();
    test.config("max_tries = 1")
        .run()
        .status(1)
        .order("1-a")
        .says("`2-b` did not start: ")
        .nothing_left();
}

#[test]
fn an_interpreter_that_is_missing_is_named() {
    for (interpreter, expected) in [
        ("missing-sh", "`missing-sh` was not found in PATH"),
        ("/nowhere/sh", "there is no such file any more"),
    ] {
        Test::new()
            .task("1-a", "")
            .config(&format!("interpreter = {interpreter}\nmax_tries = 1"))
            .run()
            .status(1)
            .order("")
            .says(&format!("`1-a` did not start: {expected}"));
    }
}

#[test]
fn a_file_that_is_being_written_is_waited_for_a_moment() {
    let test = Test::new().task("1-a", "").task("2-b", "");
    let open = fs::OpenOptions::new()
        .append(true)
        .open(test.path("tasks.d/2-b"))
        .unwrap();
    let running = test.start();
    running.until("order", "1-a");
    pause(Duration::from_millis(30));
    drop(open);
    running.wait().status(0).order("1-a 2-b").nothing_left();
}

#[test]
fn a_file_that_stays_open_for_writing_does_not_start() {
    let test = Test::new().task("1-a", "").task("2-b", "");
    let _open = fs::OpenOptions::new()
        .append(true)
        .open(test.path("tasks.d/2-b"))
        .unwrap();
    test.config("max_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .order("1-a")
        .says("`2-b` did not start: text file busy: somebody has it open for writing; giving up\n")
        .nothing_left();
}

#[test]
fn too_long_an_environment_is_said_to_be_so() {
    Test::new()
        .task("1-a", "")
        .config(&format!(
            "max_tries = 1\n[env]\nLONG = {}",
            "x".repeat(200_000)
        ))
        .run()
        .status(1)
        .order("")
        .says("`1-a` did not start: its arguments and environment are too long; giving up\n")
        .says("  hint: shorten the values in `[env]`\n");
}

// Ends.

#[test]
fn an_end_by_a_signal_is_a_failure_with_the_name_of_the_signal() {
    for (signal, name) in [
        (Signal::HUP, "HUP"),
        (Signal::INT, "INT"),
        (Signal::KILL, "KILL"),
        (Signal::USR1, "USR1"),
        (Signal::ALARM, "ALRM"),
        (Signal::TERM, "TERM"),
        (Signal::PIPE, "PIPE"),
    ] {
        // Programs start with SIGPIPE as it was, whatever this one does about it.
        if signal != Signal::PIPE && is_ignored(signal) {
            continue;
        }
        Test::new()
            .task(
                "1-a",
                &format!("[ $RUNNER_TRY_NUM -gt 1 ] || kill -{name} $$"),
            )
            .config("ok_codes = 0 129 130 137 138 141 142 143")
            .run()
            .status(0)
            .order("1-a 1-a")
            .says(&format!("`1-a` was ended by SIG{name} after "))
            .nothing_left();
    }
}

#[test]
fn a_task_that_ends_its_own_group_ends_nothing_else() {
    for name in ["TERM", "KILL"] {
        Test::new()
            .task(
                "1-a",
                &format!("[ $RUNNER_TRY_NUM -gt 1 ] || kill -{name} 0"),
            )
            .run()
            .status(0)
            .order("1-a 1-a")
            .says(&format!("`1-a` was ended by SIG{name}"))
            .nothing_left();
    }
}

#[test]
fn every_exit_code_is_what_it_is() {
    for code in [0, 1, 2, 3, 64, 126, 127, 128, 143, 255] {
        Test::new()
            .task("1-a", &format!("exit {code}"))
            .config(&format!("ok_codes =\nhalt_codes =\nstop_codes = {code}"))
            .run()
            .status(3)
            .says(&format!(
                "`1-a` {} after ",
                match code {
                    0 => "is done".to_owned(),
                    code => format!("exited with {code}"),
                }
            ));
    }
}

#[test]
fn a_status_is_known_although_the_runner_was_told_to_ignore_its_children() {
    // Not every shell ignores SIGCHLD when it is told to, but the env of the GNU
    // coreutils does.
    let ignoring = format!(
        "ignoring='env --ignore-signal=CHLD'\n\
         $ignoring true 2>/dev/null || {{ ignoring=; trap '' CHLD; }}\n\
         $ignoring cat /proc/self/status >before\n\
         exec $ignoring {} \"$@\"",
        quoted(&runner())
    );
    for jobs in ["1", "2"] {
        let ran = Test::new()
            .task("1-a", &once(7))
            .task("2-b", "exit 3")
            .hook()
            .config("stop_codes = 3")
            .args(["-j", jobs])
            .through(&ignoring)
            .run()
            .status(3)
            .order("1-a 1-a 2-b")
            .says("`1-a` exited with 7 after ")
            .says("`2-b` exited with 3 after ")
            .does_not_say("hook before")
            .nothing_left();
        if !ignores(&ran.read("before"), Signal::CHILD) {
            skip("there is nothing to ignore SIGCHLD with");
        }
    }
}

// Signals to the runner.

/// What the first signal does.
#[track_caller]
fn is_passed_on(signal: Signal, name: &str) {
    if is_ignored(signal) {
        return;
    }
    let running = Test::new()
        .task("1-a", TRAP)
        .task("2-b", "")
        .task("halt.sh", "")
        .hook()
        .config("kill_grace = 0.3")
        .args(["-n", "3", "-H"])
        .start();
    running.until("ready", "");
    running.signal(signal);
    let ran = running
        .wait()
        .status(128 + signal.as_raw())
        .within(SOON)
        .order("1-a")
        .stdout(&format!("got {name}\n"))
        .says(&format!(
            "got SIG{name}: ending what runs; once more kills it"
        ))
        .nothing_left();
    assert!(ran.hooks()[1].ends_with(r#""result":"INTERRUPTED"}"#));
    assert_eq!(ran.hooks().len(), 2);
}

#[test]
fn sigterm_is_passed_on() {
    is_passed_on(Signal::TERM, "TERM");
}

#[test]
fn sigint_is_passed_on() {
    is_passed_on(Signal::INT, "INT");
}

#[test]
fn sighup_is_passed_on() {
    is_passed_on(Signal::HUP, "HUP");
}

#[test]
fn sigquit_is_passed_on() {
    is_passed_on(Signal::QUIT, "QUIT");
}

#[test]
fn a_signal_goes_to_the_whole_group_and_kills_what_stays_after_the_grace() {
    let running = Test::new()
        .task("1-a", &format!("sleep 30 & ({DEAF}) & wait"))
        .config("kill_grace = 0.2")
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    running.wait().status(143).within(SOON).nothing_left();
}

#[test]
fn a_second_signal_kills() {
    let running = Test::new()
        .task("1-a", DEAF)
        .task("2-b", "")
        .hook()
        .config("kill_grace = 60")
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    running.until("stderr", "got SIGTERM: ending what runs");
    running.signal(Signal::TERM);
    let ran = running
        .wait()
        .status(143)
        .within(SOON)
        .order("1-a")
        .says("got SIGTERM: killing what runs")
        .nothing_left();
    assert!(ran.hooks()[0].contains("1-a"));
}

/// Whoever sends a signal may end right behind it, and is not judged as if it had not.
#[test]
fn a_signal_counts_for_all_that_ends_after_it() {
    for code in [0, 1, 2, 2, 2, 2, 2, 2] {
        Test::new()
            .task("1-a", &format!("kill -TERM $PPID\nexit {code}"))
            .task("halt.sh", "")
            .run()
            .status(143)
            .order("1-a");
    }
}

/// Before the second run the configuration is read again.
#[test]
fn a_third_signal_ends_the_runner_at_once_whatever_it_does() {
    if cannot_hold() {
        return;
    }
    let running = Test::new()
        .task("1-a", &format!("{HOLD} runner.cfg"))
        // As root, a device is no configuration otherwise.
        .args(["--insecure", "-n", "2"])
        .start();
    running.until_it_is_held();
    running.three_signals();
    running
        .wait()
        .status(143)
        .within(SOON)
        .says("got SIGTERM: leaving at once");
}

#[test]
fn a_signal_ends_the_wait_before_a_retry() {
    let running = Test::new()
        .task("1-a", "exit 1")
        .task("halt.sh", "")
        .config("sleep_time = 60")
        .args(["-H"])
        .start();
    running.until("stderr", "trying again from the beginning in 1m");
    running.signal(Signal::TERM);
    running
        .wait()
        .status(143)
        .within(SOON)
        .order("1-a")
        .nothing_left();
}

#[test]
fn a_signal_ends_the_wait_between_two_runs() {
    let running = Test::new()
        .task("1-a", "")
        .task("halt.sh", "")
        .config("sleep_time = 60")
        .args(["-n", "0", "-H"])
        .start();
    running.until("stderr", "next run in ");
    running.signal(Signal::TERM);
    running
        .wait()
        .status(143)
        .within(SOON)
        .order("1-a")
        .nothing_left();
}

#[test]
fn an_end_that_a_signal_asked_for_is_no_matter_for_the_chain() {
    for (code, more) in [
        (0, ""),
        (2, ""),
        (3, "stop_codes = 3"),
        (1, "max_tries = 1"),
    ] {
        let running = Test::new()
            .task(
                "1-a",
                &format!("trap 'exit {code}' TERM\n: >ready\nsleep 30 & wait"),
            )
            .task("2-b", "")
            .task("halt.sh", "")
            .hook()
            .config(more)
            .args(["-H"])
            .start();
        running.until("ready", "");
        running.signal(Signal::TERM);
        let ran = running
            .wait()
            .status(143)
            .within(SOON)
            .order("1-a")
            .nothing_left();
        assert!(ran.hooks()[1].ends_with(r#""result":"INTERRUPTED"}"#));
    }
}

#[test]
fn a_signal_to_a_single_task_is_passed_on() {
    let running = Test::new().task("1-a", TRAP).args(["--only", "a"]).start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    running
        .wait()
        .status(143)
        .within(SOON)
        .stdout("got TERM\n")
        .nothing_left();
}

#[test]
fn a_signal_ends_the_daemons_of_what_it_interrupts() {
    if is_missing("setsid") {
        return;
    }
    let running = Test::new()
        .waiting("1-a", &daemon("early"))
        .waiting("2-b", &format!("{}\n: >ready\nsleep 30", daemon("late")))
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    running.wait().status(143).within(SOON).left("sleep");
}

#[test]
fn the_hook_after_what_was_interrupted_has_its_time() {
    let hook = "#!/bin/sh\n[ $RUNNER_HOOK = pre ] || { sleep 0.3 || sleep 1; echo $RUNNER_RESULT >>told; }\n";
    let running = Test::new()
        .task("1-a", "sleep 30")
        .file("hook", hook, 0o755)
        .config("task_hook = ./hook\nkill_grace = 0.2")
        .start();
    running.until("order", "1-a");
    running.signal(Signal::TERM);
    let ran = running.wait().status(143).within(SOON).nothing_left();
    assert_eq!(ran.read("told"), "INTERRUPTED\n");
}

#[test]
fn a_second_signal_kills_the_hook_after_what_was_interrupted() {
    let hook = "#!/bin/sh\n[ $RUNNER_HOOK = pre ] || { : >told; sleep 30; }\n";
    let running = Test::new()
        .task("1-a", "sleep 30")
        .file("hook", hook, 0o755)
        .config("task_hook = ./hook\nkill_grace = 30")
        .start();
    running.until("order", "1-a");
    running.signal(Signal::TERM);
    running.until("told", "");
    running.signal(Signal::TERM);
    running.wait().status(143).within(SOON).nothing_left();
}

#[test]
fn a_halt_task_that_runs_gets_the_signal_and_the_end_stays_what_it_was() {
    for (code, max_tries, status) in [(2, 5, 2), (1, 1, 1), (0, 5, 0)] {
        let running = Test::new()
            .task("1-a", &format!("exit {code}"))
            .task("halt.sh", TRAP)
            .config(&format!("max_tries = {max_tries}\nkill_grace = 0.3"))
            .args(["-H"])
            .start();
        running.until("ready", "");
        running.signal(Signal::TERM);
        running
            .wait()
            .status(status)
            .within(SOON)
            .order("1-a halt.sh")
            .stdout("got TERM\n")
            .nothing_left();
    }
}

#[test]
fn a_signal_during_the_hook_after_a_halt_keeps_the_halt_task_from_running() {
    let hook = "#!/bin/sh\n[ $RUNNER_HOOK = pre ] || { : >told; exec sleep 30; }\n";
    for (task, more) in [("exit 2", ""), ("exit 1", "max_tries = 1")] {
        let running = Test::new()
            .task("1-a", task)
            .task("halt.sh", "")
            .file("hook", hook, 0o755)
            .config("task_hook = ./hook")
            .config(more)
            .args(["-H"])
            .start();
        running.until("told", "");
        running.signal(Signal::TERM);
        running
            .wait()
            .status(143)
            .within(SOON)
            .order("1-a")
            .nothing_left();
    }
}

#[test]
fn a_signal_that_was_ignored_before_stays_ignored() {
    let running = Test::new()
        .waiting("1-a", ": >ready\nwait_for go\nkill -HUP $$\necho went on")
        .through("trap '' HUP")
        .start();
    running.until("ready", "");
    running.signal(Signal::HUP);
    fs::write(running.path("go"), "").unwrap();
    running
        .wait()
        .status(0)
        .stdout("went on\n")
        .does_not_say("got SIGHUP")
        .nothing_left();
}

#[test]
fn a_stray_signal_ends_neither_the_runner_nor_its_tasks() {
    for name in ["USR1", "USR2", "ALRM", "VTALRM", "PROF", "IO", "XCPU"] {
        Test::new()
            .task("1-a", &format!("kill -{name} $PPID\nsleep 0.1 || sleep 1"))
            .task("2-b", "")
            .run()
            .status(0)
            .order("1-a 2-b")
            .does_not_say("got SIG")
            .nothing_left();
    }
}

/// A signal that the runner takes for nothing ends a task as it does elsewhere.
#[test]
fn tasks_do_not_ignore_stray_signals() {
    let before = fs::read_to_string("/proc/self/status").unwrap();
    let ran = Test::new()
        .task("1-a", "exec cat /proc/self/status")
        .run()
        .status(0);
    for signal in [Signal::USR1, Signal::USR2, Signal::ALARM, Signal::XCPU] {
        assert_eq!(ignores(&ran.stdout, signal), ignores(&before, signal));
    }
}

/// Starts the program with a signal blocked.
fn blocking(test: Test, name: &str) -> Test {
    let program = quoted(&runner());
    test.through(&format!("exec env --block-signal={name} {program} \"$@\""))
}

#[test]
fn a_signal_that_was_blocked_before_is_heard() {
    if cannot_block_signals() {
        return;
    }
    for (signal, name) in [
        (Signal::TERM, "SIGTERM"),
        (Signal::INT, "SIGINT"),
        (Signal::HUP, "SIGHUP"),
        (Signal::QUIT, "SIGQUIT"),
    ] {
        if is_ignored(signal) {
            continue;
        }
        let task = "grep SigBlk /proc/self/status\n: >ready\nexec sleep 30";
        let running = blocking(Test::new().task("1-a", task), name).start();
        running.until("ready", "");
        running.signal(signal);
        running
            .wait()
            .status(128 + signal.as_raw())
            .within(SOON)
            .stdout("SigBlk:\t0000000000000000\n")
            .says(&format!("got {name}: ending what runs"))
            .nothing_left();
    }
}

#[test]
fn a_command_has_the_signals_blocked_that_were() {
    if cannot_block_signals() {
        return;
    }
    blocking(Test::new().task("1-a", ""), "SIGTERM")
        .args_after(["--", "grep", "SigBlk", "/proc/self/status"])
        .run()
        .status(0)
        .stdout("SigBlk:\t0000000000004000\n");
}

// Several tasks at the same time.

#[test]
fn tasks_of_the_same_number_run_at_the_same_time() {
    Test::new()
        .waiting("1-a", ": >a; wait_for b; wait_for c")
        .waiting("1-b", ": >b; wait_for a; wait_for c")
        .waiting("1-c", ": >c; wait_for a; wait_for b")
        .task("2-d", "[ -e a ] && [ -e b ] && [ -e c ]")
        .args(["-j", "3"])
        .run()
        .status(0)
        .within(SOON)
        .nothing_left();
}

/// Two tasks that run at the same time: the first does `a` when the second is
/// ready, the second waits and is ended, or goes on with `b` after the first was
/// judged, which its hook says.
fn two(a: &str, b: &str) -> Test {
    let hook = "#!/bin/sh\n\
                echo $RUNNER_HOOK $RUNNER_TASK ${RUNNER_RESULT-} >>told\n\
                [ $RUNNER_HOOK$RUNNER_TASK != post1-a ] || : >judged\n";
    Test::new()
        .waiting("1-a", &format!("wait_for ready\n{a}"))
        .waiting("1-b", &format!(": >ready\n{b}"))
        .task("1-c", "")
        .task("2-d", "")
        .task(
            "halt.sh",
            "echo $RUNNER_HALT_REASON $RUNNER_TASK $RUNNER_OUTCOME",
        )
        .file("hook", hook, 0o755)
        .config("task_hook = ./hook\nkill_grace = 0.3\nmax_tries = 2")
        .args(["-j", "2"])
}

/// The tasks that ran, without their order.
#[track_caller]
fn ran(ran: &Ran, expected: &str) {
    let mut order = ran.lines("order");
    order.sort();
    assert_eq!(order.join(" "), expected, "{}", ran.stderr);
}

#[test]
fn a_halt_ends_the_others() {
    let story = two("exit 2", "exec sleep 30").run();
    let story = story
        .status(2)
        .within(SOON)
        .stdout("halt.sh | halted 1-a exited:2\n")
        .nothing_left();
    ran(&story, "1-a 1-b halt.sh");
    assert!(story.read("told").contains("post 1-b INTERRUPTED\n"));
}

#[test]
fn a_stop_ends_the_others() {
    let story = two("exit 3", DEAF)
        .config("stop_codes = 3")
        .run()
        .status(3)
        .within(SOON)
        .stdout("")
        .nothing_left();
    ran(&story, "1-a 1-b");
    assert!(story.read("told").contains("post 1-b INTERRUPTED\n"));
}

#[test]
fn giving_up_ends_the_others() {
    let story = two("exit 1", "trap 'exit 2' TERM\nsleep 30 & wait")
        .config("[a]\nmax_tries = 1")
        .run()
        .status(1)
        .within(SOON)
        .stdout("halt.sh | gave-up 1-a exited:1\n")
        .nothing_left();
    ran(&story, "1-a 1-b halt.sh");
    assert!(story.read("told").contains("post 1-b INTERRUPTED\n"));
}

#[test]
fn a_retry_lets_the_others_end_and_starts_nothing_new() {
    let story = two(&once(1), "wait_for judged\necho ended by itself")
        .run()
        .status(0)
        .within(SOON)
        .stdout("1-b     | ended by itself\n1-b     | ended by itself\n")
        .says("trying again from the beginning when the others have ended (try 2 of 2)")
        .nothing_left();
    ran(&story, "1-a 1-a 1-b 1-b 1-c 2-d");
    assert!(story.read("told").contains("post 1-b OK\n"));
}

#[test]
fn the_most_severe_verdict_decides() {
    for (b, status, expected) in [
        ("exit 2", 2, "halt.sh | halted 1-b exited:2\n"),
        ("exit 3", 3, ""),
        ("exit 9", 1, "halt.sh | gave-up 1-b exited:9\n"),
    ] {
        let story = two("exit 1", &format!("wait_for judged\n{b}"))
            .config("stop_codes = 3\n[b]\nmax_tries = 1")
            .run()
            .status(status)
            .within(SOON)
            .stdout(expected)
            .nothing_left();
        let halt = if expected.is_empty() { "" } else { " halt.sh" };
        ran(&story, &format!("1-a 1-b{halt}"));
    }
}

#[test]
fn of_several_retries_the_longest_wait_counts() {
    for longer in ["a", "b"] {
        let story = two(&once(1), &format!("wait_for judged\n{}", once(1)))
            .config(&format!("[{longer}]\nsleep_time = 0.5"))
            .run()
            .status(0)
            .within(SOON)
            .nothing_left();
        assert!(story.elapsed >= Duration::from_millis(500));
        ran(&story, "1-a 1-a 1-b 1-b 1-c 2-d");
    }
}

#[test]
fn a_limit_of_one_task_is_no_matter_for_the_others() {
    let story = two("exec sleep 30", "wait_for judged")
        .config("[a]\nmax_time = 0.5\nrequired = no")
        .run()
        .status(4)
        .within(SOON)
        .nothing_left();
    ran(&story, "1-a 1-b 1-c 2-d");
    assert!(story.read("told").contains("post 1-b OK\n"));
}

#[test]
fn a_limit_of_one_task_leaves_the_daemons_of_the_others() {
    if is_missing("setsid") {
        return;
    }
    two(
        "exec sleep 30",
        &format!("{}\nwait_for judged", daemon("daemon")),
    )
    .config("[a]\nmax_time = 0.5\nrequired = no")
    .run()
    .status(4)
    .within(SOON)
    .left("sleep");
}

#[test]
fn a_signal_is_passed_on_to_all() {
    let running = Test::new()
        .waiting("1-a", ": >a\nsleep 30")
        .waiting("1-b", ": >b\nexec sleep 30")
        .waiting("1-c", "wait_for a\nwait_for b\n: >ready\nsleep 30")
        .task("2-d", "")
        .hook()
        .args(["-j", "8"])
        .start();
    running.until("ready", "");
    running.signal(Signal::TERM);
    let story = running.wait().status(143).within(SOON).nothing_left();
    let interrupted = |line: &String| line.contains("INTERRUPTED");
    assert_eq!(story.hooks().into_iter().filter(interrupted).count(), 3);
    ran(&story, "1-a 1-b 1-c");
}

// Environment.

/// What a process sees of the runner's variables, one a line; ids and paths are
/// only said to be there.
const SEEN: &str = "\
env | sed -n -e 's/^\\(RUNNER_RUN_ID\\)=2.*Z-.*/\\1/' \
             -e 's/^\\(RUNNER_CONFIG_CMD\\)=.* -c .*/\\1/' \
             -e 's/^\\(RUNNER_ELAPSED\\)=[0-9]*[.][0-9]*$/\\1/' \
             -e '/^RUNNER_/p' | LC_ALL=C sort | tr '\\n' ' ' >>seen\n\
echo >>seen";

/// Every variable of the runner's own, as an outer runner would have set it.
const OUTER: [&str; 10] = [
    "RUNNER_CONFIG_CMD",
    "RUNNER_TASK",
    "RUNNER_TRY_NUM",
    "RUNNER_MAX_TRIES",
    "RUNNER_RUN_ID",
    "RUNNER_HOOK",
    "RUNNER_RESULT",
    "RUNNER_OUTCOME",
    "RUNNER_ELAPSED",
    "RUNNER_HALT_REASON",
];

fn seeing() -> Test {
    let test = Test::new()
        .task("1-a", &format!("{SEEN}\n{}", once(7)))
        .task("2-b", &format!("{SEEN}\nexit 2"))
        .task("halt.sh", SEEN)
        .file("hook", &format!("#!/bin/sh\n{SEEN}\n"), 0o755)
        .config("task_hook = ./hook\n[b]\nmax_tries = 3");
    OUTER.iter().fold(test, |test, name| test.env_remove(name))
}

const ALL_SEEN: [&str; 10] = [
    "RUNNER_CONFIG_CMD RUNNER_HOOK=pre RUNNER_MAX_TRIES=5 RUNNER_RUN_ID RUNNER_TASK=1-a RUNNER_TRY_NUM=1 ",
    "RUNNER_CONFIG_CMD RUNNER_MAX_TRIES=5 RUNNER_RUN_ID RUNNER_TASK=1-a RUNNER_TRY_NUM=1 ",
    "RUNNER_CONFIG_CMD RUNNER_ELAPSED RUNNER_HOOK=post RUNNER_MAX_TRIES=5 RUNNER_OUTCOME=exited:7 RUNNER_RESULT=RETRY RUNNER_RUN_ID RUNNER_TASK=1-a RUNNER_TRY_NUM=1 ",
    "RUNNER_CONFIG_CMD RUNNER_HOOK=pre RUNNER_MAX_TRIES=5 RUNNER_RUN_ID RUNNER_TASK=1-a RUNNER_TRY_NUM=2 ",
    "RUNNER_CONFIG_CMD RUNNER_MAX_TRIES=5 RUNNER_RUN_ID RUNNER_TASK=1-a RUNNER_TRY_NUM=2 ",
    "RUNNER_CONFIG_CMD RUNNER_ELAPSED RUNNER_HOOK=post RUNNER_MAX_TRIES=5 RUNNER_OUTCOME=exited:0 RUNNER_RESULT=OK RUNNER_RUN_ID RUNNER_TASK=1-a RUNNER_TRY_NUM=2 ",
    "RUNNER_CONFIG_CMD RUNNER_HOOK=pre RUNNER_MAX_TRIES=3 RUNNER_RUN_ID RUNNER_TASK=2-b RUNNER_TRY_NUM=2 ",
    "RUNNER_CONFIG_CMD RUNNER_MAX_TRIES=3 RUNNER_RUN_ID RUNNER_TASK=2-b RUNNER_TRY_NUM=2 ",
    "RUNNER_CONFIG_CMD RUNNER_ELAPSED RUNNER_HOOK=post RUNNER_MAX_TRIES=3 RUNNER_OUTCOME=exited:2 RUNNER_RESULT=HALT RUNNER_RUN_ID RUNNER_TASK=2-b RUNNER_TRY_NUM=2 ",
    "RUNNER_CONFIG_CMD RUNNER_HALT_REASON=halted RUNNER_MAX_TRIES=3 RUNNER_OUTCOME=exited:2 RUNNER_RESULT=HALT RUNNER_RUN_ID RUNNER_TASK=2-b RUNNER_TRY_NUM=2 ",
];

#[test]
fn every_kind_of_process_sees_the_variables_that_are_for_it() {
    let ran = seeing().run().status(2).nothing_left();
    assert_eq!(ran.lines("seen"), ALL_SEEN);
}

#[test]
fn variables_of_an_outer_runner_do_not_mislead() {
    let test = OUTER
        .iter()
        .fold(seeing(), |test, name| test.env(name, "outer"));
    let ran = test.run().status(2).nothing_left();
    assert_eq!(ran.lines("seen"), ALL_SEEN);
}

#[test]
fn the_runs_of_a_program_have_different_ids() {
    let ran = Test::new()
        .task("1-a", "echo $RUNNER_RUN_ID $RUNNER_TRY_NUM >>ids")
        .args(["-n", "3"])
        .run()
        .status(0)
        .nothing_left();
    let mut ids = ran.lines("ids");
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| id.ends_with(" 1")));
}

#[test]
fn env_is_taken_literally_and_wins_over_what_is_inherited() {
    let tell = "printf '%s\\n' \"$PLAIN\" \"$QUOTED\" \"$INHERITED\" \"$OTHER\"";
    let told = "\"a\" $(id) 'b' # c\\n\nliteral $HOME\nfrom env\ninherited\n";
    Test::new()
        .task("1-a", tell)
        .task("halt.sh", tell)
        .file("hook", &format!("#!/bin/sh\n{tell}\n"), 0o755)
        .config("task_hook = ./hook\n[env]")
        .config("PLAIN = \"a\" $(id) 'b' # c\\n\nQUOTED = literal $HOME")
        .config("INHERITED = from env")
        .env("INHERITED", "inherited")
        .env("OTHER", "inherited")
        .args(["-H"])
        .run()
        .status(0)
        .stdout(&told.repeat(4))
        .says("the value of `QUOTED` has a `$` in it, which is taken literally")
        .nothing_left();
}

#[test]
fn the_runners_own_variables_win_over_env() {
    let wrong = |test: Test, name: &&str| test.config(&format!("{name} = wrong"));
    let test = seeing().config("[env]");
    let ran = OUTER[..5]
        .iter()
        .fold(test, wrong)
        .run()
        .status(2)
        .nothing_left();
    assert_eq!(ran.lines("seen"), ALL_SEEN);
}

// The halt task.

#[test]
fn the_halt_task_has_a_limit() {
    Test::new()
        .task("1-a", "exit 2")
        .task("halt.sh", DEAF)
        .config("max_time = 0.5\nkill_grace = 0.2")
        .run()
        .status(2)
        .within(SOON)
        .order("1-a halt.sh")
        .says("error: halt task `halt.sh` ran longer than `max_time` (500ms)")
        .nothing_left();
}

#[test]
fn the_halt_task_has_a_section_of_its_own() {
    for section in ["halt", "halt.sh"] {
        Test::new()
            .task("1-a", "exit 2")
            .task("halt.sh", "exec sleep 30")
            .config(&format!("max_time = 0\n[{section}]\nmax_time = 0.2"))
            .run()
            .status(2)
            .within(SOON)
            .order("1-a halt.sh")
            .says("halt task `halt.sh` ran longer than `max_time` (200ms)")
            .nothing_left();
    }
}

#[test]
fn the_halt_task_has_the_interpreter() {
    for place in ["", "[halt]\n"] {
        Test::new()
            .file("tasks.d/1-a", "#!/bin/sh\nexit 2\n", 0o755)
            .file("tasks.d/halt.sh", "echo \"$0\" $#\n", 0o644)
            .config(&format!("{place}interpreter = sh"))
            .run()
            .status(2)
            .stdout("tasks.d/halt.sh 0\n")
            .nothing_left();
    }
}

#[test]
fn what_the_halt_task_ends_with_changes_nothing() {
    for body in ["exit 1", "exit 2", "exit 3", "kill -KILL $$", "kill 0"] {
        for (task, status) in [("exit 2", 2), ("exit 1", 1), ("", 0)] {
            Test::new()
                .task("1-a", task)
                .task("halt.sh", body)
                .config("max_tries = 1\nstop_codes = 3")
                .args(["-H"])
                .run()
                .status(status)
                .order("1-a halt.sh")
                .says("error: halt task `halt.sh` ")
                .nothing_left();
        }
    }
}

#[test]
fn a_halt_task_that_cannot_start_is_said_so() {
    Test::new()
        .task("1-a", "exit 2")
        .file("tasks.d/halt.sh", "#!/nowhere/sh\n", 0o755)
        .run()
        .status(2)
        .says("error: halt task `halt.sh` did not start: its interpreter `/nowhere/sh` does not exist")
        .nothing_left();
}
