"""Templates of service types, each compiled once; a text is rendered as often as it differs, not once a machine.

They are named by their place below roles/: a type's template may extend that of a role which it includes.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta

from conpaas_iac.catalog import ServiceType
from conpaas_iac.core import placeholders, quoting
from conpaas_iac.errors import ConpaasError


class Templates:
    """Those of one topology: what does not depend on the machine is rendered once for all that it is the same for."""

    def __init__(self) -> None:
        self._texts: dict[tuple[str, ...], str] = {}

    def rendered(self, kind: ServiceType, path: str, context: Mapping[str, Any], varies: Mapping[str, str]) -> str:
        """A file of a service type's machines; raises ConpaasError where its template is wrong.

        `varies` is variable -> what its value follows from: a machine, a service, a cloud.
        """
        place, roles = kind.template(path), kind.folder.parent
        name = place.relative_to(roles).as_posix()
        try:
            template = _environment(roles).get_template(name)
            used = _variables(roles, name)
            key = (str(place), *(each for variable, each in varies.items() if used is None or variable in used))
            if key not in self._texts:
                self._texts[key] = template.render(context)
        except (OSError, jinja2.TemplateError) as error:
            raise ConpaasError(f"{place}: cannot be rendered: {error}") from error
        return self._texts[key]


def _variables(roles: Path, name: str) -> frozenset[str] | None:
    """Those that a template uses now, with those that it is made of; None: nobody knows."""
    own, others = _parsed(roles, name, (roles / name).stat().st_mtime_ns)
    found = [own]
    for other in others:
        used = _variables(roles, other) if other else None
        if used is None:
            return None
        found.append(used)
    return frozenset().union(*found)


@cache
def _parsed(roles: Path, name: str, stamp: int) -> tuple[frozenset[str], tuple[str | None, ...]]:
    """The variables that a template uses itself, as it was then, and the templates that it names."""
    del stamp
    parsed = _environment(roles).parse((roles / name).read_text())
    return frozenset(meta.find_undeclared_variables(parsed)), tuple(meta.find_referenced_templates(parsed))


@cache
def _environment(roles: Path) -> jinja2.Environment:
    """One for all machines and all plans; a template is compiled anew when its file changes."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(roles),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters.update({name: placeholders.deferred(name, each) for name, each in quoting.FILTERS.items()})
    environment.filters.update(quoting.QUESTIONS)
    return environment
