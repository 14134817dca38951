"""Every failure that a user may see.

ConpaasError                 70  our bug, unless a subclass says otherwise
 ├─ UserError                 1  the user can act: manifest, settings, rights
 │   ├─ StateError            1  the state of an application is corrupt, or of another version
 │   └─ (manifest.ManifestError carries all diagnostics of a manifest)
 ├─ MachineError              3  a machine or a service on it failed
 ├─ LeaseHeldError            4  somebody else is changing the application
 │   └─ LeaseLostError            … and took it from this run
 └─ Interrupted             130  Ctrl-C

Foreign errors (engine, Ansible, LXD) are translated where they enter; `cli.main` is the one place that catches these.
"""

from dataclasses import dataclass

from conpaas_iac.core.environments import option


class ConpaasError(Exception):
    """Root of all our errors. `remedy` is one line that says what to do, or empty."""

    exit_code = 70

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    @property
    def line(self) -> str:
        """Both, for where there is one line only."""
        return f"{self.message} → {self.remedy}" if self.remedy else self.message


class UserError(ConpaasError):
    """The user can act on it: one line, no trace."""

    exit_code = 1


class StateError(UserError):
    """A document of an application's state is not what it should be; `stack` is its name: "shop.default"."""

    def __init__(self, document: str, stack: str, reason: str) -> None:
        self.reason = reason
        application, _, environment = stack.partition(".")
        super().__init__(
            f"the {document} of {application} ({environment}) cannot be used: {reason}",
            f"conpaas state check {application}{option(environment)}",
        )


@dataclass(frozen=True)
class Failure:
    """One machine's failure: where, at which step, and the last lines it said."""

    node: str
    step: str
    reason: str
    lines: tuple[str, ...] = ()


class MachineError(ConpaasError):
    """One or more machines failed; the others are as they were said to be."""

    exit_code = 3

    def __init__(self, message: str, failures: tuple[Failure, ...] = (), remedy: str = "") -> None:
        super().__init__(message, remedy)
        self.failures = failures


class LeaseHeldError(ConpaasError):
    """Somebody else holds the application."""

    exit_code = 4


class LeaseLostError(LeaseHeldError):
    """Somebody else took the application over: this run was silent for too long, or was taken for dead."""


class Interrupted(ConpaasError):
    """The user pressed Ctrl-C; what is left to do is said in the message."""

    exit_code = 130
