"""OpenStack's API on loopback, as far as openstacksdk is used: what it answers is what the stand-in's project says."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from conpaas_iac.errors import ConpaasError
from tests.standins import openstack
from tests.standins.lab import Absent, Lab, Record, Refused

PASSWORD = "of-the-stand-in"
Answer = tuple[int, Record | None]


class Api:
    """Routes: (method, path) -> what is answered."""

    def __init__(self, lab: Lab, base: Callable[[], str]) -> None:
        self.lab, self.base = lab, base
        self.busy = 0  # how many of the next requests are answered with "too many requests"
        self.routes: list[tuple[str, str, Callable[..., Answer]]] = [
            ("GET", r"/v3/?", lambda body: (200, {"version": self._version("v3.14", "/v3/")})),
            ("POST", r"/v3/auth/tokens", self.token),
            ("GET", r"/compute/?v?2?\.?1?/?", lambda body: (200, {"version": self._version("v2.1", "/compute/v2.1/")})),
            ("GET", r"/image/?v?2?/?", lambda body: (200, {"versions": [self._version("v2.9", "/image/v2/")]})),
            ("GET", r"/network/?(v2\.0)?/?", self.network_version),
            ("GET", r"/compute/v2\.1/servers/detail", lambda body: (200, {"servers": self.servers()})),
            ("GET", r"/compute/v2\.1/servers/([^/]+)", self.server),
            ("POST", r"/compute/v2\.1/servers/([^/]+)/action", self.action),
            ("DELETE", r"/compute/v2\.1/servers/([^/]+)", self.delete),
            ("GET", r"/compute/v2\.1/flavors/detail", lambda body: (200, {"flavors": flavors()})),
            ("GET", r"/compute/v2\.1/limits", lambda body: (200, {"limits": {"absolute": self.limits(), "rate": []}})),
            ("GET", r"/image/v2/images", lambda body: (200, {"images": self.images()})),
            ("GET", r"/network/v2\.0/networks", lambda body: (200, {"networks": self.networks()})),
            ("GET", r"/network/v2\.0/subnets", lambda body: (200, {"subnets": self.subnets()})),
            ("GET", r"/network/v2\.0/ports", lambda body: (200, {"ports": self.ports()})),
        ]

    def answer(self, method: str, path: str, body: Record, token: str) -> Answer:
        """What the first route that fits says; names in the query are not looked at, as clients filter again."""
        if self.busy:
            self.busy -= 1
            return 429, {"error": {"code": 429, "message": "Too Many Requests"}}
        path, _, query = path.partition("?")
        if not path.startswith("/v3") and "/v2" in path and token != PASSWORD:
            return 401, {"error": {"code": 401, "message": "The request you have made requires authentication."}}
        for wanted, pattern, act in self.routes:
            if wanted == method and (found := re.fullmatch(pattern, path)):
                try:
                    answered = act(body, *(each for each in found.groups() if "v2.0" not in str(each)))
                except Absent as error:
                    return 404, {"itemNotFound": {"code": 404, "message": str(error)}}
                except (Refused, ConpaasError) as error:
                    return 409, {"conflictingRequest": {"code": 409, "message": str(error)}}
                return filtered(answered, query)
        return 404, {"error": {"code": 404, "message": f"the stand-in has no {method} {path}"}}

    def _version(self, name: str, path: str) -> Record:
        links = [{"rel": "self", "href": f"{self.base()}{path}"}]
        return {"id": name, "status": "CURRENT", "version": "2.90", "min_version": "2.1", "links": links}

    def network_version(self, body: Record) -> Answer:
        return 200, {"versions": [self._version("v2.0", "/network/v2.0/")]}

    def token(self, body: Record) -> Answer:
        if body["auth"]["identity"]["password"]["user"]["password"] != PASSWORD:
            return 401, {"error": {"code": 401, "message": "The request you have made requires authentication."}}
        until = datetime.now(UTC) + timedelta(hours=1)
        places = {"compute": "/compute/v2.1", "image": "/image", "network": "/network", "identity": "/v3"}
        catalog = [
            {
                "type": kind,
                "name": kind,
                "id": kind,
                "endpoints": [
                    {"interface": "public", "region": "one", "region_id": "one", "url": self.base() + path, "id": kind}
                ],
            }
            for kind, path in places.items()
        ]
        project = {"id": "p", "name": self.lab.project, "domain": {"id": "default", "name": "Default"}}
        user = {"id": "u", "name": "u", "domain": {"id": "default", "name": "Default"}}
        times = {"expires_at": f"{until:%Y-%m-%dT%H:%M:%S.000000Z}", "issued_at": "2020-01-01T00:00:00.000000Z"}
        return 201, {"token": {"catalog": catalog, "project": project, "user": user, "methods": ["password"], **times}}

    def servers(self) -> list[Record]:
        addresses = {each["port"]: each["ip"] for each in self.lab.all("address").values() if each["port"]}
        return [shown(key, each, addresses.get(each["port"])) for key, each in self.lab.servers().items()]

    def server(self, body: Record, key: str) -> Answer:
        self.lab.server(key)
        return 200, {"server": next(each for each in self.servers() if each["id"] == key)}

    def action(self, body: Record, key: str) -> Answer:
        with self.lab.locked():
            record = self.lab.server(key)
            if "resize" in body:
                _, (cpu, memory) = openstack.flavor(self.lab, {"flavorName": body["resize"]["flavorRef"]})
                self.lab.power(key, False)
                changes = {"flavor": body["resize"]["flavorRef"], "cpu": cpu, "memory": memory}
                self.lab.note(key, resized_from=record["flavor"], **changes)
                self.lab.power(key, True)
            elif "confirmResize" in body:
                self.lab.note(key, resized_from="")
            elif "os-start" in body or "os-stop" in body:
                self.lab.power(key, "os-start" in body)
            else:
                raise Refused(f"the stand-in knows no action {sorted(body)}")
        return 202, None

    def delete(self, body: Record, key: str) -> Answer:
        with self.lab.locked():
            openstack.remove_server(self.lab, key)
        return 204, None

    def limits(self) -> Record:
        servers = self.lab.servers().values()
        limit = {name: int(self.lab.setting(f"quota.{name}", "-1")) for name in ("instances", "cores", "ram")}
        used = {"totalInstancesUsed": len(servers), "totalCoresUsed": sum(each["cpu"] for each in servers)}
        used["totalRAMUsed"] = sum(each["memory"] for each in servers)
        return {
            "maxTotalInstances": limit["instances"],
            "maxTotalCores": limit["cores"],
            "maxTotalRAMSize": limit["ram"],
            **used,
        }

    def images(self) -> list[Record]:
        return [
            {"id": each["id"], "name": each["label"], "status": "active", "visibility": "public", "min_ram": 0,
             "min_disk": 0, "created_at": "2026-01-01T00:00:00Z", "size": 1}
            for each in self.lab.images().values()
        ]  # fmt: skip

    def networks(self) -> list[Record]:
        outside = {"id": self.lab.setting("external"), "name": openstack.EXTERNAL, "router:external": True}
        own = [
            {"id": key, "name": each["name"], "router:external": False} for key, each in self.lab.all("network").items()
        ]
        return [{**each, "status": "ACTIVE", "subnets": []} for each in (outside, *own)]

    def subnets(self) -> list[Record]:
        return [
            {"id": key, "network_id": each["network"], "cidr": each["cidr"], "ip_version": 4}
            for key, each in self.lab.all("subnet").items()
        ]

    def ports(self) -> list[Record]:
        return [
            {"id": key, "device_id": each["server"], "fixed_ips": [{"ip_address": each["address"]}]}
            for key, each in self.lab.all("port").items()
        ]


def shown(key: str, record: Record, floating: str | None) -> Record:
    """A server as Nova shows it."""
    kinds = {"fixed": record["address"], **({"floating": floating} if floating else {})}
    addresses = [{"addr": ip, "version": 4, "OS-EXT-IPS:type": kind} for kind, ip in kinds.items()]
    status = "ACTIVE" if record["status"] == "Running" else "SHUTOFF"
    return {
        "id": key,
        "name": record["name"],
        "status": "VERIFY_RESIZE" if record.get("resized_from") else status,
        "metadata": record["metadata"],
        "addresses": {"net": addresses},
        "flavor": {"original_name": record["flavor"], "vcpus": record["cpu"], "ram": record["memory"], "disk": 20},
        "created": record["made"][:19] + "Z",
        "image": {"id": record["image"]},
    }


def flavors() -> list[Record]:
    """As its table says."""
    return [
        {"id": name, "name": name, "vcpus": cpu, "ram": memory, "disk": 20, "os-flavor-access:is_public": True}
        for name, (cpu, memory) in openstack.FLAVORS.items()
    ]


def filtered(answered: Answer, query: str) -> Answer:
    """By name and by paging: nothing comes after the first page."""
    code, body = answered
    if body and (name := re.search(r"(?:^|&)name=([^&]*)", query)):
        body = {
            key: [each for each in value if each.get("name") == name[1]] if isinstance(value, list) else value
            for key, value in body.items()
        }
    return (code, {key: [] for key in body}) if body and "marker=" in query else (code, body)


@contextmanager
def served(lab: Lab) -> Iterator[tuple[Api, dict[str, str]]]:
    """The API, and the variables that lead openstacksdk to it."""
    api = Api(lab, lambda: f"http://127.0.0.1:{server.server_address[1]}")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            """Quiet."""

        def _serve(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size) or b"{}")
            code, said = api.answer(self.command, self.path, body, self.headers.get("X-Auth-Token", ""))
            content = b"" if said is None else json.dumps(said).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            if self.path.endswith("/auth/tokens") and code == 201:
                self.send_header("X-Subject-Token", PASSWORD)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = do_PUT = _serve

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield api, {
            "OS_AUTH_URL": f"{api.base()}/v3",
            "OS_USERNAME": "u",
            "OS_PASSWORD": PASSWORD,
            "OS_PROJECT_NAME": lab.project,
            "OS_USER_DOMAIN_NAME": "Default",
            "OS_PROJECT_DOMAIN_NAME": "Default",
            "OS_REGION_NAME": "one",
        }
    finally:
        server.shutdown()
        server.server_close()
