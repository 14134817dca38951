"""Who may push may approve: a commit whose message ends with `Approve: shop downtime` lets `fleet up` do just that.

An approval counts for the application as it was then: a commit that changes the application again wants another one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.plans.plan import DANGERS, Danger
from conpaas_iac.system import git

TRAILER = "Approve"
DEFAULT = "default"  # environment


@dataclass(frozen=True)
class Approval:
    """Changes of this class of an application are allowed."""

    application: str
    environment: str
    danger: Danger


def line(application: str, environment: str, danger: Danger) -> str:
    """As it is written at the end of a commit's message."""
    place = application if environment == DEFAULT else f"{application}:{environment}"
    return f"{TRAILER}: {place} {danger}"


def parse(values: Iterable[str]) -> tuple[frozenset[Approval], tuple[str, ...]]:
    """Approvals, and what is none: each as it was written."""
    found, odd = set(), []
    for value in values:
        place, _, rest = value.strip().partition(" ")
        application, _, environment = place.partition(":")
        word = " ".join(rest.lower().replace("-", " ").split())
        danger = next((each for each in DANGERS if each == word), None)
        if application and danger:
            found.add(Approval(application, environment or DEFAULT, danger))
        elif value.strip():
            odd.append(value.strip())
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
