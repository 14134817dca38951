"""conpaas:vpn:Authority: what signs the certificates of an application's VPN. Its keys never leave the checkpoint.

A new `epoch` puts a new authority next to the former ones, which stay until they have ended: nodes trust all of them.
"""

from datetime import UTC, datetime
from ipaddress import IPv4Network
from typing import Any
from uuid import uuid4

from conpaas_iac import settings
from conpaas_iac.host import nebula
from conpaas_iac.network import certificates
from conpaas_iac.network.certificates import Authority as Pair
from conpaas_iac.network.renewal import Policy, trusted
from conpaas_iac.provider.resource import Change, Made, Remembered, Values, differing


class Authority(Remembered):
    """Outputs: `certificates`, `keys` (a secret) and `facts` of all authorities that live, in the same order.

    The first two are PEM texts; the facts are what `record.Certificate` holds.
    """

    SECRETS = frozenset({"keys"})

    def check(self, inputs: Values) -> dict[str, str]:
        """A range of private addresses, and an epoch that counts from 1."""
        wrong = {}
        try:
            IPv4Network(inputs["range"])
        except ValueError as error:
            wrong["range"] = str(error)
        if int(inputs["epoch"]) < 1:
            wrong["epoch"] = "counts from 1"
        return wrong

    def diff(self, old: Values, new: Values) -> Change:
        """Never another resource: that would cut every tunnel."""
        return Change(updated=differing(old, new, ("name", "range", "epoch")))

    def create(self, inputs: Values) -> Made:
        """The first authority."""
        return Made(str(uuid4()), _outputs((_make(inputs),)), self.SECRETS)

    def update(self, identifier: str, old: Values, new: Values) -> Values:
        """One more authority; those that have ended go."""
        return _outputs((*pairs_alive(old["certificates"], old["keys"], datetime.now(UTC)), _make(new)))


def _outputs(pairs: tuple[Pair, ...]) -> dict[str, Any]:
    texts = "".join(pair.certificate for pair in pairs)
    found = certificates.read(nebula.need(settings.load()).cert, texts)
    facts = [
        {"fingerprint": each.fingerprint, "begins": each.begins.isoformat(), "ends": each.ends.isoformat()}
        for each in found
    ]
    return {"certificates": texts, "keys": "".join(pair.key for pair in pairs), "facts": facts}


def _make(inputs: Values) -> Pair:
    program = nebula.need(settings.load()).cert
    name = f"{inputs['name']} {int(inputs['epoch'])}"
    return certificates.make_authority(program, name, IPv4Network(inputs["range"]), Policy().authority)


def pairs_alive(texts: str, keys: str, now: datetime) -> tuple[Pair, ...]:
    """The authorities of the outputs that have not ended, oldest first."""
    pairs = [Pair(text, key) for text, key in zip(certificates.split(texts), certificates.split(keys), strict=True)]
    facts = certificates.read(nebula.need(settings.load()).cert, texts)
    by_fingerprint = {fact.fingerprint: pair for fact, pair in zip(facts, pairs, strict=True)}
    return tuple(by_fingerprint[fact.fingerprint] for fact in trusted(facts, now))
