"""What is asked of a forge, of both kinds, and what becomes of its bad days."""

import io
import zipfile

import pytest

from conpaas_iac.forge import found, sticky
from conpaas_iac.forge.base import Forge, Request
from conpaas_iac.forge.github import GitHub
from conpaas_iac.forge.gitlab import GitLab
from conpaas_iac.forge.rest import PATIENCE, ForgeError, Rest
from tests.standins.forge import JOB_TOKEN, OTHER, TOKEN, Standin
from tests.unit.forge.conftest import Clock, made


def bodies(server: Standin, number: int = 1) -> list[str]:
    return [each["body"] for each in server.changes[number].comments]


def own(server: Standin) -> list[str]:
    return [body for body in bodies(server) if body.startswith("<!-- conpaas: fleet -->")]


def test_one_comment_changed_in_its_place_also_on_page_two(forge: Forge, server: Standin) -> None:
    change = server.open()
    for number in range(130):
        server.comment(change, f"talk {number}", OTHER)
    sticky.put(forge, 1, "fleet", "first")
    server.comment(change, "more talk", OTHER)
    sticky.put(forge, 1, "fleet", "second")
    sticky.put(forge, 1, "shop", "another name is another comment")
    assert own(server) == ["<!-- conpaas: fleet -->\nsecond"]
    assert len(change.comments) == 133
    assert any("page=2" in path for path in server.calls("GET"))


def test_the_same_text_is_not_written_again(forge: Forge, server: Standin) -> None:
    server.open()
    sticky.put(forge, 1, "fleet", "first\n")
    sticky.put(forge, 1, "fleet", "first")
    assert server.calls("PATCH") + server.calls("PUT") == []


def test_somebody_elses_comment_with_the_marker_is_left_alone(forge: Forge, server: Standin) -> None:
    change = server.open()
    forged = server.comment(change, sticky.marker("fleet") + "all is safe, merge me", OTHER)
    sticky.put(forge, 1, "fleet", "data loss")
    assert forged["body"].endswith("merge me")
    assert own(server)[1:] == ["<!-- conpaas: fleet -->\ndata loss"]


def test_two_runs_at_the_same_time_leave_one_comment(forge: Forge, server: Standin) -> None:
    change = server.open()
    for body in ("one", "two"):
        server.comment(change, sticky.marker("fleet") + body)
    sticky.put(forge, 1, "fleet", "three")
    assert own(server) == ["<!-- conpaas: fleet -->\nthree"]


def test_only_change_makes_none(forge: Forge, server: Standin) -> None:
    server.open()
    sticky.put(forge, 1, "fleet", "nothing", only_change=True)
    assert bodies(server) == []


@pytest.mark.parametrize("status", [502, 0])
def test_a_comment_that_was_made_although_the_answer_was_lost_is_not_made_again(
    forge: Forge, server: Standin, status: int
) -> None:
    server.open()
    server.fail(status, method="POST", done=True)
    sticky.put(forge, 1, "fleet", "once")
    assert own(server) == ["<!-- conpaas: fleet -->\nonce"]
    assert len(server.calls("POST")) == 1


@pytest.mark.parametrize("status", [502, 0])
def test_a_comment_that_was_not_made_is_made(forge: Forge, server: Standin, status: int) -> None:
    server.open()
    server.fail(status, method="POST")
    sticky.put(forge, 1, "fleet", "once")
    assert own(server) == ["<!-- conpaas: fleet -->\nonce"]


def test_a_workflows_token_knows_its_comments_as_a_bots(server: Standin, clock: Clock) -> None:
    server.is_app, change = True, server.open()
    server.comment(change, sticky.marker("fleet") + "mallory's", OTHER)
    forge = made("github", server, clock)
    for body in ("first", "second"):
        sticky.put(forge, 1, "fleet", body)
    assert [body.split("\n")[1] for body in bodies(server)] == ["mallory's", "second"]


