"""A prediction, and how it was kept."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal, Protocol, TypeAlias

import msgspec

from shared.scoring.validation import Scalar

Outputs: TypeAlias = dict[str, float | int | bool | str]


class Kept(StrEnum):
    """How a record was kept, best first."""

    ACKED = "acked"
    SAMPLED_OUT = "sampled_out"
    OFF = "off"
    SPOOLED = "spooled"
    LOST = "lost"


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


class Keeper(Protocol):
    """Whoever keeps predictions."""

    async def keep(self, predictions: Sequence[Prediction]) -> Kept:
        """Keep the predictions of one request (at least one), and say how the worst of them was kept.

        Raises:
            RequestTooLarge: a row's record is over the limit, so that nothing of the request was kept.
        """
        ...
