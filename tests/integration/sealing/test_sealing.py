"""From batches to sealed hours, in storage that is one."""

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from azure.eventhub import EventData
from azure.eventhub.aio import EventHubProducerClient

from infra.local.eventhubs.emulator import Emulator
from shared import documents
from shared.blobs import Blobs
from shared.capture.hub import Hub, producer
from shared.capture.records import Kind, Shelf
from shared.errors import BlobChanged, BlobMissing, InvalidDocument
from shared.hours import Hour
from shared.profiles import encoding
from shared.profiles.profile import Profile, profile
from shared.registry.baselines import Baselines
from shared.sealing.hour import HourManifest, hour_folder, manifest_path, read
from shared.sealing.watermark import WATERMARK_PATH, Watermark
from tests.integration.sealing.batches import event, id_of, prediction
from tests.integration.sealing.conftest import HUB, NINE, Stages
from tests.integration.stored import Calendar, Killed, Mortal, everything

SHELF = Shelf(Kind.PREDICTION, "flights", "1")
HOUR = Hour.containing(NINE)
FOLDER = hour_folder(SHELF, HOUR)
LATE = timedelta(hours=2)


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


async def manifest_of(blobs: Blobs, shelf: Shelf = SHELF, hour: Hour = HOUR) -> HourManifest:
    return (await documents.read(blobs, manifest_path(shelf, hour), HourManifest))[0]


async def sealed_before(blobs: Blobs) -> str:
    return (await documents.read(blobs, WATERMARK_PATH, Watermark))[0].before


async def dead_letters(blobs: Blobs) -> list[dict[str, Any]]:
    found = await everything(blobs, "captures/dead/")
    return [json.loads(line) for data in found.values() for line in data.splitlines()]


async def send(emulator: Emulator, body: bytes, *, partition: str) -> None:
    client = EventHubProducerClient.from_connection_string(emulator.connection_string(), eventhub_name=HUB)
    async with client:
        await client.send_batch([EventData(body)], partition_id=partition)


async def downloaded(blobs: Blobs, into: Any) -> Any:  # noqa: ANN401 - a path
    """Put every sealed hour into a folder, as it is."""
    for path, data in (await everything(blobs, "captures/hours/")).items():
        (into / path).parent.mkdir(parents=True, exist_ok=True)
        (into / path).write_bytes(data)
    return into


async def test_a_captured_batch_becomes_rows_profile_and_manifest(stages: Stages, calendar: Calendar) -> None:
    records = [prediction(at(minute), distance=float(minute)) for minute in range(5)]
    await stages.capturing().append(
        [event(*records[:3], sequence=0, at=at(1)), event(*records[3:], sequence=1, at=at(4))]
    )
    calendar.set(NINE + LATE)

    written = await stages.sealing().seal()

    manifest = await manifest_of(stages.blobs)
    (generation,) = manifest.generations
    rows, about = read((await stages.blobs.read(f"{FOLDER}rows-0.parquet")).data)
    assert written == 1
    assert rows.column("_id").to_pylist() == list(map(id_of, records))
    assert rows.column("distance").to_pylist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert rows.schema.field("distance").type == pa.float64()
    assert generation.footer == about
    assert (about.rows, about.doubles, about.unreadable) == (5, 0, 0)
    (tally,) = about.account
    assert (tally.partition, tally.first, tally.last, tally.events) == (0, 0, 1, 2)
    assert await sealed_before(stages.blobs) == "2026-03-01T10"


async def test_the_profile_is_that_of_the_rows_over_the_bins_of_the_baseline(
    stages: Stages, calendar: Calendar
) -> None:
    await stages.capturing().append([event(prediction(at(1)), prediction(at(1)), sequence=0, at=at(1))])
    calendar.set(NINE + LATE)
    await stages.sealing().seal()

    name = (await manifest_of(stages.blobs)).generations[0].profile
    stored = encoding.decode((await stages.blobs.read(f"{FOLDER}{name}")).data, Profile, path="")
    registry = stages.registry()
    baseline = await Baselines(stages.blobs, registry).current(await registry.manifest("flights", "1"))
    rows, _ = read((await stages.blobs.read(f"{FOLDER}rows-0.parquet")).data)
    assert name == f"_profile-0-{baseline.profile.bins}"
    assert stored == profile(rows, baseline.bins)


async def test_sealing_again_writes_nothing(stages: Stages, calendar: Calendar) -> None:
    await stages.capturing().append([event(prediction(at(1)), sequence=0, at=at(1))])
    calendar.set(NINE + LATE)
    sealing = stages.sealing()
    await sealing.seal()
    before = await everything(stages.blobs, "captures/hours/", "captures/dead/")

    written = [await sealing.seal(), await stages.sealing().seal()]

    assert written == [0, 0]
    assert await everything(stages.blobs, "captures/hours/", "captures/dead/") == before


