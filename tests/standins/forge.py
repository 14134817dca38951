"""GitHub and GitLab on loopback, as far as conpaas asks them; answers have the shapes of their API's documentation.

It keeps comments, labels, statuses and artifacts of one repository, speaks both languages about them, pages as they do,
and fails as it is told to.
"""

import json
import re
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN, JOB_TOKEN = "token-of-the-test", "what-a-job-has"
REPOSITORY, PROJECT = "team/apps", "7"
SELF, OTHER = 1, 2  # users: who the token is, and somebody else
Record = dict[str, Any]


@dataclass
class Fault:
    """What the next fitting call meets instead of an answer, or after it was done."""

    status: int  # 0: the connection ends without an answer
    headers: dict[str, str] = field(default_factory=dict)
    done: bool = False  # although it is answered so, it was done
    method: str = ""


@dataclass
class Change:
    """A pull or merge request."""

    number: int
    head: str
    labels: list[str] = field(default_factory=list)
    comments: list[Record] = field(default_factory=list)
    merged_as: str = ""
    runs: list[Record] = field(default_factory=list)  # id, status, own, plans: bytes or None


class Standin(ThreadingHTTPServer):
    """One repository: REPOSITORY of GitHub, PROJECT of GitLab."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.changes: dict[int, Change] = {}
        self.statuses: list[Record] = []
        self.faults: deque[Fault] = deque()
        self.seen: list[tuple[str, str, str]] = []  # method, path, token
        self.is_app = False  # the token is a workflow's: it may not ask who it is
        self.storage = self  # where artifacts are: a server of its own, as at the real ones
        self.lock, self.last = threading.RLock(), 100

    def __enter__(self) -> "Standin":
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def github(self) -> str:
        return f"{self.url}/api/v3"

    @property
    def gitlab(self) -> str:
        return f"{self.url}/api/v4"

    def number(self) -> int:
        self.last += 1
        return self.last

    def open(self, number: int = 1, head: str = "a" * 40, labels: tuple[str, ...] = ()) -> Change:
        self.changes[number] = Change(number, head, list(labels))
        return self.changes[number]

    def comment(self, change: Change, body: str, user: int = SELF) -> Record:
        change.comments.append({"id": self.number(), "body": body, "user": user})
        return change.comments[-1]

    def fail(self, status: int, times: int = 1, method: str = "", done: bool = False, **headers: str) -> None:
        self.faults.extend([Fault(status, {k.replace("_", "-"): v for k, v in headers.items()}, done, method)] * times)

    def calls(self, method: str) -> list[str]:
        return [path for verb, path, _ in self.seen if verb == method]


@contextmanager
def standin() -> Iterator[Standin]:
    """Both servers."""
    with Standin() as forge, Standin() as storage:
        storage.changes, forge.storage = forge.changes, storage
        yield forge


class Handler(BaseHTTPRequestHandler):
    server: Standin
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nowhere."""

    def handle_any(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        token = self._token()
        with self.server.lock:
            self.server.seen.append((self.command, self.path, token))
            fault = next((each for each in self.server.faults if each.method in ("", self.command)), None)
            if fault:
                self.server.faults.remove(fault)
            if fault and not fault.done:
                return self._fault(fault)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            status, found = self._route(parts.path, query, body, token)
            if fault:
                return self._fault(fault)
        if isinstance(found, bytes):
            return self.answer(status, found, {"Content-Type": "application/zip"})
        if status == 302:
            return self.answer(302, b"", {"Location": found})
        headers = {}
        items = found if isinstance(found, list) else next((v for v in found.values() if isinstance(v, list)), None)
        if self.command == "GET" and "per_page" in query and items is not None:
            page, size = int(query.get("page", 1)), min(int(query["per_page"]), 100)
            if len(items) > page * size:
                rest = re.sub(r"&page=\d+", "", self.path)
                headers["Link"] = f'<{self.server.url}{rest}&page={page + 1}>; rel="next", <x>; rel="last"'
            kept = items[(page - 1) * size : page * size]
            found = kept if isinstance(found, list) else {k: kept if v is items else v for k, v in found.items()}
        return self.answer(status, b"" if status == 204 else json.dumps(found).encode(), headers)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def _token(self) -> str:
        return str(
            self.headers.get("Authorization", "").removeprefix("Bearer ")
            or self.headers.get("PRIVATE-TOKEN")
            or self.headers.get("JOB-TOKEN")
            or ""
        )

    def _fault(self, fault: Fault) -> None:
        if not fault.status:
            self.close_connection = True
            return
        self.answer(fault.status, json.dumps({"message": "a bad day"}).encode(), fault.headers)

    def answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _route(self, path: str, query: Record, body: Record, token: str) -> tuple[int, Any]:
        if path.startswith("/storage/"):  # signs its addresses: a token is none of its business
            runs = [run for change in self.server.changes.values() for run in change.runs]
            found = next(run["plans"] for run in runs if path.endswith(f"/{run['id']}"))
            return (400, {"message": "a token was sent to the storage"}) if token else (200, found)
        if token not in (TOKEN, JOB_TOKEN):
            return 401, {"message": "Bad credentials"}
        kind = GitHubRoutes if path.startswith("/api/v3/") else GitLabRoutes
        if kind is GitLabRoutes and token == JOB_TOKEN and "/artifacts" not in path:
            return 401, {"message": "401 Unauthorized"}
        routes = kind(self.server, query, body)
        rest = path.split("/", 3)[3]
        for method, pattern, act in routes.table():
            if method == self.command and (found := re.fullmatch(pattern, rest)):
                return act(*map(unquote, found.groups()))
        return 404, {"message": "Not Found"}


Route = tuple[str, str, Callable[..., tuple[int, Any]]]


@dataclass
class GitHubRoutes:
    """https://docs.github.com/en/rest, version 2022-11-28."""

    forge: Standin
    query: Record
    body: Record

    def table(self) -> list[Route]:
        repo = f"repos/{REPOSITORY}"
        return [
            ("GET", "user", self.user),
            ("GET", rf"{repo}/issues/(\d+)/comments", self.comments),
            ("POST", rf"{repo}/issues/(\d+)/comments", self.add),
            ("PATCH", rf"{repo}/issues/comments/(\d+)", self.change),
            ("DELETE", rf"{repo}/issues/comments/(\d+)", self.remove),
            ("GET", rf"{repo}/issues/(\d+)/labels", self.labels),
            ("POST", rf"{repo}/statuses/(\w+)", self.status),
            ("GET", rf"{repo}/commits/(\w+)/pulls", self.pulls),
            ("GET", rf"{repo}/actions/workflows/conpaas.yml/runs", self.runs),
            ("GET", rf"{repo}/actions/runs/(\d+)/artifacts", self.artifacts),
            ("GET", rf"{repo}/actions/artifacts/(\d+)/zip", self.zip),
        ]

    def who(self, user: int) -> Record:
        if user != SELF:
            return {"login": "mallory", "id": user, "type": "User", "site_admin": False}
        if self.forge.is_app:
            return {"login": "github-actions[bot]", "id": 41898282, "type": "Bot", "site_admin": False}
        return {"login": "robot", "id": SELF, "type": "User", "site_admin": False}

    def user(self) -> tuple[int, Any]:
        if self.forge.is_app:
            return 403, {"message": "Resource not accessible by integration", "status": "403"}
        return 200, self.who(SELF)

    def shown(self, comment: Record, number: int) -> Record:
        address = f"{self.forge.github}/repos/{REPOSITORY}/issues/comments/{comment['id']}"
        return {
            "url": address,
            "id": comment["id"],
            "node_id": "MDEyOklzc3Vl",
            "user": self.who(comment["user"]),
            "created_at": "2030-01-01T00:00:00Z",
            "updated_at": "2030-01-01T00:00:00Z",
            "issue_url": f"{self.forge.github}/repos/{REPOSITORY}/issues/{number}",
            "author_association": "CONTRIBUTOR",
            "body": comment["body"],
        }

    def comments(self, number: str) -> tuple[int, Any]:
        return 200, [self.shown(each, int(number)) for each in self.forge.changes[int(number)].comments]

    def add(self, number: str) -> tuple[int, Any]:
        if len(self.body["body"]) > 65536:
            return 422, {"message": "Validation Failed", "errors": [{"message": "body is too long"}]}
        return 201, self.shown(self.forge.comment(self.forge.changes[int(number)], self.body["body"]), int(number))

    def change(self, key: str) -> tuple[int, Any]:
        for change in self.forge.changes.values():
            for each in change.comments:
                if each["id"] == int(key):
                    each["body"] = self.body["body"]
                    return 200, self.shown(each, change.number)
        return 404, {"message": "Not Found"}

    def remove(self, key: str) -> tuple[int, Any]:
        for change in self.forge.changes.values():
            change.comments[:] = [each for each in change.comments if each["id"] != int(key)]
        return 204, {}

    def label(self, name: str) -> Record:
        return {"id": 1, "node_id": "x", "name": name, "description": "", "color": "f29513", "default": False}

    def labels(self, number: str) -> tuple[int, Any]:
        return 200, [self.label(each) for each in self.forge.changes[int(number)].labels]

    def status(self, sha: str) -> tuple[int, Any]:
        if self.body["state"] not in ("error", "failure", "pending", "success"):
            return 422, {"message": "Validation Failed"}
        self.forge.statuses.append({"sha": sha, **self.body})
        return 201, {"id": 1, **self.body}

    def pulls(self, sha: str) -> tuple[int, Any]:
        return 200, [
            {
                "number": each.number,
                "state": "closed",
                "merged_at": "2030-01-01T00:00:00Z",
                "merge_commit_sha": each.merged_as,
                "labels": [self.label(name) for name in each.labels],
                "head": {"ref": "topic", "sha": each.head, "repo": {"full_name": REPOSITORY}},
                "base": {"ref": "main"},
            }
            for each in self.forge.changes.values()
            if each.merged_as == sha
        ]

    def runs(self) -> tuple[int, Any]:
        found = []
        for change in self.forge.changes.values():
            for run in change.runs if change.head == self.query["head_sha"] else ():
                conclusion = run["status"] if run["status"] != "in_progress" else None
                own = REPOSITORY if run["own"] else "mallory/apps"
                found.append(
                    {
                        "id": run["id"],
                        "name": "conpaas",
                        "path": ".github/workflows/conpaas.yml",
                        "run_number": run["id"],
                        "run_attempt": 1,
                        "event": "pull_request",
                        "status": "completed" if conclusion else "in_progress",
                        "conclusion": conclusion,
                        "head_sha": change.head,
                        "head_repository": {"full_name": own},
                    }
                )
        return 200, {"total_count": len(found), "workflow_runs": found}

    def run(self, key: str) -> Record:
        return next(r for c in self.forge.changes.values() for r in c.runs if r["id"] == int(key))

    def artifacts(self, key: str) -> tuple[int, Any]:
        run = self.run(key)
        one = {
            "id": run["id"],
            "name": self.query["name"],
            "size_in_bytes": len(run["plans"] or b""),
            "archive_download_url": f"{self.forge.github}/repos/{REPOSITORY}/actions/artifacts/{run['id']}/zip",
            "expired": run.get("expired", False),
        }
        found = [one] if run["plans"] is not None else []
        return 200, {"total_count": len(found), "artifacts": found}

    def zip(self, key: str) -> tuple[int, Any]:
        return 302, f"{self.forge.storage.url}/storage/{key}"


@dataclass
class GitLabRoutes:
    """https://docs.gitlab.com/api, version 4."""

    forge: Standin
    query: Record
    body: Record

    def table(self) -> list[Route]:
        at = rf"projects/{PROJECT}"
        return [
            ("GET", "user", lambda: (200, self.who(SELF))),
            ("GET", rf"{at}/merge_requests/(\d+)", self.request),
            ("GET", rf"{at}/merge_requests/(\d+)/notes", self.notes),
            ("POST", rf"{at}/merge_requests/(\d+)/notes", self.add),
            ("PUT", rf"{at}/merge_requests/(\d+)/notes/(\d+)", self.change),
            ("DELETE", rf"{at}/merge_requests/(\d+)/notes/(\d+)", self.remove),
            ("POST", rf"{at}/statuses/(\w+)", self.status),
            ("GET", rf"{at}/repository/commits/(\w+)/merge_requests", self.of_commit),
            ("GET", rf"{at}/merge_requests/(\d+)/pipelines", self.pipelines),
            ("GET", rf"{at}/pipelines/(\d+)/jobs", self.jobs),
            ("GET", rf"{at}/jobs/(\d+)/artifacts", self.artifacts),
        ]

    def who(self, user: int) -> Record:
        name = "project_7_bot" if user == SELF else "mallory"
        return {"id": user, "username": name, "name": name, "state": "active"}

    def shown(self, note: Record, number: int) -> Record:
        return {
            "id": note["id"],
            "body": note["body"],
            "author": self.who(note["user"]),
            "system": False,
            "noteable_type": "MergeRequest",
            "noteable_iid": number,
            "resolvable": False,
        }

    def notes(self, number: str) -> tuple[int, Any]:
        system = {**self.shown({"id": 1, "body": "added 1 commit", "user": SELF}, int(number)), "system": True}
        return 200, [system, *(self.shown(each, int(number)) for each in self.forge.changes[int(number)].comments)]

    def add(self, number: str) -> tuple[int, Any]:
        return 201, self.shown(self.forge.comment(self.forge.changes[int(number)], self.body["body"]), int(number))

    def change(self, number: str, key: str) -> tuple[int, Any]:
        for each in self.forge.changes[int(number)].comments:
            if each["id"] == int(key):
                each["body"] = self.body["body"]
                return 200, self.shown(each, int(number))
        return 404, {"message": "404 Not found"}

    def remove(self, number: str, key: str) -> tuple[int, Any]:
        change = self.forge.changes[int(number)]
        change.comments[:] = [each for each in change.comments if each["id"] != int(key)]
        return 204, {}

    def status(self, sha: str) -> tuple[int, Any]:
        """A state that is there already is refused, as GitLab does."""
        last = next((e for e in reversed(self.forge.statuses) if (e["sha"], e["name"]) == (sha, self.body["name"])), {})
        if last.get("state") == self.body["state"]:
            said = f"Cannot transition status via :enqueue from :{self.body['state']} (Reason(s): Status cannot …)"
            return 400, {"message": said}
        self.forge.statuses.append({"sha": sha, **self.body})
        return 201, {"id": 1, "sha": sha, "status": self.body["state"], "name": self.body["name"]}

    def shape(self, change: Change) -> Record:
        return {
            "iid": change.number,
            "state": "merged" if change.merged_as else "opened",
            "sha": change.head,
            "merge_commit_sha": change.merged_as or None,
            "squash_commit_sha": None,
            "labels": list(change.labels),
            "source_branch": "topic",
            "target_branch": "main",
        }

    def request(self, number: str) -> tuple[int, Any]:
        return 200, self.shape(self.forge.changes[int(number)])

    def of_commit(self, sha: str) -> tuple[int, Any]:
        return 200, [self.shape(each) for each in self.forge.changes.values() if each.merged_as == sha]

    def pipelines(self, number: str) -> tuple[int, Any]:
        change, words = self.forge.changes[int(number)], {"failure": "failed", "in_progress": "running"}
        return 200, [
            {
                "id": run["id"],
                "sha": change.head,
                "ref": f"refs/merge-requests/{number}/head" if run["own"] else "topic",
                "status": words.get(run["status"], run["status"]),
                "source": "merge_request_event",
            }
            for run in reversed(change.runs)
        ]

    def jobs(self, pipeline: str) -> tuple[int, Any]:
        run = next(r for c in self.forge.changes.values() for r in c.runs if r["id"] == int(pipeline))
        file = {"filename": "artifacts.zip", "size": len(run["plans"] or b"")}
        kept = {"artifacts_file": file} if run["plans"] is not None and not run.get("expired") else {}
        return 200, [
            {"id": run["id"] - 1, "name": "conpaas-validate", "status": "success"},
            {"id": run["id"], "name": "conpaas-plans", "status": "success", **kept},
        ]

    def artifacts(self, key: str) -> tuple[int, Any]:
        return 302, f"{self.forge.storage.url}/storage/{key}"
