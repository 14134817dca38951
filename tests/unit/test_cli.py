"""The command line: verbs, exit codes, and no traceback on any terminal."""

import io
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules, walk_packages

import click
import pytest

from conpaas_iac import cli, commands
from conpaas_iac.errors import ConpaasError, Failure, Interrupted, LeaseHeldError, MachineError, UserError
from conpaas_iac.usecases import inspection

HELPERS = {
    "activation", "conformance", "fleet_options", "fleet_sync", "operate", "operations", "options", "output", "push",
    "running", "screen", "several",
}  # fmt: skip


def test_every_verb_has_a_module_and_every_module_a_verb() -> None:
    modules = {module.name for module in iter_modules(commands.__path__)} - HELPERS
    assert modules == set(cli.VERBS)
    for verb in cli.VERBS:
        command = import_module(f"conpaas_iac.commands.{verb}").command
        assert isinstance(command, click.Command)
        assert command.help


@pytest.mark.parametrize("verb", cli.VERBS)
def test_every_verb_says_what_it_does(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([verb, "--help"]) == 0
    assert f"conpaas {verb}" in capsys.readouterr().out


def test_help_names_all_verbs_and_imports_none() -> None:
    code = "import sys; from conpaas_iac import cli; cli.run(['--help']); " + (
        "print([name for name in sys.modules if name.startswith(('conpaas_iac.commands', 'pulumi', 'rich'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(verb in done.stdout for verb in cli.VERBS)


def test_what_needs_no_engine_begins_without_it(own_state: Path) -> None:
    verbs = [[verb, "--help"] for verb in cli.VERBS] + [["list"], ["history", "shop"]]
    slow = {"pulumi", "jsonschema", "conpaas_iac.engine.engine", "conpaas_iac.usecases.wish"}
    code = f"import sys; from conpaas_iac import cli; [cli.run(each) for each in {verbs}]; "
    code += f"print({slow} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def test_what_is_slow_to_import_is_imported_where_it_is_used() -> None:
    """The engine's SDK where it is to change something, LXD's client where LXD is asked, and so on."""
    names = [*packages("conpaas_iac.usecases", "conpaas_iac.views", "conpaas_iac.commands")]
    slow = {"ansible_runner", "boto3", "cryptography", "grpc", "jsonschema", "pulumi", "pylxd", "requests"}
    code = f"import importlib, sys; [importlib.import_module(name) for name in {names}]; "
    code += f"print({slow} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


def packages(*names: str) -> Iterator[str]:
    """Their modules."""
    for name in names:
        yield from (each.name for each in walk_packages(import_module(name).__path__, f"{name}."))


def test_an_unknown_verb_gets_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["staus", "shop"]) == 1
    assert "no verb 'staus'; did you mean 'status'?" in capsys.readouterr().err
    assert cli.run(["zzz"]) == 1
    assert "verbs: setup, doctor" in capsys.readouterr().err


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch, own_state: Path) -> list[BaseException]:
    """What the verb `clouds` raises: the last of this list."""
    errors: list[BaseException] = []

    @click.command("clouds")
    def command() -> None:
        raise errors[-1]

    monkeypatch.setattr("conpaas_iac.commands.clouds.command", command)
    return errors


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError("you can act", "do this"), 1),
        (MachineError("web-1: not configured", (Failure("web-1", "verify", "it answers 502", ("line one",)),)), 3),
        (LeaseHeldError("somebody has it"), 4),
        (ConpaasError("our own"), 70),
        (Interrupted("stopped"), 130),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (click.UsageError("wrong"), 1),
        (ZeroDivisionError("what"), 70),
    ],
)
def test_exit_codes(
    error: BaseException, code: int, failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(error)
    assert cli.run(["clouds"]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err


def test_a_failure_names_place_rule_and_remedy(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str]
) -> None:
    failing.append(MachineError("web-1: failed", (Failure("web-1", "verify", "502", ("last",)),), "run it again"))
    cli.run(["clouds"])
    assert capsys.readouterr().err.splitlines() == [
        "error: web-1: failed",
        "  web-1, verify: 502",
        "    last",
        "  → run it again",
    ]


def test_our_bug_is_one_line_and_a_trace_in_a_file(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str], own_state: Path
) -> None:
    failing.append(ZeroDivisionError("the reason"))
    assert cli.run(["clouds"]) == 70
    [line] = capsys.readouterr().err.splitlines()
    [trace] = (own_state / "state" / "traces").iterdir()
    assert line == f"this is a bug of conpaas; its trace is in {trace}"
    assert "ZeroDivisionError: the reason" in trace.read_text()


def test_a_bug_before_settings_can_be_read_is_said_too(
    failing: list[BaseException], capsys: pytest.CaptureFixture[str], own_state: Path
) -> None:
    (own_state / "settings.json").write_text("{")
    failing.append(ZeroDivisionError())
    assert cli.run(["clouds"]) == 70
    trace = Path(capsys.readouterr().err.strip().rsplit(" ", 1)[1])
    assert trace.is_file()
    assert not str(trace).startswith(str(own_state / "state"))
    trace.unlink()
    trace.parent.rmdir()


def test_settings_that_are_wrong_are_one_line(own_state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (own_state / "settings.json").write_text("[]")
    assert cli.run(["list"]) == 1
    assert "should be an object" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a.json", "b.json", "--plan", "p.json"], "--plan is for one application"),
        (["a.json", "b.json", "--allow-data-loss", "db"], "--allow-data-loss is for one application"),
        (["a.json", "--all", "--plan", "p.json"], "--all visits more than the plan"),
        (["a.json", "b.json", "--parallel", "0"], "1<=x<=999"),
        (["a.json", "b.json", "--events", "-", "--format", "json"], "not for both"),
        (["a.json", "./a.json"], "a.json is there twice"),
        ([], "say which MANIFEST"),
    ],
)
def test_what_several_applications_cannot_be_asked(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["up", *arguments]) == 1
    assert said in capsys.readouterr().err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stdin", "code", "said"),
    [
        (io.StringIO("y\n"), 1, "error: down asks before, and nobody is there to answer\n  → --yes\n"),
        (Terminal("n\n"), 130, "error: nothing was done\n"),
    ],
    ids=["nobody there", "no"],
)
def test_down_is_not_done_without_a_yes(
    stdin: io.StringIO, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inspection, "machines_of", lambda *_: ("web-1",))
    monkeypatch.setattr(sys, "stdin", stdin)
    assert cli.run(["down", "shop"]) == code
    assert capsys.readouterr().err.endswith(said)
