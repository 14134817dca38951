"""A forge, spoken to as GitHub or as GitLab."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from conpaas_iac.forge import github
from conpaas_iac.forge.base import Forge
from conpaas_iac.forge.github import GitHub
from conpaas_iac.forge.gitlab import GitLab
from conpaas_iac.forge.rest import Rest
from tests.standins.forge import PROJECT, REPOSITORY, TOKEN, Standin, standin


@dataclass
class Clock:
    """Time that passes only while somebody waits."""

    now: float = 0.0
    pauses: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


@pytest.fixture
def server() -> Iterator[Standin]:
    with standin() as found:
        yield found


@pytest.fixture
def clock() -> Clock:
    return Clock()


def made(kind: str, server: Standin, clock: Clock) -> Forge:
    times: dict[str, Any] = {"sleep": clock.sleep, "clock": lambda: clock.now}
    if kind == "github":
        return GitHub(Rest(server.github, github.headers(TOKEN), **times), REPOSITORY)
    return GitLab(Rest(server.gitlab, {"PRIVATE-TOKEN": TOKEN}, **times), PROJECT)


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest, server: Standin, clock: Clock) -> Forge:
    return made(request.param, server, clock)
