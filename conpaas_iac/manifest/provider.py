"""What the language is told of a cloud: its settings in `Clouds`, and what cannot be there."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from conpaas_iac.core.places import Place
from conpaas_iac.manifest.model import Service


@dataclass(frozen=True)
class Objection:
    """Why a service cannot be at a place."""

    field: str  # of the service, where it has one: "Image"
    message: str
    hint: str = ""


def _nothing(service: Service, place: Place) -> Iterable[Objection]:
    return ()


@dataclass(frozen=True)
class Provider:
    """One cloud file, as far as manifests speak of it."""

    settings: Mapping[str, Any]  # JSON Schema: properties, required
    objections: Callable[[Service, Place], Iterable[Objection]] = _nothing

    @property
    def required(self) -> tuple[str, ...]:
        """Settings without which there is no such cloud."""
        return tuple(self.settings.get("required", ()))


Providers = Mapping[str, Provider]
