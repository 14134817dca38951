"""Versions of the application's code on a machine: unpacked beside each other, one of them current.

Standard library only: this runs on the machine.
"""

import os
import pwd
import shutil
import tarfile
from pathlib import Path

FOLDER = "/srv/conpaas/code"
KEPT_VERSIONS = 3


def _leads(place, target):
    return place.is_symlink() and str(place.readlink()) == target


class Code:
    """A version of the application's code on a machine."""

    def __init__(self, machine, code):
        self.version = code["version"]
        self.unit = code.get("unit", "")
        self.folder = machine.path(FOLDER)
        self.place = self.folder / self.version
        self.current = self.folder / "current"
        self.links = [(self.place / each["path"], each) for each in code.get("links", ())]
        self.owner = pwd.getpwnam(code.get("owner") or "root")

    @property
    def missing(self):
        return not self.place.is_dir()

    @property
    def active(self):
        """The version that answers now, or ""."""
        return str(self.current.readlink()) if self.current.is_symlink() else ""

    @property
    def changes(self):
        return (self.missing or self.active != self.version or self.place.stat().st_uid != self.owner.pw_uid
                or any(not _leads(place, each["target"]) for place, each in self.links))

    def unpack(self, archive):
        """Beside its place first, so that what is in place is whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for left in self.folder.glob(".partial-*"):
            shutil.rmtree(left, ignore_errors=True)
        partial = self.folder / f".partial-{self.version}"
        partial.mkdir(mode=0o755)
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                self._check(member)
                member.uid, member.gid, member.uname, member.gname = self.owner.pw_uid, self.owner.pw_gid, "", ""
                tar.extract(member, partial, numeric_owner=True)
        os.chown(partial, self.owner.pw_uid, self.owner.pw_gid)
        partial.rename(self.place)

    @staticmethod
    def _check(member):
        """The archive was normalised by the tool; this is the second lock on the door."""
        parts = Path(member.name).parts
        if member.name.startswith("/") or ".." in parts or not (member.isreg() or member.isdir() or member.issym()):
            raise ValueError(f"{member.name}: not to be unpacked")

    def activate(self):
        if self.place.stat().st_uid != self.owner.pw_uid:
            for path in [*self.place.rglob("*"), self.place]:  # the folder last, as a sign that all is done
                os.chown(path, self.owner.pw_uid, self.owner.pw_gid, follow_symlinks=False)
        for place, each in self.links:
            self._link(place, each)
        new = self.folder / ".current.new"
        new.unlink(missing_ok=True)
        new.symlink_to(self.version)
        os.utime(self.place)
        new.rename(self.current)
        self._forget_old()

    def _link(self, place, each):
        """A place in the code that leads to a volume: its own files there would be hidden."""
        if place.is_dir() and not place.is_symlink():
            if any(place.iterdir()):
                raise ValueError(f"the code has files in {each['path']}, which the volume would hide: take them out")
            place.rmdir()
        elif place.exists() and not place.is_symlink():
            raise ValueError(f"the code has a file {each['path']} where the volume is to be")
        place.parent.mkdir(parents=True, exist_ok=True)
        owner = pwd.getpwnam(each["owner"] or "root").pw_uid if not each["owner"].isdigit() else int(each["owner"])
        new = place.with_name(f".{place.name}.new")
        new.unlink(missing_ok=True)
        new.symlink_to(each["target"])
        os.chown(new, owner, -1, follow_symlinks=False)
        new.rename(place)

    def _forget_old(self):
        others = [path for path in self.folder.iterdir() if path.is_dir() and path not in (self.place, self.current)]
        for path in sorted(others, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT_VERSIONS - 1 :]:
            shutil.rmtree(path, ignore_errors=True)
