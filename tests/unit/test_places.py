"""Named clouds: what stays the same place under another name, and what does not."""

import json
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conpaas_iac.core.places import Place, Places, named, settled
from conpaas_iac.core.placing import placed
from conpaas_iac.errors import UserError
from conpaas_iac.settings import Settings
from conpaas_iac.usecases import wish
from conpaas_iac.usecases.wish import Request
from tests.builders import build, service, wanted


def fixed(provider: str) -> tuple[str, ...]:
    return ("Region",)


def place(name: str, region: str = "eu", **rest: str) -> Place:
    return Place(name, "aws", {"Region": region, **rest})


def of(*places: Place) -> Places:
    return {each.name: each for each in places}


def test_a_provider_by_its_own_name_is_a_place() -> None:
    assert named({}, "lxd") == Place("lxd", "lxd")
    assert named(of(place("ec2")), "ec2").settings == {"Region": "eu"}


def test_settings_that_do_not_say_where_it_is_may_change() -> None:
    found = settled(of(place("ec2", Size="large")), of(place("ec2", Size="small")), {"ec2"}, fixed)
    assert found == of(place("ec2", Size="large"))


def test_another_region_is_another_place() -> None:
    with pytest.raises(UserError, match="Region of the cloud ec2 was 'eu', where machines are, and is 'us'") as raised:
        settled(of(place("ec2", "us")), of(place("ec2")), {"ec2"}, fixed)
    assert '"Clouds"' in raised.value.remedy
    with pytest.raises(UserError, match="the cloud ec2 was aws, where machines are, and is lxd"):
        settled(of(Place("ec2", "lxd")), of(place("ec2")), {"ec2"}, fixed)
    assert settled(of(place("ec2", "us")), of(place("ec2")), (), fixed) == of(place("ec2", "us"))


def test_resources_keep_their_names_when_a_place_gets_another_one_and_back() -> None:
    once = settled(of(place("work")), of(place("ec2")), {"ec2"}, fixed)
    assert once["work"].resource == "ec2"
    twice = settled(of(place("home")), once, {"work"}, fixed)
    assert twice["home"].resource == "ec2"
    # The former name may stand for another place then, whose resources have other names.
    third = settled(of(twice["home"], place("ec2", "us")), twice, {"home"}, fixed)
    assert {name: each.resource for name, each in third.items()} == {"home": "ec2", "ec2": "ec2-new"}
    assert settled(of(place("ec2")), once, {"work"}, fixed) == of(place("ec2"))


names = st.sampled_from(["a", "b", "c", "d"])
regions = st.sampled_from(["eu", "us"])


@given(st.dictionaries(names, regions), st.dictionaries(names, regions))
def test_no_two_places_share_the_names_of_resources(
    before: dict[str, str], after: dict[str, str]
) -> None:
    there = of(*(place(name, region) for name, region in before.items()))
    try:
        found = settled(of(*(place(name, region) for name, region in after.items())), there, there.keys(), fixed)
    except UserError:
        assert any(before[name] != after[name] for name in before.keys() & after.keys())
        return
    kept = {each.resource: each for each in there.values()}
    assert len({each.resource for each in found.values()}) == len(found)
    for each in found.values():
        assert each.resource not in kept or kept[each.resource].settings == each.settings


def test_machines_go_along_with_the_name_of_their_place() -> None:
    layout = replace(build(service(cloud="work")), places=of(place("work")))
    machines = wanted(build(service(cloud="ec2"))).machines
    layout, moved = placed(layout, machines, of(place("ec2")), fixed, lambda provider: False)
    assert {each.cloud for each in moved} == {"work"}
    assert layout.places["work"].made_as == "ec2"
    going = replace(machines[0], node="db-1")
    assert placed(layout, (going,), of(place("ec2")), fixed, lambda provider: False)[1][0].cloud == "work"


def test_where_places_share_everything_their_names_mean_nothing() -> None:
    layout = replace(build(service(cloud="desk")), places=of(Place("desk", "lxd"), Place("lxd", "lxd")))
    machines = wanted(build(service(cloud="lxd"))).machines
    assert placed(layout, machines, {}, fixed, lambda provider: True)[1][0].cloud == "desk"
    assert placed(layout, machines, {}, fixed, lambda provider: False)[1][0].cloud == "lxd"


def test_a_new_application_keeps_away_from_the_networks_of_its_clouds(tmp_path: Path) -> None:
    def chosen(**cloud: object) -> IPv4Network:
        settings = {"Provider": "aws", "Region": "eu-west-1", "SshFrom": ["203.0.113.0/24"], **cloud}
        path = tmp_path / "manifest.json"
        document = {"Application": "shop", "Clouds": {"ec2": settings}, "Services": [{"Type": "php", "Cloud": "ec2"}]}
        path.write_text(json.dumps(document))
        return wish.build(Request(path, dry=True), Settings()).topology.range

    before = chosen()
    assert not chosen(Range=str(before)).overlaps(before)
