"""The benchmark plays the policy that the app decides by: with what it would know there."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.retraining.games import Game, Seen
from benchmarks.retraining.policies import ours
from shared.retrain_config import Loss
from shared.retraining.experience import Experience
from shared.retraining.history import put_together
from shared.retraining.period_losses import Compared, PeriodLosses
from shared.retraining.periods import Period
from shared.retraining.policy import decide, gaps_of
from tests.unit.benchmarks.hand_made import LATE, PROMPT, ROWS, tables
from tests.unit.retraining.situations import FIRST

PERIODS = 14
DAY = Period.containing(FIRST, hours=24)


@st.composite
def games(draw: st.DrawFn) -> Seen:
    """Return what is known in the midst of any game in which some actuals are."""
    setting = draw(st.sampled_from([PROMPT, LATE]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    made = tables(rng.random((PERIODS, PERIODS)), setting=setting)
    # Which rows, and of some periods nearly all or nearly none: two are the fewest that a standard error is of.
    known = rng.random((PERIODS, ROWS)) < rng.random((PERIODS, 1))
    known[:, :2] = True
    start = made.first
    now = draw(st.integers(start + setting.delay + 1, PERIODS - 1))
    swaps = draw(st.lists(st.integers(start + 1, now - 1), unique=True).map(sorted)) if now > start + 1 else []
    return Seen(Game(tables=replace(made, known=known), start=start), now=now, swap_cost=1.0, swaps=tuple(swaps))


def stored(seen: Seen, period: int) -> PeriodLosses:
    """Return what the app measures of a period when the version in use answered, and all others were asked its rows."""
    champion = int(seen.used[period - seen.start])
    is_settled = period < seen.known_periods
    others = [version for version in range(seen.start, period + 1) if version != champion]
    errors = {one: seen.errors(one, period).astype(float) for one in (*others, champion)} if is_settled else {}
    first = FIRST.plus(24 * period)

    def beside(version: int) -> Compared:
        differ = float(np.mean(seen.answers(version, period) != seen.answers(champion, period)))
        told = Compared(version=str(version), asked=ROWS, disagreement=differ)
        if not is_settled:
            return told
        saved = errors[champion] - errors[version]
        gap, error = float(saved.mean()), float(np.sqrt(saved.var(ddof=1) / len(saved)))
        return msgspec.structs.replace(told, rows=len(saved), gap=gap, gap_error=error)

    return PeriodLosses(
        model="game",
        start=first.key,
        end=first.plus(24).key,
        champion=str(champion),
        loss=Loss.ERROR,
        most_rows=ROWS,
        predictions=ROWS,
        rows=len(errors[champion]) if is_settled else 0,
        mean=float(errors[champion].mean()) if is_settled else None,
        standard_error=0.0 if is_settled else None,
        compared=tuple(map(beside, others)),
        inputs={},
        is_settled=is_settled,
    )


@given(games())
def test_the_app_knows_what_the_benchmark_lets_the_policy_know(seen: Seen) -> None:
    """Of a version that was not in use the app has differences from the one that was: its variances are nearly the same."""
    start, settled = seen.start, seen.known_periods
    delay = seen.now - settled
    documents = [stored(seen, period) for period in range(start, seen.now)]
    named = put_together(
        documents[: settled - start],
        {str(version): DAY.plus(version) for version in range(start, seen.now)},
        champion=str(seen.champion),
        unsettled=documents[settled - start :],
    )
    champion = named.place(str(seen.champion))

    known, fed = ours.gaps_of(seen), gaps_of(named.history, delay=delay)
    weighed = decide(named.history, cost=seen.swap_cost, champion=champion, delay=delay)

    versions = [int(version) for version in named.versions]
    assert versions == list(range(start, seen.now))
    assert (fed.delay, fed.known, fed.newest.tolist()) == (
        delay,
        settled - start,
        (known.newest[start:] - start).tolist(),
    )
    assert fed.losses == pytest.approx(known.losses[start:, start:], nan_ok=True)
    in_use = slice(seen.champion, seen.now), slice(seen.champion - start, None)
    assert fed.disagreements[champion, in_use[1]] == pytest.approx(known.disagreements[seen.champion, in_use[0]])
    is_gap = np.isfinite(known.gaps[seen.champion, in_use[0]])
    assert fed.variances[champion, in_use[1]][is_gap] == pytest.approx(
        known.variances[seen.champion, in_use[0]][is_gap]
    )
    expected = Experience.of(known).weigh(champion=seen.champion, since=seen.champion, cost=seen.swap_cost)
    for name in ("regret", "measured", "standard_error", "measured_periods"):
        assert getattr(weighed, name) == pytest.approx(getattr(expected, name), abs=1e-9)
