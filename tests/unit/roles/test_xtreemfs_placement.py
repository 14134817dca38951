"""Where the copies of a volume lie: what is said, the storage class, and back."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.roles import rendered

placement = rendered.program("xtreemfs", "filesystem/placement.py")


def osds(*clouds: str) -> list[dict[str, Any]]:
    """Numbered from 1."""
    return [{"name": f"files-{at}", "ordinal": at, "cloud": cloud} for at, cloud in enumerate(clouds, 1)]


MIXED = osds("lxd", "lxd", "uni", "ec2", "lxd")


@pytest.mark.parametrize(
    ("said", "copies", "name", "definition"),
    [
        ("files-3,files-1,files-3", 2, "2 on AC", ("S", "2[A+C]")),
        ("files-4", 1, "1 on D", ("S", "1D")),
        ("cloud:lxd", 2, "2 cloud lxd", ("S", "2[A+B+E]")),
        ("cloud:uni", 1, "1 cloud uni", ("S", "1C")),
        ("clouds", 1, "1 clouds", ("D", "[A+B+C+D+E]")),
        ("clouds", 2, "2 clouds", ("D", "[A+B+E],[C+D]")),
        ("clouds", 3, "3 clouds", ("D", "[A+B+E],D,C")),
        ("clouds", 5, "5 clouds", ("D", "[A+B+E],D,C,*,*")),
    ],
)
def test_what_is_said_becomes_a_storage_class(said: str, copies: int, name: str, definition: tuple[str, str]) -> None:
    policy = placement.asked(said, copies, MIXED)
    assert (policy.name, placement.definition(policy, MIXED)) == (name, definition)


def test_copies_anywhere_are_a_class_that_is_there() -> None:
    assert placement.asked("any", 3, MIXED).name == "3"


def test_an_osd_beyond_the_letters_is_named_by_nobody() -> None:
    many = osds(*["lxd"] * 26, "uni")
    with pytest.raises(placement.Refused, match="files-27: only an OSD with a number up to 26"):
        placement.asked("files-27", 1, many)
    assert placement.definition(placement.Policy(2, "clouds"), many[26:]) == ("D", "*,*")
    with pytest.raises(placement.Refused, match="1 copy needs as many OSDs, and cloud:uni has 0"):
        placement.refuse_few(placement.asked("cloud:uni", 1, many), many)


@pytest.mark.parametrize("name", ["", "0", "2 striped", "2 on", "2 cloud a b", "gold"])
def test_a_class_of_somebody_else_is_none_of_ours(name: str) -> None:
    assert placement.of_class(name) is None


CLOUDS = st.lists(st.sampled_from(["lxd", "uni", "ec2", "das6"]), min_size=1, max_size=26)


@given(CLOUDS, st.integers(1, 9), st.data())
def test_a_policy_comes_back_as_it_was_said(clouds: list[str], copies: int, data: st.DataObject) -> None:
    there = osds(*clouds)
    names = st.lists(st.sampled_from([osd["name"] for osd in there]), min_size=1, unique=True)
    named = names.map(lambda found: ",".join(sorted(found, key=lambda name: int(name.partition("-")[2]))))
    said = data.draw(st.one_of(st.sampled_from(["any", "clouds", *(f"cloud:{cloud}" for cloud in clouds)]), named))
    policy = placement.of_class(placement.asked(said, copies, there).name)
    assert (policy.copies, placement.text(policy, there)) == (copies, said)


@given(CLOUDS, st.integers(1, 9))
def test_copies_in_different_clouds_share_no_cloud(clouds: list[str], copies: int) -> None:
    there = osds(*clouds)
    _, labels = placement.definition(placement.Policy(copies, "clouds"), there)
    cloud_of = {placement.label(osd["ordinal"]): osd["cloud"] for osd in there}
    found = [{cloud_of[label] for label in re.findall("[A-Z]", each)} for each in labels.split(",")]
    bound = [each for each in found if each]
    assert len(found) == copies and len(bound) == min(copies, len(set(clouds)))
    assert sum(map(len, bound)) == len(set.union(*bound)) == len(set(clouds))
