"""One comment a name on a request: found again by a hidden marker, changed in its place, never repeated."""

from conpaas_iac.forge.base import Forge
from conpaas_iac.forge.rest import ForgeError

ATTEMPTS = 3


def marker(name: str) -> str:
    """The first line, which nobody sees."""
    return f"<!-- conpaas: {name} -->\n"


def put(forge: Forge, request: int, name: str, body: str, only_change: bool = False) -> None:
    """The comment says `body`; `only_change`: where there is none yet, none is made."""
    text = marker(name) + body
    for attempt in range(ATTEMPTS):
        own = [each for each in forge.comments(request) if each.is_own and each.body.startswith(marker(name).strip())]
        for other in own[1:]:  # two runs at the same time
            forge.remove_comment(request, other.id)
        if own:
            if own[0].body.strip() != text.strip():
                forge.change_comment(request, own[0].id, text)
            return
        if only_change:
            return
        try:
            forge.add_comment(request, text)
            return
        except ForgeError as error:
            if not error.unsure or attempt == ATTEMPTS - 1:
                raise
