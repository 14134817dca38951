#!/usr/bin/python
# ruff: noqa: E402  Ansible wants the documentation first
"""Brings the units of a machine to what was shipped."""

DOCUMENTATION = r"""
module: conpaas_settle
short_description: Start, reload and stop a machine's units so that they run what was shipped
description:
  - Reads what conpaas_ship wrote down; starts units that should run, stops those that should not.
  - Reloads or restarts exactly the units whose files changed. What it did stays pending until it is verified.
options: {}
author: conpaas (@conpaas)
"""

import os
import re
import socket
import subprocess
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.conpaas_node import Machine, journal, output

IN_USE = re.compile(r"(?i)address (?:already )?in use")
PORT = re.compile(r"(?:[\d.]{7}|\]|\*):(\d{1,5})\b")  # of an address, not a line number
PREFIX = re.compile(r"^(\[[^\]]*\] *(\(\d+\))?|nginx|\d{4}/\S+ \S+)[ :]*")
HOLDER = re.compile(r'\("([^"]+)",pid=(\d+)')


class UnitFailed(Exception):
    def __init__(self, unit, verb, lines):
        super().__init__(unit)
        self.unit, self.verb, self.lines = unit, verb, lines


def main():
    module = AnsibleModule({}, supports_check_mode=True)
    machine = Machine()
    with machine.locked():
        shipped, pending = machine.recall("shipped"), machine.recall("pending")
        plan = steps(shipped, pending, states([*shipped.get("units", ()), *shipped.get("idle_units", ())]))
        rename = hostname_step(machine)
        done = [*([rename] if rename else []), *plan]
        if not module.check_mode:
            if rename:
                socket.sethostname(rename[1])
            try:
                for verb, *units in plan:
                    systemctl(verb, units)
            except UnitFailed as failed:
                module.fail_json(msg=explain(failed), unit=failed.unit, stderr="\n".join(failed.lines))
    module.exit_json(changed=bool(done), steps=[" ".join(step) for step in done])


def hostname_step(machine):
    file = machine.path("/etc/hostname")
    name = file.read_text().strip() if file.exists() else ""
    return ("hostname", name) if name and name != socket.gethostname() else None


def states(units):
    """unit -> (load, active, enabled) states, in one call."""
    if not units:
        return {}
    text = output("systemctl", "show", "-p", "LoadState,ActiveState,UnitFileState", "--", *units)
    blocks = [dict(line.split("=", 1) for line in block.splitlines()) for block in text.strip().split("\n\n")]
    return {unit: (block["LoadState"], block["ActiveState"], block["UnitFileState"])
            for unit, block in zip(units, blocks, strict=True)}


def steps(shipped, pending, found):
    """What to do, as arguments of systemctl, in order. Pure."""
    wanted, idle = shipped.get("units", []), shipped.get("idle_units", [])
    asked = pending.get("units", {})
    result = [("daemon-reload",)] if pending.get("daemon_reload") else []
    stopping = [unit for unit in idle if _runs(*found[unit])]
    result += [("disable --now", *stopping)] if stopping else []
    result += [("restart", unit) for unit in asked if unit not in wanted and unit not in idle]
    masked = [unit for unit in wanted if found[unit][0] == "masked"]
    result += [("unmask", *masked)] if masked else []
    enabling = [unit for unit in wanted if found[unit][2] == "disabled" or unit in masked]
    result += [("enable", *enabling)] if enabling else []
    for unit in wanted:
        if found[unit][1] == "failed":
            result.append(("reset-failed", unit))
        if found[unit][1] not in ("active", "reloading"):
            result.append(("restart" if found[unit][1] == "activating" else "start", unit))
        elif asked.get(unit, "nothing") != "nothing":
            result.append(("reload-or-restart" if asked[unit] == "reload" else "restart", unit))
    return result


def _runs(load, active, enabled):
    return load != "not-found" and (active not in ("inactive", "failed") or enabled == "enabled")


def systemctl(verb, units):
    began = time.time()
    command = ["systemctl", *verb.split(), "--", *units]
    environment = {**os.environ, "SYSTEMCTL_SKIP_SYSV": "1"}  # links in /etc/rc*.d would cost half a second
    done = subprocess.run(command, env=environment, capture_output=True, text=True, errors="replace")
    if done.returncode:
        unit = units[0] if units else "systemd"
        said = of_start(unit, journal(["-u", unit], began))
        raise UnitFailed(unit, verb, said or done.stderr.strip().splitlines())


def of_start(unit, lines):
    """Without what was said at the end of what ran before. Pure."""
    begun = [number for number, line in enumerate(lines) if line.startswith(f"Starting {unit}")]
    return [line for line in lines[begun[-1] if begun else 0:] if not line.startswith("Dependency failed")]


def explain(failed):
    """One line: unit, cause, and who holds the port if that is the cause."""
    causes = [line for line in failed.lines if re.search(r"(?i)emerg|alert|error|fail|in use|denied|cannot", line)]
    systemd = re.compile(rf"{re.escape(failed.unit)}\S*: |Failed to start|Reload failed")
    own = [line for line in causes if not systemd.match(line)]
    cause = (own or causes or failed.lines or ["it said nothing"])[0]
    message = f"{failed.unit} does not {failed.verb.split()[0]}: {PREFIX.sub('', cause)}"
    for line in failed.lines:
        port = PORT.search(line)
        if IN_USE.search(line) and port:
            return f"{message}; {holders(port.group(1))}"
    return message


def holders(port):
    found = sorted(set(HOLDER.findall(output("ss", "-Hltnp", f"sport = :{port}"))))
    names = ", ".join(f"{name} (process {pid})" for name, pid in found) or "a process that is gone by now"
    return f"port {port} is held by {names}"


if __name__ == "__main__":
    main()
