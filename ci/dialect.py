#!/usr/bin/env python3
"""Proves that runner-config reads INI files exactly as Python does.

The promise: runner-config reads every file that it accepts as Python 3 does with
`configparser.RawConfigParser(strict=False)`, `optionxform = str` and the
encoding utf-8-sig. It refuses every other file with the line. It refuses a file
that Python accepts only if that is permitted (see `permitted`).

The proof: both read thousands of random files, well-formed and malformed.

  both accept it      the same sections, keys and values, `[DEFAULT]` filled in;
                      for one file in eight also in the same order
  Python refuses it   runner-config ends with 78 and names the lines that Python
                      names; the first line it names is really wrong
  only ours refuses   the line it names has one of the permitted features, which
                      this script finds independently

For one accepted file in eight, both read the output of `runner-config --list
--format ini` like the file itself, with `[DEFAULT]` as a section.

runner-config never panics and never hangs. A file that it is permitted to refuse
but accepts, for example with white space beyond ASCII, has to read the same too.

The script also proves that the files are a good test. Every kind of outcome must
be frequent enough. And for each mistake in `MISTAKES`, a Python parser with that
mistake must read enough of the files differently (one file in eight is read so).

    cargo build
    python3 ci/dialect.py target/debug/runner
    python3 ci/dialect.py --files 200000 --seed 7 target/debug/runner
    python3 ci/dialect.py --seed 7 --index 1234 target/debug/runner     one file
    python3 ci/dialect.py --answer FILE                 for fuzz/fuzz_targets/ini.rs

The files depend on seed and index only. The exit status is 1 if something differs
or a kind of file is too rare. Needs Python 3.9 or later and no packages.
"""

import argparse
import collections
import configparser
import json
import multiprocessing
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
import unicodedata

# ---------------------------------------------------------------------------
# The files: words
# ---------------------------------------------------------------------------

SECTIONS = [
    "a", "a", "b", "b", "c", "runner", "env", "DEFAULT", "DEFAULT", "DEFAULT",
    "default", "A", "a b", "a.b", "a=b", "x:y", "#", ";", "[", "a[b", "[a", "ü",
    "設定", "😀", '"a"', "'", "-", "3-clobber.sh", "a#b", "a ; b", "=", "\ufeff",
]

KEYS = [
    "k", "k", "k", "K", "l", "m", "key", "Key", "two words", "a  b", "k[0]", "[", "[]",
    "[a", "]", "a]", "'k'", '"k"', "ключ", "😀", "k#", "k;x", "k ; x", "k # x", "-",
    ".", "a.b", "max_tries", "İ", "ſ", "é", "e\u0301", "\u200b", "$k", "%", "\\", "[[a",
]

VALUES = [
    "", "", "v", "v", "1", "two words", "a=b", "a:b", "=", ":", "= :", "v ; w", "v # w",
    "v;w", "v#w", "; w", "# w", ";", "#", "[b]", "[b", "]", "'v'", '"v"', '"', '" v "',
    "%(k)s", "%", "${k}", "$k", "\\", "\\n", "v \\", "ü", "値", "😀", "\u200b", "\ufeff",
    "a\tb", "a  b", "True", "None", "@/x", "!", "v ;", "v #",
]

DELIMITERS = [
    "=", "=", " = ", " = ", ":", ":", " : ", ": ", "==", ":=", "=:", "\t=\t", " :", "=  ",
]

COMMENTS = ["#", ";", "# c", "; c", "#[b]", "; k = v", "#k", ";;", "# ü", "#\t", "; [a", "#="]

# Lines that are wrong or refused, and lines that only look like it.
NASTY = [
    "[", "]", "[]", "[[", "]]", "[a", "[a=b", "[a:b", "[]=x", "[] = x", "[]:", "[=]", "[:]",
    "[ a]", "[a ]", "[ a ]", "[ ]", "[\t]", "[\u3000a]", "[a]]", "[a]b]", "[]]", "[]a]",
    "[a] b", "[a]b", "[a]=", "[a] = b", "[a]k=v", "[a];", "[a]#", "[a] ; c", "[a]\t# c",
    "[a] # c ]", "[a][b]", "[[a]]", "[[a]", "=", ":", "= v", ": v", "=v", "==", " = v",
    "k", "two words", "-", "'k'", "k v", "\ufeff[a]", "\ufeff", "\ufeff# c", "\u200b[a]", "a]",
    "a]=b", "k", "ü", "v # = w", "DEFAULT", "[DEFAULT", "[DEFAULT] x",
]

