"""Where a body is read, and a model is asked: on the event loop or in a thread."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from shared.capture.publishing.publisher import CaptureOff
from shared.clock import Clock
from shared.registry.manifest import Manifest
from shared.registry.store import Registry
from shared.schema import Feature, FeatureType, Output, Schema
from shared.scoring.loading import Loaded
from shared.scoring.privacy import Masks
from shared.scoring.runtime import Runtime
from shared.scoring.scorer import Limits, Scorer
from shared.scoring.validation import Row, Validator
from shared.telemetry import Telemetry

CLOCK = Clock.standing(datetime(2026, 1, 1, tzinfo=UTC))
SCHEMA = Schema(
    features=(Feature(name="x", type=FeatureType.FLOAT),), outputs=(Output(name="y", type=FeatureType.FLOAT),)
)


@dataclass
class Asked:
    """Stands where a runtime is, and notes the thread it is asked in."""

    row_s: float
    thread: threading.Thread | None = None

    def score(self, rows: Sequence[Sequence[Any]]) -> list[dict[str, float]]:
        self.thread = threading.current_thread()
        return [{"y": 0.0} for _ in rows]


class Reading(Validator):
    """Notes the thread that it reads in."""

    thread: threading.Thread | None = None

    def read(self, rows: Sequence[Sequence[Any]]) -> list[Row]:
        self.thread = threading.current_thread()
        return super().read(rows)


@dataclass
class Named:
    """Stands where a manifest is."""

    model: str = "m"
    version: str = "1"


@pytest.mark.parametrize(
    ("row_s", "rows", "on_the_loop"),
    [
        pytest.param(0.000_010, 100, True, id="a quick model"),
        pytest.param(0.000_010, 1_000, False, id="many rows"),
        pytest.param(0.010, 1, False, id="a slow model"),
        pytest.param(float("inf"), 1, False, id="a model never asked"),
    ],
)
async def test_only_what_is_quick_runs_on_the_event_loop(row_s: float, rows: int, *, on_the_loop: bool) -> None:
    """A long call there would stop every other request, and the worker's own talk with its host."""
    asked = Asked(row_s)

    await answered(b'{"data":[' + b",".join([b"[1.0]"] * rows) + b"]}", asked, Validator(SCHEMA))

    assert (asked.thread is threading.current_thread()) is on_the_loop


@pytest.mark.parametrize(("size_bytes", "on_the_loop"), [(256 * 1024, True), (256 * 1024 + 1, False)])
async def test_only_a_short_body_is_read_on_the_event_loop(size_bytes: int, *, on_the_loop: bool) -> None:
    """The largest takes a tenth of a second, and half a second if somebody makes it as intricate as can be."""
    reading = Reading(SCHEMA)

    await answered(b'{"data":[[1.0]]}'.ljust(size_bytes), Asked(0.0), reading)

    assert (reading.thread is threading.current_thread()) is on_the_loop


async def answered(body: bytes, asked: Asked, validator: Validator) -> None:
    limits = Limits(body_bytes=1 << 20, rows=1_000, depth=32)
    nowhere = Telemetry.to("", clock=CLOCK)
    scorer = Scorer(cast("Registry", None), CaptureOff(), CLOCK, limits, nowhere)
    masks = Masks(SCHEMA, model="flights", key=b"")

    await scorer._answer(body, "request", Loaded(cast("Manifest", Named()), masks, validator, cast("Runtime", asked)))
