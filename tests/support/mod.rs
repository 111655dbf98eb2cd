//! The builder of the stories: a task directory, a configuration, one call of the
//! real program, and what became of it.

mod dice;
mod left;
mod ran;
mod skip;
pub(crate) mod snapshots;

use std::{
    ffi::{OsStr, OsString},
    fmt::Write,
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::RwLock,
    thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;
use tempfile::TempDir;

pub(crate) use self::{
    dice::Dice,
    ran::Ran,
    skip::{cannot_block_signals, has_no_terminals, ignores, is_ignored, is_missing, skip},
};

/// Longer than any story takes, however busy the machine is.
pub(crate) const STORY_TIMEOUT: Duration = Duration::from_secs(120);

/// Taken for writing by whatever forks, and for reading while an executable file is written:
/// the child would have the file open for writing, and nothing executes it then.
static FORK: RwLock<()> = RwLock::new(());

/// The program under test: the one just built, or the one that
/// `RUNNER_UNDER_TEST` names.
pub(crate) fn runner() -> PathBuf {
    match std::env::var_os("RUNNER_UNDER_TEST") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_BIN_EXE_runner")),
    }
}

/// Puts the program under test at this path. A process of its own makes the copy, where a
/// link is not possible: see [`FORK`].
#[track_caller]
pub(crate) fn install_program(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let program = fs::canonicalize(runner()).unwrap();
    if fs::hard_link(&program, path).is_err() {
        let copied = Command::new("cp").args([&program, path]).status();
        assert!(copied.unwrap().success());
    }
}

/// The top of the checkout.
pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A path as a shell reads it back.
pub(crate) fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_str().unwrap().replace('\'', r"'\''"))
}

/// The body of a task that exits with `code` in its first try, and succeeds after.
pub(crate) fn once(code: u8) -> String {
    format!("[ $RUNNER_TRY_NUM -gt 1 ] || exit {code}")
}

/// Makes of a file one that holds up whoever reads it, which no signal to a task ends: a new
/// terminal, on which nobody will ever type anything.
pub(crate) const REPLACE_BY_TERMINAL: &str = "ln -sf /dev/ptmx";

/// One story, before it is played.
pub(crate) struct Test {
    dir: TempDir,
    config: Option<String>,
    before: Vec<OsString>,
    after: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    program: PathBuf,
}

impl Test {
    /// An empty task directory, and a configuration that waits for nothing.
    #[track_caller]
    pub(crate) fn new() -> Test {
        let dir = tempfile::Builder::new()
            .prefix("runner-test.")
            .tempdir()
            .unwrap();
        fs::create_dir(dir.path().join("tasks.d")).unwrap();
        Test {
            dir,
            config: Some("[runner]\nsleep_time = 0\nretry_jitter = 0\n".to_owned()),
            before: Vec::new(),
            after: Vec::new(),
            env: Vec::new(),
            program: runner(),
        }
    }

    /// The directory of the story.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A path in the directory of the story.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A task, as the body of a shell script. That it ran is told by
    /// [`Ran::order`].
    #[track_caller]
    pub(crate) fn task(self, name: &str, body: &str) -> Test {
        let script = self.script(name, body);
        self.file(&format!("tasks.d/{name}"), &script, 0o755)
    }

    /// The text of a task that tells that it ran.
    pub(crate) fn script(&self, name: &str, body: &str) -> String {
        let order = self.path("order");
        format!("#!/bin/sh\necho '{name}' >>'{}'\n{body}\n", order.display())
    }

    /// Any file, from the directory of the story.
    #[track_caller]
    pub(crate) fn file(self, name: &str, text: &str, mode: u32) -> Test {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let no_fork = FORK.read();
        fs::write(&path, text).unwrap();
        drop(no_fork);
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        self
    }

    /// A hook that appends its last argument to a file, a line each; see
    /// [`Ran::hooks`].
    #[track_caller]
    pub(crate) fn hook(self) -> Test {
        let log = self.path("hooks");
        let script = format!(
            "#!/bin/sh\nfor last; do :; done\nprintf '%s\\n' \"$last\" >>'{}'\n",
            log.display()
        );
        self.file("hook", &script, 0o755)
            .config("task_hook = ./hook")
    }

    /// Further lines of the configuration; they stand in `[runner]` until one of
    /// them begins another section.
    pub(crate) fn config(mut self, lines: &str) -> Test {
        let config = self.config.get_or_insert_default();
        writeln!(config, "{lines}").unwrap();
        self
    }

    /// The whole configuration.
    pub(crate) fn only_config(mut self, text: &str) -> Test {
        self.config = Some(text.to_owned());
        self
    }

    /// No configuration at all.
    pub(crate) fn no_config(mut self) -> Test {
        self.config = None;
        self
    }

    /// Arguments before the task directory.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Test {
        self.before
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Arguments behind the task directory.
    pub(crate) fn args_after<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Test {
        self.after
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// A variable that the program inherits.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Test {
        self.env
            .push((name.into(), Some(value.as_ref().to_owned())));
        self
    }

    /// A variable that the program does not inherit.
    pub(crate) fn env_remove(mut self, name: &str) -> Test {
        self.env.push((name.into(), None));
        self
    }

    /// Another path of the program.
    pub(crate) fn program(mut self, program: impl Into<PathBuf>) -> Test {
        self.program = program.into();
        self
    }

