//! The thread of [`super::Screen`]: waits for everything that can be read or written at once.

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

/// Time after which a line without an end is shown.
const INCOMPLETE_LINE_TIMEOUT: Duration = Duration::from_millis(100);

/// Time between two updates of the progress line, which shows seconds.
const UPDATE_INTERVAL: Duration = Duration::from_secs(1);

/// Minimum time between two updates because of events.
const MIN_UPDATE_INTERVAL: Duration = Duration::from_millis(50);

/// Time between two looks at descriptors that the system does not let this process wait for.
const POLL_FALLBACK_INTERVAL: Duration = Duration::from_millis(10);

/// Default capacity of a pipe, in bytes.
const PIPE_CAPACITY: usize = 64 * 1024;

/// Colours of names, readable on light and dark backgrounds. Red and yellow are left for errors
/// and warnings.
const COLORS: [AnsiColor; 4] = [
    AnsiColor::Cyan,
    AnsiColor::Magenta,
    AnsiColor::Green,
    AnsiColor::Blue,
];

pub(super) struct Work {
    messages: Receiver<Message>,
    wake: Arc<OwnedFd>,
    /// Number of messages that are not written yet.
    lines: Arc<AtomicUsize>,
    /// Number of them that are in the text for stderr.
    lines_taken: usize,
    /// Number of bytes that were written.
    written: Arc<AtomicUsize>,
    pipes: Vec<Pipe>,
    /// The last lines of each running process, by its name.
    tails: HashMap<String, Tail>,
    /// The name of the process whose output was shown last; empty after a line of the runner.
    last: String,
    /// Buffer for one read of a pipe.
    buffer: Vec<u8>,
    /// Indexed by [`To`].
    outlets: [Outlet; 2],
    /// Both lead to the same file. Then everything goes to stderr: with a slow reader, the
    /// other stream could continue in the middle of a line.
    same: bool,
    /// Width of the column of names.
    widest: usize,
    /// The index of the colour of each name.
    colors: HashMap<String, usize>,
    bar: Option<Bar>,
    /// Readable when the size of the terminal has changed; set with the first progress line.
    resized: Option<UnixStream>,
    /// Width of the progress line that is on the terminal now.
    drawn: Option<usize>,
    /// Time of its next update.
    draw_at: Instant,
    /// Latches to set once this number of bytes is written to each outlet.
    waiting: Vec<([usize; 2], Arc<Latch>)>,
    /// All senders of messages are gone.
    is_over: bool,
}

/// The output of a process.
struct Pipe {
    name: String,
    from: OwnedFd,
    to: To,
    lines: Lines,
    /// Time since which an incomplete line waits for its end.
    since: Option<Instant>,
    has_ended: bool,
}

impl Pipe {
    /// Reads the pipe into the text of `outlet`, at most the size of `buffer`: a process can write
    /// faster than this reads.
    fn read(&mut self, buffer: &mut [u8], outlet: &mut Outlet) {
        let mut left = buffer.len();
        while left > 0 && !self.has_ended {
            match rustix::io::read(&self.from, &mut buffer[..left]) {
                Ok(read) if read > 0 => {
                    let before = outlet.text.len();
                    self.lines.add(&buffer[..read], &mut outlet.text);
                    // An incomplete line is newer than the shown lines.
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
        // If the reader is gone, close the pipe, so that the process gets SIGPIPE, as without
        // the runner.
        self.has_ended |= outlet.is_closed;
        let is_incomplete = self.lines.is_incomplete();
        self.since = is_incomplete.then(|| self.since.unwrap_or_else(Instant::now));
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
            buffer: vec![0; PIPE_CAPACITY],
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
            self.receive();
            self.pipes.retain(|pipe| !pipe.has_ended);
            self.show_incomplete_lines();
            self.write();
            self.draw();
        }
    }

    /// Waits until there is something to do, and reads the readable pipes.
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
        let ready: Vec<usize> = (open.into_iter().zip(&fds[first..]))
            .filter(|(_, fd)| is_refused || !fd.revents().is_empty())
            .map(|(index, _)| index)
            .collect();
        for index in ready {
            // Also if other pipes have just filled its outlet: it would starve otherwise.
            self.read(index);
        }
        // A filter forbids it, or the limit of descriptors was lowered: check again after a
        // moment.
        if is_refused {
            pause(POLL_FALLBACK_INTERVAL, &StopSignals::default());
        }
    }

    /// Returns the pipes whose outlet is not full.
    fn open_pipes(&self) -> Vec<usize> {
        let keeps_up = |&index: &usize| !self.outlets[self.pipes[index].to as usize].is_full();
        (0..self.pipes.len()).filter(keeps_up).collect()
    }

    /// Returns the time of the next timeout: an incomplete line of the `open` pipes, or an update
    /// of the progress line.
    fn next_time(&self, open: &[usize]) -> Option<Instant> {
        let waiting = open.iter().filter_map(|&index| self.pipes[index].since);
        // The progress line waits until everything else is written.
        let bar = self.bar.as_ref().filter(|_| self.is_idle());
        let bar = bar.map(|_| self.draw_at);
        waiting
            .map(|since| since + INCOMPLETE_LINE_TIMEOUT)
            .chain(bar)
            .min()
    }

    /// Reads a pipe into its outlet.
    fn read(&mut self, pipe: usize) {
        let before = self.outlets[self.pipes[pipe].to as usize].text.len();
        let from = &mut self.pipes[pipe];
        from.read(&mut self.buffer, &mut self.outlets[from.to as usize]);
        self.keep(pipe, before);
    }

    /// Keeps the last lines of the text that a pipe has added to its outlet.
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

    /// Handles the messages.
    fn receive(&mut self) {
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
                        // Also if its outlet is full: its last lines are still in the pipe.
                        for index in 0..self.pipes.len() {
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
                    // It has one if its other stream was read already.
                    self.tails.entry(name.clone()).or_default();
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
                    self.draw_at = self.draw_at.min(Instant::now() + MIN_UPDATE_INTERVAL);
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

    /// Returns the name, padded and coloured, as the prefix of lines.
    fn styled(&mut self, name: &str, to: To) -> String {
        self.widest = self.widest.max(name.width());
        let pad = self.widest - name.width();
        let next = self.colors.len();
        let color = *self.colors.entry(name.to_owned()).or_insert(next);
        let color = Color::from(COLORS[color % COLORS.len()]);
        if self.outlets[to as usize].has_colors {
            let style = Style::new().fg_color(Some(color));
            format!("{style}{name}{style:#}{:pad$}", "")
        } else {
            format!("{name}{:pad$}", "")
        }
    }

    /// Shows incomplete lines that have waited for their end too long. Lines of pipes that are not
    /// read because their outlet is full can be complete by now.
    fn show_incomplete_lines(&mut self) {
        let now = Instant::now();
        for index in self.open_pipes() {
            let pipe = &mut self.pipes[index];
            if pipe
                .since
                .is_some_and(|since| since + INCOMPLETE_LINE_TIMEOUT <= now)
            {
                pipe.since = None;
                let text = &mut self.outlets[pipe.to as usize].text;
                let before = text.len();
                pipe.lines.show_rest(text);
                self.keep(index, before);
            }
        }
    }

    /// Writes as much as possible without blocking.
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
            // More can have been added after it.
            let is_written =
                reached.all(|(outlet, goal)| goal.wrapping_sub(outlet.total()) as isize <= 0);
            if is_written {
                written.set(());
            }
            !is_written
        });
    }

