"""What `conpaas scale` was asked for, as edits of the manifest's text. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence

from conpaas_iac.catalog import Catalog
from conpaas_iac.errors import UserError
from conpaas_iac.manifest import edit
from conpaas_iac.manifest.model import Manifest, Service
from conpaas_iac.manifest.names import suggestion

CHANGE = re.compile(r"(?P<group>[A-Za-z_]+)=(?P<sign>[+-]?)(?P<number>\d+)")
Change = tuple[str, str]  # service, GROUP=N


def wanted(words: Iterable[str]) -> list[Change]:
    """Changes of a command line: SERVICE GROUP=N GROUP=N SERVICE GROUP=N …"""
    found, service, idle = [], "", ""
    for word in words:
        if "=" in word:
            if not service:
                raise UserError(f"{word!r} of which service?", f"SERVICE {word}")
            found.append((service, word))
            idle = ""
        elif idle:
            break
        else:
            service = idle = word
    if idle:
        raise UserError(f"{idle!r}: how many machines of which group?", f"{idle} GROUP=N: {idle} backend=4")
    return found


def edited(
    text: str,
    manifest: Manifest,
    changes: Iterable[Change],
    remove: Iterable[str],
    types: Catalog,
    base: str | None = None,
) -> str:
    """The manifest's text with new numbers, and without the machines to be removed; raises UserError.

    With a `base` it is the text of its overlay.
    """
    services = {service.name: service for service in manifest.services}
    changes, remove = tuple(changes), tuple(remove)
    if not changes and not remove:
        raise UserError("nothing to scale", "conpaas scale MANIFEST SERVICE GROUP=N, or --remove NODE")
    for name, change in changes:
        if name not in services:
            raise UserError(f"no service {name!r}", suggestion(name, services, "services"))
        group, number = _number(change, services[name])
        text = edit.set_count(text, name, group, number, types, base)
    owners = {node: _owner(node, services.values()) for node in remove}
    for node, service in owners.items():
        text = edit.leave_out(text, service.name, node, types, base)
    counted = {name for name, _ in changes}
    for service in {owner.name: owner for owner in owners.values()}.values():
        if service.name not in counted:
            for group, number in _fewer(service, [node for node, owner in owners.items() if owner is service]):
                text = edit.set_count(text, service.name, group, number, types, base)
    return text


def _number(change: str, service: Service) -> tuple[str, int]:
    match = CHANGE.fullmatch(change)
    if not match:
        raise UserError(f"{change!r} is no change of a number", "GROUP=N, GROUP=+N or GROUP=-N: backend=4, backend=+1")
    group, number, counts = match["group"], int(match["number"]), service.counts
    if group not in counts:
        raise UserError(f"service {service.name!r} has no group {group!r}", suggestion(group, counts, "groups"))
    signs = {"": number, "+": counts[group] + number, "-": counts[group] - number}
    if signs[match["sign"]] < 0:
        raise UserError(f"{service.name} has only {counts[group]} {group}", "")
    return group, signs[match["sign"]]


def _owner(node: str, services: Iterable[Service]) -> Service:
    for service in services:
        if re.fullmatch(rf"{re.escape(service.name)}-([a-z_]+-)?[1-9]\d*", node):
            return service
    raise UserError(f"no machine {node!r}", "machines are named SERVICE-NUMBER, as `conpaas status` shows them")


def _fewer(service: Service, going: Sequence[str]) -> Iterator[tuple[str, int]]:
    """The groups that shrink with these machines: a spread service's own, a packed one's largest."""
    if service.placement == "spread":
        for group, count in service.counts.items():
            if fewer := sum(f"-{group}-" in node for node in going):
                yield group, count - fewer
        return
    top = max(service.counts.values()) - len(going)
    if top < 1:
        raise UserError(f"{service.name} has no machine left then", f"stop it instead: conpaas stop …/{service.name}")
    for group, count in service.counts.items():
        if count > top:
            yield group, top


def summary(before: Manifest, after: Manifest) -> str:
    """What was scaled, in one line: "front backend 2 -> 4, db mysql 3 -> 5"; empty where nothing was."""
    former = {service.name: service for service in before.services}
    said = []
    for service in after.services:
        old = former[service.name]
        counts = [(group, old.counts[group], count) for group, count in service.counts.items()]
        parts = [f"{group} {before} -> {count}" for group, before, count in counts if count != before]
        if gone := service.without - old.without:
            parts.append(f"without {' '.join(sorted(gone))}")
        if parts:
            said.append(" ".join([service.name, *parts]))
    return ", ".join(said)
