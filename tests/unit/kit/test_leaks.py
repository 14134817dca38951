"""guest/leaks.py, on this machine."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conpaas_iac.guest import leaks

SECRET = b"s3cret-of-this-test"


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stands for the whole file system."""
    walk = leaks.os.walk
    monkeypatch.setattr(leaks.os, "walk", lambda _: walk(tmp_path))
    monkeypatch.setattr(leaks, "LOGS", tmp_path / "logs")
    for name, folder, mode in [
        ("open/plain", 0o755, 0o644),
        ("open/own", 0o755, 0o640),
        ("closed/plain", 0o750, 0o644),
        ("logs/own", 0o700, 0o600),
    ]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.parent.chmod(folder)
        path.write_bytes(b"x " + SECRET + b" x")
        path.chmod(mode)
    (tmp_path / "open" / "empty").touch()
    return tmp_path


def test_files_that_others_may_reach_and_read_and_all_logs(tree: Path) -> None:
    found = {(kind, path.relative_to(tree).as_posix()) for kind, path in leaks.files()}
    assert found == {("file", "open/plain"), ("file", "open/empty"), ("log", "logs/own")}
    assert leaks.in_file(tree / "open" / "plain", {"db": SECRET, "other": b"no"}) == ["db"]


def test_arguments_of_processes_that_are_there_for_a_while() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()", SECRET.decode()], stdin=subprocess.PIPE) as process:
        found = [who for who, words in leaks.arguments() if leaks.named(words, {"db": SECRET})]
        process.communicate(b"\n")
    assert [name[:6] for name in found] == ["python"]


def test_it_runs_alone() -> None:
    """As a machine gets it: nothing of the tool is there."""
    text = Path(leaks.__file__).read_text()
    program = text.replace('os.walk("/")', 'os.walk("/nowhere")')
    asked = json.dumps({"db": SECRET.decode()}) + "\n"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], input=asked, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []
