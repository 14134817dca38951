"""What the parts inside LXD share: questions to the daemon, and its refusals as one line."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from conpaas_iac import lxd
from conpaas_iac.errors import ConpaasError, UserError
from conpaas_iac.host import machine
from conpaas_iac.host.daemon import Answer, knock
from conpaas_iac.host.part import Finding, unknown
from conpaas_iac.settings import Settings

OURS = {"user.conpaas": "made by conpaas setup"}  # on all that set-up makes; what lacks it is the user's


@contextmanager
def lxd_errors(what: str) -> Iterator[None]:
    """LXD's refusals as one line with a remedy."""
    try:
        with lxd.errors(what):
            yield
    except UserError:
        raise
    except ConpaasError as error:
        raise UserError(error.message, machine.remedy(error.message) or error.remedy) from error


def shared(settings: Settings) -> Any:
    """A client of the project in which LXD keeps pools and bridges."""
    return lxd.connect(settings, "default")


def has_project(settings: Settings) -> bool:
    """Whether our project is there."""
    return lxd.absent_is_none(shared(settings).projects.get, settings.lxd_project) is not None


def waits_for_lxd(settings: Settings) -> Finding | None:
    """A finding when the daemon does not answer, so that nothing inside it can be looked at."""
    if knock(lxd.socket_path(settings)) is Answer.YES:
        return None
    return unknown("cannot be looked at before LXD answers")


def waits_for_project(settings: Settings) -> Finding | None:
    """The same for what is inside our project."""
    if waiting := waits_for_lxd(settings):
        return waiting
    with lxd_errors("looking at LXD's project"):
        return None if has_project(settings) else unknown("cannot be looked at before the project is there")
