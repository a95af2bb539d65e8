"""Judge one version over one window. Nothing is written here: who looks decides what becomes of it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from shared.monitor_config import MonitorConfig
from shared.monitoring.evaluation import Evaluation
from shared.monitoring.histories import Histories, StoredLook
from shared.monitoring.refusals import Refusals
from shared.monitoring.windows import Window, Windows
from shared.registry.baselines import Baseline
from shared.registry.manifest import Manifest
from shared.signals.judgement import Verdict
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

    async def evaluate(
        self,
        manifest: Manifest,
        baseline: Baseline,
        window: Window,
        config: MonitorConfig,
        *,
        looks: Sequence[StoredLook],
        versions: int,
        expects_rows: bool,
    ) -> Looked:
        """Judge a version over a window.

        Args:
            manifest: of the version.
            baseline: what it is compared with.
            window: what is judged.
            config: what an alarm must be.
            looks: those that were made before; only quiet ones that share no rows with the window are made use of.
            versions: how many versions of the model share its budget of false alarms.
            expects_rows: whether as many predictions as usual must be there: of what nobody asks there are none.

        Raises:
            InvalidDocument: something that was stored cannot be read.
            StorageUnavailable: storage could not be read.
        """
        contents = await self.windows.read(manifest.model, manifest.version, window, baseline.bins)
        watched = await self.histories.watched(baseline)
        rows = contents.profile.rows
        rules = JudgingRules(
            false_alarms_per_month=config.false_alarms_per_month / versions,
            ks_floor=config.floor.ks,
            l_infinity_floor=config.floor.l_infinity,
            share_floor=config.floor.share,
            looks_per_month=max(round(HOURS_A_MONTH / config.schedule.hours), 1),
            features=frozenset(config.features),
            numerical_thresholds={str(name): limit for name, limit in config.metric_thresholds.numerical.items()},
            categorical_thresholds={str(name): limit for name, limit in config.metric_thresholds.categorical.items()},
        )
        history = watched.history(looks, window, every_hours=config.schedule.hours)
        values = watched.of(baseline.bins, contents.profile)
        told = await asyncio.to_thread(history.tell, values, window, rows=rows, rules=rules)
        refused = await self.refusals.read(manifest.model, manifest.version, window)
        names = [name for name in baseline.bins.features if not rules.features or name in rules.features]
        also = [
            *([volume(rows, history.usual_rows(window))] if expects_rows else []),
            *refusals(refused.requests, names, rows=(baseline.profile.rows, rows), design_effect=rules.design_effect),
        ]
        judged = await asyncio.to_thread(
            judge, baseline.profile, contents.profile, baseline.bins, rules=rules, told=told, also=also
        )
        judgements = triaged(judged, alike=history.alike(looks, window, told))
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
            inputs=contents.inputs | refused.inputs,
            judgements=judgements,
        )
        is_quiet = all(one.verdict is not Verdict.BREACH for one in judgements)
        return Looked(evaluation, StoredLook.at(window, values, rows=rows, is_quiet=is_quiet) if rows else None)
