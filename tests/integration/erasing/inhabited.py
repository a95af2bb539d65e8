"""Storage in which a subject is everywhere that rows are stored."""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from shared import documents
from shared.blobs import Blobs
from shared.capture.cursor import Cursors
from shared.capture.records import Kind, Shelf
from shared.datasets.manifest import Check, Column, DatasetManifest, Input, Outcome, Part, Plan, Use
from shared.datasets.paths import build_folder, dataset_folder, original_path
from shared.datasets.recipe import Recipe
from shared.erasing.erasing import Erasing, over
from shared.hours import Hour
from shared.ids import uuid7
from shared.monitoring.rebaselining import Rebaselining
from shared.profiles.sample import hashes
from shared.registry.baselines import Baselines
from shared.sealing.hours.doubles import Doubles
from shared.sealing.hours.generations import Generations
from shared.sealing.hours.hour import HourManifest
from shared.sealing.hours.manifests import Manifests
from shared.sealing.paths import hour_folder, manifest_path
from shared.telemetry import Telemetry
from tests.integration.actuals.world import World, actual
from tests.integration.sealing.batches import Delivered, event, id_of, prediction
from tests.integration.sealing.conftest import NINE, Stages

PERSON: Final = "zoe-7f3a-person"
PLACE: Final = "zoe-7f3a-place"
DATASET: Final = "d" * 64
BUILD: Final = "b" * 64
HUB_KEEPS: Final = timedelta(days=7)
PREDICTIONS: Final = Shelf(Kind.PREDICTION, "flights", "1")
OPEN: Final = NINE + timedelta(days=1)
"""In an hour that is not sealed yet."""


@dataclass
class Inhabited:
    """What captures, seals and joins, and what was captured: the subject's records, and those of others."""

    stages: Stages
    own: list[bytes] = field(default_factory=list)
    own_actuals: list[bytes] = field(default_factory=list)
    others: list[bytes] = field(default_factory=list)
    sequence: int = 0

    @property
    def blobs(self) -> Blobs:
        return self.stages.blobs

    @property
    def own_ids(self) -> list[str]:
        return [id_of(one) for one in (*self.own, *self.own_actuals)]

    def world(self, blobs: Blobs | None = None) -> World:
        return World(blobs or self.blobs, self.stages.calendar)

    def erasing(self, blobs: Blobs | None = None, *, privacy_key: bytes = b"") -> Erasing:
        """Return what erases, made anew, as by a new process."""
        ours = blobs or self.blobs
        registry = self.stages.registry(ours)
        telemetry = Telemetry.to("", clock=self.stages.calendar)
        return over(
            ours,
            registry,
            Manifests(ours),
            Generations(ours, registry, Baselines(ours, registry), Doubles(ours), telemetry),
            Cursors(ours, self.stages.calendar),
            self.world(ours).joining(ours).stepping,
            privacy_key=privacy_key,
            hub_keeps=HUB_KEEPS,
        )

    def person(self, at: datetime, **members: Any) -> bytes:  # noqa: ANN401 - of a record
        """Return a prediction about the subject."""
        inputs = {"distance": 7.0, "carrier": PLACE}
        about = {"id": sampled(at), "external_id": PERSON, "request_id": "of a person", "inputs": inputs}
        return prediction(at, **{**about, **members})

    async def capture(self, *records: Sequence[bytes] | bytes, at: datetime) -> None:
        """Capture events, each of one record or of several."""
        events: list[Delivered] = []
        for number, some in enumerate(records):
            own = [some] if isinstance(some, bytes) else list(some)
            events.append(event(*own, sequence=self.sequence + number, at=at))
        self.sequence += len(events)
        await self.stages.capturing().append(events)

    async def seal(self, now: datetime) -> None:
        self.stages.calendar.set(now)
        await self.stages.sealing().seal()

    async def rows(self, *columns: str) -> list[dict[str, Any]]:
        """Return what is sealed of the version's predictions."""
        found: list[dict[str, Any]] = []
        for hour, manifest in sorted((await Manifests(self.blobs).of(PREDICTIONS)).items()):
            for one in manifest.generations:
                data = (await self.blobs.read(f"{hour_folder(PREDICTIONS, hour)}{one.rows_file}")).data
                found += pq.ParquetFile(io.BytesIO(data)).read(columns=list(columns) or None).to_pylist()
        return found


