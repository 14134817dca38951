"""What git and ssh say when a repository elsewhere does not do what it should, as one line and a remedy. Pure."""

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

_SCP = re.compile(r"(?:(?P<user>[^@/]+)@)?(?P<host>\[[^\]]+\]|[^/:\[\]]+):.*", re.DOTALL)
# Said after the reason, which is on a line before.
_AFTERWARDS = (
    "Could not read from remote repository",
    "the remote end hung up",
    "The remote end hung up",
    "failed to push some refs",
)
_NEVER_BEGAN = ("Could not read from remote repository", "upon initial contact", "unable to access")
_RACE = "cannot lock ref|failed to lock|failed to update ref|incorrect old value|reference already exists"
_PROGRESS = re.compile(r"\d+%|, done\.$|^Total \d+ ")
_WORDY = ("fatal: ", "error: ", "ERROR: ", "remote: ", "ssh: ")


@dataclass(frozen=True)
class Host:
    """Where a repository is, as ssh calls it; `port` is empty where it is the usual one."""

    name: str
    user: str = ""
    port: str = ""

    @property
    def known_as(self) -> str:
        """In known_hosts."""
        return f"[{self.name}]:{self.port}" if self.port else self.name

    @property
    def login(self) -> str:
        """Words for ssh."""
        return " ".join((*(("-p", self.port) if self.port else ()), f"{self.user}@{self.name}".removeprefix("@")))

    @property
    def scan(self) -> str:
        """The command that prints its keys."""
        return " ".join(("ssh-keyscan", *(("-p", self.port) if self.port else ()), self.name))


def host(address: str) -> Host | None:
    """Of ssh://git@host:22/path and git@host:path; None for what is not reached over SSH."""
    if "://" in address:
        parts = urlsplit(address)
        if parts.scheme not in ("ssh", "git+ssh", "ssh+git") or not parts.hostname:
            return None
        port = "" if parts.port in (None, 22) else str(parts.port)
        return Host(parts.hostname, parts.username or "", port)
    found = _SCP.fullmatch(address)
    return Host(found["host"].strip("[]"), found["user"] or "") if found else None


def has_begun(said: str) -> bool:
    """Whether the other side may have done something of what it was asked for."""
    return not any(words in said for words in _NEVER_BEGAN)


def came_second(said: str) -> bool:
    """Whether a push came after somebody else's."""
    return "[rejected]" in said or bool(re.search(rf"\[remote rejected\] .*(?:{_RACE})", said))


def explained(said: str, address: str) -> tuple[str, str]:
    """In one line why, from git's standard error; and a remedy, or ""."""
    there = host(address)
    for pattern, explain in _KNOWN:
        if found := re.search(pattern, said, re.MULTILINE):
            return explain(found, said, there)
    return f"git: {_reason(said)}", ""


def _reason(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    marked = [number for number, line in enumerate(lines) if line.startswith(("fatal:", "error:", "ERROR:"))]
    for number in marked:
        if not any(words in lines[number] for words in _AFTERWARDS):
            return _bare(lines[number])
    if marked:
        return _bare(lines[marked[0] - 1] if marked[0] else lines[0])
    return "\n".join(lines) or "failed"


def _bare(line: str) -> str:
    for word in _WORDY:
        line = line.removeprefix(word)
    return line


def _changed(found: re.Match[str], said: str, there: Host | None) -> tuple[str, str]:
    """The most serious one: somebody else may be in its place."""
    del found
    place = re.search(r"^Offending \S+ key in (.+)$", said, re.MULTILINE)
    shown = re.search(r"^(SHA256:\S+?)\.?$", said, re.MULTILINE)
    remove = re.search(r"^\s+(ssh-keygen -f .+)$", said, re.MULTILINE)
    message = f"refused: the host key of {_name(there)} is not the one" + (f" in {place[1]}" if place else " known here")
    message += f", it shows {shown[1]}" if shown else ""
    forget = remove[1].strip() if remove else f"ssh-keygen -R {shlex.quote(there.known_as if there else 'HOST')}"
    return message, f"another machine may be in its place: ask its keeper. If its key was changed: {forget}; {_add(there)}"


def _unknown(found: re.Match[str], said: str, there: Host | None) -> tuple[str, str]:
    del found, said
    return f"refused: the host key of {_name(there)} is not known here", _add(there)


def _add(there: Host | None) -> str:
    scan = there.scan if there else "ssh-keyscan HOST"
    return f"{scan} >> ~/.ssh/known_hosts, once its keeper has confirmed what `{scan} | ssh-keygen -lf -` prints"


def _denied(found: re.Match[str], said: str, there: Host | None) -> tuple[str, str]:
    """Why a key was not shown is in a line before."""
    who = found["who"].removeprefix("fatal: ")
    reasons = (r"Identity file (\S+) not accessible", r'^Load key "([^"]+)": (.+)$')
    why = next((match for each in reasons if (match := re.search(each, said, re.MULTILINE))), None)
    opened = re.search(r"^Permissions \d+ for '(.+)' are too open", said, re.MULTILINE)
    if opened:
        return f"ssh leaves out the key {opened[1]}, which others may read", f"chmod 600 {shlex.quote(opened[1])}"
    more = f"; {why[0].removeprefix('Warning: ')}" if why else ""
    login = there.login if there else who
    remedy = f"a key that it knows, without a passphrase or in an agent (ssh-add); `ssh -T {login}` shows which is taken"
    return f"{who} takes none of the keys here ({found['ways']}){more}", remedy


def _no_repository(found: re.Match[str], said: str, there: Host | None) -> tuple[str, str]:
    del said
    if there is None:
        return f"git: {found[1]}", ""
    who = f"{there.user}@{there.name}".removeprefix("@")
    return f"git: {found[1]}", f"ssh://{who}/PATH begins at the root there, {who}:PATH in the user's home"


def _no_git(found: re.Match[str], said: str, there: Host | None) -> tuple[str, str]:
    del said
    return f"{found[1]} is not found at {_name(there)}", "apt-get install git, there"


def _refused(found: re.Match[str], said: str, there: Host | None) -> tuple[str, str]:
    """By a hook or a rule of the server's, which may say why."""
    del there
    told = (line.removeprefix("remote: ").strip() for line in said.splitlines() if line.startswith("remote: "))
    why = " ".join(line for line in told if line and not _PROGRESS.search(line))
    message = f"the server refuses it: {found[1]}" + (f": {why}" if why else "")
    return message, "where its rules want a review: another branch, and a pull request"


def _name(there: Host | None) -> str:
    return there.known_as if there else "the server"


Explain = Callable[[re.Match[str], str, Host | None], tuple[str, str]]
# What is the same in several of them comes first where it says more.
_KNOWN: tuple[tuple[str, Explain], ...] = (
    (r"REMOTE HOST IDENTIFICATION HAS CHANGED|^Host key for .+ has changed", _changed),
    (r"^Host key verification failed|^No \S+ host key is known for", _unknown),
    (r"^(?P<who>\S+): Permission denied \((?P<ways>[^)]*)\)", _denied),
    (r"^(?:fatal: )?(.+ does not appear to be a git repository)$", _no_repository),
    (r"(git-(?:upload|receive)-pack): (?:command )?not found", _no_git),
    (rf"\[remote rejected\] .+ \((?!.*(?:{_RACE}))(.+)\)", _refused),
)
