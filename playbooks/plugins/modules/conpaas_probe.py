#!/usr/bin/python
# ruff: noqa: E402  Ansible wants the documentation first
"""Asks a machine's software over HTTP whether it works, and the journal why it does not."""

DOCUMENTATION = r"""
module: conpaas_probe
short_description: Prove over HTTP, on the machine itself, that its software answers
description:
  - Each check is repeated until it passes or its time is over.
  - A failure names the address, what came and the journal's last lines.
options:
  groups:
    description: Groups of this machine; checks of other groups are left out.
    type: list
    elements: str
    required: true
  checks:
    description: What to ask; see the suboptions.
    type: list
    elements: dict
    required: true
    suboptions:
      group:
        description: The group that the check is for.
        type: str
        required: true
      url:
        description: An http address.
        type: str
        required: true
      host:
        description: Host header; the address's own without it.
        type: str
      below:
        description: Every status below this one is good.
        type: int
        default: 400
      seconds:
        description: How long it may take until the check passes.
        type: float
        default: 10
      journal:
        description: Arguments that select journal entries which explain a failure, as -u and a unit.
        type: list
        elements: str
        default: []
author: conpaas (@conpaas)
"""

import http.client
import re
import time
from urllib.parse import urlsplit

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.conpaas_node import journal

VERSION_FOLDER = re.compile(r"/srv/conpaas/code/[0-9a-f]{64}/")
CHECK = {
    "group": {"type": "str", "required": True},
    "url": {"type": "str", "required": True},
    "host": {"type": "str"},
    "below": {"type": "int", "default": 400},
    "seconds": {"type": "float", "default": 10},
    "journal": {"type": "list", "elements": "str", "default": []},
}


def main():
    module = AnsibleModule(
        {"groups": {"type": "list", "elements": "str", "required": True},
         "checks": {"type": "list", "elements": "dict", "required": True, "options": CHECK}},
        supports_check_mode=True,
    )
    for check in module.params["checks"]:
        if check["group"] in module.params["groups"]:
            passed, answer, lines = probe(check)
            if not passed:
                causes = [line for line in lines if "rror" in line] or lines
                said = f": {causes[-1]}" if causes else ""
                module.fail_json(msg=f"{check['group']}: {check['url']} {answer}{said}", stderr="\n".join(lines))
    module.exit_json(changed=False)


def probe(check):
    """(passed, what came, the journal's lines)."""
    began = time.time()
    pause = 0.05
    while True:
        status, answer = ask(check["url"], check["host"])
        if status is not None and status < check["below"]:
            return True, answer, []
        if time.time() + pause > began + check["seconds"]:
            return False, answer, explanation(check["journal"], began)
        time.sleep(pause)
        pause = min(pause * 2, 0.5)


def explanation(selector, since):
    """What the journal says, each line once, code named as its author knows it."""
    lines = journal(selector, since) if selector else []
    return list(dict.fromkeys(VERSION_FOLDER.sub("", line) for line in lines))


def ask(url, host):
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=10)
    try:
        headers = {"Host": host or parts.netloc, "User-Agent": "conpaas-verify"}
        connection.request("GET", parts.path or "/", headers=headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return None, f"does not answer ({error or type(error).__name__})"
    finally:
        connection.close()
    return status, f"answered {status}"


if __name__ == "__main__":
    main()
