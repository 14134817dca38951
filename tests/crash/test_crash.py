"""A part of the stories; all of them: make crash-test N=1000."""

from tests.crash.__main__ import several

STORIES, STEPS = (1, 2, 3), 8


def test_one_plain_command_mends_what_a_kill_left() -> None:
    results = several(list(STORIES), STEPS, parallel=2)
    assert not [f"{each.again}: {each.violated}" for each in results if each.violated]
    assert sum(each.runs for each in results) == len(STORIES) * STEPS
    assert sum(each.killed for each in results) >= len(STORIES) * STEPS // 2
