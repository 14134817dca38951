"""The image that machines begin with: the newest Debian 12 of Debian's own account, or the user's own. Pure."""

from typing import Any

DEBIAN = "debian-12"  # what a machine's image is called where it is this one
OWNER = "136693071363"
NAME = "debian-12-amd64-*"
FILTERS = {"name": NAME, "architecture": "x86_64", "virtualization-type": "hvm", "root-device-type": "ebs"}


def query(image: str) -> dict[str, Any]:
    """As boto3's describe_images takes it."""
    if image != DEBIAN:
        return {"ImageIds": [image]}
    return {"Owners": [OWNER], "Filters": [{"Name": name, "Values": [value]} for name, value in FILTERS.items()]}
