"""python -m benchmarks [SET…] [--runs N] [--write FILE]; the sets are in SETS."""

import argparse
import os
import platform
import time
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.figure import HEADINGS, Figure, markdown

SETS = {
    "quick": "verbs that answer at once",
    "story": "DokuWiki from up to down",
    "code": "a version of the code made active, to and fro, under visitors; minutes",
    "crowd": "1 to 400 machines on a cloud in memory, beside the bare engine; minutes",
    "fleet": "`fleet plan` of 50 unchanged applications on a cloud in memory; minutes",
    "ground": "what set-up brings; minutes",
    "review": "size of the comment on a pull request",
    "sync": "from a pushed commit to machines as it says; minutes",
    "types": "lines of service types, and a new one through the conformance suite; minutes",
    "vpn": "two machines over the VPN and beside it",
    "volume": "files on a volume, beside the disk under it; minutes",
    "wordpress": "WordPress up, and changed in every way under load; minutes",
}
USUAL = ("quick", "story")


def main() -> None:
    """Measure, show, and write if asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="The figures of conpaas.")
    parser.add_argument(
        "sets", nargs="*", metavar="SET", help="; ".join(f"{name}: {text}" for name, text in SETS.items())
    )
    parser.add_argument("--runs", type=int, default=5, help="how often (5); the table shows medians")
    parser.add_argument("--write", type=Path, metavar="FILE", help="add the table, dated, to the end of a file")
    asked = parser.parse_args()
    if unknown := set(asked.sets) - set(SETS):
        parser.error(f"no such set: {', '.join(unknown)}; sets: {', '.join(SETS)}")
    figures: list[Figure] = []
    before = os.getloadavg()[0]
    for name in asked.sets or USUAL:
        figures += import_module(f"benchmarks.{name}").measure(asked.runs)
    _show(figures)
    where = f"{os.cpu_count()} cores, Python {platform.python_version()}, load {before:.1f} before, {asked.runs} runs"
    print(where)
    if asked.write:
        with asked.write.open("a") as file:
            file.write(f"\n### {time.strftime('%Y-%m-%d %H:%M')}, {where}\n\n{markdown(figures)}")


def _show(figures: list[Figure]) -> None:
    table = Table(*HEADINGS, box=None, header_style="bold")
    for figure in figures:
        table.add_row(*figure.cells())
    Console().print(table)


if __name__ == "__main__":
    main()
