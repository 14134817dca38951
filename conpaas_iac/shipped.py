"""Where the folders that come with the tool are: in a checkout beside the package, in a wheel inside it."""

from pathlib import Path

_PACKAGE = Path(__file__).parent
_WHEEL = _PACKAGE / "shipped"


def folder(name: str) -> Path:
    """The folder `roles`, `playbooks`, `schemas`, `stacks` or `engine` of this installation."""
    return (_WHEEL if _WHEEL.is_dir() else _PACKAGE.parent) / name
