"""Secrets of an application: made with it, held by the stack alone, rotated without a gap."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from conpaas_iac.errors import UserError
from conpaas_iac.machines.visit import Visit, revealed
from conpaas_iac.usecases import lifecycle, rotation
from tests.engine.conftest import World, backends

API = {"Environment": {"API_KEY": {"Secret": "api"}}}


def give(world: World, name: str, value: str) -> int:
    return rotation.give("shop", "default", name, value, world.settings, world.events.append)


def rotate(world: World, name: str) -> int:
    return rotation.rotate("shop", "default", name, world.settings, world.events.append, execute=world.visits)


def told(world: World) -> list[str]:
    """Every text that is on its way to a machine, values in it."""
    texts: list[str] = []

    def look(playbook: str, visits: Sequence[Visit]) -> None:
        texts.extend(revealed(file.content, visit) for visit in visits for file in visit.tree.files)

    world.visits.at_visit = look
    return texts


def test_a_variable_may_be_a_secret_that_was_set_before_the_first_up(world: World) -> None:
    with pytest.raises(UserError, match="secret 'api' of web's variable API_KEY has no value"):
        world.up({**backends(1), **API})
    assert give(world, "api", "pa$$ word'1") == 1
    texts = told(world)
    world.up({**backends(1), **API})
    assert any("pa${dollar}${dollar} word'1" in text for text in texts)
    kept = [path.read_text(errors="replace") for path in world.folder.parent.rglob("*") if path.is_file()]
    assert not any("word'1" in text for text in kept)
    record = json.loads(next((world.folder.parent / "state").rglob("record.json")).read_text())
    assert any("⟦api@1|nginx⟧" in text for text in record["contents"].values())
    assert world.up().plan.is_empty


def test_machines_that_were_stopped_or_hear_who_is_locked_out_keep_their_secrets(world: World) -> None:
    give(world, "api", "one")
    world.up({**backends(2), **API})
    lifecycle.stop("shop", "default", "", world.settings, world.events.append)
    lifecycle.start("shop", "default", "", world.settings, world.events.append, world.visits)
    assert ("prove", ("web-1", "web-2")) in world.visits.seen
    world.up({**backends(1), **API})
    assert world.up().plan.is_empty


def test_rotation_tells_who_uses_it_and_ends_with_one_version(world: World) -> None:
    give(world, "api", "one")
    world.up({**backends(2), **API}, {"ServiceName": "other"})
    texts = told(world)
    world.visits.seen.clear()
    assert rotate(world, "api") == 2
    assert world.visits.seen == [("configure", ("web-1", "web-2"))]
    assert texts and not any('"one"' in text for text in texts)
    keys = {key for key in world.engine().applied().secrets if key.startswith("api@")}
    assert keys == {"api@2"}
    assert world.up().plan.is_empty
    known: dict[str, Any] = {each.name: each for each in rotation.known("shop", "default", world.settings)}
    assert (known["api"].version, known["api"].users) == (2, ("web-1", "web-2"))


def test_a_rotation_that_was_cut_off_ends_with_the_next_up(world: World) -> None:
    give(world, "api", "one")
    world.up({**backends(2), **API})
    world.visits.fail("web-2")
    with pytest.raises(Exception, match="web-2: not told the new value"):
        rotate(world, "api")
    world.visits.failing.clear()
    out = world.up()
    assert [change.node for change in out.plan.changes] == ["web-2"]
    assert {key for key in world.engine().applied().secrets if key.startswith("api@")} == {"api@2"}
    assert world.up().plan.is_empty


@pytest.mark.parametrize("value", ["", "two\nlines", "bell\a"])
def test_what_no_file_can_hold_is_refused(world: World, value: str) -> None:
    with pytest.raises(UserError, match="one line of text"):
        give(world, "api", value)
