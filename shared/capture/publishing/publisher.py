"""From records to commits: encoded, sampled, and handed over; the answer says how they were kept."""

from collections.abc import Iterable, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Final

import msgspec

from shared.capture.publishing.commits import Commits
from shared.capture.publishing.sampling import is_kept
from shared.capture.publishing.sending import Sending
from shared.capture.records import Actual, Kind, Shelf, check_size
from shared.errors import EventsUnavailable
from shared.ids import NONE
from shared.scoring.prediction import Failure, Kept, Prediction

_ENCODER: Final = msgspec.json.Encoder()


@dataclass(slots=True)
class Publisher:
    """Keeps records; see ``scoring.prediction.Keeper`` and ``actuals.Keeper``.

    ``one_in`` is how many predictions one kept prediction stands for. With ``waits`` an answer says what became of the
    records, without it they are handed over and that is all it says.
    """

    sending: Sending
    _: KW_ONLY
    one_in: int = 1
    waits: bool = True
    _commits: Commits = field(init=False)

    def __post_init__(self) -> None:
        self._commits = Commits(self.sending)

    async def keep(self, predictions: Sequence[Prediction]) -> Kept:
        """Keep the predictions of one request, of one version."""
        first = predictions[0]
        shelf = Shelf(Kind.PREDICTION, first.model, first.version)
        if self.one_in == 1:
            return await self._keep(shelf, _encoded(predictions))
        # All of them are encoded: whether a row is too large must not hang on the id that it happens to get.
        encoded = _encoded(msgspec.structs.replace(one, weight=self.one_in) for one in predictions)
        sample = [
            record for record, one in zip(encoded, predictions, strict=True) if is_kept(one.id, one_in=self.one_in)
        ]
        kept = await self._keep(shelf, sample) if sample else Kept.SAMPLED_OUT
        return kept if len(sample) == len(encoded) else kept.or_worse(Kept.SAMPLED_OUT)

    async def keep_actuals(self, actuals: Sequence[Actual]) -> Kept:
        """Keep the actuals of one request, of one model."""
        return await self._keep(Shelf(Kind.ACTUAL, actuals[0].model, NONE), _encoded(actuals))

    async def keep_failure(self, failure: Failure) -> None:
        """Keep the failure of one request."""
        await self._keep(Shelf(Kind.FAILURE, failure.model, failure.version or NONE), _encoded([failure]))

    async def close(self) -> None:
        """Wait until everything that was handed over has left, and let the connections go."""
        await self._commits.close()
        await self.sending.close()

    async def _keep(self, shelf: Shelf, records: Sequence[bytes]) -> Kept:
        try:
            if self.waits:
                return await self._commits.keep(shelf, records, timeout_s=self.sending.timeout_s)
            await self._commits.hand_over(shelf, records, timeout_s=self.sending.timeout_s)
        except EventsUnavailable as error:
            return self.sending.lost(shelf, len(records), reason=error.reason)
        return Kept.SENT


class CaptureOff:
    """Keeps nothing, as the setting ``CAPTURE`` says."""

    async def keep(self, predictions: Sequence[Prediction]) -> Kept:  # noqa: ARG002 - what it is for
        """Say that capture is off."""
        return Kept.OFF

    async def keep_actuals(self, actuals: Sequence[Actual]) -> Kept:  # noqa: ARG002 - likewise
        """Say that capture is off."""
        return Kept.OFF

    async def keep_failure(self, failure: Failure) -> None:
        """Keep nothing."""


def _encoded(records: Iterable[Prediction] | Iterable[Actual] | Iterable[Failure]) -> list[bytes]:
    """Return each record as its line.

    Raises:
        RequestTooLarge: one of them is over the limit.
    """
    encoded = [_ENCODER.encode(record) for record in records]
    for record in encoded:
        check_size(record)
    return encoded