    /// Returns `true` if there is nothing to write.
    fn is_idle(&self) -> bool {
        self.outlets.iter().all(Outlet::is_empty)
    }

    fn stderr(&mut self) -> &mut Outlet {
        &mut self.outlets[To::Stderr as usize]
    }

    /// Erases the progress line. If the terminal has become narrower, it is on several lines.
    fn erase(&mut self) {
        if let Some(drawn) = self.drawn.take() {
            let rows = drawn.div_ceil(self.columns().max(1)).max(1);
            // Line by line: tmux keeps what is erased to the end of the screen in its history.
            let above = "\x1b[A\x1b[K".repeat(rows - 1);
            self.stderr().at_once(&format!("\r\x1b[K{above}"));
            self.draw_at = Instant::now() + MIN_UPDATE_INTERVAL;
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
            // The last column stays free: a full line would wrap.
            let text = bar.text(now, self.columns().saturating_sub(1));
            self.drawn = Some(text.width());
            self.stderr().at_once(&text);
        }
        self.draw_at = now + UPDATE_INTERVAL;
    }

    fn columns(&mut self) -> usize {
        let size = tcgetwinsize(self.stderr().fd);
        size.map_or(80, |size| match size.ws_col {
            0 => 80,
            columns => columns.into(),
        })
    }
}

/// Returns a stream that gets a byte with each SIGWINCH.
fn watch_size() -> io::Result<UnixStream> {
    let (resized, writer) = UnixStream::pair()?;
    resized.set_nonblocking(true)?;
    register(SIGWINCH, writer)?;
    Ok(resized)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Write, pipe},
        sync::mpsc::channel,
    };

    use rustix::event::{EventfdFlags, eventfd};

    use super::*;

    #[test]
    fn only_the_line_that_waits_has_waited() {
        let (from, mut writer) = pipe().unwrap();
        rustix::fs::fcntl_setfl(&from, rustix::fs::OFlags::NONBLOCK).unwrap();
        let long_ago = Instant::now() - 2 * INCOMPLETE_LINE_TIMEOUT;
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

    #[test]
    fn the_last_output_is_complete_whatever_comes_first() {
        let (messages, receiver) = channel();
        let wake = Arc::new(eventfd(0, EventfdFlags::NONBLOCK).unwrap());
        let mut work = Work::new(receiver, wake, Arc::default(), Arc::default());
        let stream = |to| {
            let (from, writer) = pipe().unwrap();
            rustix::fs::fcntl_setfl(&from, rustix::fs::OFlags::NONBLOCK).unwrap();
            let (from, name) = (from.into(), "a".to_owned());
            messages.send(Message::Read { from, name, to }).unwrap();
            writer
        };
        let mut stdout = stream(To::Stdout);
        work.receive();
        stdout.write_all(b"first\n").unwrap();
        work.read(0);
        // The thread learns of the second stream after it has read the first one.
        stream(To::Stderr);
        work.receive();
        stdout.write_all(b"last\n").unwrap();
        let to = work.pipes[0].to as usize;
        while !work.outlets[to].is_full() {
            work.outlets[to].text.extend([b'x'; 1000]);
        }
        let (sender, answer) = channel();
        messages
            .send(Message::End("a".to_owned(), Some(sender)))
            .unwrap();
        work.receive();
        assert_eq!(answer.recv().unwrap().bytes, b"first\nlast\n");
    }
}