@pytest.mark.parametrize("same_process", [True, False])
async def test_a_late_event_becomes_a_generation_that_holds_only_what_it_adds(
    stages: Stages,
    calendar: Calendar,
    same_process: bool,  # noqa: FBT001 - a parameter
) -> None:
    """An acknowledgement that was lost brings the same record again, perhaps on another partition."""
    first, second = prediction(at(1)), prediction(at(2))
    capturing, sealing = stages.capturing(), stages.sealing()
    await capturing.append([event(first, sequence=0, at=at(1))])
    calendar.set(NINE + LATE)
    await sealing.seal()
    rows_0 = await stages.blobs.read(f"{FOLDER}rows-0.parquet")

    await capturing.append([event(second, first, sequence=1, at=at(50))])
    await capturing.append([event(first, sequence=0, at=at(51), partition="1")])
    written = await (sealing if same_process else stages.sealing()).seal()

    manifest = await manifest_of(stages.blobs)
    rows, about = read((await stages.blobs.read(f"{FOLDER}rows-1.parquet")).data)
    assert written == 1
    assert rows.column("_id").to_pylist() == [id_of(second)]
    assert (about.rows, about.doubles) == (1, 2)
    assert [(one.partition, one.first, one.events) for one in about.account] == [(0, 1, 1), (1, 0, 1)]
    assert manifest.rows == 2
    assert await stages.blobs.read(f"{FOLDER}rows-0.parquet") == rows_0, "what is sealed is never written again"


async def test_people_read_the_folder_as_it_is(stages: Stages, calendar: Calendar, tmp_path: Any) -> None:  # noqa: ANN401
    """Profiles and manifests stay out of the way by their underscore, and every id is there once."""
    records = [prediction(at(minute), distance=float(minute)) for minute in range(4)]
    capturing, sealing = stages.capturing(), stages.sealing()
    await capturing.append([event(records[0], records[1], sequence=0, at=at(1))])
    await capturing.append([event(records[3], sequence=1, at=at(61))])
    calendar.set(NINE + LATE)
    await sealing.seal()
    await capturing.append([event(records[1], records[2], sequence=2, at=at(2))])
    calendar.set(NINE + 2 * LATE)
    await sealing.seal()
    root = await downloaded(stages.blobs, tmp_path)

    hour = pd.read_parquet(root / FOLDER)
    version = ds.dataset(root / f"captures/hours/{SHELF.folder}", partitioning="hive").to_table()

    assert sorted(hour["_id"]) == sorted(map(id_of, records[:3]))
    assert hour["distance"].dtype == "float64"
    assert sorted(version.column("_id").to_pylist()) == sorted(map(id_of, records))
    assert set(version.column("date").to_pylist()) == {"2026-03-01"}


async def test_every_hour_and_kind_has_a_folder_of_its_own(stages: Stages, calendar: Calendar) -> None:
    actual = json.dumps({
        "id": id_of(prediction(at(3))), "kind": "actual", "model": "flights", "external_id": "AA1",
        "prediction_id": None, "at": at(3).isoformat(), "value": 1,
    }).encode()  # fmt: skip
    failure = json.dumps({
        "id": id_of(prediction(at(3))), "kind": "failure", "model": "_unknown", "request_id": "r", "at": at(3).isoformat(),
        "status": 404, "code": "unknown_model", "asked": "flihgts",
    }).encode()  # fmt: skip
    await stages.capturing().append([
        event(prediction(at(1)), sequence=0, at=at(1)),
        event(actual, sequence=1, at=at(2)),
        event(failure, sequence=2, at=at(3)),
        event(prediction(at(61)), sequence=3, at=at(61)),
    ])  # fmt: skip
    calendar.set(NINE + 2 * LATE)

    assert await stages.sealing().seal() == 4

    actuals = await manifest_of(stages.blobs, Shelf(Kind.ACTUAL, "flights", "_none"))
    failures = await manifest_of(stages.blobs, Shelf(Kind.FAILURE, "_unknown", "_none"))
    later = await manifest_of(stages.blobs, SHELF, HOUR.plus(1))
    assert [one.rows for one in (actuals, failures, later)] == [1, 1, 1]
    assert actuals.generations[0].profile is None


