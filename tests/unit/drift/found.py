"""What machines say that are just as they were told to be; tests change one thing of it."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from conpaas_iac.backend.record import Certificate, Record
from conpaas_iac.clouds.base import Seen
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.render import Member, Tree
from conpaas_iac.core.topology import Topology
from conpaas_iac.drift import drift
from conpaas_iac.drift.drift import Around
from conpaas_iac.drift.driftfound import Found, FoundCertificate, FoundFile, FoundUnit
from conpaas_iac.drift.driftreport import Drift
from tests.builders import TYPES, applied, trees

NOW = datetime(2026, 5, 1, tzinfo=UTC)
CERTIFICATE = Certificate("its own", NOW - timedelta(days=1), NOW + timedelta(days=364))


def member(node: str) -> Member:
    return Member(node, "10.42.16.1/16", (), "ours", ("ours",), 1)


def confirmed(layout: Topology) -> Record:
    """Every machine has confirmed its tree, and has a certificate."""
    given = [(f"id-{name}", replace(tree, member=member(name))) for name, tree in trees(layout).items()]
    return Record().confirmed(given, dict.fromkeys(trees(layout), CERTIFICATE))


def mac(text: str) -> str:
    """Stands for an HMAC."""
    return hashlib.sha256(text.encode()).hexdigest()


def macs(tree: Tree) -> dict[str, str]:
    return {file.path: mac(file.content) for file in tree.files}


def perfect(tree: Tree) -> Found:
    """No drift."""
    files = [
        FoundFile(file.path, "file", file.mode, file.owner, file.group, macs(tree).get(file.path, ""))
        for file, _ in drift.asked_files(tree, True)
    ]
    units = {unit: FoundUnit("loaded", "active", "enabled") for unit in tree.units}
    units |= {unit: FoundUnit("loaded", "inactive", "disabled") for unit in tree.idle_units}
    signed = FoundCertificate(CERTIFICATE.fingerprint, "ours", CERTIFICATE.ends)
    return Found(tuple(files), (), units, (), signed, tree.code.version if tree.code else "")


def changed(found: Found, case: Mapping[str, Any]) -> Found:
    """With what a case says is other: files and units by name, the rest whole."""
    values = msgspec.to_builtins(found)
    for file in values["files"]:
        file |= case.get("files", {}).get(file["path"], {})
    for unit, other in case.get("units", {}).items():
        values["units"][unit] = values["units"].get(unit, {"load": "loaded", "active": "active", "file": ""}) | other
    values |= {name: case[name] for name in ("packages", "certificate", "code", "unwanted") if name in case}
    return msgspec.convert(values, Found)


def around(layout: Topology, there: Record, *missing: str) -> Around:
    running = {node.name: node.service for node in layout.nodes if node.name not in missing}
    return Around(there, TYPES, running)


def machine(layout: Topology, node: str) -> Machine:
    return next(each for each in applied(layout) if each.node == node)


def seen(node: str, **fields: Any) -> Seen:
    known = {"id": f"id-{node}", "name": f"shop--{node}", "running": True, "incarnation": 1, "ip": "10.60.0.9"}
    return Seen(node, **{**known, "cpu": 1, "memory": 1024, **fields})


def compared(layout: Topology, node: str, found: Found, there: Record | None = None) -> tuple[Drift, ...]:
    """Within a machine."""
    there = there or confirmed(layout)
    tree = there.tree(node)
    assert tree
    known, others = there.nodes[node], around(layout, there)
    return drift.within(machine(layout, node), known, tree, found, macs(tree), others, NOW)
