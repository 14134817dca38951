"""A visit to one machine, and what is shipped there as a file that the ship plugin takes, with secrets."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from conpaas_iac.core import placeholders, quoting
from conpaas_iac.core.render import Tree
from conpaas_iac.network import vpn
from conpaas_iac.network.certificates import Authority
from conpaas_iac.network.renewal import Policy


@dataclass(frozen=True)
class Visit:
    """One machine that Ansible goes to."""

    node: str
    ip: str  # on the provider's network
    type: str
    groups: tuple[str, ...]
    tree: Tree
    baked: bool  # its image already holds what tasks/install.yml puts there
    address: str = ""  # its fixed one
    authority: Authority | None = None  # who signs the certificate that it is to get; None: it keeps the one it has
    moves: bool = False  # to another address
    startup_script: str = ""  # a file on this side, run once on a new machine
    archive: str = ""  # the code's archive on this side
    brings_traffic: bool = True  # settles after the machines that do not, once they have proved that they work
    options: Mapping[str, object] | None = None
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)  # version, as "db@3" -> value
    founds: bool = False  # it begins the service's data, which nobody ever saw
    seed: str = ""  # what the empty data begins with, a file on this side
    drains: bool = False  # leaves service before the change
    joins: bool = True  # enters service after it
    host_key: str = ""  # that it has made itself and is to use from now on
    code_check: str = ""  # proves a version before it is current
    clients: tuple[str, ...] = ()  # service types whose volumes it mounts
    batch: int = 0  # machines of a batch are visited side by side, a batch after the one before


def tree_file(visit: Visit, private: Path) -> Path:
    """The tree as the ship plugin takes it; on a memory file system, for its owner only."""
    tree = visit.tree
    code = {**asdict(tree.code), "archive": visit.archive} if tree.code else None
    document = {
        "node": tree.node,
        "digest": tree.digest,
        "files": [{**asdict(file), "content": revealed(file.content, visit)} for file in tree.files],
        "absent": list(tree.absent),
        "units": list(tree.units),
        "idle_units": list(tree.idle_units),
        "code": code,
        "kept": [vpn.CERTIFICATE] if tree.member else [],
        "enrol": _enrolment(visit) if visit.authority else None,
    }
    path = private / f"{visit.node}.json"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(document, file)
    return path


def revealed(content: str, visit: Visit) -> str:
    """With the values that the visit carries."""
    return placeholders.revealed(content, visit.secrets, quoting.FILTERS)


def _enrolment(visit: Visit) -> dict[str, Any]:
    """What the ship plugin needs to sign the machine's certificate; it stays on this side."""
    assert visit.authority and visit.tree.member
    member = visit.tree.member
    return {
        "path": vpn.CERTIFICATE,
        "key": vpn.KEY,
        "unit": "nebula",
        "on_change": "restart" if visit.moves else "reload",
        "authority": asdict(visit.authority),
        "subject": {"name": member.name, "address": member.address, "groups": list(member.groups)},
        "seconds": Policy().certificate.total_seconds(),
    }
