"""`conpaas.json` and overlays: read with places, checked against their schemas."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conpaas_iac.catalog import Catalog
from conpaas_iac.manifest import layers
from conpaas_iac.manifest.diagnostics import Diagnostic
from conpaas_iac.manifest.findings import Findings
from conpaas_iac.manifest.layers import Node
from conpaas_iac.manifest.loading import load
from conpaas_iac.manifest.model import Place
from conpaas_iac.manifest.provider import Providers
from conpaas_iac.manifest.reader import Document, parse
from conpaas_iac.manifest.schema import compose
from conpaas_iac.manifest.shape import check
from conpaas_iac.shipped import folder

APPLY = "restart"  # the most dangerous class that is applied without asking, where nothing is said


@dataclass(frozen=True)
class Fleet:
    """What `conpaas.json` says of all applications of its repository."""

    path: Path
    id: str
    environments: Mapping[str, str] = field(default_factory=dict)  # name -> class that is applied without asking
    apply: str = APPLY  # of the environment `default`, and of those that say nothing
    document: Document | None = field(default=None, repr=False)

    @property
    def folder(self) -> Path:
        """The repository."""
        return self.path.parent

    @property
    def clouds(self) -> Node | None:
        """Those that its applications share."""
        there = self.document
        return layers.tree(there).members.get("Clouds") if there else None

    def limit(self, environment: str) -> str:
        """The most dangerous class that is applied in an environment without asking."""
        return self.environments.get(environment, self.apply)

    def place(self, pointer: str) -> Place:
        """Of a value in the file."""
        assert self.document
        span = self.document.values.get(pointer, (0, 1))
        return self.document.source.place(span)


def read(path: Path, types: Catalog, providers: Providers) -> tuple[Fleet | None, tuple[Diagnostic, ...]]:
    """The fleet, or all that is wrong with its file."""
    source = load(Path(os.path.relpath(path)))  # it is above what the user named
    if isinstance(source, Diagnostic):
        return None, (source,)
    document = parse(source)
    findings = Findings(document)
    if not document.complete:
        return None, findings.diagnostics
    schema = json.loads((folder("schemas") / "fleet.schema.json").read_text("utf-8"))
    check(findings, {**schema, "$defs": compose(types, providers)["$defs"] | schema.get("$defs", {})})
    if findings.failed or not isinstance(document.data, dict):
        return None, findings.diagnostics
    data: Mapping[str, Any] = document.data
    apply = data.get("Apply", APPLY)
    environments = {name: each.get("Apply", apply) for name, each in data.get("Environments", {}).items()}
    return Fleet(path, data["Fleet"], environments, apply, document), findings.diagnostics


def overlay(document: Document) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    """The patch that an overlay is; None where it cannot be read. What is in it is checked once it is laid over."""
    findings = Findings(document)
    if not document.complete:
        return None, findings.diagnostics
    schema = json.loads((folder("schemas") / "overlay.schema.json").read_text("utf-8"))
    useless = check(findings, schema)
    if not isinstance(document.data, dict):
        return None, findings.diagnostics
    root = layers.tree(document)
    kept = {name: each for name, each in root.members.items() if f"/{name}" not in useless}
    return root.with_content(kept), findings.diagnostics


@dataclass(frozen=True)
class Tombstone:
    """What says that an application is to go."""

    path: Path
    application: str
    environments: tuple[str, ...]
    by: str
    why: str
    may_lose: tuple[str, ...] = ()


def tombstone(path: Path) -> tuple[Tombstone | None, tuple[Diagnostic, ...]]:
    """From a `removed.json`, or all that is wrong with it."""
    source = load(path)
    if isinstance(source, Diagnostic):
        return None, (source,)
    findings = Findings(parse(source))
    if findings.document.complete:
        check(findings, json.loads((folder("schemas") / "removed.schema.json").read_text("utf-8")))
    data = findings.document.data
    if findings.failed or not isinstance(data, dict):
        return None, findings.diagnostics
    where = tuple(data.get("Environments", ("default",)))
    lost = tuple(data.get("AllowDataLoss", ()))
    return Tombstone(path, data["Application"], where, data["By"], data["Why"], lost), findings.diagnostics
