"""AMQP 1.0 values to bytes, and back; ``values`` says which Python type is which.

Decoding undoes encoding. Encoding takes the wide constructor of a type where there are several, except for strings
and binaries, which are many and short, and for unsigned longs, because azure-eventhub looks for descriptors where the
short one puts them.

Source: OASIS AMQP 1.0, part 1 (types).
"""

import struct
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, TypeAlias
from uuid import UUID

from infra.local.eventhubs.errors import Malformed
from infra.local.eventhubs.values import (
    Array,
    Byte,
    Described,
    Float,
    Int,
    Opaque,
    Short,
    Symbol,
    Timestamp,
    Ubyte,
    Uint,
    Ulong,
    Ushort,
    Value,
)

# Nothing Event Hubs clients send is deeper than a handful of levels; without a bound, bytes could exhaust the stack.
_MAX_DEPTH: Final = 32

_Encoder: TypeAlias = Callable[[Any], bytes]

_SIZE: Final = struct.Struct(">I")
_DESCRIBED: Final = 0x00
_EMPTY_LIST: Final = 0x45
_LISTS: Final = frozenset({0xC0, 0xD0})
_MAPS: Final = frozenset({0xC1, 0xD1})
_ARRAYS: Final = frozenset({0xE0, 0xF0})
# How many bytes follow a constructor, by its high nibble; of the others, a size in front of them says it.
_WIDTHS: Final = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}


