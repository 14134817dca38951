"""A cloud is one file here, which holds a class `Cloud` with what `base.Cloud` asks for."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from conpaas_iac.clouds.base import Cloud
from conpaas_iac.core import places
from conpaas_iac.core.places import Place, Places
from conpaas_iac.errors import UserError
from conpaas_iac.manifest.provider import Provider
from conpaas_iac.network.standing import Standing, Standings
from conpaas_iac.settings import Settings


@cache
def names() -> tuple[str, ...]:
    """The clouds of this installation."""
    return tuple(sorted(each.name for each in iter_modules(__path__) if not each.ispkg and each.name != "base"))


def kind(provider: str) -> type[Cloud]:
    """A cloud by its name; raises UserError naming those that exist."""
    if provider not in names():
        raise UserError(f"no cloud {provider!r}", f"clouds of this installation: {', '.join(names())}")
    found: type[Cloud] = import_module(f"conpaas_iac.clouds.{provider}").Cloud
    return found


def kinds() -> Mapping[str, type[Cloud]]:
    """Resource type of a machine -> its cloud."""
    return {kind(name).MACHINE: kind(name) for name in names()}


def providers() -> dict[str, Provider]:
    """What the manifest language is told of them."""
    return {name: Provider(kind(name).SETTINGS, kind(name).objections) for name in names()}


def fixed(provider: str) -> Collection[str]:
    """Settings that say where a place is: with another value it is another place."""
    return kind(provider).FIXED


def restarting(there: Places) -> frozenset[str]:
    """Those of these places where another size is a restart."""
    return frozenset(name for name, place in there.items() if not kind(place.provider).RESIZES)


def is_whole(place: Place) -> bool:
    """Whether it has all settings that its provider needs."""
    return not {*kind(place.provider).SETTINGS.get("required", ())} - place.settings.keys()


def at(place: Place, settings: Settings) -> Cloud:
    """A cloud, bound to a place."""
    return kind(place.provider)(place, settings)


@dataclass(frozen=True)
class Reach:
    """The clouds of an application, by the names of their places."""

    places: Places
    settings: Settings

    def __getitem__(self, name: str) -> Cloud:
        return at(places.named(self.places, name), self.settings)

    def standings(self) -> Standings:
        """How machines of each place are reached."""
        known = self.each(self.places)
        return {name: Standing(cloud.network, cloud.is_public, cloud.KEEPS_ADDRESS) for name, cloud in known}

    def each(self, names: Collection[str]) -> Iterator[tuple[str, Cloud]]:
        """Those of these names, in order."""
        yield from ((name, self[name]) for name in sorted(set(names)))
