//! What is to be read, written and drawn, and all of it that needs no wait.

use std::{
    collections::HashMap,
    os::fd::{BorrowedFd, OwnedFd},
    sync::Arc,
    time::{Duration, Instant},
};

use anstyle::{AnsiColor, Color, Style};
use runner_exec::Latch;
use rustix::{
    fs::{OFlags, fcntl_setfl},
    io::{self, Errno},
    pipe::{PipeFlags, pipe_with},
    termios::tcgetwinsize,
};
use unicode_width::UnicodeWidthStr;

use super::{
    Bar,
    lines::Lines,
    outlet::{Outlet, To, is_writable, lead_to_the_same},
};

/// Maximum number of lines that wait for a slow reader; further ones are lost.
const MAX_LINES: usize = 10_000;

/// Longer names do not push the lines of others to the right.
const MAX_NAME_WIDTH: usize = 32;

/// What has no end of line is shown when it has waited for this time.
const LINE_TIMEOUT: Duration = Duration::from_millis(100);

/// The bar shows seconds, and what happens in between not more often than this.
const SECOND: Duration = Duration::from_secs(1);
const MIN_DRAW_INTERVAL: Duration = Duration::from_millis(50);

/// Default size of a pipe, in bytes.
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
    /// As [`To`] counts them.
    outlets: [Outlet; 2],
    /// Whether both lead to the same place. All goes through one of them then: the other
    /// would go on in the middle of a line, where a slow reader has left room.
    same: bool,
    /// How many lines of the runner are in the text for stderr.
    lines: usize,
    pipes: Vec<Pipe>,
    /// As much as a pipe holds, once there is one.
    buffer: Vec<u8>,
    /// The widest name so far, so that lines stand below each other.
    widest: usize,
    /// Which of the colours a name has.
    colors: HashMap<String, usize>,
    bar: Option<Bar>,
    /// How wide the bar is that stands on the terminal now.
    drawn: Option<usize>,
    /// When to draw it next.
    draw_at: Instant,
    /// To be set when that much is written to each of the outlets.
    waiting: Vec<([u64; 2], Arc<Latch>)>,
}

/// What a process writes.
struct Pipe {
    from: Arc<OwnedFd>,
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
            match io::read(&self.from, &mut buffer[..left]) {
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
    pub(super) fn new() -> Work {
        Work {
            outlets: [To::Stdout, To::Stderr].map(Outlet::new),
            same: lead_to_the_same(),
            lines: 0,
            pipes: Vec::new(),
            buffer: Vec::new(),
            widest: 0,
            colors: HashMap::new(),
            bar: None,
            drawn: None,
            draw_at: Instant::now() + MIN_DRAW_INTERVAL,
            waiting: Vec::new(),
        }
    }

    /// Puts a line of the runner behind what processes have written by now.
    pub(super) fn line(&mut self, line: &[u8]) {
        if self.lines < MAX_LINES {
            self.read();
            self.stderr().text.extend_from_slice(line);
            self.lines += 1;
        }
    }

    /// Makes a pipe whose lines are shown with `name` before them. Returns its other end.
    pub(super) fn pipe(&mut self, name: &str, to: To) -> io::Result<OwnedFd> {
        let (from, writer) = pipe_with(PipeFlags::CLOEXEC)?;
        fcntl_setfl(&from, OFlags::NONBLOCK)?;
        let to = if self.same { To::Stderr } else { to };
        let name = self.styled(name, to);
        self.buffer.resize(PIPE, 0);
        self.pipes.push(Pipe {
            from: Arc::new(from),
            to,
            lines: Lines::new(&name),
            since: None,
            has_ended: false,
        });
        Ok(writer)
    }

    pub(super) fn align(&mut self, names: impl Iterator<Item = String>) {
        let widest = names.map(|name| name.width()).max().unwrap_or(0);
        self.widest = widest.min(MAX_NAME_WIDTH);
    }

    pub(super) fn show(&mut self, bar: Bar) {
        self.bar = Some(bar);
        self.draw_at = self.draw_at.min(Instant::now() + MIN_DRAW_INTERVAL);
    }

    pub(super) fn hide(&mut self) {
        if self.bar.take().is_some() {
            self.erase();
        }
    }

    /// Sets `written` when all is written that is there now.
    pub(super) fn set_when_written(&mut self, written: Arc<Latch>) {
        for pipe in &mut self.pipes {
            pipe.read(&mut self.buffer, &mut self.outlets[pipe.to as usize]);
        }
        let goals = self.outlets.each_ref().map(Outlet::goal);
        self.waiting.push((goals, written));
    }

    /// Returns `true` if processes write through pipes.
    pub(super) fn is_shared(&self) -> bool {
        !self.buffer.is_empty()
    }

    /// Returns `true` if there is something to wait for.
    pub(super) fn needs_thread(&self) -> bool {
        !self.pipes.is_empty() || self.bar.is_some() || !self.is_idle()
    }

    /// The pipes whose reader keeps up.
    fn open(&self) -> impl Iterator<Item = &Pipe> {
        let keeps_up = |pipe: &&Pipe| !self.outlets[pipe.to as usize].is_full();
        self.pipes.iter().filter(keeps_up)
    }

    pub(super) fn open_pipes(&self) -> Vec<Arc<OwnedFd>> {
        self.open().map(|pipe| pipe.from.clone()).collect()
    }

    /// The streams that cannot be written at once.
    pub(super) fn unwritten(&self) -> Vec<BorrowedFd<'static>> {
        let unwritten = self.outlets.iter().filter(|outlet| !outlet.is_empty());
        unwritten.map(|outlet| outlet.fd).collect()
    }

