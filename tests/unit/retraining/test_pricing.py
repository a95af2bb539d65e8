"""What a retrain costs, by every way to say so."""

import pytest

from shared.registry.manifest import Task
from shared.retrain_config import Worth
from shared.retraining.pricing import price
from tests.unit.retraining.situations import period

DAYS = [period(0, mean=0.25), period(1, mean=0.35)]
"""Of 10,000 predictions each."""


def test_as_much_as_500_wrong_answers_is_spread_over_the_rows_of_a_period() -> None:
    assert price(500.0, DAYS, Task.CLASSIFICATION, hours=24) == pytest.approx(0.05)


def test_two_points_of_accuracy_for_fourteen_days_are_the_same_whatever_the_rows() -> None:
    worth = Worth(points=2, days=14)

    assert price(worth, DAYS, Task.CLASSIFICATION, hours=24) == pytest.approx(0.28)
    assert price(worth, [], Task.CLASSIFICATION, hours=12) == pytest.approx(0.56)


def test_points_of_a_number_are_hundredths_of_its_mean_loss() -> None:
    """Its loss has a unit, of which nobody knows what a hundredth is worth."""
    assert price(Worth(points=2, days=14), DAYS, Task.REGRESSION, hours=24) == pytest.approx(0.28 * 0.3)


def test_what_depends_on_periods_has_no_price_before_there_is_one() -> None:
    assert price(500.0, [], Task.CLASSIFICATION, hours=24) is None
    assert price(Worth(points=2, days=14), [period(0, mean=None)], Task.REGRESSION, hours=24) is None
