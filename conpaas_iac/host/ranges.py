"""The ranges of the settings, as networks."""

from ipaddress import IPv4Network

from conpaas_iac.errors import UserError
from conpaas_iac.settings import Settings


def _network(name: str, text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise UserError(
            f"setting {name}: {text!r} is not an IPv4 range: {error}", f"for example {name}=10.32.0.0/11"
        ) from error


def pool(settings: Settings) -> IPv4Network:
    """From which applications and the bridge take theirs."""
    return _network("address_pool", settings.address_pool)


def bridge(settings: Settings) -> IPv4Network:
    """The guests' range on the bridge; it has to be inside the pool, or the unreachable route would not cover it."""
    network, around = _network("lxd_bridge_range", settings.lxd_bridge_range), pool(settings)
    if not network.subnet_of(around) or network.prefixlen > 28:
        raise UserError(
            f"setting lxd_bridge_range: {network} should be a part of the address pool {around}, /28 or larger",
            "set CONPAAS_LXD_BRIDGE_RANGE",
        )
    return network
