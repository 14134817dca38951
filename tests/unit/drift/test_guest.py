"""What runs on a machine: it says what is there, and no text that it was not asked for."""

import hashlib
import hmac
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from conpaas_iac.drift.driftfound import Found
from conpaas_iac.guest import drift as guest
from conpaas_iac.usecases import examining
from tests.unit.drift.found import confirmed
from tests.unit.drift.test_cases import layout_of

KEY = b"k" * 32
DPKG = """#!/bin/sh
printf 'nginx\\t2\\tii \\nredis\\t1\\trc \\nvim\\t9\\tii \\n'
"""


def ask(folder: Path, *files: dict[str, Any], **asked: Any) -> tuple[Found, str]:
    """As ssh runs it: the question on standard input."""
    known = {"absent": [], "units": [], "certificate": "", "code": "", "baseline": str(folder / "packages")}
    question = json.dumps({"key": KEY.hex(), "files": files, **known, **asked})
    done = subprocess.run(
        [sys.executable, "-I", "-c", examining.SCRIPT.read_text()],
        input=question,
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"},
    )
    return msgspec.json.decode(done.stdout, type=Found), done.stdout


def file(path: Path, content: str = "", shown: bool = False) -> dict[str, Any]:
    mac = hmac.new(KEY, content.encode(), hashlib.sha256).hexdigest() if shown else ""
    return {"path": str(path), "mac": mac, "shown": shown}


def test_files_are_said_by_their_hmac_and_texts_only_where_asked_for(tmp_path: Path) -> None:
    secret, plain, same = tmp_path / "secret", tmp_path / "plain", tmp_path / "same"
    secret.write_text("hunter2")
    secret.chmod(0o640)
    plain.write_text("edited")
    same.write_text("as it was")
    (tmp_path / "link").symlink_to(plain)
    asked = [file(secret), file(plain, "before", True), file(same, "as it was", True)]
    found, said = ask(tmp_path, *asked, file(tmp_path / "link"), file(tmp_path / "none"), file(tmp_path))
    first, second, third, *rest = found.files
    assert (first.kind, first.mode, first.text) == ("file", "0640", None)
    assert first.mac == hmac.new(KEY, b"hunter2", hashlib.sha256).hexdigest()
    assert "hunter2" not in said
    assert (second.text, third.text) == ("edited", None)
    assert [each.kind for each in rest] == ["link", "none", "other"]


def test_what_is_too_large_or_no_text_ends_nothing(tmp_path: Path) -> None:
    large, binary = tmp_path / "large", tmp_path / "binary"
    large.write_bytes(b"x" * (guest.LARGEST + 1))
    binary.write_bytes(b"\xff\xfe")
    found, _ = ask(tmp_path, file(large, "a", True), file(binary, "a", True))
    assert [each.text for each in found.files] == [None, "\N{REPLACEMENT CHARACTER}" * 2]


def test_packages_are_held_against_those_of_the_first_time(tmp_path: Path) -> None:
    program = tmp_path / "dpkg-query"
    program.write_text(DPKG)
    program.chmod(0o755)
    assert ask(tmp_path)[0].packages is None
    (tmp_path / "packages").write_text("nginx\t1\tii \nredis\t1\tii \ngone\t1\trc \n")
    packages = ask(tmp_path)[0].packages
    assert packages is not None
    said = [(each.name, each.before, each.now) for each in packages]
    assert said == [("nginx", "1", "2"), ("redis", "1", ""), ("vim", "", "9")]  # redis was removed, its settings stay


def test_a_machine_without_any_of_it_answers_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    absent = [str(tmp_path / "there"), str(tmp_path / "not")]
    code = {"certificate": str(tmp_path / "none.crt"), "code": str(tmp_path / "current"), "absent": absent}
    found, _ = ask(tmp_path, units=["conpaas-no-such-unit"], **code)
    assert (found.certificate, found.code, found.unwanted) == (None, "", (absent[0],))


def test_the_question_holds_no_secret_and_no_digest_of_one() -> None:
    there = confirmed(layout_of({"type": "mysql"}))
    tree = there.tree("web-1")
    assert tree
    keys = {f"{name}@1": f"value of {name}" for name in ("web", "web.password")}
    macs = examining.macs_of(tree, KEY, keys)
    asked = json.loads(examining.question(tree, there.nodes["web-1"], KEY, macs, texts=True))
    known = {each["path"]: each for each in asked["files"]}
    assert known["/etc/hosts"]["mac"] == macs["/etc/hosts"]
    assert known["/etc/conpaas/mysql/password"] == {"path": "/etc/conpaas/mysql/password", "mac": "", "shown": False}
    other = examining.macs_of(tree, KEY, {**keys, "web@1": "rotated"})
    assert other["/etc/conpaas/mysql/password"] != macs["/etc/conpaas/mysql/password"]
    assert "value of" not in json.dumps(asked)


def test_a_secret_that_somebody_wrote_where_none_belongs_is_not_said(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("password = hunter2")
    found, _ = ask(tmp_path, file(tmp_path / "plain", "before", True))
    [hidden] = examining.hidden(found, {"web@1": "hunter2", "empty@1": ""}).files
    assert hidden.text == "password = ⟦web@1⟧"
