//! The thread behind [`super::Screen`]: waits for whatever can be read or written, and
//! never for one of them alone.

use std::{
    collections::HashMap,
    io, mem,
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, TryRecvError},
    },
    time::{Duration, Instant},
};

use anstyle::{AnsiColor, Color, Style};
use runner_exec::{Latch, StopSignals, pause};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    termios::tcgetwinsize,
};
use signal_hook::{consts::SIGWINCH, low_level::pipe::register};
use unicode_width::UnicodeWidthStr;

use super::{
    Bar, LastOutput, Message,
    lines::Lines,
    outlet::{Outlet, To, is_writable, lead_to_the_same},
    tail::Tail,
};

/// What has no end of line is shown when it has waited so long.
const PATIENCE: Duration = Duration::from_millis(100);

/// The bar shows seconds, and what happens in between not more often than this.
const SECOND: Duration = Duration::from_secs(1);
const BETWEEN: Duration = Duration::from_millis(50);

/// Time between two looks at descriptors that the system does not let this process wait for.
const POLL_FALLBACK_INTERVAL: Duration = Duration::from_millis(10);

/// A pipe holds so much, unless somebody made it larger.
const PIPE: usize = 64 * 1024;

/// Colours that are readable on a light and on a dark ground. Red and yellow are those of
/// errors and warnings.
const COLORS: [AnsiColor; 4] = [
    AnsiColor::Cyan,
    AnsiColor::Magenta,
    AnsiColor::Green,
    AnsiColor::Blue,
];

pub(super) struct Work {
    messages: Receiver<Message>,
    wake: Arc<OwnedFd>,
    /// How many lines are under way.
    lines: Arc<AtomicUsize>,
    /// How many of them are in the text for stderr.
    lines_taken: usize,
    /// How many bytes were written.
    written: Arc<AtomicUsize>,
    pipes: Vec<Pipe>,
    /// By the names of the processes that run.
    tails: HashMap<String, Tail>,
    /// The name of the process whose output was shown last; empty after a line of the runner.
    last: String,
    /// As much as a pipe holds.
    buffer: Vec<u8>,
    /// As [`To`] counts them.
    outlets: [Outlet; 2],
    /// Whether both lead to the same place. All goes through one of them then: the other
    /// would go on in the middle of a line, where a slow reader has left room.
    same: bool,
    /// The widest name so far, so that lines stand below each other.
    widest: usize,
    /// Which of the colours a name has.
    colors: HashMap<String, usize>,
    bar: Option<Bar>,
    /// Readable when the size of the terminal has changed; there once a bar was shown.
    resized: Option<UnixStream>,
    /// How wide the bar is that stands on the terminal now.
    drawn: Option<usize>,
    /// When to draw it next.
    draw_at: Instant,
    /// To be set when so many bytes are written to each of the outlets.
    waiting: Vec<([usize; 2], Arc<Latch>)>,
    /// Whether there is nobody any more who could say something.
    is_over: bool,
}

/// What a process writes.
struct Pipe {
    name: String,
    from: OwnedFd,
    to: To,
    lines: Lines,
    /// Since when something waits for the end of its line.
    since: Option<Instant>,
    has_ended: bool,
}

impl Pipe {
    /// Takes what is there for `outlet`; not more than a pipe holds, since
    /// whoever writes may do so faster than it is read.
    fn read(&mut self, buffer: &mut [u8], outlet: &mut Outlet) {
        let mut left = buffer.len();
        while left > 0 && !self.has_ended {
            match rustix::io::read(&self.from, &mut buffer[..left]) {
                Ok(read) if read > 0 => {
                    let before = outlet.text.len();
                    self.lines.add(&buffer[..read], &mut outlet.text);
                    // What waits now has come after that, and waits anew.
                    if outlet.text.len() > before {
                        self.since = None;
                    }
                    left -= read;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Ok(_) | Err(_) => {
                    self.lines.show_rest(&mut outlet.text);
                    self.has_ended = true;
                }
            }
        }
        // Whoever writes for a reader who is gone is told so, as without us.
        self.has_ended |= outlet.is_closed;
        self.since = match self.lines.waits() {
            true => self.since.or(Some(Instant::now())),
            false => None,
        };
    }
}

impl Work {
    pub(super) fn new(
        messages: Receiver<Message>,
        wake: Arc<OwnedFd>,
        lines: Arc<AtomicUsize>,
        written: Arc<AtomicUsize>,
    ) -> Work {
        Work {
            messages,
            wake,
            lines,
            lines_taken: 0,
            written,
            pipes: Vec::new(),
            tails: HashMap::new(),
            last: String::new(),
            buffer: vec![0; PIPE],
            outlets: [To::Stdout, To::Stderr].map(Outlet::new),
            same: lead_to_the_same(),
            widest: 0,
            colors: HashMap::new(),
            bar: None,
            resized: None,
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
            self.pipes.retain(|pipe| !pipe.has_ended);
            self.show_what_waits();
            self.write();
            self.draw();
        }
    }

    /// Waits until there is something to do, and reads what there is to read.
    fn wait(&mut self) {
        let now = Instant::now();
        let open = self.open_pipes();
        let until = self.next_time(&open);
        let timeout = until.map(|until| until.saturating_duration_since(now));
        let timeout = timeout.and_then(|time| Timespec::try_from(time).ok());
        let mut fds = vec![PollFd::new(&*self.wake, PollFlags::IN)];
        for outlet in self.outlets.iter().filter(|outlet| !outlet.is_empty()) {
            fds.push(PollFd::from_borrowed_fd(outlet.fd, PollFlags::OUT));
        }
        fds.extend(self.resized.iter().map(|it| PollFd::new(it, PollFlags::IN)));
        let first = fds.len();
        for &index in &open {
            fds.push(PollFd::new(&self.pipes[index].from, PollFlags::IN));
        }
        let polled = poll(&mut fds, timeout.as_ref());
        let is_refused = matches!(polled, Err(error) if error != Errno::INTR);
        let ready = open.into_iter().zip(&fds[first..]);
        let ready = ready.filter(|(_, fd)| is_refused || !fd.revents().is_empty());
        let ready: Vec<usize> = ready.map(|(index, _)| index).collect();
        for index in ready {
            // Also when others have filled what it goes to: it would wait for them for ever.
            self.read(index);
        }
        // Forbidden, or with more descriptors than a lowered limit allows: what cannot be
        // waited for is looked at again.
        if is_refused {
            pause(POLL_FALLBACK_INTERVAL, &StopSignals::default());
        }
    }

    /// The pipes whose reader keeps up.
    fn open_pipes(&self) -> Vec<usize> {
        let keeps_up = |&index: &usize| !self.outlets[self.pipes[index].to as usize].is_full();
        (0..self.pipes.len()).filter(keeps_up).collect()
    }

    /// When there is something to do although nothing can be read or written; what the
    /// pipes that are not `open` brought is not waited for.
    fn next_time(&self, open: &[usize]) -> Option<Instant> {
        let waiting = open.iter().filter_map(|&index| self.pipes[index].since);
        // While something waits for a reader, the bar does too.
        let bar = self.bar.as_ref().filter(|_| self.is_idle());
        let bar = bar.map(|_| self.draw_at);
        waiting.map(|since| since + PATIENCE).chain(bar).min()
    }

    /// Reads what has been written by now to a pipe.
    fn read(&mut self, pipe: usize) {
        let before = self.outlets[self.pipes[pipe].to as usize].text.len();
        let from = &mut self.pipes[pipe];
        from.read(&mut self.buffer, &mut self.outlets[from.to as usize]);
        self.keep(pipe, before);
    }

    /// Keeps the end of what a pipe has added to the text of its outlet.
    fn keep(&mut self, pipe: usize, before: usize) {
        let pipe = &self.pipes[pipe];
        let shown = &self.outlets[pipe.to as usize].text[before..];
        if shown.is_empty() {
            return;
        }
        if self.last != pipe.name {
            self.last.clone_from(&pipe.name);
        }
        if let Some(tail) = self.tails.get_mut(&pipe.name) {
            tail.add(shown, pipe.lines.prefix_length());
        }
    }

    /// Does what it is told.
    fn hear(&mut self) {
        let _ = rustix::io::read(&*self.wake, &mut [0; 8]);
        if let Some(resized) = &self.resized
            && rustix::io::read(resized, &mut [0; 64]).is_ok()
        {
            self.draw_at = Instant::now();
        }
        loop {
            match self.messages.try_recv() {
                Ok(Message::Line(line)) => {
                    for index in self.open_pipes() {
                        self.read(index);
                    }
                    self.stderr().text.extend_from_slice(&line);
                    self.lines_taken += 1;
                    self.last.clear();
                }
                Ok(Message::End(name, answer)) => {
                    if let Some(answer) = answer {
                        for index in self.open_pipes() {
                            self.read(index);
                        }
                        let _ = answer.send(LastOutput {
                            bytes: self.tails.remove(&name).unwrap_or_default().0,
                            is_last: self.last == name,
                        });
                    }
                    self.tails.remove(&name);
                }
                Ok(Message::Align(columns)) => self.widest = columns,
                Ok(Message::Read { from, name, to }) => {
                    let to = if self.same { To::Stderr } else { to };
                    self.tails.insert(name.clone(), Tail::default());
                    let lines = Lines::new(&self.styled(&name, to));
                    self.pipes.push(Pipe {
                        name,
                        from,
                        to,
                        lines,
                        since: None,
                        has_ended: false,
                    });
                }
                Ok(Message::Show(bar)) => {
                    self.bar = Some(bar);
                    self.resized = self.resized.take().or_else(|| watch_size().ok());
                    self.draw_at = self.draw_at.min(Instant::now() + BETWEEN);
                }
                Ok(Message::Hide(_)) => {
                    self.bar = None;
                    self.erase();
                }
                Ok(Message::Written(flag)) => {
                    for index in 0..self.pipes.len() {
                        self.read(index);
                    }
                    let goals = [0, 1].map(|to: usize| self.outlets[to].goal());
                    self.waiting.push((goals, flag));
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
        match self.outlets[to as usize].has_colors {
            true => {
                let style = Style::new().fg_color(Some(color));
                format!("{style}{name}{style:#}{:pad$}", "")
            }
            false => format!("{name}{:pad$}", ""),
        }
    }

    /// Shows what has waited for the end of its line for too long, and not only because it
    /// was not read.
    fn show_what_waits(&mut self) {
        let now = Instant::now();
        for index in self.open_pipes() {
            let pipe = &mut self.pipes[index];
            if pipe.since.is_some_and(|since| since + PATIENCE <= now) {
                pipe.since = None;
                let text = &mut self.outlets[pipe.to as usize].text;
                let before = text.len();
                pipe.lines.show_rest(text);
                self.keep(index, before);
            }
        }
    }

    /// Writes what can be written without a wait.
    fn write(&mut self) {
        if !self.is_idle() {
            self.erase();
        }
        self.outlets.iter_mut().for_each(Outlet::write);
        let totals = self.outlets.iter().map(Outlet::total);
        self.written
            .store(totals.fold(0, usize::wrapping_add), Ordering::SeqCst);
        if self.stderr().is_empty() {
            let taken = mem::take(&mut self.lines_taken);
            self.lines.fetch_sub(taken, Ordering::SeqCst);
        }
        let outlets = &self.outlets;
        self.waiting.retain(|(goals, written)| {
            let mut reached = outlets.iter().zip(goals);
            // More may have come after it.
            let is_written =
                reached.all(|(outlet, goal)| goal.wrapping_sub(outlet.total()) as isize <= 0);
            if is_written {
                written.set(());
            }
            !is_written
        });
    }

    /// Whether there is nothing to write.
    fn is_idle(&self) -> bool {
        self.outlets.iter().all(Outlet::is_empty)
    }

    fn stderr(&mut self) -> &mut Outlet {
        &mut self.outlets[To::Stderr as usize]
    }

    /// Takes the bar off the terminal. It may have been made narrower meanwhile, so that
    /// the bar stands on several lines.
    fn erase(&mut self) {
        if let Some(drawn) = self.drawn.take() {
            let rows = drawn.div_ceil(self.columns().max(1)).max(1);
            // Line by line: tmux keeps what is erased to the end of the screen in its history.
            let above = "\x1b[A\x1b[K".repeat(rows - 1);
            self.stderr().at_once(&format!("\r\x1b[K{above}"));
            self.draw_at = Instant::now() + BETWEEN;
        }
    }

    fn draw(&mut self) {
        let now = Instant::now();
        if !self.is_idle() || now < self.draw_at {
            return;
        }
        let Some(bar) = self.bar.clone() else {
            return;
        };
        if is_writable(self.stderr().fd) {
            self.erase();
            // The last column is left free: a full line would begin the next one.
            let text = bar.text(now, self.columns().saturating_sub(1));
            self.drawn = Some(text.width());
            self.stderr().at_once(&text);
        }
        self.draw_at = now + SECOND;
    }

    fn columns(&mut self) -> usize {
        let size = tcgetwinsize(self.stderr().fd);
        size.map_or(80, |size| match size.ws_col {
            0 => 80,
            columns => columns.into(),
        })
    }
}

/// A stream that gets a byte with each SIGWINCH.
fn watch_size() -> io::Result<UnixStream> {
    let (resized, writer) = UnixStream::pair()?;
    resized.set_nonblocking(true)?;
    register(SIGWINCH, writer)?;
    Ok(resized)
}

#[cfg(test)]
mod tests {
    use std::io::{Write, pipe};

    use super::*;

    #[test]
    fn only_the_line_that_waits_has_waited() {
        let (from, mut writer) = pipe().unwrap();
        rustix::fs::fcntl_setfl(&from, rustix::fs::OFlags::NONBLOCK).unwrap();
        let long_ago = Instant::now() - 2 * PATIENCE;
        let mut pipe = Pipe {
            name: "a".to_owned(),
            from: from.into(),
            to: To::Stdout,
            lines: Lines::new("a"),
            since: None,
            has_ended: false,
        };
        let mut outlet = Outlet::new(To::Stdout);
        let mut since = |written: &str| {
            pipe.since = pipe.since.and(Some(long_ago));
            writer.write_all(written.as_bytes()).unwrap();
            pipe.read(&mut [0; 100], &mut outlet);
            pipe.since
        };
        assert!(since("begin").unwrap() > long_ago);
        assert_eq!(since(" more").unwrap(), long_ago);
        assert!(since(" end\nbegin").unwrap() > long_ago);
        assert_eq!(since(" end\n"), None);
    }
}
