"""Files as they would come out with other values of the manifest."""

from collections.abc import Mapping
from dataclasses import replace

from conpaas_iac import catalog
from conpaas_iac.catalog import Catalog
from conpaas_iac.clouds import Reach
from conpaas_iac.core import render
from conpaas_iac.core.topology import Topology
from conpaas_iac.drift.adoption import Parameter, Render
from conpaas_iac.manifest import model
from conpaas_iac.settings import Settings


def parameters(service: model.Service) -> dict[Parameter, object]:
    """Values of a service that the manifest may say and templates see."""
    return {
        **{("Configuration", name): value for name, value in service.options.items()},
        **{("Environment", name): value for name, value in service.environment.items()},
    }


def relations(service: model.Service) -> dict[Parameter, object]:
    """The services that it uses, each of which it might as well not."""
    return {("Uses", name): True for name in service.uses}


def rendering(node: str, path: str, service: str, layout: Topology, types: Catalog, settings: Settings) -> Render:
    """How a file of a machine comes out with other values of its service; "" where the machine has no such file."""
    clouds = Reach(layout.places, settings).each(layout.places)
    operators = {name: cloud.operators() for name, cloud in clouds}
    internal = catalog.load_internal()

    def rendered(values: Mapping[Parameter, object]) -> str:
        changed = _with(layout, service, values)
        tree = render.trees(changed, types, internal, operators, only=(node,))[node]
        return next((file.content for file in tree.files if file.path == path), "")

    return rendered


def _with(layout: Topology, name: str, values: Mapping[Parameter, object]) -> Topology:
    options = {inner: value for (field, inner), value in values.items() if field == "Configuration"}
    variables = {inner: str(value) for (field, inner), value in values.items() if field == "Environment"}
    without = {inner for (field, inner), value in values.items() if field == "Uses" and not value}
    service = layout.service(name)
    changed = replace(
        service,
        options={**service.options, **options},
        environment={**service.environment, **variables},
        uses=tuple(used for used in service.uses if used not in without),
    )
    return replace(layout, services=tuple(changed if each.name == name else each for each in layout.services))
