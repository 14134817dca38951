"""Where words stand in the YAML files of a role."""

from pathlib import Path
from typing import Any

import yaml

from conpaas_iac.catalog import Loader


def place(path: Path, *steps: str | int) -> tuple[int, int]:
    """Line and column of what keys and numbers of items lead to in a file of a role, as far as they lead."""
    node: Any = yaml.compose(path.read_text(), Loader)
    line, column = 0, 0
    for step in steps:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            mark = node.start_mark
        elif isinstance(node, yaml.MappingNode) and (pair := _pair(node, step)):
            mark, node = pair[0].start_mark, pair[1]
        else:
            break
        line, column = mark.line, mark.column
    return line + 1, column + 1


def _pair(node: yaml.MappingNode, name: str | int) -> Any:
    return next((pair for pair in node.value if pair[0].value == name), None)


def words(path: Path) -> dict[str, tuple[int, int]]:
    """Each plain value of a YAML file, with line and column of where it stands first."""
    found: dict[str, tuple[int, int]] = {}
    waiting: list[Any] = [yaml.compose(path.read_text(), Loader)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, yaml.ScalarNode):
            here = (node.start_mark.line + 1, node.start_mark.column + 1)
            found[node.value] = min(found.get(node.value, here), here)
        elif isinstance(node, yaml.MappingNode):
            waiting += [each for pair in node.value for each in pair]
        elif isinstance(node, yaml.SequenceNode):
            waiting += node.value
    return found
