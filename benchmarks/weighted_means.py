"""How far means that are estimated from a sample by its weights may be from those of the rows it was drawn from."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.schema import NUMERIC, FeatureType, Schema

MILLION = 10**6


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What rows come to, by feature.

    Attributes:
        rows: how many there are.
        known: of them those with a value.
        totals: of the values.
        squares: likewise of their squares.
    """

    rows: int = 0
    known: dict[str, int] = {}
    totals: dict[str, float] = {}
    squares: dict[str, float] = {}

    @classmethod
    def of(cls, rows: pa.Table) -> Self:
        """Return what rows of float64 come to."""
        known: dict[str, int] = {}
        totals: dict[str, float] = {}
        squares: dict[str, float] = {}
        for name in rows.column_names:
            values = rows.column(name).drop_null().to_numpy()
            known[name], totals[name], squares[name] = len(values), float(values.sum()), float(values @ values)
        return cls(rows=rows.num_rows, known=known, totals=totals, squares=squares)

    def mean(self, feature: str) -> float:
        """Return the mean of a feature; NaN where no row has a value."""
        return self.totals[feature] / self.known[feature] if self.known[feature] else math.nan


@dataclass(frozen=True, slots=True)
class Estimated:
    """A mean, and its standard error."""

    mean: float
    error: float

    def errors_from(self, truth: float) -> float:
        """Return how many standard errors it is from the truth; 0 where there is no error, and it is the truth."""
        apart = abs(self.mean - truth)
        return apart / self.error if self.error else (0.0 if math.isclose(self.mean, truth) else math.inf)


def numeric_features(schema: Schema) -> list[str]:
    """Return the features that have a mean: numbers, and flags as the share that is set."""
    kinds = {*NUMERIC, FeatureType.BOOLEAN}
    return [feature.name for feature in schema.features if feature.type in kinds]


def numeric(rows: pa.Table, schema: Schema) -> pa.Table:
    """Return the features of rows that have a mean as float64."""
    names = numeric_features(schema)
    columns = [rows.column(name) for name in names]
    return pa.table([_as_number(column) for column in columns], names=names)


def sums(parts: Iterable[Sums]) -> Sums:
    """Return what some rows come to together."""
    rows = 0
    known: dict[str, int] = {}
    totals: dict[str, float] = {}
    squares: dict[str, float] = {}
    for one in parts:
        rows += one.rows
        for feature, count in one.known.items():
            known[feature] = known.get(feature, 0) + count
            totals[feature] = totals.get(feature, 0.0) + one.totals[feature]
            squares[feature] = squares.get(feature, 0.0) + one.squares[feature]
    return Sums(rows=rows, known=known, totals=totals, squares=squares)


def by_weight(rows: pa.Table, weights: pa.ChunkedArray) -> dict[int, Sums]:
    """Return what rows of float64 come to by their weight, which is that of their stratum."""
    return {
        weight: Sums.of(rows.filter(pc.equal(weights, weight))) for weight in np.unique(weights.to_numpy()).tolist()
    }


def estimated(strata: Mapping[int, Sums], feature: str) -> Estimated:
    """Return the mean of a feature in the rows that strata were drawn from.

    The ratio estimator of a stratified sample without replacement: rows without a value count for neither sum. Its variance
    is linearised, as is usual.

    Args:
        strata: what was drawn, by its weight in millionths: how many rows each row stands for.
        feature: one that some row has a value of.

    Source:
        Cochran, "Sampling Techniques" (1977), 5.6 and 6.11.
    """
    known = sum(weight * one.known[feature] for weight, one in strata.items()) / MILLION
    mean = sum(weight * one.totals[feature] for weight, one in strata.items()) / MILLION / known
    variance = sum(_variance(weight / MILLION, one, feature, mean) for weight, one in strata.items())
    return Estimated(mean, math.sqrt(variance) / known)


def _variance(weight: float, one: Sums, feature: str, mean: float) -> float:
    """Return the variance of a stratum's part in the sum of what is above the mean."""
    count = one.known[feature]
    above = one.totals[feature] - mean * count
    squares = one.squares[feature] - 2 * mean * one.totals[feature] + mean**2 * count
    spread = max(squares - above**2 / one.rows, 0.0) / max(one.rows - 1, 1)
    return one.rows * weight * (weight - 1) * spread


def _as_number(column: pa.ChunkedArray) -> pa.ChunkedArray:
    # Arrow turns no boolean into a float at once.
    return (column.cast(pa.int8()) if pa.types.is_boolean(column.type) else column).cast(pa.float64())
