"""Judge one version over one window. Nothing is written here: who looks decides what becomes of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from shared.monitor_config import MonitorConfig
from shared.monitoring.evaluation import Evaluation
from shared.monitoring.histories import Histories
from shared.monitoring.looking_back import StoredLook
from shared.monitoring.performing import Performing
from shared.monitoring.refusals import Refusals
from shared.monitoring.standing import Standing
from shared.monitoring.window import Window
from shared.monitoring.windows import Windows
from shared.registry.baselines import Baseline
from shared.registry.manifest import Manifest
from shared.signals.judgement import Judgement, Measurement, Verdict
from shared.signals.judging import HOURS_A_MONTH, JudgingRules, judge
from shared.signals.quality import refusals, volume
from shared.signals.triage import triaged


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found, and the look itself, to be remembered; None of a window without rows."""

    evaluation: Evaluation
    look: StoredLook | None


@dataclass(slots=True)
class Evaluating:
    """Judges windows."""

    windows: Windows
    refusals: Refusals
    histories: Histories
    performing: Performing

    async def evaluate(
        self,
        manifest: Manifest,
        baseline: Baseline,
        window: Window,
        config: MonitorConfig,
        *,
        looks: Sequence[StoredLook],
        standing: Standing,
    ) -> Looked:
        """Judge a version over a window.

        Args:
            manifest: of the version.
            baseline: what it is compared with.
            window: what is judged.
            config: what an alarm must be.
            looks: those that were made; only such as share no rows with the window are made use of.
            standing: of the version among those of its model.

        Raises:
            InvalidDocument: something that was stored cannot be read.
            StorageUnavailable: storage could not be read.
        """
        contents = await self.windows.read(manifest.model, manifest.version, window, baseline.bins)
        watched = await self.histories.watched(baseline)
        refused = await self.refusals.read(manifest.model, manifest.version, window)
        rules = _rules(config, standing)
        rows = contents.profile.rows
        history = watched.history(looks, window, every_hours=config.schedule.hours, features=frozenset(config.features))
        seen = watched.of(baseline.bins, contents.profile)
        told = await asyncio.to_thread(history.tell, seen, rows=rows, rules=rules)
        names = [name for name in baseline.bins.features if not rules.features or name in rules.features]
        also = [
            *([volume(rows, history.usual_rows())] if standing.is_champion else []),
            *refusals(
                refused.requests,
                names,
                rows=(baseline.profile.rows, rows),
                design_effect=rules.design_effect,
                refused_rows=refused.rows,
            ),
        ]
        judged = await asyncio.to_thread(
            judge, baseline.profile, contents.profile, baseline.bins, rules=rules, told=told, also=also
        )
        performed = await self.performing.judge(manifest, baseline, window, config, rules=rules)
        of_rows = tuple(map(_rounded, triaged(judged, alike=history.alike(told))))
        evaluation = Evaluation(
            model=manifest.model,
            version=manifest.version,
            start=window.first.key,
            end=window.end.key,
            rows=rows,
            baseline=baseline.folder,
            bins=baseline.profile.bins,
            config=config.digest,
            history=history.digest,
            is_calibrating=len(told) < history.signals and rows > 0,
            versions=standing.versions,
            is_champion=standing.is_champion,
            inputs=contents.inputs | refused.inputs | baseline.inputs | watched.inputs | performed.inputs,
            judgements=(*of_rows, *map(_rounded, performed.judgements)),
            performance=performed.report,
        )
        is_quiet = not any(map(_is_news, (one for judgement in of_rows for one in judgement.measurements)))
        return Looked(evaluation, StoredLook.at(window, seen, rows=rows, is_quiet=is_quiet) if rows else None)


def _rules(config: MonitorConfig, standing: Standing) -> JudgingRules:
    return JudgingRules(
        false_alarms_per_month=config.false_alarms_per_month / standing.versions,
        ks_floor=config.floor.ks,
        l_infinity_floor=config.floor.l_infinity,
        share_floor=config.floor.share,
        looks_per_month=max(round(HOURS_A_MONTH / config.schedule.hours), 1),
        features=frozenset(config.features),
        numerical_thresholds={str(name): limit for name, limit in config.metric_thresholds.numerical.items()},
        categorical_thresholds={str(name): limit for name, limit in config.metric_thresholds.categorical.items()},
    )


def _is_news(one: Measurement) -> bool:
    """Whether a comparison keeps a look from teaching what is usual.

    A fixed threshold (which has no p-value) does not, since it may be passed always; nor does the number of rows, which
    would else never be usual again once it has changed. What turned out is of another window, and is not asked.
    """
    return one.verdict is Verdict.BREACH and one.p_value is not None and one.metric != "volume_change"


def _rounded(judgement: Judgement) -> Judgement:
    """Return a judgement with twelve digits of each number: in the last ones processors differ."""
    measurements = tuple(
        msgspec.structs.replace(
            one,
            value=_digits(one.value),
            p_value=_digits(one.p_value),
            also={name: float(f"{value:.12g}") for name, value in one.also.items()},
            p_values={name: float(f"{value:.12g}") for name, value in one.p_values.items()},
        )
        for one in judgement.measurements
    )
    return msgspec.structs.replace(judgement, measurements=measurements)


def _digits(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.12g}")
