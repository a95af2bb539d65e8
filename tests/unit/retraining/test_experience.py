"""When a retrain pays."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.retraining.experience import HORIZONS, Experience, Floats, Gaps, Rule, Weighed

_ROWS = 300


def test_a_gap_that_stays_is_retrained_away_once_it_has_cost_a_retrain() -> None:
    """The rule of ski rental: whoever waits until then pays at most about twice the best."""
    losses = _losses(40, gap=0.1, begins=20)

    first = next(now for now in range(2, 40) if _weigh(losses, now, cost=0.5).retrain)

    assert first == 25


def test_what_has_not_paid_yet_says_so_however_much_it_promises() -> None:
    losses = _losses(23, gap=0.3, begins=22)

    weighed = _weigh(losses, 23, cost=0.35)

    assert weighed.rule is Rule.NOT_PAID
    assert weighed.benefit > weighed.cost


def test_a_measured_saving_that_chance_may_have_made_is_not_sure() -> None:
    losses = _losses(40, gap=0.1, begins=20)

    weighed = _weigh(losses, 40, cost=0.5, variance=0.1)

    assert weighed.rule is Rule.NOT_SURE
    assert weighed.measured < 2 * weighed.standard_error


def test_where_gaps_have_always_closed_by_themselves_a_retrain_does_not_pay() -> None:
    """The first versions fall behind for six periods in every twelve, and catch up with what the others lose later."""
    periods = 96
    season = np.where(np.arange(periods) // 6 % 2 == 0, 1.0, -1.0)
    losses = _triangle(0.2 + 0.1 * season[None, :] * season[:, None] * -1.0)
    now = 90

    weighed = _weigh(losses, now, champion=72, since=78, cost=0.55)

    assert weighed.measured > weighed.cost
    assert weighed.rule is Rule.NOT_LASTING
    assert weighed.lasting < 0.5


def test_what_is_learned_of_gaps_that_stay_makes_it_bolder() -> None:
    """Before anything was seen a gap is taken to fade; of a model whose gaps stay, long horizons count in full."""
    young = _weigh(_losses(14, gap=0.05, begins=0), 14, cost=2.0)
    old = _weigh(_losses(120, gap=0.05, begins=0), 120, cost=2.0)

    assert young.lasting * young.horizon < 20
    assert old.lasting * old.horizon == pytest.approx(max(HORIZONS), rel=0.2)


def test_without_an_actual_nothing_is_measured() -> None:
    losses = np.full((10, 10), np.nan)

    assert _weigh(losses, 10, cost=0.1) == Weighed(rule=Rule.NOT_MEASURED, cost=0.1)


def test_late_actuals_are_made_up_for_by_how_far_answers_are_apart() -> None:
    """Five periods without actuals, in which the champion goes on disagreeing with the newest as it did."""
    losses = _losses(40, gap=0.1, begins=20)

    prompt = _weigh(losses, 35, cost=1.0)
    late = _weigh(losses, 40, cost=1.0, delay=5)

    assert late.measured == pytest.approx(prompt.measured)
    assert late.regret == pytest.approx(prompt.regret + 0.5, abs=0.05)
    assert (prompt.regret < 2.0) == (late.regret < 2.0)


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1.0), st.floats(1.0, 5.0))
def test_a_dearer_retrain_never_pays_where_a_cheaper_one_does_not(seed: int, cost: float, dearer: float) -> None:
    losses = _random(seed)

    assert _weigh(losses, 60, cost=cost).retrain >= _weigh(losses, 60, cost=cost * dearer).retrain


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1.0), st.floats(0.01, 100.0))
def test_the_unit_of_losses_does_not_matter(seed: int, cost: float, unit: float) -> None:
    """A cost is in losses times periods, so that dollars and cents, or shares and per cent, must decide alike."""
    losses = _random(seed)
    ours = _weigh(losses, 60, cost=cost)

    theirs = _weigh(losses * unit, 60, cost=cost * unit, variance=0.001 * unit**2)

    assert theirs.gap == pytest.approx(ours.gap * unit, rel=1e-6, abs=1e-9)
    assert theirs.benefit == pytest.approx(ours.benefit * unit, rel=1e-6, abs=1e-9)
    if min(abs(ours.regret - cost), abs(ours.benefit - cost), abs(ours.measured - 2 * ours.standard_error)) > 1e-6:
        assert theirs.rule is ours.rule


@given(st.integers(0, 2**32 - 1), st.integers(0, 10))
def test_what_is_not_known_yet_changes_nothing(seed: int, delay: int) -> None:
    losses = _random(seed)
    others = losses.copy()
    others[:, 60 - delay :] = np.where(np.isnan(losses), np.nan, 0.9)[:, 60 - delay :]

    ours, theirs = (Experience.of(_history(one, 60, delay=delay, blind=True)) for one in (losses, others))

    assert ours.weigh(champion=0, since=0, cost=0.3) == theirs.weigh(champion=0, since=0, cost=0.3)


def test_versions_that_are_asked_of_some_periods_only_are_learned_from_as_far_as_they_were() -> None:
    """A model keeps a dozen challengers; whatever else it had is unknown, and not zero."""
    losses = _losses(120, gap=0.05, begins=0)
    kept = losses.copy()
    for version in range(1, 120):
        kept[version, version + 30 :] = np.nan

    weighed = _weigh(kept, 120, cost=2.0)

    assert 0.4 < weighed.lasting * weighed.horizon / max(HORIZONS) <= 1.1


def test_chance_alone_seldom_retrains() -> None:
    """Sixty models without drift, at a cost of a tenth of one period's loss; without being sure, nearly all of them retrain."""
    rng = np.random.default_rng(5)
    retrained = 0
    for _ in range(60):
        noise = _triangle(0.2 + rng.normal(0, np.sqrt(0.0005), size=(60, 60)))
        retrained += any(_weigh(noise, now, cost=0.02).retrain for now in range(2, 60, 4))

    assert retrained <= 12


