"""Where the edges go: the bins of a version, cut from its baseline.

Counts over these bins stand in for the rows. What that costs is bounded by how the edges lie:

* **Up to 800 distinct values**: every value has a bin of its own, and nothing is lost on the baseline's side: KS is exact.
* **More**: 640 quantiles and 14 in the tails. Every other one lies just below its value, since where values repeat, as
  rounded ones do, the distribution functions can be furthest apart just before a value as well as at it.
* **Always**: 256 equal widths over the baseline's range, where the edges so far leave more than such a width between them,
  and widths that double beyond it, say where current values lie that the baseline never had. Edges stand where the sums of
  a profile cut values off too: between them the area between the two functions, with its sign, is known from the sums.

**What KS may be off by.** Let F and G be the distribution functions of baseline and current window, and ``x`` inside a bin
that reaches from ``l`` to ``r``. Both functions rise, so

    F(x) - G(x) <= F(r) - G(l) = (F(l) - G(l)) + (F(r) - F(l))
    G(x) - F(x) <= G(r) - F(l) = (G(r) - F(r)) + (F(r) - F(l))

The first term is at most the KS distance over bins, the second the baseline's share of the bin; and a bin that holds one
float alone has no inside. So KS over bins is never above that of the rows, and below it by no more than the baseline's share
of the largest bin that is wider than one float. A value with 1/640 of the rows or more has a bin of its own; strictly
between two neighbouring quantiles lies less than 1/640, and each of the two adds no more than the share of its own value,
which is below 1/640: the bound is 3/640, whatever the current window is like. Where none of n values repeats, neighbouring
quantiles are ceil(n/640) rows apart at most, and a bin that holds both of them one row more: the bound is 1/640 + 2/n, which
is nearly 1/640 on many rows, and 2.6/640 on the 801 from which on there are quantiles. All that is for the worst of windows:
the difference is flat where it is largest, unless a side begins or ends there, and KS is off by some ten-thousandths.
"""

from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from shared.profiles.bins import Bins, CategoricalBins, FeatureBins, NumericBins
from shared.profiles.columns import numbers
from shared.profiles.joint_cutting import cut_joint
from shared.profiles.numeric import CLIP
from shared.schema import NUMERIC, Feature, FeatureType, Output, Schema

MOST_EXACT_VALUES: Final = 800
QUANTILES: Final = 640
EQUAL_WIDTHS: Final = 256
TAILS: Final = np.array([1, 2, 3, 5, 8, 11, 13]) / 10_000
BEYOND: Final = 2.0 ** np.arange(-4, 7)

Floats = NDArray[np.float64]


def cut(table: pa.Table, schema: Schema, *, seed: str = "") -> Bins:
    """Return the bins of every feature and output of ``schema``, cut from the baseline's rows.

    Args:
        table: one row a training row, with the features' columns and the outputs' (``prediction``, ``prediction.<name>``).
            A column that is not there, or holds no value, gets a single bin: it is counted, and cannot be judged.
        schema: says what each column is, its categories and its range.
        seed: what the random part of joint profiles is drawn from: a version's digest.

    Raises:
        InvalidSchema: a column is not what the schema says; the error names it.
    """
    outputs = zip(schema.output_columns, schema.outputs, strict=True)
    features = {feature.name: _cut(table, feature.name, feature) for feature in schema.features}
    return Bins(
        features=features,
        outputs={name: _cut(table, name, output) for name, output in outputs},
        joint=cut_joint(table, features, seed=seed),
    )


def _cut(table: pa.Table, name: str, kind: Feature | Output) -> FeatureBins:
    if kind.type not in NUMERIC:
        known = ("false", "true") if kind.type is FeatureType.BOOLEAN else kind.categories or ()
        return CategoricalBins(categories=known)
    values = numbers(table, name).values
    if isinstance(kind, Feature):
        return cut_numeric(values, minimum=kind.minimum, maximum=kind.maximum)
    return cut_numeric(values)


def cut_numeric(values: Floats, *, minimum: float | None = None, maximum: float | None = None) -> NumericBins:
    """Return the bins of one number.

    Args:
        values: the baseline's, finite and sorted, shape (values,); none gives a single bin.
        minimum: the smallest value that is in range, if there is a limit.
        maximum: the largest, likewise.
    """
    if not len(values):
        return NumericBins(edges=(), deciles=(), minimum=None, maximum=None, mean=0.0, scale=1.0)
    own = _values_of_their_own(values)
    tenths = tenth_edges(values)
    mean, scale = _moments(values)
    parts = [own, _before(own), tenths, _before(values[:1]), values[-1:]]
    if len(own) < _distinct(values):
        shares = np.sort(np.concatenate((np.arange(1, QUANTILES) / QUANTILES, TAILS, 1 - TAILS)))
        quantiles = _quantiles(values, shares)
        parts += [quantiles[::2], _before(quantiles[1::2])]
    parts += [_needed(_equal_widths(values), np.unique(np.concatenate(parts))), _beyond(values, scale)]
    parts.append(clip_edges(mean, scale))
    if minimum is not None:
        parts.append(_before(np.array([minimum])))
    if maximum is not None:
        parts.append(np.array([maximum]))
    edges = np.unique(np.concatenate(parts))
    return NumericBins(
        edges=tuple(edges.tolist()),
        deciles=tuple(np.searchsorted(edges, tenths).tolist()),
        # A whole number would be written without its point, and read back as a float: another digest.
        minimum=None if minimum is None else float(minimum),
        maximum=None if maximum is None else float(maximum),
        mean=mean,
        scale=scale,
    )


