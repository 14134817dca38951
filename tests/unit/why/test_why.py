"""From anything back to what asked for it; places are those of the very lines."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conpaas_iac import catalog, cli
from conpaas_iac.shipped import folder
from conpaas_iac.why import rolefiles
from tests.schemas import check

MANIFEST = """{
  "Application": "shop",
  "Services": [
    {
      "Type": "mysql",
      "ServiceName": "db",
      "StartupInstances": {"mysql": 3},
      "Password": {"Secret": "db"}
    },
    {
      "Type": "php",
      "ServiceName": "My blog",
      "Size": "medium",
      "Uses": ["db"],
      "Configuration": {"memory_limit": "64M"},
      "Environment": {"MODE": "live", "API_TOKEN": "hunter2"}
    },
    {"Type": "php", "ServiceName": "lone", "Uses": []}
  ]
}
"""


@pytest.fixture
def manifest(own_state: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A manifest with its lock, in the folder of whoever asks."""
    here = own_state / "app"
    here.mkdir()
    monkeypatch.chdir(here)
    Path("manifest.json").write_text(MANIFEST)
    assert cli.run(["lock", "manifest.json"]) == 0
    return "manifest.json"


def ask(query: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert cli.run(["why", "manifest.json", query, "--format", "json"]) == 0
    answers: list[dict[str, Any]] = check(capsys.readouterr().out, "why")["answers"]
    return answers


def places(answer: dict[str, Any]) -> dict[str, str]:
    """text -> place"""
    return {step["text"]: step["place"] for step in answer["steps"]}


def line(place: str) -> str:
    """What stands there."""
    path, row, column = place.rsplit(":", 2)
    found = Path(path) if Path(path).is_file() else folder("roles").parent / path
    return found.read_text().splitlines()[int(row) - 1][int(column) - 1 :]


def test_a_machine_by_name_and_address(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    block = json.loads(Path("conpaas.lock.json").read_text())["Services"]["my-blog"]["Block"]
    address = block.replace(".0/20", ".1")
    [named] = ask("my-blog-1", capsys)
    assert ask(address, capsys) == ask("shop--my-blog-1", capsys) == [named]
    assert (named["kind"], named["nodes"]) == ("machine", ["my-blog-1"])
    found = places(named)
    assert found["a machine of service 'My blog', type php"] == "manifest.json:10:5"
    assert line(found["2 cpu, 2048 MiB: size medium"]) == '"medium",'
    assert line(found[f"{address}: number 1 of {block}, fixed by the lock file"]) == f'"{block}"'
    assert line(found["runs proxy: 1 of them"]).startswith("default: 1")
    [db] = ask("db-2", capsys)
    assert line(places(db)["runs mysql: 3 of them"]) == "3},"


def test_addresses_that_no_machine_has(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    [kept] = ask("my-blog-5", capsys)
    assert (kept["kind"], kept["nodes"]) == ("address", [])
    assert kept["steps"][0]["text"].endswith("which is not wanted: its service has 1 machines now")
    [free] = ask(kept["name"].replace(".5", ".200"), capsys)
    assert free["steps"][0]["text"].endswith("no machine has it")


def test_a_file_with_the_values_that_feed_it(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    both = ask("90-conpaas.ini", capsys)
    assert [each["nodes"] for each in both] == [["my-blog-1"], ["lone-1"]]
    found = places(both[0])
    assert line(found["option memory_limit = '64M'"]) == '"64M"},'
    assert line(found["option display_errors = False (default)"]) == "display_errors:"
    assert line(found["of php, for backend; mode 0644"]).startswith("{path: /etc/php/8.2/fpm/conf.d/90-conpaas.ini")
    assert "expose_php" in (folder("roles").parent / found["from the template"].rsplit(":", 2)[0]).read_text()
    assert "a change of it: reload php8.2-fpm" in found
    assert not any("fallback" in text for text in found)
    [pool, _] = ask("/etc/php/8.2/fpm/pool.d/www.conf", capsys)
    assert line(places(pool)["variable MODE = 'live'"]) == '"live", "API_TOKEN": "hunter2"}'
    assert line(places(pool)["what db offers to who uses it"]) == '["db"],'
    assert "variable API_TOKEN = (not shown)" in places(pool)
    assert "hunter2" not in json.dumps(pool)


def test_a_file_whose_template_several_types_share(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    template = places(ask("/etc/nginx/nginx.conf", capsys)[0])["from the template"]
    assert template == "roles/web/templates/etc/nginx/nginx.conf.j2:1:1"


def test_a_file_that_holds_a_secret_says_its_name_alone(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    [found] = ask("/etc/conpaas/mysql/password", capsys)
    assert line(places(found)["holds the secret db"]).startswith('{"Secret": "db"}')
    for path in ("/etc/hosts", "/etc/nebula/config.yml", "/etc/nebula/node.key"):
        [every] = ask(path, capsys)
        assert len(every["nodes"]) == 5


def test_a_file_that_mounts_a_volume(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    document = json.loads(MANIFEST)
    document["Services"][2] |= {"Uses": ["files"], "Mounts": [{"Volume": "a", "Service": "files", "Path": "/var/a"}]}
    document["Services"].append({"Type": "xtreemfs", "ServiceName": "files", "VolumeStartup": {"volumeName": "a"}})
    Path("manifest.json").write_text(json.dumps(document, indent=1))
    assert cli.run(["lock", "manifest.json"]) == 0
    (answer,) = ask("/etc/conpaas/volumes/files-a.cfg", capsys)
    assert answer["nodes"] == ["lone-1"]
    found = places(answer)
    assert found["service 'lone' mounts 'a'"].startswith("manifest.json:")
    assert found["of xtreemfs, for machines that mount a volume"].startswith("roles/xtreemfs/meta/service.yml:")


def test_packages_and_units(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    unit, package = ask("php8.2-fpm", capsys)
    assert (unit["kind"], package["kind"]) == ("unit", "package")
    assert line(places(unit)["runs on machines of backend"]).startswith("{name: php8.2-fpm")
    assert line(places(package)["is in the image of php"]) == "php8.2-fpm"
    assert set(package["nodes"]) == {"my-blog-1", "lone-1"}
    [_, shared] = [each for each in ask("haproxy", capsys) if each["kind"] == "package"]
    assert line(places(shared)["is in the image of php"]) == "haproxy"
    base = next(each for each in ask("nftables", capsys) if each["kind"] == "package")
    assert line(base["steps"][0]["place"]) == "nftables"
    assert len(base["nodes"]) == 5


def test_ports_and_to_whom_they_are_open(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    [sql] = ask("3306/tcp", capsys)
    assert ask(":3306", capsys) == [sql]
    found = places(sql)
    assert line(found["sql of mysql: its glb listens"]).startswith("{name: sql")
    assert line(found["open to machines of my-blog: it uses it"]) == '["db"],'
    assert not any("lone" in text for text in found)
    assert sql["nodes"] == ["db-1"]
    [own] = ask("4567", capsys)
    assert "open to machines of db alone" in places(own)
    assert len(ask("80", capsys)) == 2
    [vpn] = ask("4242/udp", capsys)
    assert line(vpn["steps"][0]["place"]).strip() == "udp dport 4242 accept"


def test_a_service(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("My blog", capsys) == ask("my-blog", capsys)
    [db] = ask("db", capsys)
    assert line(places(db)["used by 'My blog'"]) == '["db"],'


@pytest.mark.parametrize(
    ("query", "near"),
    [
        ("/etc/php/8.2/fpm/php.ini", "/etc/php/8.2/fpm/"),
        ("php8.2-fmp", "php8.2-fpm"),
        ("my-blog1", "my-blog-1"),
        ("3307/udp", "an address, a machine"),
        ("81", "80"),
        ("*", "an address, a machine"),
    ],
)
def test_what_nobody_knows_gets_the_nearest(
    manifest: str, capsys: pytest.CaptureFixture[str], query: str, near: str
) -> None:
    capsys.readouterr()
    assert cli.run(["why", manifest, query]) == 1
    said = capsys.readouterr().err
    assert f"nothing of shop is called {query!r}" in said
    assert near in said


def test_neither_manifest_nor_application(own_state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["why", "none.json", "80"]) == 1
    assert "none.json" in capsys.readouterr().err


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(catalog.load().values(), key=lambda kind: kind.name)), st.data())
def test_every_line_of_a_role_is_found(kind: catalog.ServiceType, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(kind.descriptor.files) - 1))
    path = kind.folder / "meta" / "service.yml"
    row, column = rolefiles.place(path, "files", number)
    found = path.read_text().splitlines()[row - 1][column - 1 :]
    assert found.startswith(f"{{path: {kind.descriptor.files[number].path}")
    option = data.draw(st.sampled_from(sorted(kind.options)))
    specs = kind.folder / "meta" / "argument_specs.yml"
    row, column = rolefiles.place(specs, "argument_specs", "main", "options", option)
    assert specs.read_text().splitlines()[row - 1][column - 1 :] == f"{option}:"
