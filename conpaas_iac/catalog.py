"""Service types, found in roles/*/meta/service.yml: adding a type touches no Python."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from conpaas_iac.errors import UserError
from conpaas_iac.shipped import folder

Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
YamlError = yaml.YAMLError


class Loader(Fast):  # type: ignore[misc]  # which of both, is only known when it runs
    """Only `true` and `false` are truth values, as in YAML 1.2: an operation's `on` is a word."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in found if tag != "tag:yaml.org,2002:bool" or first in "tfTF"]
        for first, found in Fast.yaml_implicit_resolvers.items()
    }


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A role of machines inside a service (ConPaaS: proxy, web, backend …)."""

    default: int
    minimum: int = 0
    maximum: int = 1000
    safe_minimum: int = 1  # how many must stay in service while one is replaced
    keeps_data: bool = False  # its last machine holds the last copy
    hands_over: bool = False  # a machine that leaves gives what it holds to the others first
    copied_to: str = ""  # another group whose machines have a copy of it that can be taken up
    data: str = ""  # the folder that it is in: a cloud that can, puts a volume there which outlives the machine
    even: str = ""  # what is at risk with an even number of machines


class Port(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"source": "from"}):
    """A port that a group listens on, and who may reach it."""

    name: str
    group: str
    port: int  # 0: each of them
    # everybody · this service's machines · services that use it · those of them that mount a volume of it
    source: Literal["public", "service", "application", "mounts"]
    protocol: Literal["tcp", "udp", "any"] = "tcp"


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A configuration file, rendered from templates/<path>.j2 for machines of these groups."""

    path: str
    groups: tuple[str, ...] = ()  # empty: every machine of the service
    unit: str = ""  # systemd unit that reads it
    on_change: Literal["reload", "restart", "nothing"] = "nothing"
    mode: str = "0644"
    owner: str = "root"
    group: str = "root"
    first_with: str = ""  # only on the service's first machine, and where the manifest says this field


class Unit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A systemd unit that runs on machines of these groups and on no others."""

    name: str
    groups: tuple[str, ...] = ()
    first_with: str = ""  # as of a file


class Mount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How machines of other services mount a volume: "{name}" in paths and units is the mount's; tasks/client.yml."""

    unit: str  # active while it is mounted, and at no other time
    files: tuple[File, ...] = ()


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A value that conpaas makes and keeps in the encrypted state."""

    field: str = ""  # manifest field that may name it, and so share it; empty: it belongs to the service alone


class Argument(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an operation takes: a word of its command line, or a local file that is streamed."""

    name: str
    help: str = ""
    flag: bool = False  # --name, or nothing
    required: bool = True
    many: bool = False  # all the words that are left; of those that are required at least one
    stream: Literal["", "input", "output"] = ""  # the local file is the command's standard input, or gets its output


class Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"class_": "class"}):
    """`conpaas <type> <operation> APPLICATION[/SERVICE]`: a command on machines of a group, or a secret's new value."""

    summary: str
    group: str = ""  # empty: every machine of the service
    on: Literal["one", "all"] = "one"  # the first machine that is in service, or each of them
    run: str = ""  # command line, as root
    arguments: tuple[Argument, ...] = ()
    terminal: bool = False
    json: bool = False  # its output is a JSON document
    class_: Literal["safe", "restart", "downtime", "data loss"] = "safe"
    secret: str = ""  # sets or rotates this secret instead of running something


class Descriptor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """meta/service.yml."""

    summary: str
    engine: str = ""  # what really runs: "HAProxy, nginx, php-fpm 8.2"
    groups: dict[str, Group] = {}
    entry: str = ""  # the group whose first machine answers for the service
    start_order: tuple[str, ...] = ()  # groups, the last one brings the traffic
    placement: Literal["packed", "spread"] = "packed"  # where the manifest does not say it
    includes: tuple[str, ...] = ()  # roles whose templates and tasks it uses besides its own; they are no types
    internal: bool = False  # no type of the manifest language: files that machines of every type get
    ports: tuple[Port, ...] = ()
    files: tuple[File, ...] = ()
    units: tuple[Unit, ...] = ()
    needs: tuple[str, ...] = ()  # service types that must run before, where the application has them and uses them
    aliases: tuple[str, ...] = ()  # old names of the type
    group_aliases: dict[str, str] = {}  # old names of groups in StartupInstances
    fields: tuple[str, ...] = ()  # manifest fields besides the common ones (Archive, Dump, Password …)
    code: tuple[str, ...] = ()  # groups that carry the service's code
    code_unit: str = ""  # unit to reload when the code's version changes
    code_owner: str = ""  # user who owns the code while option `writable_code` is on; empty: always root
    code_check: str = ""  # proves a version on a machine before it is current; then all of them switch without a pause
    drain: tuple[str, ...] = ()  # groups whose machines leave service before a change, where another one stays
    mount: Mount | None = None  # where it has volumes that others mount (their `Mounts`)
    founds: str = ""  # group whose first machine begins the service's data, once
    resumes: bool = False  # from the snapshot that the manifest's StartupInstances may name as `resume`
    secrets: dict[str, Secret] = {}
    operations: dict[str, Operation] = {}
    url: str = ""  # "http://{address}/" of the entry's public address; empty: no URL
    connect: str = ""  # how to connect to it inside the application's network: "mysql -h {service} …"
    environment: dict[str, str] = {}  # variables offered to services that use it, e.g. MYSQL_PORT: "3306"