def _distinct(values: Floats) -> int:
    return 1 + int(np.count_nonzero(np.diff(values)))


def _values_of_their_own(values: Floats) -> Floats:
    """Return the values that get a bin to themselves.

    All if they are few; else those with a quantile's share of the rows or more, and of those with a third of it the most
    common hundred: counts and the like have some that are nearly as common, and KS is off by the share of one.
    """
    if _distinct(values) <= MOST_EXACT_VALUES:
        return np.unique(values)
    # a value with that many rows cannot lie between two neighbouring quantiles
    candidates = np.unique(_quantiles(values, np.arange(1, 3 * QUANTILES + 1) / (3 * QUANTILES)))
    rows = np.searchsorted(values, candidates, side="right") - np.searchsorted(values, candidates, side="left")
    nearly = np.zeros(len(rows), dtype=bool)
    nearly[np.argsort(-rows, kind="stable")[:100]] = True
    common: Floats = candidates[(rows * QUANTILES >= len(values)) | (nearly & (rows * 3 * QUANTILES >= len(values)))]
    return common


def _before(values: Floats) -> Floats:
    """Return the largest float below each value, so that the bin between the two holds that value alone."""
    return np.nextafter(values, np.finfo(np.float64).min)


def _quantiles(values: Floats, shares: Floats) -> Floats:
    """Return, for each share, the smallest value that so much of the rows does not exceed (the inverted CDF)."""
    ranks = np.ceil(shares * len(values)).astype(np.int64) - 1
    return values[np.clip(ranks, 0, len(values) - 1)]


def tenth_edges(values: Floats) -> Floats:
    """Return where the baseline is cut into tenths, one edge or more: bins as ``NumericBins`` has them.

    A cut at the largest value would leave nothing above it. If all cuts are there, one just before it takes their place.
    A constant is cut on both sides, because it can move either way.
    """
    largest = values[-1]
    if values[0] == largest:
        return np.unique([*_before(values[:1]), largest])  # nothing is below the smallest float
    cuts = np.unique(_quantiles(values, np.arange(1, 10) / 10))
    cuts = cuts[cuts < largest]
    return cuts if len(cuts) else _before(values[-1:])


def _equal_widths(values: Floats) -> Floats:
    """Return the inner edges of 256 bins of one width over the baseline's range."""
    shares = np.arange(1, EQUAL_WIDTHS) / EQUAL_WIDTHS
    # not numpy.linspace: the difference of two huge floats is infinite, and this is not
    edges: Floats = values[0] * (1 - shares) + values[-1] * shares
    return edges


def clip_edges(mean: float, scale: float) -> Floats:
    """Return where the sums of a profile cut values off, as far as floats reach."""
    with np.errstate(over="ignore"):
        return _finite(mean + np.array([-CLIP, CLIP]) * scale)


def _needed(widths: Floats, edges: Floats) -> Floats:
    """Return those of the equal widths' edges that lie where ``edges`` leave more than such a width between them."""
    place = np.searchsorted(edges, widths)
    halves = edges / 2  # the difference of two huge floats is infinite, that of their halves is not
    apart = halves[np.minimum(place, len(edges) - 1)] - halves[np.maximum(place - 1, 0)]
    needed: Floats = widths[apart > (halves[-1] - halves[0]) / EQUAL_WIDTHS]
    return needed


def _beyond(values: Floats, scale: float) -> Floats:
    """Return edges on both sides of the baseline's range, at 1/16 to 64 standard deviations from it, as far as floats reach."""
    with np.errstate(over="ignore"):
        away = scale * BEYOND
        return _finite(np.concatenate((values[0] - away, values[-1] + away)))


def _finite(edges: Floats) -> Floats:
    """Return the edges, those beyond the largest float at it."""
    finite: Floats = np.nan_to_num(edges)
    return finite


def _moments(values: Floats) -> tuple[float, float]:
    """Return mean and standard deviation (1 for 0), without overflow on huge values."""
    largest = float(np.max(np.abs(values)))
    if largest == 0:
        return 0.0, 1.0
    shrunk = values / largest
    scale = float(np.std(shrunk)) * largest if values[0] < values[-1] else 0.0
    return float(np.mean(shrunk)) * largest, scale or 1.0
