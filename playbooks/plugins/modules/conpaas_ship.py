#!/usr/bin/python
# ruff: noqa: E402  Ansible wants the documentation first
"""Brings a machine's files and code to what its tree says; see module_utils/conpaas_tree.py."""

DOCUMENTATION = r"""
module: conpaas_ship
short_description: Bring a machine's configuration files and code to what its tree says
description:
  - All files are staged, then the units that must be reloaded or restarted are written down, then all are renamed.
  - Called through the action plugin of the same name, which takes the tree from a file of the controller.
options:
  tree:
    description: The tree, as JSON, deflated, in base64.
    type: str
    required: true
  archive:
    description: The code's archive on the machine; empty when it was not sent.
    type: path
author: conpaas (@conpaas)
"""

import base64
import json
import subprocess
import zlib

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.conpaas_code import Code
from ansible.module_utils.conpaas_node import Machine
from ansible.module_utils.conpaas_tree import apply, find_changes


def main():
    module = AnsibleModule({"tree": {"type": "str", "required": True, "no_log": True}, "archive": {"type": "path"}},
                           supports_check_mode=True)
    tree = json.loads(zlib.decompress(base64.b64decode(module.params["tree"])))
    try:
        module.exit_json(**ship(module, tree))
    except OSError as error:
        module.fail_json(msg=f"{error.strerror}: {error.filename or 'while shipping'}")
    except (KeyError, ValueError) as error:
        module.fail_json(msg=f"the tree cannot be shipped: {error}")


def ship(module, tree):
    machine = Machine()
    with machine.locked():
        code = Code(machine, tree["code"]) if tree.get("code") else None
        if code and code.missing and not module.params["archive"] and not module.check_mode:
            raise ValueError(f"version {code.version} of the code was not sent")
        changes = find_changes(machine, tree)
        code_change = code if code and code.changes else None
        result = {
            "changed": bool(changes or code_change),
            "files": [change.report() for change in changes],
            "code": {"before": code.active, "after": code.version} if code_change else None,
        }
        if module._diff:
            result["diff"] = [change.diff() for change in changes]
        if not module.check_mode:
            if code and code.missing:
                code.unpack(module.params["archive"])
            end_units(machine.recall("shipped").get("units", ()), tree)
            apply(machine, tree, changes, code_change)
        return result


def end_units(before, tree):
    """Those that no tree knows any more, while their files are there."""
    gone = [unit for unit in before if unit not in tree["units"] and unit not in tree["idle_units"]]
    if gone:
        subprocess.run(["systemctl", "disable", "--now", "--", *gone], capture_output=True)


if __name__ == "__main__":
    main()
