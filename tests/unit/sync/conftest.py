"""A repository whose files are the applications: what is in one says what its run does."""

from collections.abc import Callable
from pathlib import Path

import pytest

from conpaas_iac.system import git

WHO = ("-c", "user.name=tester", "-c", "user.email=tester@example.org")

Commit = Callable[..., str]


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A bare repository that is pushed to."""
    hub = tmp_path / "hub.git"
    git.run(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(hub))
    return hub


@pytest.fixture
def commit(tmp_path: Path, hub: Path) -> Commit:
    """Push these files, with this message; `force` puts the commit in the place of the last one."""
    place = tmp_path / "writer"
    git.run(tmp_path, "init", "--quiet", "--initial-branch=main", str(place))

    def commit(message: str = "change", force: bool = False, **files: str | None) -> str:
        for name, content in files.items():
            if content is None:
                (place / name).unlink()
            else:
                (place / name).write_text(content)
        git.run(place, "add", "--all")
        amend = ["--amend"] if force else []
        git.run(place, *WHO, "commit", "--quiet", "--allow-empty", *amend, "-m", message)
        git.run(place, "push", "--quiet", "--force", str(hub), "main")
        return git.run(place, "rev-parse", "HEAD").strip()

    return commit
