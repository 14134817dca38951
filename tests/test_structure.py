"""What may import what, how large a module may be, and what every cloud and every service type must offer."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from conpaas_iac import catalog, clouds
from conpaas_iac.catalog import ServiceType
from conpaas_iac.clouds.base import Cloud

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "conpaas_iac"

# room: (its modules, rooms that they may import besides their own); a room imports only rooms above it
ROOMS: dict[str, tuple[str, str]] = {
    "ground": (
        "__init__ errors runs.events core.environments core.ordering system.files shipped settings fleet fleet.place "
        "backend.store backend.folder backend.stores backend.bucket system.trying system.git system.git_words "
        "system.downloads machines.ssh machines.remote core.quoting core.placeholders system.processes system.beside "
        "runs.stream runs.journal "
        "system.supervisor system.flock backend.holder backend.lease backend.lessee backend.homes "
        "backend.turn backend.place backend.holding system.memory runs.workers backend runs system sources "
        "core network plans machines drift why usecases views suite sources.versions",
        "",
    ),
    "forge": (
        "forge forge.*",
        "ground",
    ),
    "code": (
        "sources.archives sources.archive_members sources.inspected",
        "ground",
    ),
    "catalog": (
        "catalog",
        "ground",
    ),
    "model": (
        "manifest.model manifest.provider core.places",
        "ground",
    ),
    "manifest": (
        "manifest manifest.* usecases.scaling usecases.committing usecases.new_type fleet.units fleet.touched "
        "fleet.git fleet.beginning",
        "ground code catalog model",
    ),
    "kit": (
        "kit kit.*",
        "ground catalog manifest",
    ),
    "fetch": (
        "sources.code",
        "ground code model",
    ),
    "pure": (
        "core.addresses core.layout core.flows core.topology core.mounts core.context core.declaration core.placing "
        "plans.plan plans.planning plans.danger plans.prices plans.cost plans.costwords plans.moves plans.inputs "
        "plans.causes "
        "core.templates core.render backend.record backend.hostkeys backend.lockfile views.status "
        "network.vpn network.standing network.certificates network.membership network.renewal network.joins "
        "usecases.operations runs.history backend.statefile plans.rolling plans.plandocument "
        "plans.planreading",
        "ground catalog model seen",
    ),
    "host": (
        "lxd host host.*",
        "ground",
    ),
    "configure": (
        "machines.configure machines.visit machines.outcome machines.switch",
        "ground pure host",
    ),
    "seen": (
        "clouds.base",
        "ground catalog model pure configure provider",
    ),
    "provider": (
        "provider provider.*",
        "ground catalog pure host configure",
    ),
    "clouds": (
        "clouds clouds.* aws aws.* openstack openstack.*",
        "ground catalog model pure host configure seen provider",
    ),
    "engine": (
        "engine.stack engine engine.engine engine.engine_*",
        "ground model pure host seen clouds provider",
    ),
    "wish": (
        "usecases.wish usecases.pins",
        "ground code catalog model manifest fetch pure host clouds",
    ),
    "deployment": (
        "usecases.situation usecases.prospect usecases.preflight usecases.hostkeys usecases.costing usecases.moving "
        "usecases.means usecases.swift usecases.leaving usecases.waypoint usecases.silence "
        "usecases.urls plans.promise usecases.promising machines.sight "
        "machines.contact machines.visits plans.losses machines.power usecases.deployment usecases.lifecycle "
        "usecases.revisiting usecases.rotation usecases.inspection usecases.listing usecases.joining "
        "usecases.operating usecases.keeping usecases.orphans drift.drift drift.driftreport drift.driftfound "
        "drift.adoption usecases.examining usecases.reverting usecases.proving",
        "ground catalog model manifest pure host configure seen clouds engine wish",
    ),
    "fleet": (
        "fleet.decisions fleet.repository fleet.survey fleet.sides fleet.approvals fleet.promoting",
        "ground code catalog fetch model manifest pure clouds wish deployment",
    ),
    "ci": (
        "ci ci.*",
        "ground model manifest pure forge deployment fleet",
    ),
    "back": (
        "usecases.adopting usecases.uploads usecases.activating usecases.pushes usecases.keys drift.trial why.*",
        "ground code catalog model manifest fetch pure host clouds engine wish deployment",
    ),
    "net": (
        "network.netcause network.netreport usecases.net",
        "ground pure seen deployment",
    ),
    "suite": (
        "suite.*",
        "ground catalog pure configure clouds engine deployment kit",
    ),
    "shows": (
        "views.report views.planview views.planmarkdown views.live views.netview views.pastview views.stateview "
        "views.driftview views.whyview views.sideview views.fleetview views.cimarkdown views.kitview views.codeview",
        "ground manifest kit pure deployment net fleet back",
    ),
    "sync": (
        "sync sync.*",
        "ground manifest pure forge fleet",
    ),
    "verbs": (
        "cli commands commands.*",
        "ground code catalog model manifest kit pure host forge ci wish clouds deployment fleet back net suite shows "
        "sync",
    ),
}

# third-party package: modules that may import it
HOMES = {
    "ansible_runner": "machines.configure",
    "boto3": "backend.bucket aws",
    "botocore": "backend.bucket aws",
    "click": "cli commands.*",
    "cryptography": "provider.*",
    "jinja2": "core.templates",
    "jsonschema": "manifest.*",
    "keystoneauth1": "openstack",
    "msgspec": "backend.holder backend.homes backend.lease backend.lessee runs.stream runs.journal backend.statefile "
    "catalog sources.inspected core.render backend.record network.membership core.declaration network.net* "
    "usecases.net sources.versions usecases.activating views.codeview drift.* usecases.examining usecases.reverting "
    "plans.promise usecases.promising ci.bundle kit.trial core.mounts",
    "openstack": "openstack",
    "platformdirs": "settings",
    "pulumi": "engine.stack engine engine.engine engine.engine_* provider.* clouds.* aws.* openstack.*",
    "pulumi_aws": "aws.machine aws.network",
    "pulumi_openstack": "openstack.machine openstack.network",
    "pylxd": "lxd provider.*",
    "requests": "lxd",
    "rich": "views.report views.planview views.live views.netview views.pastview views.stateview views.driftview "
    "views.whyview views.sideview views.fleetview views.kitview views.codeview commands.*",
    "semver": "engine.engine_*",
    "yaml": "catalog why.rolefiles manifest.* network.vpn usecases.net",
}
# imported where it is used, so that verbs that need none of it begin at once
LAZY = {
    **dict.fromkeys(("ansible_runner", "boto3", "jsonschema", "keystoneauth1", "openstack", "pylxd"), "*"),
    "pulumi": "clouds.* engine.engine engine.engine_checkpoint engine.engine_events engine.engine_state "
    "engine.engine_workspace",
}
PURE = (
    "core.addresses core.placeholders core.layout core.flows core.topology core.mounts core.context core.declaration "
    "core.places core.placing plans.plan core.templates core.render views.status machines.visits network.vpn "
    "network.standing "
    "network.joins network.netcause network.netreport network.renewal plans.rolling plans.losses "
    "usecases.operations plans.danger plans.inputs plans.causes plans.planning plans.plandocument plans.prices "
    "plans.planreading plans.cost plans.costwords plans.moves fleet.decisions drift.drift "
    "drift.driftreport drift.driftfound drift.adoption"
)
WORLD = {"os", "subprocess", "socket", "urllib", "time", "tempfile", "shutil", "random", "threading", "pylxd", "pulumi"}
LONGEST = 250


@dataclass(frozen=True)
class Import:
    """One import statement's target; `inner` is one of our modules."""

    target: str
    inner: bool
    lazy: bool
    for_types: bool


