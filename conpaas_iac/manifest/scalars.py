"""Strings, numbers and words of JSON, right or nearly right: what stands at an offset, and what is wrong with it."""

import re
from dataclasses import dataclass
from json.decoder import JSONDecodeError, scanstring  # type: ignore[attr-defined,unused-ignore]

from conpaas_iac.manifest.source import quote

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![\w.+-])", re.ASCII)
KEYWORD = re.compile(r"(?:true|false|null)(?!\w)")
BARE = re.compile(r"""[^\s,\[\]{}"']+""")
BARE_KEY = re.compile(r"[\w$.-]+")
OTHER_QUOTES = re.compile(
    r"'(?:[^'\\\n]|\\.)*'|[\u2018\u2019][^\u2018\u2019\n]*[\u2018\u2019]|[\u201c-\u201e][^\u201c-\u201e\n]*[\u201c\u201d]"
)
STRING = re.compile(r'"(?:[^"\\\n\r]|\\[^\n\r])*"')
SURROGATE = re.compile("[\ud800-\udfff]")
KEYWORDS = {"true": True, "false": False, "null": None}
OTHER_WORDS = {"true": "true", "false": "false", "none": "null", "null": "null", "nil": "null", "undefined": "null"}
MAXIMUM_DIGITS = 400


@dataclass(frozen=True)
class Problem:
    """What is wrong with a scalar; `span` is where exactly."""

    code: str
    message: str
    hint: str
    span: tuple[int, int]


@dataclass(frozen=True)
class Scalar:
    """A value and the offset after it. `broken`: a guess that nothing more should be said about.

    `lost`: nobody can say where the value ends.
    """

    value: object
    end: int
    problem: Problem | None = None
    broken: bool = False
    lost: bool = False


def string(text: str, start: int) -> Scalar:
    """The string that begins with a double quote at `start`."""
    try:
        value, end = scanstring(text, start + 1, True)
    except JSONDecodeError as error:
        return _broken_string(text, start, error.pos)
    if SURROGATE.search(value):
        problem = Problem("E0010", "half of a character in this text", "\\ud83d wants a second half", (start, end))
        return Scalar(SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value), end, problem)
    return Scalar(value, end)


def _broken_string(text: str, start: int, at: int) -> Scalar:
    closed = STRING.match(text, start)
    if not closed:
        line_end = re.compile(r"[^\r\n]*").match(text, start)
        end = line_end.end() if line_end else len(text)
        problem = Problem("E0008", "this text is never closed", 'it wants a closing " on the same line', (start, end))
        return Scalar("", end, problem, lost=True)
    character = text[at : at + 1]
    if character == "\t":
        problem = Problem("E0010", "a tab inside a text", "write \\t", (at, at + 1))
    elif character < " ":
        problem = Problem("E0010", "a control character inside a text", f"write \\u{ord(character):04x}", (at, at + 1))
    else:
        problem = Problem("E0010", "unknown escape in a text", "for a backslash write \\\\", (at, at + 2))
    return Scalar(closed.group()[1:-1], closed.end(), problem, broken=True)


def other_quotes(text: str, start: int) -> Scalar | None:
    """A text in single or curly quotes, if one begins here."""
    found = OTHER_QUOTES.match(text, start)
    if not found:
        return None
    inner = found.group()[1:-1]
    problem = Problem("E0006", "texts stand in double quotes", 'straight ones: "…"', found.span())
    return Scalar(inner, found.end(), problem)


def word(text: str, start: int) -> Scalar | None:
    """A number, true, false, null, or something that was meant as a value."""
    if number := NUMBER.match(text, start):
        return _number(number)
    if keyword := KEYWORD.match(text, start):
        return Scalar(KEYWORDS[keyword.group()], keyword.end())
    bare = BARE.match(text, start)
    if not bare or bare.group()[0] == ":":
        return None
    problem = Problem(*_bare(bare.group()), bare.span())
    return Scalar(None, bare.end(), problem, broken=True)


def _number(found: re.Match[str]) -> Scalar:
    digits = found.group()
    if len(digits) > MAXIMUM_DIGITS:
        problem = Problem("E0011", "a number of this length is not taken", "", found.span())
        return Scalar(0, found.end(), problem, broken=True)
    if found.group(1) is None and found.group(2) is None:
        return Scalar(int(digits), found.end())
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        problem = Problem("E0011", "this number is too large", "", found.span())
        return Scalar(0, found.end(), problem, broken=True)
    return Scalar(value, found.end())


def _bare(token: str) -> tuple[str, str, str]:
    """Code, message and hint for a bare word that is no JSON value. It may be a secret, so it is not repeated."""
    if token.lower() in OTHER_WORDS:
        return "E0009", f"{quote(token)} is not a JSON value", f"write {OTHER_WORDS[token.lower()]}"
    if token.lstrip("+-").lower() in ("nan", "infinity", "inf"):
        return "E0009", f"{quote(token)} is not a JSON value", "JSON has numbers only; leave the field out"
    if token[0].isdigit() or token[0] in "+-.":
        hint = "numbers are decimal, without leading zeros, +, or units; a text stands in double quotes"
        return "E0011", "this is not a JSON number", hint
    return "E0009", "this is not a JSON value", "a text stands in double quotes"
