"""Which instance type stands for which size. Pure."""

from conpaas_iac.core.layout import SIZES, Size
from conpaas_iac.core.places import Place

TYPES = {"small": "t3.micro", "medium": "t3.small", "large": "c6i.xlarge"}  # as much memory as the size says
DISK, DATA = 16, 20  # GiB of a machine's own disk, and of a volume for its data


def types(place: Place) -> dict[str, str]:
    """Size -> instance type, with what is set for the place."""
    return {**TYPES, **place.settings.get("Sizes", {})}


def instance_type(place: Place, cpu: int, memory: int) -> str:
    """Of a machine of so many cores and MiB; one of no known size gets the smallest that holds it."""
    return types(place)[
        next((name for name, size in SIZES.items() if size.cpu >= cpu and size.memory >= memory), "large")
    ]


def size(place: Place, instance_type: str) -> Size | None:
    """What a type stands for; None where it is nothing of ours, or stands for several."""
    found = [size for name, size in SIZES.items() if types(place)[name] == instance_type]
    return found[0] if len(found) == 1 else None


def is_ours(place: Place, instance_type: str) -> bool:
    """Whether it stands for a size."""
    return instance_type in types(place).values()