async def test_lines_that_cannot_be_read_become_dead_letters_and_do_not_stop_the_hour(
    stages: Stages, calendar: Calendar
) -> None:
    """Their event stays in the account of its log, so they are marked as a part and counted nowhere else."""
    good, bad = prediction(at(1)), prediction(at(1), distance="secret")
    await stages.capturing().append([
        event(good, bad, sequence=0, at=at(1)),
        event(prediction(at(2), row=2**40), sequence=1, at=at(2)),
        event(prediction(at(3), distance=2**70), sequence=2, at=at(3)),
    ])  # fmt: skip
    calendar.set(NINE + LATE)

    await stages.sealing().seal()

    about = (await manifest_of(stages.blobs)).generations[0].footer
    letters = await dead_letters(stages.blobs)
    assert (about.rows, about.unreadable) == (2, 2)
    assert [(one.first, one.last, one.events, one.total) for one in about.account] == [(0, 2, 3, "3")]
    assert [(one["sequence"], one["index"], one["part"]) for one in letters] == [(0, 1, True), (1, 0, True)]
    assert all("record" not in one for one in letters)
    assert "secret" not in json.dumps(letters)


async def test_an_hour_without_a_readable_line_is_sealed_without_rows(stages: Stages, calendar: Calendar) -> None:
    await stages.capturing().append([event(prediction(at(1), distance="x"), sequence=0, at=at(1))])
    calendar.set(NINE + LATE)
    sealing = stages.sealing()

    written = [await sealing.seal(), await sealing.seal()]

    (generation,) = (await manifest_of(stages.blobs)).generations
    rows, about = read((await stages.blobs.read(f"{FOLDER}rows-0.parquet")).data)
    assert written == [1, 0]
    assert (about.rows, about.unreadable, about.min_id) == (0, 1, None)
    assert [one.events for one in about.account] == [1]
    assert rows.schema.field("distance").type == pa.float64()
    assert generation.profile is not None


async def test_two_that_seal_at_once_leave_what_one_would(stages: Stages, calendar: Calendar) -> None:
    """The host keeps a timer to one instance by a lease, which can be lost in the middle."""
    await _story(stages)
    calendar.set(NINE + 2 * LATE)
    await stages.sealing().seal()
    whole = await everything(stages.blobs, "captures/hours/", "captures/dead/", WATERMARK_PATH)
    for path in whole:
        await stages.blobs.delete(path)

    found = await asyncio.gather(*(stages.sealing().seal() for _ in range(3)), return_exceptions=True)
    await stages.sealing().seal()

    assert all(isinstance(one, int | BlobChanged) for one in found)
    assert await everything(stages.blobs, "captures/hours/", "captures/dead/", WATERMARK_PATH) == whole


async def _story(stages: Stages) -> None:
    """Fill two hours of two partitions, with doubles and a line that cannot be read."""
    twice = prediction(at(1), distance=5.0)
    capturing = stages.capturing()
    await capturing.append([
        event(twice, prediction(at(1), distance="x"), sequence=0, at=at(1)),
        event(prediction(at(70)), sequence=1, at=at(70)),
    ])  # fmt: skip
    await capturing.append([event(twice, prediction(at(2)), sequence=0, at=at(2), partition="1")])


async def test_killed_at_every_write_it_comes_to_the_same_state(stages: Stages, calendar: Calendar) -> None:
    """Each run starts from what the one killed before left behind, and one more write is made before it ends."""
    await _story(stages)
    calendar.set(NINE + 2 * LATE)
    logs = await everything(stages.blobs, "captures/logs/")
    await stages.sealing().seal()
    whole = await everything(stages.blobs, "captures/hours/", "captures/dead/", WATERMARK_PATH)
    writes = len(whole)

    for survived in range(writes):
        for path in await everything(stages.blobs, "captures/hours/", "captures/dead/", WATERMARK_PATH):
            await stages.blobs.delete(path)
        with pytest.raises(Killed):
            await stages.sealing(Mortal(stages.blobs, writes=survived)).seal()
        left = await everything(stages.blobs, "captures/hours/", "captures/dead/", WATERMARK_PATH)
        await stages.sealing().seal()
        healed = await everything(stages.blobs, "captures/hours/", "captures/dead/", WATERMARK_PATH)

        assert len(left) == survived
        assert healed == whole
    assert await everything(stages.blobs, "captures/logs/") == logs


