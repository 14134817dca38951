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
_CUT = (
    "unexpected disconnect|hung up unexpectedly|early EOF|send disconnect|[Bb]roken pipe|Connection reset|RPC failed"
    "|^Connection to .+ closed by remote host|server .+ not responding"
)
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


def is_unreached(said: str) -> bool:
    """Whether the other side was not asked for anything yet."""
    return any(words in said for words in _NEVER_BEGAN)


def is_cut(said: str) -> bool:
    """Whether the connection broke in the middle: what was asked for may have been done."""
    return bool(re.search(_CUT, said, re.MULTILINE)) and not is_unreached(said)


def came_second(said: str) -> bool:
    """Whether a push came after somebody else's."""
    return "[rejected]" in said or bool(re.search(rf"\[remote rejected\] .*(?:{_RACE})", said))


def explained(said: str, address: str) -> tuple[str, str]:
    """In one line why, from git's standard error; and a remedy, or ""."""
    there = host(address)
    for pattern, explain in _KNOWN:
        if found := re.search(pattern, said, re.MULTILINE):
            return explain(found, said, there)
    if is_cut(said):
        return f"the connection to {_name(there)} broke in the middle", ""
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
    place = re.search(r"^Offending \S+ key in (.+):\d+$", said, re.MULTILINE)
    shown = re.search(r"^(SHA256:[^.\s]+)\.?$", said, re.MULTILINE)
    remove = re.search(r"^\s+(ssh-keygen -f .+)$", said, re.MULTILINE)
    message = f"refused: the host key of {_name(there)} is not the one in {place[1] if place else 'known_hosts'}"
    message += f", it shows {shown[1]}" if shown else ""
    forget = remove[1] if remove else f"ssh-keygen -R {shlex.quote(there.known_as if there else 'HOST')}"
    add = _add(there, place[1] if place else "")
    return message, f"another machine may be in its place: ask its keeper. If its key was changed: {forget}; {add}"


def _unknown(found: re.Match[str], said: str, there: Host | None) -> tuple[str, str]:
    del found, said
    return f"refused: the host key of {_name(there)} is not known here", _add(there)


def _add(there: Host | None, file: str = "") -> str:
    scan = there.scan if there else "ssh-keyscan HOST"
    add = f"{scan} >> {shlex.quote(file) if file else '~/.ssh/known_hosts'}"
    return f"{add}, once its keeper has confirmed what `{scan} | ssh-keygen -lf -` prints"


def _denied(found: re.Match[str], said: str, there: Host | None) -> tuple[str, str]:
    """Why a key was not shown is in a line before."""
    who = found["who"].removeprefix("fatal: ")
    why = re.search(
        r'Identity file \S+ not accessible|no such identity: [^:]+|Load key "[^"]+": .+', said
    )
    opened = re.search(r"^Permissions \d+ for '(.+)' are too open", said, re.MULTILINE)
    if opened:
        return f"ssh leaves out the key {opened[1]}, which others may read", f"chmod 600 {shlex.quote(opened[1])}"
    more = f"; {why[0]}" if why else ""
    login = there.login if there else who
    remedy = "a key that it knows, without a passphrase or in an agent (ssh-add)"
    return f"{who} takes none of the keys here ({found['ways']}){more}", f"{remedy}; to try it: ssh -T {login}"


def _no_repository(found: re.Match[str], said: str, there: Host | None) -> tuple[str, str]:
    del said
    if there is None:
        return f"git: {found[1]}", ""
    who = f"{there.user}@{there.name}".removeprefix("@")
    begins = f"ssh://{who}/PATH begins at the root there, {who}:PATH in the user's home"
    return f"git: {found[1]}", f"{begins}; it has to be readable"


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


def _other_words(found: re.Match[str], said: str, there: Host | None) -> tuple[str, str]:
    del said
    login = there.login if there else "HOST"
    return f"git: {found[0]}", f"the account there may not log in, or prints something first: ssh {login} true"


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
    (r"protocol error: bad line length character.*", _other_words),
    (rf"\[remote rejected\] .+ \((?!.*(?:{_RACE}|unpacker error))(.+)\)", _refused),
)
