"""Where in the backend each application is.

leases/<stack>.json              who holds it, and which head counts
applications/<stack>/<head>/     a backend of its own: the engine's .pulumi/, our conpaas/<stack>/
.pulumi/ conpaas/                applications made before there were leases; a take-over moves them
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields

from conpaas_iac.backend.lease import FIRST, decode
from conpaas_iac.backend.store import Store
from conpaas_iac.backend.stores import at, below
from conpaas_iac.backend.turn import Turn
from conpaas_iac.settings import Settings

PROJECT = "conpaas"
LEASES = "leases"
APPLICATIONS = "applications"
STACKS = f".pulumi/stacks/{PROJECT}"  # the engine's layout
DOCUMENTS = "conpaas"


def stack_name(application: str, environment: str) -> str:
    """The stack of an application; slugs hold no dot."""
    return f"{application}.{environment}"


def of_stack(name: str) -> tuple[str, str]:
    """The application and the environment of a stack."""
    application, _, environment = name.partition(".")
    return application, environment


@dataclass(frozen=True)
class Placed(Settings):
    """Settings whose backend is that of one application. Nothing but its turn may write there."""

    whole: Settings = field(default_factory=Settings)  # of all applications
    turn: Turn = field(default_factory=Turn, compare=False)

    @property
    def origin(self) -> str:
        """Machines are tagged with the backend of all applications."""
        return self.whole.origin


def placed(settings: Settings, stack: str) -> Placed:
    """The settings for one application, to look at it."""
    if isinstance(settings, Placed):
        return settings
    found = leases(settings).read(f"{stack}.json")
    return within(settings, stack, decode(found, stack).head if found else FIRST)


def within(settings: Settings, stack: str, head: str, turn: Turn | None = None) -> Placed:
    """The settings for one head of an application."""
    values = {each.name: getattr(settings, each.name) for each in fields(Settings)}
    return Placed(**{**values, "backend": url(settings, stack, head)}, whole=settings, turn=turn or Turn())


def whole(settings: Settings) -> Settings:
    """The settings for all applications."""
    return settings.whole if isinstance(settings, Placed) else settings


def url(settings: Settings, stack: str, head: str) -> str:
    """A head, as the engine takes it."""
    backend = settings.backend_url
    return below(backend, f"{APPLICATIONS}/{stack}/{head}") if head else backend


def leases(settings: Settings) -> Store:
    """The store of the leases."""
    return at(settings.backend_url, LEASES)


def shelf(settings: Placed) -> Store:
    """The application's documents beside its checkpoint."""
    return at(settings.backend_url, DOCUMENTS)


def stacks(settings: Settings) -> Mapping[str, Placed]:
    """All applications of the backend, by the names of their stacks; those that were only begun are not there."""
    store = at(settings.backend_url, "")
    former = (name.rpartition("/")[2] for name in _checkpoints(settings))
    held = (path for path in store.entries(LEASES) if not path.startswith("."))
    names = sorted({name.removesuffix(".json") for name in (*former, *held) if name.endswith(".json")})
    found = {name: placed(settings, name) for name in names}
    return {name: each for name, each in found.items() if has_checkpoint(each, name)}


def has_checkpoint(settings: Placed, stack: str) -> bool:
    """Whether there is an application."""
    return any(name == f"{stack}.json" for name in _checkpoints(settings))


def _checkpoints(settings: Settings) -> tuple[str, ...]:
    return at(settings.backend_url, "").entries(STACKS)


class ApplicationHeads:
    """The heads of one application, as its lease uses them (see lease.Heads)."""

    def __init__(self, settings: Settings, stack: str) -> None:
        self._settings, self._stack = settings, stack

    def first(self) -> str:
        """One made before there were leases stays where it is, until somebody takes it over."""
        return FIRST if self.documents(FIRST) else self.new(1)

    def new(self, token: int) -> str:
        """The random part: an application that was removed and comes back begins with 1 again."""
        return f"{token}-{uuid.uuid4().hex[:8]}"

    def copy(self, old: str, new: str) -> None:
        """Checkpoint and documents; the engine's locks, history and backups are left behind."""
        source, target = self._store(old), self._store(new)
        for name in self.documents(old):
            content = source.read(name)
            if content is not None:
                target.write(name, content)

    def others(self, *kept: str) -> tuple[str, ...]:
        """See lease.Heads."""
        heads = at(self._settings.backend_url, APPLICATIONS).folders(self._stack)
        return tuple(head for head in heads if head not in kept)

    def clear(self, head: str) -> None:
        """Of the first head, which is that of other applications too, only what is this one's."""
        if head != FIRST:
            at(self._settings.backend_url, APPLICATIONS).clear(f"{self._stack}/{head}")
            return
        store = self._store(FIRST)
        for name in (*self.documents(FIRST), *self._leavings()):
            store.delete(name)

    def is_empty(self, head: str) -> bool:
        """See lease.Heads."""
        return not self.documents(head)

    def _store(self, head: str) -> Store:
        return at(url(self._settings, self._stack, head), "")

    def documents(self, head: str) -> tuple[str, ...]:
        """The names of all that counts in a head: checkpoint and documents."""
        return tuple(self._documents(self._store(head)))

    def _documents(self, store: Store) -> Iterator[str]:
        for name in store.entries(STACKS):
            if name in (f"{self._stack}.json", f"{self._stack}.json.gz", f"{self._stack}.pulumi-tags"):
                yield f"{STACKS}/{name}"
        for name in store.entries(f"{DOCUMENTS}/{self._stack}"):
            yield f"{DOCUMENTS}/{self._stack}/{name}"

    def _leavings(self) -> Iterator[str]:
        """What the engine keeps beside a checkpoint."""
        for name in self._store(FIRST).entries(STACKS):
            if name.startswith(f"{self._stack}.json."):
                yield f"{STACKS}/{name}"
