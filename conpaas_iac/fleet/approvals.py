"""Who may push may approve: a commit whose message ends with `Approve: shop downtime` lets `fleet up` do just that;
`Approve: shop data loss db` lets it lose the data of that service.

An approval counts for the application as it was then: a commit that changes the application again wants another one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.core.environments import DEFAULT, title
from conpaas_iac.plans.plan import DANGERS, Danger
from conpaas_iac.system import git

TRAILER = "Approve"
LOSS: Danger = "data loss"
VALUE = re.compile(
    r"(?P<application>[\w-]+)(:(?P<environment>[\w-]*))?\s+(?P<danger>safe|restart|downtime|data[\s-]+loss)"
    r"(\s+(?P<service>[\w-]+))?",
    re.IGNORECASE,
)
SPACE = re.compile(r"[\s-]+")


@dataclass(frozen=True)
class Approval:
    """Changes of this class of an application are allowed; a loss of data, of one service's alone."""

    application: str
    environment: str
    danger: Danger
    service: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """Of the application."""
        return self.application, self.environment


def line(application: str, environment: str, danger: Danger, service: str = "") -> str:
    """As it is written at the end of a commit's message."""
    return f"{TRAILER}: {title(application, environment)} {danger} {service}".rstrip()


def parse(values: Iterable[str]) -> tuple[frozenset[Approval], tuple[str, ...]]:
    """Approvals, and what is none: each as it was written."""
    found, odd = set(), []
    for value in filter(None, map(str.strip, values)):
        match = VALUE.fullmatch(value)
        danger = next((each for each in DANGERS if match and each == SPACE.sub(" ", match["danger"].lower())), None)
        if match is None or danger is None or (danger == LOSS) != bool(match["service"]):
            odd.append(value)
        else:
            place = (match["application"], match["environment"] or DEFAULT)
            found.add(Approval(*place, danger, match["service"] or ""))
    return frozenset(found), tuple(odd)


def since(repository: Path, revisions: Iterable[str]) -> tuple[frozenset[Approval], tuple[str, ...]]:
    """Those of the commits that `git log` lists for these revisions."""
    said = git.run(repository, "log", f"--format=%(trailers:key={TRAILER},valueonly)", *revisions, "--")
    return parse(said.splitlines())


def given(repository: Path, paths: Iterable[str]) -> frozenset[Approval]:
    """Those since, and in, the last commit that changed one of these paths; none where nothing is committed."""
    try:
        last = git.run(repository, "log", "-1", "--format=%H", "HEAD", "--", *paths).strip()
        return since(repository, ("HEAD", "--not", f"{last}^@"))[0] if last else frozenset()
    except git.GitError:
        return frozenset()
