"""What is looked at before the first machine of an `up` is made: whether all of them can be."""

from conpaas_iac.clouds import Reach
from conpaas_iac.settings import Settings
from conpaas_iac.usecases.situation import Situation


def check(now: Situation, settings: Settings) -> None:
    """Ask each cloud; raises UserError with what is missing there."""
    coming = [machine for machine in now.target.machines if machine.node in now.coming]
    for name, cloud in Reach(now.places, settings).each({machine.cloud for machine in coming}):
        cloud.preflight([machine for machine in coming if machine.cloud == name])
