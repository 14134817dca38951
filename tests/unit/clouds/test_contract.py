"""What every cloud file declares: a machine a node, the ports of the topology and no other, all outputs, no secret."""

import re
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from typing import Any

import pytest

from conpaas_iac import clouds
from conpaas_iac.core import declaration
from conpaas_iac.core.declaration import Declaration
from conpaas_iac.core.layout import SIZES
from conpaas_iac.core.places import Place
from conpaas_iac.engine import stack
from conpaas_iac.manifest.model import Publish
from conpaas_iac.openstack import lookup
from conpaas_iac.settings import Settings
from tests.builders import build, service
from tests.unit.clouds.mocks import PRIVATE, Declared, run, texts

# Settings that make a cloud usable; a cloud that needs some has its line here.
NEEDED: dict[str, dict[str, Any]] = {
    "aws": {"Region": "eu-west-1", "SshFrom": ["203.0.113.0/24"]},
    "lxd": {},
    "openstack": {"SshFrom": ["203.0.113.0/24"]},
}
EVERY = clouds.names()


def target(provider: str, place: str = "far", **fields: Any) -> Declaration:
    """A web service with a public proxy and a port for some, and a database that keeps data."""
    publish = (Publish("web", 8080, (IPv4Network("198.51.100.0/24"),)),)
    web = service(counts={"backend": 2}, placement="spread", cloud=place, publish=publish, uses=("db",))
    db = service("db", {"mysql": 2, "glb": 1}, type="mysql", cloud=place, options={}, fields={})
    layout = replace(build(web, db), places={place: Place(place, provider, {**NEEDED[provider], **fields})})
    return declaration.wanted(layout, {node.name: "debian-12" for node in layout.nodes})


def declared(wanted: Declaration) -> tuple[Declared, Any]:
    return run(lambda: stack.declare(wanted, Settings(backend="s3://bucket/prefix")))


