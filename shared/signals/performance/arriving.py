"""Do actuals come as they came: of as many predictions, and as soon?

Of an hour it is counted how many of its predictions had their actual within the actuals delay, and how many of these within
half of the time that is usual. So what was long ago has no more than what was just now, however late some actuals come.
Hours are held against hours, as ``judging`` holds performance.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from shared.signals.judgement import Judgement, Measurement, Signal, Verdict
from shared.signals.judging import JudgingRules
from shared.signals.performance.comparing import worsening
from shared.signals.performance.estimate import LEVEL, Estimate, Metric, Unknown, of_share
from shared.signals.performance.judging import noticeable
from shared.signals.performance.predicting import MANY
from shared.signals.performance.rows import Clusters
from shared.signals.performance.spread import effective, standard_error
from shared.signals.performance.straying import strays
from shared.signals.summing_up import summed_up

FLOOR: Final = 0.1
"""The smallest share of the usual actuals that is worth hearing about when it is missing, or late."""

FEWEST_HOURS: Final = 12
"""So many hours say how far hours stray; of fewer, rows are taken for independent but for the design effect."""

_NOTICEABLE: Final = 0.5
_MOST_NEEDED: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """One hour of predictions.

    Attributes:
        predictions: how many there are.
        came: of how many the actual came within the actuals delay.
        soon: of how many of these it came within the time in which usually half have.
    """

    predictions: int
    came: int
    soon: int


def coverage(hours: Sequence[Arrivals]) -> float | None:
    """Return the share of predictions whose actual came; None without predictions."""
    predictions = sum(hour.predictions for hour in hours)
    return sum(hour.came for hour in hours) / predictions if predictions else None


def judge_actuals(
    past: Sequence[Arrivals], window: Sequence[Arrivals], *, window_hours: int, rules: JudgingRules
) -> Judgement:
    """Judge whether actuals come as they did.

    Args:
        past: the hours before the window, in their order, from the first that has an actual.
        window: the hours of the window.
        window_hours: how long a window is: the past is cut into such, which say how far they stray by themselves.
        rules: what an alarm must be.
    """
    compared = (
        ("fewer", "have their actual in time", [(hour.came, hour.predictions) for hour in past]),
        ("later", "of those had it in the time that is usual of half", [(hour.soon, hour.came) for hour in past]),
    )
    now = ([(hour.came, hour.predictions) for hour in window], [(hour.soon, hour.came) for hour in window])
    found = [
        _measured(metric, words, before, current, window_hours=window_hours, rules=rules)
        for (metric, words, before), current in zip(compared, now, strict=True)
    ]
    return summed_up(Signal.ACTUALS, found)


def no_actuals(reason: str) -> Judgement:
    """Return that nothing is known of how actuals come: a model that nobody tells of any does not alarm."""
    return summed_up(Signal.ACTUALS, [_unknown(metric, reason) for metric in ("fewer", "later")])


def _measured(
    metric: str,
    words: str,
    past: Sequence[tuple[int, int]],
    window: Sequence[tuple[int, int]],
    *,
    window_hours: int,
    rules: JudgingRules,
) -> Measurement:
    before = _share(past, rules)
    now = _share(window, rules)
    if isinstance(before, Unknown) or before.value == 0:
        return _unknown(metric, before.reason if isinstance(before, Unknown) else "no actual has come in time")
    if isinstance(now, Unknown):
        return _unknown(metric, now.reason)
    if min(before.rows, now.rows) < rules.minimum_rows:
        few = f"{min(before.rows, now.rows)} rows, {rules.minimum_rows} needed"
        return _unknown(metric, few, rows=now.rows, needed=rules.minimum_rows)
    # Of shares 1 is best, as of accuracy.
    apart = strays(list(_windows(past, window_hours, rules)), before, now, unit=before.value)
    found = worsening(Metric.ACCURACY, before, now, strays=apart)
    loss, error = found.by / before.value, found.standard_error / before.value
    level = rules.level(Signal.ACTUALS, comparisons=2)
    noticed = noticeable(error, found.degrees, level)
    said = f"{now.value:.1%} {words}, and {before.value:.1%} before"
    if loss >= FLOOR and found.p_value < level:
        verdict, why = Verdict.BREACH, f"{said}: past {FLOOR:g} of them and not by chance (p = {found.p_value:.1g})"
    elif noticed > _NOTICEABLE:
        verdict, why = Verdict.UNKNOWN, f"{said}, and a loss of {_NOTICEABLE:g} of them would not be sure"
    elif loss >= FLOOR:
        verdict, why = Verdict.OK, f"{said}: past {FLOOR:g} of them but perhaps by chance (p = {found.p_value:.1g})"
    else:
        verdict, why = Verdict.OK, f"{said}, within {FLOOR:g} of them"
    return Measurement(
        feature="actuals",
        metric=metric,
        value=loss,
        threshold=FLOOR,
        p_value=found.p_value,
        rows=now.rows,
        needed=math.ceil(min(max(now.rows * (noticed / _NOTICEABLE) ** 2, rules.minimum_rows), _MOST_NEEDED)),
        verdict=verdict,
        reason=f"actuals: {why}",
    )


def _unknown(metric: str, reason: str, *, rows: int = 0, needed: int | None = None) -> Measurement:
    return Measurement(
        feature="actuals",
        metric=metric,
        value=None,
        threshold=FLOOR,
        p_value=None,
        rows=rows,
        needed=needed,
        verdict=Verdict.UNKNOWN,
        reason=f"actuals: {reason}",
    )


def _windows(hours: Sequence[tuple[int, int]], size: int, rules: JudgingRules) -> Iterator[Estimate]:
    for first in range(0, len(hours) - size + 1, size):
        found = _share(hours[first : first + size], rules)
        if isinstance(found, Estimate):
            yield found


def _share(hours: Sequence[tuple[int, int]], rules: JudgingRules) -> Estimate | Unknown:
    """Return what share the first of each pair is of the second, with an error by how far hours stray."""
    parts, wholes = np.array(hours, dtype=np.float64).reshape(-1, 2).T
    rows = float(np.sum(wholes))
    if rows == 0:
        return Unknown("there are no such rows")
    value = float(np.sum(parts)) / rows
    worth = rows / rules.design_effect
    given = np.flatnonzero(wholes)
    if len(given) < FEWEST_HOURS:
        error, degrees = math.sqrt(value * (1 - value) / worth), MANY
    else:
        moves = (parts - value * wholes)[given] / rows
        error = standard_error(moves, Clusters(None, len(given)), design_effect=1.0)
        degrees = max(effective(wholes[given]) - 1, 1.0)
    return of_share(value, error, rows=int(rows), effective=worth, degrees=degrees, level=LEVEL)
