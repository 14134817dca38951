"""Plans of cases: from what before.json made to what manifest.json asks for, without a machine.

A case is a folder of tests/unit/plans; without before.json, the application is new. After a wanted change look at what
differs in Git:

    python -m tests.plans
"""

import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from rich.console import Console

from conpaas_iac.backend import lockfile, record
from conpaas_iac.backend.folder import Folder
from conpaas_iac.backend.record import Certificate, Record
from conpaas_iac.backend.store import Store
from conpaas_iac.core import declaration
from conpaas_iac.core.addresses import Lock
from conpaas_iac.engine.engine import Applied
from conpaas_iac.network import membership
from conpaas_iac.network.membership import Authorities
from conpaas_iac.plans import plandocument
from conpaas_iac.plans.plan import Plan
from conpaas_iac.plans.prices import SHIPPED
from conpaas_iac.settings import Settings
from conpaas_iac.usecases import prospect, situation, wish
from conpaas_iac.usecases.wish import Known, Request, Wish
from conpaas_iac.views import planmarkdown, planview

CASES = sorted(path.parent for path in (Path(__file__).parent / "unit" / "plans").glob("*/manifest.json"))
NOW = datetime(2030, 1, 1, tzinfo=UTC)
AUTHORITIES = Authorities(("the authority\n",), (Certificate("authority", NOW, NOW + timedelta(days=3650)),), 1)
RANGE = IPv4Network("10.42.0.0/16")


@contextmanager
def folder() -> Iterator[Path]:
    """An empty one, in which the process is: places in plans are short."""
    there = Path.cwd()
    with tempfile.TemporaryDirectory() as made:
        os.chdir(made)
        try:
            yield Path(made)
        finally:
            os.chdir(there)


def wished(manifest: Path, known: Known | None = None) -> Wish:
    """What a manifest in the folder asks for; the lock file is written."""
    Path("manifest.json").write_bytes(manifest.read_bytes())
    own = manifest.parent / "prices.toml"
    Path("prices.toml").write_bytes(own.read_bytes() if own.exists() else SHIPPED.read_bytes())
    application = json.loads(manifest.read_text())["Application"]
    if not Path("conpaas.lock.json").exists():
        lockfile.write(Path("conpaas.lock.json"), Lock(application, "default", RANGE))
    request = Request(Path("manifest.json"), now=NOW)
    return wish.build(request, Settings(prices="prices.toml"), known=lambda _: known or Known())


def after(wanted: Wish) -> tuple[Applied, Record]:
    """What an `up` leaves."""
    machines = declaration.wanted(wanted.topology, images(wanted)).machines
    ips = {node.name: f"10.60.{number}.1" for number, node in enumerate(wanted.topology.nodes)}
    lights = membership.lighthouses_of(wanted.topology, ips, Record())
    known = Record(lighthouses=lights)
    trees = situation.joined(wanted, ips, AUTHORITIES, known).trees
    certificates = {node: Certificate(f"of-{node}", NOW, NOW + timedelta(days=365)) for node in trees}
    there = known.confirmed(((f"id-{node}", tree) for node, tree in trees.items()), certificates)
    founded = frozenset(service.name for service in wanted.topology.services)
    secrets = {service.name: service.secrets for service in wanted.topology.services}
    keys = declaration.wanted(wanted.topology, {}).secrets
    there = replace(there, founded=founded, secret_names=secrets)
    there = replace(there, inputs=prospect.table(wanted), secrets=wanted.topology.secrets)
    return Applied("owner", machines, ips, AUTHORITIES, str(RANGE), keys, wanted.topology.places), there


def images(wanted: Wish) -> dict[str, str]:
    """Names of images that no change of a role changes."""
    return {node.name: f"conpaas-{wanted.topology.service(node.service).type}" for node in wanted.topology.nodes}


@dataclass(frozen=True)
class Backend:
    """Stands where the engine stands."""

    found: Applied
    shelf: Store
    name: str = "shop.default"

    def applied(self) -> Applied:
        return self.found


def planned(wanted: Wish, applied: Applied, there: Record) -> Plan:
    """From what is there to what is wanted."""
    shelf = Folder(Path())
    record.write(shelf, "shop.default", there)
    backend: Any = Backend(applied, shelf)
    now = situation.situation(wanted, backend, Settings(), look=False)
    names = images(wanted)
    machines = tuple(replace(machine, image=names[machine.node]) for machine in now.target.machines)
    return prospect.plan_of(replace(now, target=replace(now.target, machines=machines)))


def of_case(case: Path) -> Plan:
    """The plan of a case."""
    with folder():
        applied, there = Applied("", (), {}, Authorities()), Record()
        if (case / "before.json").exists():
            applied, there = after(wished(case / "before.json"))
        known = Known(secrets=there.secrets, secret_names=there.secret_names, founded=there.founded)
        return planned(wished(case / "manifest.json", known), applied, there)


def forms(plan: Plan) -> dict[str, str]:
    """File of a case -> what it holds. All files of a new machine would be all templates: they have their own tests."""
    files = not plan.count("add")
    document = json.dumps(plandocument.document(plan), indent=2, ensure_ascii=False) + "\n"
    texts = {f"{width}.txt": shown(plan, width) for width in (80, 120)}
    known = {"files.txt": shown(plan, None, files), "plan.md": planmarkdown.markdown(plan, files)}
    return {**texts, **known, "plan.json": document}


def shown(plan: Plan, width: int | None, files: bool = False) -> str:
    """On a terminal of that width; None is a pipe."""
    file = io.StringIO()
    console = Console(file=file, width=width or 1000, soft_wrap=width is None, color_system=None, highlight=False)
    console.print(planview.view(plan, files))
    lines = file.getvalue().splitlines()
    return "\n".join(lines if width is None else [line.rstrip() for line in lines]) + "\n"  # terminals are filled


def main() -> None:
    """Write what is expected anew."""
    for case in CASES:
        shutil.rmtree(case / "expected", ignore_errors=True)
        (case / "expected").mkdir()
        for name, text in forms(of_case(case)).items():
            (case / "expected" / name).write_text(text)
        print(f"{case.name}: {plandocument.summary(of_case(case))}")


if __name__ == "__main__":
    main()
