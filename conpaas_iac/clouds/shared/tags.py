"""Tags of machines and of what belongs to them: whose they are, and what they are there for. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from conpaas_iac.core.declaration import Declaration, Machine

OWNER = "conpaas:owner"  # UUID of the stack that made a thing; nothing without it is ever touched
APPLICATION = "conpaas:application"
SERVICE = "conpaas:service"
NODE = "conpaas:node"
INCARNATION = "conpaas:incarnation"
BACKEND = "conpaas:backend"  # where the state of its application is
LONGEST = 255  # characters of a value, in every cloud


def of_place(declaration: Declaration, owner: Any, origin: str) -> dict[str, Any]:
    """Of a network, a key pair: what several machines share. `owner` may be an output."""
    return {OWNER: owner, APPLICATION: declaration.application, BACKEND: origin[-LONGEST:]}


def of_machine(declaration: Declaration, machine: Machine, owner: Any, origin: str) -> dict[str, Any]:
    """Of a machine, its volumes, its address."""
    own = {SERVICE: machine.service, NODE: machine.node, INCARNATION: str(machine.incarnation)}
    return {**of_place(declaration, owner, origin), **own}


@dataclass(frozen=True)
class Tags:
    """What the tags of a machine say."""

    owner: str
    application: str
    node: str
    incarnation: int
    origin: str


def read(tags: Mapping[str, str]) -> Tags:
    """Tags of a machine that has an owner; the rest of them may be missing."""
    incarnation = tags.get(INCARNATION, "")
    return Tags(
        tags[OWNER],
        tags.get(APPLICATION, ""),
        tags.get(NODE, ""),
        int(incarnation) if incarnation.isdigit() else 0,
        tags.get(BACKEND, ""),
    )
