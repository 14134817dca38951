"""The wheel is the whole tool: built, installed into an empty environment, run from an empty folder."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
SHIPPED = "conpaas_iac/shipped"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built with the build backend that the tests' environment has: no network."""
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(CHECKOUT)])
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def conpaas(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a fresh environment with nothing but the wheel in it; third-party packages are borrowed."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    run([sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install", "-q", "--no-deps",
         "--no-index", str(wheel)])  # fmt: skip
    # A folder named in a .pth is put last, and the .pth files in it (the checkout's own, editable) are not followed.
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "conpaas"


def run(command: list[str], folder: Path | None = None) -> str:
    home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder)} if folder else {}
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHONPATH", "CONPAAS_"))}
    done = subprocess.run(
        command, cwd=folder, env={**environment, **home}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"{command}: {done.stdout}\n{done.stderr}"
    return done.stdout


def test_everything_is_in_it_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("engine", "playbooks", "roles", "schemas", "stacks"):
        listed = run(["git", "-C", str(CHECKOUT), "ls-files", folder]).splitlines()
        absent = [name for name in listed if (CHECKOUT / name).exists() and f"{SHIPPED}/{name}" not in names]
        assert not absent
    assert f"{SHIPPED}/engine/go.mod" in names and f"{SHIPPED}/roles/php/meta/service.yml" in names
    assert "conpaas_iac/host/guest/customize.sh" in names
    assert "conpaas_iac/ci/workflows/github.yml" in names
    junk = [name for name in names if "__pycache__" in name or name.endswith(".pyc") or "/.ansible/" in name]
    assert not junk
    top = {name.partition("/")[0] for name in names}
    assert {name for name in top if not name.endswith(".dist-info")} == {"conpaas_iac"}


def test_it_runs_from_an_empty_folder(conpaas: Path, tmp_path: Path) -> None:
    assert run([str(conpaas), "--version"], tmp_path).strip()
    assert "php" in run([str(conpaas), "types"], tmp_path)
    manifest = {"Application": "Trial", "Services": [{"Type": "php", "ServiceName": "web", "Start": 1}]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    run([str(conpaas), "validate", "manifest.json"], tmp_path)


def test_it_finds_its_own_folders_and_not_the_checkout(conpaas: Path, tmp_path: Path) -> None:
    script = "from conpaas_iac import shipped; print(shipped.folder('engine'))"
    folder = run([str(conpaas.parent / "python"), "-c", script], tmp_path).strip()
    assert folder.startswith(str(conpaas.parents[1])) and Path(folder, "go.mod").exists()
