"""Intervals hold the truth as often as they say, in worlds whose truth is known."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from shared.signals.performance.estimate import Estimate, Metric, Performance
from shared.signals.performance.realised import of_classes, of_numbers
from shared.signals.performance.rows import Answers, Regressed
from tests.unit.signals.performance.draws import scored

WORLDS = 300
LEAST = stats.binom.ppf(1e-4, WORLDS, 0.95) / WORLDS
"""Of intervals that hold in 95 % of worlds, as few hold in so many worlds once in ten thousand times."""


def _coverage(draw: Callable[[], Performance], truth: Performance) -> dict[Metric, float]:
    """Return how often the interval of each metric holds its value in a very large world."""
    held = dict.fromkeys(truth, 0)
    for _ in range(WORLDS):
        for metric, found in draw().items():
            known = truth[metric]
            assert isinstance(found, Estimate)
            assert isinstance(known, Estimate)
            held[metric] += found.low <= known.value <= found.high
    return {metric: count / WORLDS for metric, count in held.items()}


@pytest.mark.parametrize(("rows", "shift"), [(200, 0.0), (400, -2.5)])
def test_intervals_of_classes_hold_in_nineteen_worlds_of_twenty(rows: int, shift: float) -> None:
    """Also where positives are one in eight, and shares are near their ends."""
    rng = np.random.default_rng(1)
    truth = of_classes(scored(rng, 1_000_000, shift=shift))

    coverage = _coverage(lambda: of_classes(scored(rng, rows, shift=shift)), truth)

    assert {metric: share for metric, share in coverage.items() if share < LEAST} == {}


def test_intervals_of_numbers_hold_in_nineteen_worlds_of_twenty() -> None:
    rng = np.random.default_rng(2)

    def draw(rows: int) -> Performance:
        actual = rng.standard_normal(rows)
        return of_numbers(Regressed(predicted=actual + rng.standard_normal(rows), actual=actual), quantile=0.9)

    truth = draw(1_000_000)
    coverage = _coverage(lambda: draw(200), truth)

    assert {metric: share for metric, share in coverage.items() if share < LEAST} == {}


def test_rows_that_come_together_need_clusters() -> None:
    """A hundred rows of an hour that stray together are not a hundred facts: taken for such, intervals miss one time in three."""
    rng = np.random.default_rng(3)
    truth = of_classes(scored(rng, 400_000, clusters=20_000, stray=2.0))

    def draw(*, plain: bool) -> Performance:
        rows = scored(rng, 2_000, clusters=20, stray=2.0)
        if plain:
            rows = type(rows)(answers=_without_clusters(rows.answers), actual=rows.actual)
        return of_classes(rows)

    clustered = _coverage(lambda: draw(plain=False), truth)
    plain = _coverage(lambda: draw(plain=True), truth)

    for metric in (Metric.LOG_LOSS, Metric.RECALL, Metric.PRECISION):
        assert clustered[metric] >= LEAST, metric
        assert plain[metric] < 0.8, metric


def test_a_design_effect_widens_as_if_rows_were_fewer() -> None:
    rng = np.random.default_rng(4)
    rows = scored(rng, 1_000)

    plain, wide = of_classes(rows)[Metric.LOG_LOSS], of_classes(rows, design_effect=4.0)[Metric.LOG_LOSS]

    assert isinstance(plain, Estimate)
    assert isinstance(wide, Estimate)
    assert wide.standard_error == pytest.approx(2 * plain.standard_error)


def _without_clusters(answers: Answers) -> Answers:
    return replace(answers, clusters=None)
