"""A branch of a repository as it is elsewhere, and working trees of its commits: never the user's own checkout."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.errors import UserError
from conpaas_iac.system import git
from conpaas_iac.system.files import digest_of, private_folder


@dataclass(frozen=True)
class Mirror:
    """Of one branch; `folder` holds the repository and the working trees, and may be deleted at any time."""

    url: str
    branch: str
    folder: Path

    @property
    def repository(self) -> Path:
        """The bare one."""
        return self.folder / "repository.git"

    def fetch(self) -> str:
        """The branch's newest commit, also after a force-push; raises GitError where the repository is not reached."""
        if not self.repository.is_dir():
            private_folder(self.folder)
            fresh = self.folder / "new.git"
            shutil.rmtree(fresh, ignore_errors=True)
            git.run(self.folder, "init", "--quiet", "--bare", "--", str(fresh))
            fresh.rename(self.repository)
        reference = f"refs/heads/{self.branch}"
        wanted = f"+{reference}:{reference}"
        git.talk(self.repository, "fetch", "--no-tags", "--prune", "--", self.url, wanted, of=self.url)
        return self._git("rev-parse", "--verify", reference).strip()

    def tree(self, commit: str) -> Path:
        """The working tree of a commit; made where it is not there."""
        place = self.folder / "commits" / commit
        if not (place / ".git").exists():
            shutil.rmtree(place, ignore_errors=True)
            self._git("worktree", "prune")
            self._git("worktree", "add", "--quiet", "--detach", "--force", "--", str(place), commit)
        return place

    def keep(self, commits: frozenset[str]) -> None:
        """Delete the working trees of all other commits."""
        folder = self.folder / "commits"
        for place in folder.iterdir() if folder.is_dir() else ():
            if place.name not in commits:
                shutil.rmtree(place, ignore_errors=True)

    def _git(self, *arguments: str) -> str:
        return git.run(self.repository, *arguments, of=self.url)


def mirror(url: str, branch: str, state: Path) -> Mirror:
    """The one of this user; raises UserError for what is no address or no branch."""
    git.refuse_odd(url)
    if branch.startswith("-") or not branch:
        raise UserError(f"{branch!r} is no branch")
    name = digest_of(f"{url}\n{branch}".encode()).removeprefix("sha256:")[:16]
    return Mirror(url, branch, state / "fleets" / name)
