"""Days, as they are rolled up from sealed hours."""

import asyncio
import contextlib
import hashlib
from datetime import datetime, timedelta

import pytest

from shared import documents
from shared.blobs import Blobs, Content
from shared.capture.records import Kind, Shelf
from shared.documents import Found, Reader
from shared.errors import InvalidDocument
from shared.hours import Hour
from shared.profiles import encoding
from shared.profiles.profile import Profile, profile
from shared.registry.baselines import Baselines
from shared.sealing.days.day import Day, DayAccount
from shared.sealing.days.finding import rolled_up
from shared.sealing.days.rolling import Rolling
from shared.sealing.hours.hour import read
from shared.sealing.hours.manifests import Manifests
from shared.sealing.paths import account_path, day_folder, day_path, hour_folder
from shared.telemetry import Telemetry
from tests.integration.models import registered
from tests.integration.sealing.batches import event, prediction
from tests.integration.sealing.conftest import NINE, Stages
from tests.integration.stored import Calendar, Killed, Mortal, everything

SHELF = Shelf(Kind.PREDICTION, "flights", "1")
ACTUALS = Shelf(Kind.ACTUAL, "flights", "_none")
DATE = "2026-03-01"
MIDNIGHT = Hour.parse("2026-03-02T00")
AFTER = MIDNIGHT.start + timedelta(minutes=20)


def at(hours: float) -> datetime:
    return NINE + timedelta(hours=hours)


def actual(moment: datetime) -> bytes:
    return prediction(moment, kind="actual", version=None, external_id="a", prediction_id=None, value=1)


async def story(stages: Stages) -> None:
    """Fill three hours of a day, and one of the next, on two partitions."""
    capturing = stages.capturing()
    twice = prediction(at(0.1))
    await capturing.append([
        event(twice, prediction(at(0.1), distance="x"), sequence=0, at=at(0.1)),
        event(actual(at(3)), sequence=1, at=at(3)),
        event(prediction(at(14.5), distance=3.0), sequence=2, at=at(14.5)),
        event(prediction(at(15.5)), sequence=3, at=at(15.5)),
    ])  # fmt: skip
    await capturing.append([event(twice, prediction(at(0.2)), sequence=0, at=at(0.2), partition="1")])


async def day(blobs: Blobs, shelf: Shelf = SHELF, date: str = DATE) -> Found[Day]:
    found = await rolled_up(Reader(blobs), day_path(shelf, date))
    assert found is not None
    return found


def rolling(stages: Stages, blobs: Blobs | None = None) -> Rolling:
    return Rolling(blobs or stages.blobs, Manifests(blobs or stages.blobs), Telemetry.to("", clock=stages.calendar))


async def agrees(blobs: Blobs, shelf: Shelf = SHELF, date: str = DATE) -> bool:
    """Whether a rolled-up day, if there is one, is of the manifests as they are."""
    found = await rolled_up(Reader(blobs), day_path(shelf, date))
    first = Hour.parse(f"{date}T00")
    hours = await Manifests(blobs).between(shelf, first, first.plus(24))
    return found is None or [one.sha256 for one in found.document.hours] == [one.sha256 for one in hours]


async def test_a_day_adds_up_its_hours(stages: Stages, calendar: Calendar) -> None:
    await story(stages)
    calendar.set(AFTER)

    await stages.sealing().seal()

    found = (await day(stages.blobs)).document
    hours = await Manifests(stages.blobs).between(SHELF, Hour.parse(f"{DATE}T00"), MIDNIGHT)
    assert [one.hour for one in found.hours] == [f"{DATE}T09", f"{DATE}T23"]
    assert [one.sha256 for one in found.hours] == [
        hashlib.sha256((await stages.blobs.read(one.path)).data).hexdigest() for one in hours
    ]
    assert (found.rows, found.doubles, found.unreadable, found.imported) == (3, 1, 1, 0)
    assert [(one.partition, one.first, one.last, one.events, one.total) for one in found.account] == [
        (0, 0, 2, 2, "2"),
        (1, 0, 0, 1, "0"),
    ]
    first = hours[0].manifest.generations[0].footer
    assert (found.hours[0].rows, found.hours[0].min_id, found.hours[0].max_id) == (2, first.min_id, first.max_id)
    actuals = (await day(stages.blobs, ACTUALS)).document
    assert (actuals.rows, actuals.profile) == (1, None)


