"""Every policy decides as it says, where what is right is plain to see."""

import sys
from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import ks_2samp

from benchmarks.retraining.games import Game, Rule, Seen
from benchmarks.retraining.oracle import play
from benchmarks.retraining.policies import RULES, cara, detectors, drifted, estimated, regret, schedules
from benchmarks.retraining.policies.detectors import Detector, RiverIsMissing
from tests.unit.benchmarks.hand_made import LATE, ROWS, WINDOW, ageing, tables, turning

STILL = np.full((60, 60), 0.1)


def swaps(rule: Rule, losses: NDArray[np.float64], cost: float = 1.0, *, start: int = WINDOW) -> tuple[int, ...]:
    return Game(tables=tables(losses), start=start).swaps(rule, cost)


def test_schedules_count_from_the_start() -> None:
    losses = STILL[:12, :12]

    assert swaps(schedules.NEVER, losses) == ()
    assert swaps(schedules.ALWAYS, losses) == tuple(range(3, 12))
    assert swaps(schedules.every(4), losses) == (6, 10)
    assert swaps(schedules.every(4), losses, start=3) == (7, 11)
    assert swaps(schedules.every(1), losses) == swaps(schedules.ALWAYS, losses)
    assert [rule.name for rule in schedules.FIXED] == [
        "always",
        *(f"every {periods}" for periods in (2, 5, 10, 20, 40)),
    ]


@pytest.mark.parametrize(("cost", "swapped"), [(0.05, 20), (2.0, 0)])
def test_the_best_period_in_hindsight_is_the_cheapest_of_all(cost: float, swapped: int) -> None:
    """Where a version loses 0.1 more with every period, two periods are right for a cost of 0.05, and none for a lot."""
    game = Game(tables=tables(ageing(periods=44, a_period=0.1) if swapped else STILL), start=WINDOW)

    best = schedules.best_in_hindsight(game, cost)

    every = [range(WINDOW + step, len(game.losses), step) for step in range(1, len(game.losses))]
    assert best.cost(cost) == min(play(game.losses, one).cost(cost) for one in every)
    assert len(best.swaps) == pytest.approx(swapped, abs=21 if swapped else 0)


def test_ski_rental_swaps_once_the_newest_would_have_saved_the_cost() -> None:
    """Half a point is lost in period 11 and another in 12: period 10's own version had seen nothing of the change."""
    losses = turning(10)

    assert swaps(regret.SKI_RENTAL, losses, 1.0) == (13,)
    assert swaps(regret.SKI_RENTAL, losses, 1.01) == (14,)
    assert swaps(regret.SKI_RENTAL, STILL, 0.02) == ()


def test_ski_rental_waits_for_actuals() -> None:
    """What was lost is known three periods later, and what the first champion lost is none of the second's."""
    late = Game(tables=tables(turning(10), setting=LATE), start=5)

    assert late.swaps(regret.SKI_RENTAL, 1.0) == (16,)


def test_avoidable_loss_swaps_once_the_loss_beyond_that_of_a_new_version_sums_up_to_the_cost() -> None:
    assert swaps(regret.AVOIDABLE_LOSS, turning(10), 1.0) == (12,)
    assert swaps(regret.AVOIDABLE_LOSS, turning(10), 1.01) == (13,)
    assert swaps(regret.AVOIDABLE_LOSS, STILL, 0.02) == ()


def test_avoidable_loss_takes_nothing_off_for_good_periods() -> None:
    """Up and down by 0.2 about what the version lost when it was new: ups count, downs do not."""
    losses = STILL[:20, :20] + 0.2
    losses[:, 3::2] += 0.2
    losses[:, 4::2] -= 0.2

    assert swaps(regret.AVOIDABLE_LOSS, losses, 1.0)[0] == 12
    assert swaps(regret.SKI_RENTAL, losses, 1.0) == ()


