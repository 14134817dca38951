"""Named clouds of a manifest, and which one a service means."""

from collections.abc import Mapping
from typing import Any

from conpaas_iac.core.places import Place
from conpaas_iac.manifest.context import Context
from conpaas_iac.manifest.language import CLOUDS, DEFAULT_SIZE
from conpaas_iac.manifest.model import Service
from conpaas_iac.manifest.names import suggestion
from conpaas_iac.manifest.source import quote


class Clouds:
    """The clouds that services of one manifest may name."""

    def __init__(self, context: Context, data: Mapping[str, Any]) -> None:
        self._context = context
        self._written = frozenset(data)
        own = {name: Place(name, name) for name in context.providers}
        named = {name: _named(name, settings) for name, settings in data.items() if "Provider" in settings}
        self._known = {**own, **named}
        self.used = dict(named)  # every named one, and those that a service means by their own name

    def resolve(self, written: str, pointer: str) -> str:
        """The cloud that is meant by a name; says so when there is none."""
        name = self._context.default_cloud if written == "default" else written
        if name in self._known:
            self._whole(self._known[name], pointer)
            self.used[name] = self._known[name]
        elif name in CLOUDS:
            hint = f"built: {', '.join(sorted(self._context.providers))}"
            self._context.findings.add("E0209", pointer, f"cloud {quote(name)} is not built yet", hint)
        elif name not in self._written:
            whose = " (the default cloud of your settings)" if written == "default" else ""
            hint = suggestion(name, [*self._known, "default"], "known clouds")
            self._context.findings.add("E0208", pointer, f"unknown cloud {quote(name)}{whose}", hint)
        return name

    def _whole(self, place: Place, pointer: str) -> None:
        """A cloud that wants settings cannot be meant by its own name; of a named one the schema says what it lacks."""
        required = self._context.providers[place.provider].required
        if required and place.name not in self._written:
            shown = ", ".join(f'"{name}": …' for name in ("Provider", *required))
            message = f"cloud {quote(place.name)} needs settings: {', '.join(required)}"
            self._context.findings.add("E0215", pointer, message, f'name it: "Clouds": {{"mine": {{{shown}}}}}')

    def size(self, name: str) -> str:
        """The size of a cloud's machines where nothing else is said."""
        cloud = self._known.get(name)
        return str(cloud.settings.get("Size", DEFAULT_SIZE)) if cloud else DEFAULT_SIZE

    def object_to(self, service: Service) -> None:
        """Say why a service cannot be where it is to be."""
        places = {service.cloud, *(batch.cloud for mix in service.batches.values() for batch in mix)}
        for place in (self._known[name] for name in sorted(places) if name in self._known):
            for each in self._context.providers[place.provider].objections(service, place):
                pointer = f"{service.pointer}/{each.field}" if each.field else service.pointer
                self._context.findings.add("E0216", pointer, f"{each.message} (cloud {quote(place.name)})", each.hint)


def _named(name: str, settings: Mapping[str, Any]) -> Place:
    return Place(name, settings["Provider"], {key: value for key, value in settings.items() if key != "Provider"})
