"""Machines as they are told of: in which order, and how many."""


def natural(node: str) -> tuple[str, int]:
    """A sort key: blog-2 before blog-10."""
    stem, _, ordinal = node.rpartition("-")
    return (stem, int(ordinal)) if ordinal.isdigit() else (node, 0)


def count(number: int, noun: str) -> str:
    """1 machine, 2 machines."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
