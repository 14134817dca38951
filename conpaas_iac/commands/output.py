"""The console that verbs print on."""

from rich.console import Console


def console(stderr: bool = False) -> Console:
    """As wide as the terminal; where there is none, lines are as long as they are."""
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(stderr=stderr, highlight=False, width=1000, soft_wrap=True)
