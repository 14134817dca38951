"""An LXD in memory, behind a unix socket: the REST calls that pylxd and our provider make, and faults on demand.

Machines have addresses on loopback where a socket greets as an SSH server does, for as long as they run.
"""

import copy
import json
import re
import socket
import sys
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from conpaas_iac import lxd


class Refused(Exception):
    """An answer that is an error: status and text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass
class Machine:
    """One instance; `sshd` greets while it runs."""

    name: str
    config: dict[str, str]
    devices: dict[str, Any]
    image: str
    ip: str
    project: str
    files: dict[str, bytes] = field(default_factory=dict)
    made: datetime = field(default_factory=lambda: datetime.now(UTC))
    sshd: socket.socket | None = None
    frozen: bool = False

    def document(self, state: bool = False) -> dict[str, Any]:
        """As LXD says it."""
        addresses = [{"family": "inet", "address": self.ip, "netmask": "8", "scope": "global"}] if self.sshd else []
        known = {
            "name": self.name,
            "architecture": "x86_64",
            "config": dict(self.config),
            "devices": self.devices,
            "ephemeral": False,
            "profiles": ["conpaas"],
            "status": "Frozen" if self.frozen else "Running" if self.sshd else "Stopped",
            "type": "container",
            "description": "",
            "created_at": f"{self.made:%Y-%m-%dT%H:%M:%S}.204123009Z",
        }
        return {**known, "state": {"network": {"eth0": {"addresses": addresses}}}} if state else known


PROJECT = "conpaas"


def key(project: str, name: str) -> str:
    """Of a machine: each project has names of its own."""
    return name if project == PROJECT else f"{project}:{name}"


@dataclass
class Faults:
    """What goes wrong, by machine name, and how often."""

    create: Counter[str] = field(default_factory=Counter)  # nothing is made
    report: Counter[str] = field(default_factory=Counter)  # made, but said to have failed
    start: Counter[str] = field(default_factory=Counter)
    delete: Counter[str] = field(default_factory=Counter)
    slow: dict[str, float] = field(default_factory=dict)  # seconds that a delete takes to be answered
    late: Counter[str] = field(default_factory=Counter)  # lists that do not show it
    no_address: Counter[str] = field(default_factory=Counter)  # looks that see none yet
    away: set[str] = field(default_factory=set)  # projects of which every call fails
    gates: dict[str, tuple[threading.Event, threading.Event]] = field(default_factory=dict)

    @staticmethod
    def strikes(kind: Counter[str], name: str) -> bool:
        """Whether it goes wrong this time."""
        kind[name] = max(kind[name], 0) - 1
        return kind[name] >= 0

    def hold(self, name: str) -> tuple[threading.Event, threading.Event]:
        """A create of that name sets the first event when it arrives and goes on after the second."""
        self.gates[name] = (threading.Event(), threading.Event())
        return self.gates[name]


class FakeLxd:
    """The server; a context manager."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.machines: dict[str, Machine] = {}  # by name; of another project than PROJECT, "project:name"
        self.projects = {PROJECT}
        self.networks: dict[str, dict[str, Any]] = {}
        self.images: dict[str, dict[str, Any]] = {}  # fingerprint -> document
        self.any_image = True  # every alias that is asked for is there
        self.faults = Faults()
        self.calls: list[str] = []  # "create shop--web-1": what changed something; tests clear it
        self.made: list[str] = []  # every machine that was ever made, in order
        self._operations: dict[str, dict[str, Any]] = {}
        self._lock = threading.RLock()
        self._leases: dict[str, str] = {}  # hardware address -> address
        with socket.create_server(("127.83.0.1", 0)) as free:
            self._port: int = free.getsockname()[1]

    def __enter__(self) -> "FakeLxd":
        self._server = _Server(str(self.path), _handler(self))
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for _gate, release in self.faults.gates.values():
            release.set()
        self._server.shutdown()
        self._server.server_close()
        for machine in self.machines.values():
            _silence(machine)

    # What tests do behind conpaas' back.

    def lose(self, name: str) -> None:
        """The machine is gone, without a word."""
        _silence(self.machines.pop(name))

    def halt(self, name: str) -> None:
        """The machine is stopped, without a word."""
        _silence(self.machines[name])

    def freeze(self, name: str) -> None:
        """The machine is paused, without a word."""
        self.halt(name)
        self.machines[name].frozen = True

    def add_foreign(self, name: str, project: str = PROJECT) -> None:
        """Somebody else's machine."""
        self.machines[name] = Machine(name, {"volatile.uuid": str(uuid.uuid4())}, {}, "", "127.83.255.1", project)

    def ids(self) -> dict[str, str]:
        """Name -> LXD's own id of the machine."""
        return {name: machine.config["volatile.uuid"] for name, machine in self.machines.items()}

    def running(self) -> set[str]:
        """Names of machines that run."""
        return {name for name, machine in self.machines.items() if machine.sshd}

    # The calls.

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes, headers: Any) -> tuple[int, Any]:
        """Status and body (bytes are a file) of one call."""
        parts = [unquote(part) for part in path.strip("/").split("/")[1:]]
        if {query.get("project", PROJECT), *parts[1:2]} & self.faults.away:
            raise Refused(500, "the database is locked")
        if parts[:1] == ["instances"] and parts[1:]:
            parts[1] = key(query.get("project", PROJECT), parts[1])
        for pattern, verb, call in _CALLS:
            match = re.fullmatch(pattern, "/".join(parts))
            if match and verb == method:
                content = json.loads(body) if body and headers.get("Content-Type") == "application/json" else body
                own = getattr(self, call.__name__)  # a subclass may have its own
                return own(*match.groups(), query=query, body=content)  # type: ignore[no-any-return]
        raise Refused(404, f"the fake does not know {method} {path}")

    def server(self, query: Any, body: Any) -> tuple[int, Any]:
        return _sync({"api_extensions": ["projects", "network", "instances"], "environment": {}, "auth": ""})

    def instance_list(self, query: Any, body: Any) -> tuple[int, Any]:
        with self._lock:
            late = {name for name in self.machines if self.faults.strikes(self.faults.late, name)}
            shown = [machine for name, machine in self.machines.items() if name not in late]
            return _sync([self._seen(machine) for machine in shown if machine.project == query["project"]])

    def _seen(self, machine: Machine) -> dict[str, Any]:
        return machine.document(state=True)

    def instance_create(self, query: Any, body: Any) -> tuple[int, Any]:
        name = key(query["project"], body["name"])
        if name in self.faults.gates:
            arrived, release = self.faults.gates[name]
            arrived.set()
            release.wait(60)
        with self._lock:
            if name in self.machines:
                raise Refused(409, f"Instance {name!r} already exists")
            if self.faults.strikes(self.faults.create, name):
                return self._failed("No space left on device in storage pool")
            config = {**body["config"], "volatile.uuid": str(uuid.uuid4()), lxd.SSH_PORT: str(self._port)}
            image = body["source"]["alias"]
            card, last = config.get("volatile.eth0.hwaddr", name), len(self._leases) + 1
            ip = self._leases.setdefault(card, f"127.83.{last // 250}.{last % 250 + 1}")  # as the bridge's DHCP does
            self.machines[name] = Machine(body["name"], config, body.get("devices", {}), image, ip, query["project"])
            self.calls.append(f"create {name}")
            self.made.append(name)
            if self.faults.strikes(self.faults.report, name):
                return self._failed("websocket closed before the end")
            return self._done()

    def instance_get(self, name: str, query: Any, body: Any) -> tuple[int, Any]:
        return _sync(self._machine(name).document())

    def instance_put(self, name: str, query: Any, body: Any) -> tuple[int, Any]:
        self._machine(name).config = body["config"]
        self.calls.append(f"change {name}")
        return self._done()

    def instance_delete(self, name: str, query: Any, body: Any) -> tuple[int, Any]:
        threading.Event().wait(self.faults.slow.pop(name, 0.0))
        if self.faults.strikes(self.faults.delete, name):
            return self._failed("dataset is busy")
        if self._machine(name).sshd:
            raise Refused(400, "Instance is running")
        del self.machines[name]
        self.calls.append(f"delete {name}")
        return self._done()

    def state_get(self, name: str, query: Any, body: Any) -> tuple[int, Any]:
        state = self._machine(name).document(state=True)["state"]
        if self.faults.strikes(self.faults.no_address, name):
            state = {"network": None}
        return _sync({"status": "Running", "status_code": 103, **state})

    def state_put(self, name: str, query: Any, body: Any) -> tuple[int, Any]:
        machine = self._machine(name)
        if body["action"] == "start" and self.faults.strikes(self.faults.start, name):
            return self._failed("Failed to run: forkstart")
        if body["action"] == "start" and machine.frozen:
            return self._failed("The instance is already running")
        _silence(machine)
        machine.frozen = False
        if body["action"] in ("start", "unfreeze"):
            machine.sshd = _greeter(machine.ip, self._port)
        self.calls.append(f"{body['action']} {name}")
        return self._done()

    def file_get(self, name: str, query: Any, body: Any) -> tuple[int, Any]:
        files = self._machine(name).files
        if query["path"] not in files:
            raise Refused(404, "not found")
        return 200, files[query["path"]]

    def file_post(self, name: str, query: Any, body: Any) -> tuple[int, Any]:
        self._machine(name).files[query["path"]] = body
        return _sync({})

    def project_get(self, name: str, query: Any, body: Any) -> tuple[int, Any]:
        if name not in self.projects:
            raise Refused(404, "Project not found")
        return _sync({"name": name, "config": {}, "description": "", "used_by": []})

    def network_list(self, query: Any, body: Any) -> tuple[int, Any]:
        return _sync([f"/1.0/networks/{name}" for name in self.networks])

    def network_create(self, query: Any, body: Any) -> tuple[int, Any]:
        if body["name"] in self.networks:
            raise Refused(409, "The network already exists")
        self.networks[body["name"]] = {"type": "bridge", **body}
        return 201, {"type": "sync", "metadata": {}}

    def network_get(self, name: str, query: Any, body: Any) -> tuple[int, Any]:
        if name not in self.networks:
            raise Refused(404, "Network not found")
        return _sync(copy.deepcopy(self.networks[name]))

    def network_delete(self, name: str, query: Any, body: Any) -> tuple[int, Any]:
        del self.networks[name]
        return _sync({})

    def alias_get(self, name: str, query: Any, body: Any) -> tuple[int, Any]:
        if self.any_image and name not in self._aliases():
            return _sync({"name": name, "target": "any"})
        if name not in self._aliases():
            raise Refused(404, "Image alias not found")
        return _sync({"name": name, "target": self._aliases()[name]})

    def _aliases(self) -> dict[str, str]:
        return {alias: mark for mark, image in self.images.items() for alias in image["names"]}

    def alias_post(self, query: Any, body: Any) -> tuple[int, Any]:
        self.images[body["target"]]["names"].append(body["name"])
        return 201, {"type": "sync", "metadata": {}}

    def image_get(self, mark: str, query: Any, body: Any) -> tuple[int, Any]:
        return _sync({"fingerprint": mark, "properties": {}, "aliases": [], "public": False})

    def image_post(self, query: Any, body: Any) -> tuple[int, Any]:
        mark = uuid.uuid4().hex
        self.images[mark] = {"from": body["source"]["name"], "names": []}
        return self._done({"fingerprint": mark})

    def operation_get(self, name: str, query: Any, body: Any) -> tuple[int, Any]:
        return _sync(self._operations[name])

    def _machine(self, name: str) -> Machine:
        with self._lock:
            if name not in self.machines:
                raise Refused(404, "Instance not found")
            return self.machines[name]

    def _done(self, metadata: dict[str, Any] | None = None) -> tuple[int, Any]:
        return self._operation({"status": "Success", "status_code": 200, "metadata": metadata or {}, "err": ""})

    def _failed(self, why: str) -> tuple[int, Any]:
        return self._operation({"status": "Failure", "status_code": 400, "metadata": {}, "err": why})

    def _operation(self, document: dict[str, Any]) -> tuple[int, Any]:
        name = str(uuid.uuid4())
        self._operations[name] = {"id": name, "class": "task", **document}
        running = {**self._operations[name], "status": "Running", "status_code": 103}
        return 202, {"type": "async", "operation": f"/1.0/operations/{name}", "metadata": running}


