"""A cloud is one file here, with the functions of `base.Cloud`."""

from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from conpaas_iac.clouds.base import Cloud
from conpaas_iac.errors import UserError


def names() -> tuple[str, ...]:
    """The clouds of this installation."""
    return tuple(sorted(module.name for module in iter_modules(__path__) if module.name != "base"))


def cloud(name: str) -> Cloud:
    """A cloud by its name; raises UserError naming those that exist."""
    if name not in names():
        raise UserError(f"no cloud {name!r}", f"clouds of this installation: {', '.join(names())}")
    return cast(Cloud, import_module(f"conpaas_iac.clouds.{name}"))
