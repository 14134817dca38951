"""Files of a service type, rendered for a machine of any mixture of groups, and programs among them as modules."""

import itertools
import sys
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any

from conpaas_iac import catalog
from conpaas_iac.core.templates import Templates

TYPES = catalog.load()


def mixtures(kind: str) -> list[tuple[str, ...]]:
    """Every choice of groups that a machine of the type may run."""
    groups = tuple(TYPES[kind].descriptor.groups)
    return [each for size in range(1, len(groups) + 1) for each in itertools.combinations(groups, size)]


def render(
    kind: str, groups: Sequence[str] = (), code: str = "v1", environment: Any = None, **options: Any
) -> dict[str, str]:
    """Path -> text, of the first of two machines; the second one runs all groups, as it does without `groups`."""
    found = TYPES[kind]
    every, texts = tuple(found.descriptor.groups), Templates()
    own = tuple(groups) or every
    nodes = [
        {"name": f"wiki-{number}", "address": f"10.42.32.{number}", "ordinal": number, "service": "wiki",
         "cloud": "lxd", "groups": list(own if number == 1 else every)}
        for number in (1, 2)
    ]  # fmt: skip
    service = {
        "name": "wiki", "title": "Wiki <b>", "type": kind, "code": code, "nodes": nodes, "uses": [], "fields": {},
        "directory": {"wiki": [node["address"] for node in nodes]},
        "options": {**found.default_options(), **options},
        "environment": environment or {}, "entry": "10.42.32.1", "volumes": [], "mounted": [],
        "groups": {group: [node for node in nodes if group in node["groups"]] for group in every},
    }  # fmt: skip
    context = {
        "application": {"name": "demo", "environment": ""}, "service": service, "node": nodes[0],
        "range": "10.42.0.0/16", "services": {"wiki": service},
        "hosts": [{"address": node["address"], "names": [node["name"]]} for node in nodes],
        "secrets": dict.fromkeys(found.descriptor.secrets, "s3cret"),
        "accepted": dict.fromkeys(found.descriptor.secrets, "0ld\ns3cret"),
    }  # fmt: skip
    return {
        file.path: texts.rendered(found, file.path, context, {})
        for file in found.descriptor.files
        if not file.groups or set(file.groups) & set(own)
    }


def program(kind: str, name: str, *modules: str) -> ModuleType:
    """A program of the type's machines, as a module; `modules` are those that it imports, each as "package.module"."""
    texts = render(kind)
    for full in modules:
        package, _, last = full.partition(".")
        found = sys.modules[full] = ModuleType(full)  # a dataclass looks for the module that it is in
        _execute(found, texts, f"{package}/{last}.py")
        setattr(sys.modules.setdefault(package, ModuleType(package)), last, found)
    module = ModuleType(name)
    _execute(module, texts, name)
    return module


def _execute(module: ModuleType, texts: Mapping[str, str], name: str) -> None:
    path = f"/usr/local/lib/conpaas/{name}"
    exec(compile(texts[path], path, "exec"), module.__dict__)
