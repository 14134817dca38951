"""The record beside the checkpoint: which machine confirmed which configuration, and the files it was given.

It makes plans offline and `up` touch only what changed. A machine with another instance id has confirmed nothing.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec

from conpaas_iac.backend.homes import Home
from conpaas_iac.backend.store import Store
from conpaas_iac.core import placeholders
from conpaas_iac.core.places import Place, Places
from conpaas_iac.core.render import Member, Tree
from conpaas_iac.errors import StateError
from conpaas_iac.plans.inputs import renamed

VERSION = 1
NAME = "record.json"  # below the stack's name


class Certificate(msgspec.Struct, frozen=True):
    """What is remembered of a certificate of the application's network."""

    fingerprint: str
    begins: datetime
    ends: datetime


def certificate(values: object) -> Certificate:
    """From what the ship plugin or the stack's outputs say; raises msgspec.ValidationError."""
    return msgspec.convert(values, Certificate)


class Join(msgspec.Struct, frozen=True):
    """An operator's machine that was let in for a while."""

    name: str
    address: str
    reach: tuple[str, ...]  # services
    by: str  # user@host
    certificates: tuple[Certificate, ...]  # the newest last; former ones count until they end

    @property
    def ends(self) -> datetime:
        """When the last of its certificates does."""
        return max(each.ends for each in self.certificates)

    def after(self, former: Iterable[Certificate]) -> "Join":
        """The same, with certificates that it had before."""
        return msgspec.structs.replace(self, certificates=(*former, *self.certificates))


class Origin(msgspec.Struct, frozen=True):
    """The manifest that was last made so."""

    path: str  # absolute, on the computer that did it
    text: str  # without secrets


class HostKey(msgspec.Struct, frozen=True):
    """The SSH host key that a machine has made itself."""

    id: str  # of the machine
    public: str


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
    shape: str = ""  # digest of its tree without contents and names


