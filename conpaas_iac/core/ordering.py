"""The order in which machines are told."""


def natural(node: str) -> tuple[str, int]:
    """A sort key: blog-2 before blog-10."""
    stem, _, ordinal = node.rpartition("-")
    return (stem, int(ordinal)) if ordinal.isdigit() else (node, 0)
