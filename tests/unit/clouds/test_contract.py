"""What every cloud file declares: a machine a node, the ports of the topology and no other, all outputs, no secret."""

import re
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
from conpaas_iac.settings import Settings
from tests.builders import build, service
from tests.unit.clouds.mocks import PRIVATE, Declared, run, texts

# Settings that make a cloud usable; a cloud that needs some has its line here.
NEEDED: dict[str, dict[str, Any]] = {"aws": {"Region": "eu-west-1", "SshFrom": ["203.0.113.0/24"]}, "lxd": {}}
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
    for name in found.resources:
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
        assert kind.made({"publicIp": "198.51.100.1", "ip": "198.51.100.1", "hostKey": "ssh-ed25519 AAAA"}, near) == {
            "ip": "198.51.100.1",
            "hostKey": "ssh-ed25519 AAAA",
        }


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