@dataclass(frozen=True)
class Record:
    """Per node what it confirmed; contents and shapes of trees by digest, each once.

    `held` are services that `conpaas stop` keeps down until `start`; `resting` are machines stopped on purpose.
    """

    nodes: Mapping[str, Confirmed] = field(default_factory=dict)
    contents: Mapping[str, str] = field(default_factory=dict)
    held: frozenset[str] = frozenset()
    resting: frozenset[str] = frozenset()
    blocked: tuple[Certificate, ...] = ()  # of machines that are gone; nobody talks to them any more
    lighthouses: tuple[str, ...] = ()  # machines that the others ask where machines are
    joins: tuple[Join, ...] = ()
    shapes: Mapping[str, Tree] = field(default_factory=dict)
    secrets: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # name -> versions that are accepted
    secret_names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # service -> its type's name -> name
    visiting: frozenset[str] = frozenset()  # machines whose last visit was not seen to end well
    founded: frozenset[str] = frozenset()  # services whose data was seen to be there
    origin: Origin | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)  # of the last `up` that ended well (inputs.table)
    making: frozenset[str] = frozenset()  # machines that a run began to make, and did not see made
    given_up: frozenset[str] = frozenset()  # services whose data may be lost, until the run that was told so has ended
    places: Places = field(default_factory=dict)  # that its machines are at, or that a run began to use
    host_keys: Mapping[str, HostKey] = field(default_factory=dict)  # of machines that booted with another one
    home: Home | None = None
    version: int = VERSION

    def confirms(self, node: str, instance_id: str, digest: str) -> bool:
        """Whether this very machine runs this very configuration."""
        there = self.nodes.get(node)
        known = there is not None and (there.id, there.digest) == (instance_id, digest)
        return known and node not in self.visiting

    def files(self, node: str) -> dict[str, str]:
        """path -> content of what the node was given last; empty when nothing is known."""
        there = self.nodes.get(node)
        return {path: self.contents.get(digest, "") for path, digest in there.files.items()} if there else {}

    def tree(self, node: str) -> Tree | None:
        """The whole tree that a node confirmed; None where not all of it is known any more."""
        there = self.nodes.get(node)
        shape = self.shapes.get(there.shape) if there else None
        if there is None or shape is None:
            return None
        contents = self.files(node)
        files = tuple(replace(file, content=contents.get(file.path, "")) for file in shape.files)
        found = replace(shape, node=node, files=files, member=there.member)
        return found if found.digest == there.digest else None

    def confirmed(
        self, trees: Iterable[tuple[str, Tree]], certificates: Mapping[str, Certificate] | None = None
    ) -> "Record":
        """With these machines (instance id, tree) confirmed; `certificates` are those they got on this visit."""
        trees = tuple(trees)
        nodes, contents, shapes = dict(self.nodes), dict(self.contents), dict(self.shapes)
        for instance_id, tree in trees:
            before = nodes.get(tree.node)
            kept = before.certificate if before and before.id == instance_id else None
            signed = (certificates or {}).get(tree.node, kept)
            digests = {file.path: file.digest for file in tree.files}
            contents |= {file.digest: file.content for file in tree.files}
            code = tree.code.version if tree.code else ""
            shape, name = _shape(tree)
            shapes[name] = shape
            facts = (tree.groups, tree.units, code, tree.member, signed, name)
            nodes[tree.node] = Confirmed(instance_id, tree.digest, digests, *facts)
        visiting = self.visiting - {tree.node for _, tree in trees}
        return replace(self, nodes=nodes, contents=contents, shapes=shapes, visiting=visiting).only(nodes)

    def misled(self, secrets: Collection[str]) -> frozenset[str]:
        """Machines that were told versions of secrets which count, and are not among these any more."""
        lost = set(placeholders.all_keys(self.secrets)) - set(secrets)
        stale = {digest for digest, text in self.contents.items() if lost & placeholders.keys(text)} if lost else set()
        return frozenset(name for name, node in self.nodes.items() if stale.intersection(node.files.values()))

    def without_doubts(self, nodes: Iterable[str]) -> "Record":
        """With machines that were not visited after all."""
        return replace(self, visiting=self.visiting - set(nodes))

    def renamed(self, nodes: Mapping[str, str], services: Mapping[str, str]) -> "Record":
        """With machines and services under new names; both are former name -> name."""

        def machines(names: Iterable[str]) -> Iterator[str]:
            return (nodes.get(name, name) for name in names)

        def those(names: Iterable[str]) -> frozenset[str]:
            return frozenset(services.get(name, name) for name in names)

        return replace(
            self,
            nodes=dict(zip(machines(self.nodes), self.nodes.values(), strict=True)),
            host_keys=dict(zip(machines(self.host_keys), self.host_keys.values(), strict=True)),
            resting=frozenset(machines(self.resting)),
            lighthouses=tuple(machines(self.lighthouses)),
            visiting=frozenset(machines(self.visiting)),
            making=frozenset(machines(self.making)),
            founded=those(self.founded),
            given_up=those(self.given_up),
            inputs=renamed(self.inputs, services) if services else self.inputs,
        )

    def only(self, names: Iterable[str]) -> "Record":
        """Without the other machines, and without contents nobody has."""
        kept = set(names)
        nodes = {name: node for name, node in self.nodes.items() if name in kept}
        used = {digest for node in nodes.values() for digest in node.files.values()}
        contents = {digest: text for digest, text in self.contents.items() if digest in used}
        alive = {node.shape for node in nodes.values()}
        shapes = {digest: shape for digest, shape in self.shapes.items() if digest in alive}
        resting, visiting = self.resting & kept, self.visiting & kept
        return replace(self, nodes=nodes, contents=contents, shapes=shapes, resting=resting, visiting=visiting)


def _shape(tree: Tree) -> tuple[Tree, str]:
    """What machines of the same groups have in common, and its digest."""
    files = tuple(replace(file, content="") for file in tree.files)
    shape = replace(tree, node="", files=files, member=None)
    return shape, hashlib.sha256(msgspec.json.encode(shape)).hexdigest()


def read(store: Store, stack: str) -> Record:
    """The record of a stack; empty when there is none."""
    content = store.read(f"{stack}/{NAME}")
    return Record() if content is None else decode(content, stack)


def places(store: Store, stack: str) -> dict[str, Place]:
    """The places of the record alone; none in one that an older conpaas wrote."""
    content = store.read(f"{stack}/{NAME}")
    try:
        return msgspec.json.decode(content, type=_Placed).places if content else {}
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError("record", stack, str(error)) from error


class _Placed(msgspec.Struct):
    places: dict[str, Place] = {}


class _Marked(msgspec.Struct):
    """What is the same in every version."""

    version: int


def decode(content: bytes, stack: str) -> Record:
    """Raises StateError for what is no record, and for one of another version: that is never guessed at."""
    try:
        version = msgspec.json.decode(content, type=_Marked).version
        if version == VERSION:
            return msgspec.json.decode(content, type=Record)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise StateError("record", stack, str(error)) from error
    raise StateError("record", stack, f"it is of version {version}, this conpaas knows {VERSION}")


def write(store: Store, stack: str, record: Record) -> None:
    """Replace the record."""
    store.write(f"{stack}/{NAME}", msgspec.json.encode(record, order="deterministic"), keeps=True)
