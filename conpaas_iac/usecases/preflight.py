"""What is looked at before the first machine of an `up` is made: whether all of them can be."""

from conpaas_iac.clouds import Reach
from conpaas_iac.errors import MachineError
from conpaas_iac.settings import Settings
from conpaas_iac.usecases.situation import Situation


def check(now: Situation, settings: Settings) -> dict[str, str]:
    """Ask each cloud; cloud -> why it did not answer.

    Raises UserError with what is missing there, or what a cloud raised where none of them answers.
    """
    coming = [machine for machine in now.target.machines if machine.node in now.coming]
    names = {machine.cloud for machine in coming}
    silent: dict[str, str] = {}
    for name, cloud in Reach(now.places, settings).each(names):
        try:
            cloud.preflight([machine for machine in coming if machine.cloud == name])
        except MachineError as error:
            silent[name] = error.message
            if len(silent) == len({machine.cloud for machine in now.target.machines}):
                raise
    return silent
