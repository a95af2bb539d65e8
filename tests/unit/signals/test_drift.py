"""The metrics against scipy, and the laws they obey."""

from collections.abc import Callable
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon

from shared.errors import IncompatibleProfiles, InsufficientData
from shared.profiles import cutting
from shared.profiles.bins import NumericBins
from shared.profiles.columns import Numbers
from shared.profiles.counts import Counts
from shared.profiles.cutting import cut_numeric
from shared.profiles.numeric import NumericProfile
from shared.signals.drift import (
    KnownArea,
    chi_squared,
    contingency_degrees,
    jensen_shannon_distance,
    ks,
    l_infinity,
    psi,
    wasserstein_normalised,
)
from shared.signals.exact.distances import apart
from shared.signals.measuring import drift

Pair = tuple[Counts, Counts]
Metric = Callable[[Counts, Counts], float]


def evenly_bound(baseline: Counts, current: Counts) -> float:
    """Wasserstein over bins of width 1."""
    return wasserstein_normalised(baseline, current, bounds=np.arange(len(baseline) + 1.0), scale=1.0)


METRICS: list[Metric] = [psi, jensen_shannon_distance, ks, evenly_bound, chi_squared, l_infinity]
BETWEEN_0_AND_1: list[Metric] = [jensen_shannon_distance, ks, l_infinity]

pairs = (
    st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=2, max_size=30)
    .map(lambda rows: (np.array([row[0] for row in rows]), np.array([row[1] for row in rows])))
    .filter(lambda pair: bool(pair[0].any() and pair[1].any()))
)


@pytest.mark.parametrize("metric", METRICS)
@given(pair=pairs)
def test_metrics_are_symmetric_finite_and_never_negative(metric: Metric, pair: Pair) -> None:
    """Swapping sides changes nothing, and an empty bin never gives infinity."""
    p, q = pair

    assert metric(p, q) == pytest.approx(metric(q, p))
    assert 0.0 <= metric(p, q) < np.inf


@pytest.mark.parametrize("metric", METRICS)
@given(pair=pairs)
def test_nothing_is_at_no_distance_from_itself(metric: Metric, pair: Pair) -> None:
    assert metric(pair[0], pair[0]) == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("metric", BETWEEN_0_AND_1)
@given(pair=pairs)
def test_distances_of_shares_are_at_most_1(metric: Metric, pair: Pair) -> None:
    assert metric(*pair) <= 1.0 + 1e-12


@pytest.mark.parametrize("metric", METRICS)
def test_counts_that_cannot_be_compared_are_refused(metric: Metric) -> None:
    with pytest.raises(IncompatibleProfiles):
        metric(np.array([1, 2]), np.array([1, 2, 3]))
    with pytest.raises(IncompatibleProfiles):
        metric(np.array([1]), np.array([1]))
    with pytest.raises(InsufficientData):
        metric(np.array([1, 2]), np.array([0, 0]))


def test_bounds_must_fit_the_bins() -> None:
    with pytest.raises(IncompatibleProfiles, match="bounds"):
        wasserstein_normalised(np.array([1, 2]), np.array([1, 2]), bounds=np.arange(2.0), scale=1.0)


@given(pairs)
def test_jensen_shannon_is_scipys_in_bits(pair: Pair) -> None:
    expected = jensenshannon(*pair, base=2)

    # scipy takes the root of rounding errors where the sides are equal
    assert jensen_shannon_distance(*pair) == pytest.approx(np.nan_to_num(expected), abs=1e-7)


@given(pairs)
def test_chi_squared_is_scipys_contingency_test(pair: Pair) -> None:
    table = np.vstack(pair)[:, np.sum(pair, axis=0) > 0]
    expected = stats.chi2_contingency(table, correction=False)

    assert chi_squared(*pair) == pytest.approx(expected.statistic, abs=1e-9)
    assert contingency_degrees(*pair) == expected.dof


