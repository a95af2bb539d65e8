"""What an evaluation says of how good answers were, and how good they should be."""

from collections.abc import Iterable

import msgspec

from shared.signals.judgement import Verdict
from shared.signals.performance.checked import Checked
from shared.signals.performance.estimate import Estimate, Performance, Unknown
from shared.signals.performance.side_by_side import SideBySide


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One metric with its interval of 95 %, or why nothing can be said of it."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    rows: int = 0
    unknown: str | None = None

    @classmethod
    def of(cls, found: Estimate | Unknown) -> "Figure":
        """Return it with twelve digits: in the last ones processors differ."""
        if isinstance(found, Unknown):
            return cls(unknown=found.reason)
        value, low, high = (float(f"{number:.12g}") for number in (found.value, found.low, found.high))
        return cls(value=value, low=low, high=high, rows=found.rows)


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What was estimated of some rows, what turned out of the same, and whether that lies within the interval."""

    metric: str
    estimated: Figure
    realised: Figure
    covers: bool


class Assumption(msgspec.Struct, frozen=True, kw_only=True):
    """What came of the last check of what estimates assume."""

    verdict: Verdict
    reason: str
    rows: int


class PerformanceReport(msgspec.Struct, frozen=True, kw_only=True):
    """How good answers were where actuals have come, and how good they should be where none have.

    Attributes:
        start: first hour of the newest window whose actuals should have come, the settled one.
        end: the first hour after it.
        delay_hours: how long an actual may take: as configured, or within it 95 % of those that came.
        coverage: share of its predictions that have their actual; None without predictions.
        usual_coverage: the same of the 30 days before.
        metric: by which it is judged.
        before_start: first hour of the rows it is compared with: the first that had actuals.
        before_end: the first hour after those.
        before: how good answers were then.
        realised: how good answers of the settled window were.
        segments: the same of each segment, as ``carrier=AA``.
        estimated: how good those of the evaluation's own window should be.
        calibrated_on: how many rows with actuals estimates were learned from; None where there were too few.
        assumption: whether the settled window was as estimates assume; None where nothing was learned.
        side_by_side: of the settled window what was estimated, without its actuals, and what turned out.
        unfit: actuals of the settled window that are none of the classes.
        past: SHA-256 of what was known of earlier hours.
    """

    start: str
    end: str
    delay_hours: int
    coverage: float | None
    usual_coverage: float | None
    metric: str
    before_start: str
    before_end: str
    before: dict[str, Figure]
    realised: dict[str, Figure]
    segments: dict[str, dict[str, Figure]]
    estimated: dict[str, Figure]
    calibrated_on: int | None
    assumption: Assumption | None
    side_by_side: tuple[Beside, ...]
    unfit: int
    past: str


def figures(performance: Performance) -> dict[str, Figure]:
    """Return every metric as it is stored."""
    return {str(metric): Figure.of(found) for metric, found in performance.items()}


def assumption(check: Checked | None) -> Assumption | None:
    """Return a check as it is stored."""
    return None if check is None else Assumption(verdict=check.verdict, reason=check.reason, rows=check.rows)


def beside(pairs: Iterable[SideBySide]) -> tuple[Beside, ...]:
    """Return estimates and what turned out as they are stored."""
    return tuple(
        Beside(
            metric=str(one.metric),
            estimated=Figure.of(one.estimated),
            realised=Figure.of(one.realised),
            covers=one.covers,
        )
        for one in pairs
    )
