"""Rows held against a schema: what comes out has the schema's types, or the request names what does not fit."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from shared.errors import InvalidRows, Misfit
from shared.schema import Feature, FeatureType, Schema

Scalar: TypeAlias = float | int | bool | str | None
Row: TypeAlias = list[Scalar]
_MOST_MISFITS = 20
_INT64 = 1 << 63


class _Unfit(Exception):
    """A value that does not fit its feature, with the reason; never leaves this module."""


Reader: TypeAlias = Callable[[Any], Scalar]
_NO_MASKS: Final[Mapping[str, Reader]] = MappingProxyType({})


class Validator:
    """Validation compiled for one schema: a reader for each feature, in order."""

    def __init__(self, schema: Schema, masks: Mapping[str, Reader] = _NO_MASKS) -> None:
        """Compile it; ``masks`` make of a private feature's value what the schema has among its categories, by feature."""
        self.names = tuple(feature.name for feature in schema.features)
        self.optional = frozenset(feature.name for feature in schema.features if feature.nullable)
        self._readers = tuple(_reader(feature, masks.get(feature.name)) for feature in schema.features)

    def read(self, rows: Sequence[Sequence[Any]]) -> list[Row]:
        """Return ``rows``, of shape (rows, features), with every value of its feature's type.

        Raises:
            InvalidRows: naming the first twenty values that do not fit.
        """
        readers = self._readers
        try:
            return [[read(value) for read, value in zip(readers, row, strict=True)] for row in rows]
        except _Unfit:
            raise InvalidRows(self._misfits(rows), rows=len(rows)) from None

    def _misfits(self, rows: Sequence[Sequence[Any]]) -> tuple[Misfit, ...]:
        misfits: list[Misfit] = []
        for index, row in enumerate(rows):
            for name, read, value in zip(self.names, self._readers, row, strict=True):
                try:
                    read(value)
                except _Unfit as unfit:
                    misfits.append(Misfit(index, name, str(unfit)))
                    if len(misfits) == _MOST_MISFITS:
                        return tuple(misfits)
        return tuple(misfits)


def _reader(feature: Feature, mask: Reader | None) -> Reader:
    read = _READERS[feature.type](feature)
    if feature.type is FeatureType.CATEGORY and feature.unseen == "reject":
        read = _known_reader(read, frozenset(feature.categories or ()), mask)
    if feature.nullable:
        return lambda value: None if value is None else read(value)
    return read


def _float_reader(_: Feature) -> Reader:
    def read(value: Any) -> float:  # noqa: ANN401 - whatever JSON holds
        if type(value) is float:
            if not math.isfinite(value):
                raise _Unfit("it is larger than a float holds")
            return value
        if type(value) is int:
            if not -_INT64 <= value < _INT64:
                raise _Unfit("it does not fit in 64 bits")
            return float(value)
        raise _Unfit(f"a number is wanted, not {sort_of(value)}")

    return read


def _integer_reader(_: Feature) -> Reader:
    def read(value: Any) -> int:  # noqa: ANN401 - whatever JSON holds
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise _Unfit(f"a whole number is wanted, not {sort_of(value)}")
        if not -_INT64 <= value < _INT64:
            raise _Unfit("it does not fit in 64 bits")
        return value

    return read


def _boolean_reader(_: Feature) -> Reader:
    def read(value: Any) -> bool:  # noqa: ANN401 - whatever JSON holds
        if type(value) is bool:
            return value
        raise _Unfit(f"true or false is wanted, not {sort_of(value)}")

    return read


def _string_reader(feature: Feature) -> Reader:
    longest = feature.max_length

    def read(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
        if type(value) is not str:
            raise _Unfit(f"a text is wanted, not {sort_of(value)}")
        if len(value) > longest:
            raise _Unfit(f"it has {len(value)} characters, and {longest} is the most")
        return value

    return read


def _known_reader(read: Reader, known: frozenset[str], mask: Reader | None) -> Reader:
    def read_known(value: Any) -> Scalar:  # noqa: ANN401 - whatever JSON holds
        text = read(value)
        if (text if mask is None else mask(text)) not in known:
            raise _Unfit("it is not one of the categories of the schema")
        return text

    return read_known


_READERS: dict[FeatureType, Callable[[Feature], Reader]] = {
    FeatureType.FLOAT: _float_reader,
    FeatureType.INTEGER: _integer_reader,
    FeatureType.BOOLEAN: _boolean_reader,
    FeatureType.CATEGORY: _string_reader,
    FeatureType.STRING: _string_reader,
}


def sort_of(value: object) -> str:
    """Name the kind of a JSON value: never the value, which may be private."""
    if value is None:
        return "null"
    kinds = {bool: "a truth value", int: "a number", float: "a fraction", str: "a text", list: "an array"}
    return kinds.get(type(value), "an object")