def samples(kind: str, *, rows: int, shift: float, seed: int) -> NDArray[np.float64]:
    """Draw sorted values of one kind, moved by ``shift``."""
    rng = np.random.default_rng(seed)
    drawn = {
        "normal": rng.normal(size=rows),
        "lognormal": rng.lognormal(size=rows),
        "poisson": rng.poisson(4.0, size=rows).astype(float),
        "half zeros": rng.normal(size=rows) * (rng.random(rows) < 0.5),
        "rounded": np.round(rng.gamma(2.0, 10.0, size=rows), 2),
        "whole": np.floor(rng.normal(40.0, 12.0, size=rows)),
        "grouped": 0.1 * rng.poisson(400.0, size=rows),
    }[kind]
    return np.sort(drawn + shift)


KINDS = ["normal", "lognormal", "poisson", "half zeros", "rounded"]


def bounds(bins: NumericBins, *sides: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the bins' ends, stretched to the values."""
    lowest, highest = (choose(side) for choose, side in ((min, np.append(*sides)), (max, np.append(*sides))))
    return np.array([min(lowest, bins.edges[0]), *bins.edges, max(highest, bins.edges[-1])])


def largest_open_share(bins: NumericBins, baseline: NDArray[np.float64]) -> float:
    """Return the baseline's share of the largest bin that is wider than one float: what KS over bins may be off by."""
    edges = np.array([-np.inf, *bins.edges, np.inf])
    wide = np.nextafter(edges[:-1], np.inf) < edges[1:]
    return float(bins.count(baseline)[wide].max() / len(baseline))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shift", [0.0, 0.02, 0.1, -0.3, 1.0])
def test_ks_over_bins_is_that_of_the_rows_nearly(kind: str, shift: float) -> None:
    """Where neither side begins or ends at the very place, the difference is flat where it is largest."""
    before = samples(kind, rows=100_000, shift=0.0, seed=1)
    now = samples(kind, rows=100_000, shift=shift, seed=2)
    bins = cut_numeric(before)

    found = ks(bins.count(before), bins.count(now))

    assert found == pytest.approx(apart(before, now).ks, abs=3e-4)


few = st.lists(st.integers(0, 30).map(float) | st.floats(-5, 35, width=16), min_size=1, max_size=300)


@given(before=few.map(np.sort), now=few.map(np.sort))
def test_ks_over_bins_is_never_above_that_of_the_rows_and_below_it_within_the_bound(
    before: NDArray[np.float64], now: NDArray[np.float64]
) -> None:
    """What ``cutting`` proves. With fewer bins than a version has, so that a few rows fill a bin, and anything may be in it."""
    with patch.multiple(cutting, MOST_EXACT_VALUES=3, QUANTILES=8, EQUAL_WIDTHS=4):
        bins = cut_numeric(before)
    bound = largest_open_share(bins, before)

    lost = apart(before, now).ks - ks(bins.count(before), bins.count(now))

    assert -1e-12 <= lost <= bound + 1e-12
    assert bound <= 3 / 8


@given(rows=st.integers(801, 4_000) | st.sampled_from([1_280, 6_400, 20_000]), seed=st.integers(0, 99))
def test_where_no_value_repeats_the_bound_is_a_quantile_and_two_rows(rows: int, seed: int) -> None:
    bins = cut_numeric(before := np.sort(np.random.default_rng(seed).lognormal(size=rows)))

    assert largest_open_share(bins, before) <= 1 / 640 + 2 / rows


def test_on_few_rows_a_quantile_alone_is_no_bound() -> None:
    """On 801 rows, of which some bins hold three: 2.4/640."""
    bins = cut_numeric(before := samples("normal", rows=801, shift=0.0, seed=1))

    assert largest_open_share(bins, before) == pytest.approx(3 / 801)


def test_no_bound_below_it_would_do() -> None:
    """A current window that stands inside the largest bin is off by nearly the bin's share."""
    before = samples("normal", rows=20_000, shift=0.0, seed=1)
    bins = cut_numeric(before)
    counts = bins.count(before)
    edges = np.array(bins.edges)
    wide = np.flatnonzero(np.diff(edges) > 1e-12)
    largest = wide[np.argmax(counts[wide + 1])]
    now = np.full(500, np.nextafter(edges[largest], np.inf))

    lost = apart(before, now).ks - ks(counts, bins.count(now))

    assert 0.9 * largest_open_share(bins, before) < lost <= largest_open_share(bins, before)


@pytest.mark.parametrize("kind", [*KINDS, "whole", "grouped"])
@pytest.mark.parametrize("shift", [0.0, 0.02, 0.1, -0.3, 1.0])
def test_wasserstein_over_bins_is_nearly_that_of_the_rows(kind: str, shift: float) -> None:
    """Also where whole numbers move by a fraction, to values that no bin tells apart: the mean says how far."""
    before, now = (
        Numbers(values=samples(kind, rows=50_000, shift=by, seed=seed), missing=0, not_finite=0)
        for by, seed in ((0.0, 3), (shift, 4))
    )
    bins = cut_numeric(before.values)
    profiles = NumericProfile.of(before, bins), NumericProfile.of(now, bins)

    found = drift("x", bins, *profiles, design_effect=1.0)

    assert found is not None
    exact = apart(before.values, now.values).area / np.std(before.values)
    assert found.also["wasserstein_normalised"] == pytest.approx(exact, abs=3e-3)


def test_a_known_area_is_shared_among_the_bins_that_leave_it_open() -> None:
    """One row in four has moved from 1.0 to 1.5, which no bin tells from 2.0."""
    counts = np.array([3, 1, 0]), np.array([2, 2, 0])
    bounds = np.array([0.0, 1.0, 2.0, 3.0])

    drawn = wasserstein_normalised(*counts, bounds=bounds, scale=1.0)
    known = wasserstein_normalised(*counts, bounds=bounds, scale=1.0, known=KnownArea(first=0, end=3, area=0.125))

    assert drawn == 0.25
    assert known == pytest.approx(0.125)


@given(pairs, st.floats(-3, 3))
def test_wasserstein_is_never_below_the_area_with_its_sign(pair: Pair, area: float) -> None:
    bounds, end = np.arange(len(pair[0]) + 1.0), len(pair[0])

    found = wasserstein_normalised(*pair, bounds=bounds, scale=1.0, known=KnownArea(first=0, end=end, area=area))

    assert np.isfinite(found)
    assert found >= abs(area) - 1e-9


def test_ks_is_exact_where_the_baseline_has_few_values() -> None:
    """Also for current values that the baseline never had."""
    before = np.array([0.0, 0.0, 1.0, 2.0, 2.0, 2.0])
    now = np.array([-3.0, 0.0, 0.0, 1.0, 1.5, 2.0, 9.0])
    bins = cut_numeric(before)

    assert ks(bins.count(before), bins.count(now)) == pytest.approx(stats.ks_2samp(before, now).statistic)


@pytest.mark.parametrize("value", [-40.0, -3.0, 9.0, 100.0])
def test_wasserstein_knows_about_how_far_outside_values_lie(value: float) -> None:
    """Beyond the baseline's range the bins double in width, so the distance is right to a quarter."""
    before = np.array([0.0, 0.0, 1.0, 2.0, 2.0, 2.0])
    now = np.sort(np.append(before, [value]))
    bins = cut_numeric(before)
    counts = bins.count(before), bins.count(now)

    found = wasserstein_normalised(*counts, bounds=bounds(bins, before, now), scale=1.0)

    assert found == pytest.approx(stats.wasserstein_distance(before, now), rel=0.25)


def test_psi_without_drift_follows_theory() -> None:
    """Two samples of one distribution differ by about (bins - 1)(1/n + 1/m)."""
    rng = np.random.default_rng(7)
    baselines = rng.multinomial(5_000, [0.1] * 10, size=2_000)
    currents = rng.multinomial(1_000, [0.1] * 10, size=2_000)

    mean = np.mean([psi(p, q) for p, q in zip(baselines, currents, strict=True)])

    assert mean == pytest.approx(9 * (1 / 5_000 + 1 / 1_000), rel=0.05)


def test_a_distance_beyond_the_largest_float_is_infinite() -> None:
    counts = np.array([1, 0, 0]), np.array([0, 0, 1])

    assert wasserstein_normalised(*counts, bounds=np.array([-1e308, -1e307, 1e307, 1e308]), scale=0.1) == np.inf
