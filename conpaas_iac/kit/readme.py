"""Whether a type's README says what its argument_specs and operations say. Pure."""

import re
from collections.abc import Iterator
from typing import Any

from conpaas_iac.catalog import ServiceType

ROW = re.compile(r"^\| `(\w+)` \| (.+?) \|", re.M)
HERE = "README.md"


def problems(text: str, kind: ServiceType) -> Iterator[str]:
    """A line for each thing that the README lacks, has too much, or says otherwise."""
    said, known = dict(ROW.findall(text)), kind.options
    for name in known.keys() - said.keys():
        yield f"{HERE} lacks option `{name}`: | `{name}` | `{shown(known[name].get('default'))}` | … |"
    for name in said.keys() - known.keys():
        yield f"{HERE} names option `{name}`, which meta/argument_specs.yml does not have"
    for name in said.keys() & known.keys():
        here, there = said[name].strip("`"), shown(known[name].get("default"))
        if here != there:
            yield f"{HERE} says that `{name}` is {here} by default, meta/argument_specs.yml says {there}"
    for name in kind.descriptor.operations:
        if f"`{name}" not in text and f"conpaas {kind.name} {name}" not in text:
            yield f"{HERE} does not name operation `{name}`"


def shown(default: Any) -> str:
    """A default as READMEs write it."""
    if default is None:
        return "none"
    if default == "":
        return "empty"
    if isinstance(default, list):
        return f"[{', '.join(map(str, default))}]"
    return str(default).lower() if isinstance(default, bool) else str(default)
