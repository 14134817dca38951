"""The list of parts, in the order in which they need each other."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from conpaas_iac.errors import UserError
from conpaas_iac.host.base_image import BaseImage
from conpaas_iac.host.bridge import Bridge
from conpaas_iac.host.daemon import Daemon
from conpaas_iac.host.engine import Engine
from conpaas_iac.host.kernel import Kernel
from conpaas_iac.host.nebula import Vpn
from conpaas_iac.host.packages import Packages
from conpaas_iac.host.part import Finding, Part, Say, State
from conpaas_iac.host.pool import Pool
from conpaas_iac.host.profile import Profile
from conpaas_iac.host.project import Project
from conpaas_iac.host.route import PoolRoute
from conpaas_iac.settings import Settings

Clock = Callable[[], float]


@dataclass(frozen=True)
class Report:
    """A part, what was found, and what was done about it."""

    part: str
    finding: Finding
    mended: bool = False
    seconds: float = 0.0


def parts(settings: Settings) -> tuple[Part, ...]:
    """All that `conpaas up` needs on this machine."""
    return (
        Packages(settings),
        Kernel(),
        Daemon(settings),
        Project(settings),
        Pool(settings),
        Bridge(settings),
        PoolRoute(settings),
        Profile(settings),
        Vpn(settings),
        BaseImage(settings),
        Engine(settings),
    )


def examine(wanted: Iterable[Part]) -> Iterator[Report]:
    """Look at each part; changes nothing, and one that cannot be looked at does not hide the others."""
    for part in wanted:
        yield Report(part.name, _look(part))


def _look(part: Part) -> Finding:
    try:
        return part.look()
    except UserError as error:
        return Finding(State.WRONG, error.message, error.remedy or "conpaas setup")


def mend(wanted: Iterable[Part], say: Say, clock: Clock = time.monotonic) -> Iterator[Report]:
    """Bring each part that is not there, in order. Raises UserError: before anything is changed if the user has to
    decide something, else at the first part that cannot be brought."""
    wanted = tuple(wanted)
    for part in wanted:
        _refuse(part, part.look(), State.WRONG)
    for part in wanted:
        begun = clock()
        finding = part.look()
        if finding.state is State.THERE:
            yield Report(part.name, finding, seconds=clock() - begun)
            continue
        _refuse(part, finding, State.WRONG, State.UNKNOWN)
        part.mend(say)
        finding = part.look()
        if finding.state is not State.THERE:
            raise UserError(f"{part.name}: still not there: {finding.text}", finding.remedy)
        yield Report(part.name, finding, mended=True, seconds=clock() - begun)


def _refuse(part: Part, finding: Finding, *states: State) -> None:
    if finding.state in states:
        raise UserError(f"{part.name}: {finding.text}", finding.remedy)
