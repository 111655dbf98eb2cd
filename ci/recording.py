#!/usr/bin/env python3
"""Records the first chain of README in a terminal, and draws it as an animated picture.

recording.py RUNNER OUT.svg

The commands are real and run in a pseudo-terminal. Each line appears when it was written, but not
before the line above it can be read. CSS alone moves the picture; where nothing moves, it
shows the last frame, and it stops there.
"""

import html
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
COMMANDS = [
    "runner -c first.cfg first.d",
    "runner-report -c first.cfg",
]
# Seconds: of a key, before the first one, after Enter, at least between two lines.
KEY, BEFORE, ENTER, LINE = 0.06, 0.9, 0.4, 0.45
# Pixels: of a line, at the edges, of a letter at most.
HEIGHT, EDGE, LETTER = 20, 20, 8.45
CLASSES = {"1": "bold", "2": "dim", "31": "red", "32": "green", "33": "yellow", "34": "blue", "36": "blue"}

STYLE = """
    svg { --paper: #f6f8fa; --ink: #1f2328; --dim: #59636e; --red: #b3261e; --green: #1a7f37;
          --yellow: #8a5a00; --blue: #0756b8; --edge: #d1d9e0 }
    @media (prefers-color-scheme: dark) {
        svg { --paper: #14181d; --ink: #e6edf3; --dim: #9aa5b1; --red: #ff8b80; --green: #5fd07a;
              --yellow: #e3b341; --blue: #79b8ff; --edge: #30363d }
    }
    rect { fill: var(--paper); stroke: var(--edge) }
    text { fill: var(--ink); font: 14px ui-monospace, Menlo, "DejaVu Sans Mono", monospace; white-space: pre }
    .bold { font-weight: bold } .dim { fill: var(--dim) } .red { fill: var(--red) }
    .green { fill: var(--green) } .yellow { fill: var(--yellow) } .blue { fill: var(--blue) }
    @keyframes wait { from, to { visibility: hidden } }
    [style] { animation-name: wait }
    @media (prefers-reduced-motion) { [style] { animation-name: none } }
"""


def record(command, directory, path):
    """The lines that `command` writes to a terminal, each with the seconds since the start."""
    environment = {"PATH": path, "TERM": "xterm-256color", "TZ": "UTC", "LANG": "C.UTF-8"}
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(directory)
        words = shlex.split(command)
        os.execvpe(words[0], words, environment)
    began, lines, rest = time.monotonic(), [], b""
    while True:
        try:
            data = os.read(terminal, 1 << 16)
        except OSError:
            break  # The last process has closed the terminal.
        if not data:
            break
        *whole, rest = (rest + data).split(b"\n")
        now = time.monotonic() - began
        lines += [(now, line.decode().rstrip("\r")) for line in whole]
    _, status = os.waitpid(child, 0)
    assert status == 0, f"{command}: {status}"
    return lines


def spans(line):
    """The line as SVG, with a class for each colour. Other sequences are left out."""
    parts = re.split(r"\x1b\[([0-9;?]*)([A-Za-z])", line.rsplit("\r", 1)[-1])
    drawn, classes = html.escape(parts[0], quote=False), []
    for codes, kind, text in zip(parts[1::3], parts[2::3], parts[3::3]):
        if kind == "m":
            for code in codes.split(";"):
                classes = classes + [CLASSES[code]] if code in CLASSES else []
        if text:
            text = html.escape(text, quote=False)
            drawn += f'<tspan class="{" ".join(classes)}">{text}</tspan>' if classes else text
    return drawn


def letters(line):
    return len(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line))


class Picture:
    def __init__(self):
        self.rows, self.widest, self.now = [], 0, 0.0

    def text(self, seconds, drawn, width):
        y = EDGE + HEIGHT * (len(self.rows) + 0.7)
        style = f' style="animation-duration: {seconds:.2f}s"' if seconds else ""
        self.rows.append(f'<text x="{EDGE}" y="{y:g}"{style}>{drawn}</text>')
        self.widest = max(self.widest, width)

    def command(self, command):
        began = self.now
        self.now += BEFORE
        keys = ""
        for key in command:
            self.now += KEY
            keys += f'<tspan style="animation-duration: {self.now:.2f}s">{html.escape(key)}</tspan>'
        self.text(began, f'<tspan class="green">$ </tspan>{keys}', len(command) + 2)
        self.now += ENTER

    def output(self, lines):
        before = 0.0
        for written, line in lines:
            self.now += max(LINE, written - before)
            before = written
            self.text(self.now, spans(line), letters(line))

    def svg(self):
        width = round(self.widest * LETTER) + 2 * EDGE
        height = HEIGHT * len(self.rows) + 2 * EDGE
        rows = "\n".join(self.rows)
        title = "A chain whose second task fails in its first try, and its report"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}">\n<title>{title}</title>\n<style>{STYLE}</style>\n'
            f'<rect x="0.5" y="0.5" width="{width - 1}" height="{height - 1}" rx="8"/>\n{rows}\n</svg>\n'
        )


def main():
    runner, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    readme = (TOP / "README.md").read_text()
    script = re.search(r"```sh\n(.*?)```", readme, re.DOTALL).group(1)
    picture = Picture()
    # The report shows its path.
    scratch = Path(tempfile.gettempdir(), "first-chain")
    scratch.mkdir()
    try:
        subprocess.run(["sh", "-ec", script], cwd=scratch, check=True)
        tools = scratch / "bin"
        tools.mkdir()
        for name in ("runner", "runner-report"):
            (tools / name).symlink_to(runner)
        for command in COMMANDS:
            lines = record(command, scratch, f"{tools}:/usr/bin:/bin")
            picture.command(command)
            picture.output(lines)
    finally:
        shutil.rmtree(scratch)
    out.write_text(picture.svg())
    print(f"{out}: {len(picture.rows)} lines, {picture.now:.1f}s")


main()
