"""What a machine is shipped, as a file that the ship plugin takes: its tree, with secrets, and who signs for it."""

import json
import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conpaas_iac.core import placeholders, quoting
from conpaas_iac.network import vpn
from conpaas_iac.network.renewal import Policy

if TYPE_CHECKING:
    from conpaas_iac.machines.configure import Visit


def tree_file(visit: "Visit", private: Path) -> Path:
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


def revealed(content: str, visit: "Visit") -> str:
    """With the values that the visit carries."""
    return placeholders.revealed(content, visit.secrets, quoting.FILTERS)


def _enrolment(visit: "Visit") -> dict[str, Any]:
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
