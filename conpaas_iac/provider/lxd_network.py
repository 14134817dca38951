"""conpaas:lxd:Network: a bridge of the application's own that carries its fixed addresses, with none on the host."""

from typing import Any

from conpaas_iac import lxd, settings
from conpaas_iac.errors import ConpaasError
from conpaas_iac.provider.resource import Change, Made, Values, differing


class Network:
    """LXD keeps networks in its default project (ours has features.networks=false)."""

    def check(self, inputs: Values) -> dict[str, str]:
        """Linux allows 15 characters for an interface."""
        return {} if len(inputs["name"]) <= 15 else {"name": "longer than 15 characters"}

    def diff(self, old: Values, new: Values) -> Change:
        """A network is its name."""
        return Change(replaced=differing(old, new, ("name", "owner")))

    def create(self, inputs: Values) -> Made:
        """Make or adopt it."""
        name, client = inputs["name"], _client()
        with lxd.errors(f"network {name}"):
            there = lxd.absent_is_none(client.networks.get, name)
            if there is None:
                tags = {lxd.OWNER: inputs["owner"], lxd.APPLICATION: inputs["application"]}
                plain = {"ipv4.address": "none", "ipv6.address": "none"}
                client.networks.create(name, description=inputs["application"], config={**plain, **tags})
            elif there.config.get(lxd.OWNER) != inputs["owner"]:
                raise ConpaasError(f"network {name} exists and is not this application's", f"lxc network show {name}")
        return Made(name)

    def read(self, identifier: str, state: Values) -> Made | None:
        """There, or not."""
        with lxd.errors(f"network {identifier}"):
            return None if lxd.absent_is_none(_client().networks.get, identifier) is None else Made(identifier)

    def update(self, identifier: str, old: Values, new: Values) -> Values:
        """Nothing can be updated in place."""
        return {}

    def delete(self, identifier: str, state: Values) -> None:
        """Remove it if it is this application's."""
        with lxd.errors(f"network {identifier}"):
            there = lxd.absent_is_none(_client().networks.get, identifier)
            if there is not None and there.config.get(lxd.OWNER) == state.get("owner"):
                there.delete(wait=True)


def _client() -> Any:
    return lxd.connect(settings.load(), project="default")
