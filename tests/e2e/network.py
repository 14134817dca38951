"""An application's network as a test has it: brought up in this process, looked at from its machines."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from conpaas_iac import catalog, settings
from conpaas_iac.host import nebula
from conpaas_iac.network import certificates
from conpaas_iac.network.certificates import Facts
from conpaas_iac.runs.events import Event
from conpaas_iac.usecases import deployment
from conpaas_iac.usecases.wish import Request
from tests.e2e.conftest import Story
from tests.e2e.machines import lxc, run, until

APPLICATION_PORT = 9000  # of services that say so in `Uses`; no type of ours has one yet, so the test's own has


@dataclass
class Network:
    """The application, with what the tests ask of it."""

    story: Story
    services: dict[str, dict[str, Any]]
    more: dict[str, Any] = field(default_factory=dict)  # of the manifest
    addresses: dict[str, str] = field(default_factory=dict)  # as they were first

    def up(self, now: datetime | None = None) -> tuple[str, ...]:
        """Write the manifest and make it so, in this process: catalog and clock are the test's. Who was visited."""
        services = [{"Type": "php", "ServiceName": name, **more} for name, more in self.services.items()]
        self.story.write({"Services": services, **self.more})
        events: list[Event] = []
        request = Request(self.story.manifest, now=now or datetime.now(UTC))
        configured = settings.load(self.story.environment)
        deployment.up(request, configured, events.append, lambda plan, wish: None)
        return tuple(sorted({event.node for event in events if event.phase == "confirm"}))

    def nodes(self) -> dict[str, dict[str, Any]]:
        """Name -> what `status` says, machines only."""
        return {node["name"]: node for node in self.story.status()["nodes"]}

    def machine(self, node: str) -> str:
        """Its name in LXD."""
        return f"{self.story.name}--{node}"


def with_application_port(load: Any) -> Any:
    """The catalog, its php with one port for services that use it."""

    def loaded(roles: Path | None = None) -> Any:
        types = dict(load(roles))
        port = catalog.Port("test", "backend", APPLICATION_PORT, "application")
        php = types["php"]
        descriptor = msgspec.structs.replace(php.descriptor, ports=(*php.descriptor.ports, port))
        return {**types, "php": replace(php, descriptor=descriptor)}

    return loaded


def facts(text: str) -> Facts:
    """What a certificate says."""
    return certificates.read(nebula.need(settings.load()).cert, text)[0]


def impersonate(machine: str, folder: Path) -> None:
    """Run Nebula there as the machine whose /etc/nebula this was."""
    run(machine, "systemctl", "stop", "nebula")
    lxc("file", "push", "-r", "-q", str(folder / "nebula"), f"{machine}/etc")
    run(machine, "chown", "-R", "root:root", "/etc/nebula")
    run(machine, "systemctl", "start", "nebula")
    until(lambda: "vpn0" in run(machine, "ip", "-o", "link"))


def journal(machine: str, about: str) -> str:
    said = run(machine, "journalctl", "--unit=nebula", "--no-pager", "--output=cat")
    return "\n".join(line for line in said.splitlines() if about in line)