def test_cbpe_swaps_when_the_champion_is_less_sure_of_itself() -> None:
    """From period 20 on its probabilities are near a half; that its answers stay as good as ever is not asked."""
    made = tables(STILL + 0.05 * (np.arange(60) % 2))
    made.predictions[:, 20:] = np.where(made.predictions[:, 20:] > 0.5, 0.55, 0.45)
    made.predictions[~np.tri(60, dtype=bool).T] = np.nan

    assert Game(tables=made, start=WINDOW).swaps(estimated.CBPE, 1.0)[0] == 21
    assert swaps(estimated.CBPE, STILL + 0.05 * (np.arange(60) % 2)) == ()


def test_cbpe_says_nothing_before_its_reference_is_known() -> None:
    made = tables(STILL + 0.05 * (np.arange(60) % 2), setting=LATE)
    made.predictions[:, 12:] = np.where(made.predictions[:, 12:] > 0.5, 0.55, 0.45)

    assert Game(tables=made, start=5).swaps(estimated.CBPE, 1.0)[0] == 5 + 6 + LATE.delay


@pytest.mark.parametrize("rule", [detectors.ADWIN, detectors.DDM, detectors.PAGE_HINKLEY, detectors.KSWIN])
def test_detectors_signal_after_the_change_and_then_begin_anew(rule: Rule) -> None:
    losses = turning(30, periods=60, good=0.1, bad=0.9)

    swapped = swaps(rule, losses)

    assert 31 <= swapped[0] <= 34
    assert len(swapped) == 1


@pytest.mark.parametrize("rule", [detectors.ADWIN, detectors.DDM, detectors.PAGE_HINKLEY, detectors.KSWIN])
def test_a_detector_sees_its_champion_only_and_only_what_is_known(rule: Rule) -> None:
    """Fed by hand, the same detector signals in the period before each swap; late, as many periods later as actuals are."""
    river = {detectors.ADWIN: "ADWIN", detectors.DDM: "DDM", detectors.PAGE_HINKLEY: "PageHinkley"}.get(rule, "KSWIN")
    made = tables(np.where(ageing(a_period=0.01) > 0.2, 0.9, 0.1), setting=LATE)
    start = champion = made.first
    expected: list[int] = []
    detector = by_hand(river)
    for now in range(start + 1, 60):
        period = now - 1 - LATE.delay
        if period < champion:
            continue
        for is_wrong in made.wrong[champion, period]:
            detector.update(bool(is_wrong))
            if detector.drift_detected:
                expected.append(now)
                champion, detector = now, by_hand(river)
                break

    assert Game(tables=made, start=start).swaps(rule, 1.0) == tuple(expected)
    assert expected


def by_hand(name: str) -> Detector:
    from river.drift import ADWIN, KSWIN, PageHinkley
    from river.drift.binary import DDM

    return {"ADWIN": ADWIN, "DDM": DDM, "PageHinkley": PageHinkley}.get(name, lambda: KSWIN(seed=1))()


def test_without_river_it_is_said_how_to_get_it() -> None:
    with patch.dict(sys.modules, {"river.drift": None}), pytest.raises(RiverIsMissing, match=r"\[bench\]"):
        detectors.ADWIN.begin()


def moved(*columns: int, categorical: tuple[int, ...] = ()) -> Game:
    """Return a game in which columns of four move by two at the beginning of period 10; a category becomes another."""
    rows = np.random.default_rng(2).standard_normal((30, 400, 4)).astype(np.float32)
    rows[..., list(categorical)] = 1.0
    rows[10:, :, list(columns)] += 2.0
    return Game(tables=tables(STILL[:30, :30], rows=rows, categorical=categorical), start=8)


