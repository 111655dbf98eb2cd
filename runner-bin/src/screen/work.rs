//! The thread behind [`super::Screen`]: waits for whatever can be read or written, and
//! never for one of them alone.

use std::{
    collections::HashMap,
    mem,
    os::fd::{AsFd, OwnedFd},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, TryRecvError},
    },
    time::{Duration, Instant},
};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Color, Style};
use runner_exec::{Flag, Signal};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    termios::tcgetwinsize,
};
use unicode_width::UnicodeWidthStr;

use super::{
    Bar, Message,
    lines::Lines,
    outlet::{Outlet, To},
};

/// What has no end of line is shown when it has waited so long.
const PATIENCE: Duration = Duration::from_millis(100);

/// The bar shows seconds, and what happens in between not more often than this.
const SECOND: Duration = Duration::from_secs(1);
const BETWEEN: Duration = Duration::from_millis(50);

/// A pipe holds so much, unless somebody made it larger.
const PIPE: usize = 64 * 1024;

/// Colours that are told apart on light and on dark ground.
const COLORS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::Red,
];

pub(super) struct Work {
    messages: Receiver<Message>,
    wake: Arc<OwnedFd>,
    /// How many lines are under way.
    lines: Arc<AtomicUsize>,
    /// How many of them are in the text for stderr.
    lines_taken: usize,
    pipes: Vec<Pipe>,
    stdout: Outlet,
    stderr: Outlet,
    /// The widest name so far, so that lines stand below each other.
    widest: usize,
    /// Which of the colours a name has.
    colors: HashMap<String, usize>,
    bar: Option<Bar>,
    /// How wide the bar is that stands on the terminal now.
    drawn: Option<usize>,
    /// When to draw it next.
    draw_at: Instant,
    waiting: Vec<Arc<Flag>>,
    /// Whether there is nobody any more who could say something.
    is_over: bool,
}

/// What a process writes.
struct Pipe {
    from: OwnedFd,
    to: To,
    lines: Lines,
    /// Since when something waits for the end of its line.
    since: Option<Instant>,
    has_ended: bool,
}

impl Work {
    pub(super) fn new(
        messages: Receiver<Message>,
        wake: Arc<OwnedFd>,
        lines: Arc<AtomicUsize>,
    ) -> Work {
        Work {
            messages,
            wake,
            lines,
            lines_taken: 0,
            pipes: Vec::new(),
            stdout: Outlet::new(To::Stdout),
            stderr: Outlet::new(To::Stderr),
            widest: 0,
            colors: HashMap::new(),
            bar: None,
            drawn: None,
            draw_at: Instant::now(),
            waiting: Vec::new(),
            is_over: false,
        }
    }

    pub(super) fn run(mut self) {
        while !self.is_over {
            self.wait();
            self.hear();
            self.show_what_waits();
            self.write();
            self.draw();
        }
    }

    /// Waits until there is something to do, and reads what there is to read.
    fn wait(&mut self) {
        let now = Instant::now();
        let until = self.next_time();
        let timeout = until.map(|until| until.saturating_duration_since(now));
        let timeout = timeout.and_then(|time| Timespec::try_from(time).ok());
        let mut fds = vec![PollFd::new(&*self.wake, PollFlags::IN)];
        for outlet in [&self.stdout, &self.stderr] {
            if !outlet.is_empty() {
                fds.push(PollFd::from_borrowed_fd(outlet.fd, PollFlags::OUT));
            }
        }
        let first = fds.len();
        let open: Vec<usize> = self.readable_pipes();
        for &pipe in &open {
            fds.push(PollFd::from_borrowed_fd(
                self.pipes[pipe].from.as_fd(),
                PollFlags::IN,
            ));
        }
        if poll(&mut fds, timeout.as_ref()) == Err(Errno::INTR) {
            return;
        }
        let ready = fds[first..].iter().map(|fd| !fd.revents().is_empty());
        let ready: Vec<bool> = ready.collect();
        drop(fds);
        for (&pipe, _) in open.iter().zip(ready).filter(|(_, ready)| *ready) {
            self.read(pipe);
        }
        self.pipes.retain(|pipe| !pipe.has_ended);
    }

    /// The pipes whose reader takes more.
    fn readable_pipes(&self) -> Vec<usize> {
        let takes_more = |pipe: &Pipe| !self.outlet(pipe.to).is_full();
        let pipes = self.pipes.iter().enumerate();
        pipes
            .filter(|(_, pipe)| takes_more(pipe))
            .map(|(index, _)| index)
            .collect()
    }

    fn outlet(&self, to: To) -> &Outlet {
        match to {
            To::Stdout => &self.stdout,
            To::Stderr => &self.stderr,
        }
    }

    /// When there is something to do although nothing can be read or written.
    fn next_time(&self) -> Option<Instant> {
        let waiting = self.pipes.iter().filter_map(|pipe| pipe.since);
        let bar = self.bar.as_ref().map(|_| self.draw_at);
        waiting.map(|since| since + PATIENCE).chain(bar).min()
    }

    /// Reads once from a pipe that has something.
    fn read(&mut self, index: usize) {
        let mut bytes = [0; PIPE];
        let pipe = &mut self.pipes[index];
        let outlet = match pipe.to {
            To::Stdout => &mut self.stdout,
            To::Stderr => &mut self.stderr,
        };
        match rustix::io::read(&pipe.from, &mut bytes) {
            Ok(read) if read > 0 => pipe.lines.add(&bytes[..read], &mut outlet.text),
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => {
                pipe.lines.show_rest(&mut outlet.text);
                pipe.has_ended = true;
            }
        }
        // Whoever writes for a reader who is gone is told so, as without us.
        pipe.has_ended |= outlet.is_closed;
        pipe.since = match pipe.lines.waits() {
            true => pipe.since.or(Some(Instant::now())),
            false => None,
        };
    }

