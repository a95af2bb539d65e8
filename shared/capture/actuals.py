"""Actuals as they come in: each accepted or refused on its own."""

import asyncio
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal, Protocol
from uuid import UUID

import msgspec

from shared.capture.records import Actual
from shared.clock import Clock
from shared.errors import NotKept, RequestTooLarge, UnknownModel, UnreadableRequest
from shared.ids import uuid7
from shared.registry.store import Registry
from shared.scoring import strict_json
from shared.scoring.prediction import Kept
from shared.telemetry import Telemetry
from shared.telemetry.operations import reported

MOST_ACTUALS: Final = 10_000
_MOST_ON_THE_LOOP: Final = 500
_LONGEST_TEXT: Final = 1_024
_LONGEST_REASON: Final = 256
_EARLIEST: Final = datetime(2, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    """One actual as a caller writes it; ``at`` is when it became known, now where it is left out."""

    value: float | int | bool | str
    prediction_id: UUID | None = None
    external_id: str | None = None
    at: datetime | None = None


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one actual: accepted under an id, or refused for a reason."""

    status: Literal["accepted", "refused"]
    id: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """The answers, one an actual in the order they came, and how the accepted ones were kept."""

    answers: list[Answer]
    accepted: int
    capture: Kept


class Keeper(Protocol):
    """Whoever keeps actuals."""

    async def keep_actuals(self, actuals: Sequence[Actual]) -> Kept:
        """Keep actuals of one model (at least one), and say how the worst of them was kept."""
        ...


@dataclass(slots=True)
class ReceivingActuals:
    """Takes actuals for any registered model; ``kept_or_refused`` refuses those of a request that could not be kept."""

    registry: Registry
    keeper: Keeper
    clock: Clock
    telemetry: Telemetry
    _: KW_ONLY
    max_body_bytes: int
    max_depth: int
    kept_or_refused: bool = False

    async def receive(self, model: str, body: bytes, *, request_id: str) -> Received:
        """Take the actuals of one request; one that cannot be read does not keep the others out.

        Raises:
            UnknownModel: no version of the model is registered.
            RequestTooLarge: the body is over the limit, or there are more than 10,000 actuals.
            UnreadableRequest: the body is not an array of JSON.
            NotKept: actuals have to be kept, and could not be.
        """
        with reported(self.telemetry, self.clock, "actuals", model, operation_id=request_id):
            if not await self.registry.has(model):
                raise UnknownModel(model)
            if len(body) > self.max_body_bytes:
                raise RequestTooLarge("too many bytes in the body", size=len(body), limit=self.max_body_bytes)
            given = strict_json.decode(body, max_depth=self.max_depth)
            return await self._take(model, given)

    async def _take(self, model: str, given: object) -> Received:
        if type(given) is not list or not given:
            raise UnreadableRequest('actuals are an array of {"prediction_id" or "external_id", "value", "at"}')
        if len(given) > MOST_ACTUALS:
            raise RequestTooLarge("too many actuals", size=len(given), limit=MOST_ACTUALS)
        now = self.clock.now()
        # All at once they would hold up every other request for a twentieth of a second.
        many = len(given) > _MOST_ON_THE_LOOP
        read = await asyncio.to_thread(_read_all, given, model, now) if many else _read_all(given, model, now)
        actuals = [one for one in read if isinstance(one, Actual)]
        kept = await self.keeper.keep_actuals(actuals) if actuals else Kept.ACKED
        if kept is Kept.LOST and self.kept_or_refused:
            raise NotKept
        answers = [Answer("accepted", id=one.id) if isinstance(one, Actual) else one for one in read]
        return Received(answers, len(actuals), kept)


def _read_all(given: Sequence[Any], model: str, now: datetime) -> list[Actual | Answer]:
    return [_read(one, model, now) for one in given]


def _read(given: Any, model: str, now: datetime) -> Actual | Answer:  # noqa: ANN401 - whatever JSON holds
    try:
        one = msgspec.convert(given, _Given)
    except msgspec.ValidationError as error:
        return Answer("refused", reason=str(error)[:_LONGEST_REASON])  # it names a member that nobody asked for
    reason = _refusal(one)
    if reason:
        return Answer("refused", reason=reason)
    return Actual(
        id=uuid7(now),
        model=model,
        prediction_id=None if one.prediction_id is None else str(one.prediction_id),
        external_id=one.external_id,
        at=(one.at or now).astimezone(UTC).isoformat(),
        value=one.value,
    )


def _refusal(one: _Given) -> str | None:
    """Return what is wrong with an actual, or None."""
    if (one.prediction_id is None) == (one.external_id is None):
        return "it has either a prediction_id or an external_id"
    if any(isinstance(text, str) and not 0 < len(text) <= _LONGEST_TEXT for text in (one.value, one.external_id)):
        return f"a text has 1 to {_LONGEST_TEXT} characters"
    return _refusal_of_time(one.at) or _refusal_of_number(one.value)


def _refusal_of_time(at: datetime | None) -> str | None:
    if at is not None and at.tzinfo is None:
        return "its time has no zone"
    if at is not None and not _EARLIEST <= at < _LATEST:
        return "its time is in no year that a calendar in another zone has"
    return None


def _refusal_of_number(value: float | bool | str) -> str | None:  # noqa: FBT001 - a value
    if isinstance(value, float) and not abs(value) < float("inf"):
        return "its value is not finite"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "its value does not fit in 64 bits"
    return None