@pytest.fixture(scope="module", autouse=True)
def found_by_openstacksdk() -> Iterator[None]:
    """What the client library is asked for when a place on OpenStack is declared."""
    flavors = (lookup.Flavor(1024, 1, 20, "a"), lookup.Flavor(2**17, 64, 0, "b"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "flavors", lambda place: flavors)
        patch.setattr(lookup, "images", lambda place: {"debian-12": "id-of-debian"})
        patch.setattr(lookup, "network", lambda place, name="", external=False: lookup.Network("id-of-net", "net"))
        yield


@pytest.fixture(scope="module", params=EVERY)
def made(request: pytest.FixtureRequest) -> tuple[str, Declaration, Declared, Any]:
    wanted = target(request.param)
    return (request.param, wanted, *declared(wanted))


Made = tuple[str, Declaration, Declared, Any]


def test_a_machine_a_node(made: Made) -> None:
    provider, wanted, found, _ = made
    machines = found.of_type(clouds.kind(provider).MACHINE)
    assert set(machines) == {machine.node for machine in wanted.machines}


def test_outputs_of_every_machine(made: Made) -> None:
    _, wanted, _, outputs = made
    assert set(outputs["nodes"]) == {machine.node for machine in wanted.machines}
    for node, known in outputs["nodes"].items():
        assert known == {"id": f"id-{node}", "ip": "198.51.100.1", "hostKey": "ssh-ed25519 AAAA"}


def test_no_secret_in_plain_properties(made: Made) -> None:
    found = made[2]
    for name, (_, inputs) in found.resources.items():
        for field, value in inputs.items():
            if any(PRIVATE in text for text in texts(value)):
                assert (name, field) in found.secrets, f"{field} of {name}"


def test_names_say_no_sizes_and_no_zones(made: Made) -> None:
    found = made[2]
    for name in (name for name, (typ, _) in found.resources.items() if "Rule" not in typ):  # which say their port
        assert not re.search(r"eu-|west|\d{3,}|t3|micro|small|medium|large", name), name


def test_names_of_resources_do_not_change_with_size_and_image(made: Made) -> None:
    _, wanted, found, _ = made
    larger = tuple(replace(each, cpu=4, memory=8192, image="ami-1") for each in wanted.machines)
    assert set(declared(replace(wanted, machines=larger))[0].resources) == set(found.resources)


def test_what_is_beside_a_machine_or_of_a_place_is_named_after_it(made: Made) -> None:
    """Failures of such a resource are the machine's, or those of all machines of the place."""
    _, wanted, found, _ = made
    ours = {"identity", "authority", *wanted.secrets, "far"}
    nodes = {machine.node for machine in wanted.machines}
    for name, (typ, _) in found.resources.items():
        if typ != "pulumi:pulumi:Stack":
            assert name in ours | nodes or name.partition(".")[0] in {"far", *nodes}, name


def test_the_checkpoint_tells_what_the_machines_are(made: Made) -> None:
    provider, wanted, found, _ = made
    kind = clouds.kind(provider)
    for machine in wanted.machines:
        inputs = found.resources[machine.node][1]
        near = {
            name.removeprefix(f"{machine.node}."): {**values, "publicKey": "ssh-ed25519 AAAA"}
            for name, (_, values) in found.resources.items()
            if name.startswith(f"{machine.node}.")
        }
        assert kind.applied(inputs, near) == machine
        known = {"ip": "198.51.100.1", "hostKey": "ssh-ed25519 AAAA"}
        assert kind.made({"publicIp": known["ip"], "accessIpV4": known["ip"], **known}, near) == known


@pytest.mark.parametrize("provider", [name for name in EVERY if clouds.kind(name).OWN_RESOURCES])
def test_two_places_of_one_provider_have_providers_of_their_own(provider: str) -> None:
    one, other = target(provider, "far"), target(provider, "near")
    others = tuple(replace(each, node=f"b{each.node}", service=f"b{each.service}") for each in other.machines)
    both = replace(one, machines=one.machines + others, places={**one.places, **other.places})
    found, _ = declared(both)
    for name, provided in found.providers.items():
        if provided in ("far", "near"):
            kin = name.partition(".")[0]
            assert provided == ("near" if kin == "near" or kin.startswith("b") else "far"), name
    assert {*found.providers.values()} >= {"far", "near"}


@pytest.mark.parametrize("provider", [name for name in EVERY if "Sizes" in clouds.kind(name).SETTINGS["properties"]])
def test_every_size_may_be_said_anew(provider: str) -> None:
    assert set(clouds.kind(provider).SETTINGS["properties"]["Sizes"]["properties"]) == set(SIZES)


def test_a_group_of_openstack_holds_the_ports_of_the_topology_and_no_other() -> None:
    found, _ = declared(target("openstack"))
    rules = found.of_type("openstack:networking/secGroupRule:SecGroupRule").values()
    said = {(each["securityGroupId"], each["protocol"], each["portRangeMin"], each["remoteIpPrefix"]) for each in rules}
    assert said == {
        ("id-far.machines", "tcp", 22, "203.0.113.0/24"),
        ("id-far.machines", "udp", 4242, "0.0.0.0/0"),
        ("id-web-proxy-1.public", "tcp", 80, "0.0.0.0/0"),
        ("id-web-web-1.public", "tcp", 8080, "198.51.100.0/24"),
    }
    assert all(each["portRangeMin"] == each["portRangeMax"] for each in rules)
    assert {each["direction"] for each in rules} == {"ingress"}


@pytest.mark.parametrize(
    ("settings", "which"),
    [({}, "all"), ({"FloatingIps": "public"}, "public"), ({"Network": "lan"}, ""),
     ({"Network": "lan", "FloatingIps": "public"}, "public")],
)  # fmt: skip
def test_floating_addresses_of_openstack(settings: dict[str, Any], which: str) -> None:
    wanted = target("openstack", **settings)
    found, _ = declared(wanted)
    addresses = {name.partition(".")[0] for name in found.of_type("openstack:networking/floatingIp:FloatingIp")}
    assert addresses == {each.node for each in wanted.machines if which == "all" or (which and each.ports)}
    assert bool(found.of_type("openstack:networking/network:Network")) == ("Network" not in settings)


def test_volumes_of_openstack() -> None:
    """One of its own for data, one to boot from where the flavor has no disk; both of the type that was set."""
    large = target("openstack", VolumeType="LUKS", Data=7)
    large = replace(large, machines=tuple(replace(each, cpu=4, memory=8192) for each in large.machines))
    found, _ = declared(large)
    volumes = found.of_type("openstack:blockstorage/volume:Volume")
    assert volumes
    assert all((each["size"], each["volumeType"]) == (7, "LUKS") for each in volumes.values())
    assert set(volumes) == {f"{machine.node}.data" for machine in large.machines if machine.data}
    for each in found.of_type("openstack:compute/instance:Instance").values():
        (disk,) = each["blockDevices"]
        assert (disk["uuid"], disk["volumeType"], disk["bootIndex"]) == ("id-of-debian", "LUKS", 0)
        assert each.get("imageId") is None


@pytest.mark.parametrize(
    ("settings", "is_public"),
    [({}, True), ({"FloatingIps": "public"}, False), ({"Network": "lan"}, False),
     ({"Network": "lan", "FloatingIps": "all"}, True)],
)  # fmt: skip
def test_openstack_is_reached_where_all_have_floating_addresses(settings: dict[str, Any], is_public: bool) -> None:
    wanted = target("openstack", **settings)
    cloud = clouds.at(wanted.places["far"], Settings())
    assert cloud.is_public == is_public
    sold = [cloud.sold(machine) for machine in wanted.machines]
    assert [each.storage for each in sold] == [20 if machine.data else 0 for machine in wanted.machines]
    assert all(each.addresses for each in sold) == is_public
