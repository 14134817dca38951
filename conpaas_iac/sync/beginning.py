"""What following a repository begins with: its fleet, and the lease of those who follow it."""

import time
from collections.abc import Callable

from conpaas_iac.backend import lease
from conpaas_iac.backend.holder import here
from conpaas_iac.backend.lessee import Lessee
from conpaas_iac.backend.stores import at
from conpaas_iac.errors import ConpaasError
from conpaas_iac.fleet import repository
from conpaas_iac.fleet.repository import Choice, Repository
from conpaas_iac.sync.mirror import Mirror

LEASES = "fleets"  # in the backend


def first(mirror: Mirror, interval: float, once: bool, say: Callable[[str], None]) -> Repository:
    """The fleet as its branch has it; waits for a repository that is reached, and for a commit that can be read."""
    said = ""
    while True:
        try:
            return repository.opened(mirror.tree(mirror.fetch()), Choice())
        except ConpaasError as error:
            if once:
                raise
            if error.line != said:
                said = error.line
                say(f"waiting: {said}")
        time.sleep(interval)


class _Nothing:
    """A lease that has no heads: who follows a fleet writes into its applications', by their own leases."""

    def first(self) -> str:
        """See lease.Heads."""
        return lease.FIRST

    def new(self, token: int) -> str:
        """See lease.Heads."""
        return str(token)

    def copy(self, old: str, new: str) -> None:
        """See lease.Heads."""

    def others(self, *kept: str) -> tuple[str, ...]:
        """See lease.Heads."""
        return ()

    def clear(self, head: str) -> None:
        """See lease.Heads."""

    def is_empty(self, head: str) -> bool:
        """See lease.Heads."""
        return True


def lessee(fleet: Repository) -> Lessee:
    """Of the lease that one follower of a fleet has, on whatever machine."""
    shelf = at(fleet.settings.backend_url, LEASES)
    return Lessee(shelf, f"{fleet.fleet.id}.json", here(), _Nothing(), ttl=lease.TTL)
