"""The use cases of `doctor --orphans`: machines that carry our tag and that no application knows.

Machines of several users and backends share a cloud. One is an orphan only where the backend that it is tagged with can
be looked at, and no application there has its owner; nothing else is removed unless it is named.
"""

import socket
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from conpaas_iac import clouds
from conpaas_iac.backend import record, statefile
from conpaas_iac.backend.holding import holding
from conpaas_iac.clouds.base import Cloud, Tagged
from conpaas_iac.core.places import Place, is_same
from conpaas_iac.errors import ConpaasError, Failure, LeaseHeldError, MachineError, StateError, UserError
from conpaas_iac.runs.events import Event, Listener
from conpaas_iac.settings import Settings
from conpaas_iac.usecases import keeping

FILE = "file://"
BAKING = timedelta(hours=1)  # longer than an image takes: until then its machine belongs to a run

Owners = Mapping[str, "Owned"]  # owner's tag -> application
Verdict = Literal["known", "stray", "orphan", "doubt"]


@dataclass(frozen=True)
class Owned:
    """An application of a backend."""

    stack: str
    machines: frozenset[tuple[str, int]]  # node, incarnation
    ids: frozenset[str]  # of machines that once confirmed a configuration


@dataclass(frozen=True)
class Found:
    """A machine, and what is to be thought of it."""

    place: Place
    tagged: Tagged
    verdict: Verdict
    why: str
    stack: str = ""  # whose stray it is

    @property
    def cloud(self) -> str:
        """The name of its place."""
        return self.place.name

    @property
    def name(self) -> str:
        """As the cloud calls it."""
        return self.tagged.seen.name


def find(settings: Settings, now: datetime | None = None) -> tuple[Found, ...]:
    """Every tagged machine of every cloud of this user, the known ones too."""
    owners: dict[str, Owners | str] = {settings.origin: _owners(settings)}
    found = []
    for cloud in _clouds(settings):
        for tagged in cloud.everything():
            if tagged.origin and tagged.origin not in owners:
                owners[tagged.origin] = _of_others(tagged.origin, settings)
            found.append(_judged(cloud.place, tagged, owners, settings.origin, now or datetime.now(UTC)))
    once = {each.tagged.seen.id or each.name: each for each in reversed(found)}  # a place may have two names
    return tuple(sorted(once.values(), key=lambda each: each.name))


def _clouds(settings: Settings) -> Iterator[Cloud]:
    """Places that this user's applications are at, each once, and the own default."""
    places = [place for stack in keeping.known(settings) for place in _places(settings, stack)]
    asked: list[Place] = []
    for place in (Place(settings.default_cloud, settings.default_cloud), *places):
        if not any(is_same(place, other, clouds.fixed) for other in asked) and clouds.is_whole(place):
            asked.append(place)
            yield clouds.at(place, settings)


def _places(settings: Settings, stack: str) -> Iterator[Place]:
    """Of an application, also where its record is older than places are."""
    kept = keeping.kept(settings, stack)
    yield from record.decode(kept.read(statefile.RECORD) or b'{"version":1}', stack).places.values()
    if content := kept.read(statefile.CHECKPOINT):
        kinds = statefile.facts(content, stack).kinds
        yield from (Place(name, name) for name in clouds.names() if clouds.kind(name).MACHINE in kinds)


def _owners(settings: Settings) -> Owners:
    """Owner -> application. Raises StateError where one cannot be read: what is not known cannot be judged."""
    found = {}
    for stack in keeping.known(settings):
        documents = keeping.kept(settings, stack).documents()
        if statefile.CHECKPOINT in documents:
            facts = statefile.facts(documents[statefile.CHECKPOINT], stack)
            there = record.decode(documents.get(statefile.RECORD, b'{"version":1}'), stack)
            ids = frozenset(node.id for node in there.nodes.values())
            found[facts.owner] = Owned(stack, facts.machines, ids)
    return found


