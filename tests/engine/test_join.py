"""Letting an operator's machine into an application's network: record, certificate, who is told."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from conpaas_iac.backend import lockfile, record
from conpaas_iac.backend.record import Record
from conpaas_iac.errors import MachineError, UserError
from conpaas_iac.host import nebula
from conpaas_iac.network import certificates, vpn
from conpaas_iac.network.certificates import Facts
from conpaas_iac.usecases import inspection, joining
from conpaas_iac.usecases.joining import Joined, Wanted
from conpaas_iac.views import status
from tests.engine.conftest import World, backends

TWO = ({"ServiceName": "front", **backends(2)}, {"ServiceName": "back"})


def join(world: World, name: str = "alice", hours: float = 2, by: str = "alice@laptop", **more: object) -> Joined:
    reach = more.pop("reach", ("front",))
    wanted = Wanted("shop", "default", name, reach, timedelta(hours=hours), by, **more)  # type: ignore[arg-type]
    return joining.join(wanted, world.settings, world.events.append, world.visits)


def end(world: World, name: str = "alice") -> None:
    joining.end("shop", "default", name, world.settings, world.events.append, world.visits)


def recorded(world: World) -> Record:
    return record.read(world.engine().shelf, "shop.default")


def certificate(world: World, joined: Joined) -> Facts:
    return certificates.read(nebula.need(world.settings).cert, (joined.folder / "node.crt").read_text())[0]


def test_it_is_given_what_it_may_and_no_more_and_no_machine_is_visited(world: World) -> None:
    world.up(*TWO)
    visits = list(world.visits.seen)
    joined = join(world)
    assert world.visits.seen == visits
    span = lockfile.decode((world.folder / "conpaas.lock.json").read_bytes()).range
    facts = certificate(world, joined)
    assert facts.networks == (f"{span.network_address + 1}/16",)
    assert facts.groups == ("reach:front",)
    assert abs(facts.ends - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)
    assert [facts.fingerprint] == [each.fingerprint for each in joined.join.certificates]
    assert [(port.node, port.port, port.protocol) for port in joined.ports] == [("front-1", 80, "tcp")]
    assert recorded(world).joins == (joined.join,)
    assert world.up().plan.is_empty


def test_its_folder_holds_all_that_nebula_needs_for_its_owner_alone(world: World) -> None:
    world.up(*TWO)
    joined = join(world)
    assert joined.folder == world.settings.state / "joins" / "shop.default" / "alice"
    modes = {path.name: path.stat().st_mode & 0o777 for path in joined.folder.iterdir()}
    assert modes == dict.fromkeys(["ca.crt", "config.yml", "node.crt", "node.key", "node.pub"], 0o600)
    assert joined.folder.stat().st_mode & 0o777 == 0o700
    config = yaml.safe_load((joined.folder / "config.yml").read_text())
    assert config["pki"]["key"] == str(joined.folder / "node.key")
    lights = {world.applied()[node].address.partition("/")[0] for node in recorded(world).lighthouses}
    assert set(config["lighthouse"]["hosts"]) == set(config["static_host_map"]) == lights
    assert (config["firewall"]["inbound"], config["listen"]["port"]) == ([], 0)
    assert config["tun"]["mtu"] == yaml.safe_load(recorded(world).files("front-1")[vpn.CONFIG])["tun"]["mtu"]
    key = re.sub(r"\s", "", world.engine().machines().keys.splitlines()[1])
    for path in (path for path in world.folder.parent.rglob("*") if path.is_file() and "bin" not in path.parts):
        assert key not in path.read_bytes().decode("latin-1"), path


def test_another_folder_and_what_is_in_it(world: World, tmp_path: Path) -> None:
    world.up(*TWO)
    folder = tmp_path / "nebula"
    assert join(world, out=folder).folder == folder
    (folder / "node.pub").unlink()
    with pytest.raises(UserError, match=r"config\.yml is not of `conpaas join`"):
        join(world, out=folder)


def test_renewing_keeps_address_and_key_and_locks_out_what_allowed_more(world: World) -> None:
    world.up(*TWO)
    first = join(world)
    key = (first.folder / "node.key").read_bytes()
    world.visits.seen.clear()
    longer = join(world, hours=5, reach=("back", "front"))
    assert (longer.join.address, (longer.folder / "node.key").read_bytes()) == (first.join.address, key)
    assert (first.is_renewed, longer.is_renewed, world.visits.seen) == (False, True, [])
    [kept] = recorded(world).joins
    assert kept.certificates[0].fingerprint == first.join.certificates[0].fingerprint
    narrower = join(world, hours=5)
    assert world.visits.seen == [("tell", ("back-1", "front-1", "front-2"))]
    assert recorded(world).joins == (narrower.join,)
    assert {each.fingerprint for each in recorded(world).blocked} == {each.fingerprint for each in kept.certificates}
    assert join(world, "bob", by="bob@desk").join.address != first.join.address
    with pytest.raises(UserError, match="'alice' is the join of alice@laptop"):
        join(world, by="bob@desk")


def test_ending_it_blocks_its_certificates_on_every_machine(world: World) -> None:
    world.up(*TWO)
    fingerprint = join(world).join.certificates[0].fingerprint
    world.visits.seen.clear()
    world.visits.fail("front-2")
    with pytest.raises(MachineError, match="front-2: not told"):
        end(world)
    assert [each.name for each in recorded(world).joins] == ["alice"]  # until all know
    world.visits.failing.clear()
    end(world)
    assert [nodes for _, nodes in world.visits.seen] == [("back-1", "front-1", "front-2"), ("front-2",)]
    there = recorded(world)
    assert (there.joins, [each.fingerprint for each in there.blocked]) == ((), [fingerprint])
    for node in there.nodes:
        assert yaml.safe_load(there.files(node)[vpn.CONFIG])["pki"]["blocklist"] == [fingerprint]
    assert not (world.settings.state / "joins" / "shop.default" / "alice").exists()
    assert world.up().plan.is_empty
    with pytest.raises(UserError, match="nobody has joined shop as 'alice'"):
        end(world)
    assert join(world).join.name == "alice"


def test_a_machine_that_rests_is_told_by_the_next_up(world: World) -> None:
    world.up(*TWO)
    join(world)
    world.lxd.halt("shop--back-1")
    world.visits.seen.clear()
    end(world)
    assert world.visits.seen == [("tell", ("front-1", "front-2"))]
    world.up()
    assert world.visits.seen == [("configure", ("back-1",))]


def test_what_cannot_be_joined(world: World) -> None:
    with pytest.raises(UserError, match="no application 'shop'"):
        join(world)
    world.up(*TWO)
    with pytest.raises(UserError, match="no machines of service 'blog'") as unknown:
        join(world, reach=("blog", "front"))
    assert unknown.value.remedy == "services: back, front"
    for machine in world.lxd.running():
        world.lxd.halt(machine)
    with pytest.raises(UserError, match="nothing of shop runs"):
        join(world)
    assert recorded(world).joins == ()


def test_status_says_who_joined(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.up(*TWO)
    join(world, hours=1)
    monkeypatch.setattr(inspection, "_probe", lambda looked, machine: status.Probe({}, False))
    monkeypatch.setattr(inspection, "_answer", lambda url: "200")
    [said] = inspection.status_of("shop", "default", world.settings).joins
    assert (said.name, said.reach, said.by) == ("alice", ("front",), "alice@laptop")
    assert said.left in ("59 min", "1 h")
    assert json.dumps(said.ends)


def test_an_address_of_a_join_is_no_machines(world: World) -> None:
    world.up(*TWO)
    address = join(world).join.address
    with pytest.raises(UserError, match=f"is to have the address {address}"):
        world.up(*TWO, {"ServiceName": "new", "Address": address})
    end(world)
    world.up(*TWO, {"ServiceName": "new", "Address": address})
    assert world.applied()["new-1"].address.startswith(address)
    assert join(world).join.address != address
