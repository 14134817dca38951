"""How large the comment on a pull request is where 400 machines change at once; no machine, no forge, no time."""

import json
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figure import Figure
from conpaas_iac.backend.record import Record
from conpaas_iac.engine.engine_state import Applied
from conpaas_iac.network.membership import Authorities
from conpaas_iac.plans import plandocument, planreading
from conpaas_iac.plans.plan import Plan
from conpaas_iac.usecases.wish import Known
from conpaas_iac.views import cimarkdown
from tests import plans

SIZE = 400
NOTHING: list[dict[str, Any]] = []


def measure(runs: int) -> list[Figure]:
    """The size is the same at every run: one is enough."""
    many = [_service(number, SIZE // 10) for number in range(10)]
    told = [_service(number, SIZE // 10, memory_limit=f"{64 + number}M") for number in range(10)]
    large, larger = [_service(0, SIZE)], [_service(0, SIZE, memory_limit="64M")]
    option = _plan("shop", large, larger)
    alike = (replace(each, cause=f"{number} {each.cause}") for number, each in enumerate(option.changes))
    cases = {
        f"{SIZE} machines, added": {"shop": _plan("shop", NOTHING, large)},
        f"{SIZE} machines, an option": {"shop": option},
        f"{SIZE} machines, no two alike": {"shop": replace(option, changes=tuple(alike))},
        f"{SIZE} machines, 10 services, an option each": {"shop": _plan("shop", many, told)},
        f"{SIZE} machines, 50 applications": {
            f"app-{number}": _plan(f"app-{number}", [_service(0, 8)], [_service(0, 8, memory_limit="64M")])
            for number in range(50)
        },
    }
    return [_figure(name, found) for name, found in cases.items()]


def _figure(name: str, found: dict[str, Plan]) -> Figure:
    again = {key: planreading.plan_of(plandocument.document(plan)) for key, plan in found.items()}
    size = len(cimarkdown.comment(again, {}, foot="What is merged is done exactly so, or not at all.").encode())
    return Figure(f"comment, {name}", "60", [size / 1000], unit="kB")


def _service(number: int, machines: int, **options: str) -> dict[str, Any]:
    counts = {"proxy": 1, "web": 1, "backend": machines}
    known = {"Type": "php", "ServiceName": f"web{number}", "StartupInstances": counts}
    return {**known, **({"Configuration": options} if options else {})}


def _plan(name: str, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> Plan:
    with TemporaryDirectory() as made, plans.folder():
        path = Path(made) / "manifest.json"
        applied, there = Applied("", (), {}, Authorities()), Record()
        if before:
            path.write_text(json.dumps({"Application": name, "Services": before}, indent=2))
            applied, there = plans.after(plans.wished(path))
        known = Known(secrets=there.secrets, secret_names=there.secret_names, founded=there.founded)
        path.write_text(json.dumps({"Application": name, "Services": after}, indent=2))
        return plans.planned(plans.wished(path, known), applied, there)