def _of_others(origin: str, settings: Settings) -> Owners | str:
    """The owners of another backend, or why it cannot be looked at."""
    host = socket.gethostname()
    if not origin.startswith(f"{FILE}{host}/"):
        return f"its state is kept at {origin}, which is not looked at from here"
    folder = Path(origin.removeprefix(f"{FILE}{host}"))
    try:
        if not any(folder.iterdir()):
            return f"its state was kept in {folder}, which is empty"
        return _owners(replace(settings, backend=f"{FILE}{folder}"))
    except FileNotFoundError:
        return f"its state was kept in {folder}, which is not there"
    except OSError as error:
        return f"its state is kept in {folder}: {error.strerror}"
    except StateError as error:
        return f"its state is kept in {folder}: {error.message}"


def _judged(place: Place, tagged: Tagged, owners: Mapping[str, Owners | str], own: str, now: datetime) -> Found:
    for there in owners.values():
        owned = None if isinstance(there, str) else there.get(tagged.owner)
        if owned:
            return _of_application(place, tagged, owned, is_ours=there is owners[own])
    baking = (tagged.application, tagged.seen.node) == ("conpaas", "bake")
    if baking and tagged.made and now - tagged.made < BAKING:
        return Found(place, tagged, "known", "an image is being made there")
    if not tagged.origin:
        return Found(place, tagged, "doubt", "it does not say where the state of its application is")
    there = owners[tagged.origin]
    if isinstance(there, str):
        return Found(place, tagged, "doubt", there)
    where = "here" if tagged.origin == own else f"in {tagged.origin}"
    return Found(place, tagged, "orphan", "a killed run made it, for an image" if baking else f"no application {where}")


def _of_application(place: Place, tagged: Tagged, owned: Owned, is_ours: bool) -> Found:
    seen = tagged.seen
    if not is_ours or (seen.node, seen.incarnation) in owned.machines or seen.id in owned.ids:
        return Found(place, tagged, "known", owned.stack)
    return Found(place, tagged, "stray", f"an interrupted run of {owned.stack} left it", owned.stack)


def removable(found: Iterable[Found], names: Collection[str]) -> tuple[Found, ...]:
    """Orphans and strays, or those that are named; raises UserError for what is in use, or not there."""
    by_name = {each.name: each for each in found}
    for name in names:
        if name not in by_name:
            raise UserError(f"no machine {name!r} that carries a tag of ours", "conpaas doctor --orphans")
        if by_name[name].verdict == "known":
            raise UserError(f"{name} is in use: {by_name[name].why}", "conpaas down removes an application")
    chosen = [by_name[name] for name in names]
    return tuple(chosen) if names else tuple(each for each in by_name.values() if each.verdict in ("orphan", "stray"))


def remove(chosen: Sequence[Found], settings: Settings, listen: Listener) -> tuple[str, ...]:
    """Remove them, unless they are not any more what they were; raises MachineError naming those that stay."""
    gone, failures = [], []
    for each in chosen:
        try:
            with holding(settings, each.stack) if each.stack else nullcontext():
                again = {other.tagged.seen.id: other for other in find(settings)}.get(each.tagged.seen.id)
                if again is None or (again.name, again.verdict) != (each.name, each.verdict):
                    continue
                listen(Event("remove", "started", each.name))
                clouds.at(each.place, settings).remove([each.name])
        except LeaseHeldError as error:
            failures.append(Failure(each.name, "remove", error.message))
        except ConpaasError as error:
            failures.append(Failure(each.name, "remove", error.message))
            listen(Event("remove", "failed", each.name, error.message))
        else:
            gone.append(each.name)
            listen(Event("remove", "done", each.name))
    if failures:
        names = ", ".join(failure.node for failure in failures)
        raise MachineError(f"not removed: {names}", tuple(failures), "the same command again tries the rest")
    return tuple(gone)
