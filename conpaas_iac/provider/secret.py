"""conpaas:index:Secret: one version of a secret value. It lives in the checkpoint, encrypted, and nowhere else."""

import secrets
import string

from conpaas_iac.provider.resource import Made, Remembered, Values

LENGTH = 32
LETTERS = string.ascii_letters + string.digits


class Secret(Remembered):
    """The value is the user's where one was given with the creating run, else a new one."""

    SECRETS = frozenset({"value", "given"})

    def create(self, inputs: Values) -> Made:
        """A value. Another one is another version, and so another resource."""
        value = inputs.get("given") or "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        return Made(inputs["key"], {"value": value}, self.SECRETS)
