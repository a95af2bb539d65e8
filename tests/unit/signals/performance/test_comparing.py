"""Worse than before: how often that is said where nothing differs, and where something does."""

import numpy as np
import pytest
from scipy import stats

from shared.signals.performance.comparing import worsening
from shared.signals.performance.estimate import Estimate, Metric, Performance, of_share
from shared.signals.performance.realised import of_classes
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
