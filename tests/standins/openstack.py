"""OpenStack, as far as our cloud file uses it."""

import os
import uuid
from functools import partial
from ipaddress import IPv4Network
from typing import Any

from tests.standins.lab import Absent, Lab, Record, Refused, Rule
from tests.standins.plugin import Face, Kind, main
from tests.standins.records import deleted, drop, noted, recorded, there

FLAVORS = {  # name -> cores, MiB
    "m1.tiny": (1, 512), "m1.small": (1, 2048), "m1.medium": (2, 4096), "m1.large": (4, 8192),
    "c1.mini": (1, 1024), "c1.double": (2, 1024),
}  # fmt: skip
EXTERNAL = "public"  # the network that floating addresses are of


def new() -> str:
    """An id as OpenStack has them."""
    return str(uuid.uuid4())


def create_subnet(lab: Lab, inputs: Record) -> tuple[str, Record]:
    """A bridge that has no way out yet."""
    key, gateway = new(), str(IPv4Network(inputs["cidr"])[1])
    with lab.locked():
        lab.get("network", inputs["networkId"])
        bridge = lab.make_bridge(inputs["cidr"])
        lab.put("subnet", key, {"network": inputs["networkId"], "cidr": inputs["cidr"], "bridge": bridge})
    return key, {"gatewayIp": gateway}


def delete_subnet(lab: Lab, key: str, state: Record) -> None:
    with lab.locked():
        record = lab.get("subnet", key)
        if any(port["subnet"] == key for port in lab.all("port").values()):
            raise Refused(f"Unable to complete operation on subnet {key}: One or more ports have an IP allocation")
        lab.remove_bridge(record["bridge"])
        lab.drop("subnet", key)


def create_router(lab: Lab, inputs: Record) -> tuple[str, Record]:
    external = inputs.get("externalNetworkId")
    if external and external != lab.setting("external"):
        raise Absent(f"External network {external} could not be found")
    return recorded("router", new, "name", "externalNetworkId")(lab, inputs)


def create_interface(lab: Lab, inputs: Record) -> tuple[str, Record]:
    key = new()
    with lab.locked():
        router, subnet = lab.get("router", inputs["routerId"]), lab.get("subnet", inputs["subnetId"])
        if router["externalNetworkId"]:
            lab.open_bridge(subnet["bridge"])
        lab.put("interface", key, {"router": inputs["routerId"], "subnet": inputs["subnetId"]})
    return key, {"portId": key}


def create_group(lab: Lab, inputs: Record) -> tuple[str, Record]:
    """Everything may go out, unless the defaults are unwanted."""
    key, out = new(), {"direction": "egress", "protocol": "", "first": 0, "last": 0, "cidr": "0.0.0.0/0"}
    rules = {} if inputs.get("deleteDefaultRules") else {"default": out}
    with lab.locked():
        lab.put("group", key, {"name": inputs["name"], "rules": rules})
    return key, {}


def delete_group(lab: Lab, key: str, state: Record) -> None:
    if any(key in each["groups"] for each in lab.servers().values()):
        raise Refused(f"Security Group {key} in use.")
    drop("group", lab, key)


def create_rule(lab: Lab, inputs: Record) -> tuple[str, Record]:
    if inputs["ethertype"] != "IPv4":
        raise Refused("this stand-in has no IPv6")
    first, last = int(inputs.get("portRangeMin") or 0), int(inputs.get("portRangeMax") or 0)
    rule = Rule(inputs["direction"], inputs.get("protocol", ""), first, last, inputs.get("remoteIpPrefix", "0.0.0.0/0"))
    key = new()
    with lab.locked():
        group = lab.get("group", inputs["securityGroupId"])
        if vars(rule) in group["rules"].values():
            raise Refused(f"Security group rule already exists: {rule}")
        group["rules"][key] = vars(rule)
        lab.put("group", inputs["securityGroupId"], group)
        lab.enforce()
    return key, {}


