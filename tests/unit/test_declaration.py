"""What the stack is told to have."""

from dataclasses import replace

import pytest

from conpaas_iac.core import declaration
from conpaas_iac.errors import UserError
from tests.builders import IMAGE, applied, build, service, wanted


def test_machines_of_a_new_topology() -> None:
    [machine] = wanted(build(service(size="medium"))).machines
    assert (machine.node, machine.service, machine.type, machine.cloud) == ("web-1", "web", "php", "lxd")
    assert (machine.address, machine.cpu, machine.memory) == ("10.42.16.1/16", 2, 2048)
    assert (machine.image, machine.incarnation) == (IMAGE, 1)


def test_what_is_there_keeps_image_and_incarnation() -> None:
    layout = build(service(counts={"backend": 2}))
    there = [replace(applied(layout)[0], image="old", incarnation=4)]
    first, second = declaration.wanted(layout, dict.fromkeys(("web-1", "web-2"), "new"), there).machines
    assert (first.image, first.incarnation) == ("old", 4)
    assert (second.image, second.incarnation) == ("new", 1)


def test_lost_machines_are_born_again_from_todays_image() -> None:
    target = wanted(build(service(counts={"backend": 2})))
    first, second = declaration.reborn(target, ["web-2"], {"web-2": "new"}).machines
    assert first == target.machines[0]
    assert second == replace(target.machines[1], incarnation=2, image="new")


def test_it_is_what_it_was_after_writing_and_reading() -> None:
    target = wanted(build(service(counts={"backend": 3})))
    assert declaration.decode(declaration.encode(target)) == target
    assert declaration.encode(target).decode().splitlines()[1] == '  "application": "shop",'


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"application": 3}'])
def test_what_is_no_declaration_is_said(content: bytes) -> None:
    with pytest.raises(UserError, match="not a declaration"):
        declaration.decode(content)


def test_expansion_keeps_what_goes_beside_what_comes() -> None:
    small, large = build(service()), build(service(counts={"backend": 3}))
    both = declaration.with_going(wanted(small), applied(large), {})
    assert [machine.node for machine in both.machines] == ["web-1", "web-2", "web-3"]
    assert both.clouds == ("lxd",)
