"""conpaas:index:Secret: one version of a secret value. It lives in the checkpoint, encrypted, and nowhere else."""

import secrets
import string

from conpaas_iac.provider.resource import Change, Made, Values

LENGTH = 32
LETTERS = string.ascii_letters + string.digits


class Secret:
    """Made once: the value is the user's where one was given with the creating run, else a new one."""

    def check(self, inputs: Values) -> dict[str, str]:
        """Nothing can be wrong."""
        return {}

    def diff(self, old: Values, new: Values) -> Change:
        """Another value is another version, and so another resource."""
        return Change()

    def create(self, inputs: Values) -> Made:
        """A value."""
        value = inputs.get("given") or "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        return Made(inputs["key"], {"value": value}, frozenset({"value"}))

    def read(self, identifier: str, state: Values) -> Made:
        """It is what the checkpoint says."""
        return Made(identifier, state, frozenset({"value", "given"}))

    def update(self, identifier: str, old: Values, new: Values) -> Values:
        """Never called: nothing differs."""
        return {}

    def delete(self, identifier: str, state: Values) -> None:
        """Nothing outside the checkpoint."""
