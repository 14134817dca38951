"""What every forge does for us, in one vocabulary; GitLab's merge requests are requests, too."""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

State = Literal["pending", "success", "failure", "error"]
LONGEST_DESCRIPTION = 140  # characters that a forge takes of a status
PLANS = "conpaas-plans"  # the artifact of reviewed plans: of the workflow files, too


@dataclass(frozen=True)
class Comment:
    """Of a request; `is_own`: this token's user wrote it."""

    id: int
    body: str
    is_own: bool


@dataclass(frozen=True)
class Request:
    """A pull or merge request that was merged; `head` is the last commit of its branch."""

    number: int
    head: str
    labels: frozenset[str]


class Forge(ABC):
    """Every call raises ForgeError where the forge does not do it."""

    sign: str  # before a request's number

    @abstractmethod
    def comments(self, request: int) -> Iterable[Comment]:
        """All of a request, the oldest first."""

    @abstractmethod
    def add_comment(self, request: int, body: str) -> None:
        """A new one."""

    @abstractmethod
    def change_comment(self, request: int, comment: int, body: str) -> None:
        """Another text in its place."""

    @abstractmethod
    def remove_comment(self, request: int, comment: int) -> None:
        """For good."""

    @abstractmethod
    def labels(self, request: int) -> frozenset[str]:
        """That it has now."""

    @abstractmethod
    def set_status(self, sha: str, state: State, description: str, url: str = "", context: str = "conpaas") -> None:
        """Of a commit; the last one of a context counts."""

    @abstractmethod
    def merged(self, sha: str) -> Request | None:
        """The request that brought a commit; None where it was pushed without one."""

    @abstractmethod
    def plans(self, request: Request) -> bytes:
        """The artifact PLANS of its last run, a ZIP file; raises ForgeError where that run was no success."""
