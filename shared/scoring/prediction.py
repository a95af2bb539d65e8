"""The records of scoring, and how they were kept: a prediction for each row, a failure for a request without an answer."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Literal, Protocol, TypeAlias

import msgspec

from shared.scoring.validation import Scalar

Outputs: TypeAlias = dict[str, float | int | bool | str]


class Kept(StrEnum):
    """How a record was kept, best first."""

    ACKED = "acked"
    SENT = "sent"
    SAMPLED_OUT = "sampled_out"
    OFF = "off"
    SPOOLED = "spooled"
    LOST = "lost"

    def or_worse(self, other: "Kept") -> "Kept":
        """Return the worse of the two.

        >>> Kept.SPOOLED.or_worse(Kept.ACKED)
        <Kept.SPOOLED: 'spooled'>
        """
        return max(self, other, key=_BEST_FIRST.index)


_BEST_FIRST: Final = tuple(Kept)


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """The record of one scored row, with the names it has in storage.

    Attributes:
        id: a UUIDv7, its own.
        request_id: the request it came with, and ``row`` its place there, from 0.
        external_id: the caller's own key, by which its actual may come.
        at: when it was scored, ISO 8601 in UTC.
        latency_ms: real time from reading the request's body to the model's answer, of all its rows together.
        weight: how many rows it stands for, when only some are kept.
    """

    format: int = 1
    id: str
    kind: Literal["prediction"] = "prediction"
    model: str
    version: str
    request_id: str
    row: int
    external_id: str | None
    at: str
    inputs: dict[str, Scalar]
    outputs: Outputs
    latency_ms: float
    weight: int = 1


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """The record of a request that was refused, or failed.

    Attributes:
        id: a UUIDv7, its own.
        model: the model that was asked, ``_unknown`` where none is registered under that name.
        version: the version that was to answer, None where it was not found.
        request_id: the request's.
        at: when it failed, ISO 8601 in UTC.
        status: the HTTP status of the answer.
        code: why, as the problem document says.
        feature: the first feature that did not fit: one of the version's schema, never a name the caller made up.
        asked: what an unknown model was called, at most 64 characters of it.
        rows: how many rows the request had, where some did not fit the schema; of other failures it is None.
    """

    format: int = 1
    id: str
    kind: Literal["failure"] = "failure"
    model: str
    version: str | None
    request_id: str
    at: str
    status: int
    code: str
    feature: str | None
    asked: str | None
    rows: int | None = None


class Keeper(Protocol):
    """Whoever keeps the records of scoring."""

    async def keep(self, predictions: Sequence[Prediction]) -> Kept:
        """Keep the predictions of one request (at least one), and say how the worst of them was kept.

        Raises:
            RequestTooLarge: a row's record is over the limit, so that nothing of the request was kept.
        """
        ...

    async def keep_failure(self, failure: Failure) -> None:
        """Keep the failure of a request, as predictions are kept; where it cannot be, it is counted as lost."""
        ...
