"""The record beside the checkpoint: which machine confirmed which configuration, and the files it was given.

It makes plans offline and `up` touch only what changed. A machine with another instance id has confirmed nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from conpaas_iac.errors import UserError
from conpaas_iac.render import Member, Tree
from conpaas_iac.store import Store

VERSION = 1


class Certificate(msgspec.Struct, frozen=True):
    """What is remembered of a certificate of the application's network."""

    fingerprint: str
    begins: datetime
    ends: datetime


def certificate(values: object) -> Certificate:
    """From what the ship plugin or the stack's outputs say; raises msgspec.ValidationError."""
    return msgspec.convert(values, Certificate)


class Confirmed(msgspec.Struct, frozen=True):
    """What a machine last proved to work with."""

    id: str
    digest: str
    files: dict[str, str]  # path -> digest of its content
    groups: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    code: str = ""
    member: Member | None = None
    certificate: Certificate | None = None


@dataclass(frozen=True)
class Record:
    """Per node what it confirmed; contents by digest, each once.

    `held` are services that `conpaas stop` keeps down until `start`; `resting` are machines stopped on purpose.
    """

    nodes: Mapping[str, Confirmed] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    resting: frozenset[str] = frozenset()
    blocked: tuple[Certificate, ...] = ()  # of machines that are gone; nobody talks to them any more
    lighthouses: tuple[str, ...] = ()  # machines that the others ask where machines are
    version: int = VERSION

    def confirms(self, node: str, instance_id: str, digest: str) -> bool:
        """Whether this very machine runs this very configuration."""
        there = self.nodes.get(node)
        return there is not None and (there.id, there.digest) == (instance_id, digest)

    def files(self, node: str) -> dict[str, str]:
        """path -> content of what the node was given last; empty when nothing is known."""
        there = self.nodes.get(node)
        return {path: self.contents.get(digest, "") for path, digest in there.files.items()} if there else {}

    def confirmed(
        self, trees: Iterable[tuple[str, Tree]], certificates: Mapping[str, Certificate] | None = None
    ) -> "Record":
        """With these machines (instance id, tree) confirmed; `certificates` are those they got on this visit."""
        nodes, contents = dict(self.nodes), dict(self.contents)
        for instance_id, tree in trees:
            before = nodes.get(tree.node)
            kept = before.certificate if before and before.id == instance_id else None
            signed = (certificates or {}).get(tree.node, kept)
            digests = {file.path: file.digest for file in tree.files}
            contents |= {file.digest: file.content for file in tree.files}
            code = tree.code.version if tree.code else ""
            facts = (tree.groups, tree.units, code, tree.member, signed)
            nodes[tree.node] = Confirmed(instance_id, tree.digest, digests, *facts)
        return replace(self, nodes=nodes, contents=contents).only(nodes)

    def renamed(self, nodes: Mapping[str, str]) -> "Record":
        """With machines under new names; `nodes` is former name -> name."""
        known = {nodes.get(name, name): node for name, node in self.nodes.items()}
        resting = frozenset(nodes.get(name, name) for name in self.resting)
        lighthouses = tuple(nodes.get(name, name) for name in self.lighthouses)
        return replace(self, nodes=known, resting=resting, lighthouses=lighthouses)

    def only(self, names: Iterable[str]) -> "Record":
        """Without the other machines, and without contents nobody has."""
        kept = set(names)
        nodes = {name: node for name, node in self.nodes.items() if name in kept}
        used = {digest for node in nodes.values() for digest in node.files.values()}
        contents = {digest: text for digest, text in self.contents.items() if digest in used}
        return replace(self, nodes=nodes, contents=contents, resting=self.resting & kept)


def read(store: Store, stack: str) -> Record:
    """The record of a stack; empty when there is none."""
    content = store.read(f"{stack}/record.json")
    if content is None:
        return Record()
    try:
        found = msgspec.json.decode(content, type=Record)
    except msgspec.DecodeError as error:
        raise UserError(f"the record of {stack} cannot be read: {error}") from error
    if found.version != VERSION:
        raise UserError(f"the record of {stack} is of version {found.version}, this conpaas knows {VERSION}")
    return found


def write(store: Store, stack: str, record: Record) -> None:
    """Replace the record."""
    store.write(f"{stack}/record.json", msgspec.json.encode(record, order="deterministic"))
