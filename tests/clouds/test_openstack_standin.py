"""The OpenStack stand-in is one: the real SDK and the real engine make things there, and it refuses what is wrong."""

import re
from collections.abc import Callable
from pathlib import Path

import pulumi
import pulumi_openstack as openstack
import pytest
from pulumi.automation.errors import CommandError

from tests.clouds.programs import LOGIN, USER_DATA, Programs, reached
from tests.e2e.machines import until
from tests.standins.found import DEBIAN
from tests.standins.lab import Lab
from tests.standins.plugin import ask_fault

CIDR = "10.61.20.0/24"
GATEWAY = "10.61.20.1"  # this host, as the servers see it


def network() -> tuple[openstack.networking.Subnet, openstack.networking.RouterInterface]:
    outside = openstack.networking.get_network(name="public")
    net = openstack.networking.Network("net")
    subnet = openstack.networking.Subnet("net", network_id=net.id, cidr=CIDR, ip_version=4)
    router = openstack.networking.Router("net", external_network_id=outside.id)
    return subnet, openstack.networking.RouterInterface("net", router_id=router.id, subnet_id=subnet.id)


def server(flavor: str = "m1.tiny", source: str = f"{GATEWAY}/32") -> Callable[[], None]:
    """A program: a network, a group with one rule, a key, a server and its public address."""

    def program() -> None:
        subnet, interface = network()
        group = openstack.networking.SecGroup("web")
        openstack.networking.SecGroupRule(
            "ssh", direction="ingress", ethertype="IPv4", protocol="tcp", port_range_min=22, port_range_max=22,
            remote_ip_prefix=source, security_group_id=group.id,
        )  # fmt: skip
        key = openstack.compute.Keypair("login", public_key=LOGIN[1])
        port = openstack.networking.Port(
            "web", network_id=subnet.network_id, fixed_ips=[{"subnet_id": subnet.id}], security_group_ids=[group.id]
        )
        made = openstack.compute.Instance(
            "web", flavor_name=flavor, image_id=openstack.images.get_image(name=DEBIAN).id, key_pair=key.name,
            networks=[{"port": port.id}], metadata={"owner": "me"},
            user_data=pulumi.Output.secret(USER_DATA),
        )  # fmt: skip
        after = pulumi.ResourceOptions(depends_on=[interface, made])
        address = openstack.networking.FloatingIp("web", pool="public", port_id=port.id, opts=after)
        pulumi.export("public", address.address)
        pulumi.export("private", made.access_ip_v4)

    return program


def test_a_server_is_reached_changed_and_gone(programs: Programs, openstack: Lab, tmp_path: Path) -> None:
    """Strictly, at the first connection, at its public address and at no other."""
    made = programs.up(server())
    until(lambda: reached(made["public"], tmp_path))
    assert not reached(made["private"], tmp_path)
    before = openstack.servers()
    assert [each["metadata"] for each in before.values()] == [{"owner": "me"}]

    programs.up(server("m1.small"))
    assert {key: each["memory"] for key, each in openstack.servers().items()} == dict.fromkeys(before, 2048)
    until(lambda: reached(made["public"], tmp_path))

    programs.up(server("m1.small", "10.61.20.99/32"))
    assert not reached(made["public"], tmp_path)

    programs.destroy()
    kinds = ("network", "subnet", "router", "interface", "group", "key", "port", "address")
    assert {kind: openstack.all(kind) for kind in kinds} == {kind: {} for kind in kinds}
    assert openstack.servers() == {}
    assert [each.name for each in openstack.host.networks.all() if each.description == openstack.project] == []


def refusal(programs: Programs, program: Callable[[], None]) -> str:
    with pytest.raises(CommandError) as raised:
        programs.up(program)
    return re.sub(r"\s+", " ", str(raised.value))


def test_what_the_real_one_would_refuse(programs: Programs, openstack: Lab) -> None:
    """Inputs by name, as the SDK knows them; things that are not there; more than the quota."""

    def misspelt() -> None:
        pulumi.CustomResource("openstack:networking/network:Network", "n", {"nome": "x"})

    def incomplete() -> None:
        pulumi.CustomResource("openstack:networking/subnet:Subnet", "n", {"cidr": CIDR})

    assert "An argument named 'nome' is not expected here" in refusal(programs, misspelt)
    assert "Missing required argument: networkId" in refusal(programs, incomplete)
    assert "Flavor m9.none could not be found" in refusal(programs, server("m9.none"))
    programs.destroy()
    with openstack.locked():
        openstack.set("quota.instances", "0")
    assert "Quota exceeded for instances: Requested 1, but already used 0 of 0" in refusal(programs, server())
    with openstack.locked():
        openstack.set("quota.instances", None)


def test_a_create_that_times_out_after_it_succeeded(programs: Programs, openstack: Lab) -> None:
    """The engine knows of no server, and yet there is one."""
    ask_fault(openstack, "openstack:compute/instance:Instance", "late")
    assert "timeout while waiting" in refusal(programs, server())
    assert len(openstack.servers()) == 1
    with openstack.locked():
        openstack.remove_server(next(iter(openstack.servers())))
        for name, port in openstack.all("port").items():
            openstack.put("port", name, {**port, "server": ""})