# White space beyond ASCII, by Python's definition.
WIDE_SPACE = "\u00a0\u1680\u2000\u2003\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
CONTROL = "\x00\x01\x07\x08\x0b\x0c\r\x1b\x1c\x1d\x1e\x1f\x7f\x80\x85\x9f"
BLANKS = " \t" + WIDE_SPACE + "\x85\x1c\x1d\x1e\x1f\x0b\x0c"
NOT_UTF8 = [
    b"\xff", b"\xfe", b"\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xc0\xaf",
    b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb", b"caf\xe9",
]

REALISTIC = """\
# The machine's configuration.

[DEFAULT]
prefix = /opt/build
keep_days: 14

[runner]
# The wait before a retry.
sleep_time = 1m
retry_jitter = 0
max_tries = 5   ; belongs to the value
halt_task = halt.sh
task_hook = /usr/local/bin/hook --color "a b"
ok_codes = 0, 3
halt_codes =

[env]
LC_ALL = C
GREETING = Hello = from: the example
PATH = /usr/local/bin:/usr/bin:/bin
MOTD =
    first line

    ; not part of it
    # nor is this
    last line ; but this is

[hg]
remote : https://hg.example.org/build?rev=tip#top
  [paths]
  default = not a key but text

[3-clobber.sh]
keep_days = 3
\tdirs = one
\t\ttwo
    three

[fetch sources]
depends_on = check-disk,
             clobber
[hg]
branch = default
"""

# ---------------------------------------------------------------------------
# The files: text
# ---------------------------------------------------------------------------


def indentation(rng, least=0, most=4):
    """White space of `least` to `most` characters. To Python a tab is one character."""
    size = rng.randint(least, most)
    if rng.random() < 0.02:
        return "".join(rng.choice(WIDE_SPACE + " \t") for _ in range(size))
    return rng.choice([" " * size, " " * size, "\t" * size, (" \t" * size)[:size]])


def blank_line(rng):
    return rng.choice(["", "", "", indentation(rng, 0, 6)])


def comment_line(rng):
    return indentation(rng) + rng.choice(COMMENTS)


def key_text(rng):
    ending = rng.choice(["", "", "", " ", "\t"])
    return rng.choice(KEYS) + rng.choice(DELIMITERS) + rng.choice(VALUES) + ending


def header_text(rng):
    behind = rng.choice([""] * 8 + [" ", "\t", " ; c", " # c", ";c", "#"])
    return f"[{rng.choice(SECTIONS)}]{behind}"


def any_text(rng):
    return rng.choice([rng.choice(VALUES), header_text(rng), key_text(rng), rng.choice(NASTY)])


def continuation_lines(rng, indent):
    """Lines between a key with this indentation and the next key."""
    lines = []
    for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 3, 5])):
        kind = rng.random()
        if kind < 0.45:
            lines.append(indentation(rng, indent + 1, indent + 4) + any_text(rng))
        elif kind < 0.75:
            lines.append(blank_line(rng))
        else:
            lines.append(comment_line(rng))
    return lines


def well_formed(rng):
    """Sections and keys with nearly all indentations that Python accepts."""
    lines = [comment_line(rng) for _ in range(rng.choice([0, 0, 0, 1, 2]))]
    careless = rng.random() < 0.1
    for _ in range(rng.choice([0, 1, 1, 2, 2, 3, 4, 6])):
        # An indented header is text of a value if the key above it has less indentation.
        indent = rng.choice([0, 0, 0, 0, rng.randint(0, 3)])
        lines.append(indentation(rng, indent, indent) + header_text(rng))
        lines += [comment_line(rng)] * (rng.random() < 0.1)
        for _ in range(rng.choice([0, 1, 1, 2, 3, 5])):
            if rng.random() < 0.3:
                indent = rng.randint(0, 3)
            lines.append(indentation(rng, indent, indent) + key_text(rng))
            lines += continuation_lines(rng, max(0, indent - careless))
    lines += [blank_line(rng) for _ in range(rng.choice([0, 0, 0, 1, 3]))]
    return "\n".join(lines) + "\n"


