"""Service types from few words: the skeleton of `conpaas types new`, with another descriptor or other texts."""

from pathlib import Path
from typing import Any

import msgspec

from conpaas_iac import catalog
from conpaas_iac.catalog import Descriptor, ServiceType
from conpaas_iac.usecases import new_type


def skeleton(roles: Path, name: str = "shop") -> ServiceType:
    """As it is written."""
    if not (roles / name).exists():
        roles.mkdir(exist_ok=True)
        new_type.write(name, roles, ())
    return catalog.load(roles)[name]


def kind(folder: Path = Path("/none"), **fields: Any) -> ServiceType:
    """One with this descriptor."""
    return ServiceType("shop", folder, msgspec.convert({"summary": "A shop", **fields}, Descriptor), {})
