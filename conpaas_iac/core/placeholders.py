"""Secrets while they are only names: what trees, plans and the record hold in the place of values. Pure.

⟦db@3⟧ is the value of secret `db`, version 3; ⟦db@3,4*⟧ is every value that is accepted now, a line each, the newest
last; ⟦db@3|nginx⟧ is to be escaped for nginx. A rotation changes the version, and so the digest of what holds it.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from conpaas_iac.errors import ConpaasError

Versions = tuple[int, ...]  # of one secret, ascending: all are accepted, the last one is current
Escape = Callable[[str], object]

_PLACEHOLDER = re.compile(r"⟦([A-Za-z0-9._-]+)@([0-9,]+)(\*?)(?:\|([a-z_]+))?⟧")


def key(name: str, version: int) -> str:
    """What a version of a secret is called in the stack."""
    return f"{name}@{version}"


def all_keys(secrets: Mapping[str, Versions]) -> tuple[str, ...]:
    """What the stack holds of these secrets: every version."""
    return tuple(sorted(key(name, version) for name, versions in secrets.items() for version in versions))


def current(name: str, versions: Versions) -> str:
    """In the place of the value."""
    return f"⟦{key(name, versions[-1])}⟧"


def accepted(name: str, versions: Versions) -> str:
    """In the place of all values that are accepted."""
    return f"⟦{name}@{','.join(map(str, versions))}*⟧"


def keys(text: str) -> set[str]:
    """The versions that a text needs."""
    return {
        key(match[1], int(version)) for match in _PLACEHOLDER.finditer(text) for version in match[2].split(",")
    }


def deferred(name: str, escape: Escape) -> Escape:
    """The filter `name`, which leaves a secret's escaping until its value is there."""

    def filtered(value: Any) -> object:
        if not isinstance(value, str) or not _PLACEHOLDER.search(value):
            return escape(value)
        match = _PLACEHOLDER.fullmatch(value)
        if match is None or match[4]:
            raise ConpaasError(f"a secret must stand alone where it is escaped for {name}")
        return f"{value[:-1]}|{name}⟧"

    return filtered


def revealed(text: str, values: Mapping[str, str], filters: Mapping[str, Escape]) -> str:
    """The text with values in it; raises ConpaasError for a version that nobody has."""

    def value(match: re.Match[str]) -> str:
        name, versions, _, escape = match.groups()
        try:
            found = "\n".join(values[key(name, int(version))] for version in versions.split(","))
        except KeyError as missing:
            raise ConpaasError(f"no value of the secret {missing.args[0]}", "conpaas up") from None
        return str(filters[escape](found)) if escape else found

    return _PLACEHOLDER.sub(value, text)


def moved(text: str, name: str, versions: Versions) -> str:
    """The text of another time: `name` in these versions."""

    def move(match: re.Match[str]) -> str:
        if match[1] != name:
            return match[0]
        numbers = ",".join(map(str, versions)) if match[3] else str(versions[-1])
        return f"⟦{name}@{numbers}{match[3]}{f'|{match[4]}' if match[4] else ''}⟧"

    return _PLACEHOLDER.sub(move, text)


def holds(text: str, name: str) -> bool:
    """Whether the text needs any version of the secret."""
    return any(match[1] == name for match in _PLACEHOLDER.finditer(text))


def accepts(text: str, name: str) -> bool:
    """Whether who holds the text is asked for the secret: it must know a new value before anybody uses it."""
    return any(match[1] == name and match[3] for match in _PLACEHOLDER.finditer(text))
