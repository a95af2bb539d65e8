"""JSON as RFC 8259 has it, and no more: what Python's reader lets pass is refused here.

Doubled keys, NaN and Infinity, integers of thousands of digits, texts that are not Unicode, and nesting beyond a limit
each get their own reason, because each has hidden a wrong prediction somewhere. A number that no float holds (1e999)
comes out as infinity: whoever knows its row and feature refuses it.
"""

import json
from typing import Any, Final, NoReturn

from shared.errors import UnreadableRequest

_CONTAINERS: Final[frozenset[type]] = frozenset({dict, list})


def decode(body: bytes, *, max_depth: int) -> Any:  # noqa: ANN401 - JSON is what it is; the caller gives it a type
    """Return what ``body`` says, with objects as dict, arrays as list, and numbers as int or float.

    Raises:
        UnreadableRequest: it is no JSON, or one of the kinds named above.
    """
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UnreadableRequest(f"the body is not UTF-8 at byte {error.start}") from None
    try:
        decoded = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise UnreadableRequest(f"the body is not JSON: {error.msg} at character {error.pos}") from None
    except ValueError:
        raise UnreadableRequest("the body holds an integer of more digits than any number needs") from None
    except RecursionError:
        raise UnreadableRequest(f"the body is nested deeper than {max_depth} levels") from None
    if text.count("[") + text.count("{") > max_depth:
        _refuse_deep(decoded, max_depth)
    if "\\u" in text:
        _refuse_surrogates(decoded)
    return decoded


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = _first_double(pairs)
        raise UnreadableRequest(f"the key {twice[:128]!r} stands twice in one object")
    return found


def _first_double(pairs: list[tuple[str, Any]]) -> str:
    """A body of 4 MiB has room for half a million keys: each is looked at once."""
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key
        seen.add(key)
    raise AssertionError("the caller has counted")


def _no_constant(name: str) -> NoReturn:
    raise UnreadableRequest(f"{name} is not JSON: leave a missing value out, or say null")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_no_constant)


def _refuse_deep(decoded: object, max_depth: int) -> None:
    level = _nested([decoded])
    for _ in range(max_depth):
        level = [inner for outer in level for inner in _nested(outer)]
        if not level:
            return
    raise UnreadableRequest(f"the body is nested deeper than {max_depth} levels")


def _nested(outer: Any) -> list[Any]:  # noqa: ANN401 - an array or an object
    """Return the arrays and objects directly inside one; a row of numbers, of which there are many, is told at once."""
    members = outer.values() if type(outer) is dict else outer
    if _CONTAINERS.isdisjoint(map(type, members)):
        return []
    return [member for member in members if type(member) in _CONTAINERS]


def _refuse_surrogates(decoded: object) -> None:
    """An escape may name half a character, which no record can carry."""
    try:
        json.dumps(decoded, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise UnreadableRequest("a text holds half of a surrogate pair, which is no character") from None
