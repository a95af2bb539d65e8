"""The types of AMQP 1.0 that Python has no type of its own for.

A value's Python type says its AMQP type: ``int`` is a long, ``float`` a double, ``bytes`` a binary, ``str`` a string,
``bool``, ``None``, ``list``, ``dict`` and ``UUID`` are what they seem; the rest is here.
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

# Whatever stands on the wire; every reader checks what it got.
Value: TypeAlias = Any


class Symbol(str):
    """A name from a fixed vocabulary."""

    __slots__ = ()


class Ubyte(int):
    """Unsigned, 8 bits."""


class Ushort(int):
    """Unsigned, 16 bits."""


class Uint(int):
    """Unsigned, 32 bits."""


class Ulong(int):
    """Unsigned, 64 bits."""


class Byte(int):
    """Signed, 8 bits."""


class Short(int):
    """Signed, 16 bits."""


class Int(int):
    """Signed, 32 bits."""


class Timestamp(int):
    """Milliseconds since the Unix epoch."""


class Float(float):
    """Binary floating point, 32 bits."""


class Array(list[Value]):
    """Values that share one constructor; only strings and symbols are ever encoded."""


@dataclass(frozen=True, slots=True)
class Described:
    """A value with a descriptor that says what it means."""

    descriptor: Value
    value: Value


@dataclass(frozen=True, slots=True)
class Opaque:
    """A character or a decimal, which nothing here reads: its constructor and its bytes."""

    constructor: int
    raw: bytes
