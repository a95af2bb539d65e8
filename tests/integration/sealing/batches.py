"""Batches as the trigger delivers them, of events that need not have gone through a hub."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from shared.ids import uuid7
from shared.scoring.prediction import Failure


@dataclass(frozen=True)
class Delivered:
    """One event."""

    sequence_number: int
    enqueued_time: datetime
    body: bytes
    partition: str = "0"

    @property
    def metadata(self) -> Mapping[str, Any]:
        return {"PartitionContext": {"PartitionId": self.partition}}

    def get_body(self) -> bytes:
        return self.body


def event(*records: bytes, sequence: int, at: datetime, partition: str = "0") -> Delivered:
    return Delivered(sequence, at, b"\n".join(records), partition)


def prediction(at: datetime, distance: object = 1.0, **members: object) -> bytes:
    """Return a prediction's record."""
    whole = {
        "format": 1,
        "id": uuid7(at),
        "kind": "prediction",
        "model": "flights",
        "version": "1",
        "request_id": "request",
        "row": 0,
        "external_id": None,
        "at": at.isoformat(),
        "inputs": {"distance": distance, "carrier": "AA"},
        "outputs": {"prediction": 0.5},
        "latency_ms": 1.0,
        "weight": 1,
    }
    return msgspec.json.encode({**whole, **members})


def failure(at: datetime, code: str, feature: str | None = None, *, rows: int | None = None) -> bytes:
    """Return the record of a request that failed."""
    return msgspec.json.encode(
        Failure(
            id=uuid7(at),
            model="flights",
            version="1",
            request_id="request",
            at=at.isoformat(),
            status=422,
            code=code,
            feature=feature,
            asked=None,
            rows=rows,
        )
    )


def id_of(record: bytes) -> str:
    own: str = json.loads(record)["id"]
    return own
