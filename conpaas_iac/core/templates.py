"""Templates of service types, each compiled once; a text is rendered as often as it differs, not once a machine."""

from collections.abc import Callable, Mapping
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
        name = str(kind.folder / "templates" / (path.lstrip("/") + ".j2"))
        try:
            template = _environment().get_template(name)
            used = _variables(name, Path(name).stat().st_mtime_ns)
            key = (name, *(each for variable, each in varies.items() if used is None or variable in used))
            if key not in self._texts:
                self._texts[key] = template.render(context)
        except (OSError, jinja2.TemplateError) as error:
            raise ConpaasError(f"{name}: cannot be rendered: {error}") from error
        return self._texts[key]


@cache
def _variables(name: str, stamp: int) -> frozenset[str] | None:
    """Those that a template uses as it was then; None: others are in it, and who knows what they use."""
    del stamp
    parsed = _environment().parse(Path(name).read_text())
    return None if any(meta.find_referenced_templates(parsed)) else frozenset(meta.find_undeclared_variables(parsed))


@cache
def _environment() -> jinja2.Environment:
    """One for all machines and all plans; a template is compiled anew when its file changes."""
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_source),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    environment.filters.update({name: placeholders.deferred(name, each) for name, each in quoting.FILTERS.items()})
    environment.filters.update(quoting.QUESTIONS)
    return environment


def _source(name: str) -> tuple[str, str, Callable[[], bool]]:
    path = Path(name)
    stamp = path.stat().st_mtime_ns
    return path.read_text(), name, lambda: path.stat().st_mtime_ns == stamp
