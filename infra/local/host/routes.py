"""Route templates of HTTP triggers, matched as ASP.NET Core matches them.

Literals are compared without case; a more specific template wins over a less specific one, whatever the order they
were declared in.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import unquote

from infra.local.host.errors import CannotStart

_PARAMETER: Final = re.compile(r"\{(?P<rest>\*{0,2})(?P<name>\w+)(?::(?P<constraint>[^{}?]+))?(?P<optional>\??)\}")
_CONSTRAINT: Final = re.compile(r"(?P<name>[a-z]+)(?:\((?P<low>\d+)(?:,(?P<high>\d+))?\))?")
_SIMPLE_CONSTRAINTS: Final = {
    "alpha": "[A-Za-z]+",
    "bool": "true|false",
    "guid": "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "int": r"-?\d{1,10}",
    "long": r"-?\d{1,19}",
}
# How specific a segment is: the smaller, the earlier it is tried.
_LITERAL, _MIXED, _CONSTRAINED, _FREE, _REST = range(5)


@dataclass(frozen=True, slots=True)
class Route:
    """A compiled template; sort by ``precedence`` and take the first that matches."""

    template: str
    pattern: re.Pattern[str] = field(repr=False, compare=False)
    precedence: tuple[int, ...]

    @classmethod
    def parse(cls, template: str, *, prefix: str) -> Self:
        """Compile ``template`` under host.json's route prefix, which may be empty.

        Raises:
            CannotStart: a parameter or a constraint that this host does not know.
        """
        full = "/".join(part for part in (prefix, template.strip("/")) if part)
        pattern, precedence = "", []
        for segment in full.split("/"):
            text, specific = _segment(segment, template)
            pattern += text
            precedence.append(specific)
        return cls(full, re.compile(pattern, re.IGNORECASE), tuple(precedence))

    def match(self, path: str) -> Mapping[str, str] | None:
        """Return the parameters of ``path`` (as ``readable_path`` gives it), or None if it is another route's."""
        found = self.pattern.fullmatch(path.rstrip("/") or "/")
        if found is None:
            return None
        return {name: value for name, value in found.groupdict().items() if value is not None}


def readable_path(raw_path: bytes) -> str:
    """Decode a request's path once, except for an encoded slash, which the web server of the real host keeps.

    >>> readable_path(b"/a%20b%2Fc")
    '/a b%2Fc'
    """
    return unquote(re.sub("%2f", "%252F", raw_path.decode("ascii", "replace"), flags=re.IGNORECASE))


def _segment(segment: str, template: str) -> tuple[str, int]:
    parameters = list(_PARAMETER.finditer(segment))
    if not parameters:
        if "{" in segment or "}" in segment:
            raise CannotStart(f"route {template!r}: {segment!r} cannot be read")
        return "/" + re.escape(segment), _LITERAL
    if len(parameters) > 1 or parameters[0].group() != segment:
        return "/" + _mixed(segment, parameters, template), _MIXED
    return _whole_segment(parameters[0], template)


def _whole_segment(parameter: re.Match[str], template: str) -> tuple[str, int]:
    name = parameter["name"]
    if parameter["rest"]:
        return f"(?:/(?P<{name}>.*))?", _REST
    text = f"/(?P<{name}>{_values(parameter, template)})"
    specific = _CONSTRAINED if parameter["constraint"] else _FREE
    return (f"(?:{text})?" if parameter["optional"] else text), specific


def _mixed(segment: str, parameters: list[re.Match[str]], template: str) -> str:
    pattern, end = "", 0
    for parameter in parameters:
        values = _values(parameter, template)
        pattern += f"{re.escape(segment[end : parameter.start()])}(?P<{parameter['name']}>{values})"
        end = parameter.end()
    return pattern + re.escape(segment[end:])


def _values(parameter: re.Match[str], template: str) -> str:
    text = parameter["constraint"]
    if text is None:
        return "[^/]+"
    constraint = _CONSTRAINT.fullmatch(text)
    if constraint is None:
        raise CannotStart(f"route {template!r}: the constraint {text!r} is not known here")
    low, high = constraint["low"], constraint["high"]
    match constraint["name"]:
        case name if name in _SIMPLE_CONSTRAINTS and low is None:
            return _SIMPLE_CONSTRAINTS[name]
        case "length" if low is not None:
            return f"[^/]{{{low},{high or low}}}"
        case "minlength" if low is not None and high is None:
            return f"[^/]{{{low},}}"
        case "maxlength" if low is not None and high is None:
            return f"[^/]{{1,{low}}}"
        case _:
            raise CannotStart(f"route {template!r}: the constraint {text!r} is not known here")
