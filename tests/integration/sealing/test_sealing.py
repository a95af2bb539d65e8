"""From batches to sealed hours, in storage that is one."""

import asyncio
import contextlib
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
from infra.local.host.hostjson import parse_host_json
from infra.local.processes import HERE
from shared import documents
from shared.blobs import Blobs
from shared.capture.hub import Hub, producer
from shared.capture.publishing import draining
from shared.capture.records import DEAD_SHELF, Kind, Shelf
from shared.errors import BlobChanged, BlobMissing, InvalidDocument
from shared.hours import Hour
from shared.profiles import encoding
from shared.profiles.profile import Profile, profile
from shared.registry.baselines import Baselines
from shared.sealing.hours.chain import Chain, Intent
from shared.sealing.hours.chaining import MOST_GENERATION_BYTES
from shared.sealing.hours.hour import HourManifest, read
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.sealing.paths import chain_path, hour_folder, manifest_path
from shared.sealing.sealing import LONGEST_S, Sealing
from tests.integration.sealing.batches import event, id_of, prediction
from tests.integration.sealing.conftest import HUB, NINE, Stages
from tests.integration.sealing.verified import lines, path_of, rewrite
from tests.integration.stored import Calendar, Killed, Mortal, everything

SHELF = Shelf(Kind.PREDICTION, "flights", "1")
HOUR = Hour.containing(NINE)
FOLDER = hour_folder(SHELF, HOUR)
LATE = timedelta(hours=2)
SEALED = ("captures/hours/", "captures/dead/", WATERMARK_PATH)
SMALL = 1_000
"""So few bytes a generation that two records do not fit."""