    /// Starts the program from a shell that does `first` before it becomes the
    /// program.
    #[track_caller]
    pub(crate) fn through(self, first: &str) -> Test {
        let program = quoted(&self.program);
        let script = format!("#!/bin/sh\n{first}\nexec {program} \"$@\"\n");
        let shell = self.path("through");
        self.file("through", &script, 0o755).program(shell)
    }

    /// Starts `runner -c runner.cfg ARGS tasks.d MORE ARGS` in the directory of the
    /// story.
    #[track_caller]
    pub(crate) fn start(self) -> Running {
        let mut args = Vec::new();
        if let Some(config) = &self.config {
            fs::write(self.path("runner.cfg"), config).unwrap();
            args.extend(["-c".into(), "runner.cfg".into()]);
        }
        args.extend(self.before.iter().cloned());
        args.push("tasks.d".into());
        args.extend(self.after.iter().cloned());
        self.start_with(args)
    }

    /// Starts the program with these arguments and no others.
    #[track_caller]
    pub(crate) fn start_with<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Running {
        if let Some(config) = &self.config {
            fs::write(self.path("runner.cfg"), config).unwrap();
        }
        // Files, since a pipe would be held by whatever a task leaves behind.
        let stdout = File::create(self.path("stdout")).unwrap();
        let stderr = File::create(self.path("stderr")).unwrap();
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .current_dir(self.dir())
            .env(self.cookie(), "1")
            .stdin(Stdio::null())
            .stdout(stdout)
            .stderr(stderr);
        // `RUNNER_UNDER_TEST`, and what a runner gives that runs these stories as a task.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("RUNNER_") {
                command.env_remove(name);
            }
        }
        for (name, value) in &self.env {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let clock = Instant::now();
        let child = loop {
            let alone = FORK.write();
            let spawned = command.spawn();
            drop(alone);
            match spawned {
                // A child of a story that starts another program holds this one.
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                    thread::sleep(Duration::from_millis(2));
                }
                child => break child.unwrap(),
            }
        };
        Running {
            child,
            clock,
            command: format!("{command:?}"),
            test: self,
        }
    }

    /// Plays the story to its end.
    #[track_caller]
    pub(crate) fn run(self) -> Ran {
        self.start().wait()
    }

    /// Plays it with these arguments and no others.
    #[track_caller]
    pub(crate) fn run_with<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Ran {
        self.start_with(args).wait()
    }
}

/// A story that is being played.
pub(crate) struct Running {
    child: Child,
    clock: Instant,
    command: String,
    test: Test,
}

impl Running {
    /// The number of the program's process.
    pub(crate) fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Sends the program a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits until the program reads the terminal that [`REPLACE_BY_TERMINAL`] made of a file of it. It
    /// goes on waiting there for ever.
    #[track_caller]
    pub(crate) fn until_it_reads_the_terminal(&self) {
        let files = format!("/proc/{}/fd", self.pid());
        let is_terminal = |file: PathBuf| {
            fs::read_link(file).is_ok_and(|target| target.file_name() == Some("ptmx".as_ref()))
        };
        until(|| {
            let mut files = fs::read_dir(&files).unwrap();
            files.any(|file| is_terminal(file.unwrap().path()))
        });
    }

    /// Sends the program SIGTERM for the third time, each time when it has said so of
    /// the one before.
    #[track_caller]
    pub(crate) fn three_signals(&self) {
        self.signal(Signal::TERM);
        self.until("stderr", "got SIGTERM: ending");
        self.signal(Signal::TERM);
        self.until("stderr", "a third signal exits at once");
        self.signal(Signal::TERM);
    }

    /// A path in the directory of the story.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.test.path(name)
    }

    /// Waits until a file of the story is there and holds `text`.
    #[track_caller]
    pub(crate) fn until(&self, name: &str, text: &str) {
        let path = self.test.path(name);
        until(|| fs::read_to_string(&path).is_ok_and(|found| found.contains(text)));
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn wait(mut self) -> Ran {
        let mut status = None;
        let child = &mut self.child;
        let clock = Instant::now();
        while status.is_none() {
            status = child.try_wait().unwrap();
            if status.is_none() {
                if clock.elapsed() > STORY_TIMEOUT {
                    child.kill().unwrap();
                    let stderr = fs::read_to_string(self.test.path("stderr")).unwrap();
                    panic!("the program does not end; it said:\n{stderr}");
                }
                thread::sleep(Duration::from_millis(2));
            }
        }
        let read = |name| {
            let bytes = fs::read(self.test.path(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Ran {
            status: status.unwrap(),
            elapsed: self.clock.elapsed(),
            command: self.command,
            stdout: read("stdout"),
            stderr: read("stderr"),
            test: self.test,
        }
    }
}

/// Lets everything go on for a moment. Where something is to happen meanwhile,
/// [`until`] is better.
pub(crate) fn pause(time: Duration) {
    thread::sleep(time);
}

/// Waits until `reached` says so.
#[track_caller]
pub(crate) fn until(mut reached: impl FnMut() -> bool) {
    let clock = Instant::now();
    while !reached() {
        assert!(clock.elapsed() < STORY_TIMEOUT, "this never happened");
        thread::sleep(Duration::from_millis(2));
    }
}
