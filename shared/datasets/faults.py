"""Which hours lay under an alert that looks like a data fault."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from shared import documents
from shared.alerts.lifecycle import Alert
from shared.alerts.store import alerts_folder
from shared.blobs import Blobs
from shared.datasets.manifest import Fault
from shared.errors import NoEvaluation
from shared.hours import Hour
from shared.monitoring.evaluation import Evaluation, Evaluations
from shared.registry.manifest import Manifest
from shared.signals.judgement import Cause, Signal

_SIGNALS: Final = (
    Signal.QUALITY,
    Signal.DRIFT,
    Signal.PREDICTION_DRIFT,
    Signal.JOINT_DRIFT,
    Signal.SEGMENT_DRIFT,
)
_TO_THE_END: Final = timedelta(hours=1) - timedelta(microseconds=1)


@dataclass(slots=True)
class FaultyHours:
    """Finds data faults in alerts and evaluations."""

    blobs: Blobs
    evaluations: Evaluations

    async def of(self, version: Manifest, first: Hour, end: Hour, *, window_hours: int) -> list[Fault]:
        """Return the faults of a version that touch the hours from ``first`` up to ``end``, which is not among them.

        An alert of quality is one; an alert of drift is, where the evaluation that opened it, or the newest one while it
        is open, says that a data fault is what it looks like. It lasts from the beginning of the first window with a
        breach until it was resolved.

        Args:
            version: whose.
            first: the first hour.
            end: the first that is not wanted any more.
            window_hours: how long a window is taken to be where the evaluation that would say so is not kept any more.
        """
        found: list[Fault] = []
        for signal in _SIGNALS:
            async for stored in self.blobs.under(alerts_folder(version, signal)):
                alert, _ = await documents.read(self.blobs, stored.path, Alert)
                opening = await documents.find(self.blobs, alert.evaluation, Evaluation)
                if signal is not Signal.QUALITY and not await self._is_fault(alert, opening):
                    continue
                start = Hour.parse(opening.start) if opening else Hour.containing(alert.opened_at).plus(-window_hours)
                until = end if alert.resolved_at is None else _ending(alert.resolved_at)
                if start < end and first < until:
                    found.append(
                        Fault(
                            version=version.version,
                            start=max(first, start).key,
                            end=min(end, until).key,
                            alert=alert.id,
                        )
                    )
        return sorted(found, key=lambda one: (one.start, one.alert))

    async def _is_fault(self, alert: Alert, opening: Evaluation | None) -> bool:
        if opening is not None and _says_fault(opening, alert.signal):
            return True
        if alert.state != "open":
            return False
        try:
            return _says_fault(await self.evaluations.newest(alert.model, alert.version), alert.signal)
        except NoEvaluation:
            return False


def _says_fault(evaluation: Evaluation, signal: Signal) -> bool:
    return any(
        one.signal is signal and one.triage is not None and one.triage.cause is Cause.DATA_FAULT
        for one in evaluation.judgements
    )


def _ending(moment: datetime) -> Hour:
    """Return the first hour that begins at a moment or after it."""
    return Hour.containing(moment + _TO_THE_END)
