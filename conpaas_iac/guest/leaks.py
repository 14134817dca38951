"""Runs on a machine, as root: where secrets are that others than root may read.

Standard input: a line of JSON, name -> value, then nothing until it is closed. So long it watches the arguments of all
processes; then it looks at files that everybody may read, and at all logs. Prints [[kind, what, name], …] as JSON.
"""

import json
import mmap
import os
import select
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PAUSE = 0.03  # seconds between two looks at the processes
ELSEWHERE = (Path("/proc"), Path("/sys"))  # no files
LOGS = Path("/var/log")

Found = set[tuple[str, str, str]]
Values = dict[str, bytes]


def main() -> None:
    """Until standard input is closed, and a last look then."""
    values = {name: text.encode() for name, text in json.loads(sys.stdin.readline()).items() if text}
    found: Found = set()
    while True:
        found |= {("arguments", who, name) for who, words in arguments() for name in named(words, values)}
        if select.select([0], [], [], PAUSE)[0]:
            break
    for kind, path in files():
        with suppress(OSError, ValueError):  # gone, or empty
            found |= {(kind, str(path), name) for name in in_file(path, values)}
    journal = subprocess.run(["journalctl", "-q", "--no-pager", "-o", "cat"], capture_output=True, check=False)
    found |= {("log", "the journal", name) for name in named(journal.stdout, values)}
    sys.stdout.write(json.dumps(sorted(found)))


def arguments() -> Iterator[tuple[str, bytes]]:
    """(program, all of its words) of every process."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                # What the kernel calls it: the first word may be anything, a secret too.
                yield (folder / "comm").read_text().strip(), (folder / "cmdline").read_bytes()


def files() -> Iterator[tuple[str, Path]]:
    """Files that everybody may read, through folders that everybody may enter; and all logs."""
    for top, folders, names in os.walk("/"):
        here = Path(top)
        folders[:] = [each for each in folders if enterable(here / each)]
        for name in names:
            with suppress(OSError):
                mode = (here / name).lstat().st_mode
                if stat.S_ISREG(mode) and (is_log(here) or mode & stat.S_IROTH):
                    yield "log" if is_log(here) else "file", here / name


def is_log(folder: Path) -> bool:
    """Whether logs are there; they are looked at whoever may read them."""
    return folder.is_relative_to(LOGS)


def enterable(folder: Path) -> bool:
    """Whether everybody may go there."""
    if folder in ELSEWHERE:
        return False
    with suppress(OSError):
        return is_log(folder) or bool(folder.lstat().st_mode & stat.S_IXOTH)
    return False


def in_file(path: Path, values: Values) -> list[str]:
    """Names of the values that are in a file."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return [name for name, value in values.items() if content.find(value) >= 0]


def named(text: bytes, values: Values) -> list[str]:
    """Names of the values that are in a text."""
    return [name for name, value in values.items() if value in text]


if __name__ == "__main__":
    main()
