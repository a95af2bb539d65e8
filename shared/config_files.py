"""Files that people write: YAML, read into a type of ours, and refused by line and key where they do not hold.

JSON is YAML, so that a file may be written in either. A type's own refusals (``__post_init__``) begin with the key that they are
about, with a dot before the key of something inside: the reader looks it up.
"""

import re
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import msgspec

from shared.errors import InvalidDocument

if TYPE_CHECKING:  # only what reads a file needs it
    import yaml

Keys: TypeAlias = tuple[str | int, ...]
"""What leads to a value: names, and places in lists."""

T = TypeVar("T", bound=msgspec.Struct)


def parse(data: bytes, kind: type[T], *, path: str) -> T:
    """Read a file; one that says nothing, or nothing but comments, is an object of no keys.

    Raises:
        InvalidDocument: it is not YAML, or says something that does not hold; the message names line and key.
    """
    import yaml

    try:
        root = _composed(data)
        if root is not None:
            _refuse_twice_or_unreadable(root, (), path=path, seen=set())
        said = msgspec.yaml.decode(data)
        return msgspec.convert({} if said is None else said, kind)
    except yaml.MarkedYAMLError as error:
        problem = ", ".join(part for part in (error.context, error.problem) if part)
        raise _told(error.problem_mark, (), problem, path=path) from error
    except msgspec.ValidationError as error:
        raise _misfit(data, kind, error, path=path) from error
    except (msgspec.DecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        # A RecursionError is what YAML makes of too many brackets.
        raise InvalidDocument(path, reason=" ".join(str(error).split())) from error


def mistake(data: bytes, keys: Keys, reason: str, *, path: str) -> InvalidDocument:
    """Return the error that tells what is wrong with a value of a file, and in which line; ``keys`` lead to it."""
    node = _composed(data)
    mark = node.start_mark if node else None
    for key in keys:
        name, node = _child(node, key)
        mark = name.start_mark if name else mark
    return _told(mark, keys, reason, path=path)


def _told(mark: "yaml.Mark | None", keys: Keys, reason: str, *, path: str) -> InvalidDocument:
    line = f"line {mark.line + 1}: " if mark else ""
    place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in keys)
    at = f" - at `${place}`" if keys else ""
    return InvalidDocument(path, reason=f"{line}{reason}{at}")


def _composed(data: bytes) -> "yaml.Node | None":
    """Return what YAML makes of a file before it makes values of it, as the reader does."""
    import yaml

    root: yaml.Node | None = yaml.compose(data, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return root


def _value(node: "yaml.Node") -> object:
    import yaml

    return yaml.constructor.SafeConstructor().construct_document(node)


def _refuse_twice_or_unreadable(node: "yaml.Node", keys: Keys, *, path: str, seen: set[int]) -> None:
    """Of a key that stands there twice the reader takes the last; of the 45th of a month it does not say where it is."""
    import yaml

    if id(node) in seen:  # YAML has a way to say that something stands in itself
        return
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        names = set()
        for name, value in node.value:
            if not isinstance(name, yaml.ScalarNode):
                raise _told(name.start_mark, keys, "a key is a text", path=path)
            _refuse_twice_or_unreadable(name, (*keys, name.value), path=path, seen=seen)
            if name.value in names:
                raise _told(name.start_mark, (*keys, name.value), "the key stands there twice", path=path)
            names.add(name.value)
            _refuse_twice_or_unreadable(value, (*keys, name.value), path=path, seen=seen)
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            _refuse_twice_or_unreadable(value, (*keys, place), path=path, seen=seen)
    else:
        try:
            _value(node)
        except ValueError as error:
            raise _told(node.start_mark, keys, str(error), path=path) from error
        except yaml.MarkedYAMLError as error:
            raise _told(node.start_mark, keys, str(error.problem), path=path) from error


def _misfit(data: bytes, kind: type[T], error: msgspec.ValidationError, *, path: str) -> InvalidDocument:
    """Return the error of a value that a type does not take, which tells what and where."""
    what, where = re.findall(r"(?s)^(.*?)(?: - at ((?:`key` in )?`\$[^`]*`))?$", str(error))[0]
    keys: Keys = ()
    said = msgspec.yaml.decode(data)
    for step in re.findall(r"\[\.\.\.\]|[^.\[\]`$]+", where.split(" ")[-1]):
        # Of an entry of a mapping the reader does not say which.
        key = _refused_alone(said, kind, keys, str(error)) if step == "[...]" else step
        if key is None:
            break
        keys = (*keys, int(key) if key.isdigit() else key)
    named = re.search(r"unknown field `(.*)`|enum value '(.*)'$", what)
    if named and (named[1] or where.startswith("`key`")):
        keys = (*keys, named[1] or named[2])
    elif where.startswith("`key`"):
        keys = (*keys, *_no_texts(data, keys)[:1])
    elif isinstance(error.__cause__, ValueError):  # from a ``__post_init__``
        keys = (*keys, *what.split(" ", 1)[0].split("."))
    return mistake(data, keys, what, path=path)


def _refused_alone(said: Any, kind: type[T], keys: Keys, problem: str) -> str | None:  # noqa: ANN401 - of a file
    """Return the key of the first entry, of those that ``keys`` lead to, which is refused as well without the others.

    The others are gone from ``said`` then. None where an anchor makes one thing of two.
    """
    entries = said
    for key in keys:
        entries = entries[key]
    for name, value in dict(entries).items():
        entries.clear()
        entries[name] = value
        try:
            msgspec.convert(said, kind)
        except msgspec.ValidationError as again:
            if str(again) == problem:
                return str(name)
    return None


def _no_texts(data: bytes, keys: Keys) -> list[str]:
    """Return the keys, of the mapping that ``keys`` lead to, that are no text."""
    node = _composed(data)
    for key in keys:
        _, node = _child(node, key)
    return [name.value for name, _ in (node.value if node else ()) if not isinstance(_value(name), str)]


def _child(node: "yaml.Node | None", key: str | int) -> "tuple[yaml.Node | None, yaml.Node | None]":
    """Return what stands for a key, or for a place in a list, and its value; None where there is none."""
    import yaml

    if isinstance(node, yaml.MappingNode):
        return next(((name, value) for name, value in node.value if name.value == key), (None, None))
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return node.value[key], node.value[key]
    return None, None