    /// When there is something to do although nothing can be read or written; what was not
    /// read because its reader does not keep up is not waited for.
    pub(super) fn next_time(&self) -> Option<Instant> {
        let waiting = self.open().filter_map(|pipe| pipe.since);
        // While something waits for a reader, the bar does too.
        let bar = self.bar.as_ref().filter(|_| self.is_idle());
        let bar = bar.map(|_| self.draw_at);
        waiting.map(|since| since + LINE_TIMEOUT).chain(bar).min()
    }

    /// How many bytes were written by now, or given up.
    pub(super) fn written(&self) -> u64 {
        self.outlets.iter().map(|outlet| outlet.total).sum()
    }

    /// Reads what has been written by now. A reader that others of its pipes have filled
    /// meanwhile keeps up for all of them: the last ones would wait for ever.
    pub(super) fn read(&mut self) {
        let full = self.outlets.each_ref().map(Outlet::is_full);
        for pipe in &mut self.pipes {
            if !full[pipe.to as usize] {
                pipe.read(&mut self.buffer, &mut self.outlets[pipe.to as usize]);
            }
        }
    }

    /// Does what needs no wait.
    pub(super) fn step(&mut self) {
        self.pipes.retain(|pipe| !pipe.has_ended);
        self.show_what_waits();
        self.write();
        self.draw();
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
        for pipe in &mut self.pipes {
            let outlet = &mut self.outlets[pipe.to as usize];
            let is_late = pipe.since.is_some_and(|since| since + LINE_TIMEOUT <= now);
            if is_late && !outlet.is_full() {
                pipe.since = None;
                pipe.lines.show_rest(&mut outlet.text);
            }
        }
    }

    /// Writes what can be written without a wait.
    fn write(&mut self) {
        if !self.is_idle() {
            self.erase();
        }
        let is_shared = self.is_shared();
        for outlet in &mut self.outlets {
            outlet.write(is_shared);
        }
        if self.stderr().is_empty() {
            self.lines = 0;
        }
        let totals = self.outlets.each_ref().map(|outlet| outlet.total);
        self.waiting.retain(|(goals, written)| {
            // More may have come after it.
            let is_written = goals.iter().zip(totals).all(|(&goal, total)| goal <= total);
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

    /// Takes the bar off the terminal, if that can be written to. It may have been made
    /// narrower meanwhile, so that the bar stands on several lines.
    fn erase(&mut self) {
        let Some(drawn) = self.drawn.filter(|_| is_writable(self.outlets[1].fd)) else {
            return;
        };
        let up = match drawn.div_ceil(self.columns()) {
            0 | 1 => String::new(),
            rows => format!("\x1b[{}A", rows - 1),
        };
        self.stderr().at_once(&format!("\r{up}\x1b[J"));
        self.drawn = None;
        self.draw_at = Instant::now() + MIN_DRAW_INTERVAL;
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
        match tcgetwinsize(self.stderr().fd) {
            Ok(size) if size.ws_col > 0 => size.ws_col.into(),
            Ok(_) | Err(_) => 80,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Write, pipe};

    use super::*;

    #[test]
    fn only_the_line_that_waits_has_waited() {
        let (from, mut writer) = pipe().unwrap();
        rustix::fs::fcntl_setfl(&from, rustix::fs::OFlags::NONBLOCK).unwrap();
        let long_ago = Instant::now() - 2 * LINE_TIMEOUT;
        let mut pipe = Pipe {
            from: Arc::new(from.into()),
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