def any_lines(rng):
    """A few lines of all kinds, in any order."""
    lines = ["[a]"] * (rng.random() < 0.85)
    for _ in range(rng.randint(0, 7)):
        make = rng.choice([
            header_text, key_text, key_text, key_text,
            blank_line, comment_line, comment_line,
            lambda rng: rng.choice(NASTY),
            lambda rng: rng.choice(VALUES),
        ])
        lines.append(indentation(rng) * (rng.random() < 0.6) + make(rng))
    return "\n".join(lines) + "\n"


def one_nasty_line(rng):
    """A well-formed file with one additional line that is, or looks, malformed."""
    lines = well_formed(rng).split("\n")
    line = indentation(rng) * (rng.random() < 0.4) + rng.choice(NASTY)
    lines.insert(rng.randint(0, len(lines)), line)
    return "\n".join(lines)


def mutated(rng):
    """The realistic file with a few characters or lines changed."""
    parts = REALISTIC.splitlines(True) if rng.random() < 0.5 else list(REALISTIC)
    if rng.random() < 0.5:
        begin = rng.randrange(len(parts))
        parts = parts[begin : begin + rng.randint(1, len(parts))]
    for _ in range(rng.choice([0, 1, 1, 2, 5, 20])):
        here, there = rng.randrange(len(parts)), rng.randrange(len(parts))
        kind = rng.choice(["delete", "double", "swap", "move", "replace"])
        if kind == "delete" and len(parts) > 1:
            del parts[here]
        elif kind == "double":
            parts.insert(here, parts[here])
        elif kind == "swap":
            parts[here], parts[there] = parts[there], parts[here]
        elif kind == "move":
            parts.insert(there, parts.pop(here))
        else:
            parts[here] = rng.choice("[]=:#; \t\nkv")
    return "".join(parts)


def soup(rng):
    """Characters with a meaning in the syntax, in any order."""
    everything = "[]=:#; \t\r\n" + WIDE_SPACE + CONTROL
    letters = rng.choice(["[]=:#; \t\nab", "[]=\n a", "=\n \tk#", everything])
    start = rng.choice(["", "[a]\n", "[a]\nk="])
    return start + "".join(rng.choice(letters) for _ in range(rng.randint(0, 40)))


