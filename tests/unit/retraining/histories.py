"""Histories as a policy sees them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.retraining.policy import History

NAN = float("nan")


def history(
    losses: Sequence[Sequence[float]],
    *,
    born: Sequence[int] | None = None,
    champions: Sequence[int] | None = None,
    error: float = 0.01,
    disagreements: NDArray[np.float64] | None = None,
    unsettled: int = 0,
) -> History:
    """Return a history of these losses, by version and period, in which the first version answered throughout."""
    table = np.array(losses, dtype=np.float64)
    versions, periods = table.shape
    answered = np.array(champions if champions is not None else [0] * periods, dtype=np.int64)
    is_champion = np.arange(versions)[:, None] == answered
    return History(
        losses=table,
        born=np.array(born if born is not None else range(versions)),
        champions=answered,
        disagreements=np.full_like(table, NAN) if disagreements is None else disagreements,
        errors=np.where(np.isfinite(table), np.where(is_champion, 0.0, error), NAN),
        unsettled=unsettled,
    )


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Return any history whose versions are measured now and then."""
    versions, periods = draw(st.integers(1, 5)), draw(st.integers(0, 12))
    loss = st.floats(0, 1) | st.just(NAN)
    row = st.lists(loss, min_size=periods, max_size=periods)
    table = np.array(draw(st.lists(row, min_size=versions, max_size=versions)), dtype=np.float64).reshape(
        versions, periods
    )
    return (
        history(
            table.tolist(),
            born=sorted(draw(st.lists(st.integers(-3, 12), min_size=versions, max_size=versions))),
            champions=draw(st.lists(st.integers(0, versions - 1), min_size=periods, max_size=periods)),
            error=draw(st.floats(0, 0.5)),
        )
        if periods
        else history([[]] * versions)
    )


@st.composite
def late_histories(draw: st.DrawFn) -> History:
    """Return any history of which the last periods are not settled, and how far answers differ is known now and then."""
    known = draw(histories())
    unsettled = draw(st.integers(0, known.periods))
    is_late = np.arange(known.periods) >= known.periods - unsettled
    differ = draw(
        st.lists(st.floats(0, 1) | st.just(NAN), min_size=known.losses.size, max_size=known.losses.size).map(np.array)
    ).reshape(known.losses.shape)
    return replace(
        known,
        losses=np.where(is_late, NAN, known.losses),
        errors=np.where(is_late, NAN, known.errors),
        disagreements=differ,
        unsettled=unsettled,
    )
