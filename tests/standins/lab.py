"""A cloud made of LXD: servers are containers of a project, subnets bridges behind a NAT, public addresses forwards.

All that there is to know is in LXD (config keys of the project and of its containers), so a plugin that is killed takes
nothing along, and every face of the cloud sees the same.
"""

import fcntl
import json
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from conpaas_iac import lxd, settings
from tests.standins import initialise

RECORD = "user.standin"  # of a container: all that was said when it was made
PREFIX = "user.standin."  # of the project: <kind>.<id>
POOL = "conpaas"
POOLS = "/var/lib/lxd/storage-pools"

# What comes in must have been sent to a public address: private ones lead nowhere outside of their own bridge.
EDGE = """table inet {0} {{
 chain forward {{
  type filter hook forward priority -10;
  oifname "{0}" iifname != "{0}" ct state new ct status & dnat != dnat drop
 }}
 chain output {{
  type filter hook output priority -10;
  oifname "{0}" udp sport 67 accept
  oifname "{0}" ct state new ct status & dnat != dnat drop
 }}
}}
"""

ALLOWED = [f"lxc.{each}.devices.allow = b 7:* rwm" for each in ("cgroup", "cgroup2")]  # LXC heeds the host's
# Of a container that mounts a volume; the right is there before the device is.
MOUNTS = {"security.privileged": "true", "raw.lxc": "\n".join(ALLOWED)}

Record = dict[str, Any]


class Refused(Exception):
    """The cloud says no: what it says is the message."""


class Absent(Refused):
    """There is no such thing."""


@dataclass(frozen=True)
class Rule:
    """One rule of a security group. Ports of 0 are all."""

    direction: str
    protocol: str  # "tcp", "udp", "icmp", "" for any
    first: int
    last: int
    cidr: str

    def compiled(self, address: str) -> Record:
        """As LXD takes it, for one server."""
        own, other = ("destination", "source") if self.direction == "ingress" else ("source", "destination")
        found = {"action": "allow", "state": "enabled", own: f"{address}/32"}
        if self.cidr != "0.0.0.0/0":
            found[other] = self.cidr
        if self.protocol:
            found["protocol"] = self.protocol if self.protocol != "icmp" else "icmp4"
        if self.first and self.protocol in ("tcp", "udp"):
            found["destination_port"] = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return found


