"""Applications of a fleet as runs of `conpaas fleet up`: which ones a commit has to do with, and how a run ended."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from conpaas_iac.core.environments import title
from conpaas_iac.fleet import approvals, repository, survey
from conpaas_iac.fleet.approvals import Approval
from conpaas_iac.fleet.repository import Choice
from conpaas_iac.runs.workers import Done
from conpaas_iac.sync.backlog import Outcome
from conpaas_iac.system.git import GitError

OUTCOMES: Mapping[int, Outcome] = {0: "done", 2: "waiting", 4: "busy", 130: "interrupted"}


def touched(tree: Path, before: str, commit: str) -> tuple[str, ...]:
    """Titles of the applications that the commits since `before` change or approve; all where that is not known."""
    span, approved = "", frozenset[Approval]()
    if before:
        with suppress(GitError):  # after a force-push the commit before may be gone
            approved = approvals.since(tree, [f"{before}..{commit}"])[0]
            span = f"{before}..{commit}"
    changed = survey.meant(repository.opened(tree, Choice(span=span)))
    if not approved:
        return changed
    wanted = {*changed, *(title(*each.key) for each in approved)}  # of what there is: else it is tried for ever
    return tuple(each for each in survey.meant(repository.opened(tree, Choice())) if each in wanted)


class Runs:
    """One run an application."""

    def command(self, tree: Path, name: str) -> Sequence[str]:
        """See following.Maker. Git has the lock files: none is written."""
        return ("fleet", "up", name, "-C", str(tree), "--locked", "--format", "json")

    def outcome(self, done: Done) -> tuple[Outcome, str]:
        """See following.Maker."""
        outcome = OUTCOMES.get(done.code, "failed")
        return outcome, _text(done) if outcome != "interrupted" else ""


def _text(done: Done) -> str:
    """One line of what it did, or why not."""
    try:
        application: dict[str, Any] = json.loads(done.printed)["applications"][0]
    except (ValueError, LookupError):
        lines = done.said.strip().splitlines()
        return lines[0].removeprefix("error: ") if lines else ""
    error = (application.get("result") or {}).get("error", "")
    counts = ", ".join(f"{count} {word}" for word, count in application["machines"].items() if count)
    lines = (error or application["why"] or counts or application["what"]).splitlines()
    if application["what"] == "wait":
        lines = [lines[0], application["remedy"]]
    return "; ".join(lines) if len(lines) == 2 else lines[0]  # what is wrong, and what to do; of more, the first
