"""Replay stored hours through a configuration: which alarms it would have raised, when and why.

Nothing is written. The looks of the replay itself say what is usual, as they would have; the same hours and the same
configuration give the same answer to the byte.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared import documents
from shared.alerts.lifecycle import Alert, Look, after
from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.documents import Document
from shared.errors import NotSealed
from shared.hours import Hour
from shared.monitor_config import MonitorConfig
from shared.monitoring.evaluating import Evaluating
from shared.monitoring.looking_back import Pace, StoredLook, with_look
from shared.monitoring.standing import Standings
from shared.monitoring.window import Window
from shared.registry.baselines import Baselines
from shared.registry.store import Registry
from shared.sealing.hours.listing import first_hour
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.signals.judgement import Signal


class Alarm(Document, frozen=True, kw_only=True):
    """One alert that would have been opened; ``resolved_at`` is None where it was still open at the end."""

    signal: Signal
    opened_at: datetime
    breached_at: datetime
    resolved_at: datetime | None
    reasons: tuple[str, ...]


class Replayed(Document, frozen=True, kw_only=True):
    """What a replay came to.

    Attributes:
        looks: how many windows were judged; ``empty`` of them had no rows, and of ``calibrating`` the history was too short.
        config: SHA-256 of the configuration.
        baseline: the folder of the baseline that windows were compared with.
        alarms: in the order they would have been opened.
        inputs: the SHA-256 of every document that was read, by path.
    """

    model: str
    version: str
    start: str
    end: str
    looks: int
    empty: int
    calibrating: int
    config: str
    baseline: str
    alarms: tuple[Alarm, ...]
    inputs: dict[str, str]


@dataclass(slots=True)
class Backtest:
    """Replays hours."""

    blobs: Blobs
    registry: Registry
    baselines: Baselines
    standings: Standings
    evaluating: Evaluating

    async def replay(
        self,
        model: str,
        version: str,
        config: MonitorConfig,
        *,
        start: Hour,
        end: Hour,
        done: Callable[[int, int], None] = lambda *_: None,
    ) -> Replayed:
        """Judge every window between ``start`` and ``end`` that would have been looked at by the configuration's schedule.

        None that begins before the version was first asked: the monitor does not look at such either.

        Args:
            model: which model.
            version: which of its versions.
            config: what an alarm must be.
            start: before it no window begins.
            end: after it none ends.
            done: is told how many looks are done, of how many.

        Raises:
            UnknownModel: the version is not registered.
            VersionRetired: it is retired, and judged no more.
            NotSealed: ``end`` is after the watermark, so that nobody knows what is in the last windows.
        """
        manifest = await self.registry.manifest(model, version)
        await self.registry.refuse_retired(manifest)
        watermark = await documents.find(self.blobs, WATERMARK_PATH, Watermark)
        if watermark is None or end > watermark.hour:
            raise NotSealed(end.key, before=watermark.before if watermark else None)
        baseline = await self.baselines.current(manifest, config.segments)
        pace = Pace.of(config.window_hours, every=config.schedule.hours)
        first = await first_hour(self.blobs, Shelf(Kind.PREDICTION, model, version)) or start
        ends = [at for at in max(start, first).plus(config.window_hours).until(end.plus(1)) if config.is_end(at)]
        looks: tuple[StoredLook, ...] = ()
        newest: dict[Signal, Alert] = {}
        opened: dict[str, Alert] = {}
        inputs: dict[str, str] = {}
        empty = calibrating = 0
        for number, at in enumerate(ends, start=1):
            window = Window.before(at, hours=config.window_hours)
            standing = (await self.standings.of(model, window))[version]
            looked = await self.evaluating.evaluate(manifest, baseline, window, config, looks=looks, standing=standing)
            evaluation = looked.evaluation
            inputs |= evaluation.inputs
            empty += evaluation.rows == 0
            calibrating += evaluation.is_calibrating
            if looked.look is not None:
                looks = with_look(looks, looked.look, pace)
            look = Look(model, version, window.start, window.end.start, "", rows=evaluation.rows)
            for judgement in evaluation.judgements:
                alert, _ = after(newest.get(judgement.signal), judgement, look)
                if alert is not None:
                    newest[judgement.signal] = opened[alert.id] = alert
            done(number, len(ends))
        return Replayed(
            model=model,
            version=version,
            start=start.key,
            end=end.key,
            looks=len(ends),
            empty=empty,
            calibrating=calibrating,
            config=config.digest,
            baseline=baseline.folder,
            alarms=tuple(map(_alarm, sorted(opened.values(), key=lambda one: (one.opened_at, one.signal)))),
            inputs=dict(sorted(inputs.items())),
        )


def _alarm(alert: Alert) -> Alarm:
    return Alarm(
        signal=alert.signal,
        opened_at=alert.opened_at,
        breached_at=alert.breached_at,
        resolved_at=alert.resolved_at,
        reasons=alert.reasons,
    )
