"""Read what turned out of a version's answers, and judge them by it."""

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime
from typing import Final, Self

import msgspec

from shared import documents
from shared.actuals.reading import HourCounts, Joins
from shared.blobs import Blobs
from shared.hours import Hour
from shared.monitor_config import MonitorConfig
from shared.monitoring.answered_rows import AnsweredRows, Reading
from shared.monitoring.performance_judging import Known, judge_performance, nothing_known
from shared.monitoring.performance_report import PerformanceReport
from shared.monitoring.settling import PAST_HOURS, Settled, arrivals, learned_delay
from shared.monitoring.window import Window
from shared.registry.baselines import ORIGIN_FILE, Baseline, Origin
from shared.registry.manifest import Manifest, Task
from shared.schema import FeatureType
from shared.sealing.hours.manifests import Manifests
from shared.signals.judgement import Judgement
from shared.signals.judging import JudgingRules
from shared.signals.performance.answering import Answering
from shared.signals.performance.arriving import Arrivals, coverage, judge_actuals, no_actuals

_NEVER_SEEN: Final = (
    f"of predictions of the last {PAST_HOURS // 24} days no actuals have come; where they take longer, "
    "monitor.yaml can say how long: actuals_delay"
)


@dataclass(frozen=True, slots=True)
class Performed:
    """What was found: the judgements of performance and of actuals, the report, and the SHA-256 of what was read."""

    judgements: tuple[Judgement, ...]
    report: PerformanceReport | None
    inputs: dict[str, str]


@dataclass(slots=True)
class Performing:
    """Judges performance."""

    blobs: Blobs
    joins: Joins
    reading: Reading

    @classmethod
    def of(cls, blobs: Blobs) -> Self:
        """Return what judges by the actuals that are joined there."""
        manifests = Manifests(blobs)
        joins = Joins(blobs, manifests)
        return cls(blobs, joins, Reading(blobs, joins, manifests))

    async def judge(
        self, manifest: Manifest, baseline: Baseline, window: Window, config: MonitorConfig, *, rules: JudgingRules
    ) -> Performed:
        """Judge a version by the actuals that are known at a look.

        Args:
            manifest: of the version.
            baseline: one that was accepted later says from when on answers are compared with how good they were at first.
            window: what is looked at.
            config: by which metric is judged, and how long actuals take.
            rules: what an alarm must be.

        Raises:
            InvalidDocument: something that was stored cannot be read.
        """
        first = await self.joins.first_hour(manifest)
        if first is None:
            return _nothing(manifest, config, "no actuals have come")
        known = window.end.plus(config.offset_hours)
        delay = config.actuals_delay
        if delay is None:
            delay = learned_delay(await self.joins.counts(manifest, known.plus(-PAST_HOURS), known))
        if delay is None:
            return _nothing(manifest, config, _NEVER_SEEN)
        settled = Settled.of(window, known=known, delay=delay)
        if settled.window.first < first:
            return _nothing(manifest, config, f"of predictions before {first.key} no actuals have come")
        counts = await self.joins.counts(manifest, max(settled.past.first, first), settled.window.end)
        came = _Came.of(counts, settled)
        rows = await self._rows(manifest, baseline, settled, window, first=first, known=known)
        judged, report = await asyncio.to_thread(
            judge_performance,
            manifest,
            Known(
                settled=settled,
                before=rows.before_hours,
                arrivals=came.now,
                usual=coverage(came.before),
                rows_before=rows.before.rows,
                rows=rows.settled.rows,
                past=rows.to_learn_from.rows,
                newest=rows.newest.rows,
                digest=_digest(came.before, rows.before.inputs, rows.to_learn_from.inputs),
            ),
            segments=baseline.bins.segments,
            judged=config.performance,
            rules=rules,
        )
        actuals = judge_actuals(came.before, came.now, window_hours=window.hours, rules=rules)
        return Performed((judged, actuals), report, rows.settled.inputs | rows.newest.inputs)

    async def _rows(
        self, manifest: Manifest, baseline: Baseline, settled: Settled, window: Window, *, first: Hour, known: Hour
    ) -> "_Rows":
        """Return all rows that are looked at.

        Of regressors the features are needed, from which their losses are predicted; of segments, what they are named by.
        """
        answers = Answering.of(manifest).columns
        features, segments = _predicting(manifest), list(baseline.bins.segments)
        before = settled.of_past(max(first, await self._accepted_from(baseline) or first))

        async def joined(hours: Window, asked: Iterable[str], as_of: datetime | None = None) -> AnsweredRows:
            return await self.reading.with_actuals(
                manifest, hours, answers=answers, asked=sorted(set(asked)), delay=settled.delay, as_of=as_of
            )

        return _Rows(
            before,
            await joined(before, segments),
            await joined(settled.window, [*segments, *features], known.start),
            await joined(settled.to_learn_from(first), features),
            await self.reading.without(manifest, window, [*answers, *features]),
        )

    async def _accepted_from(self, baseline: Baseline) -> Hour | None:
        """Return since when what a version is compared with was accepted as normal; None of training data."""
        if not baseline.is_accepted:
            return None
        origin = await documents.find(self.blobs, f"{baseline.folder}{ORIGIN_FILE}", Origin)
        return Hour.parse(origin.start) if origin is not None else None


@dataclass(frozen=True, slots=True)
class _Rows:
    """All rows that are looked at."""

    before_hours: Window
    before: AnsweredRows
    settled: AnsweredRows
    to_learn_from: AnsweredRows
    newest: AnsweredRows


@dataclass(frozen=True, slots=True)
class _Came:
    """How many actuals came, hour by hour, before the settled window and in it."""

    before: list[Arrivals]
    now: list[Arrivals]

    @classmethod
    def of(cls, counts: Sequence[HourCounts], settled: Settled) -> Self:
        came = arrivals(counts, past=settled.past, delay=settled.delay)
        of_past = sum(one.hour < settled.window.first for one in counts)
        return cls(came[:of_past], came[of_past:])


def _nothing(manifest: Manifest, config: MonitorConfig, reason: str) -> Performed:
    return Performed((nothing_known(manifest.task, config.performance, reason), no_actuals(reason)), None, {})


def _predicting(manifest: Manifest) -> list[str]:
    """Return the features that losses are predicted from; none of classes, whose probabilities say it."""
    if manifest.task is Task.CLASSIFICATION:
        return []
    return [one.name for one in manifest.schema.captured.features if one.type is not FeatureType.STRING]


def _digest(before: Sequence[Arrivals], *inputs: dict[str, str]) -> str:
    """Return the SHA-256 of what was known of earlier hours."""
    said = [[astuple(one) for one in before], *(sorted(one.items()) for one in inputs)]
    return hashlib.sha256(msgspec.json.encode(said)).hexdigest()
