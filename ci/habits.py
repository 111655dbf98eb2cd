#!/usr/bin/env python3
"""Finds habits of wording and of code that cost a reader time.

    ci/habits.py            prints each place, and exits with 1 if there is one
    ci/habits.py --count    prints the number of places of each habit

Reads all files that git knows below the current directory. CONTRIBUTING.md says what to
write instead.
"""

import collections
import re
import subprocess
import sys
from pathlib import Path

CODE = (".rs", ".py", ".sh", ".mjs", ".c", ".toml", ".yml")
PROSE = (".md", ".1", ".5", ".cfg", ".service")
SCRIPTS = (".ci/run", "packaging/build", "packaging/postrm", "justfile")
# They name the words.
EXCEPTIONS = ("ci/habits.py", "CONTRIBUTING.md")

FIRST_WORDS = re.compile(
    r"(What|Whether|Who|Whoever|Whose|Where|Which|How|Of|That|So|The same|Then)\b"
)
WORDS = re.compile(
    r"\b(asked|judge[sd]?|judging|mend(s|ed|ing)?|cure[sd]?|heard|hears?|in vain|for ever|somebody|whoever"
    r"|so many|so long|goes on|going on|go on|stood|stands (in|on|above|below|there|behind|before)"
    r"|undying|made of|belongs into|(?<!there )is no (key|task|setting|section|option))\b",
    re.IGNORECASE,
)
ADVERBS = re.compile(
    r"\b(const|static) (PATIENCE|MOST|LEAST|MOMENT|A_WHILE|LONGEST|SHORTEST|WIDEST|LARGEST"
    r"|BETWEEN|SHARE|SOMETIMES|AT_ONCE|SMALL|ALONE|LAST|FULL|LETTER|SIGN)\b"
)
COMMENT = re.compile(r"^\s*(?://[/!]?|#)(?!\[|!) ?(.*)")
BOOL_ARM = re.compile(r"^\s*(true|false) => ")
TYPE = re.compile(r"^\s*pub(?:\(crate\))? (?:struct|enum|trait|union) (\w+)")
BINDING = re.compile(r"^\s*let (?:mut )?(\w+)(?:: [^=]+)? =")


def habits(path, lines):
    """Yields line number and name of each habit in `lines`, the text of the file `path`."""
    is_code = path.endswith(CODE) or path in SCRIPTS
    in_comment = False
    bindings = ("", 0)
    for number, line in enumerate(lines, 1):
        if WORDS.search(line.replace("_", " ")):
            yield number, "a word of a private language"
        if not is_code:
            continue
        comment = COMMENT.match(line)
        # An empty line of a comment ends a paragraph of it.
        if comment and comment[1] and not in_comment and FIRST_WORDS.match(comment[1]):
            yield number, "a comment that starts with a relative clause"
        in_comment = bool(comment and comment[1])
        if not path.endswith(".rs"):
            continue
        if ADVERBS.search(line):
            yield number, "a constant that does not say its purpose"
        if BOOL_ARM.match(line):
            yield number, "`match` on a bool"
        binding = BINDING.match(line)
        name, times = bindings
        times = times + 1 if binding and binding[1] == name else 1
        if times == 3:
            yield number, "a name bound three times in a row"
        bindings = (binding[1] if binding else "", times)


def shared_names(files):
    """Yields the public types that share a name, and the files that differ by an `s`."""
    types = {}
    for path, lines in files.items():
        if "/src/" not in path:
            continue
        for number, line in enumerate(lines, 1):
            if found := TYPE.match(line):
                if found[1] in types:
                    yield path, number, f"a second type `{found[1]}`"
                types[found[1]] = path
        stem, plural = Path(path), Path(path).with_name(Path(path).stem + "s.rs")
        if stem.suffix == ".rs" and str(plural) in files:
            yield path, 1, "a file whose name differs from another one by an `s`"


def main():
    paths = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True)
    files = {}
    for path in paths.stdout.splitlines():
        if path in EXCEPTIONS or not (path.endswith(CODE + PROSE) or path in SCRIPTS):
            continue
        if Path(path).is_file():
            files[path] = Path(path).read_text(encoding="utf-8").splitlines()
    found = [
        (path, number, habit)
        for path, lines in files.items()
        for number, habit in habits(path, lines)
    ]
    found += shared_names(files)
    if "--count" in sys.argv[1:]:
        counts = collections.Counter(re.sub(" `.*", "", habit) for _, _, habit in found)
        for habit, count in counts.most_common():
            print(f"{count:5} {habit}")
        return 0
    for path, number, habit in found:
        print(f"{path}:{number}: {habit}: {files[path][number - 1].strip()}")
    return 1 if found else 0


sys.exit(main())
