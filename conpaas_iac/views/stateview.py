"""How the state's documents look on a terminal, and as a document. Prints nothing itself."""

from collections.abc import Iterable
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.text import Text

from conpaas_iac.backend.statefile import Checked, Finding

MARKS = {"good": ("✓", "green"), "missing": ("-", "yellow"), "corrupt": ("✗", "red")}


def view(checked: Checked) -> RenderableType:
    """One line a document; where one is bad, what to do."""
    lines = [Text(f"{checked.application} ({checked.environment})", "bold")]
    for finding in checked.findings:
        lines.append(Text.assemble("  ", MARKS[finding.state], f" {finding.part:<11}{finding.text}"))
        if finding.offer:
            lines.append(Text(f"      {finding.offer}", "dim"))
    if not checked.is_good:
        lines.append(Text(f"  → {remedy(checked)}", "bold"))
    return Group(*lines)


def remedy(checked: Checked) -> str:
    """What mends it."""
    bad = [finding for finding in checked.findings if not finding.is_good]
    if all(finding.offer for finding in bad):
        return f"conpaas state check {checked.target} --restore, then: conpaas up MANIFEST"
    lacking = " and ".join(finding.part for finding in bad if not finding.offer)
    return f"no good {lacking} is left here; from an export: conpaas state import FILE"


def mended(checked: Checked, findings: Iterable[Finding]) -> RenderableType:
    """What was restored."""
    lines = [Text(f"  {finding.part}: {finding.offer}") for finding in findings]
    return Group(Text(f"{checked.application} ({checked.environment}): restored", "bold"), *lines)


def document(found: Iterable[Checked]) -> dict[str, object]:
    """For `state check --format json`."""
    found = tuple(found)
    applications = [
        {
            "application": each.application,
            "environment": each.environment,
            "ok": each.is_good,
            "documents": [
                {key: value for key, value in asdict(finding).items() if key != "source"} for finding in each.findings
            ],
        }
        for each in found
    ]
    return {"version": 1, "ok": all(each.is_good for each in found), "applications": applications}
