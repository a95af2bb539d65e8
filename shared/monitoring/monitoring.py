"""Look at every version whenever there is more to see, and note what the look found."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from shared import documents
from shared.alerts.lifecycle import Look
from shared.alerts.store import Alerts
from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.config_files import mistake
from shared.errors import BlobMissing, Fault, UnknownModel
from shared.monitor_config import MonitorConfig, monitor_config_path, parse
from shared.monitoring.evaluating import Evaluating
from shared.monitoring.evaluation import Evaluation, Evaluations
from shared.monitoring.histories import Histories
from shared.monitoring.looking_back import Pace
from shared.monitoring.standing import Standing, Standings
from shared.monitoring.window import Window
from shared.registry.baselines import Baselines
from shared.registry.manifest import Manifest
from shared.registry.store import Registry
from shared.schema import FeatureType
from shared.sealing.hours.listing import first_hour
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.signals.judgement import Judgement
from shared.signals.performance.answering import Answering
from shared.telemetry import Telemetry

logger = logging.getLogger(__name__)


class NotEveryVersionEvaluated(ExceptionGroup[Fault]):
    """Some models or versions could not be evaluated, by ``faults``; ``evaluations`` are those that were made."""

    faults: Sequence[Fault]
    evaluations: list[Evaluation]

    def __new__(cls, faults: Sequence[Fault], evaluations: list[Evaluation]) -> Self:
        made = super().__new__(cls, "not every version could be evaluated", faults)
        made.faults, made.evaluations = faults, evaluations
        return made


@dataclass(slots=True)
class Monitoring:
    """Evaluates versions."""

    blobs: Blobs
    registry: Registry
    baselines: Baselines
    evaluating: Evaluating
    histories: Histories
    evaluations: Evaluations
    standings: Standings
    alerts: Alerts
    telemetry: Telemetry

    async def evaluate_all(self, *, model: str | None = None) -> list[Evaluation]:
        """Evaluate every version, or those of one ``model``, whose newest window was not evaluated yet.

        Return the evaluations. Nothing is evaluated twice: between two looks at least one more hour has been sealed. A
        version that is retired is not evaluated, and its open alerts end.

        Raises:
            UnknownModel: there is no such model.
            NotEveryVersionEvaluated: some models or versions could not be; the others were.
        """
        if model is not None and not await self.registry.has(model):
            raise UnknownModel(model)
        watermark = await documents.find(self.blobs, WATERMARK_PATH, Watermark)
        if watermark is None:
            return []
        found: list[Evaluation] = []
        failures: list[Fault] = []
        for name in await self.registry.models() if model is None else [model]:
            with self._set_aside(failures, name):
                config = await self.registry.monitor_config(name)
                window = Window.before(config.newest_end(watermark.hour), hours=config.window_hours)
                standings = await self.standings.of(name, window)
                for manifest in await self.registry.versions(name):
                    with self._set_aside(failures, name, manifest.version):
                        standing = standings[manifest.version]
                        if standing.retired_at is not None:
                            # An alert may be about a window that ends after the version was retired.
                            moment = max(standing.retired_at, watermark.hour.start)
                            await self._note((), Look(name, manifest.version, moment, moment, "", is_last=True))
                        elif await self._is_due(manifest, window):
                            found.append(await self.evaluate(manifest, window, config, standing=standing))
        if failures:
            raise NotEveryVersionEvaluated(failures, found)
        return found

    async def _is_due(self, manifest: Manifest, window: Window) -> bool:
        """Whether a window was not evaluated, and does not begin before the version was first asked.

        Such a window is not full for no reason that will come again.
        """
        evaluated_until = await self.evaluations.evaluated_until(manifest.model, manifest.version)
        if evaluated_until:
            return evaluated_until < window.end.key
        first = await first_hour(self.blobs, Shelf(Kind.PREDICTION, manifest.model, manifest.version))
        return first is not None and first <= window.first

    @contextmanager
    def _set_aside(self, failures: list[Fault], model: str, version: str | None = None) -> Iterator[None]:
        """Keep a fault for later: versions are independent work, so the others are judged before the host is told."""
        try:
            yield
        except Fault as fault:
            self.telemetry.exception(fault, model=model, version=version)
            failures.append(fault)

    async def evaluate(
        self, manifest: Manifest, window: Window, config: MonitorConfig, *, standing: Standing
    ) -> Evaluation:
        """Judge one version over one window, store the evaluation and note what it means for alerts."""
        model, version = manifest.model, manifest.version
        baseline = await self.baselines.current(manifest, config.segments)
        looks = await self.histories.looks(manifest, baseline, window.hours)
        looked = await self.evaluating.evaluate(manifest, baseline, window, config, looks=looks, standing=standing)
        evaluation, judgements = looked.evaluation, looked.evaluation.judgements
        path = await self.evaluations.store(evaluation)
        look = Look(
            model, version, window.start, window.end.start, path, rows=evaluation.rows, config=evaluation.config
        )
        await self._note(judgements, look)
        if looked.look is not None:
            pace = Pace.of(window.hours, every=config.schedule.hours)
            await self.histories.add(manifest, baseline, looked.look, pace)
        # Last, so that an evaluation that ended before its alerts were noted is made again.
        await self.evaluations.point_to(evaluation, path)
        self.telemetry.metric("evaluated_rows", evaluation.rows, model=model, version=version)
        self._measure(evaluation)
        return evaluation

    def _measure(self, evaluation: Evaluation) -> None:
        """Send the metric that a version is judged by, realised and estimated, as far as either is known."""
        report = evaluation.performance
        if report is None:
            return
        for what, figures in (("realised", report.realised), ("estimated", report.estimated)):
            value = figures[report.metric].value if report.metric in figures else None
            if value is not None:
                name = f"{what}_{report.metric}"
                self.telemetry.metric(name, value, model=evaluation.model, version=evaluation.version)

    async def _note(self, judgements: Sequence[Judgement], look: Look) -> None:
        for alert, news in await self.alerts.note(judgements, look):
            self.telemetry.metric(f"alerts_{news}", 1, model=look.model, version=look.version)
            logger.warning("alert news", extra={"alert": alert.id, "news": str(news)})

    async def configure(self, model: str, data: bytes) -> MonitorConfig:
        """Make ``data`` the ``monitor.yaml`` of a model.

        Raises:
            InvalidDocument: it says something that does not hold, and the old one stays.
            UnknownModel: no version of the model is registered.
            BlobChanged: somebody else changed it at the same time.
        """
        path = monitor_config_path(model)
        config = parse(data, path="monitor.yaml")
        versions = await self.registry.versions(model)
        _refuse_unknown_features(config, versions, data)
        _refuse_other_metrics(config, versions, data)
        try:
            old = await self.blobs.read(path)
        except BlobMissing:
            await self.blobs.create(path, data)
        else:
            await self.blobs.replace(path, data, etag=old.etag)
        return config


def _refuse_unknown_features(config: MonitorConfig, versions: list[Manifest], data: bytes) -> None:
    """A name that no version has is a mistake, and would be passed over at every look."""
    features = [feature for version in versions for feature in version.schema.captured.features]
    names = {feature.name for feature in features}
    parts = {one.name for one in features if one.type in {FeatureType.CATEGORY, FeatureType.BOOLEAN}}
    for key, named, known, what in (
        ("features", config.features, names, "captured feature"),
        ("segments", config.segments, parts, "captured category or boolean"),
    ):
        for place, name in enumerate(named):
            if name not in known:
                raise mistake(data, (key, place), f"{name!r} is no {what} of any version", path="monitor.yaml")


def _refuse_other_metrics(config: MonitorConfig, versions: list[Manifest], data: bytes) -> None:
    """A metric of another kind of model, or of probabilities that no version gives, would be unknown at every look."""
    wanted = config.performance.metric
    known = {str(metric) for version in versions for metric in Answering.of(version).metrics}
    if wanted is not None and wanted not in known:
        reason = f"no version has {wanted!r}: there is {', '.join(sorted(known))}"
        raise mistake(data, ("performance", "metric"), reason, path="monitor.yaml")
