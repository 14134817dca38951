"""How a type did in each check, as data. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from conpaas_iac.kit.course import STATIC, Row
from conpaas_iac.kit.verdicts import Finding

Outcome = Literal["passed", "failed", "skipped", "not run"]
VERSION = 1


@dataclass(frozen=True)
class Result:
    """One check; `note` says why it was skipped or not run, or what else is worth knowing."""

    row: Row
    outcome: Outcome
    seconds: float = 0.0
    finding: Finding | None = None
    note: str = ""

    @property
    def reason(self) -> str:
        """Why it is not passed."""
        return self.finding.reason if self.finding else self.note

    @property
    def code(self) -> int:
        """The exit code that it leads to: 1 the type itself is wrong, 3 it failed on a machine."""
        if self.finding is None:
            return 0
        return 1 if self.row.check in STATIC else self.finding.code


@dataclass(frozen=True)
class Report:
    """A type, and all of its checks."""

    type: str
    application: str
    results: Sequence[Result]
    seconds: float
    kept: str = ""  # the folder of what was left for looking

    @property
    def exit_code(self) -> int:
        """0 all pass, 1 the type is wrong, 3 a check failed on machines; what the tool itself said goes before."""
        codes = {result.code for result in self.results} - {0}
        return next((code for code in (70, 130, 4, 1, 3) if code in codes), max(codes, default=0))

    @property
    def summary(self) -> str:
        """One line."""
        counts = {word: sum(result.outcome == word for result in self.results)
                  for word in ("passed", "failed", "skipped", "not run")}  # fmt: skip
        said = ", ".join(f"{number} {word}" for word, number in counts.items() if number) or "nothing checked"
        return f"{self.type}: {said} in {self.seconds:.0f} s"

    @property
    def document(self) -> dict[str, Any]:
        """For `--format json`."""
        return {
            "version": VERSION,
            "type": self.type,
            "application": self.application,
            "kept": self.kept,
            "exit": self.exit_code,
            "seconds": round(self.seconds, 2),
            "checks": [
                {
                    "check": result.row.check,
                    "group": result.row.group,
                    "outcome": result.outcome,
                    "seconds": round(result.seconds, 2),
                    "reason": result.reason,
                    "remedy": result.finding.remedy if result.finding else "",
                    "lines": list(result.finding.lines) if result.finding else [],
                }
                for result in self.results
            ],
        }
