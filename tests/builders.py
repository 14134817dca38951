"""Manifests, topologies and trees from few words, for tests of the pure rooms."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from conpaas_iac import catalog, clouds
from conpaas_iac.backend.record import Record
from conpaas_iac.core import addresses, declaration, render, topology
from conpaas_iac.core.addresses import Lock
from conpaas_iac.core.declaration import Declaration, Machine
from conpaas_iac.core.render import Tree
from conpaas_iac.core.topology import Topology
from conpaas_iac.manifest import model

PROVIDERS = {name: clouds.providers()[name] for name in ("aws", "lxd")}  # as if there were no others
TYPES = catalog.load()
INTERNAL = catalog.load_internal()
RANGE = IPv4Network("10.42.0.0/16")
IMAGE = "conpaas-php-1"


def service(name: str = "web", counts: Mapping[str, int] | None = None, **fields: Any) -> model.Service:
    """A php service: one machine of each group, packed, unless told otherwise."""
    known: dict[str, Any] = {
        "pointer": "/Services/0",
        "name": name,
        "title": name,
        "type": "php",
        "cloud": "lxd",
        "start": True,
        "counts": {"proxy": 1, "web": 1, "backend": 1, **(counts or {})},
        "batches": {},
        "uses": (),
        "addresses": {},
        "archive": None,
        "startup_script": "",
        "dump": "",
        "resume": "",
        "without": frozenset(),
        "at_once": 1,
        "environment_secrets": {},
        "secrets": {},
        "passwords": {},
        "options": TYPES["php"].default_options(),
        "environment": {},
        "size": "small",
        "placement": "packed",
        "image": "",
        "publish": (),
        "renamed_from": "",
        "fields": {},
    }
    return model.Service(**{**known, **fields})


def manifest(*services: model.Service) -> model.Manifest:
    """An application named shop."""
    return model.Manifest(Path("manifest.json"), "shop", "", services, {}, None, {})


def lock(*services: model.Service, before: Lock | None = None) -> Lock:
    """A lock with a block for each."""
    renamed = {each.name: each.renamed_from for each in services if each.renamed_from}
    return addresses.allocate(before or Lock("shop", "default", RANGE), (each.name for each in services), renamed)


def build(*services: model.Service, held: Lock | None = None, code: Mapping[str, str] | None = None) -> Topology:
    """The topology."""
    return topology.build(manifest(*services), "default", TYPES, held or lock(*services), code or {})


def trees(layout: Topology) -> dict[str, Tree]:
    """Rendered, as on LXD."""
    return render.trees(layout, TYPES, INTERNAL, {"lxd": ("10.60.0.1",)})


def wanted(layout: Topology) -> Declaration:
    """The declaration of a topology that is new."""
    return declaration.wanted(layout, {node.name: IMAGE for node in layout.nodes})


def applied(layout: Topology) -> tuple[Machine, ...]:
    """The machines of a topology, all there."""
    return wanted(layout).machines


def confirmed(layout: Topology) -> Record:
    """The record after everything was confirmed."""
    return Record().confirmed((f"id-{node}", tree) for node, tree in trees(layout).items())


def where(layout: Topology) -> dict[str, IPv4Address]:
    """Node -> address."""
    return {node.name: node.address for node in layout.nodes}
