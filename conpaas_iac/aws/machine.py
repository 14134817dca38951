"""One machine on AWS: its instance, its host key, its own ports, its data volume, its fixed public address."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from conpaas_iac.aws import images, sizes
from conpaas_iac.aws.network import Shared, security_group
from conpaas_iac.aws.sizes import DATA, DISK
from conpaas_iac.clouds.shared import firewall, userdata
from conpaas_iac.core.declaration import Machine, facts
from conpaas_iac.core.places import Place
from conpaas_iac.provider.host import PRIVATE, PUBLIC
from conpaas_iac.provider.sdk import Greeting, Host, Identity

DEVICE = "/dev/sdf"


def declare(
    machine: Machine, place: Place, shared: Shared, identity: Identity, tags: Mapping[str, Any]
) -> pulumi.Output[Any]:
    """{id, ip, hostKey}. What is beside the instance is named after it, so that failures are the machine's."""
    name, options = machine.resource, shared.resources
    volume = _volume(machine, place, shared, tags) if machine.data else None
    template = _template(machine, identity, volume)
    host = Host(f"{name}.host", facts(machine, place), identity.owner, _image(machine.image, shared), template)
    groups = [shared.group]
    if rules := firewall.own(machine):
        purpose = f"public ports of {machine.node}"
        groups.append(security_group(f"{name}.public", shared.vpc, rules, purpose, tags, options))
    user_data: pulumi.Output[str] = pulumi.Output.secret(host.userData)
    instance = aws.ec2.Instance(
        name,
        ami=host.bootImage,
        instance_type=sizes.instance_type(place, machine.cpu, machine.memory),
        subnet_id=shared.subnet,
        vpc_security_group_ids=groups,
        key_name=shared.key,
        associate_public_ip_address=True,
        user_data=user_data,
        metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
            http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
        ),
        root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
            encrypted=True,
            volume_type="gp3",
            volume_size=place.settings.get("Disk", DISK),
            delete_on_termination=True,
            tags=tags,
        ),
        tags=tags,
        opts=pulumi.ResourceOptions.merge(
            options, pulumi.ResourceOptions(delete_before_replace=True, replacement_trigger=machine.incarnation)
        ),
    )
    if volume:
        aws.ec2.VolumeAttachment(
            f"{name}.attached",
            device_name=DEVICE,
            instance_id=instance.id,
            volume_id=volume.id,
            stop_instance_before_detaching=True,
            opts=pulumi.ResourceOptions.merge(options, pulumi.ResourceOptions(delete_before_replace=True)),
        )
    ip = instance.public_ip
    if machine.ports:
        ip = aws.ec2.Eip(f"{name}.address", domain="vpc", instance=instance.id, tags=tags, opts=options).public_ip
    Greeting(f"{name}.greeting", instance.id, ip)
    return pulumi.Output.all(id=instance.id, ip=ip, hostKey=host.publicKey)


def _image(image: str, shared: Shared) -> pulumi.Input[str]:
    if image != images.DEBIAN:
        return image
    filters = [aws.ec2.GetAmiFilterArgs(name=name, values=[value]) for name, value in images.FILTERS.items()]
    found = aws.ec2.get_ami_output(owners=[images.OWNER], filters=filters, most_recent=True, opts=shared.options)
    return found.id


def _volume(machine: Machine, place: Place, shared: Shared, tags: Mapping[str, Any]) -> aws.ebs.Volume:
    """It is there before the machine and after it."""
    return aws.ebs.Volume(
        f"{machine.resource}.data",
        availability_zone=shared.zone,
        size=place.settings.get("Data", DATA),
        type="gp3",
        encrypted=True,
        tags=tags,
        opts=shared.resources,
    )


def _template(machine: Machine, identity: Identity, volume: aws.ebs.Volume | None) -> pulumi.Output[str]:
    def text(known: Mapping[str, str]) -> str:
        device = f"/dev/disk/by-id/nvme-Amazon_Elastic_Block_Store_{known['volume'].replace('-', '')}"
        data = userdata.Volume(device, machine.data) if known["volume"] else None
        return userdata.cloud_config(machine.node, known["login"], PRIVATE, PUBLIC, data)

    return pulumi.Output.all(login=identity.publicKey, volume=volume.id if volume else "").apply(text)