def delete_rule(lab: Lab, key: str, state: Record) -> None:
    with lab.locked():
        group = lab.get("group", state["securityGroupId"])
        if group["rules"].pop(key, None) is None:
            raise Absent(f"Security group rule {key} could not be found")
        lab.put("group", state["securityGroupId"], group)
        lab.enforce()


def create_key(lab: Lab, inputs: Record) -> tuple[str, Record]:
    with lab.locked():
        if inputs["name"] in lab.all("key"):
            raise Refused(f"Key pair '{inputs['name']}' already exists.")
        lab.put("key", inputs["name"], {"public": inputs["publicKey"]})
    return inputs["name"], {"fingerprint": "00:" * 15 + "00"}


def create_port(lab: Lab, inputs: Record) -> tuple[str, Record]:
    """An address of the network's subnet."""
    key = new()
    with lab.locked():
        wanted = [each["subnetId"] for each in inputs.get("fixedIps") or () if each.get("subnetId")]
        subnets = {name: each for name, each in lab.all("subnet").items() if each["network"] == inputs["networkId"]}
        chosen = next((name for name in wanted or subnets if name in subnets), None)
        if chosen is None:
            raise Refused(f"network {inputs['networkId']} has no subnet for a port")
        address = lab.free_address(subnets[chosen]["cidr"])
        groups = inputs.get("securityGroupIds") or []
        for group in groups:
            lab.get("group", group)
        lab.put("port", key, {"subnet": chosen, "address": address, "groups": groups, "server": ""})
    return key, {"allFixedIps": [address]}


def update_port(lab: Lab, key: str, old: Record, new: Record) -> Record:
    with lab.locked():
        port = lab.get("port", key)
        port["groups"] = new.get("securityGroupIds") or []
        lab.put("port", key, port)
        if port["server"]:
            lab.note(port["server"], groups=port["groups"])
        lab.enforce()
    return {}


def refuse_over_quota(lab: Lab, cpu: int, memory: int) -> None:
    """Nova's own words."""
    servers = lab.servers().values()
    cores, ram = (sum(each[name] for each in servers) for name in ("cpu", "memory"))
    used = {"instances": len(servers), "cores": cores, "ram": ram}
    for name, more in {"instances": 1, "cores": cpu, "ram": memory}.items():
        limit = int(lab.setting(f"quota.{name}", "1000000"))
        if used[name] + more > limit:
            raise Refused(
                f"Quota exceeded for {name}: Requested {more}, but already used {used[name]} of {limit} {name}"
            )


def flavor(lab: Lab, inputs: Record) -> tuple[str, tuple[int, int]]:
    name = inputs.get("flavorName") or inputs.get("flavorId") or ""
    if name not in FLAVORS:
        raise Refused(f"Flavor {name} could not be found.")
    return name, FLAVORS[name]


def create_server(lab: Lab, inputs: Record) -> tuple[str, Record]:
    """A container at the ports that it is given."""
    _, (cpu, memory) = flavor(lab, inputs)
    if len(inputs.get("networks") or ()) != 1 or not inputs["networks"][0].get("port"):
        raise Refused("this stand-in wants one network, given as a port")
    disks = [each for each in inputs.get("blockDevices") or () if each.get("bootIndex") == 0]
    image = inputs.get("imageId") or next((each.get("uuid") for each in disks if each["sourceType"] == "image"), "")
    with lab.locked():
        refuse_over_quota(lab, cpu, memory)
        found = next((name for name, each in lab.images().items() if each["id"] == image), None)
        if found is None:
            raise Refused(f"Image {image} could not be found.")
        if (pair := inputs.get("keyPair")) and pair not in lab.all("key"):
            raise Refused("Invalid key_name provided.")
        public = lab.get("key", pair)["public"] if pair else ""
        name = inputs["networks"][0]["port"]
        port = lab.get("port", name)
        subnet = lab.get("subnet", port["subnet"])
        record = {
            "name": inputs["name"],
            "hostname": inputs["name"],
            "metadata": inputs.get("metadata") or {},
            "flavor": inputs.get("flavorName") or inputs.get("flavorId"),
            "image": image,
            "cpu": cpu,
            "memory": memory,
            "bridge": subnet["bridge"],
            "gateway": str(IPv4Network(subnet["cidr"])[1]),
            "address": port["address"],
            "port": name,
            "groups": port["groups"],
            "user_data": inputs.get("userData") or "",
        }
        key = lab.make_server(found, record, public)
        lab.put("port", name, {**port, "server": key})
        lab.enforce()
    lab.boot(key)
    return key, {"accessIpV4": port["address"], "created": ""}


