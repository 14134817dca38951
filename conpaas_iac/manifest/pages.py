"""What each diagnostic means: one Markdown page a code, explain/<code>.md."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "explain"


def codes() -> tuple[str, ...]:
    """Every code, errors first."""
    return tuple(sorted((path.stem for path in _FOLDER.glob("*.md")), key=lambda code: ("EWN".index(code[0]), code)))


def page(code: str) -> str:
    """The page of a code."""
    return (_FOLDER / f"{code}.md").read_text("utf-8")


def title(code: str) -> str:
    """The first line of a page, without the code."""
    return page(code).partition("\n")[0].partition(": ")[2]
