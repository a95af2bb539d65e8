"""Actuals as they come in: each accepted or refused on its own."""

import asyncio
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Literal, Protocol
from uuid import UUID

import msgspec

from shared.capture.actual_values import Value, Wanted, refusal_of_text, refusal_of_time, refusal_of_value
from shared.capture.records import Actual
from shared.capture.wanting import Wanting
from shared.clock import Clock
from shared.errors import NotKept, RequestTooLarge, UnreadableRequest
from shared.ids import uuid7
from shared.scoring import strict_json
from shared.scoring.prediction import Kept
from shared.telemetry import Telemetry
from shared.telemetry.operations import reported

MOST_ACTUALS: Final = 10_000
_MOST_ON_THE_LOOP: Final = 500
_LONGEST_REASON: Final = 256


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    """One actual as a caller writes it; ``at`` is when it became known, now where it is left out."""

    value: Value
    prediction_id: UUID | None = None
    external_id: str | None = None
    at: datetime | None = None


class Refused(StrEnum):
    """Why an actual was refused, for programs."""

    UNREADABLE = "unreadable"
    """It is not what an actual is, whatever its model answers."""
    WRONG_TYPE = "wrong_type"
    """No version of its model answers with anything of that type."""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of one actual: accepted under an id, or refused, with a stable code and a reason for a person."""

    status: Literal["accepted", "refused"]
    id: str | None = None
    code: Refused | None = None
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

    wanting: Wanting
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
            wanted = await self.wanting.of(model)
            if len(body) > self.max_body_bytes:
                raise RequestTooLarge("too many bytes in the body", size=len(body), limit=self.max_body_bytes)
            given = strict_json.decode(body, max_depth=self.max_depth)
            return await self._take(model, given, wanted)

    async def _take(self, model: str, given: object, wanted: Wanted | None) -> Received:
        if type(given) is not list or not given:
            raise UnreadableRequest('actuals are an array of {"prediction_id" or "external_id", "value", "at"}')
        if len(given) > MOST_ACTUALS:
            raise RequestTooLarge("too many actuals", size=len(given), limit=MOST_ACTUALS)
        now = self.clock.now()
        # All at once they would hold up every other request for a twentieth of a second.
        many = len(given) > _MOST_ON_THE_LOOP
        what = (given, model, wanted, now)
        read = await asyncio.to_thread(_read_all, *what) if many else _read_all(*what)
        actuals = [one for one in read if isinstance(one, Actual)]
        kept = await self.keeper.keep_actuals(actuals) if actuals else Kept.ACKED
        if kept is Kept.LOST and self.kept_or_refused:
            raise NotKept
        answers = [Answer("accepted", id=one.id) if isinstance(one, Actual) else one for one in read]
        return Received(answers, len(actuals), kept)


def _read_all(given: Sequence[Any], model: str, wanted: Wanted | None, now: datetime) -> list[Actual | Answer]:
    return [_read(one, model, wanted, now) for one in given]


def _read(given: Any, model: str, wanted: Wanted | None, now: datetime) -> Actual | Answer:  # noqa: ANN401 - whatever JSON holds
    try:
        one = msgspec.convert(given, _Given)
    except msgspec.ValidationError as error:
        return _refused(Refused.UNREADABLE, str(error)[:_LONGEST_REASON])  # it names a member that nobody asked for
    reason = _refusal(one)
    if reason:
        return _refused(Refused.UNREADABLE, reason)
    if wanted is not None and not wanted.fits(one.value):
        return _refused(Refused.WRONG_TYPE, wanted.misfit(one.value))
    return Actual(
        id=uuid7(now),
        model=model,
        prediction_id=None if one.prediction_id is None else str(one.prediction_id),
        external_id=one.external_id,
        at=(one.at or now).astimezone(UTC).isoformat(),
        value=one.value,
    )


def _refused(code: Refused, reason: str) -> Answer:
    return Answer("refused", code=code, reason=reason)


def _refusal(one: _Given) -> str | None:
    """Return what cannot be stored of an actual, or None."""
    if (one.prediction_id is None) == (one.external_id is None):
        return "it has either a prediction_id or an external_id"
    return (
        (None if one.external_id is None else refusal_of_text(one.external_id))
        or (None if one.at is None else refusal_of_time(one.at))
        or refusal_of_value(one.value)
    )