def huge(rng):
    """Very long lines, or very many lines."""
    size = rng.randint(5_000, 60_000)
    kind = rng.randrange(5)
    if kind == 0:
        return "[a]\nk = " + rng.choice(["v", "ü", "😀", "a b ", "[", "="]) * size + "\n"
    if kind == 1:
        return "[a]\n" + "k" * size + rng.choice(["", " = v", ":"]) + "\n"
    if kind == 2:
        return "[" + "a" * size + rng.choice(["]", "", "] # c"]) + "\nk = v\n"
    if kind == 3:
        return f"[a]\n{' ' * size}k = 1\n{chr(9) * (size + rng.randint(-1, 1))}l = 2\n"
    keys = "\n".join(key_text(rng) for _ in range(size // 50))
    return well_formed(rng) + keys + "\n" * (size // 50)


# Frequency of each kind of file in percent.
RECIPES = {well_formed: 48, any_lines: 20, one_nasty_line: 10, mutated: 15, soup: 6, huge: 1}

# ---------------------------------------------------------------------------
# The files: bytes
# ---------------------------------------------------------------------------


def inserted(rng, text, characters):
    """Inserts one to three of the characters, anywhere."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        place = rng.randint(0, len(text))
        text = text[:place] + rng.choice(characters) + text[place:]
    return text


def respaced(rng, text):
    """Replaces some blanks and tabs by another kind of white space."""
    space = rng.choice(BLANKS)
    return "".join(space if c in " \t" and rng.random() < 0.3 else c for c in text)


def with_line_ends(rng, text):
    kind = rng.random()
    if kind < 0.7:
        return text
    ends = ["\r\n"] if kind < 0.85 else ["\n", "\r\n"] if kind < 0.97 else ["\n", "\r\n", "\r"]
    return "".join(rng.choice(ends) if c == "\n" else c for c in text)


def blemished(rng, text):
    kind = rng.random()
    if kind < 0.06:
        text = inserted(rng, text, WIDE_SPACE)
    elif kind < 0.10:
        text = respaced(rng, text)
    elif kind < 0.13:
        text = inserted(rng, text, CONTROL)
    elif kind < 0.135:
        text = inserted(rng, text, "\x00")
    elif kind < 0.15:
        text = inserted(rng, text, "\ufeff")
    if rng.random() < 0.2:
        text = text.rstrip("\n")
    return with_line_ends(rng, text)


def generate(seed, index):
    """The bytes of one file."""
    rng = random.Random(f"{seed}:{index}")
    if rng.random() < 0.01:
        return bytes(rng.randrange(256) for _ in range(rng.randint(0, 60)))
    recipe = rng.choices(list(RECIPES), RECIPES.values())[0]
    data = blemished(rng, recipe(rng)).encode()
    if rng.random() < 0.02:
        place = rng.choice([0, len(data), rng.randint(0, len(data))])
        data = data[:place] + rng.choice(NOT_UTF8) + data[place:]
    mark = rng.choices([0, 1, 2], [92, 7, 1])[0]
    return b"\xef\xbb\xbf" * mark + data


# ---------------------------------------------------------------------------
# Reading with Python
# ---------------------------------------------------------------------------


class Parser(configparser.RawConfigParser):
    """Python's parser, with the options of the promise."""

    def __init__(self, **options):
        super().__init__(**{"strict": False, **options})

    def optionxform(self, option):
        return option

    def reading(self, lines):
        self.read_file(lines)
        return self.filled_in()

    def filled_in(self):
        """Returns {section: {key: value}} with `[DEFAULT]` filled in."""
        return {section: dict(self.items(section)) for section in self.sections()}


class Watch:
    """Replaces the pattern of section headers in the parser. It records every line that
    is not empty, not a comment and not a continuation, with its number."""

    def __init__(self, pattern):
        self.pattern = pattern
        self.number = 0
        self.seen = []

    def count(self, lines):
        for self.number, line in enumerate(lines, 1):
            yield line

    def match(self, text):
        self.seen.append((self.number, str(text)))
        return self.pattern.match(text)


class Theirs:
    """Result of Python for a file."""

    def __init__(self, path, data):
        self.reading = None  # if it is refused
        self.refusal = None
        self.wrong = []  # the lines that Python names
        self.permitted = {}
        try:
            self.lines = lines_of(path)
        except UnicodeDecodeError:
            self.refusal = "UnicodeDecodeError"
        else:
            self.read(line_numbers(path))
        self.not_utf8 = line_not_utf8(data)
        if self.not_utf8 is not None:
            self.permitted = {self.not_utf8: "invalid UTF-8"}

    def read(self, numbers):
        parser = Parser()
        parser.SECTCRE = watch = Watch(parser.SECTCRE)
        try:
            self.reading = parser.reading(watch.count(self.lines))
            self.defaults = parser.defaults()
        except configparser.MissingSectionHeaderError as error:
            self.refusal = "MissingSectionHeaderError"
            self.wrong = [numbers[error.lineno - 1]]
        except configparser.ParsingError as error:
            self.refusal = "ParsingError"
            self.wrong = sorted({numbers[number - 1] for number, _ in error.errors})
        seen = [(numbers[number - 1], text) for number, text in watch.seen]
        self.permitted = permitted(self.lines, numbers, seen)

    def show(self):
        if self.reading is not None:
            return f"accepts: {self.reading!r}"
        return f"refuses: {self.refusal} in lines {self.wrong or self.not_utf8}"

    def listing(self):
        """Returns the expected output of `runner-config --list`, in Python's order."""
        return "".join(
            spelled(f"{section}.{key}={value}\n")
            for section, keys in self.reading.items()
            for key, value in keys.items()
        )


def spelled(text):
    """Returns `text` for a terminal: hidden characters are escaped."""
    hidden = "Cf", "Zl", "Zp"
    return "".join(
        f"\\u{ord(c):04x}" if unicodedata.category(c) in hidden else c for c in text
    )


def lines_of(path, newline=None):
    with open(path, encoding="utf-8-sig", newline=newline) as file:
        return list(file)


def line_numbers(path):
    """Returns for each of Python's lines its number in an editor. To Python a lone
    carriage return ends a line, but not to editors and to runner-config."""
    numbers, number = [], 1
    for line in lines_of(path, newline=""):
        numbers.append(number)
        number += line.endswith("\n")
    return numbers


def line_not_utf8(data):
    """Returns the line of the first byte that is not UTF-8, or None."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    return None


CONTROL_CHARACTER = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
HEADER = re.compile(r"\[([^]]+)\](.*)", re.DOTALL)


def permitted(lines, numbers, seen):
    """Returns {line: reason} of the lines that runner-config is permitted to refuse."""
    reasons = {}
    for number, text in seen:
        header = HEADER.match(text)
        if text.startswith("[") and text.count("]") > 1:
            reasons[number] = "second `]`"
        elif header and header[1].strip() != header[1]:
            reasons[number] = "padded name"
        elif header and header[2].strip() and header[2].strip()[0] not in "#;":
            reasons[number] = "something behind a header"
    for last, (number, line) in enumerate(zip(numbers, lines), 1):
        control = CONTROL_CHARACTER.search(line)
        if control:
            reasons[number] = "NUL" if control[0] == "\0" else "control character"
        elif last < len(lines) and numbers[last] == number:
            # Only to Python the line ends here.
            reasons[number] = "lone carriage return"
    return reasons


# ---------------------------------------------------------------------------
# Reading with runner-config
# ---------------------------------------------------------------------------

STREAMS = {"stdin": subprocess.DEVNULL, "capture_output": True}


class Ours:
    """Result of runner-config for a file."""

    def __init__(self, binary, path, *options):
        command = [binary, "runner-config", "-c", path, "--list", *options]
        try:
            done = subprocess.run(command, timeout=10, close_fds=False, **STREAMS)
            self.status, self.out = done.returncode, done.stdout
            self.err = done.stderr.decode(errors="replace")
        except subprocess.TimeoutExpired:
            self.status, self.out, self.err = None, b"", ""
        lines = re.findall(re.escape(path) + r":(\d+)", self.err)
        self.lines = sorted(set(map(int, lines)))

    def show(self):
        if self.status is None:
            return "does not end"
        if self.status == 0:
            return f"accepts: {self.out.decode(errors='replace')}"
        return f"ends with {self.status}:\n{self.err}"


HANGS = "it hangs"


def complaint(theirs, ours):
    """Returns the error in the result of runner-config, or None."""
    if ours.status is None:
        return HANGS
    if ours.status not in (0, 78):
        return "an unexpected exit status"
    if ours.status == 78:
        return refusal_complaint(theirs, ours)
    if theirs.reading is None:
        return "accepted, and Python refuses it"
    try:
        alike = json.loads(ours.out) == theirs.reading
    except ValueError:
        return "an answer that is not JSON"
    return None if alike else "read in another way"


# After a line with another permitted feature, runner-config need not continue like Python.
READING_CONTINUES_AFTER = {"padded name", "something behind a header"}


def refusal_complaint(theirs, ours):
    if ours.out:
        return "an answer despite the refusal"
    if not ours.lines:
        return "refused without a line"
    first = ours.lines[0]
    if theirs.not_utf8 is not None:
        return None if ours.lines == [theirs.not_utf8] else "refused for another line"
    if theirs.wrong and theirs.wrong[0] < first:
        return "a wrong line is passed over"
    if first not in theirs.permitted and first not in theirs.wrong:
        return "refused for another line" if theirs.wrong else "refused without need"
    in_step = READING_CONTINUES_AFTER.issuperset(theirs.permitted.values())
    if not in_step or theirs.refusal == "MissingSectionHeaderError":  # Python ends there
        return None
    said, wrong = set(ours.lines), set(theirs.wrong)
    if not wrong <= said <= wrong | set(theirs.permitted):
        return "a line too many or too few is complained of"
    return None


def outcome(theirs, ours):
    """Returns the kind of a file without a complaint."""
    if ours.status == 0:
        return "accepted by both"
    if theirs.reading is None:
        return f"refused by both: {theirs.refusal}"
    return f"refused by ours only: {theirs.permitted[ours.lines[0]]}"


# ---------------------------------------------------------------------------
# Possible mistakes of a parser: enough files must find each of them
# ---------------------------------------------------------------------------


class Indentation:
    """Replaces the pattern that finds the beginning of a line's text in the parser."""

    def __init__(self, measure):
        self.measure = measure
        self.count = 0

    def search(self, line):
        self.count += 1
        self.line = line
        return self

    def start(self):
        return self.measure(self.line, self.count)


def width(line):
    return len(line) - len(line.lstrip())


def mistaken(measure=None, header=None, **options):
    """Returns a function that reads lines with a parser that makes a mistake."""

    def read(lines):
        parser = Parser(**options)
        if measure:
            parser.NONSPACECRE = Indentation(measure)
        if header:
            parser.SECTCRE = re.compile(header)
        return parser.reading(lines)

    return read


def without_case(lines):
    parser = Parser()
    parser.optionxform = str.lower
    return parser.reading(lines)


def default_fills_nothing(lines):
    parser = Parser()
    parser.read_file(lines)
    parser.defaults().clear()
    return parser.filled_in()


def default_wins(lines):
    parser = Parser()
    reading = parser.reading(lines)
    return {section: {**keys, **parser.defaults()} for section, keys in reading.items()}


def comments_as_empty_lines(lines):
    return Parser().reading("\n" if line.lstrip()[:1] in ("#", ";") else line for line in lines)


def trailing_blanks_stay(lines):
    """Keeps blanks at the end of a line by a mark after them, which is removed later."""
    marked = (line[:-1] + "\0\n" if line.strip() and line[-1] == "\n" else line for line in lines)
    return {
        section: {key: value.replace("\0", "") for key, value in keys.items()}
        for section, keys in Parser().reading(marked).items()
    }


def only_last_section(lines):
    """A second header of a section discards the keys of the first one."""

    class Forgetful(dict):
        def __contains__(self, name):
            return False

    parser = Parser()
    parser._sections = Forgetful()
    return parser.reading(lines)


MISTAKES = {
    "`;` behind a value is a comment": mistaken(inline_comment_prefixes=(";",)),
    "`#` behind a value is a comment": mistaken(inline_comment_prefixes=("#",)),
    "`;` begins no comment": mistaken(comment_prefixes=("#",)),
    "`#` begins no comment": mistaken(comment_prefixes=(";",)),
    "a comment is an empty line": comments_as_empty_lines,
    "an empty line ends a value": mistaken(empty_lines_in_values=False),
    "`:` ends no key": mistaken(delimiters=("=",)),
    "keys lose their case": without_case,
    "`[DEFAULT]` is a section": mistaken(default_section="\n"),
    "`[DEFAULT]` fills nothing": default_fills_nothing,
    "`[DEFAULT]` wins": default_wins,
    "`[]` is a header": mistaken(header=r"\[(?P<header>.*)\]"),
    "a header needs no `]`": mistaken(header=r"\[(?P<header>[^]]+)"),
    "nothing may appear twice": mistaken(strict=True),
    "a section begins anew": only_last_section,
    "blanks at the end of a line stay": trailing_blanks_stay,
    "an indented line always continues": mistaken(lambda line, _: min(width(line), 1)),
    "an equally indented line continues": mistaken(lambda line, count: width(line) + count * 1e-9),
    "nothing continues": mistaken(lambda line, _: 0),
    "a tab is eight columns": mistaken(lambda line, _: width(line.expandtabs())),
    "only blanks and tabs indent": mistaken(lambda line, _: len(line) - len(line.lstrip(" \t"))),
}

# Features of the bytes of a file.
FEATURES = {
    "a byte-order mark": lambda data: data.startswith(b"\xef\xbb\xbf"),
    "another byte-order mark": lambda data: data.rfind(b"\xef\xbb\xbf") > 0,
    "CRLF": lambda data: b"\r\n" in data,
    "no newline at the end": lambda data: data[-1:] not in (b"", b"\n"),
    "white space beyond ASCII": lambda data: any(space.encode() in data for space in WIDE_SPACE),
    "a very long line": lambda data: len(data) > 5000 and max(map(len, data.split(b"\n"))) > 5000,
}

# ---------------------------------------------------------------------------
# The proof
# ---------------------------------------------------------------------------

# Minimum percentage of files for each kind. A key stands for all kinds that begin with it.
MIN_PERCENT = {
    "accepted by both": 30,
    "refused by both": 5,
    "refused by both: MissingSectionHeaderError": 1,
    "refused by both: ParsingError": 3,
    "refused by both: UnicodeDecodeError": 1,
    "refused by ours only": 3,
    "refused by ours only: NUL": 0.1,
    "refused by ours only: control character": 1,
    "refused by ours only: padded name": 0.3,
    "refused by ours only: second `]`": 0.3,
    "refused by ours only: something behind a header": 0.3,
    **{f"accepted with {feature}": 0.2 for feature in FEATURES},
    **{f"would find: {mistake}": 0.1 for mistake in MISTAKES},
}

# Minimum number of files for which the percentages are checked.
MIN_FILES = 5000

# One file in eight has the slow checks: the order of its keys, the written file, and the
# mistakes it would find.
CLOSELY_EACH = 8


class Comparison:
    """Reads files with both parsers. Each process writes its own file in `place`."""

    def __init__(self, binary, place):
        self.binary = binary
        self.path = os.path.join(place, f"{os.getpid()}.cfg")

    def read(self, data):
        with open(self.path, "wb") as file:
            file.write(data)
        return Theirs(self.path, data), Ours(self.binary, self.path, "--json")

    def compare(self, data, closely=True):
        """Returns Python's result, that of runner-config, and the complaint or None."""
        theirs, ours = self.read(data)
        wrong = complaint(theirs, ours)
        if not wrong and closely and ours.status == 0:
            listing = Ours(self.binary, self.path)
            if listing.out != theirs.listing().encode():
                return theirs, listing, "listed in another order"
            written = Ours(self.binary, self.path, "--format", "ini")
            if not self.reads_back(theirs, ours, written):
                return theirs, written, "written in another way"
        return theirs, ours, wrong

    def reads_back(self, theirs, ours, written):
        """Returns true if both parsers read the written file like the file itself."""
        path = self.path + ".ini"
        with open(path, "wb") as file:
            file.write(written.out)
        again = Theirs(path, written.out)
        return (
            written.status == 0
            and again.reading is not None
            and ordered(again.reading) == ordered(theirs.reading)
            and list(again.defaults.items()) == list(theirs.defaults.items())
            and Ours(self.binary, path, "--json").out == ours.out
        )

    def count(self, data, closely):
        """Returns the complaint about a file or None, and the kinds that the file counts as."""
        theirs, ours, wrong = self.compare(data, closely)
        if wrong:
            return wrong, []
        kinds = [outcome(theirs, ours)]
        if ours.status == 0:
            kinds += [f"accepted with {feature}" for feature, seen in FEATURES.items() if seen(data)]
        if ours.status == 0 and closely:
            found = [name for name, read in MISTAKES.items() if finds(theirs, read)]
            kinds += [f"would find: {name}" for name in found]
        return None, kinds


def ordered(reading):
    return [(section, list(keys.items())) for section, keys in reading.items()]


def finds(theirs, mistaken_read):
    try:
        return mistaken_read(theirs.lines) != theirs.reading
    except configparser.Error:
        return True


def shrunk(comparison, data, wrong, tries=3000):
    """Removes everything that is not needed for the same complaint: first whole lines,
    then single bytes."""
    for pattern in [rb"[^\n]*\n?", rb"(?s)."]:
        parts = re.findall(pattern, data)
        size = len(parts)
        while size:
            begin = 0
            while begin < len(parts) and tries:
                tries -= 1
                fewer = parts[:begin] + parts[begin + size :]
                if comparison.compare(b"".join(fewer))[2] == wrong:
                    parts = fewer
                else:
                    begin += size
            size //= 2
        data = b"".join(parts)
    return data


def show(comparison, data):
    theirs, ours, wrong = comparison.compare(data)
    print(repr(data) if len(data) < 2000 else f"{data[:2000]!r}... ({len(data)} bytes)")
    print(f"Python {theirs.show()}")
    print(f"runner-config {ours.show()}")
    return wrong


def report(comparison, seed, index, data, wrong):
    print(f"\nFAILED: {wrong} (--seed {seed} --index {index})")
    show(comparison, data)
    smallest = data if wrong == HANGS else shrunk(comparison, data, wrong)
    if smallest != data:
        print("\nThe smallest file with this complaint:")
        show(comparison, smallest)


class Sent:
    """Result of a fuzz target for a file: `STATUS\\tLINE,LINE...\\tJSON`."""

    def __init__(self, request):
        status, lines, self.out = request.rstrip(b"\n").split(b"\t")
        self.status = int(status)
        self.lines = sorted({int(line) for line in lines.split(b",") if line})


def answer(path):
    """Answers each result from stdin with the complaint about it, or an empty line."""
    for request in sys.stdin.buffer:
        ours = Sent(request)
        with open(path, "rb") as file:
            theirs = Theirs(path, file.read())
        wrong = complaint(theirs, ours)
        if not wrong and ours.status == 0 and ordered(json.loads(ours.out)) != ordered(theirs.reading):
            wrong = "listed in another order"
        print(f"{wrong}: Python {theirs.show()}" if wrong else "", flush=True)


# Global variables of each worker process.
COMPARISON = SEED = None


def begin(binary, place, seed):
    global COMPARISON, SEED
    COMPARISON, SEED = Comparison(binary, place), seed


def work(index):
    try:
        return (index, *COMPARISON.count(generate(SEED, index), closely=index % CLOSELY_EACH == 0))
    except Exception as error:
        raise RuntimeError(f"cannot compare --seed {SEED} --index {index}") from error


def prove(binary, place, seed, files, failures_shown=3):
    """Returns true if all files read the same and every kind of file is frequent enough."""
    started = time.monotonic()
    counts, failed = collections.Counter(), []
    with multiprocessing.Pool(2, begin, [binary, place, seed]) as pool:
        for index, wrong, kinds in pool.imap(work, range(files), chunksize=50):
            counts.update(kinds)
            if wrong:
                failed.append((index, wrong))
                if len(failed) == failures_shown:
                    break
    for index, wrong in failed:
        report(Comparison(binary, place), seed, index, generate(seed, index), wrong)
    if failed:
        return False
    summary(counts, files, seed, time.monotonic() - started)
    return frequent_enough(counts, files)


def total(counts, kind):
    return sum(count for counted, count in counts.items() if counted.startswith(kind))


def summary(counts, files, seed, seconds):
    for kind in sorted(set(counts) | set(MIN_PERCENT)):
        count = total(counts, kind)
        print(f"{count:8} {count * 100 / files:6.2f} %  {kind}")
    outcomes = ["accepted by both", "refused by both", "refused by ours only"]
    outcomes = ", ".join(f"{kind} {total(counts, kind)}" for kind in outcomes)
    about = f"seed {seed}, Python {platform.python_version()}, {seconds:.0f} s"
    print(f"{files} files ({about}): {outcomes}; no difference")


def frequent_enough(counts, files):
    if files < MIN_FILES:
        print(f"too few files to check the kinds; {MIN_FILES} are enough")
        return True
    rare = [kind for kind, least in MIN_PERCENT.items() if total(counts, kind) < files * least / 100]
    for kind in rare:
        print(f"FAILED: too few files, less than {MIN_PERCENT[kind]} %: {kind} ({total(counts, kind)})")
    return not rare


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--files", type=int, default=20_000, help="number of files (20000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the random files (1)")
    parser.add_argument("--index", type=int, help="read only the file with this index, and show it")
    parser.add_argument("--answer", metavar="FILE", help="compare results from stdin for this file")
    parser.add_argument("binary", metavar="BINARY", nargs="?", help="the built `runner`")
    args = parser.parse_args()
    sys.stdout.reconfigure(errors="backslashreplace")
    if args.answer:
        return answer(args.answer)
    if not args.binary:
        parser.error("BINARY is missing")
    binary = os.path.abspath(args.binary)
    if not os.path.exists(binary):
        parser.error(f"`{args.binary}` does not exist; `cargo build` creates one")
    with tempfile.TemporaryDirectory(prefix="dialect-") as place:
        if args.index is None:
            return 0 if prove(binary, place, args.seed, args.files) else 1
        wrong = show(Comparison(binary, place), generate(args.seed, args.index))
        print(f"FAILED: {wrong}" if wrong else "no difference")
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
