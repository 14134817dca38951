"""Names: slugs for hosts, and the nearest of those that exist."""

import re
import unicodedata
from collections.abc import Iterable

from conpaas_iac.manifest.source import quote

LONGEST = 30


def slug(text: str) -> str:
    """A name fit for hosts: lower case letters, digits, single hyphens; begins with a letter; at most 30 characters.

    Empty when nothing of the text can be kept.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", plain).lstrip("-0123456789")
    if len(name) > LONGEST:
        whole = name[: LONGEST + 1].rpartition("-")[0]  # cut between words
        name = whole or name[:LONGEST]
    return name.strip("-")


def kept_whole(text: str) -> bool:
    """Whether the slug of a text holds all its letters and digits."""
    return re.sub(r"[^a-z0-9]", "", text.lower()) == slug(text).replace("-", "") and text.isascii()


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant."""
    from difflib import get_close_matches  # only where something is wrong: keeps the start fast

    by_fold = {each.casefold(): each for each in known}
    close = get_close_matches(name.casefold()[:80], by_fold, 1, 0.6)
    return by_fold[close[0]] if close else None


def suggestion(name: str, known: Iterable[str], listing: str) -> str:
    """The hint for an unknown name: the nearest one, and those there are."""
    names = sorted(known)
    meant = nearest(name, names)
    parts = [f"did you mean {quote(meant)}?"] if meant else []
    if names and listing:
        parts.append(f"{listing}: {', '.join(names)}")
    return " ".join(parts)
