"""From records to acknowledged events."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from shared.capture.hub import Hub
from shared.capture.records import Actual, Kind, Shelf, pack
from shared.clock import Clock
from shared.errors import EventsUnavailable
from shared.ids import NONE
from shared.scoring.prediction import Kept, Prediction
from shared.telemetry import Telemetry
from shared.telemetry.operations import calling

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Publisher:
    """Sends records, and says how they were kept."""

    hub: Hub
    telemetry: Telemetry
    clock: Clock
    timeout_s: float
    _encoder: msgspec.json.Encoder = msgspec.json.Encoder()  # noqa: RUF009 - it holds no state

    async def keep(self, predictions: Sequence[Prediction]) -> Kept:
        """Send the predictions of one request, of one version; see ``scoring.prediction.Keeper``."""
        first = predictions[0]
        shelf = Shelf(Kind.PREDICTION, first.model, first.version)
        return await self._send(predictions, shelf, request_id=first.request_id)

    async def keep_actuals(self, actuals: Sequence[Actual], *, request_id: str) -> Kept:
        """Send the actuals of one request, of one model; the same as ``keep`` in every other way."""
        return await self._send(actuals, Shelf(Kind.ACTUAL, actuals[0].model, NONE), request_id=request_id)

    async def _send(self, records: Sequence[Prediction] | Sequence[Actual], shelf: Shelf, *, request_id: str) -> Kept:
        bodies = list(pack(self._encoder.encode(record) for record in records))
        model, version = shelf.model, shelf.version
        properties: dict[str | bytes, str] = {"kind": str(shelf.kind), "model": model, "version": version}
        try:
            with calling(
                self.telemetry,
                self.clock,
                "send",
                kind="Azure Event Hubs",
                target=self.hub.name,
                model=model,
                version=version,
                operation_id=request_id,
            ):
                await self.hub.send(bodies, properties, timeout_s=self.timeout_s)
        except EventsUnavailable as error:
            # The answer comes first: what could not be kept is counted and cried out, and the caller is told.
            fields = {"shelf": shelf.folder, "records": len(records), "reason": error.reason}
            logger.critical("records lost", extra=fields)
            self.telemetry.metric("capture_lost_records", len(records), model=model, version=version)
            return Kept.LOST
        return Kept.ACKED


class CaptureOff:
    """Keeps nothing, as the setting ``CAPTURE`` says."""

    async def keep(self, predictions: Sequence[Prediction]) -> Kept:  # noqa: ARG002 - what it is for
        """Say that capture is off."""
        return Kept.OFF

    async def keep_actuals(self, actuals: Sequence[Actual], *, request_id: str) -> Kept:  # noqa: ARG002 - likewise
        """Say that capture is off."""
        return Kept.OFF
