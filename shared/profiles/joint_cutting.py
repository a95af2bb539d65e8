"""What the joint part of profiles is summed over, from the baseline: coordinates, the width of the kernel, and the null."""

from typing import Final

import msgspec
import numpy as np
import pyarrow as pa

from shared.profiles.bins import CategoricalBins, FeatureBins, NumericBins
from shared.profiles.columns import missing
from shared.profiles.joint import points, raw
from shared.profiles.joint_bins import (
    STEPS,
    TURN,
    Coordinate,
    CoordinateKind,
    Floats,
    JointBins,
    number_of,
)

MOST_ROWS: Final = 10_000
"""Of so many rows of the baseline, evenly spread, everything here is worked out."""

RARE: Final = 0.05
"""What fewer rows lack than this is not worth a coordinate, and what fewer have neither."""

DRAWS: Final = 2
"""So many numbers stand for each value of a category of three values or more."""

_ROWS_APART = 500
_SMALLEST_WEIGHT = 1e-3


def cut_joint(table: pa.Table, features: dict[str, FeatureBins], *, seed: str) -> JointBins:
    """Return what rows with these features are summed over jointly.

    Args:
        table: the baseline's rows.
        features: the bins of each feature; texts of no known value give no coordinate.
        seed: what everything random is drawn from, such as a version's digest.
    """
    some = thinned(table, MOST_ROWS)
    coordinates = [one for name, kind in features.items() for one in _coordinates(some, name, kind, seed)]
    bins = JointBins(seed=seed, coordinates=tuple(coordinates))
    if not (coordinates and some.num_rows > 1):
        return bins
    rows = points(some, bins)
    bins = msgspec.structs.replace(bins, width=_width(rows))
    return msgspec.structs.replace(
        bins,
        weights=tuple(map(_short, _weights(rows, bins.waves()))),
        spreads=tuple(map(_short, _spreads(rows / STEPS))),
        rows=len(rows),
    )


def thinned(rows: pa.Table, most: int) -> pa.Table:
    """Return at most so many rows, evenly spread over the table."""
    step = -(-rows.num_rows // most)
    return rows if step <= 1 else rows.take(pa.array(range(0, rows.num_rows, step)))


def _coordinates(table: pa.Table, name: str, kind: FeatureBins, seed: str) -> list[Coordinate]:
    if isinstance(kind, NumericBins):
        found = [Coordinate(feature=name, kind=CoordinateKind.NUMBER, mean=kind.mean, scale=kind.scale)]
    elif len(kind.categories) > 1:
        found = [_word(table, name, kind, seed, draw) for draw in range(min(len(kind.categories) - 1, DRAWS))]
    else:
        return []
    share = float(np.mean(missing(table, name))) if table.num_rows else 0.0
    if RARE <= share <= 1 - RARE:
        scale = float(np.sqrt(share * (1 - share)))
        found.append(Coordinate(feature=name, kind=CoordinateKind.MISSING, mean=share, scale=scale))
    return found


def _word(table: pa.Table, name: str, kind: CategoricalBins, seed: str, draw: int) -> Coordinate:
    values = raw(table, name, CoordinateKind.WORD, seed=seed, draw=draw)
    values = values[~np.isnan(values)]
    if not len(values):
        values = np.array([number_of(seed, name, category, draw=draw) for category in kind.categories])
    return Coordinate(
        feature=name,
        kind=CoordinateKind.WORD,
        draw=draw,
        mean=float(np.mean(values)),
        scale=float(np.std(values)) if np.ptp(values) else 1.0,
    )


def _width(rows: Floats) -> float:
    """Return half the median distance of two rows, in standard deviations."""
    some = rows[:: -(-len(rows) // _ROWS_APART)] / STEPS
    lengths = np.sum(some * some, axis=1)
    squares = (lengths[:, None] + lengths[None, :] - 2 * some @ some.T)[np.triu_indices(len(some), k=1)]
    return _short(float(np.sqrt(max(np.median(squares), 0.0))) / 2) or 1.0


def _weights(rows: Floats, turning: Floats) -> list[float]:
    """Return the eigenvalues of the waves' covariance, largest first, scaled to a sum of 1.

    Without those below a thousandth of the largest: the others make up for them, which makes the tail a trifle heavier.
    """
    angles = rows @ turning * (2 * np.pi / TURN)
    values = np.linalg.eigvalsh(np.cov(np.hstack((np.cos(angles), np.sin(angles))), rowvar=False))[::-1]
    leading = values[values > max(values[0] * _SMALLEST_WEIGHT, 0.0)]
    return (leading / leading.sum()).tolist() if len(leading) else [1.0]


def _spreads(rows: Floats) -> list[float]:
    """Return the standard deviation of each pair's influence on their correlation.

    A row with standardised values a and b adds a * b - rho * (a**2 + b**2) / 2 to it: right for any distribution, where
    the textbook's (1 - rho**2)**2 takes a normal one for granted.

    Source:
        Devlin, Gnanadesikan and Kettenring, "Robust estimation and outlier detection with correlation coefficients",
        Biometrika 62 (1975).
    """
    deviations = np.std(rows, axis=0)
    scaled = (rows - np.mean(rows, axis=0)) / np.where(deviations > 0, deviations, 1.0)
    squares = scaled * scaled
    found: list[float] = []
    for first in range(scaled.shape[1]):
        products = scaled[:, first : first + 1] * scaled[:, first + 1 :]
        influence = products - np.mean(products, axis=0) * (squares[:, first : first + 1] + squares[:, first + 1 :]) / 2
        found += np.std(influence, axis=0).tolist()
    return found


def _short(value: float) -> float:
    """Round to four digits, so that bins are short."""
    return float(f"{value:.4g}")
