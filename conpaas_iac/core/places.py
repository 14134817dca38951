"""Places: the named clouds of an application. Pure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from conpaas_iac.errors import UserError


@dataclass(frozen=True)
class Place:
    """A cloud as one application means it: the provider (a file of `clouds/`), and what the manifest sets for it."""

    name: str
    provider: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    made_as: str = ""  # the name that its resources were made with, where the manifest has renamed it since

    @property
    def resource(self) -> str:
        """What its own resources in the stack are called after: it stays when the place is renamed."""
        return self.made_as or self.name


Places = Mapping[str, Place]
Fixed = Callable[[str], Collection[str]]  # provider -> settings that say where a place is


def named(places: Places, name: str) -> Place:
    """The place of that name; a provider that is used by its own name, with no settings, need not be among them."""
    return places.get(name) or Place(name, name)


def by_resource(places: Places) -> dict[str, str]:
    """What is in the checkpoint -> name."""
    return {place.resource: place.name for place in places.values()}


def settled(wanted: Places, there: Places, used: Collection[str], fixed: Fixed) -> dict[str, Place]:
    """The wanted places, renamed ones known as what they were made as; `used` are those of `there` with machines.

    Raises UserError where a name stands for somewhere else than before: its machines are not there.
    """
    found: dict[str, Place] = {}
    left = {name: place for name, place in there.items() if name not in wanted and name in used}
    taken = {there[name].resource for name in used if name in there}
    for name, place in wanted.items():
        before = there.get(name)
        if before and name in used:
            refuse_another(before, place, fixed)
        if before and is_same(before, place, fixed):
            found[name] = replace(place, made_as=before.made_as)
        elif former := next((each for each in left.values() if is_same(each, place, fixed)), None):
            del left[former.name]
            found[name] = replace(place, made_as="" if former.resource == name else former.resource)
        else:
            found[name] = replace(place, made_as=f"{name}-new" if name in taken else "")
    return found


def is_same(one: Place, other: Place, fixed: Fixed) -> bool:
    """Whether both names mean the same cloud."""
    return one.provider == other.provider and not _differing(one, other, fixed)


def refuse_another(before: Place, now: Place, fixed: Fixed) -> None:
    """Raises UserError where a name means another cloud than before."""
    remedy = 'give the new one a name of its own in "Clouds": a service moves when its "Cloud" becomes another name'
    if before.provider != now.provider:
        what = f"the cloud {now.name} was {before.provider}, where machines are, and is {now.provider}"
        raise UserError(what, remedy)
    for name in _differing(before, now, fixed):
        was, is_now = (repr(each.settings.get(name, "")) for each in (before, now))
        raise UserError(f"{name} of the cloud {now.name} was {was}, where machines are, and is {is_now}", remedy)


def _differing(one: Place, other: Place, fixed: Fixed) -> list[str]:
    return [name for name in fixed(one.provider) if one.settings.get(name) != other.settings.get(name)]
