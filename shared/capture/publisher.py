"""From records to acknowledged events."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from shared.capture.hub import Hub
from shared.capture.records import Actual, Kind, pack
from shared.errors import EventsUnavailable
from shared.ids import NONE
from shared.scoring.prediction import Kept, Prediction
from shared.telemetry import Telemetry

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Publisher:
    """Sends records, and says how they were kept."""

    hub: Hub
    telemetry: Telemetry
    timeout_s: float
    _encoder: msgspec.json.Encoder = msgspec.json.Encoder()  # noqa: RUF009 - it holds no state

    async def keep(self, predictions: Sequence[Prediction]) -> Kept:
        """Send the predictions of one request, of one version; see ``scoring.prediction.Keeper``."""
        first = predictions[0]
        return await self._send(predictions, Kind.PREDICTION, model=first.model, version=first.version)

    async def keep_actuals(self, actuals: Sequence[Actual]) -> Kept:
        """Send actuals of one model; the same as ``keep`` in every other way."""
        return await self._send(actuals, Kind.ACTUAL, model=actuals[0].model, version=NONE)

    async def _send(
        self, records: Sequence[Prediction] | Sequence[Actual], kind: Kind, *, model: str, version: str
    ) -> Kept:
        bodies = list(pack(self._encoder.encode(record) for record in records))
        try:
            await self.hub.send(
                bodies, {"kind": str(kind), "model": model, "version": version}, timeout_s=self.timeout_s
            )
        except EventsUnavailable as error:
            # The answer comes first: what could not be kept is counted and cried out, and the caller is told.
            fields = {"kind": str(kind), "model": model, "version": version, "records": len(records)}
            logger.critical("records lost", extra={**fields, "reason": error.reason})
            self.telemetry.metric("capture_lost_records", len(records), model=model, version=version)
            return Kept.LOST
        return Kept.ACKED


class CaptureOff:
    """Keeps nothing, as the setting ``CAPTURE`` says."""

    async def keep(self, predictions: Sequence[Prediction]) -> Kept:  # noqa: ARG002 - what it is for
        """Say that capture is off."""
        return Kept.OFF

    async def keep_actuals(self, actuals: Sequence[Actual]) -> Kept:  # noqa: ARG002 - what it is for
        """Say that capture is off."""
        return Kept.OFF
