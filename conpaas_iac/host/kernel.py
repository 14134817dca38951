"""Kernel settings without which the twenty-first guest, or a service in one, fails in ways that name no reason."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from conpaas_iac.host import machine
from conpaas_iac.host.part import Finding, Say, missing, there

WANTED = {
    "fs.inotify.max_user_instances": 8192,  # each guest's systemd takes several; the default of 128 is for all of them
    "kernel.keys.maxkeys": 5000,  # each guest takes session keys of the same mapped user
    "vm.overcommit_memory": 1,  # Redis forks to save, and refuses to where memory might not do
}
DROP_IN = Path("/etc/sysctl.d/60-conpaas.conf")


def too_low(seen: Mapping[str, int]) -> dict[str, int]:
    """What must be set; a higher number of the user's stays, and a key that the kernel lacks is left out."""
    return {
        key: value
        for key, value in WANTED.items()
        if key in seen and (seen[key] != value if key == "vm.overcommit_memory" else seen[key] < value)
    }


def _read() -> dict[str, int]:
    files = {key: Path("/proc/sys", *key.split(".")) for key in WANTED}
    return {key: int(file.read_text()) for key, file in files.items() if file.exists()}


@dataclass(frozen=True)
class Kernel:
    """The settings, now and after a restart."""

    name: str = "kernel"

    def look(self) -> Finding:
        low = too_low(_read())
        if low:
            return missing("to set: " + " ".join(f"{key}={value}" for key, value in low.items()))
        return there(f"{len(WANTED)} sysctls")

    def mend(self, say: Say) -> None:
        wanted = [f"{key}={value}" for key, value in too_low(_read()).items()]
        say(f"sysctl -w {' '.join(wanted)} (kept in {DROP_IN})")
        machine.install_file(DROP_IN, "".join(f"{key} = {value}\n" for key, value in WANTED.items()))
        machine.run_as_root("sysctl", ["sysctl", "-w", *wanted])
