"""Contrasts are 0 where nothing moved, and say what did."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from shared.errors import IncompatibleProfiles
from shared.profiles.bins import CategoricalBins, FeatureBins
from shared.profiles.categorical import CategoricalProfile
from shared.profiles.counts import pack
from shared.profiles.cutting import cut_numeric
from shared.profiles.numeric import NumericProfile
from shared.profiles.profile import FeatureProfile
from shared.signals.calibration.contrasts import Contrasts, normal_scores, numeric_contrasts

BASELINES = st.lists(st.integers(0, 1_000), min_size=2, max_size=40).filter(lambda counts: sum(map(bool, counts)) > 1)


@given(BASELINES)
def test_they_are_uncorrelated_and_of_variance_one_over_the_baseline(counts: list[int]) -> None:
    """So the mean over n independent rows has a variance of 1 / n, whatever the feature is like."""
    baseline = np.array(counts)
    shares = baseline / baseline.sum()

    weights = numeric_contrasts(baseline).weights

    assert 1 <= len(weights) <= 4
    assert weights @ shares == pytest.approx(np.zeros(len(weights)), abs=1e-6)
    assert weights * shares @ weights.T == pytest.approx(np.eye(len(weights)), abs=1e-6)


def test_normal_scores_are_the_means_of_a_normal_variable_between_quantiles() -> None:
    baseline = np.array([10, 25, 0, 40, 25])
    ends = stats.norm.ppf(np.cumsum([0, 0.1, 0.25, 0.4, 0.25]).clip(0, 1))

    scores = normal_scores(baseline)

    between = [stats.norm.expect(lb=low, ub=high, conditional=True) for low, high in itertools.pairwise(ends)]
    assert scores[[0, 1, 3, 4]] == pytest.approx(between, abs=1e-6)
    assert scores[2] == pytest.approx(stats.norm.ppf(0.35))


@pytest.mark.parametrize(("column", "moved"), [(0, (0.3, 1.0)), (1, (0.0, 1.3))])
def test_the_first_tells_a_shift_and_the_second_a_width(column: int, moved: tuple[float, float]) -> None:
    rng = np.random.default_rng(1)
    rows = np.sort(rng.standard_normal(100_000))
    bins = cut_numeric(rows)
    contrasts = numeric_contrasts(bins.count(rows))

    mean, width = moved
    found = contrasts.sums(bins.count(np.sort(mean + width * rng.standard_normal(100_000)))) / 100_000

    assert int(np.argmax(np.abs(found[:2]))) == column
    assert found[0] == pytest.approx(mean, abs=0.02)


def test_a_shift_is_seen_nearly_as_well_as_by_the_mean() -> None:
    """What the mean would tell in 1,000 normal rows takes no more than 1,050 here."""
    rng = np.random.default_rng(2)
    baseline = np.sort(rng.standard_normal(50_000))
    bins = cut_numeric(baseline)
    contrasts = numeric_contrasts(bins.count(baseline))
    windows = 0.1 + rng.standard_normal((400, 1_000))

    found = np.array([contrasts.sums(bins.count(np.sort(window)))[0] for window in windows])

    assert found.mean() / found.std() >= windows.mean() / windows.mean(axis=1).std() / np.sqrt(1.05)


def test_an_absurd_value_is_worth_five_standard_deviations_at_most() -> None:
    rows = np.sort(np.random.default_rng(3).standard_normal(10_000))
    bins = cut_numeric(rows)
    contrasts = numeric_contrasts(bins.count(rows))

    before = contrasts.sums(bins.count(rows))[0]
    after = contrasts.sums(bins.count(np.append(rows[1:], 1e300)))[0]

    assert 0 < after - before <= 10


def test_rare_values_of_a_category_count_together() -> None:
    """Five hundred rare ones would otherwise be five hundred chances of a false alarm."""
    bins = {"code": CategoricalBins(categories=tuple(f"{rank}" for rank in range(500)))}
    counts = (100_000 / np.arange(1, 501)).astype(np.int64)
    baseline = {"code": CategoricalProfile(packed=pack(counts))}

    contrasts = Contrasts.of_baseline(bins, baseline)

    common = int((counts / counts.sum() >= 0.01).sum())
    assert contrasts.mains == common + 1 < 20
    assert contrasts.of(bins, baseline)[0] == pytest.approx(np.zeros(contrasts.mains), abs=1e-12)
    unseen = {"code": CategoricalProfile(packed=pack(counts), unseen=int(counts.sum()))}
    assert contrasts.of(bins, unseen)[0][-1] > 0.4


def test_a_constant_is_watched_for_what_it_was_not() -> None:
    bins = cut_numeric(np.zeros(500))
    baseline = NumericProfile(packed=pack(bins.count(np.zeros(500))))
    contrasts = Contrasts.of_baseline({"fixed": bins}, {"fixed": baseline})

    moved = NumericProfile(packed=pack(bins.count(np.sort(np.append(np.zeros(50), np.ones(50))))))

    assert contrasts.of({"fixed": bins}, {"fixed": baseline})[0] == pytest.approx(np.zeros(contrasts.mains))
    assert np.abs(contrasts.of({"fixed": bins}, {"fixed": moved})[0]).max() > 1


def test_a_feature_without_values_says_nothing_and_the_others_do() -> None:
    bins: dict[str, FeatureBins] = {
        "a": cut_numeric(np.arange(100.0)),
        "b": cut_numeric(np.array([])),
        "c": CategoricalBins(categories=()),
    }
    full = NumericProfile(packed=pack(cut_numeric(np.arange(100.0)).count(np.arange(100.0))))
    baseline: dict[str, FeatureProfile] = {"a": full, "b": NumericProfile(), "c": CategoricalProfile()}
    contrasts = Contrasts.of_baseline(bins, baseline)

    empty, _ = contrasts.of(bins, {**baseline, "a": NumericProfile(missing=10)})

    assert contrasts.features.tolist() == [0, 0, 0, 0]
    assert np.isnan(empty).all()


def test_a_profile_of_another_kind_is_refused() -> None:
    bins: dict[str, FeatureBins] = {"a": cut_numeric(np.arange(100.0))}

    with pytest.raises(IncompatibleProfiles):
        Contrasts.of_baseline(bins, {"a": CategoricalProfile()})
