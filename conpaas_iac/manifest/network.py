"""Ranges and addresses: the application's range, fixed addresses, who may reach published ports."""

from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from typing import Any

from conpaas_iac.catalog import ServiceType
from conpaas_iac.manifest.context import Context, items
from conpaas_iac.manifest.counts import by_group
from conpaas_iac.manifest.model import Publish
from conpaas_iac.manifest.source import child, quote

LARGEST, SMALLEST = 8, 24  # prefix lengths: a range is divided into blocks of services


def application_range(context: Context, data: Mapping[str, Any]) -> IPv4Network | None:
    """`Network.Range`, if it is given and can be used."""
    pointer = "/Network/Range"
    written = data.get("Network", {}).get("Range")
    network = _network(context, pointer, written) if written is not None else None
    if network is None:
        return None
    if not LARGEST <= network.prefixlen <= SMALLEST:
        hint = f"between /{LARGEST} and /{SMALLEST}; /16 is usual"
        context.findings.add("E0303", pointer, f"a range of {network.num_addresses} addresses cannot be used", hint)
    elif network.is_loopback or network.is_multicast or network.is_link_local or network.is_reserved:
        message = f"machines cannot have addresses of {network}"
        context.findings.add("E0303", pointer, message, "a private range, as 10.42.0.0/16")
    elif not network.is_private:
        message = f"{network} is no private range: its owners cannot be reached from the application"
        context.findings.add("W0301", pointer, message, "a private range, as 10.42.0.0/16")
    return network


def _network(context: Context, pointer: str, written: str) -> IPv4Network | None:
    try:
        return IPv4Network(written)
    except (AddressValueError, NetmaskValueError):
        context.findings.add("E0301", pointer, f"{quote(written)} is no IPv4 range", "as 10.42.0.0/16")
    except ValueError:
        begin = IPv4Network(written, strict=False)
        message = f"{quote(written)} is an address inside a range"
        context.findings.add("E0301", pointer, message, f"the range is {begin}")
    return None


def cloud_ranges(context: Context, network: IPv4Network | None, clouds: Mapping[str, Any]) -> None:
    """Ranges that clouds are set to: whether they are any, and apart from the application's."""
    for name, settings in clouds.items():
        place = child("/Clouds", name)
        for pointer, text in items(settings.get("SshFrom") or [], f"{place}/SshFrom"):
            _network(context, pointer, text)
        pointer, written = f"{place}/Range", settings.get("Range")
        other = _network(context, pointer, written) if written is not None else None
        if other and network and other.overlaps(network):
            related = [("/Network/Range", "the application's range")]
            message = f"{other} overlaps the application's range {network}"
            context.findings.add("E0306", pointer, message, "choose another Range", related=related)


class Addresses:
    """Fixed addresses of one manifest: each belongs to one machine."""

    def __init__(self, context: Context, network: IPv4Network | None) -> None:
        self._context = context
        self._network = network
        self._taken: dict[IPv4Address, str] = {}

    def of_service(self, kind: ServiceType, asked: Any, pointer: str) -> dict[str, tuple[IPv4Address, ...]]:
        """Group -> addresses by ordinal; the group "" is the service's entry point."""
        if asked is None:
            return {}
        if isinstance(asked, str):
            return {"": self._addresses([asked], pointer, single=True)}
        return {
            group: self._addresses([value] if isinstance(value, str) else value, place, single=isinstance(value, str))
            for group, place, value in by_group(self._context, kind, asked, pointer)
        }

    def _addresses(self, values: list[Any], pointer: str, single: bool) -> tuple[IPv4Address, ...]:
        found = (self._address(text, pointer if single else place) for place, text in items(values, pointer))
        return tuple(address for address in found if address)

    def _address(self, text: str, pointer: str) -> IPv4Address | None:
        findings = self._context.findings
        try:
            address = IPv4Address(text)
        except ValueError:
            findings.add("E0302", pointer, f"{quote(text)} is no IPv4 address", "as 10.42.0.99")
            return None
        network = self._network
        if network is None:
            if "/Network/Range" not in findings.document.values:
                hint = f'"Network": {{"Range": "{IPv4Network((address, 16), strict=False)}"}}'
                findings.add("W0302", pointer, "a fixed address wants a fixed range around it", f"add {hint}")
        elif address not in network or address in (network.network_address, network.broadcast_address):
            related = [("/Network/Range", "the application's range")]
            message = f"{address} is no machine's address in {network}"
            findings.add("E0304", pointer, message, _span(network), related=related)
        if address in self._taken:
            related = [(self._taken[address], "here first")]
            findings.add("E0305", pointer, f"{address} is given twice", "one address, one machine", related=related)
        self._taken.setdefault(address, pointer)
        return address


def _span(network: IPv4Network) -> str:
    return f"from {network.network_address + 1} to {network.broadcast_address - 1}"


def publish(context: Context, kind: ServiceType, data: Mapping[str, Any], pointer: str) -> tuple[Publish, ...]:
    """The ports that `Publish` opens."""
    result = []
    for group, place, value in by_group(context, kind, data.get("Publish", {}), f"{pointer}/Publish"):
        sources: list[IPv4Network] = []
        for source_place, text in items(value.get("From", []), f"{place}/From"):
            source = _network(context, source_place, text)
            if source is None:
                continue
            covering = next((other for other in sources if source.subnet_of(other)), None)
            if covering is not None:
                message = f"{source} is part of {covering} before it"
                context.findings.add("W0303", source_place, message, "keep one of them")
            sources.append(source)
        result.append(Publish(group, int(value.get("Port", 0)), tuple(sources)))
    return tuple(result)
