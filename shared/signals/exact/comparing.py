"""Two tables, compared a column at a time."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import pyarrow as pa

from shared.errors import InvalidSchema
from shared.profiles.columns import sorted_numbers
from shared.signals.exact.categories import Categories
from shared.signals.exact.comparison import Comparison
from shared.signals.exact.numbers import NumericBaseline


class Columns(Protocol):
    """Where columns come from, one at a time: a table, or a file of which no more than that need be in memory.

    Attributes:
        rows: how many rows there are.
    """

    rows: int

    @property
    def types(self) -> dict[str, pa.DataType]:
        """Return which columns there are, in order, and of which type."""

    def read(self, name: str) -> pa.ChunkedArray:
        """Return one column."""

    def batches(self, names: Sequence[str], *, rows: int) -> Iterator[pa.Table]:
        """Yield some columns of so many rows at a time, at most, and of all rows in turn."""


def compare(baseline: Columns, current: Columns, *, design_effect: float = 1.0) -> Iterator[Comparison]:
    """Compare every column that either side has; a column that cannot be compared says why, and stops no other.

    Args:
        baseline: what it was.
        current: what it is now.
        design_effect: rows that are worth one independent row, >= 1; 1 takes all rows for independent.
    """
    before, now = baseline.types, current.types
    for name in before | now:
        if name not in now:
            yield Comparison(feature=name, kind=_kind(before[name]), unknown="it is not in the current rows")
        elif name not in before:
            yield Comparison(feature=name, kind=_kind(now[name]), unknown="it is not in the baseline")
        else:
            yield _compare(name, baseline, current, design_effect=design_effect)


def _compare(name: str, baseline: Columns, current: Columns, *, design_effect: float) -> Comparison:
    types = baseline.types[name], current.types[name]
    kind = kind_of(*types)
    if kind is None:
        what = f"{types[0]}" if types[0] == types[1] else f"{types[0]} before and {types[1]} now"
        return Comparison(feature=name, unknown=f"{what} cannot be compared as numbers or categories")
    try:
        if kind == "number":
            prepared = NumericBaseline.of(sorted_numbers(baseline.read(name), name))
            return prepared.compare(name, sorted_numbers(current.read(name), name), design_effect=design_effect)
        counted = Categories.of(baseline.read(name), name)
        return counted.compare(name, Categories.of(current.read(name), name), design_effect=design_effect)
    except InvalidSchema as fault:
        return Comparison(feature=name, kind=kind, unknown=str(fault))


def kind_of(before: pa.DataType, now: pa.DataType) -> str | None:
    """Return what a column is compared as, ``number`` or ``category``; None where the sides do not agree, or it is neither."""
    # a column that holds nothing has no kind, and takes that of the other side
    kinds = {_kind(one) for one in (before, now) if not pa.types.is_null(one)} or {"number"}
    return kinds.pop() if len(kinds) == 1 else None


def _kind(of: pa.DataType) -> str | None:
    """Return what a column of this type is compared as."""
    values = of.value_type if pa.types.is_dictionary(of) else of
    if pa.types.is_boolean(values) or pa.types.is_string(values) or pa.types.is_large_string(values):
        return "category"
    if pa.types.is_integer(of) or pa.types.is_floating(of) or pa.types.is_decimal(of):
        return "number"
    return None
