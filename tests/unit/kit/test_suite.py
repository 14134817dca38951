"""In which order the suite goes on, and when it does not: on an application that is pretended."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from conpaas_iac.catalog import ServiceType
from conpaas_iac.errors import Interrupted, MachineError
from conpaas_iac.kit.course import course
from conpaas_iac.kit.results import Result
from conpaas_iac.kit.trial import Trial
from conpaas_iac.kit.verdicts import Ran
from conpaas_iac.suite.suite import Suite
from tests.unit.kit.made import skeleton


@dataclass
class Pretended:
    """Stands where a Bench stands; `codes` are the exit codes of the next verbs."""

    kind: ServiceType
    codes: list[int] = field(default_factory=list)
    raises: Exception | None = None
    trial: Trial = Trial()  # noqa: RUF009 (frozen)
    counts: Any = None
    manifest: Path = Path("manifest.json")
    application: str = "demo"
    done: list[str] = field(default_factory=list)

    def write(self, counts: Any) -> None:
        self.counts = dict(counts)

    def look(self, *words: str) -> None:
        pass

    def up(self, *options: str) -> Ran:
        return self.verb("up", f"server={self.counts['server']}", *options)

    def verb(self, *words: str) -> Ran:
        self.done.append(" ".join(words))
        if self.raises:
            raise self.raises
        return Ran(f"conpaas {words[0]}", self.codes.pop(0) if self.codes else 0, "error: it broke")

    def status(self) -> Any:
        return SimpleNamespace(nodes=(), urls={}, answers={})


class Quiet:
    def begun(self, _: object) -> None:
        pass

    def ended(self, _: object) -> None:
        pass


@pytest.fixture
def bench(tmp_path: Path) -> Pretended:
    """Of a new type."""
    return Pretended(skeleton(tmp_path / "roles"))


def run(bench: Pretended, *only: str) -> list[Result]:
    suite: Any = Suite(bench, Quiet())  # type: ignore[arg-type]
    return [*suite.run(course(bench.kind, bench.trial, only))]


def outcomes(results: Iterable[Result]) -> dict[str, str]:
    return {result.row.name: result.outcome for result in results}


def test_a_group_grows_and_shrinks(bench: Pretended) -> None:
    assert outcomes(run(bench, "install", "restart", "scale")) == {
        "install": "passed", "restart": "passed", "scale server": "passed",
    }  # fmt: skip
    assert bench.done == ["up server=1", "stop demo", "start demo", "up server=1", "up server=3", "up server=1"]


def test_a_type_that_is_wrong_by_itself_gets_no_machine(bench: Pretended) -> None:
    (bench.kind.folder / "README.md").unlink()
    readme, install = run(bench, "readme", "install")
    assert (readme.outcome, readme.code) == ("failed", 1)
    assert (install.outcome, install.note) == ("not run", "the type itself is to be mended first")
    assert bench.done == []


def test_what_does_not_come_up_is_not_looked_at_further(bench: Pretended) -> None:
    bench.codes = [3]
    install, scale = run(bench, "install", "scale")
    assert install.finding and "`conpaas up` ended with 3: it broke" in install.finding.reason
    assert scale.note == "it does not come up"
    assert bench.done == ["up server=1"]


def test_after_a_failure_the_next_check_begins_with_what_is_well(bench: Pretended) -> None:
    bench.codes = [0, 3]
    assert outcomes(run(bench, "install", "restart", "scale")) == {
        "install": "passed", "restart": "failed", "scale server": "passed",
    }  # fmt: skip
    assert bench.done[:4] == ["up server=1", "stop demo", "up server=1 --all", "up server=3"]


def test_back_from_a_failure_data_goes_one_machine_at_a_time(bench: Pretended) -> None:
    path = bench.kind.folder / "meta" / "service.yml"
    path.write_text(path.read_text().replace("minimum: 1}", "minimum: 1, keeps_data: true}"))
    bench.kind = skeleton(bench.kind.folder.parent)
    bench.codes = [0, 0, 3, 0, 3]
    run(bench, "install", "scale", "kill")
    assert bench.done == [
        "up server=1", "up server=3", "up server=2", "up server=2 --all", "up server=1 --all",
    ]  # fmt: skip


def test_what_cannot_be_mended_ends_it(bench: Pretended) -> None:
    bench.codes = [0, 3, 3]
    *_, scale = run(bench, "install", "restart", "scale")
    assert (scale.outcome, scale.note) == (
        "not run", "the application is not well after restart, and `up` does not mend it",
    )  # fmt: skip


def test_machines_that_fail_beside_a_verb_are_said(bench: Pretended) -> None:
    bench.raises = MachineError("tested-1: no answer", remedy="look")
    [result] = run(bench, "install")
    assert result.finding and (result.finding.reason, result.finding.remedy) == ("tested-1: no answer", "look")


def test_ctrl_c_is_nobodys_failure(bench: Pretended) -> None:
    bench.raises = Interrupted("interrupted")
    with pytest.raises(Interrupted):
        run(bench, "install")