def _weigh(
    losses: Floats,
    now: int,
    *,
    cost: float,
    champion: int = 0,
    since: int = 0,
    delay: int = 0,
    variance: float = 0.001,
) -> Weighed:
    history = _history(losses, now, delay=delay, variance=variance)
    return Experience.of(history).weigh(champion=champion, since=since, cost=cost)


def _history(losses: Floats, now: int, *, delay: int = 0, variance: float = 0.001, blind: bool = False) -> Gaps:
    """Return what is known at the beginning of period ``now`` of versions that are made one a period."""
    seen = losses[:now, :now].copy()
    seen[:, now - delay :] = np.nan
    there = np.isfinite(losses[:now, :now])
    apart = np.abs(losses - np.diagonal(losses))[:now, :now]
    return Gaps(
        losses=seen,
        newest=np.arange(now),
        variances=np.where(np.isfinite(seen), variance, np.nan),
        disagreements=np.where(there, 0.1 if blind else np.nan_to_num(apart), np.nan),
        delay=delay,
    )


def _losses(periods: int, *, gap: float, begins: int) -> Floats:
    """Version 0 loses more by ``gap`` than every other one from a period on."""
    losses = np.full((periods, periods), 0.2)
    losses[0, max(begins, 1) :] += gap
    return _triangle(losses)


def _random(seed: int) -> Floats:
    rng = np.random.default_rng(seed)
    ages = np.arange(60)[None, :] - np.arange(60)[:, None]
    return _triangle(0.2 + rng.normal(0, 0.03, size=(60, 60)) + rng.uniform(0, 0.01) * ages)


def _triangle(losses: Floats) -> Floats:
    """Return them without those of a version before it was made."""
    early = np.arange(losses.shape[1])[None, :] < np.arange(len(losses))[:, None]
    return np.where(early, np.nan, losses)


def test_what_was_weighed_can_be_stored() -> None:
    weighed = _weigh(_losses(40, gap=0.1, begins=20), 40, cost=0.5)

    assert msgspec.json.decode(msgspec.json.encode(weighed), type=Weighed) == weighed