def update_server(lab: Lab, key: str, old: Record, new: Record) -> Record:
    """Metadata and name at once; another flavor with a restart, as Nova's resize."""
    _, (cpu, memory) = flavor(lab, new)
    resized = flavor(lab, old) != flavor(lab, new)
    with lab.locked():
        if resized:
            lab.power(key, False)
        changes = {"flavor": flavor(lab, new)[0], "cpu": cpu, "memory": memory}
        lab.note(key, name=new["name"], metadata=new.get("metadata") or {}, **changes)
        if resized:
            lab.power(key, True)
    return {}


def delete_server(lab: Lab, key: str, state: Record) -> None:
    with lab.locked():
        remove_server(lab, key)


def remove_server(lab: Lab, key: str) -> None:
    """The face of clients removes them too. Hold the lock."""
    lab.server(key)
    lab.remove_server(key)
    for name, port in lab.all("port").items():
        if port["server"] == key:
            lab.put("port", name, {**port, "server": ""})
    lab.enforce()


def associate(lab: Lab, key: str, port: str) -> None:
    record, target = lab.get("address", key), lab.get("port", port)
    bridge = lab.get("subnet", target["subnet"])["bridge"]
    lab.forward(bridge, record["ip"], target["address"])
    lab.put("address", key, {**record, "port": port, "bridge": bridge})


def create_address(lab: Lab, inputs: Record) -> tuple[str, Record]:
    key = new()
    if inputs["pool"] != EXTERNAL:
        raise Absent(f"network {inputs['pool']} could not be found")
    with lab.locked():
        ip = lab.take_address()
        lab.put("address", key, {"ip": ip, "port": "", "bridge": ""})
        if inputs.get("portId"):
            associate(lab, key, inputs["portId"])
    return key, {"address": ip, "fixedIp": ""}


def release(lab: Lab, key: str) -> None:
    record = lab.get("address", key)
    if record["bridge"]:
        lab.forward(record["bridge"], record["ip"], None)
    lab.put("address", key, {**record, "port": "", "bridge": ""})


def update_address(lab: Lab, key: str, old: Record, new: Record) -> Record:
    with lab.locked():
        release(lab, key)
        if new.get("portId"):
            associate(lab, key, new["portId"])
    return {}


def delete_address(lab: Lab, key: str, state: Record) -> None:
    with lab.locked():
        release(lab, key)
        lab.drop("address", key)


def create_association(lab: Lab, inputs: Record) -> tuple[str, Record]:
    with lab.locked():
        key = next((key for key, each in lab.all("address").items() if each["ip"] == inputs["floatingIp"]), None)
        if key is None:
            raise Absent(f"floating IP {inputs['floatingIp']} could not be found")
        associate(lab, key, inputs["portId"])
    return key, {}


def delete_association(lab: Lab, key: str, state: Record) -> None:
    with lab.locked():
        release(lab, key)


def create_volume(lab: Lab, inputs: Record) -> tuple[str, Record]:
    key = new()
    with lab.locked():
        lab.put("volume", key, {"size": int(inputs["size"]), "server": "", "loop": lab.make_volume(key)})
    return key, {}


