"""Templates of service types, each compiled once."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from conpaas_iac import placeholders, quoting
from conpaas_iac.catalog import ServiceType
from conpaas_iac.errors import ConpaasError


def render(kind: ServiceType, path: str, context: Mapping[str, Any]) -> str:
    """A file of a service type's machines; raises ConpaasError where its template is wrong."""
    template = kind.folder / "templates" / (path.lstrip("/") + ".j2")
    try:
        return _environment().get_template(str(template)).render(context)
    except (OSError, jinja2.TemplateError) as error:
        raise ConpaasError(f"{template}: cannot be rendered: {error}") from error


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
