"""How versions of code look on a terminal, and as a document. Prints nothing itself."""

from collections.abc import Mapping, Sequence

import msgspec
from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from conpaas_iac.sources.versions import SHOWN, Version

Active = Mapping[str, Sequence[str]]  # version -> machines


def view(versions: Sequence[Version], active: Active) -> RenderableType:
    """One line each, the newest first; * is what is active."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("", "version", "name", "from", "uploaded", "by", "size"):
        table.add_column(column, justify="right" if column == "size" else "left", overflow="fold")
    for each in versions:
        mark, style = ("*", "green") if each.version in active else ("", "")
        time = f"{each.at:%Y-%m-%d %H:%M}"
        table.add_row(mark, each.short, each.name, each.source, time, each.by, decimal(each.size), style=style)
    known = {each.version for each in versions}
    for version in active.keys() - known:
        origin = "the manifest; kept when another is activated"
        table.add_row("*", version[:SHOWN], "", origin, "", "", "", style="green")
    lines: list[RenderableType] = [table]
    if len(active) > 1:
        machines = (f"{version[:SHOWN]} on {', '.join(nodes)}" for version, nodes in active.items())
        lines.append(Text(f"several are active, a run did not end: {'; '.join(machines)}", "yellow"))
    return Group(*lines)


def document(application: str, environment: str, service: str, versions: Sequence[Version], active: Active) -> object:
    """For `code list --format json`."""
    known = [{**msgspec.to_builtins(each), "active": each.version in active} for each in versions]
    about = {"version": 1, "application": application, "environment": environment, "service": service}
    return {**about, "active": {version: list(nodes) for version, nodes in active.items()}, "versions": known}