def modules() -> dict[str, Path]:
    """Name below conpaas_iac -> file."""
    paths = (path for path in sorted(PACKAGE.rglob("*.py")) if "guest" not in path.parts)
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path for path in paths
    }


MODULES = modules()


def imports(name: str) -> Iterator[Import]:
    """All imports of a module, those inside functions too."""
    tree = ast.parse(MODULES[name].read_text())
    typed = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        lazy = node not in tree.body and node not in typed
        for target in targets(node):
            inner = target.split(".")[0] == "conpaas_iac"
            yield Import(target.removeprefix("conpaas_iac.") if inner else target, inner, lazy, node in typed)


def targets(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    """Module names; of `from conpaas_iac import x`, module x where it is one."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    assert node.level == 0, "imports are absolute"
    assert node.module
    for alias in node.names:
        full = f"{node.module}.{alias.name}"
        if node.module.split(".")[0] != "conpaas_iac":
            yield node.module
        elif full.removeprefix("conpaas_iac.") in MODULES:
            yield full
        else:
            yield node.module if node.module != "conpaas_iac" else "conpaas_iac.__init__"


def matches(name: str, patterns: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns.split())


def room(name: str) -> str:
    """The room of a module; exact names come before patterns."""
    exact = [room for room, (patterns, _) in ROOMS.items() if name in patterns.split()]
    found = exact or [room for room, (patterns, _) in ROOMS.items() if matches(name, patterns)]
    assert found, f"{name}: say in ROOMS which room it belongs to"
    return found[0]


every = pytest.mark.parametrize("name", MODULES)


@every
def test_a_module_imports_only_the_rooms_that_its_room_may(name: str) -> None:
    own = room(name)
    allowed = {own, *ROOMS[own][1].split()}
    inner = [each.target for each in imports(name) if each.inner and not each.for_types]
    wrong = [target for target in inner if room(target) not in allowed]
    assert not wrong, f"{name} (room {own}) imports {wrong}"


@every
def test_third_party_packages_have_one_home(name: str) -> None:
    for each in (each for each in imports(name) if not each.inner):
        package = each.target.split(".")[0]
        if package in HOMES and not each.for_types:
            assert matches(name, HOMES[package]), f"{name} imports {package}: its home is {HOMES[package]}"
        if package in LAZY and matches(name, LAZY[package]) and room(name) != "provider":
            assert each.lazy or each.for_types, f"{name} imports {package} at its top"


def test_every_third_party_package_has_a_home() -> None:
    import sys

    packages = {each.target.split(".")[0] for name in MODULES for each in imports(name) if not each.inner}
    assert packages - sys.stdlib_module_names == set(HOMES)


@every
def test_pure_modules_do_not_touch_the_world(name: str) -> None:
    if matches(name, PURE):
        touched = {each.target.split(".")[0] for each in imports(name) if not each.for_types} & WORLD
        assert not touched, f"{name} imports {touched}"


def test_imports_have_no_cycles() -> None:
    """At import time: an error's text may ask for its format where it is made."""
    graph = {
        name: {each.target for each in imports(name) if each.inner and not (each.lazy or each.for_types)} - {name}
        for name in MODULES
    }
    tuple(TopologicalSorter(graph).static_order())


@every
def test_modules_are_short_and_say_what_they_are(name: str) -> None:
    text = MODULES[name].read_text()
    assert len(text.splitlines()) <= LONGEST
    assert ast.get_docstring(ast.parse(text)), f"{name} has no docstring"


FLAGS = ("ADOPTS", "BAKES", "KEEPS_ADDRESS", "KEYS_IN_USER_DATA", "OWN_RESOURCES")


@pytest.mark.parametrize("name", clouds.names())
def test_every_cloud_offers_all_that_a_cloud_does(name: str) -> None:
    cloud = clouds.kind(name)
    assert issubclass(cloud, Cloud)
    assert not cloud.__abstractmethods__
    assert cloud.SUMMARY
    assert ":" in cloud.MACHINE
    assert all(isinstance(getattr(cloud, name), bool) for name in FLAGS)
    assert {*cloud.FIXED, *cloud.SETTINGS.get("required", ())} <= {*cloud.SETTINGS["properties"]}
    assert all(each["description"] for each in cloud.SETTINGS["properties"].values())


def test_an_unknown_cloud_is_said() -> None:
    with pytest.raises(Exception, match="no cloud 'base'"):
        clouds.kind("base")


TYPES = catalog.load()
ALL = {**TYPES, **catalog.load_internal()}


@pytest.mark.parametrize("kind", ALL.values(), ids=ALL)
def test_a_service_type_is_one_folder(kind: ServiceType) -> None:
    """What is in it is said in tests/unit/roles/test_contract.py; this is what no type may lack or have besides."""
    known = {"README.md", "meta", "tasks", "templates", "vars", "files", "handlers", "library", "defaults"}
    assert {path.name for path in kind.folder.iterdir()} <= known
    assert {path.name for path in (kind.folder / "meta").iterdir()} >= {"service.yml", "argument_specs.yml"}
    orphans = {path for path in (kind.folder / "templates").rglob("*") if path.is_file() and path.suffix != ".j2"}
    assert not orphans
    if kind.name in TYPES:
        assert kind.descriptor.entry in kind.descriptor.groups


INCLUDED = {name for kind in ALL.values() for name in kind.descriptor.includes}


def test_roles_that_are_no_service_types_are_included_by_one() -> None:
    assert {path.name for path in (ROOT / "roles").iterdir() if path.is_dir()} == set(ALL) | INCLUDED


@pytest.mark.parametrize("name", sorted(INCLUDED))
def test_an_included_role_holds_what_its_types_share(name: str) -> None:
    assert name not in ALL
    assert {path.name for path in (ROOT / "roles" / name).iterdir()} <= {"README.md", "tasks", "templates"}


def test_the_top_level_is_the_one_that_was_agreed() -> None:
    expected = {"conpaas_iac", "playbooks", "roles", "schemas", "stacks", "examples", "tests"}
    assert {path.name for path in ROOT.iterdir() if path.is_dir()} >= expected
