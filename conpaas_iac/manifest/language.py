"""What the language knows besides what is found in roles/ and clouds/: names not built yet, older names."""

from conpaas_iac.catalog import ServiceType

TYPES = ("generic", "htc", "java", "mapreduce", "mysql", "php", "scalaris", "selenium", "taskfarm", "xtreemfs")
OLDER_TYPES = {"galera": "mysql", "hadoop": "mapreduce", "htcondor": "htc", "scalarix": "scalaris"}
CLOUDS = ("aws", "lxd", "opennebula", "openstack")
DEFAULT_SIZE = "small"


def names(kind: ServiceType) -> tuple[str, ...]:
    """Every name by which manifests of any age call a service type."""
    older = (old for old, new in OLDER_TYPES.items() if new == kind.name)
    return tuple(dict.fromkeys((kind.name, *kind.descriptor.aliases, *older)))
