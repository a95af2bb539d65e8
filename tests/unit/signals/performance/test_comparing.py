"""Worse than before, better than the other: how often that is said where nothing differs, and where something does."""

import numpy as np
import pytest
from scipy import stats

from shared.signals.performance.by_segment import by_segment
from shared.signals.performance.comparing import paired, sureness_of_better, worsening
from shared.signals.performance.estimate import Estimate, Metric, Performance, Unknown, of_share
from shared.signals.performance.realised import of_classes, of_numbers
from shared.signals.performance.rows import Regressed
from tests.unit.signals.performance.draws import scored


def _known(performance: Performance, metric: Metric) -> Estimate:
    found = performance[metric]
    assert isinstance(found, Estimate)
    return found


@pytest.mark.parametrize("metric", [Metric.ACCURACY, Metric.ROC_AUC, Metric.BRIER, Metric.F1])
def test_nothing_is_worse_in_one_world_of_twenty_where_nothing_changed(metric: Metric) -> None:
    rng = np.random.default_rng(1)
    worlds = [(of_classes(scored(rng, 400)), of_classes(scored(rng, 200))) for _ in range(300)]

    p_values = [worsening(metric, _known(before, metric), _known(now, metric)).p_value for before, now in worlds]

    assert stats.binom.cdf(sum(p < 0.05 for p in p_values), 300, 0.05) < 1 - 1e-4
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3


def test_worse_is_up_for_losses_and_down_for_shares() -> None:
    def at(value: float) -> Estimate:
        return of_share(value, 0.01, rows=1_000, effective=1_000, degrees=999, level=0.95)

    for metric in Metric:
        falls, rises = worsening(metric, at(0.9), at(0.8)), worsening(metric, at(0.8), at(0.9))
        worse, better = (falls, rises) if metric.higher_is_better else (rises, falls)
        assert worse.by == pytest.approx(0.1)
        assert worse.p_value < 1e-6
        assert better.p_value > 1 - 1e-6


def test_perfection_before_does_not_make_one_mistake_a_sure_loss() -> None:
    """Its standard error is 0, and dividing by that would make sure what Fisher's exact test gives a chance of one half."""
    before = of_share(1.0, 0.0, rows=100, effective=100, degrees=99, level=0.95)
    now = of_share(0.99, 0.01, rows=100, effective=100, degrees=99, level=0.95)

    assert 0.05 < worsening(Metric.ACCURACY, before, now).p_value < 0.5


def test_paired_losses_are_the_paired_t_test() -> None:
    rng = np.random.default_rng(2)
    champion, challenger = rng.random(50), rng.random(50)

    found = paired(champion, challenger)

    assert isinstance(found, Estimate)
    theirs = stats.ttest_rel(champion, challenger)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval()))
    better = stats.ttest_rel(champion, challenger, alternative="greater").pvalue
    assert sureness_of_better(found) == pytest.approx(1 - better)


def test_paired_losses_of_hours_that_stray_are_sure_as_often_as_they_say() -> None:
    """Twenty hours of fifty rows in which one version or the other does better by chance."""
    rng = np.random.default_rng(3)
    hours = np.repeat(np.arange(20), 50)

    def sureness(*, is_clustered: bool) -> float:
        losses = rng.random(1_000) + 0.3 * rng.standard_normal(20)[hours]
        found = paired(losses, rng.random(1_000), clusters=hours if is_clustered else None)
        assert isinstance(found, Estimate)
        return sureness_of_better(found)

    clustered = np.array([sureness(is_clustered=True) for _ in range(300)])
    plain = np.array([sureness(is_clustered=False) for _ in range(300)])

    assert stats.binom.cdf(int((np.abs(clustered - 0.5) > 0.45).sum()), 300, 0.1) < 1 - 1e-4
    assert (np.abs(plain - 0.5) > 0.45).mean() > 0.5


def test_weights_of_pairs_are_rows_that_they_stand_for() -> None:
    found = paired(np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0]), weights=np.array([3.0, 2.0, 1.0]))

    assert isinstance(found, Estimate)
    assert found.value == pytest.approx(2 / 6)


def test_equal_losses_favour_nobody_and_one_row_tells_nothing() -> None:
    same = paired(np.ones(5), np.ones(5))

    assert isinstance(same, Estimate)
    assert sureness_of_better(same) == 0.5
    assert isinstance(paired(np.ones(1), np.zeros(1)), Unknown)
    always = paired(np.ones(5), np.zeros(5))
    assert isinstance(always, Estimate)
    assert sureness_of_better(always) == 1.0


def test_segments_are_the_eight_commonest_values_each_by_itself() -> None:
    rng = np.random.default_rng(4)
    values = np.repeat([f"airport {place}" for place in range(10)], range(20, 10, -1))
    rows = Regressed(predicted=rng.random(len(values)), actual=rng.random(len(values)))

    found = by_segment(rows, values, of_numbers)

    assert list(found) == [f"airport {place}" for place in range(8)]
    assert found["airport 3"] == of_numbers(rows.take(np.flatnonzero(values == "airport 3")))
