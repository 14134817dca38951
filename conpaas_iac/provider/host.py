"""conpaas:cloud:Host: what the stack knows of a machine that another provider makes, and what it boots with.

The host key is one-time: it is in the machine's user data, and is replaced by one that the machine makes itself. Image
and user data are those of the time when the machine was made: a newer image, or other words, are no other machine. (The
engine's `ignore_changes` would keep them for the machine's successor, too.)
"""

import json

from conpaas_iac.provider.identity import ssh_key_pair
from conpaas_iac.provider.resource import Change, Made, Remembered, Values

CHANGES = ("incarnation", "owner")  # another machine
AT_BOOT = ("bootsWith", "template")  # inputs that are read when it is made
PRIVATE, PUBLIC = "@conpaas:private@", "@conpaas:public@"  # of the host key, in the template
OUTPUTS = ("privateKey", "publicKey", "bootImage", "userData")


class Host(Remembered):
    """Its other inputs are the fields of a `Machine`, so that the checkpoint alone tells what is there."""

    SECRETS = frozenset({"privateKey", "userData"})

    def diff(self, old: Values, new: Values) -> Change:
        """A new machine gets a new key; all else is only remembered."""
        names = {*old, *new} - {*OUTPUTS, *AT_BOOT}
        differing = tuple(sorted(name for name in names if old.get(name) != new.get(name)))
        replaced = tuple(name for name in differing if name in CHANGES)
        return Change(updated=tuple(name for name in differing if name not in replaced), replaced=replaced)

    def create(self, inputs: Values) -> Made:
        """A new key, in the user data; the template is JSON."""
        private, public = ssh_key_pair(inputs["node"])
        public = public.rsplit(" ", 1)[0]
        text = inputs.get("template", "")
        for mark, value in ((PRIVATE, private), (PUBLIC, public)):
            text = text.replace(mark, json.dumps(value)[1:-1])
        values = (private, public, inputs.get("bootsWith", ""), text)
        return Made(
            f"{inputs['node']}.{int(inputs['incarnation'])}", dict(zip(OUTPUTS, values, strict=True)), self.SECRETS
        )