_CALLS: list[tuple[str, str, Callable[..., Any]]] = [
    ("", "GET", FakeLxd.server),
    ("instances", "GET", FakeLxd.instance_list),
    ("instances", "POST", FakeLxd.instance_create),
    ("instances/([^/]+)", "GET", FakeLxd.instance_get),
    ("instances/([^/]+)", "PUT", FakeLxd.instance_put),
    ("instances/([^/]+)", "DELETE", FakeLxd.instance_delete),
    ("instances/([^/]+)/state", "GET", FakeLxd.state_get),
    ("instances/([^/]+)/state", "PUT", FakeLxd.state_put),
    ("instances/([^/]+)/files", "GET", FakeLxd.file_get),
    ("instances/([^/]+)/files", "POST", FakeLxd.file_post),
    ("projects/([^/]+)", "GET", FakeLxd.project_get),
    ("networks", "GET", FakeLxd.network_list),
    ("networks", "POST", FakeLxd.network_create),
    ("networks/([^/]+)", "GET", FakeLxd.network_get),
    ("networks/([^/]+)", "DELETE", FakeLxd.network_delete),
    ("images/aliases/([^/]+)", "GET", FakeLxd.alias_get),
    ("images/aliases", "POST", FakeLxd.alias_post),
    ("images/([^/]+)", "GET", FakeLxd.image_get),
    ("images", "POST", FakeLxd.image_post),
    ("operations/([^/]+)(?:/wait)?", "GET", FakeLxd.operation_get),
]


def _sync(metadata: Any) -> tuple[int, Any]:
    return 200, {"type": "sync", "status": "Success", "status_code": 200, "metadata": metadata}


def _greeter(ip: str, port: int) -> socket.socket:
    """A listening socket on that address that says what an SSH server says first."""
    listener = socket.create_server((ip, port))

    def greet() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.sendall(b"SSH-2.0-fake\r\n")

    threading.Thread(target=greet, daemon=True).start()
    return listener


def _silence(machine: Machine) -> None:
    if machine.sshd:
        machine.sshd.shutdown(socket.SHUT_RDWR)
        machine.sshd.close()
        machine.sshd = None


class _Server(ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked may have been killed."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


def _handler(fake: FakeLxd) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            try:
                status, answer = fake.answer(self.command, parts.path, query, body, self.headers)
            except Refused as refused:
                status, answer = refused.status, {"type": "error", "error": str(refused), "error_code": refused.status}
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            kind = "application/octet-stream" if isinstance(answer, bytes) else "application/json"
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = handle_any

        def address_string(self) -> str:
            return "unix"

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    return Handler
