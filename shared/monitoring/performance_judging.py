"""From rows with actuals to the judgement of performance, and what an evaluation says of it: no I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shared.hours import Hour
from shared.monitor_config import JudgedPerformance
from shared.monitoring.performance_report import Figure, PerformanceReport, assumption, beside, figures
from shared.monitoring.settling import Settled
from shared.monitoring.window import Window
from shared.registry.manifest import Manifest, Task
from shared.signals.judgement import Judgement, Measurement, Signal
from shared.signals.judging import JudgingRules
from shared.signals.performance.answering import Answering, values
from shared.signals.performance.arriving import Arrivals, coverage
from shared.signals.performance.estimate import Estimate, Metric, Performance, Unknown
from shared.signals.performance.judging import Compared, measured, unknown
from shared.signals.performance.versions import Measuring
from shared.signals.summing_up import summed_up

ALL: Final = "all rows"
_FEWEST_OF_USUAL: Final = 0.5
"""Of a window that has less of the usual actuals, those that are missing may be others."""

_MOST_WINDOWS: Final = 30
_ROWS_OF_A_WINDOW: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a version's answers.

    Attributes:
        settled: the newest window whose actuals should have come.
        before: the hours that it is compared with.
        arrivals: of the settled window, hour by hour.
        usual: share of the predictions before that had their actual in time; None where there were none.
        rows_before: those of ``before`` with actuals.
        rows: those of the settled window with actuals.
        past: rows with actuals that estimates are learned from.
        newest: rows of the newest window, without actuals.
        digest: SHA-256 of what was known of earlier hours.
    """

    settled: Settled
    before: Window
    arrivals: Sequence[Arrivals]
    usual: float | None
    rows_before: pa.Table
    rows: pa.Table
    past: pa.Table
    newest: pa.Table
    digest: str


def judged_metric(task: Task, judged: JudgedPerformance) -> Metric:
    """Return the metric that a version is judged by."""
    if judged.metric is not None:
        return Metric(judged.metric)
    return Metric.ACCURACY if task is Task.CLASSIFICATION else Metric.MAE


def nothing_known(task: Task, judged: JudgedPerformance, reason: str) -> Judgement:
    """Return the judgement of a version of which no actuals are known."""
    found = unknown(ALL, judged_metric(task, judged), reason, floor=judged.floor)
    return summed_up(Signal.PERFORMANCE, [found])


def judge_performance(
    manifest: Manifest,
    known: Known,
    *,
    segments: Mapping[str, Sequence[str]],
    judged: JudgedPerformance,
    rules: JudgingRules,
) -> tuple[Judgement, PerformanceReport]:
    """Judge how good a version's answers were, and say how good they should be since.

    Args:
        manifest: of the version.
        known: what is known of its answers.
        segments: values by feature, of which the rows are judged by themselves as well.
        judged: by which metric, and from which loss on.
        rules: what an alarm must be.
    """
    metric = judged_metric(manifest.task, judged)
    answering = Answering.of(manifest)
    tables = [known.rows_before, known.rows, known.past, known.newest]
    schema = manifest.schema.captured
    measuring = Measuring.of(answering, tables, schema, design_effect=rules.design_effect, quantile=judged.quantile)
    before, realised = measuring.realised(known.rows_before), measuring.realised(known.rows)
    missing = Unknown(f"version {manifest.version} has no {metric}")
    by_segment: dict[str, Performance] = {}
    compared = [
        Compared(
            name=ALL,
            metric=metric,
            before=before.get(metric, missing),
            windows=list(_windows(measuring, metric, known.rows_before, known)),
            now=realised.get(metric, missing),
        )
    ]
    for name, own_before, own in _segments(known, segments):
        by_segment[name] = measuring.realised(own)
        compared.append(
            Compared(
                name=name,
                metric=metric,
                before=measuring.realised(own_before, only=metric).get(metric, missing),
                windows=list(_windows(measuring, metric, own_before, known)),
                now=by_segment[name].get(metric, missing),
            )
        )
    learned = measuring.estimated(known.past, known.rows, known.newest)
    share = coverage(known.arrivals)
    reason = _too_few(share, known.usual)
    found = [_measured(one, reason, len(compared), judged, rules) for one in compared]
    # What few actuals say of the rest would be held against an estimate of all.
    has_truth = reason is None
    report = PerformanceReport(
        start=known.settled.window.first.key,
        end=known.settled.window.end.key,
        delay_hours=known.settled.delay_hours,
        coverage=_digits(share),
        usual_coverage=_digits(known.usual),
        metric=str(metric),
        before_start=known.before.first.key,
        before_end=known.before.end.key,
        before=figures(before),
        realised=_figures(realised, reason),
        segments={name: _figures(performance, reason) for name, performance in by_segment.items()},
        estimated=figures(learned.expected),
        calibrated_on=learned.rows,
        assumption=assumption(learned.check) if has_truth else None,
        side_by_side=beside(learned.side_by_side) if has_truth else (),
        unfit=measuring.unfit(known.rows),
        past=known.digest,
    )
    return summed_up(Signal.PERFORMANCE, found), report


def _measured(
    one: Compared, reason: str | None, comparisons: int, judged: JudgedPerformance, rules: JudgingRules
) -> Measurement:
    if reason is not None:
        rows = one.now.rows if isinstance(one.now, Estimate) else 0
        return unknown(one.name, one.metric, reason, floor=judged.floor, rows=rows)
    return measured(one, rules=rules, floor=judged.floor, comparisons=comparisons)


def _too_few(share: float | None, usual: float | None) -> str | None:
    """Return why actuals of a window say nothing: those that have come may be others than those that have not."""
    if share is None:
        return "there were no predictions"
    if share == 0:
        return "no actuals have come in time"
    if usual is not None and share < _FEWEST_OF_USUAL * usual:
        return f"{share:.0%} of the predictions have their actual, where {usual:.0%} usually have"
    return None


def _windows(measuring: Measuring, metric: Metric, rows: pa.Table, known: Known) -> Iterator[Estimate]:
    """Yield the metric of windows of earlier rows that are as long as the settled one and share no rows."""
    size = known.settled.window.hours
    keys = pc.unique(rows.column("hour")).to_pylist()
    first = known.before.first.since_monday
    by_window: dict[int, list[str]] = {}
    for key in keys:
        by_window.setdefault((Hour.parse(key).since_monday - first) // size, []).append(key)
    chosen = sorted(by_window)
    if len(chosen) > _MOST_WINDOWS:
        chosen = [chosen[place * len(chosen) // _MOST_WINDOWS] for place in range(_MOST_WINDOWS)]
    for window in chosen:
        own = rows.filter(pc.is_in(rows.column("hour"), value_set=pa.array(by_window[window], pa.string())))
        found = measuring.realised(own, only=metric).get(metric) if own.num_rows >= _ROWS_OF_A_WINDOW else None
        if isinstance(found, Estimate):
            yield found


def _segments(known: Known, segments: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, pa.Table, pa.Table]]:
    """Yield the name of each segment, its rows of before, and those of the settled window."""
    for feature, names in segments.items():
        before, now = values(known.rows_before, feature), values(known.rows, feature)
        for name in names:
            parts = [
                table.filter(pa.array(np.asarray(own == name)))
                for table, own in ((known.rows_before, before), (known.rows, now))
            ]
            yield f"{feature}={name}", parts[0], parts[1]


def _figures(performance: Performance, reason: str | None) -> dict[str, Figure]:
    if reason is None:
        return figures(performance)
    return {str(metric): Figure(unknown=reason) for metric in performance}


def _digits(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.12g}")