def attach(lab: Lab, inputs: Record) -> tuple[str, Record]:
    """As servers of KVM see volumes."""
    key = inputs["volumeId"]
    with lab.locked():
        if lab.get("volume", key)["server"]:
            raise Refused(f"Invalid volume: volume {key} already attached")
        lab.attach(key, inputs["instanceId"], f"/dev/disk/by-id/virtio-{key[:20]}")
    return f"{inputs['instanceId']}/{key}", {"device": "/dev/vdb"}


def detach(lab: Lab, key: str, state: Record) -> None:
    with lab.locked():
        lab.detach(state["volumeId"])


def delete_volume(lab: Lab, key: str, state: Record) -> None:
    with lab.locked():
        if lab.get("volume", key)["server"]:
            raise Refused(f"Invalid volume: volume {key} is in use")
        lab.remove_volume(key)


def get_image(lab: Lab, arguments: Record) -> Record:
    found = [each for each in lab.images().values() if each["label"] == arguments.get("name", each["label"])]
    if not found:
        raise Absent("Your query returned no results. Please change your search criteria and try again.")
    return {"id": found[0]["id"], "name": found[0]["label"]}


def get_network(lab: Lab, arguments: Record) -> Record:
    networks = {key: each["name"] for key, each in lab.all("network").items()} | {lab.setting("external"): EXTERNAL}
    found = [key for key, name in networks.items() if arguments.get("name") in (None, name)]
    found = [key for key in found if arguments.get("networkId") in (None, key)]
    if len(found) != 1:
        raise Absent("Your query returned no results. Please change your search criteria and try again.")
    return {"id": found[0], "name": networks[found[0]]}


def get_flavor(lab: Lab, arguments: Record) -> Record:
    name, (cpu, memory) = flavor(lab, {"flavorName": arguments.get("name"), "flavorId": arguments.get("flavorId")})
    return {"id": name, "name": name, "vcpus": cpu, "ram": memory}


def objection(arguments: Record) -> str:
    """As gophercloud says it."""
    given = [arguments.get(name) for name in ("cloud", "authUrl")]
    given += [os.environ.get(name) for name in ("OS_CLOUD", "OS_AUTH_URL")]
    return "" if any(given) else "One of 'auth_url' or 'cloud' must be specified"


KINDS: dict[str, Kind] = {
    "networking/network:Network": Kind(
        recorded("network", new, "name"), deleted("network"), noted("network"), there("network"), named="name"
    ),
    "networking/subnet:Subnet": Kind(
        create_subnet, delete_subnet, None, there("subnet"), frozenset({"cidr"}), "name"
    ),
    "networking/router:Router": Kind(create_router, deleted("router"), None, there("router"), named="name"),
    "networking/routerInterface:RouterInterface": Kind(
        create_interface, deleted("interface"), None, there("interface")
    ),
    "networking/secGroup:SecGroup": Kind(create_group, delete_group, noted("group"), there("group"), named="name"),
    "networking/secGroupRule:SecGroupRule": Kind(create_rule, delete_rule),
    "networking/port:Port": Kind(create_port, deleted("port"), update_port, there("port"), named="name"),
    "networking/floatingIp:FloatingIp": Kind(create_address, delete_address, update_address, there("address")),
    "networking/floatingIpAssociate:FloatingIpAssociate": Kind(create_association, delete_association),
    "blockstorage/volume:Volume": Kind(create_volume, delete_volume, None, there("volume"), named="name"),
    "compute/volumeAttach:VolumeAttach": Kind(attach, detach),
    "compute/keypair:Keypair": Kind(create_key, deleted("key"), None, there("key"), named="name"),
    "compute/instance:Instance": Kind(
        create_server, delete_server, update_server, lambda lab, key: key in lab.servers(), named="name"
    ),
}
FACE = Face(
    "openstack",
    {f"openstack:{name}": kind for name, kind in KINDS.items()},
    {
        "openstack:images/getImage:getImage": get_image,
        "openstack:networking/getNetwork:getNetwork": get_network,
        "openstack:compute/getFlavor:getFlavor": get_flavor,
    },
    objection,
)
run: Any = partial(main, FACE)