    /// Reads what has been written by now, which is what a pipe holds.
    fn read_all(&mut self) {
        for index in 0..self.pipes.len() {
            let mut fds = [PollFd::new(&self.pipes[index].from, PollFlags::IN)];
            if poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0) {
                self.read(index);
            }
        }
        self.pipes.retain(|pipe| !pipe.has_ended);
    }

    /// Does what it is told.
    fn hear(&mut self) {
        let _ = rustix::io::read(&*self.wake, &mut [0; 8]);
        loop {
            match self.messages.try_recv() {
                Ok(Message::Line(line)) => {
                    self.read_all();
                    self.stderr.text.extend_from_slice(&line);
                    self.lines_taken += 1;
                }
                Ok(Message::Align(columns)) => self.widest = columns,
                Ok(Message::Read { from, name, to }) => {
                    let name = self.styled(&name, to);
                    self.pipes.push(Pipe {
                        from,
                        to,
                        lines: Lines::new(name),
                        since: None,
                        has_ended: false,
                    });
                }
                Ok(Message::Show(bar)) => {
                    if bar.is_none() {
                        self.erase();
                    }
                    self.bar = bar;
                    self.draw_at = self.draw_at.min(Instant::now() + BETWEEN);
                }
                Ok(Message::Gone(_)) => {}
                Ok(Message::Written(flag)) => {
                    self.read_all();
                    self.waiting.push(flag);
                }
                Err(TryRecvError::Empty) => return,
                Err(TryRecvError::Disconnected) => {
                    self.is_over = true;
                    return;
                }
            }
        }
    }

    /// The name as it stands before the lines of a process.
    fn styled(&mut self, name: &str, to: To) -> String {
        self.widest = self.widest.max(name.width());
        let pad = self.widest - name.width();
        let next = self.colors.len();
        let color = *self.colors.entry(name.to_owned()).or_insert(next);
        let color = Color::from(COLORS[color % COLORS.len()]);
        match self.outlet(to).is_terminal && has_colors(to) {
            true => {
                let style = Style::new().fg_color(Some(color));
                format!("{style}{name}{style:#}{:pad$}", "")
            }
            false => format!("{name}{:pad$}", ""),
        }
    }

    /// Shows what has waited for the end of its line for too long.
    fn show_what_waits(&mut self) {
        let now = Instant::now();
        for pipe in &mut self.pipes {
            if pipe.since.is_some_and(|since| since + PATIENCE <= now) {
                pipe.since = None;
                pipe.lines.show_rest(match pipe.to {
                    To::Stdout => &mut self.stdout.text,
                    To::Stderr => &mut self.stderr.text,
                });
            }
        }
    }

    /// Writes what can be written without a wait.
    fn write(&mut self) {
        if !self.stdout.is_empty() || !self.stderr.is_empty() {
            self.erase();
        }
        for outlet in [&mut self.stdout, &mut self.stderr] {
            while !outlet.is_empty() && is_writable(outlet) {
                outlet.write();
            }
        }
        if self.stderr.is_empty() {
            let taken = mem::take(&mut self.lines_taken);
            self.lines.fetch_sub(taken, Ordering::SeqCst);
        }
        if self.stdout.is_empty() && self.stderr.is_empty() {
            for flag in self.waiting.drain(..) {
                flag.raise(Signal::TERM);
            }
        }
    }

    /// Takes the bar off the terminal. It may have been made narrower meanwhile, so that
    /// the bar stands on several lines.
    fn erase(&mut self) {
        if let Some(drawn) = self.drawn.take() {
            let rows = drawn.div_ceil(self.columns().max(1)).max(1);
            let up = match rows {
                1 => String::new(),
                rows => format!("\x1b[{}A", rows - 1),
            };
            self.stderr.at_once(&format!("\r{up}\x1b[J"));
            self.draw_at = Instant::now() + BETWEEN;
        }
    }

    fn draw(&mut self) {
        let now = Instant::now();
        let idle = self.stdout.is_empty() && self.stderr.is_empty();
        if self.bar.is_none() || !idle || now < self.draw_at || !is_writable(&self.stderr) {
            return;
        }
        self.erase();
        if let Some(bar) = &self.bar {
            // The last column is left free: a full line would begin the next one.
            let text = bar.text(now, self.columns().saturating_sub(1));
            self.drawn = Some(text.width());
            self.stderr.at_once(&text);
        }
        self.draw_at = now + SECOND;
    }

    fn columns(&self) -> usize {
        let size = tcgetwinsize(self.stderr.fd);
        size.map_or(80, |size| match size.ws_col {
            0 => 80,
            columns => columns.into(),
        })
    }
}

fn is_writable(outlet: &Outlet) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(outlet.fd, PollFlags::OUT)];
    poll(&mut fds, Some(&Timespec::default())).is_ok_and(|ready| ready > 0)
}

fn has_colors(to: To) -> bool {
    let choice = match to {
        To::Stdout => AutoStream::choice(&std::io::stdout()),
        To::Stderr => AutoStream::choice(&std::io::stderr()),
    };
    choice != ColorChoice::Never
}