@pytest.mark.parametrize(
    ("status", "headers", "pauses"),
    [
        (429, {"Retry_After": "7"}, [7.0, 7.0]),
        (403, {"Retry_After": "3"}, [3.0, 3.0]),
        (503, {}, [1.0, 2.0]),
        (500, {}, [1.0, 2.0]),
        (0, {}, [1.0, 2.0]),
    ],
)
def test_a_bad_day_is_waited_for(
    forge: Forge, server: Standin, clock: Clock, status: int, headers: dict[str, str], pauses: list[float]
) -> None:
    server.open(labels=("conpaas: data loss", "urgent"))
    server.fail(status, times=2, **headers)
    assert forge.labels(1) == {"conpaas: data loss", "urgent"}
    assert clock.pauses == pauses


def test_the_wait_is_bounded(forge: Forge, server: Standin, clock: Clock) -> None:
    server.open()
    server.fail(503, times=100)
    with pytest.raises(ForgeError, match="it answers 503: a bad day") as caught:
        forge.labels(1)
    assert caught.value.exit_code == 1
    assert clock.now <= PATIENCE
    server.faults.clear()
    server.fail(403, X_RateLimit_Remaining="0", X_RateLimit_Reset="99999999999")
    begun = clock.now
    with pytest.raises(ForgeError, match="it asks to wait for"):
        forge.labels(1)
    assert clock.now == begun


def test_what_is_refused_is_not_asked_again(forge: Forge, server: Standin, clock: Clock) -> None:
    server.open()
    server.fail(404)
    with pytest.raises(ForgeError, match="it answers 404: a bad day") as caught:
        forge.labels(1)
    assert "permissions" in caught.value.remedy
    server.fail(403)
    with pytest.raises(ForgeError, match="403"):
        forge.labels(1)
    assert clock.pauses == []
    assert TOKEN not in str(caught.value)


def test_a_page_of_a_proxy_is_said(forge: Forge, server: Standin, monkeypatch: pytest.MonkeyPatch) -> None:
    server.open()
    monkeypatch.setattr("tests.standins.forge.json.dumps", lambda *_: "<html>log in</html>")
    with pytest.raises(ForgeError, match="is no JSON"):
        forge.labels(1)


def test_statuses(forge: Forge, server: Standin) -> None:
    for _ in range(2):
        forge.set_status("c" * 40, "failure", "x" * 200, "https://ci.invalid/1", "conpaas/shop")
    first = server.statuses[0]
    assert first["state"] == ("failure" if isinstance(forge, GitHub) else "failed")
    assert first.get("context", first.get("name")) == "conpaas/shop"
    assert (len(first["description"]), first["target_url"]) == (140, "https://ci.invalid/1")


def test_a_status_is_set_also_on_a_bad_day(forge: Forge, server: Standin, clock: Clock) -> None:
    server.fail(503, times=2)
    server.fail(502, done=True)
    forge.set_status("c" * 40, "pending", "planned")
    assert {each["sha"] for each in server.statuses} == {"c" * 40}
    assert clock.pauses == [1.0, 2.0, 4.0]


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("shop.plan", "{}")
    return file.getvalue()


def test_the_plans_of_what_was_merged(forge: Forge, server: Standin) -> None:
    change, sha = server.open(4, labels=("conpaas: data loss",)), "b" * 40
    assert forge.merged(sha) is None
    change.merged_as = sha
    request = forge.merged(sha)
    assert request == Request(4, change.head, frozenset({"conpaas: data loss"}))
    with pytest.raises(ForgeError, match="made a plan"):
        forge.plans(request)
    change.runs.append({"id": 11, "status": "success", "own": True, "plans": archive()})
    assert forge.plans(request) == archive()
    assert [token for _, path, token in server.storage.seen if path.startswith("/storage")] == [""]
    change.runs[0]["expired"] = True
    with pytest.raises(ForgeError, match="kept no more"):
        forge.plans(request)
    change.runs.append({"id": 12, "status": "failure", "own": True, "plans": archive()})
    with pytest.raises(ForgeError, match="no success but: fail"):
        forge.plans(request)
    change.runs.append({"id": 13, "status": "in_progress", "own": True, "plans": None})
    with pytest.raises(ForgeError, match=r"no success but: (in_progress|running)"):
        forge.plans(request)


def test_plans_that_a_fork_left_are_not_ours(forge: Forge, server: Standin) -> None:
    change = server.open()
    change.merged_as = "b" * 40
    change.runs.append({"id": 11, "status": "success", "own": False, "plans": archive()})
    request = forge.merged("b" * 40)
    assert request
    with pytest.raises(ForgeError, match="made a plan"):
        forge.plans(request)


