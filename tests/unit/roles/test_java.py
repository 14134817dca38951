"""The files of the java type, and the rules of its program."""

import json
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.unit.roles import rendered

render = partial(rendered.render, "java")
APPLICATION = rendered.program("java", "application")
SERVING = rendered.program("java", "serving")


@pytest.mark.parametrize("groups", rendered.mixtures("java"), ids="-".join)
def test_every_mixture_renders_and_nginx_includes_what_is_there(groups: tuple[str, ...]) -> None:
    files = render(groups)
    for group in ("web", "backend"):
        if "/etc/nginx/nginx.conf" in files:
            assert (f"include conpaas/{group}.conf;" in files["/etc/nginx/nginx.conf"]) == (group in groups)
    assert ("/etc/haproxy/haproxy.cfg" in files) == ("proxy" in groups)
    assert all(text.endswith("\n") for text in files.values())


def test_inner_ports_are_bound_to_the_fixed_address_or_the_loopback() -> None:
    files = render()
    binds = {line.split()[1].rstrip(";") for text in files.values() for line in text.splitlines()
             if line.strip().startswith(("listen 1", "listen *", "bind "))}  # fmt: skip
    assert binds == {"10.42.32.1:8080", "10.42.32.1:8081", "10.42.32.1:8082", "127.0.0.1:4001", ":80"}
    server = ElementTree.fromstring(files["/etc/tomcat10/server.xml"])
    bound = [(each.get("address"), each.get("port")) for each in server.iter() if each.get("address")]
    assert bound == [("127.0.0.1", "8083"), ("10.42.32.1", "4000")] and server.get("port") == "-1"


def test_a_new_backend_restarts_nobody() -> None:
    one, two = render(("proxy", "web")), render(("proxy", "web", "backend"))
    changed = {path for path in one if one[path] != two[path]}
    assert changed == {"/etc/haproxy/haproxy.cfg", "/etc/nginx/nginx.conf", "/usr/local/lib/conpaas/serving"}
    files = {file.path: file.on_change for file in rendered.TYPES["java"].descriptor.files}
    naming = [path for path, text in two.items() if "10.42.32.2" in text and "backend" in text + path]
    assert {files[path] for path in naming} <= {"nothing", "reload"}


def test_tomcat_asks_the_lowest_backend_for_the_sessions() -> None:
    members = json.loads(render()["/etc/conpaas/java/members.json"])["items"]
    born = [member["metadata"]["creationTimestamp"] for member in members]
    assert [member["status"]["podIP"] for member in members] == ["10.42.32.1", "10.42.32.2"]
    assert born == sorted(set(born))


def test_without_code_the_placeholder_answers() -> None:
    assert "root /srv/conpaas/placeholder;" in render(code="")["/etc/nginx/conpaas/backend.conf"]
    assert "proxy_pass http://127.0.0.1:8083;" in render()["/etc/nginx/conpaas/backend.conf"]


def copy(source: Path, target: Path) -> None:
    """Stands where the migration stands."""
    target.mkdir()
    (target / "made-of").write_text(source.name)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "code"
    for version in ("old", "new"):
        (folder / version / "WEB-INF").mkdir(parents=True)
    (folder / "current").symlink_to("old")
    return folder


def activate(code: Path, version: str) -> None:
    (code / "current").unlink()
    (code / "current").symlink_to(version)


def test_each_version_is_migrated_once(code: Path, tmp_path: Path) -> None:
    migrated = []
    copies = tmp_path / "java"

    def migrate(source: Path, target: Path) -> None:
        migrated.append(source.name)
        copy(source, target)

    for version in ("old", "new", "old", "new"):
        activate(code, version)
        APPLICATION.prepare(code, copies, migrate)
        assert (copies / "current" / "ROOT" / "made-of").read_text() == version
    assert migrated == ["old", "new"]


def test_a_migration_that_fails_leaves_the_former_version(code: Path, tmp_path: Path) -> None:
    copies = tmp_path / "java"
    APPLICATION.prepare(code, copies, copy)
    activate(code, "new")

    def fails(source: Path, target: Path) -> None:
        copy(source, target)
        raise APPLICATION.Failed("it cannot be read")

    with pytest.raises(APPLICATION.Failed):
        APPLICATION.prepare(code, copies, fails)
    assert (copies / "current").resolve().name == "old"
    APPLICATION.prepare(code, copies, copy)  # the half one is made anew
    assert {path.name for path in copies.iterdir()} == {"current", "old", "new"}


