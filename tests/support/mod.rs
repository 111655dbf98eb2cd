//! The builder of stories. A story is a task directory, a configuration, one call of the
//! real program, and assertions about its result.

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

/// Maximum time of a story, with a wide margin for a busy machine.
pub(crate) const STORY_TIMEOUT: Duration = Duration::from_secs(120);

/// Keeps forks and writes of executable files apart. A child that is forked while a test
/// writes such a file inherits it open for writing, and then exec fails with ETXTBSY.
/// A fork locks it for writing, a write of an executable file for reading.
static FORK: RwLock<()> = RwLock::new(());

/// The program under test: `RUNNER_UNDER_TEST`, or the one that was just built.
pub(crate) fn runner() -> PathBuf {
    match std::env::var_os("RUNNER_UNDER_TEST") {
        Some(path) => PathBuf::from(path),
        None => PathBuf::from(env!("CARGO_BIN_EXE_runner")),
    }
}

/// Installs the program under test at this path. If a hard link is not possible, `cp`
/// copies it, so that this process never has the copy open for writing; see [`FORK`].
#[track_caller]
pub(crate) fn install_program(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let program = fs::canonicalize(runner()).unwrap();
    if fs::hard_link(&program, path).is_err() {
        let copied = Command::new("cp").args([&program, path]).status();
        assert!(copied.unwrap().success());
    }
}

/// Top directory of the checkout.
pub(crate) fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A path in single quotes, for a shell.
pub(crate) fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_str().unwrap().replace('\'', r"'\''"))
}

/// Body of a task that exits with `code` in the first try and succeeds later.
pub(crate) fn once(code: u8) -> String {
    format!("[ $RUNNER_TRY_NUM -gt 1 ] || exit {code}")
}

/// Command that replaces a file by a new terminal. A program that reads the file blocks
/// forever, since nothing is ever typed there.
pub(crate) const REPLACE_BY_TERMINAL: &str = "ln -sf /dev/ptmx";

/// A story that has not started yet.
pub(crate) struct Test {
    dir: TempDir,
    config: Option<String>,
    before: Vec<OsString>,
    after: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    program: PathBuf,
}

impl Test {
    /// Creates an empty task directory, and a configuration without waits.
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

    /// Directory of the story.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A path in the directory of the story.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Adds a task with this body of a shell script. [`Ran::order`] lists the tasks that ran.
    #[track_caller]
    pub(crate) fn task(self, name: &str, body: &str) -> Test {
        let script = self.script(name, body);
        self.file(&format!("tasks.d/{name}"), &script, 0o755)
    }

    /// Text of a script that does `body` and appends its name to the list of [`Ran::order`].
    pub(crate) fn script(&self, name: &str, body: &str) -> String {
        let order = self.path("order");
        format!("#!/bin/sh\necho '{name}' >>'{}'\n{body}\n", order.display())
    }

    /// Writes a file; `name` is relative to the directory of the story.
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

    /// Adds a hook that writes its last argument, the JSON, to a file; see [`Ran::hooks`].
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

    /// Adds a run hook that writes its JSON to the file `run-hooks`, and its phase to the list of
    /// [`Ran::order`].
    #[track_caller]
    pub(crate) fn run_hook(self) -> Test {
        let (log, order) = (self.path("run-hooks"), self.path("order"));
        let script = format!(
            "#!/bin/sh\nprintf '%s\\n' \"$1\" >>'{}'\necho $RUNNER_HOOK >>'{}'\n",
            log.display(),
            order.display()
        );
        self.file("run-hook", &script, 0o755)
            .config("run_hook = ./run-hook")
    }

    /// Adds lines to the configuration. They belong to `[runner]` until one of them begins
    /// another section.
    pub(crate) fn config(mut self, lines: &str) -> Test {
        let config = self.config.get_or_insert_default();
        writeln!(config, "{lines}").unwrap();
        self
    }

    /// Replaces the whole configuration.
    pub(crate) fn only_config(mut self, text: &str) -> Test {
        self.config = Some(text.to_owned());
        self
    }

    /// Removes the configuration, so the program is called without `-c`.
    pub(crate) fn no_config(mut self) -> Test {
        self.config = None;
        self
    }

    /// Adds arguments before the task directory.
    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Test {
        self.before
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Adds arguments after the task directory.
    pub(crate) fn args_after<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Test {
        self.after
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets a variable that the program inherits.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Test {
        self.env
            .push((name.into(), Some(value.as_ref().to_owned())));
        self
    }

    /// Removes a variable from the environment of the program.
    pub(crate) fn env_remove(mut self, name: &str) -> Test {
        self.env.push((name.into(), None));
        self
    }

    /// Calls this program instead of the one under test.
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
        // Files, not pipes: a process that a task leaves behind would keep a pipe open.
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
        // `RUNNER_UNDER_TEST`, and the variables of a runner that runs these stories as a task.
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
                // A child that another story forked still has the program open for writing.
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

    /// Runs the story to its end.
    #[track_caller]
    pub(crate) fn run(self) -> Ran {
        self.start().wait()
    }

    /// Runs the story to its end, with these arguments and no others.
    #[track_caller]
    pub(crate) fn run_with<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Ran {
        self.start_with(args).wait()
    }
}

/// A story that is running.
pub(crate) struct Running {
    child: Child,
    clock: Instant,
    command: String,
    test: Test,
}

impl Running {
    /// Process number of the program.
    pub(crate) fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Sends the program a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits until the program has opened a terminal of [`REPLACE_BY_TERMINAL`]. The program
    /// then blocks forever.
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

    /// Sends SIGTERM three times. The next one is sent when the program has logged the one
    /// before.
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

    /// Waits until a file of the story exists and contains `text`.
    #[track_caller]
    pub(crate) fn until(&self, name: &str, text: &str) {
        let path = self.test.path(name);
        until(|| fs::read_to_string(&path).is_ok_and(|found| found.contains(text)));
    }

    /// Waits for the end of the program.
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

/// Sleeps. To wait for something, use [`until`] instead.
pub(crate) fn pause(time: Duration) {
    thread::sleep(time);
}

/// Waits until `reached` returns `true`.
#[track_caller]
pub(crate) fn until(mut reached: impl FnMut() -> bool) {
    let clock = Instant::now();
    while !reached() {
        assert!(clock.elapsed() < STORY_TIMEOUT, "this never happened");
        thread::sleep(Duration::from_millis(2));
    }
}