async def test_its_profile_is_that_of_all_its_rows(stages: Stages, calendar: Calendar) -> None:
    await story(stages)
    calendar.set(AFTER)
    await stages.sealing().seal()

    found = (await day(stages.blobs)).document
    assert found.profile is not None
    path = f"{day_folder(SHELF, DATE)}{found.profile}"
    merged = encoding.decode((await stages.blobs.read(path)).data, Profile, path=path)
    bins = (
        await Baselines(stages.blobs, stages.registry()).current(await stages.registry().manifest("flights", "1"))
    ).bins
    parts = [
        read((await stages.blobs.read(f"{hour_folder(SHELF, Hour.parse(one.hour))}rows-0.parquet")).data)[0]
        for one in found.hours
    ]
    import pyarrow as pa

    rows = pa.concat_tables([part.replace_schema_metadata(None) for part in parts])
    assert merged == profile(rows, bins)


async def test_the_account_of_a_date_has_every_shelf(stages: Stages, calendar: Calendar) -> None:
    await story(stages)
    calendar.set(AFTER)
    await stages.sealing().seal()

    account, _ = await documents.read(stages.blobs, account_path(DATE), DayAccount)

    found = (await day(stages.blobs)).document
    assert set(account.shelves) == {SHELF.folder, ACTUALS.folder}
    entry = account.shelves[SHELF.folder]
    assert (entry.account, entry.rows, entry.doubles, entry.unreadable) == (found.account, 3, 1, 1)


async def test_a_day_that_the_watermark_has_not_passed_is_left_alone(stages: Stages, calendar: Calendar) -> None:
    """Its hours may still come: a day is rolled up when all of it is known."""
    await story(stages)
    calendar.set(AFTER - timedelta(minutes=10))  # within the grace of the last hour
    sealing = stages.sealing()

    await sealing.seal()
    early = await everything(stages.blobs, "captures/days/", "captures/account/")
    calendar.set(AFTER)
    await sealing.seal()

    assert not early
    assert await rolled_up(Reader(stages.blobs), day_path(SHELF, DATE))
    assert await rolled_up(Reader(stages.blobs), day_path(SHELF, "2026-03-02")) is None


async def test_rolling_up_again_writes_nothing(stages: Stages, calendar: Calendar) -> None:
    await story(stages)
    calendar.set(AFTER)
    await stages.sealing().seal()
    before = await everything(stages.blobs, "captures/days/", "captures/account/")

    assert await rolling(stages, Mortal(stages.blobs, writes=0)).roll_up(MIDNIGHT) == 0
    assert await everything(stages.blobs, "captures/days/", "captures/account/") == before


async def test_killed_at_every_write_it_comes_to_the_same_days(stages: Stages, calendar: Calendar) -> None:
    await story(stages)
    calendar.set(AFTER)
    await stages.sealing().seal()
    kept = ("captures/days/", "captures/account/")
    whole = await everything(stages.blobs, *kept)
    writes = 0
    while True:
        for path in await everything(stages.blobs, *kept):
            await stages.blobs.delete(path)
        try:
            await rolling(stages, Mortal(stages.blobs, writes=writes)).roll_up(MIDNIGHT)
        except Killed:
            assert await rolled_up(Reader(stages.blobs), day_path(SHELF, DATE)) is None or await agrees(stages.blobs)
            await rolling(stages).roll_up(MIDNIGHT)
        else:
            break
        writes += 1

        assert await everything(stages.blobs, *kept) == whole
    assert writes == 7, "two days, each begun, accounted for and written, and one profile"


async def test_a_late_generation_takes_the_day_away_before_it_counts(stages: Stages, calendar: Calendar) -> None:
    """Killed wherever it may be, no day stands that says less than its hours: readers take a day for all there is."""
    await story(stages)
    calendar.set(AFTER)
    await stages.sealing().seal()
    await stages.capturing().append([event(prediction(at(0.5)), sequence=4, at=at(0.5))])
    writes = 0
    while True:
        try:
            await stages.sealing(Mortal(stages.blobs, writes=writes)).seal()
        except Killed:
            writes += 1
            assert await agrees(stages.blobs)
        else:
            break

    found = (await day(stages.blobs)).document
    account, _ = await documents.read(stages.blobs, account_path(DATE), DayAccount)
    assert writes == 6, "the chain, rows, profile, the mark, the day and the manifest"
    assert await agrees(stages.blobs)
    assert (found.rows, [one.generations for one in found.hours]) == (4, [2, 1])
    assert account.shelves[SHELF.folder].rows == 4


