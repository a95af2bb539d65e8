"""Is a version worse than it was, now that actuals have come? Numbers and verdicts; where rows are kept nobody here knows.

As everywhere two keys open an alarm: a loss must be **sure**, rarer than the budget allows by what hours and windows of the
version stray, and **large**, past the floor. Where actuals have not come, nothing is known, which is not good: it is
``unknown``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from shared.signals.judgement import Measurement, Signal, Verdict
from shared.signals.judging import JudgingRules
from shared.signals.performance.comparing import Worsening, worsening
from shared.signals.performance.estimate import SHARES, Estimate, Metric, Unknown
from shared.signals.performance.straying import strays

FEWEST_REFERENCE_ROWS: Final = 200
"""Rows with actuals that say how good a version was at first."""

_MOST_NEEDED: Final = 1e9
_OF_ITSELF: Final = SHARES | {Metric.R2}
"""Metrics whose loss is a difference; that of others, which have a unit, is a share of what they were."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One metric of all rows, or of a segment, before and now.

    Attributes:
        name: ``all rows``, or the segment, as ``carrier=AA``.
        metric: which.
        before: of the version's first rows with actuals.
        windows: of these, in windows as long as the current one, as far as they are known.
        now: of the window.
    """

    name: str
    metric: Metric
    before: Estimate | Unknown
    windows: Sequence[Estimate]
    now: Estimate | Unknown


def measured(one: Compared, *, rules: JudgingRules, floor: float, comparisons: int) -> Measurement:
    """Judge whether one metric is worse than it was.

    Args:
        one: what is compared.
        rules: what an alarm must be.
        floor: the smallest loss worth hearing about.
        comparisons: how many share the signal's part of the budget in one look.
    """
    before, now = one.before, one.now
    if isinstance(before, Unknown):
        return unknown(one.name, one.metric, f"how good it was is not known: {before.reason}", floor=floor)
    if isinstance(now, Unknown):
        return unknown(one.name, one.metric, now.reason, floor=floor)
    if before.rows < FEWEST_REFERENCE_ROWS:
        few = f"{before.rows} rows with actuals from before, {FEWEST_REFERENCE_ROWS} needed"
        return unknown(one.name, one.metric, few, floor=floor, rows=now.rows)
    if now.rows < rules.minimum_rows:
        few = f"{now.rows} rows with actuals, {rules.minimum_rows} needed"
        return unknown(one.name, one.metric, few, floor=floor, rows=now.rows, needed=rules.minimum_rows)
    unit = 1.0 if one.metric in _OF_ITSELF else before.value
    if unit <= 0:
        nothing = f"{one.metric} was 0, of which nothing is a share"
        return unknown(one.name, one.metric, nothing, floor=floor, rows=now.rows)
    found = worsening(one.metric, before, now, strays=strays(one.windows, before, now, unit=unit))
    level = rules.level(Signal.PERFORMANCE, comparisons=comparisons)
    noticed = noticeable(found.standard_error / unit, found.degrees, level)
    needed = math.ceil(min(max(now.rows * (noticed / rules.noticeable) ** 2, rules.minimum_rows), _MOST_NEEDED))
    verdict, why = _verdict(found, found.by / unit, noticed, level=level, floor=floor, rules=rules)
    return Measurement(
        feature=one.name,
        metric=f"worse_{one.metric}",
        value=found.by / unit,
        threshold=floor,
        p_value=found.p_value,
        rows=now.rows,
        needed=needed,
        verdict=verdict,
        reason=f"{one.name}: {one.metric} is {now.value:.4g}, and was {before.value:.4g}: {why}",
    )


def unknown(
    name: str, metric: Metric, reason: str, *, floor: float, rows: int = 0, needed: int | None = None
) -> Measurement:
    """Return that nothing can be said of a metric, and why."""
    return Measurement(
        feature=name,
        metric=f"worse_{metric}",
        value=None,
        threshold=floor,
        p_value=None,
        rows=rows,
        needed=needed,
        verdict=Verdict.UNKNOWN,
        reason=f"{name}: {reason}",
    )


def noticeable(error: float, degrees: float, level: float) -> float:
    """Return the smallest loss that would be sure, were this the error of it."""
    from scipy.special import stdtrit

    return error * float(stdtrit(degrees, 1 - level))


def _verdict(
    found: Worsening, loss: float, noticed: float, *, level: float, floor: float, rules: JudgingRules
) -> tuple[Verdict, str]:
    chance = f"p = {found.p_value:.1g}"
    if loss >= floor and found.p_value < level:
        return Verdict.BREACH, f"worse by {loss:.3g}, past {floor:g} and not by chance ({chance})"
    if noticed > rules.noticeable:
        return (
            Verdict.UNKNOWN,
            f"a loss of {rules.noticeable:g} would not be sure with so few rows, or such as stray so",
        )
    if loss >= floor:
        return Verdict.OK, f"worse by {loss:.3g}, past {floor:g} but perhaps by chance ({chance})"
    return Verdict.OK, f"within {floor:g}"
