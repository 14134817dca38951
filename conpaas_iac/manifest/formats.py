"""Diagnostics as text, JSON, SARIF 2.1.0, GitHub annotations and GitLab's code quality report."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from conpaas_iac.manifest import pages
from conpaas_iac.manifest.diagnostics import Diagnostic, as_text
from conpaas_iac.manifest.model import Place
from conpaas_iac.system.files import digest_of


def as_json(diagnostics: Sequence[Diagnostic]) -> str:
    """schemas/diagnostics.schema.json."""
    found = [
        {
            "code": each.code,
            "severity": each.severity,
            "message": each.message,
            "hint": each.hint,
            "place": _place(each.place),
            "related": [{"message": text, "place": _place(other)} for other, text in each.related],
        }
        for each in diagnostics
    ]
    return json.dumps({"version": 1, "diagnostics": found}, indent=2, ensure_ascii=False) + "\n"


def _place(place: Place) -> dict[str, Any]:
    return {"file": place.file, "line": place.line, "column": place.column, "length": place.length}


def as_sarif(diagnostics: Sequence[Diagnostic]) -> str:
    """Static Analysis Results Interchange Format, for code scanning services."""
    rules = [
        {"id": code, "shortDescription": {"text": pages.title(code)}, "help": {"text": pages.page(code)}}
        for code in sorted({each.code for each in diagnostics})
    ]
    run = {
        "tool": {"driver": {"name": "conpaas", "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(each) for each in diagnostics],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _sarif_result(diagnostic: Diagnostic) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "level": diagnostic.severity,
        "message": {"text": ". ".join(filter(None, (diagnostic.message, diagnostic.hint)))},
        "locations": [_sarif_location(diagnostic.place)],
    }
    if diagnostic.related:
        result["relatedLocations"] = [
            {**_sarif_location(other), "message": {"text": text}} for other, text in diagnostic.related
        ]
    return result


def _sarif_location(place: Place) -> dict[str, Any]:
    from urllib.parse import quote

    region = {"startLine": place.line, "startColumn": place.column, "endColumn": place.column + place.length}
    return {"physicalLocation": {"artifactLocation": {"uri": quote(place.file)}, "region": region}}


def as_github(diagnostics: Sequence[Diagnostic]) -> str:
    """Workflow commands that GitHub shows beside the changed lines."""
    return "".join(_github(each) for each in diagnostics)


def _github(diagnostic: Diagnostic) -> str:
    place = diagnostic.place
    level = {"error": "error", "warning": "warning", "note": "notice"}[diagnostic.severity]
    properties = {
        "file": place.file,
        "line": place.line,
        "col": place.column,
        "endColumn": place.column + place.length,
        "title": diagnostic.code,
    }
    told = ",".join(f"{name}={_escape(str(value), ':,')}" for name, value in properties.items())
    message = ". ".join(filter(None, (diagnostic.message, diagnostic.hint)))
    return f"::{level} {told}::{_escape(message)}\n"


def _escape(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def as_codequality(diagnostics: Sequence[Diagnostic]) -> str:
    """GitLab's report: a finding is known again by what it is and says, not by its line."""
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for each in diagnostics:
        what = (each.place.file, each.code, each.message)
        seen[what] += 1
        found.append(
            {
                "description": ". ".join(filter(None, (each.message, each.hint))),
                "check_name": each.code,
                "fingerprint": digest_of("\0".join((*what, str(seen[what]))).encode()).removeprefix("sha256:"),
                "severity": {"error": "major", "warning": "minor", "note": "info"}[each.severity],
                "location": {"path": each.place.file, "lines": {"begin": each.place.line}},
            }
        )
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


FORMATS: Mapping[str, Callable[[Sequence[Diagnostic]], str]] = {
    "text": as_text,
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
    "codequality": as_codequality,
}