def test_copies_of_forgotten_versions_go(code: Path, tmp_path: Path) -> None:
    copies = tmp_path / "java"
    APPLICATION.prepare(code, copies, copy)
    activate(code, "new")
    (code / "old" / "WEB-INF").rmdir()
    (code / "old").rmdir()
    APPLICATION.prepare(code, copies, copy)
    assert {path.name for path in copies.iterdir()} == {"current", "new"}


def test_code_that_holds_a_war_is_said(code: Path, tmp_path: Path) -> None:
    (code / "old" / "WEB-INF").rmdir()
    (code / "old" / "shop.war").touch()
    with pytest.raises(APPLICATION.Failed, match=r"the code holds shop.war and is no web application: let Archive be"):
        APPLICATION.prepare(code, tmp_path / "java", copy)


@pytest.fixture
def tomcat(code: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What it does while it is waited for: a pause lets it go on to what it does next."""
    found: dict[str, object] = {"state": "active", "asked": None, "log": [], "next": {}}
    APPLICATION.prepare(code, tmp_path / "java", copy)

    def pause(_: float) -> None:
        found.update(found.pop("next", {}))  # type: ignore[call-overload]

    monkeypatch.setattr(APPLICATION, "COPIES", tmp_path / "java")
    monkeypatch.setattr(APPLICATION, "BEGUN", tmp_path / "begun")
    monkeypatch.setattr(APPLICATION, "PATIENCE", 0.2)
    monkeypatch.setattr(APPLICATION.time, "sleep", pause)
    monkeypatch.setattr(APPLICATION, "state", lambda: found["state"])
    monkeypatch.setattr(APPLICATION, "asked", lambda: found["asked"])
    monkeypatch.setattr(APPLICATION, "restarts", lambda: found.get("restarts", 0))
    monkeypatch.setattr(APPLICATION, "journal", lambda: found["log"])
    monkeypatch.setattr(APPLICATION, "output", lambda *command: found.get("job", ""))
    (tmp_path / "begun").write_text("old")
    return found


DEPLOYED = ["Caused by: x.BError: b", "Server startup in [5088] milliseconds", "x.LaterError: of another machine"]


def test_it_is_waited_for(tomcat: dict[str, object]) -> None:
    tomcat["next"] = {"asked": 200}
    APPLICATION.verify()


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"asked": 503, "log": DEPLOYED}, "the application does not run: x.BError: b"),
        ({"state": "activating", "restarts": 1, "log": DEPLOYED[:1]}, "the application does not run: x.BError: b"),
        ({"state": "failed", "log": DEPLOYED[:1]}, "the application does not run: x.BError: b"),
        ({"state": "failed", "log": DEPLOYED}, "the application does not run: x.LaterError: of another machine"),
        ({"asked": 503, "log": DEPLOYED[:1]}, "the application does not run after 0 s: x.BError: b"),
        ({"state": "inactive", "log": DEPLOYED}, "the application does not run: tomcat10 is stopped"),
        ({"state": "inactive", "job": "7", "log": []}, "the application does not run after 0 s: its log says nothing"),
    ],
)
def test_why_it_does_not_run(tomcat: dict[str, object], found: dict[str, object], said: str) -> None:
    tomcat.update(found)
    with pytest.raises(APPLICATION.Failed, match=said):
        APPLICATION.verify()


def test_the_health_of_the_former_version_counts_for_nothing(tomcat: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "begun").write_text("the one before")
    tomcat.update(asked=200, log=DEPLOYED)
    with pytest.raises(APPLICATION.Failed, match="after 0 s"):
        APPLICATION.verify()


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        (["Error A", "Caused by: x.AError: a", "Caused by: x.BError: b", "    at y", "done"], "x.BError: b"),
        (["fine", "java.lang.IllegalStateException: c", "    at x.Y", "fine"], "java.lang.IllegalStateException: c"),
        (
            ["Error in a listener", "java.lang.ClassNotFoundException: x.Y", "    at x.Z", "failed after errors"],
            "java.lang.ClassNotFoundException: x.Y",
        ),
        (["Error opening zip file", "fine"], "Error opening zip file"),
        (["fine", " "], "fine"),
        ([], "its log says nothing"),
    ],
)
def test_the_last_cause_of_a_log(lines: list[str], cause: str) -> None:
    assert APPLICATION.last_cause(lines) == cause


def test_a_tomcat_that_somebody_stopped_is_not_waited_for(tomcat: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "begun").unlink()  # systemd removes it with the unit's folder
    tomcat.update(state="inactive")
    with pytest.raises(APPLICATION.Failed, match="the application does not run: tomcat10 is stopped"):
        APPLICATION.verify()