def _text(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise Malformed(f"text that is not UTF-8: {error.reason}") from error


_CONSTANTS: Final[Mapping[int, Value]] = {0x40: None, 0x41: True, 0x42: False, 0x43: Uint(0), 0x44: Ulong(0)}
_NUMBERS: Final[Mapping[int, tuple[struct.Struct, Callable[[Any], Value]]]] = {
    0x50: (struct.Struct(">B"), Ubyte),
    0x51: (struct.Struct(">b"), Byte),
    0x52: (struct.Struct(">B"), Uint),
    0x53: (struct.Struct(">B"), Ulong),
    0x54: (struct.Struct(">b"), Int),
    0x55: (struct.Struct(">b"), int),
    0x56: (struct.Struct(">B"), bool),
    0x60: (struct.Struct(">H"), Ushort),
    0x61: (struct.Struct(">h"), Short),
    0x70: (struct.Struct(">I"), Uint),
    0x71: (struct.Struct(">i"), Int),
    0x72: (struct.Struct(">f"), Float),
    0x80: (struct.Struct(">Q"), Ulong),
    0x81: (struct.Struct(">q"), int),
    0x82: (struct.Struct(">d"), float),
    0x83: (struct.Struct(">q"), Timestamp),
}
_BLOBS: Final[Mapping[int, Callable[[bytes], Value]]] = {
    0x98: lambda raw: UUID(bytes=raw),
    0xA0: bytes,
    0xA1: _text,
    0xA3: lambda raw: Symbol(_text(raw)),
    0xB0: bytes,
    0xB1: _text,
    0xB3: lambda raw: Symbol(_text(raw)),
    **{constructor: partial(Opaque, constructor) for constructor in (0x73, 0x74, 0x84, 0x94)},
}


def encode(value: Value) -> bytes:
    """Return ``value`` with its constructor.

    Raises:
        TypeError: AMQP has no type for it, or an array holds more than strings or symbols.
        struct.error: a number is out of its type's range.
    """
    encoder = _ENCODERS.get(type(value))
    if encoder is None:
        raise TypeError(f"AMQP has no type for {type(value).__name__}")
    return encoder(value)


def _number(constructor: int) -> _Encoder:
    pack = _NUMBERS[constructor][0].pack
    prefix = bytes((constructor,))
    return lambda value: prefix + pack(value)


def _sized(constructor: int, raw: bytes) -> bytes:
    if len(raw) < 256:
        return bytes((constructor, len(raw))) + raw
    return bytes((constructor + 0x10,)) + _SIZE.pack(len(raw)) + raw


def _compound(constructor: int, count: int, body: bytes) -> bytes:
    return struct.pack(">BII", constructor, len(body) + 4, count) + body


def _list(items: list[Value]) -> bytes:
    return _compound(0xD0, len(items), b"".join(map(encode, items)))


def _map(pairs: dict[Value, Value]) -> bytes:
    body = b"".join(encode(key) + encode(value) for key, value in pairs.items())
    return _compound(0xD1, 2 * len(pairs), body)


def _array(items: Array) -> bytes:
    kinds = {type(item) for item in items} or {Symbol}
    if kinds not in ({str}, {Symbol}):
        raise TypeError("an array holds either strings or symbols")
    constructor = b"\xb3" if kinds == {Symbol} else b"\xb1"
    texts = (item.encode() for item in items)
    return _compound(0xF0, len(items), constructor + b"".join(_SIZE.pack(len(text)) + text for text in texts))


_SHORT_ULONG: Final = _number(0x53)
_LONG_ULONG: Final = _number(0x80)
_ENCODERS: Final[Mapping[type, _Encoder]] = {
    type(None): lambda _: b"\x40",
    bool: lambda flag: b"\x41" if flag else b"\x42",
    Ubyte: _number(0x50),
    Byte: _number(0x51),
    Ushort: _number(0x60),
    Short: _number(0x61),
    Uint: _number(0x70),
    Int: _number(0x71),
    Float: _number(0x72),
    Ulong: lambda value: (_SHORT_ULONG if value < 256 else _LONG_ULONG)(value),
    int: _number(0x81),
    float: _number(0x82),
    Timestamp: _number(0x83),
    UUID: lambda value: b"\x98" + value.bytes,
    bytes: partial(_sized, 0xA0),
    str: lambda text: _sized(0xA1, text.encode()),
    Symbol: lambda text: _sized(0xA3, text.encode()),
    list: _list,
    dict: _map,
    Array: _array,
    Described: lambda value: b"\x00" + encode(value.descriptor) + encode(value.value),
    Opaque: lambda value: bytes((value.constructor,)) + value.raw,
}


class Reader:
    """Reads values from ``data`` one after the other; ``position`` is where the next begins.

    Every method raises ``Malformed`` and nothing else, whatever the bytes are.
    """

    __slots__ = ("_depth", "data", "position")

    def __init__(self, data: bytes, position: int = 0) -> None:
        self.data = data
        self.position = position
        self._depth = 0

    @property
    def at_end(self) -> bool:
        return self.position >= len(self.data)

    def take(self, size: int) -> bytes:
        """Return the next ``size`` bytes."""
        start = self.position
        end = start + size
        if end > len(self.data):
            raise Malformed(f"{size} bytes wanted at {start}, {len(self.data) - start} are there")
        self.position = end
        return self.data[start:end]

    def value(self) -> Value:
        """Decode the next value."""
        return self._of(self.take(1)[0])

    def skip(self) -> None:
        """Pass over the next value without decoding it, in a time that does not depend on its size."""
        values = 1
        while values:
            constructor = self.take(1)[0]
            if constructor == 0:  # two values follow: the descriptor and what it describes
                values += 1
            else:
                values -= 1
                self.take(self._width(constructor))

    def enter(self) -> tuple[int, int]:
        """Enter a list or a map: return how many values it holds and where it ends."""
        return self._enter(self.take(1)[0])

    def _of(self, constructor: int) -> Value:
        if constructor in _NUMBERS:
            form, kind = _NUMBERS[constructor]
            return kind(form.unpack(self.take(form.size))[0])
        if constructor in _CONSTANTS:
            return _CONSTANTS[constructor]
        if constructor in _BLOBS:
            return _BLOBS[constructor](self.take(self._width(constructor)))
        if self._depth == _MAX_DEPTH:
            raise Malformed(f"values within values, {_MAX_DEPTH} deep")
        self._depth += 1
        value = self._described() if constructor == _DESCRIBED else self._compound(constructor)
        self._depth -= 1
        return value

    def _described(self) -> Described:
        descriptor = self.value()
        return Described(descriptor, self.value())

    def _compound(self, constructor: int) -> Value:
        count, end = self._enter(constructor)
        value = self._items(constructor, count)
        if self.position != end:
            raise Malformed(f"a compound value should end at {end}, not at {self.position}")
        return value

    def _enter(self, constructor: int) -> tuple[int, int]:
        if constructor == _EMPTY_LIST:
            return 0, self.position
        if constructor not in _LISTS | _MAPS | _ARRAYS:
            raise Malformed(f"no such constructor here: {constructor:#x}")
        size = self._width(constructor)
        end = self.position + size
        count = self._size(constructor)
        # An array of nulls takes no bytes, so its count alone could ask for any amount of memory.
        if end > len(self.data) or count > size:
            raise Malformed(f"{count} values in {size} bytes at {self.position}")
        return count, end

    def _items(self, constructor: int, count: int) -> Value:
        if constructor in _MAPS:
            return self._pairs(count)
        if constructor in _ARRAYS:
            inner = self.take(1)[0]
            return Array(self._of(inner) for _ in range(count))
        return [self.value() for _ in range(count)]

    def _pairs(self, count: int) -> dict[Value, Value]:
        if count % 2:
            raise Malformed("a map with a key that has no value")
        pairs = {}
        for _ in range(count // 2):
            key = self.value()
            if isinstance(key, (list, dict, Described)):
                raise Malformed("a map with a compound key")
            pairs[key] = self.value()
        return pairs

    def _width(self, constructor: int) -> int:
        """Return how many bytes the value has, reading its size if it has one."""
        fixed = _WIDTHS.get(constructor >> 4)
        return self._size(constructor) if fixed is None else fixed

    def _size(self, constructor: int) -> int:
        match constructor >> 4:
            case 0xA | 0xC | 0xE:
                return self.take(1)[0]
            case 0xB | 0xD | 0xF:
                return int(_SIZE.unpack(self.take(4))[0])
        raise Malformed(f"no such constructor: {constructor:#x}")
