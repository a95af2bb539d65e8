"""Performance as a signal: how often it alarms where nothing changed, and that it does where something has."""

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from shared.signals.judgement import Signal, Verdict
from shared.signals.judging import JudgingRules
from shared.signals.performance.estimate import LEVEL, Estimate, Metric, Unknown, of_positive, of_share
from shared.signals.performance.judging import Compared, measured
from shared.signals.performance.rows import Clusters
from shared.signals.performance.spread import effective, standard_error

DAILY = JudgingRules(looks_per_month=30)
MANY_ALARMS = JudgingRules(false_alarms_per_month=20.0, looks_per_month=30)
"""One look in thirty may alarm: few looks are enough to see that it is not more."""


def share(right: np.ndarray, rows: np.ndarray) -> Estimate:
    """Return a share with an error by how far hours stray."""
    value = float(right.sum() / rows.sum())
    moves = (right - value * rows) / rows.sum()
    error = standard_error(moves, Clusters(None, len(rows)), design_effect=1.0)
    worth, degrees = float(rows.sum()) / 4, effective(rows.astype(np.float64)) - 1
    return of_share(value, error, rows=int(rows.sum()), effective=worth, degrees=degrees, level=LEVEL)


@dataclass(frozen=True)
class World:
    """A version that is right so often, more on some days than on others, and worse on the last by ``loss``."""

    days: int = 15
    stray: float = 0.0
    loss: float = 0.0
    rows_an_hour: int = 50

    def look(self, rng: np.random.Generator) -> Compared:
        hours = 24 * (self.days + 1)
        right = 0.8 + np.repeat(rng.normal(0.0, self.stray, self.days + 1), 24)
        right[-24:] -= self.loss
        rows = np.maximum(rng.poisson(self.rows_an_hour, hours), 1)
        hits = rng.binomial(rows, np.clip(right, 0.0, 1.0))
        days = [slice(24 * day, 24 * day + 24) for day in range(self.days)]
        return Compared(
            name="all rows",
            metric=Metric.ACCURACY,
            before=share(hits[:-24], rows[:-24]),
            windows=[share(hits[day], rows[day]) for day in days],
            now=share(hits[-24:], rows[-24:]),
        )

    def verdicts(self, looks: int, rules: JudgingRules, *, floor: float = 0.02) -> list[Verdict]:
        rng = np.random.default_rng(5)
        return [measured(self.look(rng), rules=rules, floor=floor, comparisons=1).verdict for _ in range(looks)]


@pytest.mark.parametrize("days", [1, 3, 7, 15])
@pytest.mark.parametrize("stray", [0.0, 0.02])
def test_quiet_stays_quiet_within_its_share_of_the_budget(days: int, stray: float) -> None:
    """However few days are known, and though days stray: no floor helps here, sureness alone does."""
    looks = 600
    level = MANY_ALARMS.level(Signal.PERFORMANCE, comparisons=1)

    alarms = World(days=days, stray=stray).verdicts(looks, MANY_ALARMS, floor=1e-9).count(Verdict.BREACH)

    assert stats.binom.sf(alarms - 1, looks, level) > 1e-3


def test_one_world_of_versions_stays_quiet_for_a_month() -> None:
    """With the budget as it is: of 1,000 daily looks at versions whose days stray, two may alarm."""
    alarms = World(stray=0.02).verdicts(1_000, DAILY).count(Verdict.BREACH)

    assert stats.binom.sf(alarms - 1, 1_000, DAILY.level(Signal.PERFORMANCE, comparisons=1)) > 1e-3


def test_a_loss_of_ten_points_is_found_at_the_first_look() -> None:
    assert World(stray=0.01, loss=0.1).verdicts(50, DAILY).count(Verdict.BREACH) > 45


def test_a_loss_within_the_floor_is_nobodys_business() -> None:
    """However many rows make it sure."""
    sure = World(loss=0.1, rows_an_hour=5_000)

    assert set(sure.verdicts(10, DAILY, floor=0.2)) == {Verdict.OK}
    assert set(sure.verdicts(10, DAILY, floor=0.05)) == {Verdict.BREACH}


def test_silence_of_few_rows_is_unknown() -> None:
    few = World(days=3, rows_an_hour=6).look(np.random.default_rng(1))

    found = measured(few, rules=JudgingRules(), floor=0.02, comparisons=20)

    assert found.verdict is Verdict.UNKNOWN
    assert found.needed is not None
    assert found.needed > found.rows


def test_more_segments_want_more_sureness() -> None:
    """They share one part of the budget."""
    rng = np.random.default_rng(2)
    looks = [World(loss=0.05).look(rng) for _ in range(40)]

    def alarms(comparisons: int) -> int:
        found = [measured(one, rules=DAILY, floor=0.02, comparisons=comparisons) for one in looks]
        return sum(one.verdict is Verdict.BREACH for one in found)

    assert alarms(1) > alarms(10_000)


def test_a_loss_of_a_metric_with_a_unit_is_a_share_of_what_it_was() -> None:
    before, now = (of_positive(value, 0.1, rows=10_000, degrees=1e6, level=LEVEL) for value in (100.0, 150.0))

    found = measured(
        Compared(name="all rows", metric=Metric.MAE, before=before, windows=(), now=now),
        rules=DAILY,
        floor=0.02,
        comparisons=1,
    )

    assert (found.metric, found.value, found.verdict) == ("worse_mae", 0.5, Verdict.BREACH)


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        (Unknown("no actuals have come"), None, "how good it was is not known: no actuals have come"),
        (199, None, "199 rows with actuals from before, 200 needed"),
        (None, 99, "99 rows with actuals, 100 needed"),
        (None, Unknown("there is one class alone"), "there is one class alone"),
    ],
)
def test_what_cannot_be_compared_is_unknown_and_says_why(
    before: Unknown | int | None, now: Unknown | int | None, reason: str
) -> None:
    def side(what: Unknown | int | None) -> Estimate | Unknown:
        if isinstance(what, Unknown):
            return what
        return of_share(0.8, 0.01, rows=what or 1_000, effective=100, degrees=99, level=LEVEL)

    one = Compared(name="kind=x", metric=Metric.ACCURACY, before=side(before), windows=(), now=side(now))

    found = measured(one, rules=DAILY, floor=0.02, comparisons=1)

    assert (found.verdict, found.reason) == (Verdict.UNKNOWN, f"kind=x: {reason}")
