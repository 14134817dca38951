"""conpaas:cloud:Host: what the stack knows of a machine that another provider makes, and the key that it boots with.

The key is one-time: it is in the machine's user data, and is replaced by one that the machine makes itself.
"""

from conpaas_iac.provider.identity import ssh_key_pair
from conpaas_iac.provider.resource import Change, Made, Remembered, Values

CHANGES = ("incarnation", "owner")  # another machine


class Host(Remembered):
    """Its inputs are the fields of a `Machine`, so that the checkpoint alone tells what is there."""

    SECRETS = frozenset({"privateKey"})

    def diff(self, old: Values, new: Values) -> Change:
        """A new machine gets a new key; all else is only remembered."""
        names = {name for name in {**old, **new} if name not in ("privateKey", "publicKey")}
        differing = tuple(sorted(name for name in names if old.get(name) != new.get(name)))
        replaced = tuple(name for name in differing if name in CHANGES)
        return Change(updated=tuple(name for name in differing if name not in replaced), replaced=replaced)

    def create(self, inputs: Values) -> Made:
        """A new key."""
        private, public = ssh_key_pair(inputs["node"])
        outputs = {"privateKey": private, "publicKey": public.rsplit(" ", 1)[0]}
        return Made(f"{inputs['node']}.{int(inputs['incarnation'])}", outputs, self.SECRETS)
