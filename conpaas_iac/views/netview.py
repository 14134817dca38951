"""How an application's network looks on a terminal: one line a machine, one column a machine."""

from statistics import median

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from conpaas_iac.network import renewal
from conpaas_iac.network.netreport import NetMachine, NetPair, NetReport

NAMED = 2  # ways that a cause breaks; more are counted
NARROW = 7  # machines from which on the columns need the place of the addresses, which `status` shows, too
WIDEST = 24  # machines; more are no table that anybody reads


def net_view(report: NetReport) -> RenderableType:
    """Rows are where a packet leaves, columns where it arrives; then each cause once."""
    numbers = {text: number for number, text in enumerate(report.causes, 1)}
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column("#", justify="right", style="dim")
    table.add_column("machine", no_wrap=True)
    has_addresses = not NARROW <= len(report.machines) <= WIDEST
    if has_addresses:
        table.add_column("address", no_wrap=True)
    for name in ("mtu", "days"):
        table.add_column(name, justify="right")
    is_small = len(report.machines) <= WIDEST
    heads = [str(number) for number in range(1, len(report.machines) + 1)] if is_small else ["median", "slowest", "✗"]
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for number, machine in enumerate(report.machines, 1):
        found = {pair.target: pair for pair in report.pairs if pair.source == machine.name}
        cells = [_cell(machine, other, found, numbers) for other in report.machines] if is_small else _brief(found)
        who = Text(machine.name, "red" if machine.cause else "")
        place = [machine.address] if has_addresses else []
        table.add_row(str(number), who, *place, str(machine.mtu or "?"), _days(machine), *cells)
    title = Text(f"{report.application} ({report.environment}): {report.summary}", "bold")
    lines: list[RenderableType] = [title, table, *_legend(report)]
    lines += [Text(f"✗{numbers[text]} {text}{_whom(pairs)}", "red") for text, pairs in report.causes.items()]
    lines += [Text(f"  note: {note}", "cyan") for note in report.notes]
    return Group(*lines)


def _cell(machine: NetMachine, other: NetMachine, found: dict[str, NetPair], numbers: dict[str, int]) -> Text:
    pair = found.get(other.name)
    if pair is None:
        return Text("·" if machine is other else "-", "dim")
    if pair.cause:
        return Text(f"✗{numbers[pair.cause.text]}", "red")
    return Text(_ms(pair), "yellow" if pair.path == "relayed" else "green")


def _ms(pair: NetPair) -> str:
    if pair.ms is None:
        return "-"
    return f"{pair.ms:.{1 if pair.ms < 100 else 0}f}" + ("r" if pair.path == "relayed" else "")


def _brief(found: dict[str, NetPair]) -> list[Text]:
    """Of many machines."""
    well = [pair for pair in found.values() if pair.ms is not None]
    broken = sum(pair.cause is not None for pair in found.values())
    worst = max(well, key=lambda pair: pair.ms or 0, default=None)
    middle = f"{median(pair.ms or 0 for pair in well):.1f}" if well else "-"
    slowest = f"{_ms(worst)} {worst.target}" if worst else "-"
    return [Text(middle), Text(slowest), Text(str(broken or "·"), "red" if broken else "dim")]


def _days(machine: NetMachine) -> Text:
    days = machine.certificate_days
    if days is None:
        return Text("?", "dim")
    return Text(str(days), "red" if days < 0 else "yellow" if days < renewal.SOON else "")


def _legend(report: NetReport) -> list[Text]:
    if not report.pairs:
        return []
    relayed = "; r: relayed by another machine" if any(pair.path == "relayed" for pair in report.pairs) else ""
    return [Text(f"ms over the VPN, from line to column{relayed}; days: of its certificate", "dim")]


def _whom(pairs: tuple[NetPair, ...]) -> str:
    """Which ways it breaks, where they are few."""
    if len(pairs) > NAMED:
        return f"  ({len(pairs)} ways)"
    names = ", ".join(f"{pair.source} → {pair.target}" for pair in pairs)
    return f"  ({names})" if names else ""
