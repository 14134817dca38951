"""Servers as OpenStack lists them."""

from datetime import datetime
from typing import Any

from conpaas_iac import openstack
from conpaas_iac.clouds.base import Seen, Tagged
from conpaas_iac.clouds.shared import tags
from conpaas_iac.core.places import Place


def of_owner(place: Place, owner: str) -> tuple[Seen, ...]:
    """Servers with the owner's tag."""
    return tuple(_tagged(each).seen for each in _servers(place) if each.metadata.get(tags.OWNER) == owner)


def of_anybody(place: Place) -> tuple[Tagged, ...]:
    """Servers with any owner's tag."""
    return tuple(_tagged(each) for each in _servers(place) if tags.OWNER in each.metadata)


def _servers(place: Place) -> list[Any]:
    """All of the project, in one paged call: OpenStack filters by metadata for administrators only."""
    with openstack.errors("list of machines", place):
        return list(openstack.client(place).compute.servers(details=True))


def _tagged(server: Any) -> Tagged:
    """Its id is its name, as names need not be unique. How large it is says its flavor: larger than asked, maybe."""
    said = tags.read(server.metadata)
    seen = Seen(said.node, server.id, server.id, server.status == "ACTIVE", said.incarnation, address(server))
    made = datetime.fromisoformat(server.created_at) if server.created_at else None
    return Tagged(said.owner, said.application, seen, made, said.origin)


def address(server: Any) -> str:
    """Where it is reached: its floating address, else the one it has on its network."""
    found = [each for network in (server.addresses or {}).values() for each in network if each["version"] == 4]
    found.sort(key=lambda each: each.get("OS-EXT-IPS:type") != "floating")
    return str(found[0]["addr"]) if found else ""
