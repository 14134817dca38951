"""How a run of `fleet up` ended, in one line."""

import json
from typing import Any

import pytest

from conpaas_iac.runs.workers import Done
from conpaas_iac.sync.making import Runs

APPLICATION = {"what": "apply", "why": "", "remedy": "", "machines": {"add": 1, "change": 0}, "result": None}


def done(code: int, **fields: Any) -> Done:
    return Done(code, printed=json.dumps({"applications": [{**APPLICATION, **fields}]}), said="error: other\nmore")


@pytest.mark.parametrize(
    ("ended", "outcome", "text"),
    [
        (done(0), "done", "1 add"),
        (done(0, what="as it is", machines={}), "done", "as it is"),
        (done(2, what="wait", why="downtime waits", remedy="--approve downtime"), "waiting",
         "downtime waits; --approve downtime"),
        (done(1, what="refuse", why="no secret\nconpaas secret set shop api"), "failed",
         "no secret; conpaas secret set shop api"),
        (done(1, what="refuse", why="a.json:1: error\n  1 | {\n  ^"), "failed", "a.json:1: error"),
        (done(3, result={"error": "web-1, verify: 502"}), "failed", "web-1, verify: 502"),
        (Done(4, said="error: held by ann\n  → wait"), "busy", "held by ann"),
        (Done(137), "failed", ""),
        (Done(130, said="error: stopped"), "interrupted", ""),
    ],
)  # fmt: skip
def test_one_line(ended: Done, outcome: str, text: str) -> None:
    assert Runs().outcome(ended) == (outcome, text)
