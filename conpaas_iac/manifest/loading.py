"""The text of a manifest's file, or why there is none."""

import codecs
from pathlib import Path

from conpaas_iac.manifest.diagnostics import Diagnostic, say
from conpaas_iac.manifest.model import Place
from conpaas_iac.manifest.source import Source

LARGEST = 4_000_000  # bytes


def load(path: Path) -> Source | Diagnostic:
    """The text of a manifest file, or why there is none."""
    name = str(path).encode(errors="backslashreplace").decode()
    place = Place(name, 1, 1)
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except IsADirectoryError:
        return Diagnostic("E0001", place, "it is a folder", f"did you mean {path / 'manifest.json'}?")
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        return Diagnostic("E0001", place, f"the file cannot be read: {reason}")
    if len(content) > LARGEST:
        return Diagnostic("E0001", place, f"the file is larger than {LARGEST} bytes", "a manifest is a small JSON file")
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return Source(name, content.decode())
    except UnicodeDecodeError as error:
        before = content[: error.start].decode()
        shown = Source(name, before + content[error.start :].decode(errors="replace"))
        return say(shown, "E0002", (len(before), len(before) + 1), "the file is not UTF-8 text", "save it as UTF-8")
