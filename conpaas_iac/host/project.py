"""The LXD project in which machines, images and profiles of applications live, apart from all else in that LXD."""

from dataclasses import dataclass

from conpaas_iac.host.inside_lxd import OURS, has_project, lxd_errors, shared, waits_for_lxd
from conpaas_iac.host.part import Finding, Say, missing, there
from conpaas_iac.settings import Settings

FEATURES = {
    "features.images": "true",
    "features.profiles": "true",
    "features.networks": "false",
    "features.storage.volumes": "true",
}


@dataclass(frozen=True)
class Project:
    """A project of ours, or the one that the settings name."""

    settings: Settings
    name: str = "project"

    def look(self) -> Finding:
        if waiting := waits_for_lxd(self.settings):
            return waiting
        with lxd_errors("looking at LXD's project"):
            found = has_project(self.settings)
        return there(self.settings.lxd_project) if found else missing(f"no LXD project {self.settings.lxd_project}")

    def mend(self, say: Say) -> None:
        say(f"LXD project {self.settings.lxd_project}: images and profiles of its own, networks shared")
        with lxd_errors("making LXD's project"):
            shared(self.settings).projects.create(
                self.settings.lxd_project, description="conpaas applications", config={**FEATURES, **OURS}
            )