async def inhabited(stages: Stages) -> Inhabited:
    """Fill storage: a day that is rolled up, an hour that is open, and everything that is made of them."""
    made = Inhabited(stages)
    made.own = [made.person(NINE), made.person(NINE + timedelta(minutes=1)), made.person(OPEN)]
    made.others = [
        prediction(NINE + timedelta(seconds=row), float(row), external_id=f"other {row}", request_id=f"request {row}")
        for row in range(120)
    ]
    later = [prediction(OPEN + timedelta(seconds=row), float(row)) for row in range(3)]
    orphan = actual(None, 1.0, external_id=PERSON)
    made.own_actuals = [
        actual(made.own[0], 1.0),
        actual(None, 0.0, external_id=PERSON),
        actual(made.own[2], 1.0, at=Hour.containing(OPEN)),
        orphan,
    ]
    told = [actual(one, 0.5) for one in made.others[:10]]
    dead = made.person(NINE, version="9")
    dead_other = prediction(NINE, version="9")
    await made.capture([made.own[0], *made.others[:60]], made.others[60:], [made.own[1]], at=NINE)
    await made.capture(dead, dead_other, *told, made.own_actuals[0], made.own_actuals[1], orphan, at=NINE)
    await made.seal(OPEN + timedelta(minutes=20))
    await made.world().join()
    await made.capture(made.own[2], *later, made.own_actuals[2], at=OPEN)
    made.own.append(dead)
    made.others += later
    registry = stages.registry()
    nine = Hour.containing(NINE)
    await Rebaselining(stages.blobs, registry, Manifests(stages.blobs)).accept("flights", "1", nine, nine.plus(1))
    await _copies(made)
    await _datasets(made)
    return made


async def _copies(made: Inhabited) -> None:
    """Store what later stages make of rows."""
    own, other = id_of(made.own[0]), id_of(made.others[0])
    answers = pa.table({"_id": [own, other], "prediction": [1.0, 2.0]}).replace_schema_metadata({b"driftline": b"{}"})
    await made.blobs.create("monitoring/challenges/model=flights/version=2/2026-03-01T09.parquet", parquet(answers))
    learned = pa.table({"_id": [own, other], "carrier": [PLACE, "AA"], "delay": [1.0, 0.0]})
    await made.blobs.create("datasets/_training/model=flights/2026-03-01T10-abc/train.parquet", parquet(learned))
    waiting = pa.table({"_id": [uuid7(NINE)], "_external_id": [PERSON], "carrier": [PLACE]})
    await made.blobs.create(
        f"captures/imports/{PREDICTIONS.folder}/{Hour.containing(NINE).folder}/abc.parquet", parquet(waiting)
    )


async def _datasets(made: Inhabited) -> None:
    """Store a dataset, a build and original data, as far as erasure looks at them."""
    own, other = id_of(made.own[0]), id_of(made.others[0])
    rows = pa.table(
        {
            "_id": [own, other],
            "_external_id": [PERSON, "other 0"],
            "_request_id": ["of a person", "request 0"],
            "carrier": [PLACE, "AA"],
            "delay": [1.0, 0.0],
        }
    )
    manifest = await made.stages.registry().manifest("flights", "1")
    hour = manifest_path(PREDICTIONS, Hour.containing(NINE))
    sealed, _ = await documents.read(made.blobs, hour, HourManifest)
    taken = Input(
        use=Use.PREDICTIONS,
        path=f"{hour_folder(PREDICTIONS, Hour.containing(NINE))}rows-0.parquet",
        sha256=sealed.generations[0].sha256,
        size_bytes=1,
        rows=1,
        hour="2026-03-01T09",
        version="1",
    )
    recipe = Recipe(model="flights", segments={"carrier": (PLACE, "AA")})
    about: dict[str, Any] = {
        "task": manifest.task,
        "schema": manifest.schema,
        "actual": "delay",
        "inputs": (taken,),
        "not_predictions": {},
        "recipe": recipe,
    }
    data = parquet(rows)
    folder = dataset_folder("flights", DATASET)
    part = Part(file="train/part-00000.parquet", split="train", sha256="0" * 64, size_bytes=len(data), rows=2)
    built = DatasetManifest(
        model="flights",
        dataset=DATASET,
        build=BUILD,
        rows_in=2,
        excluded={},
        rows={"train": 2},
        columns=(Column(name="carrier", type="string", missing=0, minimum="AA", maximum=PLACE, distinct=2),),
        checks=(Check(name="duplicates", outcome=Outcome.OK, reason=f"{PLACE} twice", rows=(own,)),),
        parts=(part,),
        engine={"name": "duckdb"},
        built_at=datetime(2026, 3, 2, tzinfo=UTC),
        **about,
    )
    await made.blobs.create(f"{folder}{part.file}", data)
    await made.blobs.create(f"{folder}README.md", f"carrier from AA to {PLACE}".encode())
    await made.blobs.create(f"{folder}manifest.json", documents.encode(built))
    plan = Plan(faults=(), baseline={}, **(about | {"recipe": Recipe(model="flights")}))
    build = build_folder("flights", BUILD)
    await made.blobs.create(f"{build}plan.json", documents.encode(plan))
    await made.blobs.create(f"{build}rows-2026-03-01.parquet", data)
    original = parquet(pa.table({"carrier": [PLACE, "AA"], "delay": [1.0, 0.0]}))
    await made.blobs.create(original_path("flights", hashlib.sha256(original).hexdigest()), original)


def parquet(rows: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(rows, buffer, compression="zstd")
    return buffer.getvalue()


def sampled(at: datetime) -> str:
    """Return an id whose row is among the few that profiles keep."""
    ids = [uuid7(at) for _ in range(2_000)]
    return ids[int(hashes(pa.chunked_array([ids])).argmin())]


def resent(record: bytes) -> bytes:
    """Return the same record, as somebody sends it again."""
    return msgspec.json.encode(json.loads(record))
