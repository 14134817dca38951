"""The templates of service types, rendered for one topology: each text as often as it differs, not once a machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta

from conpaas_iac import placeholders, quoting
from conpaas_iac.catalog import ServiceType
from conpaas_iac.errors import ConpaasError


class Templates:
    """Rendered files; what does not depend on the machine is rendered once for all that it is the same for."""

    def __init__(self) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FunctionLoader(lambda path: Path(path).read_text()),  # compiles one once for all machines
            undefined=jinja2.StrictUndefined,
            keep_trailing_newline=True,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,
        )
        deferred = {name: placeholders.deferred(name, each) for name, each in quoting.FILTERS.items()}
        self._environment.filters.update(deferred)
        self._environment.filters.update(quoting.QUESTIONS)
        self._texts: dict[tuple[str, ...], str] = {}
        self._used: dict[str, frozenset[str] | None] = {}  # template -> variables; None: who knows

    def rendered(self, kind: ServiceType, path: str, context: Mapping[str, Any], varies: Mapping[str, str]) -> str:
        """`varies` is variable -> what its value follows from: a machine, a service, a cloud."""
        template = str(kind.folder / "templates" / (path.lstrip("/") + ".j2"))
        try:
            used = self._variables(template)
            key = (template, *(each for name, each in varies.items() if used is None or name in used))
            if key not in self._texts:
                self._texts[key] = self._environment.get_template(template).render(context)
        except (OSError, jinja2.TemplateError) as error:
            raise ConpaasError(f"{template}: cannot be rendered: {error}") from error
        return self._texts[key]

    def _variables(self, template: str) -> frozenset[str] | None:
        if template not in self._used:
            parsed = self._environment.parse(Path(template).read_text())
            others = any(meta.find_referenced_templates(parsed))
            self._used[template] = None if others else frozenset(meta.find_undeclared_variables(parsed))
        return self._used[template]
