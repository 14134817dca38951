"""conpaas:cloud:Greeting: a machine that another provider made is there once an SSH server greets on it."""

import time
from typing import ClassVar

from conpaas_iac.errors import ConpaasError
from conpaas_iac.machines.ssh import greets
from conpaas_iac.provider.resource import Change, Made, Remembered, Values, differing

PAUSE = 0.5  # seconds between looks


def awaited(ip: str, deadline: float) -> str:
    """Why no SSH server greets there until then (of time.monotonic); "" once one does."""
    while (why := greets(ip)) and time.monotonic() <= deadline:
        time.sleep(PAUSE)
    return why


class Greeting(Remembered):
    """Waited for when the machine is made."""

    SECONDS: ClassVar[float] = 120.0  # that a boot may take

    def diff(self, old: Values, new: Values) -> Change:
        """Another machine greets anew; another address of the same one is no matter."""
        return Change(updated=differing(old, new, ("ip",)), replaced=differing(old, new, ("machine",)))

    def create(self, inputs: Values) -> Made:
        """Ends when it greets; raises ConpaasError."""
        ip = inputs["ip"]
        if why := awaited(ip, time.monotonic() + self.SECONDS):
            what = f"no SSH answer from {ip} within {self.SECONDS:g} s: {why}"
            raise ConpaasError(what, "look at its console output, and whether SshFrom holds this machine's address")
        return Made(inputs["machine"])
