"""The plugins' own modules, importable as on a machine."""

import ansible.module_utils

from conpaas_iac.shipped import folder

PLUGINS = folder("playbooks") / "plugins"
ansible.module_utils.__path__.append(str(PLUGINS / "module_utils"))