def at(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


async def manifest_of(blobs: Blobs, shelf: Shelf = SHELF, hour: Hour = HOUR) -> HourManifest:
    return (await documents.read(blobs, manifest_path(shelf, hour), HourManifest))[0]


async def sealed_before(blobs: Blobs) -> str:
    return (await documents.read(blobs, WATERMARK_PATH, Watermark))[0].before


async def dead_letters(blobs: Blobs) -> list[dict[str, Any]]:
    found = await everything(blobs, "captures/dead/")
    return [json.loads(line) for data in found.values() for line in data.splitlines()]


async def ids_at_rest(blobs: Blobs) -> list[str]:
    """Return the ids of all rows of all hours of predictions."""
    found = await everything(blobs, f"captures/hours/{SHELF.folder}/")
    tables = [read(data, only=["_id"])[0] for path, data in found.items() if path.endswith(".parquet")]
    return sorted(one for table in tables for one in table.column("_id").to_pylist())


def ids_in(logs: dict[str, bytes]) -> list[str]:
    """Return the ids of all lines that can be read, each once."""
    lines = [json.loads(line) for data in logs.values() for line in data.splitlines()]
    return sorted({line["id"] for line in lines if line["inputs"]["distance"] != "x"})


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


async def test_dead_letters_are_sealed_and_their_events_counted_once(stages: Stages, calendar: Calendar) -> None:
    """An event with records elsewhere too is counted there; of one that is dead as a whole, no other place knows."""
    unregistered = prediction(at(1), model="nobody")
    await stages.capturing().append([
        event(prediction(at(1)), b"part", sequence=0, at=at(1)),
        event(b"secret", b"also secret", sequence=1, at=at(2)),
        event(unregistered, b"{}", sequence=2, at=at(3)),
    ])  # fmt: skip
    await stages.capturing().append([event(b"{}", prediction(at(1)), sequence=0, at=at(4), partition="1")])
    calendar.set(NINE + LATE)
    sealing = stages.sealing()

    written = [await sealing.seal(), await stages.sealing().seal()]

    manifest = await manifest_of(stages.blobs, DEAD_SHELF)
    rows, _ = read((await stages.blobs.read(f"{hour_folder(DEAD_SHELF, HOUR)}rows-0.parquet")).data)
    assert written == [2, 0]
    assert [(one.partition, one.first, one.last, one.events) for one in manifest.account] == [(0, 1, 2, 2)]
    assert [(one.partition, one.events) for one in (await manifest_of(stages.blobs)).account] == [(0, 1), (1, 1)]
    assert sorted(zip(rows.column("_sequence").to_pylist(), rows.column("part").to_pylist(), strict=True)) == [
        (0, True), (0, True), (1, False), (1, False), (2, False), (2, True),
    ]  # fmt: skip
    assert rows.column_names[-4:] == ["reason", "part", "size_bytes", "sha256"]
    assert (manifest.min_id, manifest.rows, manifest.generations[0].profile) == (None, 6, None)


async def test_dead_letters_of_sealing_itself_are_no_events(stages: Stages, calendar: Calendar) -> None:
    await stages.capturing().append([event(prediction(at(1), distance="x"), sequence=0, at=at(1))])
    calendar.set(NINE + LATE)

    written = [await stages.sealing().seal(), await stages.sealing().seal()]

    assert len(await dead_letters(stages.blobs)) == 1
    assert written == [1, 0]


async def test_a_record_that_comes_again_in_another_hour_is_at_rest_once(stages: Stages, calendar: Calendar) -> None:
    """An acknowledgement is lost, and the same record sent again: perhaps an hour later, perhaps to a sealed one."""
    early, late, third = prediction(at(1)), prediction(at(61)), prediction(at(130))
    capturing = stages.capturing()
    await capturing.append([event(early, sequence=0, at=at(2))])
    await capturing.append([event(late, early, sequence=1, at=at(62))])
    calendar.set(NINE + LATE + timedelta(hours=1))
    await stages.sealing().seal()
    await capturing.append([event(late, sequence=0, at=at(5), partition="1")])
    await capturing.append([event(third, early, sequence=2, at=at(131))])
    calendar.set(NINE + 2 * LATE)

    await stages.sealing().seal()

    hours = [await manifest_of(stages.blobs, SHELF, HOUR.plus(number)) for number in range(3)]
    assert [(one.rows, one.doubles) for one in hours] == [(1, 1), (1, 1), (1, 1)]
    assert await ids_at_rest(stages.blobs) == sorted(map(id_of, (early, late, third)))


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
    whole = await everything(stages.blobs, *SEALED)
    for path in whole:
        await stages.blobs.delete(path)

    found = await asyncio.gather(*(stages.sealing().seal() for _ in range(3)), return_exceptions=True)
    await stages.sealing().seal()

    assert all(isinstance(one, int | BlobChanged) for one in found)
    assert await everything(stages.blobs, *SEALED) == whole


async def _story(stages: Stages) -> None:
    """Fill two hours of two partitions, with doubles in both and a line that cannot be read."""
    twice = prediction(at(1), distance=5.0)
    capturing = stages.capturing()
    await capturing.append([
        event(twice, prediction(at(1), distance="x"), sequence=0, at=at(1)),
        event(prediction(at(70)), twice, sequence=1, at=at(70)),
    ])  # fmt: skip
    await capturing.append([event(twice, prediction(at(2)), sequence=0, at=at(2), partition="1")])


async def test_killed_at_every_write_it_comes_to_the_same_state(stages: Stages, calendar: Calendar) -> None:
    """Every hour takes several generations, and an hour has records of the one before."""
    await _story(stages)
    calendar.set(NINE + 2 * LATE)
    logs = await everything(stages.blobs, "captures/logs/")
    counted = Mortal(stages.blobs, writes=1_000)
    await stages.sealing(counted, most_bytes=SMALL).seal()
    whole = await everything(stages.blobs, *SEALED)
    writes = 1_000 - counted.writes_left

    for survived in range(writes):
        for path in await everything(stages.blobs, *SEALED):
            await stages.blobs.delete(path)
        with pytest.raises(Killed):
            await stages.sealing(Mortal(stages.blobs, writes=survived), most_bytes=SMALL).seal()
        await stages.sealing(most_bytes=SMALL).seal()

        assert await everything(stages.blobs, *SEALED) == whole
    assert len((await manifest_of(stages.blobs)).generations) == 2
    assert await ids_at_rest(stages.blobs) == ids_in(logs)
    assert await everything(stages.blobs, "captures/logs/") == logs


async def test_killed_in_a_later_generation_what_comes_after_it_is_in_the_next(
    stages: Stages, calendar: Calendar
) -> None:
    """An intent names its bytes: the logs may grow before somebody finishes what was begun."""
    late = [prediction(at(minute), distance=2.0) for minute in (3, 4)]
    bad = prediction(at(5), distance="x")
    for survived in range(6):
        for path in await everything(stages.blobs, *SEALED, "captures/logs/", "captures/cursors/"):
            await stages.blobs.delete(path)
        capturing = stages.capturing()
        await _story(stages)
        calendar.set(NINE + 2 * LATE)
        await stages.sealing().seal()
        await capturing.append([event(late[0], bad, sequence=2, at=at(3))])
        with contextlib.suppress(Killed):
            await stages.sealing(Mortal(stages.blobs, writes=survived)).seal()

        await capturing.append([event(late[1], sequence=3, at=at(4))])
        await stages.sealing().seal()

        manifest = await manifest_of(stages.blobs)
        logs = await everything(stages.blobs, "captures/logs/")
        letters = [(one["sequence"], one["index"]) for one in await dead_letters(stages.blobs)]
        assert await ids_at_rest(stages.blobs) == ids_in(logs)
        assert [one.footer.rows for one in manifest.generations[1:]] == ([1, 1] if survived else [2])
        assert sum(tally.events for tally in manifest.account) == 4
        assert manifest.consumed == {path: len(data) for path, data in logs.items() if "hour=09" in path}
        assert sorted(letters) == [(0, 1), (2, 1)]


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


async def test_rows_are_sealed_without_a_profile_when_their_baseline_is_damaged(
    stages: Stages, calendar: Calendar
) -> None:
    """A window can profile them later from the rows; nothing can make up for a watermark that stands still."""
    await stages.capturing().append([event(prediction(at(1)), sequence=0, at=at(1))])
    path = "models/flights/1/baseline.json"
    whole = await stages.blobs.read(path)
    await stages.blobs.replace(path, b"damaged", etag=whole.etag)
    calendar.set(NINE + LATE)

    written = await stages.sealing().seal()

    (generation,) = (await manifest_of(stages.blobs)).generations
    assert written == 1
    assert (generation.footer.rows, generation.profile) == (1, None)
    assert await sealed_before(stages.blobs) == HOUR.plus(1).key


class Ticking:
    """Real time that passes, a minute whenever a generation has been written, and otherwise stands still."""

    def __init__(self, blobs: Blobs) -> None:
        self.blobs = _Counting(blobs, self)
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class _Counting(Blobs):
    def __init__(self, blobs: Blobs, ticking: Ticking) -> None:
        super().__init__(blobs._service)
        self._ticking = ticking

    async def create(self, path: str, data: bytes) -> str:
        if "/rows-" in path:
            self._ticking.now += 60.0
        return await super().create(path, data)


def timed(stages: Stages, *, most_bytes: int = MOST_GENERATION_BYTES) -> Sealing:
    ticking = Ticking(stages.blobs)
    sealing = stages.sealing(ticking.blobs, most_bytes=most_bytes)
    sealing.monotonic = ticking
    return sealing


async def test_sealing_ends_before_the_host_ends_it_and_goes_on_at_the_next_turn(
    stages: Stages, calendar: Calendar
) -> None:
    """After an outage hundreds of hours wait. What the host cuts off takes the requests with it that are being answered."""
    hours = [prediction(at(60 * hour)) for hour in range(26)]
    await stages.capturing().append([
        event(record, sequence=hour, at=at(60 * hour)) for hour, record in enumerate(hours)
    ])  # fmt: skip
    calendar.set(NINE + timedelta(hours=30))

    written: list[int] = []
    reached: list[str] = []
    days: list[int] = []
    while not written or written[-1]:
        written.append(await timed(stages).seal())
        reached.append(await sealed_before(stages.blobs))
        days.append(len([path for path in await everything(stages.blobs, "captures/days/") if path.endswith(".json")]))

    assert written == [6, 6, 6, 6, 2, 0]
    assert reached[0] == HOUR.plus(5).key, "of the hour it ended at it does not say that it is done"
    assert reached[-1] == HOUR.plus(29).key
    assert days == [0, 0, 1, 1, 1, 1], "days are rolled up all the same, as soon as they are over"
    assert await ids_at_rest(stages.blobs) == sorted(map(id_of, hours))


async def test_an_hour_that_takes_longer_is_sealed_in_several_turns(stages: Stages, calendar: Calendar) -> None:
    """An hour of any size is so many generations, each of which is whole."""
    records = [prediction(at(minute)) for minute in range(30)]
    await stages.capturing().append([
        event(record, sequence=number, at=at(number)) for number, record in enumerate(records)
    ])  # fmt: skip
    await stages.capturing().append([event(prediction(at(61)), sequence=30, at=at(61))])
    calendar.set(NINE + 2 * LATE)

    written = [await timed(stages, most_bytes=SMALL).seal()]
    reached = [await sealed_before(stages.blobs)]
    while written[-1]:
        written.append(await timed(stages, most_bytes=SMALL).seal())
        reached.append(await sealed_before(stages.blobs))

    assert written == [6, 3, 0]
    assert reached == [HOUR.key, HOUR.plus(3).key, HOUR.plus(3).key]
    assert (await manifest_of(stages.blobs)).rows == 30


def test_the_host_gives_sealing_and_draining_twice_the_time_they_take() -> None:
    assert parse_host_json((HERE / "host.json").read_bytes()).timeout_s == 2 * LONGEST_S == 2 * draining._LONGEST_S


async def captured_beside(stages: Stages, calendar: Calendar, *records: bytes) -> None:
    """Capture predictions, an event each, and an actual in the hour after; both hours can be sealed."""
    actual = prediction(at(61), kind="actual", version=None, external_id="a", prediction_id=None, value=1)
    events = [event(one, sequence=number, at=at(number)) for number, one in enumerate(records)]
    await stages.capturing().append(events)
    await stages.capturing().append([event(actual, sequence=len(records), at=at(61))])
    calendar.set(NINE + LATE + timedelta(hours=1))


async def assert_the_others_are_sealed(stages: Stages, damaged: str) -> None:
    """Sealing says what is damaged, at every try, and seals what has nothing to do with it."""
    for _ in range(2):
        with pytest.raises(ExceptionGroup) as raised:
            await stages.sealing().seal()
        (invalid,) = raised.value.exceptions
        assert isinstance(invalid, InvalidDocument)
        assert invalid.path == damaged
    assert (await manifest_of(stages.blobs, Shelf(Kind.ACTUAL, "flights", "_none"), HOUR.plus(1))).rows == 1
    assert await sealed_before(stages.blobs) == HOUR.key


@pytest.mark.parametrize("line", [b"", b'{"partition":0,"sequence":1,"ind', b"\0" * 40 + b"\n", b"}{\n"])
async def test_a_damaged_log_holds_up_its_own_shelf_alone(stages: Stages, calendar: Calendar, line: bytes) -> None:
    """Of a line that does not say where it came from nobody can say that it was counted: no dead letter makes up for it."""
    await captured_beside(stages, calendar, *(prediction(at(number)) for number in range(3)))
    log = await path_of(stages.blobs, "captures/logs/kind=prediction/")
    await rewrite(stages.blobs, log, lambda data: b"".join(lines(data)[:2]) + (line or lines(data)[2][:40]))

    await assert_the_others_are_sealed(stages, log)


async def test_damaged_rows_hold_up_their_own_shelf_alone(stages: Stages, calendar: Calendar) -> None:
    """A sealer that was killed had written them, and no manifest names them yet."""
    await captured_beside(stages, calendar, prediction(at(1)))
    rows = f"{FOLDER}rows-0.parquet"
    await stages.blobs.create(rows, b"PAR1")

    await assert_the_others_are_sealed(stages, rows)


async def test_a_damaged_import_that_waits_holds_up_its_own_shelf_alone(stages: Stages, calendar: Calendar) -> None:
    await captured_beside(stages, calendar, prediction(at(1)))
    waiting = f"captures/imports/{SHELF.folder}/{HOUR.folder}/0f.parquet"
    await stages.blobs.create(waiting, b"PAR1")
    intent = Intent(hour=HOUR.key, generation=0, ranges=(), imported=waiting)
    await stages.blobs.create(chain_path(SHELF), documents.encode(Chain(intent=intent, ids={})))

    await assert_the_others_are_sealed(stages, waiting)


async def test_what_cannot_be_sealed_holds_up_the_watermark_and_nothing_else(
    stages: Stages, calendar: Calendar
) -> None:
    """One version's damaged manifest must not keep other rows from their final form; nor may its hour count as sealed."""
    actual = prediction(at(61), kind="actual", version=None, external_id="a", prediction_id=None, value=1)
    await stages.capturing().append([event(prediction(at(1)), sequence=0, at=at(1))])
    await stages.capturing().append([event(actual, sequence=1, at=at(61))])
    path = "models/flights/1/manifest.json"
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