class Lab:
    """One cloud. `project` is LXD's; it was made by `found`."""

    def __init__(self, project: str) -> None:
        self.project = project
        self._settings = settings.load()
        self.client = lxd.connect(self._settings, project=project)
        self.host = lxd.connect(self._settings, project="default")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One change at a time, among all processes."""
        with (Path(tempfile.gettempdir()) / f"{self.project}.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    # what is written down

    def setting(self, name: str, default: str = "") -> str:
        """One of what `found` was told."""
        return str(self._config().get(PREFIX + name, default))

    def set(self, name: str, value: str | None) -> None:
        """Change it; None forgets it. Hold the lock."""
        document = self.host.api.projects[self.project].get().json()["metadata"]
        config = {key: each for key, each in document["config"].items() if key != PREFIX + name}
        if value is not None:
            config[PREFIX + name] = value
        self.host.api.projects[self.project].put(json={"config": config, "description": document["description"]})

    def all(self, kind: str) -> dict[str, Record]:
        """Records of a kind, by id."""
        start = f"{PREFIX}{kind}."
        return {key[len(start) :]: json.loads(value) for key, value in self._config().items() if key.startswith(start)}

    def get(self, kind: str, key: str) -> Record:
        """One record; raises Absent."""
        found = self.all(kind).get(key)
        if found is None:
            raise Absent(f"{kind} {key} could not be found")
        return found

    def put(self, kind: str, key: str, record: Mapping[str, Any]) -> None:
        """Write it down. Hold the lock."""
        self.set(f"{kind}.{key}", json.dumps(record))

    def drop(self, kind: str, key: str) -> None:
        """Forget it. Hold the lock."""
        self.set(f"{kind}.{key}", None)

    def _config(self) -> dict[str, str]:
        config: dict[str, str] = self.host.api.projects[self.project].get().json()["metadata"]["config"]
        return config

    # networks

    def make_bridge(self, cidr: str) -> str:
        """A bridge with nothing behind it yet; its name. Hold the lock."""
        span = IPv4Network(cidr)
        for network in self.host.networks.all():
            there = network.config.get("ipv4.address", "none")
            if there != "none" and IPv4Network(there, strict=False).overlaps(span):
                raise Refused(f"CIDR {cidr} overlaps with another subnet of this host: {network.name}")
        name = f"si{uuid.uuid4().hex[:8]}"
        options = {"ipv4.address": f"{span[1]}/{span.prefixlen}", "ipv4.nat": "false", "ipv6.address": "none"}
        self.host.api["network-acls"].post(json={"name": name, "description": self.project})
        guarded = {
            "security.acls": name,
            "security.acls.default.ingress.action": "drop",
            "security.acls.default.egress.action": "drop",
        }
        body = {"name": name, "type": "bridge", "description": self.project, "config": {**options, **guarded}}
        self.host.api.networks.post(json=body)
        subprocess.run(["nft", "-f", "-"], input=EDGE.format(name), text=True, check=True)
        return name

    def open_bridge(self, bridge: str) -> None:
        """Give it a way out, and a way in at the public addresses, as a router or an internet gateway does."""
        document = self.host.api.networks[bridge].get().json()["metadata"]
        document["config"].update({"ipv4.nat": "true", "ipv4.routes": self.setting("public")})
        self.host.api.networks[bridge].put(json={"config": document["config"], "description": self.project})

    def remove_bridge(self, bridge: str) -> None:
        """Gone already is fine."""
        remove_bridge(self.host, bridge)

    def free_address(self, cidr: str) -> str:
        """A private address nobody has. Hold the lock."""
        taken = {each.get("address") for each in self.servers().values()} | {
            each.get("address") for each in self.all("port").values()
        }
        return next(str(host) for host in list(IPv4Network(cidr).hosts())[9:] if str(host) not in taken)

    # public addresses

    def take_address(self) -> str:
        """A public address nobody has. Hold the lock, and write it down."""
        taken = {each["ip"] for each in self.all("address").values()}
        taken |= {each.get("public", "") for each in self.servers().values()}
        free = (str(host) for host in IPv4Network(self.setting("public")).hosts())
        found = next((address for address in free if address not in taken), None)
        if found is None:
            raise Refused("No more IP addresses available on the external network")
        return found

    def forward(self, bridge: str, public: str, private: str | None) -> None:
        """Lead a public address to a private one, or nowhere. Hold the lock."""
        forwards = self.host.api.networks[bridge].forwards
        there = {each["listen_address"] for each in forwards.get(params={"recursion": 1}).json()["metadata"]}
        if public in there:
            forwards[public].delete()
        if private:
            forwards.post(json={"listen_address": public, "config": {"target_address": private}})

    def enforce(self) -> None:
        """Compile the rules of all groups into what LXD enforces at the bridges' edges. Hold the lock."""
        groups, servers = self.all("group"), self.servers().values()
        for bridge in {each["bridge"] for each in self.all("subnet").values()}:
            here = [server for server in servers if server["bridge"] == bridge]
            body: Record = {"description": self.project, "config": {}, "ingress": [], "egress": []}
            for server in here:
                for rule in _rules(server, groups):
                    if (compiled := rule.compiled(server["address"])) not in body[rule.direction]:
                        body[rule.direction].append(compiled)
            self.host.api["network-acls"][bridge].put(json=body)

    # servers

    def images(self) -> dict[str, Record]:
        """Name of the container that an image is -> what is known of it."""
        return {each["name"]: json.loads(each["config"][RECORD]) for each in self._containers() if _is_image(each)}

    def servers(self) -> dict[str, Record]:
        """Id -> what was said when it was made, and `status` as it is now."""
        return {
            each["name"]: {**json.loads(each["config"][RECORD]), "status": each["status"], "made": each["created_at"]}
            for each in self._containers()
            if not _is_image(each)
        }

    def server(self, key: str) -> Record:
        """One of them; raises Absent."""
        found = self.servers().get(key)
        if found is None:
            raise Absent(f"instance {key} could not be found")
        return found

    def _containers(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.client.api.instances.get(params={"recursion": 1}).json()["metadata"]
        return found

    def make_server(self, image: str, record: Record, public_key: str) -> str:
        """A container of the image, told what cloud-init would be told; its id. Hold the lock, then `boot` it."""
        key = str(uuid.uuid4())
        config = {
            RECORD: json.dumps(record),
            "user.conpaas.hostname": record["hostname"],
            "user.conpaas.resolver": record["gateway"],
            "limits.cpu": str(record["cpu"]),
            "limits.memory": f"{record['memory']}MiB",
            **(MOUNTS if "/dev/disk/by-id" in record["user_data"] else {}),
        }
        devices = {
            "root": {"type": "disk", "path": "/", "pool": POOL},
            "tun": {"type": "unix-char", "path": "/dev/net/tun"},
            "eth0": {"type": "nic", "network": record["bridge"], "name": "eth0", "ipv4.address": record["address"]},
        }
        source = {"type": "copy", "source": image, "instance_only": True}
        name = f"i-{key[:8]}"
        body = {"name": name, "source": source, "profiles": [], "config": config, "devices": devices}
        with lxd.errors("server"):
            self.client.instances.create(body, wait=True)
            initialise.before(self.client.instances.get(name), record["user_data"], public_key)
        return name

    def boot(self, key: str) -> None:
        """Start it and do what its user data wants done then."""
        with lxd.errors(f"server {key}"):
            container = self.client.instances.get(key)
            container.start(wait=True)
            initialise.after(container, self.server(key)["user_data"])

    def note(self, key: str, **changes: Any) -> None:
        """Change what is known of a server. Hold the lock."""
        container = self.client.instances.get(key)
        record = {**json.loads(container.config[RECORD]), **changes}
        container.config[RECORD] = json.dumps(record)
        container.config["limits.cpu"] = str(record["cpu"])
        container.config["limits.memory"] = f"{record['memory']}MiB"
        container.save(wait=True)

    # volumes

    def make_volume(self, key: str) -> str:
        """A block volume of LXD's, as a loop device of this host; the device. Hold the lock, and write it down."""
        body = {"name": f"{self.project}-{key}", "type": "custom", "content_type": "block", "config": {"size": "1GiB"}}
        self.host.api["storage-pools"][POOL].volumes.custom.post(json=body)
        image = f"{POOLS}/{POOL}/custom/default_{self.project}-{key}/root.img"
        done = subprocess.run(["losetup", "--find", "--show", image], check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def attach(self, key: str, server: str, link: str) -> None:
        """The server sees it at `link`; it may mount it, which takes a container with more rights. Hold the lock."""
        record = self.get("volume", key)
        container = self.client.instances.get(server)
        name = f"volume-{key[:12]}"
        container.devices[name] = {"type": "unix-block", "source": record["loop"], "path": link, "mode": "0660"}
        container.save(wait=True)
        self.put("volume", key, {**record, "server": server, "device": name})

    def detach(self, key: str) -> None:
        """Gone already is fine. Hold the lock."""
        record = self.get("volume", key)
        container = lxd.absent_is_none(self.client.instances.get, record["server"]) if record["server"] else None
        if container is not None and container.devices.pop(record["device"], None):
            container.save(wait=True)
        self.put("volume", key, {**record, "server": ""})

    def remove_volume(self, key: str) -> None:
        """Hold the lock."""
        subprocess.run(["losetup", "--detach", self.get("volume", key)["loop"]], check=False, capture_output=True)
        self.host.api["storage-pools"][POOL].volumes.custom[f"{self.project}-{key}"].delete()
        self.drop("volume", key)

    def power(self, key: str, on: bool) -> None:
        """Start or stop it; as it is already is fine."""
        container = self.client.instances.get(key)
        if on and container.status != "Running":
            container.start(wait=True)
        elif not on and container.status == "Running":
            container.stop(timeout=30, force=True, wait=True)

    def remove_server(self, key: str) -> None:
        """Gone already is fine. Hold the lock."""
        container = lxd.absent_is_none(self.client.instances.get, key)
        if container is not None:
            if container.status != "Stopped":
                container.stop(force=True, wait=True)
            container.delete(wait=True)


def _rules(server: Record, groups: Mapping[str, Record]) -> Iterator[Rule]:
    for name in server["groups"]:
        yield from (Rule(**each) for each in groups.get(name, {}).get("rules", {}).values())


def _is_image(container: Mapping[str, Any]) -> bool:
    return bool(container["name"].startswith("image-"))


def remove_bridge(host: Any, bridge: str) -> None:
    """With what guards its edge; gone already is fine."""
    for collection in (host.api.networks[bridge], host.api["network-acls"][bridge]):
        try:
            collection.delete()
        except Exception as error:
            if "not found" not in str(error).lower():
                raise
    subprocess.run(["nft", "delete", "table", "inet", bridge], capture_output=True, check=False)
