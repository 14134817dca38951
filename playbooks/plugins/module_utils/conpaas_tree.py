"""A machine's tree of files, brought from what is there to what should be. Standard library only.

Order of a change: stage all, write down what must be restarted, rename. So a kill at any moment loses no restart.
"""

import grp
import os
import pwd
import shutil

from ansible.module_utils.conpaas_node import merge_pending, new_file


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
        with new_file(self.staged) as file:
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
    names = {entry["path"] for entry in tree["files"]} | set(tree.get("kept", ()))
    absent = {entry["path"]: entry for entry in map(_entry, tree.get("absent", ())) if entry["path"] not in names}
    for path in machine.recall("shipped").get("paths", ()):
        if path not in names:
            absent.setdefault(path, {"path": path})
    unwanted = [Change(machine, entry, None) for entry in absent.values()]
    return [change for change in [*wanted, *unwanted] if change.needed]


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
