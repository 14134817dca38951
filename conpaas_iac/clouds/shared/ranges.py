"""Ranges of networks beside the application's: packets to an address that both have could go either way. Pure."""

from collections.abc import Iterable
from ipaddress import IPv4Interface, IPv4Network

from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.places import Place
from conpaas_iac.errors import UserError

OWN = 'another "Range" for the cloud'  # what helps where the network is the place's own


def refuse_overlap(place: Place, here: IPv4Network, machines: Iterable[Machine], remedy: str) -> None:
    """Raises UserError where a place's own network overlaps that of the machines' application."""
    for network in {IPv4Interface(each.address).network for each in machines}:
        if network.overlaps(here):
            what = f"cloud {place.name}: its network {here} overlaps the application's, {network}"
            raise UserError(what, f'{remedy}, or another "Network": {{"Range": …}} before the first `up`')