@dataclass(frozen=True)
class ServiceType:
    """One folder of roles/, whole."""

    name: str
    folder: Path
    descriptor: Descriptor
    options: Mapping[str, Mapping[str, Any]]  # `Configuration`, as in meta/argument_specs.yml
    clients: tuple["ServiceType", ...] = ()  # types whose volumes its machines mount

    @cached_property
    def install_digest(self) -> str:
        """Names what tasks/install.yml (and vars) puts on a machine, and client.yml of `clients`; 12 hex digits."""
        patterns = ("tasks/install*", "vars/*", "files/**/*")
        found = [path for pattern in patterns for each in self.folders for path in each.glob(pattern)]
        found += [path for kind in self.clients for path in kind.folder.glob("tasks/client*")]
        return self._named(found)[:12]

    @property
    def is_internal(self) -> bool:
        """Whether it is no type of the manifest language."""
        return self.descriptor.internal

    @cached_property
    def digest(self) -> str:
        """Names the whole folder and those that it includes, but for what only people read."""
        found = (path for each in self.folders for path in each.rglob("*"))
        return self._named(path for path in found if path.suffix not in (".md", ".pyc"))

    def _named(self, paths: Iterable[Path]) -> str:
        digest = hashlib.sha256()
        for path in sorted(paths):
            if path.is_file():
                name = path.relative_to(self.folder if path.is_relative_to(self.folder) else self.folder.parent)
                digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
        return digest.hexdigest()

    @property
    def folders(self) -> tuple[Path, ...]:
        """Its own one, and those of the roles that it includes."""
        return (self.folder, *(self.folder.parent / name for name in self.descriptor.includes))

    def template(self, path: str) -> Path:
        """Of a file of its machines: its own one, else that of a role that it includes."""
        places = [each / "templates" / (path.lstrip("/") + ".j2") for each in self.folders]
        return next((place for place in places if place.exists()), places[0])

    def default_options(self) -> dict[str, Any]:
        """Every option with its default; options without one are absent."""
        return {name: spec["default"] for name, spec in self.options.items() if "default" in spec}


Catalog = Mapping[str, ServiceType]


def load(roles: Path | None = None) -> Catalog:
    """All service types of this installation by name; raises UserError naming the file that is wrong."""
    return {name: kind for name, kind in _all(roles).items() if not kind.descriptor.internal}


def load_internal(roles: Path | None = None) -> Catalog:
    """What is shaped like a service type but belongs to machines of every type."""
    return {name: kind for name, kind in _all(roles).items() if kind.descriptor.internal}


def _all(roles: Path | None) -> Catalog:
    roles = roles or folder("roles")
    return {path.parent.parent.name: _read(path) for path in sorted(roles.glob("*/meta/service.yml"))}


def _read(path: Path) -> ServiceType:
    role = path.parent.parent
    try:
        descriptor = msgspec.convert(document(path), Descriptor)
        specs = document(role / "meta" / "argument_specs.yml")["argument_specs"]["main"].get("options", {})
    except (OSError, KeyError, TypeError, YamlError, msgspec.ValidationError) as error:
        raise UserError(f"{path}: not a service type: {error}") from error
    if missing := [name for name in descriptor.includes if not (role.parent / name).is_dir()]:
        raise UserError(f"{path}: includes {', '.join(missing)}: there is no such role beside it")
    return ServiceType(role.name, role, descriptor, specs)


def document(path: Path) -> Any:
    """What a YAML file of a role holds; raises YamlError."""
    return yaml.load(path.read_text(), Loader)
