"""The use case behind `conpaas drift`: what clouds list and machines say, held against what was confirmed.

One call a machine, all at the same time; nothing is changed there.
"""

import hashlib
import hmac
import json
import secrets
import shlex
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import msgspec

from conpaas_iac import catalog, clouds
from conpaas_iac.backend.record import Confirmed
from conpaas_iac.core import placeholders, quoting
from conpaas_iac.core.declaration import Machine
from conpaas_iac.core.render import Tree
from conpaas_iac.drift import drift
from conpaas_iac.drift.drift import Around
from conpaas_iac.drift.driftfound import Found
from conpaas_iac.drift.driftreport import Drift, DriftReport, Unchecked
from conpaas_iac.errors import ConpaasError
from conpaas_iac.network import vpn
from conpaas_iac.settings import Settings
from conpaas_iac.usecases.inspection import SilentError, View, select, view

SCRIPT = Path(__file__).parents[1] / "guest" / "drift.py"
BASELINE = "/var/lib/conpaas/packages"  # as playbooks/configure.yml writes it
CODE = "/srv/conpaas/code/current"
PATIENCE = 30.0  # seconds for one machine
AT_ONCE = 32
UP = "conpaas up"


@dataclass(frozen=True)
class _Checked:
    drifts: tuple[Drift, ...] = ()
    unchecked: tuple[Unchecked, ...] = ()
    notes: tuple[str, ...] = ()


def drift_of(
    application: str, environment: str, settings: Settings, path: Sequence[str] = (), texts: bool = False
) -> DriftReport:
    """How the machines differ from what they confirmed; `texts`: also the texts of files that hold no secret."""
    with view(application, environment, settings) as looked, ThreadPoolExecutor(AT_ONCE) as pool:
        machines, now = select(looked, path), datetime.now(UTC)
        running = {each.node: each.service for each in looked.applied.machines if looked.reach(each)}
        around = Around(looked.record, catalog.load(), running, clouds.restarting(looked.applied.places))
        checked = list(pool.map(lambda machine: _checked(machine, looked, around, texts, now), machines))
    return DriftReport(
        application,
        environment,
        sum(not each.unchecked for each in checked),
        tuple(found for each in checked for found in each.drifts),
        tuple(found for each in checked for found in each.unchecked),
        tuple(found for each in checked for found in each.notes),
    )


def _checked(machine: Machine, looked: View, around: Around, texts: bool, now: datetime) -> _Checked:
    outside = drift.of_machine(machine, looked.seen.get(machine.node), around)
    if looked.reach(machine) is None:
        mute = (Unchecked(machine.node, "it runs, and has no address"),) if _runs(machine, looked) else ()
        return _Checked(outside, mute)
    known = looked.record.nodes.get(machine.node)
    if known is None:
        return _Checked(outside, (Unchecked(machine.node, "it has confirmed no configuration yet", UP),))
    if machine.node in looked.record.visiting:
        reason = "it is being changed, or a run was interrupted there: two configurations may be mixed"
        return _Checked(outside, (Unchecked(machine.node, reason, UP),))
    tree = looked.record.tree(machine.node)
    if tree is None:
        return _Checked(outside, (Unchecked(machine.node, "not all that it was given is known any more", UP),))
    try:
        key = secrets.token_bytes(32)
        macs = macs_of(tree, key, looked.secrets)
        found = _asked(machine, looked, question(tree, known, key, macs, texts))
    except SilentError as silent:
        reason, remedy = str(silent), f"if it stays so: conpaas replace MANIFEST {machine.node}"
        return _Checked(outside, (Unchecked(machine.node, reason, remedy),))
    except ConpaasError as error:
        return _Checked(outside, (Unchecked(machine.node, error.message, error.remedy),))
    inside = drift.within(machine, known, tree, found, macs, around, now)
    return _Checked((*outside, *inside), notes=drift.notes(machine, found))


def _runs(machine: Machine, looked: View) -> bool:
    seen = looked.seen.get(machine.node)
    return seen is not None and seen.running


def macs_of(tree: Tree, key: bytes, values: Mapping[str, str]) -> dict[str, str]:
    """Path -> HMAC of what was shipped, secrets included."""
    texts = {file.path: placeholders.revealed(file.content, values, quoting.FILTERS) for file in tree.files}
    return {path: hmac.new(key, text.encode(), hashlib.sha256).hexdigest() for path, text in texts.items()}


def question(tree: Tree, known: Confirmed, key: bytes, macs: Mapping[str, str], texts: bool) -> str:
    """What guest/drift.py is asked; it travels on standard input, where no process list shows it."""
    files = [
        {"path": file.path, "mac": macs.get(file.path, "") if shown else "", "shown": shown}
        for file, shown in drift.asked_files(tree, texts)
    ]
    return json.dumps(
        {
            "key": key.hex(),
            "files": files,
            "absent": list(tree.absent),
            "units": [*tree.units, *tree.idle_units],
            "certificate": vpn.CERTIFICATE if known.certificate else "",
            "code": CODE if tree.code else "",
            "baseline": BASELINE,
        }
    )


def _asked(machine: Machine, looked: View, asked: str) -> Found:
    command = shlex.join(["python3", "-I", "-c", _program()])
    said = looked.ask(machine.node, command, asked, PATIENCE)
    try:
        return hidden(msgspec.json.decode(said, type=Found), looked.secrets)
    except msgspec.DecodeError as error:
        raise SilentError(f"its answer cannot be read: {error}") from error


def hidden(found: Found, values: Mapping[str, str]) -> Found:
    """Where somebody wrote a secret into a file that is to hold none, its text shows the secret's name."""
    files = list(found.files)
    for number, file in enumerate(files):
        text = file.text
        for key, value in values.items():
            text = text.replace(value, f"⟦{key}⟧") if text and value else text
        files[number] = msgspec.structs.replace(file, text=text)
    return msgspec.structs.replace(found, files=tuple(files))


@cache
def _program() -> str:
    return SCRIPT.read_text()