class Paused(Blobs):
    """Storage whose reader is held up for as long as a test wants, once it has read a path that ends so."""

    def __init__(self, blobs: Blobs, *, after: str) -> None:
        super().__init__(blobs._service)
        self._after = after
        self.reached = asyncio.Event()
        self.resume = asyncio.Event()

    async def read(self, path: str) -> Content:
        content = await super().read(path)
        if path.endswith(self._after):
            self.reached.set()
            await self.resume.wait()
        return content


async def test_who_read_the_hours_before_another_added_to_them_leaves_no_day(
    stages: Stages, calendar: Calendar
) -> None:
    """A host can be stopped anywhere, for longer than its lease: what it had read is old when it goes on."""
    await story(stages)
    calendar.set(AFTER)
    await stages.sealing().seal()
    await stages.blobs.delete(day_path(SHELF, DATE))
    held_up = Paused(stages.blobs, after="hour=23/_manifest.json")

    slow = asyncio.create_task(rolling(stages, held_up).roll_up(MIDNIGHT))
    await held_up.reached.wait()
    await stages.capturing().append([event(prediction(at(0.5)), sequence=4, at=at(0.5))])
    await stages.sealing().seal()
    held_up.resume.set()

    await slow
    account, _ = await documents.read(stages.blobs, account_path(DATE), DayAccount)
    assert await agrees(stages.blobs)
    assert (await day(stages.blobs)).document.rows == account.shelves[SHELF.folder].rows == 4


async def test_a_day_is_not_rolled_up_while_an_hour_of_it_is_to_gain_a_generation(
    stages: Stages, calendar: Calendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sealer lets the day go, another reads the hours and begins it again, and then the hour gains its generation."""
    await story(stages)
    calendar.set(AFTER)
    await stages.sealing().seal()
    await stages.capturing().append([event(prediction(at(0.5)), sequence=4, at=at(0.5))])
    swap = documents.swap

    async def after_a_roll(*arguments: object) -> object:
        if arguments[1] == f"{hour_folder(SHELF, Hour.parse(f'{DATE}T09'))}_manifest.json":
            monkeypatch.setattr(documents, "swap", swap)
            assert await rolling(stages).roll_up(MIDNIGHT) == 0
        return await swap(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(documents, "swap", after_a_roll)
    sealing = stages.sealing()
    monkeypatch.setattr(sealing.rolling, "blobs", Mortal(stages.blobs, writes=0))
    with contextlib.suppress(Killed):  # where it would roll the day up again
        await sealing.seal()

    assert await agrees(stages.blobs)


async def test_hours_over_different_bins_have_no_profile_of_the_day(stages: Stages, calendar: Calendar) -> None:
    await story(stages)
    calendar.set(AFTER - timedelta(hours=10))
    await stages.sealing().seal()
    path = f"{hour_folder(SHELF, Hour.parse(f'{DATE}T09'))}_manifest.json"
    content = await stages.blobs.read(path)
    other = content.data.replace(b"_profile-0-", b"_profile-0-0000")
    await stages.blobs.replace(path, other, etag=content.etag)
    calendar.set(AFTER)

    await stages.sealing().seal()

    found = (await day(stages.blobs)).document
    assert (found.rows, found.profile) == (3, None)


async def test_a_day_that_cannot_be_read_does_not_stop_the_others(stages: Stages, calendar: Calendar) -> None:
    version = registered("flights", "2")
    await stages.registry().register(version.manifest, files=version.files)
    await stages.capturing().append([event(prediction(at(0)), sequence=0, at=at(0))])
    await stages.capturing().append([event(prediction(at(0), version="2"), sequence=1, at=at(0))])
    calendar.set(AFTER - timedelta(hours=1))
    await stages.sealing().seal()
    name = next(
        path for path in await everything(stages.blobs, f"captures/hours/{SHELF.folder}/") if "_profile" in path
    )
    content = await stages.blobs.read(name)
    await stages.blobs.replace(name, b"damaged", etag=content.etag)
    calendar.set(AFTER)

    with pytest.raises(ExceptionGroup) as raised:
        await rolling(stages).roll_up(MIDNIGHT)

    assert [type(one) for one in raised.value.exceptions] == [InvalidDocument]
    assert await rolled_up(Reader(stages.blobs), day_path(SHELF, DATE)) is None
    assert await rolled_up(Reader(stages.blobs), day_path(Shelf(Kind.PREDICTION, "flights", "2"), DATE))