@pytest.mark.parametrize(
    ("rule", "columns", "categorical", "has_drifted"),
    [
        (drifted.PSI, (), (), False),
        (drifted.PSI, (0,), (), True),
        (drifted.PSI, (0,), (0,), True),
        (drifted.KS, (0,), (), False),
        (drifted.KS, (0, 1), (), True),
        (drifted.KS, (0, 1), (0, 1), True),
        (drifted.KS, (0,), (0, 1), False),
    ],
)
def test_inputs_drift(rule: Rule, columns: tuple[int, ...], categorical: tuple[int, ...], *, has_drifted: bool) -> None:
    """One column is enough for PSI and half are for KS; that is seen in period 11, until versions learned from the new."""
    swapped = moved(*columns, categorical=categorical).swaps(rule, 1.0)

    assert (11 in swapped) == has_drifted
    if not rule.name.startswith("PSI"):
        assert not has_drifted or swapped[0] == 11


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.2])
def test_the_p_value_agrees_with_scipy(shift: float) -> None:
    """Which takes a closer approximation: far out, where nothing is decided, they are a fifth apart."""
    rng = np.random.default_rng(4)
    baseline, current = (np.round(rng.normal(mean, 1, rows), 1) for mean, rows in ((0.0, 4_000), (shift, 400)))

    expected = float(ks_2samp(baseline, current, method="asymp").pvalue)

    assert drifted._ks_p_value(baseline.astype(np.float32), current.astype(np.float32)) == pytest.approx(
        expected, rel=0.2
    )


def test_a_column_without_values_does_not_drift() -> None:
    rows = np.full((20, ROWS, 2), np.nan, dtype=np.float32)
    game = Game(tables=tables(STILL[:20, :20], rows=rows, categorical=(1,)), start=4)

    assert game.swaps(drifted.KS, 1.0) == game.swaps(drifted.PSI, 1.0) == ()


def test_values_that_go_missing_are_drift_to_psi() -> None:
    rows = np.random.default_rng(2).standard_normal((20, ROWS, 2)).astype(np.float32)
    rows[10:, ::2, 0] = np.nan
    game = Game(tables=tables(STILL[:20, :20], rows=rows), start=8)

    assert 11 in game.swaps(drifted.PSI, 1.0)


@pytest.mark.parametrize("rule", [cara.THRESHOLD, cara.CUMULATIVE, cara.PERIODIC])
def test_cara_finds_the_period_that_costs_least_where_versions_age(rule: Rule) -> None:
    """A version loses 0.05 more with every period: (0.2 / k + 0.05 (k - 1) / 2) is least for k = 3."""
    alike = np.zeros((60, ROWS, 1), dtype=np.float32)

    swapped = Game(tables=tables(ageing(), rows=alike), start=WINDOW).swaps(rule, 0.2)

    assert {later - earlier for earlier, later in pairwise(swap for swap in swapped if swap > 35)} == {3}


@pytest.mark.parametrize("rule", [cara.THRESHOLD, cara.CUMULATIVE, cara.PERIODIC])
def test_cara_never_swaps_where_nothing_would_have_been_saved(rule: Rule) -> None:
    assert swaps(rule, STILL, 0.02) == ()


@pytest.mark.parametrize("rule", [cara.THRESHOLD, cara.CUMULATIVE, cara.PERIODIC])
def test_cara_leaves_its_parameter_once_it_is_chosen(rule: Rule) -> None:
    """The world begins to turn after the part in which parameters are chosen: the rule still plays by never."""
    losses = STILL.copy()
    losses[:, 40:] = ageing()[:, 40:]

    assert swaps(rule, losses, 0.2) == ()


def test_staleness_counts_most_where_the_champion_is_asked() -> None:
    """It is wrong at low rows; where low rows are asked about it is stale, and where high ones are it is not."""
    rows = np.zeros((12, ROWS, 1), dtype=np.float32)
    rows[:, : ROWS // 2] = 10.0
    made = tables(STILL[:12, :12], rows=rows, setting=LATE)
    made.predictions[5:] = np.where(made.periods.actuals != (rows[..., 0] < 5), 0.9, 0.1)
    stale: list[float] = []
    for asked in (0.0, 10.0):
        rows[11] = asked
        seen = Seen(Game(tables=made, start=5), now=11, swap_cost=1.0, swaps=())
        rows[10] = asked
        stale.append(cara._staleness(seen, (5,))[5])

    assert stale[0] > 0.8
    assert stale[1] < 0.2


def test_names_tell_policies_apart() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)


def test_rules_that_do_not_heed_the_cost_do_not() -> None:
    game = Game(tables=tables(ageing(a_period=0.02)), start=WINDOW)
    for rule in RULES:
        if not rule.heeds_cost:
            assert game.swaps(rule, 0.02) == game.swaps(rule, 2.0), rule.name
