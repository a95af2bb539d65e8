"""Records to capture and to seal, as scoring publishes them: the same values for the same seed.

Ten features are six floats rounded as measurements are, two counts, a category and a flag; one value in a hundred is
missing. ``full_precision`` makes every feature a float of seventeen digits instead: the worst there is to read and keep.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from shared.capture.records import Event, lines
from shared.ids import uuid7
from shared.profiles import encoding
from shared.profiles.cutting import cut
from shared.profiles.profile import profile
from shared.registry.baselines import BINS_FILE, PROFILE_FILE
from shared.registry.manifest import Manifest, Source, Task, baseline_name
from shared.schema import Feature, FeatureType, Output, Schema
from shared.scoring.prediction import Prediction

MODEL: Final = "records"
"""Its versions are called by how many features they have."""
HOUR: Final = datetime(2026, 3, 1, 9, tzinfo=UTC)

CATEGORIES = tuple(f"category {number}" for number in range(12))
_TYPES = (*[FeatureType.FLOAT] * 6, *[FeatureType.INTEGER] * 2, FeatureType.CATEGORY, FeatureType.BOOLEAN)
DIGITS = (1, 2, 1, 2, 3, 0)
COUNTS = {6: 6, 7: 200}
_ROWS_OF_A_REQUEST = 4
MISSING = 0.01


def schema(features: int, *, full_precision: bool = False) -> Schema:
    """Return a schema of so many features, and of a classifier's outputs."""
    return Schema(
        features=tuple(
            Feature(
                name=f"feature_{index:02}",
                type=one,
                nullable=True,
                categories=CATEGORIES if one is FeatureType.CATEGORY else None,
            )
            for index, one in enumerate(_types(features, full_precision=full_precision))
        ),
        outputs=(
            Output(name="label", type=FeatureType.INTEGER),
            Output(name="probability", type=FeatureType.FLOAT),
        ),
    )


def bodies(rows: int, features: int, *, an_event: int, seed: int, full_precision: bool = False) -> list[bytes]:
    """Return the bodies of events of ``an_event`` records each."""
    random = np.random.default_rng(seed)
    columns = [
        random.normal(size=rows).tolist() if full_precision else _values(one, index % 10, rows, random)
        for index, one in enumerate(_types(features, full_precision=full_precision))
    ]
    records = [msgspec.json.encode(one) for one in _predictions(columns, random)]
    return [b"\n".join(records[begin : begin + an_event]) for begin in range(0, rows, an_event)]


def log(events: Sequence[bytes], *, first: int = 0) -> bytes:
    """Return the hour log of events, of which the first has the sequence number ``first``; they fill the hour."""
    return b"".join(
        lines(enumerate(event.body.split(b"\n")), event, partition="0") for event in _delivered(events, first)
    )


def version(schema: Schema, training: pa.Table) -> tuple[Manifest, dict[str, bytes]]:
    """Return a version with its baseline's files; nothing scores with it."""
    bins = cut(training, schema)
    files = {
        f"{baseline_name(1)}{BINS_FILE}": encoding.encode(bins),
        f"{baseline_name(1)}{PROFILE_FILE}": encoding.encode(profile(training, bins)),
        "model.onnx": b"",
    }
    manifest = Manifest(
        model=MODEL,
        version=str(len(schema.features)),
        task=Task.CLASSIFICATION,
        schema=schema,
        sources=(Source(tensor="label"), Source(tensor="probabilities", column=1)),
        flavour="onnx",
        files=dict.fromkeys(files, ""),
        actual="actual",
        training_data="",
        training_rows=training.num_rows,
        registered_at=HOUR,
    )
    return manifest, files


def _delivered(events: Sequence[bytes], first: int) -> Iterator[Event]:
    for number, body in enumerate(events):
        yield Event(first + number, HOUR + timedelta(hours=1) * (number / len(events)), body)


def _types(features: int, *, full_precision: bool) -> list[FeatureType]:
    return [FeatureType.FLOAT if full_precision else _TYPES[index % len(_TYPES)] for index in range(features)]


def _predictions(columns: list[list[Any]], random: np.random.Generator) -> Iterator[Prediction]:
    rows = len(columns[0])
    names = [f"feature_{index:02}" for index in range(len(columns))]
    probabilities = random.beta(2, 5, rows).astype(np.float32).tolist()
    latencies_ms = (0.3 + random.gamma(2.0, 0.1, rows)).round(3).tolist()
    request_id = ""
    for row, values in enumerate(zip(*columns, strict=True)):
        at = HOUR + timedelta(hours=1) * (row / rows)
        if row % _ROWS_OF_A_REQUEST == 0:
            request_id = uuid7(at)
        yield Prediction(
            id=uuid7(at),
            model=MODEL,
            version=str(len(columns)),
            request_id=request_id,
            row=row % _ROWS_OF_A_REQUEST,
            external_id=None,
            at=at.isoformat(),
            inputs=dict(zip(names, values, strict=True)),
            outputs={"label": int(probabilities[row] > 0.5), "probability": probabilities[row]},
            latency_ms=latencies_ms[row],
        )


def _values(kind: FeatureType, place: int, rows: int, random: np.random.Generator) -> list[Any]:
    """Return the values of a feature; ``place`` is its place among ten."""
    made: list[Any]
    match kind:
        case FeatureType.FLOAT:
            made = random.gamma(3.0, 5.0, rows).round(DIGITS[place]).tolist()
        case FeatureType.INTEGER:
            made = random.poisson(COUNTS[place], rows).tolist()
        case FeatureType.BOOLEAN:
            made = (random.random(rows) < 0.2).tolist()
        case _:
            ranks = np.minimum(random.geometric(0.3, rows), len(CATEGORIES)) - 1
            made = [CATEGORIES[rank] for rank in ranks.tolist()]
    missing = random.random(rows) < MISSING
    return [None if absent else value for value, absent in zip(made, missing.tolist(), strict=True)]