@pytest.mark.parametrize("survived", range(5))
async def test_killed_in_a_later_generation_it_comes_to_the_same_rows(
    stages: Stages, calendar: Calendar, survived: int
) -> None:
    """What came after the kill, to a log whose rows were written already, is in the generation after those."""
    await _story(stages)
    calendar.set(NINE + 2 * LATE)
    await stages.sealing().seal()
    capturing = stages.capturing()
    late = [prediction(at(minute), distance=2.0) for minute in (3, 4)]
    bad = prediction(at(5), distance="x")
    await capturing.append([event(late[0], bad, sequence=2, at=at(3))])
    mortal = Mortal(stages.blobs, writes=survived)
    if survived < 4:
        with pytest.raises(Killed):
            await stages.sealing(mortal).seal()
    else:
        await stages.sealing(mortal).seal()

    await capturing.append([event(late[1], sequence=3, at=at(4))])
    await stages.sealing().seal()

    manifest = await manifest_of(stages.blobs)
    parts = [
        read((await stages.blobs.read(f"{FOLDER}{one.rows_file}")).data)[0].column("_id").to_pylist()
        for one in manifest.generations
    ]
    ids = [one for part in parts[1:] for one in part]
    events = sum(tally.events for one in manifest.generations for tally in one.footer.account)
    letters = [(one["sequence"], one["index"]) for one in await dead_letters(stages.blobs)]
    logs = await everything(stages.blobs, f"captures/logs/{SHELF.folder}/{HOUR.folder}/")
    assert sorted(ids) == sorted(map(id_of, late))
    assert events == 4
    assert manifest.consumed == {path: len(data) for path, data in logs.items()}
    assert letters.count((2, 1)) == 1 or survived == 1, "set aside once, or twice where the kill came right after it"
    assert set(letters) == {(0, 1), (2, 1)}


async def test_an_hour_is_not_sealed_while_a_partition_lags(
    stages: Stages, calendar: Calendar, emulator: Emulator
) -> None:
    """Its hour may still be added to, however long ago it ended: only its cursor says when not."""
    calendar.set(at(5))
    records = [prediction(at(5)), prediction(at(5))]
    for partition, record in enumerate(records):
        await send(emulator, record, partition=str(partition))
    calendar.set(NINE + timedelta(days=1))
    stages.hub = Hub(producer(emulator.connection_string(), namespace="", hub=HUB))
    sealing, capturing = stages.sealing(), stages.capturing()

    found = [await sealing.seal()]
    await capturing.append([event(records[0], sequence=0, at=at(5), partition="0")])
    found.append(await sealing.seal())
    with pytest.raises(BlobMissing):
        await sealed_before(stages.blobs)
    await capturing.append([event(records[1], sequence=0, at=at(5), partition="1")])
    found.append(await sealing.seal())
    await stages.hub.close()

    manifest = await manifest_of(stages.blobs)
    assert found == [0, 0, 1]
    assert manifest.rows == 2
    assert await sealed_before(stages.blobs) == "2026-03-02T08"


async def test_the_watermark_moves_without_rows_and_never_back(stages: Stages, calendar: Calendar) -> None:
    """A window without rows before it is empty; after it, nobody knows."""
    calendar.set(NINE + LATE)
    await stages.sealing().seal()
    forward = await sealed_before(stages.blobs)
    calendar.set(NINE)
    await stages.sealing().seal()

    assert forward == await sealed_before(stages.blobs) == "2026-03-01T10"


async def test_a_log_that_was_created_and_never_written_to_is_no_hour(stages: Stages, calendar: Calendar) -> None:
    await stages.blobs.create_log(f"captures/logs/{SHELF.folder}/{HOUR.folder}/20260301T090000000-p0-r0.jsonl")
    calendar.set(NINE + LATE)

    assert await stages.sealing().seal() == 0


async def test_the_hour_under_way_is_left_alone(stages: Stages, calendar: Calendar) -> None:
    await stages.capturing().append([event(prediction(at(1)), sequence=0, at=at(1))])
    calendar.set(NINE + timedelta(hours=1, minutes=14))

    assert await stages.sealing().seal() == 0


async def test_what_cannot_be_sealed_holds_up_the_watermark_and_nothing_else(
    stages: Stages, calendar: Calendar
) -> None:
    """One version's damaged baseline must not keep other rows from their final form; nor may its hour count as sealed."""
    actual = prediction(at(61), kind="actual", version=None, external_id="a", prediction_id=None, value=1)
    await stages.capturing().append([event(prediction(at(1)), sequence=0, at=at(1))])
    await stages.capturing().append([event(actual, sequence=1, at=at(61))])
    path = "models/flights/1/baseline.json"
    whole = await stages.blobs.read(path)
    await stages.blobs.replace(path, b"damaged", etag=whole.etag)
    calendar.set(NINE + LATE + timedelta(hours=1))

    with pytest.raises(ExceptionGroup) as raised:
        await stages.sealing().seal()

    assert [type(one) for one in raised.value.exceptions] == [InvalidDocument]
    actuals = Shelf(Kind.ACTUAL, "flights", "_none")
    assert (await manifest_of(stages.blobs, actuals, HOUR.plus(1))).rows == 1
    assert await sealed_before(stages.blobs) == HOUR.key

    damaged = await stages.blobs.read(path)
    await stages.blobs.replace(path, whole.data, etag=damaged.etag)
    await stages.sealing().seal()

    assert (await manifest_of(stages.blobs)).rows == 1
    assert await sealed_before(stages.blobs) == HOUR.plus(2).key
