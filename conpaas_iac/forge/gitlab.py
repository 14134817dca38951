"""GitLab's REST API, version 4, of gitlab.com or a server of one's own."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from conpaas_iac.forge.base import LONGEST_DESCRIPTION, PLANS, Comment, Forge, Request, State
from conpaas_iac.forge.rest import ForgeError, Rest

STATES: dict[State, str] = {"pending": "pending", "success": "success", "failure": "failed", "error": "failed"}


@dataclass(frozen=True)
class GitLab(Forge):
    """One project: its number, or "group/name"."""

    rest: Rest
    project: str
    sign = "!"

    @property
    def _at(self) -> str:
        return f"/projects/{quote(self.project, safe='')}"

    @cached_property
    def _user(self) -> int:
        return int(self.rest.get("/user")["id"])

    def comments(self, request: int) -> Iterable[Comment]:
        """See Forge."""
        where = f"{self._at}/merge_requests/{request}/notes?per_page=100&order_by=created_at&sort=asc"
        for each in self.rest.pages(where):
            if not each["system"]:
                yield Comment(each["id"], each["body"], each["author"]["id"] == self._user)

    def add_comment(self, request: int, body: str) -> None:
        """See Forge."""
        self.rest.call("POST", f"{self._at}/merge_requests/{request}/notes", {"body": body})

    def change_comment(self, request: int, comment: int, body: str) -> None:
        """See Forge."""
        self.rest.call("PUT", f"{self._at}/merge_requests/{request}/notes/{comment}", {"body": body})

    def remove_comment(self, request: int, comment: int) -> None:
        """See Forge."""
        self.rest.call("DELETE", f"{self._at}/merge_requests/{request}/notes/{comment}")

    def labels(self, request: int) -> frozenset[str]:
        """See Forge."""
        return frozenset(self.rest.get(f"{self._at}/merge_requests/{request}")["labels"])

    def set_status(self, sha: str, state: State, description: str, url: str = "", context: str = "conpaas") -> None:
        """GitLab refuses the state that a commit has already: that is as good."""
        known = {"state": STATES[state], "name": context, "description": description[:LONGEST_DESCRIPTION]}
        body = {**known, **({"target_url": url} if url else {})}
        try:
            self.rest.call("POST", f"{self._at}/statuses/{sha}", body, twice=True)
        except ForgeError as error:
            if error.status != 400 or "Cannot transition status" not in error.message:
                raise

    def merged(self, sha: str) -> Request | None:
        """See Forge."""
        for each in self.rest.pages(f"{self._at}/repository/commits/{sha}/merge_requests?state=merged&per_page=100"):
            brought = (each["merge_commit_sha"], each["squash_commit_sha"], each["sha"])
            if each["state"] == "merged" and sha in brought:
                return Request(each["iid"], each["sha"], frozenset(each["labels"]))
        return None

    def plans(self, request: Request) -> bytes:
        """Of the last pipeline of the request in this project: those of a fork are the fork's."""
        pipelines = self.rest.get(f"{self._at}/merge_requests/{request.number}/pipelines?per_page=100")
        own = [each for each in pipelines if each["ref"].startswith(f"refs/merge-requests/{request.number}/")]
        if not own:
            raise ForgeError(f"no pipeline of !{request.number} made a plan")
        last = max(own, key=lambda each: int(each["id"]))
        if last["status"] != "success":
            raise ForgeError(f"the last pipeline of !{request.number} is no success but: {last['status']}")
        if last["ref"].endswith("/head") and last["sha"] != request.head:
            raise ForgeError(f"the last plans of !{request.number} are of {last['sha'][:12]}, not of what was merged")
        jobs = self.rest.pages(f"{self._at}/pipelines/{last['id']}/jobs?per_page=100")
        kept = [each for each in jobs if each["name"] == PLANS and each.get("artifacts_file")]
        if not kept:
            raise ForgeError(f"the plans of !{request.number} are kept no more, or there were none")
        newest = max(int(each["id"]) for each in kept)
        return self.rest.call("GET", f"{self._at}/jobs/{newest}/artifacts").content
