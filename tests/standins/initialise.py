"""As much of cloud-init as our clouds' user data asks for; what it does not know, it refuses."""

from typing import Any

import yaml

KNOWN = {
    "disable_root", "hostname", "preserve_hostname", "ssh_authorized_keys", "ssh_deletekeys", "ssh_genkeytypes",
    "ssh_keys", "ssh_pwauth", "write_files", "runcmd", "bootcmd", "package_update", "manage_etc_hosts",
    "ssh_publish_hostkeys", "no_ssh_fingerprints", "users",
}  # fmt: skip

UP = "until systemctl is-system-running 2>/dev/null | grep -qE 'starting|running|degraded'; do sleep 0.1; done"


def parsed(user_data: str) -> dict[str, Any]:
    """Of cloud-config; raises ValueError for what is none."""
    if not user_data:
        return {}
    if not user_data.startswith("#cloud-config"):
        raise ValueError("user data is no #cloud-config")
    found = yaml.safe_load(user_data) or {}
    if strange := set(found) - KNOWN:
        raise ValueError(f"user data asks for what the stand-in does not know: {', '.join(sorted(strange))}")
    return dict(found)


def before(container: Any, user_data: str, public_key: str) -> None:
    """What is there at the first boot: host keys, files, who may log in."""
    wanted = parsed(user_data)
    for name, content in wanted.get("ssh_keys", {}).items():
        kind, _, half = name.partition("_")
        path = f"/etc/ssh/ssh_host_{kind}_key" + (".pub" if half == "public" else "")
        container.files.put(path, content.encode(), mode=0o644 if half == "public" else 0o600, uid=0, gid=0)
    for each in wanted.get("write_files", ()):
        mode = int(str(each.get("permissions", "0644")), 8)
        container.files.put(each["path"], each["content"].encode(), mode=mode, uid=0, gid=0)
    keys = [*wanted.get("ssh_authorized_keys", ()), *([public_key] if public_key else ())]
    if keys and not wanted.get("disable_root", True):
        lines = "".join(f"{key.strip()}\n" for key in keys)
        container.files.put("/root/.ssh/authorized_keys", lines.encode(), mode=0o600, uid=0, gid=0)


def after(container: Any, user_data: str) -> None:
    """What runs once it is up."""
    wanted = parsed(user_data)
    _run(container, UP)
    if not wanted.get("ssh_keys"):
        _run(container, "ssh-keygen -A && systemctl restart ssh")
    for each in (*wanted.get("bootcmd", ()), *wanted.get("runcmd", ())):
        _run(container, each if isinstance(each, str) else None, None if isinstance(each, str) else each)


def _run(container: Any, line: str | None, words: list[str] | None = None) -> None:
    code, out, err = container.execute(words or ["sh", "-c", line])
    if code:
        raise ValueError(f"user data: {words or line}: exit {code}\n{out}{err}")
