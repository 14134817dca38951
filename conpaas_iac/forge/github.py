"""GitHub's REST API, version 2022-11-28; GitHub Enterprise Server has the same under another address."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from conpaas_iac.forge.base import LONGEST_DESCRIPTION, PLANS, Comment, Forge, Request, State
from conpaas_iac.forge.rest import ForgeError, Rest

API = "https://api.github.com"
WORKFLOW = "conpaas.yml"


def headers(token: str) -> dict[str, str]:
    """Of every call."""
    known = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    return {**known, "Authorization": f"Bearer {token}"}


@dataclass(frozen=True)
class GitHub(Forge):
    """One repository: "owner/name"."""

    rest: Rest
    repository: str
    sign = "#"

    @property
    def _at(self) -> str:
        return f"/repos/{self.repository}"

    @cached_property
    def _login(self) -> str:
        """Who the token is; the one of a workflow is nobody, and writes as a bot."""
        try:
            return str(self.rest.get("/user")["login"])
        except ForgeError as error:
            if error.status not in (401, 403, 404):
                raise
            return ""

    def _is_own(self, user: dict[str, Any]) -> bool:
        return bool(user["login"] == self._login if self._login else user["type"] == "Bot")

    def comments(self, request: int) -> Iterable[Comment]:
        """See Forge."""
        for each in self.rest.pages(f"{self._at}/issues/{request}/comments?per_page=100"):
            yield Comment(each["id"], each["body"] or "", self._is_own(each["user"] or {"login": "", "type": ""}))

    def add_comment(self, request: int, body: str) -> None:
        """See Forge."""
        self.rest.call("POST", f"{self._at}/issues/{request}/comments", {"body": body})

    def change_comment(self, request: int, comment: int, body: str) -> None:
        """See Forge."""
        self.rest.call("PATCH", f"{self._at}/issues/comments/{comment}", {"body": body})

    def remove_comment(self, request: int, comment: int) -> None:
        """See Forge."""
        self.rest.call("DELETE", f"{self._at}/issues/comments/{comment}")

    def labels(self, request: int) -> frozenset[str]:
        """See Forge."""
        return frozenset(each["name"] for each in self.rest.pages(f"{self._at}/issues/{request}/labels?per_page=100"))

    def set_status(self, sha: str, state: State, description: str, url: str = "", context: str = "conpaas") -> None:
        """See Forge."""
        known = {"state": state, "context": context, "description": description[:LONGEST_DESCRIPTION]}
        body = {**known, **({"target_url": url} if url else {})}
        self.rest.call("POST", f"{self._at}/statuses/{sha}", body, twice=True)

    def merged(self, sha: str) -> Request | None:
        """See Forge."""
        for each in self.rest.pages(f"{self._at}/commits/{sha}/pulls?per_page=100"):
            if each["merged_at"] and each["merge_commit_sha"] == sha:
                labels = frozenset(label["name"] for label in each["labels"])
                return Request(each["number"], each["head"]["sha"], labels)
        return None

    def plans(self, request: Request) -> bytes:
        """Runs of a fork are not ours: what they leave is what somebody else wrote."""
        where = f"{self._at}/actions/workflows/{WORKFLOW}/runs?event=pull_request&head_sha={request.head}&per_page=100"
        found = self.rest.pages(where, "workflow_runs")
        runs = [each for each in found if (each["head_repository"] or {}).get("full_name") == self.repository]
        if not runs:
            raise ForgeError(f"no run of {WORKFLOW} in this repository made a plan of {request.head[:12]}")
        last = max(runs, key=lambda run: (run["run_number"], run["run_attempt"]))
        if last["conclusion"] != "success":
            how = last["conclusion"] or last["status"]
            raise ForgeError(f"the last run of {WORKFLOW} for #{request.number} is no success but: {how}")
        artifacts = self.rest.pages(f"{self._at}/actions/runs/{last['id']}/artifacts?name={PLANS}", "artifacts")
        kept = [each for each in artifacts if each["name"] == PLANS and not each["expired"]]
        if not kept:
            raise ForgeError(f"the plans of #{request.number} are kept no more, or there were none")
        newest = max(each["id"] for each in kept)
        return self.rest.call("GET", f"{self._at}/actions/artifacts/{newest}/zip").content
