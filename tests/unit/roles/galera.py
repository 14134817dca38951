"""The programs of a mysql machine, as modules: they are templates without anything to fill in."""

import importlib.util
import sys
from importlib.machinery import SourceFileLoader
from types import ModuleType

from conpaas_iac import catalog

FOLDER = catalog.load()["mysql"].folder / "templates/usr/local/lib/conpaas/galera"
NAMES = ("rules", "machine", "accounts", "dumps", "verbs", "agent")  # each needs only those before it


def load(name: str) -> ModuleType:
    """One of NAMES."""
    package = sys.modules.setdefault("galera", ModuleType("galera"))
    package.__path__ = []
    for each in NAMES[: NAMES.index(name) + 1]:
        full = f"galera.{each}"
        if full not in sys.modules:
            spec = importlib.util.spec_from_loader(full, SourceFileLoader(full, str(FOLDER / f"{each}.py.j2")))
            assert spec and spec.loader
            sys.modules[full] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[full])
            setattr(package, each, sys.modules[full])
    return sys.modules[f"galera.{name}"]
