"""The use case behind `conpaas drift --adopt`: what the manifest can say of a drift is written into it."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path

from conpaas_iac import clouds
from conpaas_iac.core.layout import SIZES
from conpaas_iac.drift import adoption, trial
from conpaas_iac.drift.driftreport import Drift, DriftReport
from conpaas_iac.errors import UserError
from conpaas_iac.manifest import edit, model
from conpaas_iac.manifest.rewrite import Editable
from conpaas_iac.manifest.source import SECRET_NAME
from conpaas_iac.settings import Settings
from conpaas_iac.usecases.situation import wish_of
from conpaas_iac.usecases.wish import Request, Wish

Reason = tuple[str, str]  # why the manifest cannot say it, and what to do


@dataclass(frozen=True)
class Edit:
    """One value of the manifest."""

    service: str
    fields: tuple[str, ...]  # ("Configuration", "memory_limit")
    before: object
    value: object
    nodes: tuple[str, ...]  # where it was found

    @property
    def name(self) -> str:
        """As a user says it."""
        return ".".join(self.fields)


@dataclass(frozen=True)
class Refused:
    """What the manifest cannot say."""

    node: str
    what: str
    reason: str
    remedy: str


@dataclass(frozen=True)
class Adopted:
    """What was written, and what could not be."""

    manifest: str
    edits: tuple[Edit, ...] = ()
    refused: tuple[Refused, ...] = ()
    before: str = ""  # the manifest's text
    after: str = ""

    @property
    def exit_code(self) -> int:
        """1 where something is left that the manifest cannot say."""
        return 1 if self.refused else 0


def adopt(report: DriftReport, manifest: Path, settings: Settings) -> Adopted:
    """Edit the manifest, or the environment's overlay, and nothing else of its text.

    Raises UserError where it would not be valid then.
    """
    wanted = wish_of(Request(manifest, report.environment, dry=True), settings)
    if wanted.application != report.application:
        raise UserError(f"{manifest} is of {wanted.application}, not of {report.application}", "--manifest FILE")
    edits, refused = proposed(report, wanted, settings)
    editable = Editable(manifest, report.environment, wanted.types, clouds.providers(), settings.default_cloud)
    before = after = editable.text()
    for each in edits:
        after = edit.set_value(after, each.service, each.fields, each.value, wanted.types, editable.base)
    editable.rewrite(after)
    return Adopted(str(editable.file), edits, refused, before, after)


def proposed(
    report: DriftReport, wanted: Wish, settings: Settings
) -> tuple[tuple[Edit, ...], tuple[Refused, ...]]:
    """What to write, and why not what is not written."""
    found: dict[tuple[str, tuple[str, ...]], list[tuple[Drift, Edit]]] = {}
    refused = []
    for drift in report.drifts:
        edits = _edits(drift, wanted, settings)
        if isinstance(edits, tuple):
            refused.append(Refused(drift.node, drift.what, *edits))
            continue
        for each in edits:
            found.setdefault((each.service, each.fields), []).append((drift, each))
    chosen = []
    for pairs in found.values():
        if len({repr(each.value) for _, each in pairs}) == 1:
            chosen.append(replace(pairs[0][1], nodes=tuple(dict.fromkeys(drift.node for drift, _ in pairs))))
        else:
            said = ", ".join(f"{each.value!r} on {drift.node}" for drift, each in pairs)
            reason = f"{pairs[0][1].name} is not the same everywhere: {said}"
            refused += [Refused(drift.node, drift.what, reason, "edit the manifest, or --revert") for drift, _ in pairs]
    return tuple(chosen), tuple(refused)


def _edits(drift: Drift, wanted: Wish, settings: Settings) -> list[Edit] | Reason:
    """What would say it, or why nothing does, and what to do."""
    service = next((each for each in wanted.manifest.services if each.name == drift.service), None)
    if service is None:
        return "its service is no longer in the manifest", f"conpaas up {wanted.manifest.path}, or --revert"
    if drift.mend == "resize":
        return _size(drift, service, wanted)
    if drift.kind == "file" and drift.mend == "visit":
        return _values(drift, service, wanted, settings)
    manifest = wanted.manifest.path
    reasons: dict[str, Reason] = {
        "anew": (
            "the manifest says how many machines there are, not which are lost",
            f"--revert makes it anew; without it: conpaas scale {manifest} --remove {drift.node}",
        ),
        "start": (
            "the manifest starts and stops services, not machines",
            f"--revert starts it; the service: conpaas stop {wanted.application}/{drift.service}",
        ),
        "sign": ("certificates are not in the manifest", "--revert"),
        "replace": ("the manifest names no versions of packages: the role's image does", "--revert"),
    }
    return reasons.get(drift.mend, (f"the manifest says nothing of a {drift.kind}", "--revert"))


def _size(drift: Drift, service: model.Service, wanted: Wish) -> list[Edit] | Reason:
    if service.batches:
        return "its service has a mix of machines", '"Machines" in the manifest, or --revert'
    name = next((name for name, size in SIZES.items() if (size.cpu, size.memory) == drift.size), "")
    if not name:
        return f"a machine of this size is none of {', '.join(SIZES)}", "--revert"
    if name == service.size:
        return "the manifest says so already", f"conpaas up {wanted.manifest.path}"
    return [Edit(drift.service, ("Size",), service.size, name, (drift.node,))]


def _values(drift: Drift, service: model.Service, wanted: Wish, settings: Settings) -> list[Edit] | Reason:
    if drift.now is None:
        return "it holds secrets, or its text is not there", "--revert; a secret: conpaas secret set"
    known = {name: value for name, value in trial.parameters(service).items() if not SECRET_NAME.search(name[1])}
    rendered = trial.rendering(drift.node, drift.what, service.name, wanted.topology, wanted.types, settings)
    if rendered({}) != drift.confirmed:
        remedy = f"conpaas up {wanted.manifest.path}, or --revert"
        return "the manifest says something else of this file than was applied", remedy
    values = adoption.values(drift.now, known, rendered)
    if not values:
        return "no value of the manifest stands where it was edited", "--revert"
    return [Edit(service.name, name, known[name], value, (drift.node,)) for name, value in values.items()]


def document(report: DriftReport, adopted: Adopted) -> dict[str, object]:
    """For `--format json`."""
    return {
        "version": 1,
        "application": report.application,
        "environment": report.environment,
        "manifest": adopted.manifest,
        "edits": [{**asdict(each), "name": each.name} for each in adopted.edits],
        "refused": [asdict(each) for each in adopted.refused],
    }
