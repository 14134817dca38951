"""What was seen, and what is wrong with it: each judgement says the exact reason, and what to do. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from conpaas_iac.core.ordering import count
from conpaas_iac.errors import Failure

SHOWN = 5  # of a list
LAST_LINES = 6  # of a failure
REMEDY = "→"  # begins the line of it that says what to do


@dataclass(frozen=True)
class Finding:
    """Why a check failed; `code` is the exit code that it leads to."""

    reason: str
    remedy: str
    lines: tuple[str, ...] = ()
    code: int = 3


@dataclass(frozen=True)
class Ran:
    """A verb that was run as a process of its own."""

    verb: str
    code: int
    said: str = ""  # on standard error
    steps: Mapping[str, Sequence[str]] = field(default_factory=dict)  # machine -> what was done there, in order
    actions: Mapping[str, str] = field(default_factory=dict)  # machine -> what the plan did to it


@dataclass(frozen=True)
class Repeated:
    """What a second install, ship, settle and verify did."""

    changed: Mapping[str, Sequence[str]] = field(default_factory=dict)  # machine -> its tasks that changed something
    restarted: Mapping[str, Sequence[str]] = field(default_factory=dict)  # machine -> units that ran anew meanwhile
    drifted: Sequence[str] = ()
    failures: Sequence[Failure] = ()


@dataclass(frozen=True)
class Asking:
    """Requests that were made meanwhile: how many, and what became of those that failed."""

    sent: int = 0
    failed: Sequence[str] = ()
    how: str = ""  # empty: nobody knows how to ask


@dataclass(frozen=True)
class Leak:
    """A secret where others may read it."""

    place: str  # "page-1, arguments of a process"
    what: str
    secret: str  # its name


def of_run(ran: Ran) -> Finding | None:
    """Whether a verb did it; the tool's own words say why not."""
    if ran.code == 0:
        return None
    lines = [line for line in ran.said.splitlines() if line.strip()]
    begins = (number for number, line in enumerate(lines) if line.startswith("error: ") or ": error[" in line)
    first, *rest = (line.strip() for line in lines[next(begins, len(lines)) :] or ["it was killed"])
    details = [line for line in rest if not line.startswith(REMEDY)]
    remedies = [line.removeprefix(REMEDY).strip() for line in rest if line.startswith(REMEDY)]
    said = "; ".join([first.removeprefix("error: "), *details[:1]])
    remedy = next(iter(remedies), "see what the machine says, with --keep")
    return Finding(f"`{ran.verb}` ended with {ran.code}: {said}", remedy, tuple(details[1 : LAST_LINES + 1]), ran.code)


def of_status(unwell: Mapping[str, str]) -> Finding | None:
    """Whether all machines and URLs are well."""
    if not unwell:
        return None
    said = "; ".join(f"{name}: {why}" for name, why in unwell.items())
    return Finding(f"not well after it was done: {said}", "verify should have noticed: let it ask for just that")


def of_no_op(actions: Mapping[str, str]) -> Finding | None:
    """A plan that should be empty."""
    if not actions:
        return None
    said = ", ".join(f"{action} {node}" for node, action in actions.items())
    return Finding(
        f"`up` of what is there already wants to change: {said}",
        "templates may hold nothing but what they are given: no time, no chance, no order of a set",
    )


def of_repeat(seen: Repeated) -> Finding | None:
    """Whether doing all of it again changed nothing."""
    if seen.failures:
        first = seen.failures[0]
        reason = f"{first.node}: the second {first.step} fails: {first.reason}"
        return Finding(reason, f"let tasks/{first.step}.yml be repeatable", first.lines[-LAST_LINES:])
    if seen.changed:
        return Finding(
            f"a second configure changes {_each(seen.changed)}",
            "let the task look before it changes (creates:), or say changed_when: false where it only looks",
        )
    if seen.restarted:
        return Finding(
            f"a second configure restarts {_each(seen.restarted)}, although nothing changed",
            "leave restarts to `unit` and `on_change` of meta/service.yml: tasks restart nothing",
        )
    if seen.drifted:
        return Finding(
            f"what is there is not what was shipped: {_some(seen.drifted)}",
            "tasks and software may not write what conpaas ships: `files` and `units` of meta/service.yml",
        )
    return None


def of_break(
    group: str, what: str, node: str, failures: Iterable[Failure], runs_again: bool = False
) -> Finding | None:
    """Whether verify noticed that something does not run, or made it run; `what` is a unit or a command line."""
    if not what:
        return Finding(
            f"group {group} has no unit that can be stopped: whether verify can fail is not known",
            f"name its units in meta/service.yml, or in meta/test.yml breaks: {{{group}: {{break: …, mend: …}}}}",
        )
    if runs_again or any(failure.node == node for failure in failures):
        return None
    return Finding(
        f"verify passes on {node} although {what}",
        f"let tasks/verify.yml ask group {group} for what it is there for (module conpaas_probe)",
    )


def of_kill(how: str, node: str, after: Finding | None) -> Finding | None:
    """Whether `up` brought it back."""
    if after is None:
        return None
    remedy = {
        "cut": "a machine may stop at any moment: what runs there must start again from what is on its disk",
        "lost": "a new machine in its place has nothing but its files: what it needs besides, others must give it",
    }[how]
    what = {"cut": "lost its power", "lost": "is gone"}[how]
    return Finding(f"{node} {what}, and one `up` does not mend it: {after.reason}", remedy, after.lines, after.code)


def of_roll(group: str, members: Sequence[str], ran: Ran, asked: Asking) -> Finding | None:
    """Whether each of the members left service before it was changed."""
    missing = [node for node in members if "drain" not in ran.steps.get(node, ())]
    if missing:
        return Finding(
            f"{', '.join(missing)}: changed without leaving service first, tasks/drain.yml did nothing",
            f"meta/service.yml says drain: [{group}]: write tasks/drain.yml, with a task named `drain`",
        )
    return _of_requests(asked, "were changed one after another")


def of_shrink(going: Sequence[str], ran: Ran, asked: Asking) -> Finding | None:
    """Whether what went had left before."""
    done = {node: [step for step in ran.steps.get(node, ()) if step not in ("machine", "remove")] for node in going}
    if missing := [node for node, steps in done.items() if not steps]:
        return Finding(
            f"{', '.join(missing)}: removed although tasks/leave.yml did nothing there",
            "let tasks/leave.yml end what is under way; a task that is skipped (when:) ends nothing",
        )
    return _of_requests(asked, "went")


def _of_requests(asked: Asking, what: str) -> Finding | None:
    if asked.how and not asked.sent:
        return Finding(f"no request ended while machines {what} ({asked.how})", "see with --keep why it takes so long")
    if not asked.failed:
        return None
    return Finding(
        f"{len(asked.failed)} of {count(asked.sent, 'request')} failed while machines {what}: {asked.failed[0]}",
        "let drain and leave wait until nobody sends anything any more and nobody is served",
    )


def of_leaks(leaks: Sequence[Leak]) -> Finding | None:
    """Whether every secret stayed one."""
    if not leaks:
        return None
    said = dict.fromkeys(f"{leak.secret} in {leak.place}: {leak.what}" for leak in leaks)
    return Finding(
        _some(list(said)),
        "secrets go into files with mode 0600 or 0640 (EnvironmentFile=), never into words of command lines or logs",
    )


def _each(found: Mapping[str, Sequence[str]]) -> str:
    return _some([f"{node}: {', '.join(what)}" for node, what in found.items()])


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return "; ".join(texts[:SHOWN]) + more
