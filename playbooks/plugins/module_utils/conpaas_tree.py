"""A machine's tree of files and code, brought from what is there to what should be. Standard library only.

Order of a change: stage all, write down what must be restarted, rename. So a kill at any moment loses no restart.
"""

import grp
import os
import pwd
import shutil
import tarfile
from pathlib import Path

from ansible.module_utils.conpaas_node import merge_pending

CODE = "/srv/conpaas/code"
KEPT_VERSIONS = 3


class Change:
    """One file that is not as it should be; `content` None: it should not be there."""

    def __init__(self, machine, entry, content):
        self.name = entry["path"]
        self.path = machine.path(self.name)
        self.unit = entry.get("unit", "")
        self.on_change = entry.get("on_change", "nothing")
        self.content = content
        self.mode = int(entry.get("mode", "0644"), 8)
        self.owner = pwd.getpwnam(entry.get("owner", "root")).pw_uid if content is not None else 0
        self.group = grp.getgrnam(entry.get("group", "root")).gr_gid if content is not None else 0
        self.before = self._before()
        self.staged = None

    def _before(self):
        try:
            return self.path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    @property
    def needed(self):
        if self.content is None:
            return self.before is not None or self.path.is_symlink()
        if self.before != self.content or self.path.is_symlink():
            return True
        found = self.path.stat()
        return (found.st_mode & 0o7777, found.st_uid, found.st_gid) != (self.mode, self.owner, self.group)

    def stage(self, folder):
        """The new file, complete, on the file system of its target."""
        if self.content is None:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if folder.stat().st_dev != self.path.parent.stat().st_dev:
            folder = self.path.parent
        self.staged = folder / f".conpaas-new-{self.name.strip('/').replace('/', '-')}"
        with open(os.open(self.staged, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self.content)
            os.fchown(file.fileno(), self.owner, self.group)
            os.fchmod(file.fileno(), self.mode)

    def commit(self):
        if self.staged:
            self.staged.rename(self.path)
        else:
            self.path.unlink()

    def report(self):
        action = "remove" if self.content is None else "create" if self.before is None else "update"
        return {"path": self.name, "action": action, "unit": self.unit, "on_change": self.on_change}

    def diff(self):
        """Before and after; what not everybody on the machine may read is not shown."""
        secret = self.content is not None and not self.mode & 0o004
        if self.before is not None and not secret and self.path.exists():
            secret = not self.path.stat().st_mode & 0o004
        return {"before_header": self.name, "after_header": self.name,
                "before": _shown(self.before, secret), "after": _shown(self.content, secret)}


def _shown(content, secret):
    if content is None:
        return ""
    if secret:
        return f"({len(content)} bytes, not shown)\n"
    return content.decode("utf-8", "replace")


def find_changes(machine, tree):
    """All files that differ, and all that should go: named absent, or shipped once and no longer known."""
    wanted = [Change(machine, entry, entry["content"].encode()) for entry in tree["files"]]
    names = {entry["path"] for entry in tree["files"]}
    absent = {entry["path"]: entry for entry in map(_entry, tree.get("absent", ())) if entry["path"] not in names}
    for path in machine.recall("shipped").get("paths", ()):
        if path not in names:
            absent.setdefault(path, {"path": path})
    return [change for change in [*wanted, *(Change(machine, entry, None) for entry in absent.values())] if change.needed]


def _entry(absent):
    return {"path": absent} if isinstance(absent, str) else absent


def pending_of(changes, code_unit):
    """What the changes ask of units. A unit whose files go is asked too, while it has others."""
    wanted = {"units": {}, "daemon_reload": any(change.name.startswith("/etc/systemd/system/") for change in changes)}
    for change in changes:
        if change.unit and change.on_change != "nothing":
            wanted = merge_pending(wanted, {"units": {change.unit: change.on_change}, "daemon_reload": False})
    if code_unit:
        wanted = merge_pending(wanted, {"units": {code_unit: "reload"}, "daemon_reload": False})
    return wanted


def apply(machine, tree, changes, code):
    """Everything that `find_changes` and `code` (a Code that must change, or None) say."""
    staging = machine.state / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    for change in changes:
        change.stage(staging)
    pending = pending_of(changes, code.unit if code else "")
    if pending["units"] or pending["daemon_reload"]:
        machine.remember("pending", merge_pending(machine.recall("pending"), pending))
    shipped = {"digest": tree["digest"], "units": tree.get("units", []), "idle_units": tree.get("idle_units", [])}
    paths = [entry["path"] for entry in tree["files"]]
    machine.remember("shipped", {**shipped, "paths": sorted({*paths, *machine.recall("shipped").get("paths", ())})})
    for change in changes:
        change.commit()
    if code:
        code.activate()
    machine.remember("shipped", {**shipped, "paths": paths})


class Code:
    """A version of the application's code on a machine."""

    def __init__(self, machine, code):
        self.version = code["version"]
        self.unit = code.get("unit", "")
        self.folder = machine.path(CODE)
        self.place = self.folder / self.version
        self.current = self.folder / "current"
        self.owner = pwd.getpwnam(code.get("owner") or "root")

    @property
    def missing(self):
        return not self.place.is_dir()

    @property
    def active(self):
        """The version that answers now, or ""."""
        return os.readlink(self.current) if self.current.is_symlink() else ""

    @property
    def changes(self):
        return self.missing or self.active != self.version or self.place.stat().st_uid != self.owner.pw_uid

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
            for folder, folders, files in os.walk(self.place):
                for name in [".", *folders, *files]:
                    os.chown(os.path.join(folder, name), self.owner.pw_uid, self.owner.pw_gid, follow_symlinks=False)
        new = self.folder / ".current.new"
        new.unlink(missing_ok=True)
        new.symlink_to(self.version)
        os.utime(self.place)
        new.rename(self.current)
        self._forget_old()

    def _forget_old(self):
        versions = [path for path in self.folder.iterdir() if path.is_dir() and not path.is_symlink() and path != self.place]
        for path in sorted(versions, key=lambda path: path.stat().st_mtime, reverse=True)[KEPT_VERSIONS - 1:]:
            shutil.rmtree(path, ignore_errors=True)
