"""How machines differ from what they were told to be and confirmed. Pure: from what was seen to data."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import unified_diff

from conpaas_iac.backend.record import Confirmed, Record
from conpaas_iac.catalog import Catalog, Descriptor
from conpaas_iac.clouds.base import Seen
from conpaas_iac.core import placeholders
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.ordering import count
from conpaas_iac.core.render import File, Tree
from conpaas_iac.drift.driftfound import Found, FoundCertificate, FoundFile, FoundPackage, FoundUnit
from conpaas_iac.drift.driftreport import Drift
from conpaas_iac.network import renewal, vpn
from conpaas_iac.plans.plan import Danger


@dataclass(frozen=True)
class Around:
    """What the others are, for how dangerous mending one is."""

    record: Record
    types: Catalog
    services: Mapping[str, str]  # node -> service, of machines that run
    restarting: Collection[str] = ()  # clouds that restart a machine for another size

    def alone(self, machine: Machine, groups: Collection[str]) -> bool:
        """Whether one of the groups has no other machine that runs."""
        others = {node for node, service in self.services.items() if service == machine.service} - {machine.node}
        theirs = {group for node in others if (known := self.record.nodes.get(node)) for group in known.groups}
        return bool(set(groups) - theirs)

    def restart(self, machine: Machine) -> Danger:
        """Of a restart of all that a machine does."""
        known = self.record.nodes.get(machine.node)
        return "downtime" if known and self.alone(machine, known.groups) else "restart"

    def last_copy(self, machine: Machine) -> bool:
        """Whether nobody else holds the data that it holds."""
        known = self.record.nodes.get(machine.node)
        groups = self.descriptor(machine).groups
        keeping = [group for group in (known.groups if known else ()) if group in groups and groups[group].keeps_data]
        return bool(keeping) and self.alone(machine, keeping)

    def descriptor(self, machine: Machine) -> Descriptor:
        """Of its type."""
        return self.types[machine.type].descriptor


def of_machine(machine: Machine, seen: Seen | None, around: Around) -> tuple[Drift, ...]:
    """What the cloud alone knows."""
    if seen is None:
        danger: Danger = "data loss" if around.last_copy(machine) else "safe"
        return (Drift(machine.node, machine.service, "machine", "machine", "gone", danger, "anew"),)
    if not seen.running:
        if machine.node in around.record.resting:
            return ()
        return (Drift(machine.node, machine.service, "machine", "machine", "stopped", "safe", "start"),)
    wanted, now = (machine.cpu, machine.memory), (seen.cpu, seen.memory)
    if all(had is None or had == want for had, want in zip(now, wanted, strict=True)):
        return ()
    text = f"has {_size(*now)} instead of {_size(*wanted)}"
    risk = around.restart(machine) if machine.cloud in around.restarting else "safe"
    return (Drift(machine.node, machine.service, "machine", "size", text, risk, "resize", size=now),)


def _size(cpu: int | None, memory: int | None) -> str:
    cores = "as many cpu as its host" if cpu == 0 else f"{cpu} cpu"
    return f"{cores}, " + ("all memory of its host" if memory == 0 else f"{memory} MiB")


def within(
    machine: Machine, known: Confirmed, tree: Tree, found: Found, macs: Mapping[str, str], around: Around, now: datetime
) -> tuple[Drift, ...]:
    """What the machine itself says; `macs` is path -> the HMAC that its file should have."""
    wanted = {file.path: file for file in tree.files}
    blank = Drift(machine.node, machine.service, "file", "", "", "safe", "visit")
    drifts = [
        _of_file(blank, wanted.get(each.path) or _private(each.path), each, texts, machine, known, around)
        for each in found.files
        if (texts := list(_file(wanted.get(each.path) or _private(each.path), each, macs.get(each.path, ""))))
    ]
    drifts += [replace(blank, what=path, text="is for what this machine does not run") for path in found.unwanted]
    for unit, texts in _units(tree, found.units):
        drifts.append(replace(blank, kind="unit", what=unit, text=", ".join(texts)))
    if tree.code and found.code != tree.code.version:
        text = f"{found.code[:12] or 'none'} answers instead of {tree.code.version[:12]}"
        effect = f"reload {tree.code.unit}" if tree.code.unit else ""
        drifts.append(replace(blank, kind="code", what="code", text=text, effect=effect))
    if texts := list(_certificate(known, found.certificate, now)):
        said = replace(blank, kind="certificate", what="certificate", text=", ".join(texts))
        drifts = [*(each for each in drifts if each.what != vpn.CERTIFICATE)]
        drifts.append(replace(said, mend="sign", effect="reload nebula"))
    package = replace(blank, kind="package", danger=_anew(machine, around), mend="replace")
    drifts += [
        replace(package, what=each.name, text=_version(each)) for each in found.packages or () if each.before
    ]
    return tuple(drifts)


def _of_file(
    blank: Drift,
    file: File,
    found: FoundFile,
    texts: list[str],
    machine: Machine,
    known: Confirmed,
    around: Around,
) -> Drift:
    groups = next((each.groups for each in around.descriptor(machine).files if each.path == file.path), ())
    alone = around.alone(machine, groups or known.groups)
    danger: Danger = ("downtime" if alone else "restart") if file.on_change == "restart" else "safe"
    return replace(
        blank,
        what=file.path,
        text=", ".join(texts),
        danger=danger,
        effect=f"{file.on_change} {file.unit}" if file.unit and file.on_change != "nothing" else "",
        mend="sign" if file.path in (vpn.KEY, vpn.CERTIFICATE) else "visit",
        diff=_diff(file, found),
        confirmed=file.content if _is_plain(file) else "",
        now=found.text if _is_plain(file) else None,
    )


def _anew(machine: Machine, around: Around) -> Danger:
    """How dangerous another machine in its place is."""
    known = around.record.nodes.get(machine.node)
    if around.last_copy(machine):
        return "data loss"
    return "downtime" if around.alone(machine, known.groups if known else ()) else "restart"


def notes(machine: Machine, found: Found) -> tuple[str, ...]:
    """What is no drift, and worth a word."""
    if found.packages is None:
        return (f"{machine.node}: which packages it began with was not noted; its next visit notes those of then",)
    if added := [each.name for each in found.packages if not each.before]:
        return (f"{machine.node}: {count(len(added), 'package')} besides those it began with: {', '.join(added)}",)
    return ()


def _private(path: str) -> File:
    """What the machine made, or was signed for it alone: only that it is there, and whose, can be compared."""
    return File(path, "", "0600", "root", "root", "nebula", "reload")


def _is_plain(file: File) -> bool:
    """Whether its text may be said: it was made to hold no secret."""
    return not placeholders.keys(file.content) and file.path not in (vpn.KEY, vpn.CERTIFICATE)


def asked_files(tree: Tree, texts: bool) -> Iterator[tuple[File, bool]]:
    """Files to look at, and whether their texts are wanted where they differ."""
    for file in tree.files:
        yield file, texts and _is_plain(file)
    if tree.member:
        yield _private(vpn.KEY), False
        yield _private(vpn.CERTIFICATE), False


def _file(wanted: File, found: FoundFile, mac: str) -> Iterator[str]:
    if found.kind == "none":
        yield "missing"
        return
    if found.kind != "file":
        yield "a link now" if found.kind == "link" else "no file any more"
        return
    if mac and found.mac != mac:
        yield "edited by hand"
    if found.mode.zfill(4) != wanted.mode.zfill(4):
        yield f"mode {found.mode} instead of {wanted.mode}"
    if (found.owner, found.group) != (wanted.owner, wanted.group):
        yield f"owner {found.owner}:{found.group} instead of {wanted.owner}:{wanted.group}"


def _diff(wanted: File, found: FoundFile) -> str:
    if found.text is None or not _is_plain(wanted):
        return ""
    before, after = wanted.content.splitlines(), found.text.splitlines()
    lines = unified_diff(before, after, f"{wanted.path} (confirmed)", f"{wanted.path} (now)", lineterm="", n=2)
    return "\n".join(lines)


def _units(tree: Tree, found: Mapping[str, FoundUnit]) -> Iterator[tuple[str, list[str]]]:
    """As `settle` looks at them: only what that would change is drift."""
    for unit in tree.units:
        there = found.get(unit)
        if there is None or there.load == "not-found":
            yield unit, ["not there"]
            continue
        texts = [] if there.active in ("active", "reloading") else [there.active]
        if there.load == "masked":
            texts.append("masked")
        elif there.file == "disabled":
            texts.append("does not start with the machine (disabled)")
        if texts:
            yield unit, texts
    for unit in tree.idle_units:
        there = found.get(unit)
        if there and there.load != "not-found" and there.active not in ("inactive", "failed"):
            yield unit, ["runs, although this machine is not to run it"]
        elif there and there.file == "enabled":
            yield unit, ["starts with the machine, although it is not to run"]


def _certificate(known: Confirmed, found: FoundCertificate | None, now: datetime) -> Iterator[str]:
    """The worst first."""
    if not known.member or not known.certificate:
        return
    if found is None:
        yield "cannot be read"
        return
    if found.issuer not in known.member.trusts:
        yield "of another authority"
    if found.fingerprint != known.certificate.fingerprint:
        yield "not the one that was signed for it"
    days = renewal.days_left(found.ends, now)
    if days < renewal.SOON:
        yield "expired" if days < 0 else f"ends in {count(days, 'day')}"


def _version(package: FoundPackage) -> str:
    return f"{package.now or 'removed'} instead of {package.before}"
