"""conpaas:index:Identity: who an application is. Owner tag of all it makes, and the login key of its machines."""

import uuid

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from conpaas_iac.provider.resource import Made, Remembered, Values


def ssh_key_pair(comment: str) -> tuple[str, str]:
    """A new ed25519 key: private half in OpenSSH's form, public half as a line of authorized_keys."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return private, f"{public} {comment}"


class Identity(Remembered):
    """Made once with the stack and never changed."""

    SECRETS = frozenset({"privateKey"})

    def create(self, inputs: Values) -> Made:
        """A new owner and a new login key."""
        owner = str(uuid.uuid4())
        private, public = ssh_key_pair(f"conpaas {inputs['application']}")
        return Made(owner, {"owner": owner, "privateKey": private, "publicKey": public}, self.SECRETS)
