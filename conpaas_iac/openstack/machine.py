"""One machine on OpenStack: its server, its port, its host key, its rules, its data volume, its floating address."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_openstack as openstack
from pulumi import ResourceOptions

from conpaas_iac.clouds.shared import firewall, userdata
from conpaas_iac.core.declaration import Machine, facts
from conpaas_iac.core.places import Place
from conpaas_iac.openstack.lookup import Flavor
from conpaas_iac.openstack.network import Shared, labels, security_group
from conpaas_iac.provider.sdk import Greeting, Host, Identity

DISK, DATA = 16, 20  # GiB


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
    host = Host(f"{name}.host", facts(machine, place), identity.owner)
    groups = [shared.group]
    if rules := firewall.own(machine):
        groups.append(security_group(f"{name}.public", title, rules, tags, options))
    # It stays when the server is replaced, and with it its address.
    port = openstack.networking.Port(
        f"{name}.port",
        name=title,
        network_id=shared.network,
        fixed_ips=[openstack.networking.PortFixedIpArgs(subnet_id=shared.subnet)] if shared.subnet else None,
        security_group_ids=groups,
        tags=labels(tags),
        opts=options,
    )
    volume = _volume(machine, title, place, options, tags) if machine.data else None
    told: pulumi.Output[str] = pulumi.Output.secret(_user_data(machine, identity, host, volume))
    server = openstack.compute.Instance(
        name,
        name=title,
        flavor_name=kind[0].name,
        **_disk(place, *kind),
        networks=[openstack.compute.InstanceNetworkArgs(port=port.id)],
        metadata=dict(tags),
        user_data=told,
        stop_before_destroy=True,
        # A newer image, or other words in user data, make no other machine: only a new incarnation does.
        opts=ResourceOptions.merge(
            options,
            ResourceOptions(
                ignore_changes=["image_id", "block_devices", "user_data"],
                delete_before_replace=True,
                replacement_trigger=machine.incarnation,
            ),
        ),
    )
    if volume:
        openstack.compute.VolumeAttach(
            f"{name}.attachment", instance_id=server.id, volume_id=volume.id, opts=_before_replace(options)
        )
    ip = server.access_ip_v4
    if has_address:
        address = openstack.networking.FloatingIp(
            f"{name}.address",
            pool=shared.pool,
            port_id=port.id,
            tags=labels(tags),
            opts=ResourceOptions.merge(options, ResourceOptions(depends_on=[server, *shared.routed])),
        )
        ip = address.address
    # Another flavor restarts it, so it greets anew.
    greeting = Greeting(f"{name}.greeting", pulumi.Output.concat(server.id, " ", kind[0].name), ip)
    return pulumi.Output.all(id=server.id, ip=ip, hostKey=host.publicKey, greeting=greeting.id).apply(
        lambda known: {each: known[each] for each in ("id", "ip", "hostKey")}
    )


def _before_replace(options: ResourceOptions) -> ResourceOptions:
    return ResourceOptions.merge(options, ResourceOptions(delete_before_replace=True))


def _disk(place: Place, flavor: Flavor, image: str) -> dict[str, Any]:
    """The flavor's own disk, or a volume: where that is asked for, and where flavors have none."""
    size = place.settings.get("Disk") or (0 if flavor.disk else DISK)
    if not size:
        return {"image_id": image}
    volume = openstack.compute.InstanceBlockDeviceArgs(
        uuid=image,
        source_type="image",
        destination_type="volume",
        volume_size=size,
        volume_type=place.settings.get("VolumeType"),
        boot_index=0,
        delete_on_termination=True,
    )
    return {"block_devices": [volume]}


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


def _user_data(
    machine: Machine, identity: Identity, host: Host, volume: openstack.blockstorage.Volume | None
) -> pulumi.Output[str]:
    known = pulumi.Output.all(
        login=identity.publicKey, private=host.privateKey, public=host.publicKey, volume=volume.id if volume else ""
    )

    def text(each: Mapping[str, str]) -> str:
        device = f"/dev/disk/by-id/virtio-{each['volume'][:20]}"  # as KVM calls it
        data = userdata.Volume(device, machine.data) if volume else None
        return userdata.cloud_config(machine.node, each["login"], each["private"], each["public"], data)

    return known.apply(text)