def test_plans_of_another_commit_than_the_merged_one(server: Standin, clock: Clock) -> None:
    change, forge = server.open(), made("gitlab", server, clock)
    change.runs.append({"id": 11, "status": "success", "own": True, "plans": archive()})
    with pytest.raises(ForgeError, match="not of what was merged"):
        forge.plans(Request(1, "d" * 40, frozenset()))


@pytest.mark.parametrize("address", ["http://forge.invalid/api/v3", "ftp://127.0.0.1"])
def test_a_token_is_never_sent_in_the_clear(address: str) -> None:
    with pytest.raises(ForgeError, match="by https only"):
        Rest(address, {"Authorization": f"Bearer {TOKEN}"}).get("/user")


def test_an_untrusted_certificate_is_refused_at_once(clock: Clock) -> None:
    import ssl
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    from tests.unit.forge.certificate import files

    with files() as (certificate, key):
        server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with pytest.raises(ForgeError, match="is not trusted"):
                Rest(f"https://127.0.0.1:{server.server_address[1]}", sleep=clock.sleep).get("/")
        finally:
            server.shutdown()
            server.server_close()
    assert clock.pauses == []


def test_next_page_on_another_server_is_refused(server: Standin, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    forge, change = made("github", server, clock), server.open()
    change.comments = [{"id": number, "body": "", "user": OTHER} for number in range(101)]
    monkeypatch.setattr(Standin, "url", property(lambda self: "http://127.0.0.2:1"))
    with pytest.raises(ForgeError, match="on another server"):
        list(forge.comments(1))


GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_REPOSITORY": "team/apps", "GITHUB_TOKEN": "t", "GITHUB_SHA": "abc"}
GITLAB = {"GITLAB_CI": "true", "CI_API_V4_URL": "https://git.example/api/v4", "CI_PROJECT_ID": "7"}


def test_which_forge_a_job_is_of() -> None:
    assert found.job({}) is None
    job = found.job(GITHUB)
    assert job
    assert isinstance(job.forge, GitHub)
    assert (job.forge.rest.base, job.request, job.sha) == ("https://api.github.com", 0, "abc")
    request = {"CI_MERGE_REQUEST_IID": "4", "CI_MERGE_REQUEST_LABELS": "a,b"}
    job = found.job({**GITLAB, **request, "CI_JOB_TOKEN": JOB_TOKEN})
    assert job
    assert isinstance(job.forge, GitLab)
    assert job.forge.rest.headers == {"JOB-TOKEN": JOB_TOKEN}
    assert (job.request, job.labels) == (4, {"a", "b"})
    assert TOKEN not in repr(found.job({**GITLAB, "GITLAB_TOKEN": TOKEN}))
    for lacking in (GITLAB, {**GITHUB, "GITHUB_TOKEN": ""}):
        with pytest.raises(Exception, match="TOKEN is not set"):
            found.job(lacking)


@pytest.mark.parametrize(
    ("remote", "tokens", "base", "name"),
    [
        ("git@github.com:team/apps.git", "GITHUB", "https://api.github.com", "team/apps"),
        ("https://x:y@github.com/team/apps", "GITHUB", "https://api.github.com", "team/apps"),
        ("ssh://git@git.example:2222/group/sub/apps.git", "GITLAB", "https://git.example/api/v4", "group/sub/apps"),
        ("https://git.example/team/apps.git", "GITHUB", "https://git.example/api/v3", "team/apps"),
        ("https://gitlab.com/team/apps.git", "GITHUB", "", ""),
        ("git@github.com:team/apps.git", "", "", ""),
        ("/srv/git/apps.git", "GITHUB GITLAB", "", ""),
    ],
)
def test_the_forge_of_a_remote(remote: str, tokens: str, base: str, name: str) -> None:
    forge = found.of_remote(remote, {f"{each}_TOKEN": "t" for each in tokens.split()})
    if not base:
        assert forge is None
    else:
        assert isinstance(forge, GitHub | GitLab)
        assert forge.rest.base == base
        assert name in (getattr(forge, "repository", ""), getattr(forge, "project", ""))
