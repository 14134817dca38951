"""The Debian packages that set-up and the tool itself call."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from conpaas_iac import lxd
from conpaas_iac.host import machine
from conpaas_iac.host.part import Finding, Say, missing, there, wrong
from conpaas_iac.settings import Settings

# package -> a program of it; looked for as programs, so that other distributions and own builds count too
TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "squashfs-tools": "mksquashfs",
    "btrfs-progs": "mkfs.btrfs",
    "dnsmasq-base": "dnsmasq",
    "nftables": "nft",
    "uidmap": "newuidmap",
    "iproute2": "ip",
    "openssh-client": "ssh-agent",
    "ca-certificates": "update-ca-certificates",
}
LXD = {"lxd": "lxd", "lxd-client": "lxc"}


def absent(tools: dict[str, str], find: Callable[[str], str | None]) -> tuple[str, ...]:
    """The packages whose program is not found."""
    return tuple(package for package, program in tools.items() if not find(program))


@dataclass(frozen=True)
class Packages:
    """All that apt brings; LXD's own packages only where no LXD or Incus of the user's is there."""

    settings: Settings
    name: str = "packages"

    def look(self) -> Finding:
        gone = self._absent()
        if not gone:
            return there(f"{len(TOOLS)} programs")
        if not machine.which("apt-get"):
            return wrong(f"not installed: {' '.join(gone)}", "install them with this system's package manager")
        return missing(f"not installed: {' '.join(gone)}")

    def mend(self, say: Say) -> None:
        gone = self._absent()
        say(f"apt-get install {' '.join(gone)}")

        def shown(line: str) -> None:
            if line.strip().startswith("Setting up"):  # one line a package, of apt's five
                say(line)

        # Through `env`, because sudo drops variables.
        apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "Dpkg::Use-Pty=0"]
        machine.run_as_root("apt-get update", [*apt, "update"])
        machine.run_as_root("apt-get install", [*apt, "install", "-y", "--no-install-recommends", *gone], shown)

    def _absent(self) -> tuple[str, ...]:
        own_lxd = {} if lxd.socket_path(self.settings).exists() or os.environ.get("LXD_DIR") else LXD
        return absent({**own_lxd, **TOOLS}, machine.which)
