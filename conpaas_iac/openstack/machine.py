"""One machine on OpenStack: its server, its port, its host key, its rules, its data volume, its floating address."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_openstack as openstack
from pulumi import ResourceOptions

from conpaas_iac.clouds.shared import firewall, userdata
from conpaas_iac.core.declaration import Machine, facts
from conpaas_iac.core.places import Place
from conpaas_iac.openstack.lookup import DATA, DISK, Flavor
from conpaas_iac.openstack.network import Shared, labels, security_group
from conpaas_iac.provider.host import PRIVATE, PUBLIC
from conpaas_iac.provider.sdk import Greeting, Host, Identity


def declare(
    machine: Machine,
    title: str,
    place: Place,
    shared: Shared,
    kind: tuple[Flavor, str],
    identity: Identity,
    tags: Mapping[str, Any],
    has_address: bool,
) -> pulumi.Output[Any]:
    """{id, ip, hostKey}. What is beside the server is named after it, so that failures are the machine's.

    `title` is what it is called there; `kind` is flavor and id of the image.
    """
    name, options = machine.resource, shared.resources
    volume = _volume(machine, title, place, options, tags) if machine.data else None
    boot, template = _boot(place, *kind), _template(machine, identity, volume)
    host = Host(f"{name}.host", facts(machine, place), identity.owner, boot, template)
    port = _port(machine, title, shared, tags)
    told: pulumi.Output[str] = pulumi.Output.secret(host.userData)
    server = openstack.compute.Instance(
        name,
        name=title,
        flavor_name=kind[0].name,
        image_id=host.bootImage.apply(_image),
        block_devices=host.bootImage.apply(_disks),
        networks=[openstack.compute.InstanceNetworkArgs(port=port.id)],
        metadata=dict(tags),
        user_data=told,
        stop_before_destroy=True,
        opts=ResourceOptions.merge(
            options, ResourceOptions(delete_before_replace=True, replacement_trigger=machine.incarnation)
        ),
    )
    if volume:
        openstack.compute.VolumeAttach(
            f"{name}.attachment", instance_id=server.id, volume_id=volume.id, opts=_before_replace(options)
        )
    ip = server.access_ip_v4
    if has_address:
        ip = _address(machine, shared, port, server, tags).address
    # Another flavor restarts it, so it greets anew.
    greeting = Greeting(f"{name}.greeting", pulumi.Output.concat(server.id, " ", kind[0].name), ip)
    return pulumi.Output.all(id=server.id, ip=ip, hostKey=host.publicKey, greeting=greeting.id).apply(
        lambda known: {each: known[each] for each in ("id", "ip", "hostKey")}
    )


def _port(machine: Machine, title: str, shared: Shared, tags: Mapping[str, Any]) -> openstack.networking.Port:
    """It stays when the server is replaced, and with it its address."""
    groups = [shared.group]
    if rules := firewall.own(machine):
        groups.append(security_group(f"{machine.resource}.public", title, rules, tags, shared.resources))
    return openstack.networking.Port(
        f"{machine.resource}.port",
        name=title,
        network_id=shared.network,
        fixed_ips=[openstack.networking.PortFixedIpArgs(subnet_id=shared.subnet)] if shared.subnet else None,
        security_group_ids=groups,
        tags=labels(tags),
        opts=shared.resources,
    )


def _address(
    machine: Machine,
    shared: Shared,
    port: openstack.networking.Port,
    server: openstack.compute.Instance,
    tags: Mapping[str, Any],
) -> openstack.networking.FloatingIp:
    """Reachable from outside, once the server is there and the network is routed."""
    return openstack.networking.FloatingIp(
        f"{machine.resource}.address",
        pool=shared.pool,
        port_id=port.id,
        tags=labels(tags),
        opts=ResourceOptions.merge(shared.resources, ResourceOptions(depends_on=[server, *shared.routed])),
    )


def _before_replace(options: ResourceOptions) -> ResourceOptions:
    return ResourceOptions.merge(options, ResourceOptions(delete_before_replace=True))


def _boot(place: Place, flavor: Flavor, image: str) -> str:
    """What a machine boots from, as its Host keeps it: an image, for the flavor's own disk; with size and type of a
    volume where one is asked for, and where flavors have no disk.
    """
    size = place.settings.get("Disk") or (0 if flavor.disk else DISK)
    return f"{image} {size} {place.settings.get('VolumeType', '')}".strip() if size else image


def _image(boot: str) -> str | None:
    return None if " " in boot else boot


def _disks(boot: str) -> list[openstack.compute.InstanceBlockDeviceArgs]:
    image, *volume = boot.split(" ", 2)
    if not volume:
        return []
    disk = openstack.compute.InstanceBlockDeviceArgs(
        uuid=image,
        source_type="image",
        destination_type="volume",
        volume_size=int(volume[0]),
        volume_type=volume[1] if len(volume) > 1 else None,
        boot_index=0,
        delete_on_termination=True,
    )
    return [disk]


def _volume(
    machine: Machine, title: str, place: Place, options: ResourceOptions, tags: Mapping[str, Any]
) -> openstack.blockstorage.Volume:
    """It outlives the server, and goes with the node."""
    return openstack.blockstorage.Volume(
        f"{machine.resource}.data",
        name=f"{title}-data",
        size=place.settings.get("Data", DATA),
        volume_type=place.settings.get("VolumeType"),
        enable_online_resize=True,
        metadata=dict(tags),
        opts=options,
    )


def _template(
    machine: Machine, identity: Identity, volume: openstack.blockstorage.Volume | None
) -> pulumi.Output[str]:
    def text(known: Mapping[str, str]) -> str:
        device = f"/dev/disk/by-id/virtio-{known['volume'][:20]}"  # as KVM calls it
        data = userdata.Volume(device, machine.data) if known["volume"] else None
        return userdata.cloud_config(machine.node, known["login"], PRIVATE, PUBLIC, data)

    return pulumi.Output.all(login=identity.publicKey, volume=volume.id if volume else "").apply(text)
