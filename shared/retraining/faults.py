"""Which data faults of a version are open: what its alerts and its newest evaluation say."""

from dataclasses import dataclass, field

from shared.alerts.store import Newest, newest_path
from shared.blobs import Blobs
from shared.documents import Reader
from shared.errors import BlobMissing, NoEvaluation
from shared.monitoring.evaluation import Evaluations
from shared.registry.manifest import Manifest
from shared.retraining.situation import DataFault
from shared.signals.judgement import Cause, Judgement, Signal, Verdict

_DRIFT = (Signal.DRIFT, Signal.PREDICTION_DRIFT, Signal.JOINT_DRIFT, Signal.SEGMENT_DRIFT)


@dataclass(slots=True)
class Faults:
    """Finds data faults."""

    blobs: Blobs
    evaluations: Evaluations
    _reader: Reader = field(init=False)

    def __post_init__(self) -> None:
        self._reader = Reader(self.blobs)

    async def of(self, version: Manifest) -> tuple[list[DataFault], dict[str, str]]:
        """Return a version's open data faults, and the SHA-256 of every alert that was read, by path.

        An alert of quality is one; an alert of drift is, where the newest evaluation says that a data fault is what it looks
        like.
        """
        judged = await self._judged(version)
        found: list[DataFault] = []
        inputs: dict[str, str] = {}
        for signal in (Signal.QUALITY, *_DRIFT):
            path = newest_path(version, signal)
            try:
                read = await self._reader.read(path, Newest)
            except BlobMissing:
                continue
            inputs[path] = read.sha256
            alert = read.document.alert
            if alert is None or alert.state != "open":
                continue
            if signal is Signal.QUALITY:
                found += [DataFault(alert.opened_at, reason) for reason in alert.reasons]
            elif (judgement := judged.get(signal)) is not None and judgement.triage is not None:
                found += [DataFault(alert.opened_at, evidence) for evidence in judgement.triage.evidence]
        return found, inputs

    async def _judged(self, version: Manifest) -> dict[Signal, Judgement]:
        """Return the breaches of the newest evaluation that look like a data fault."""
        try:
            evaluation = await self.evaluations.newest(version.model, version.version)
        except NoEvaluation:
            return {}
        return {
            one.signal: one
            for one in evaluation.judgements
            if one.verdict is Verdict.BREACH and one.triage is not None and one.triage.cause is Cause.DATA_FAULT
        }
