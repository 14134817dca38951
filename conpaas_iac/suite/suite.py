"""Takes a type through its course: does each step, has it judged, and goes on with the next check."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Literal, Protocol

from conpaas_iac.errors import ConpaasError, Interrupted, MachineError
from conpaas_iac.kit import readme, trial, verdicts
from conpaas_iac.kit.course import STATIC, Act, Row, Step, way
from conpaas_iac.kit.results import Result
from conpaas_iac.kit.trial import Counts
from conpaas_iac.kit.verdicts import Asking, Finding, Repeated
from conpaas_iac.machines.outcome import Outcome
from conpaas_iac.suite import machines
from conpaas_iac.suite.bench import ENVIRONMENT, Bench
from conpaas_iac.suite.traffic import traffic
from conpaas_iac.usecases import examining, proving
from conpaas_iac.views.status import NodeStatus


class Watch(Protocol):
    """Is told how far it is."""

    def begun(self, row: Row) -> None:
        """A check begins."""

    def ended(self, result: Result) -> None:
        """It ended."""


class Suite:
    """One type, on one application."""

    def __init__(self, bench: Bench, watch: Watch) -> None:
        self._bench, self._watch = bench, watch
        self._reached: Counts = {}  # counts that an `up` has brought it to; after a failure those may be there still
        self._failed: Row | None = None  # the last check did
        self._lost = ""  # why nothing more can be done with the application
        self._acts: dict[Act, Callable[[Step], Finding | None]] = {
            "plan": self._plan, "up": self._up, "shrink": self._shrink, "no-op": self._no_op, "again": self._again,
            "break": self._break, "mend": self._mend, "stop": self._stop, "start": self._start, "cut": self._cut,
            "lose": self._lose, "roll": self._roll, "look": self._look,
        }  # fmt: skip

    def run(self, course: Sequence[Row]) -> Iterator[Result]:
        """Each check's result as soon as there is one; a type that is wrong by itself is tried on no machine."""
        is_wrong = False
        for row in course:
            if is_wrong:
                self._lost = "the type itself is to be mended first"
            result = self._result(row)
            is_wrong = result.outcome == "failed" and row.check in STATIC
            self._watch.ended(result)
            yield result

    def _result(self, row: Row) -> Result:
        if row.skipped:
            return Result(row, "skipped", note=row.skipped)
        if self._failed and not self._lost:
            self._lost = self._recovered(self._failed)
        if self._lost:
            return Result(row, "not run", note=self._lost)
        self._watch.begun(row)
        begun = time.monotonic()
        finding = self._checked(row)
        seconds = time.monotonic() - begun
        self._failed = row if finding and row.check not in STATIC else None
        return Result(row, "failed" if finding else "passed", seconds, finding)

    def _checked(self, row: Row) -> Finding | None:
        if row.check == "readme":
            path = self._bench.kind.folder / readme.HERE
            text = path.read_text() if path.exists() else ""
            said = list(readme.problems(text, self._bench.kind))
            return Finding("; ".join(said), f"mend {path}", code=1) if said else None
        for step in row.steps:
            try:
                finding = self._brought(step) or self._acts[step.act](step)
            except Interrupted:
                raise
            except ConpaasError as error:
                failures = error.failures if isinstance(error, MachineError) else ()
                lines = tuple(f"{each.node}, {each.step}: {each.reason}" for each in failures)
                finding = Finding(error.message, error.remedy, lines, error.exit_code)
            if finding:
                return finding
        return None

    def _recovered(self, row: Row) -> str:
        """After a failure the next check begins with an application that is well; or why there is no next check."""
        if row.check == "install":
            return "it does not come up"
        try:
            base = trial.base(self._bench.kind, self._bench.trial)
            failed = self._through(self._way(base), "--all") is not None
        except Interrupted:
            raise
        except ConpaasError:
            failed = True
        return f"the application is not well after {row.name}, and `up` does not mend it" if failed else ""

    def _brought(self, step: Step) -> Finding | None:
        """The application is there, with so many machines, before the step; "up" does that itself."""
        if step.act in ("plan", "up", "shrink") or self._bench.counts == step.counts:
            return None
        return self._up(Step("up", step.counts))

    def _plan(self, step: Step) -> None:
        self._bench.write(step.counts)
        self._bench.look("plan", str(self._bench.manifest), "--files")
        self._bench.counts = None

    def _up(self, step: Step) -> Finding | None:
        if self._bench.counts == step.counts:
            return None
        return self._through(self._way(step.counts))

    def _way(self, counts: Counts) -> list[dict[str, int]]:
        most = {name: max(self._reached.get(name, 0), (self._bench.counts or {}).get(name, 0)) for name in counts}
        return way(self._bench.kind, most, counts)

    def _through(self, stations: Iterable[Counts], *options: str) -> Finding | None:
        for counts in stations:
            self._bench.write(counts)
            if finding := verdicts.of_run(self._bench.up(*options)) or self._unwell():
                return finding
            self._reached = counts
        return None

    def _shrink(self, step: Step) -> Finding | None:
        with traffic(self._bench) as made:
            for counts in self._way(step.counts):
                before = {node.name for node in self._nodes()}
                self._bench.write(counts)
                ran = self._bench.up()
                if finding := verdicts.of_run(ran) or self._unwell():
                    return finding
                self._reached = counts
                going = sorted(before - {node.name for node in self._nodes()})
                if finding := verdicts.of_shrink(going, ran, Asking()):
                    return finding
        return verdicts.of_shrink((), ran, made.asking)

    def _no_op(self, _: Step) -> Finding | None:
        ran = self._bench.up()
        return verdicts.of_run(ran) or verdicts.of_no_op(ran.actions) or self._unwell()

    def _again(self, _: Step) -> Finding | None:
        with self._bench.view() as looked:
            before = machines.runs(looked)
        outcome = self._visited("again")
        with self._bench.view() as looked:
            restarted = machines.restarted(before, machines.runs(looked))
        found = examining.drift_of(self._bench.application, ENVIRONMENT, self._bench.settings)
        drifted = [f"{each.node}: {each.what} {each.text}".strip() for each in found.drifts]
        return verdicts.of_repeat(Repeated(outcome.changed, restarted, drifted, outcome.failures))

    def _visited(self, playbook: Literal["prove", "again"]) -> Outcome:
        bench = self._bench
        return proving.visit(playbook, bench.application, ENVIRONMENT, bench.settings, bench.hear)

    def _break(self, step: Step) -> Finding | None:
        said = self._bench.trial.breaks.get(step.group)
        command = said.break_ if said else f"systemctl stop -- '{step.unit}'" if step.unit else ""
        if not command:
            return verdicts.of_break(step.group, "", "", ())
        with self._bench.view() as looked:
            machine = self._bench.members(looked, step.group)[0]
            machines.tell(looked, machine, command)
        runs = False
        try:
            failures = self._visited("prove").failures
        finally:
            with self._bench.view() as looked:
                runs = bool(step.unit) and machines.is_active(looked, machine, step.unit)
                machines.tell(looked, machine, said.mend if said else f"systemctl start -- '{step.unit}'")
        what = f"unit {step.unit} is stopped" if step.unit else f"this was done there: {command}"
        return verdicts.of_break(step.group, what, machine.node, failures, runs)

    def _mend(self, _: Step) -> Finding | None:
        return verdicts.of_run(self._bench.up("--all")) or self._unwell()

    def _stop(self, _: Step) -> Finding | None:
        return verdicts.of_run(self._bench.verb("stop", self._bench.application))

    def _start(self, _: Step) -> Finding | None:
        return verdicts.of_run(self._bench.verb("start", self._bench.application)) or self._unwell()

    def _cut(self, step: Step) -> Finding | None:
        with self._bench.view() as looked:
            machine = self._bench.members(looked, step.group)[0]
            machines.cut(self._bench, looked, machine)
        return verdicts.of_kill("cut", machine.node, verdicts.of_run(self._bench.up()) or self._unwell())

    def _lose(self, step: Step) -> Finding | None:
        with self._bench.view() as looked:
            machine = self._bench.members(looked, step.group)[-1]
            machines.lose(self._bench, looked, machine)
        return verdicts.of_kill("lost", machine.node, verdicts.of_run(self._bench.up()) or self._unwell())

    def _roll(self, step: Step) -> Finding | None:
        with self._bench.view() as looked:
            members = [machine.node for machine in self._bench.members(looked, step.group)]
        with traffic(self._bench) as made:
            ran = self._bench.up("--all")
        return verdicts.of_run(ran) or self._unwell() or verdicts.of_roll(step.group, members, ran, made.asking)

    def _look(self, _: Step) -> Finding | None:
        bench = self._bench
        with bench.view() as looked, machines.watched(looked) as leaks:
            ran = bench.up("--all")
        bench.look("logs", bench.application, "--lines", "100000")
        bench.look("history", "show", bench.application, "last")
        here = machines.on_this_side(bench, looked.secrets)
        return verdicts.of_run(ran) or verdicts.of_leaks([*leaks, *here])

    def _nodes(self) -> Sequence[NodeStatus]:
        return self._bench.status().nodes

    def _unwell(self) -> Finding | None:
        status = self._bench.status()
        nodes = {node.name: node.health for node in status.nodes if not (node.is_well or node.rests)}
        urls = {url: f"answers {status.answers[name]}" for name, url in status.urls.items()
                if status.answers[name][:1] not in "234"}  # fmt: skip
        unwell: Mapping[str, str] = {**nodes, **urls}
        return verdicts.of_status(unwell)
