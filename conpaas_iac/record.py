"""The record beside the checkpoint: which machine confirmed which configuration, and the files it was given.

It makes plans offline and `up` touch only what changed. A machine with another instance id has confirmed nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from conpaas_iac.errors import UserError
from conpaas_iac.render import Tree
from conpaas_iac.store import Store

VERSION = 1


class Confirmed(msgspec.Struct, frozen=True):
    """What a machine last proved to work with."""

    id: str
    digest: str
    files: dict[str, str]  # path -> digest of its content
    groups: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    code: str = ""


class _Document(msgspec.Struct):
    version: int
    nodes: dict[str, Confirmed] = {}
    contents: dict[str, str] = {}
    held: list[str] = []
    resting: list[str] = []


@dataclass(frozen=True)
class Record:
    """Per node what it confirmed; contents by digest, each once.

    `held` are services that `conpaas stop` keeps down until `start`; `resting` are machines stopped on purpose.
    """

    nodes: Mapping[str, Confirmed] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    resting: frozenset[str] = frozenset()

    def confirms(self, node: str, instance_id: str, digest: str) -> bool:
        """Whether this very machine runs this very configuration."""
        there = self.nodes.get(node)
        return there is not None and (there.id, there.digest) == (instance_id, digest)

    def files(self, node: str) -> dict[str, str]:
        """path -> content of what the node was given last; empty when nothing is known."""
        there = self.nodes.get(node)
        return {path: self.contents.get(digest, "") for path, digest in there.files.items()} if there else {}

    def confirmed(self, trees: Iterable[tuple[str, Tree]]) -> "Record":
        """With these machines (instance id, tree) confirmed."""
        nodes, contents = dict(self.nodes), dict(self.contents)
        for instance_id, tree in trees:
            digests = {file.path: file.digest for file in tree.files}
            contents |= {file.digest: file.content for file in tree.files}
            code = tree.code.version if tree.code else ""
            nodes[tree.node] = Confirmed(instance_id, tree.digest, digests, tree.groups, tree.units, code)
        return replace(self, nodes=nodes, contents=contents).only(nodes)

    def only(self, names: Iterable[str]) -> "Record":
        """Without the other machines, and without contents nobody has."""
        kept = set(names)
        nodes = {name: node for name, node in self.nodes.items() if name in kept}
        used = {digest for node in nodes.values() for digest in node.files.values()}
        contents = {digest: text for digest, text in self.contents.items() if digest in used}
        return Record(nodes, contents, self.held, self.resting & kept)


def read(store: Store, stack: str) -> Record:
    """The record of a stack; empty when there is none."""
    content = store.read(f"{stack}/record.json")
    if content is None:
        return Record()
    try:
        document = msgspec.json.decode(content, type=_Document)
    except msgspec.DecodeError as error:
        raise UserError(f"the record of {stack} cannot be read: {error}") from error
    if document.version != VERSION:
        raise UserError(f"the record of {stack} is of version {document.version}, this conpaas knows {VERSION}")
    return Record(document.nodes, document.contents, frozenset(document.held), frozenset(document.resting))


def write(store: Store, stack: str, record: Record) -> None:
    """Replace the record."""
    document = _Document(
        VERSION,
        dict(sorted(record.nodes.items())),
        dict(sorted(record.contents.items())),
        sorted(record.held),
        sorted(record.resting),
    )
    store.write(f"{stack}/record.json", msgspec.json.encode(document))
