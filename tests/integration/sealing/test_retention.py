"""What is deleted, when, and what is left wherever that ends."""

from collections import Counter
from datetime import datetime, timedelta

import pytest

from shared import documents
from shared.blobs import Blobs
from shared.capture.capturing import Capturing
from shared.capture.cursor import Cursor
from shared.capture.hour_log import HourLogs
from shared.capture.records import DEAD_SHELF, Kind, Shelf
from shared.documents import Reader
from shared.errors import BlobChanged, InvalidDocument
from shared.hours import Hour
from shared.sealing.accounting.asked import Asked
from shared.sealing.days.day import DayAccount
from shared.sealing.days.finding import rolled_up
from shared.sealing.hours.manifests import Manifests
from shared.sealing.hours.tally import Tally
from shared.sealing.paths import account_path, day_path, hour_folder, manifest_path
from shared.sealing.retention import Periods, Retention
from shared.telemetry import Telemetry
from tests.integration.sealing.batches import event, prediction
from tests.integration.sealing.conftest import NINE, Stages
from tests.integration.sealing.verified import path_of, rewrite, verify, wrong
from tests.integration.stored import Calendar, Killed, Mortal, everything

SHELF = Shelf(Kind.PREDICTION, "flights", "1")
HOUR = Hour.containing(NINE)
DATE = HOUR.date
LOGS, DEAD, HOURS, DAYS = "captures/logs/", "captures/dead/", "captures/hours/", "captures/days/"
TWO_WEEKS = timedelta(days=14)
PERIODS = Periods(logs=14, hours=30, dead=20)
AFTER_ALL = Hour.parse("2026-06-01T00")


def at(hours: float) -> datetime:
    return NINE + timedelta(hours=hours)


def retention(stages: Stages, blobs: Blobs | None = None, *, most: int = 1_000) -> Retention:
    ours = blobs or stages.blobs
    return Retention(ours, Manifests(ours), stages.calendar, Telemetry.to("", clock=stages.calendar), PERIODS, most)


async def kept(stages: Stages, *prefixes: str) -> Counter[str]:
    """Count what is stored by kind of thing."""
    paths = await everything(stages.blobs, *(prefixes or ("captures/",)))
    return Counter(path.split("/")[1] for path in paths)


async def accounts(stages: Stages) -> dict[str, tuple[Tally, ...]]:
    """Return what is written down of the day, by shelf."""
    account, _ = await documents.read(stages.blobs, account_path(DATE), DayAccount)
    return {shelf: entry.account for shelf, entry in account.shelves.items()}


@pytest.fixture
async def sealed(stages: Stages, calendar: Calendar) -> Stages:
    """Two hours of a day, and what could not be read of them, sealed; its logs are all there."""
    await stages.capturing().append([
        event(prediction(at(0.1)), prediction(at(0.1), distance="x"), sequence=0, at=at(0.1)),
        event(b"no record", sequence=1, at=at(0.2)),
        event(prediction(at(1.5)), sequence=2, at=at(1.5)),
    ])  # fmt: skip
    calendar.set(at(16))
    await stages.sealing().seal()
    return stages


@pytest.mark.parametrize(("early", "gone"), [(timedelta(seconds=1), 0), (timedelta(0), 1)])
async def test_a_log_stays_for_its_period_after_the_end_of_its_hour(
    sealed: Stages, calendar: Calendar, early: timedelta, gone: int
) -> None:
    calendar.set(HOUR.end + TWO_WEEKS - early)

    assert await retention(sealed).apply(AFTER_ALL) == gone
    assert await kept(sealed, LOGS) == Counter(logs=2 - gone)


async def test_a_log_of_an_hour_that_the_watermark_has_not_passed_stays(sealed: Stages, calendar: Calendar) -> None:
    """However old it is: something has held sealing up, and may still add to it."""
    calendar.set(NINE + 10 * TWO_WEEKS)

    await retention(sealed).apply(HOUR)
    waiting = await kept(sealed, LOGS)
    await retention(sealed).apply(HOUR.plus(1))

    assert (waiting, await kept(sealed, LOGS)) == (Counter(logs=2), Counter(logs=1))


async def test_a_log_that_is_longer_than_what_was_sealed_stays(sealed: Stages, calendar: Calendar) -> None:
    """What is past the sealed bytes is nowhere else."""
    await sealed.capturing().append([event(prediction(at(0.3)), sequence=3, at=at(0.3))])
    calendar.set(at(2) + TWO_WEEKS)

    await retention(sealed).apply(AFTER_ALL)

    assert [Hour.at_path(path) for path in await everything(sealed.blobs, LOGS)] == [HOUR]


async def test_what_was_sealed_above_a_cursor_is_counted_when_its_log_is_gone(
    sealed: Stages, calendar: Calendar
) -> None:
    """A capture broke off before its cursor, and its hub was deleted: only the logs know which numbers are above it."""
    path = await path_of(sealed.blobs, "captures/cursors/")
    behind = documents.encode(Cursor(first=0, sequence=0, enqueued_at=at(0.1), at=at(0.1)))
    await rewrite(sealed.blobs, path, lambda _: behind)
    before = await verify(sealed)
    calendar.set(at(2) + TWO_WEEKS)

    await retention(sealed).apply(AFTER_ALL)
    after = await verify(sealed)

    assert await kept(sealed, LOGS) == Counter()
    assert (before.wrong, before.totals.events) == ((), 1)
    assert (after.wrong, after.totals.events) == ((), 3)


async def test_a_log_whose_hour_has_no_manifest_stays(stages: Stages, calendar: Calendar) -> None:
    await stages.capturing().append([event(prediction(at(0.1)), sequence=0, at=at(0.1))])
    calendar.set(at(0) + 10 * TWO_WEEKS)

    assert await retention(stages).apply(AFTER_ALL) == 0


async def test_a_log_that_grows_at_the_last_moment_stays(sealed: Stages, calendar: Calendar) -> None:
    calendar.set(at(2) + TWO_WEEKS)

    class Growing(Blobs):
        async def delete(self, path: str, *, etag: str | None = None) -> None:
            if HOUR.folder in path:
                await self.append(path, b"late\n", position=len((await self.read(path)).data))
            await super().delete(path, etag=etag)

    assert await retention(sealed, Growing(sealed.blobs._service)).apply(AFTER_ALL) == 1
    assert [Hour.at_path(path) for path in await everything(sealed.blobs, LOGS)] == [HOUR]


async def test_rolls_of_a_log_go_together_and_the_last_one_first(stages: Stages, calendar: Calendar) -> None:
    """A first roll that is gone would be begun anew by whoever still looks for the end of the log."""
    made = stages.capturing()
    capturing = Capturing(
        made.hub, HourLogs(stages.blobs, most_blocks=1), made.cursors, made.registry, made.telemetry, made.reading_back
    )
    for sequence in range(3):
        await capturing.append([event(prediction(at(0.1)), sequence=sequence, at=at(0.1))])
    rolls = list(await everything(stages.blobs, LOGS))
    calendar.set(at(16))
    await stages.sealing().seal()
    calendar.set(at(1) + TWO_WEEKS)

    left = []
    for writes in (1, 1):
        with pytest.raises(Killed):
            await retention(stages, Mortal(stages.blobs, writes=writes)).apply(AFTER_ALL)
        left.append(list(await everything(stages.blobs, LOGS)))
    await retention(stages).apply(AFTER_ALL)

    assert left == [rolls[:2], rolls[:1]]
    assert not await everything(stages.blobs, LOGS)


async def test_dead_letters_stay_for_their_own_period(sealed: Stages, calendar: Calendar) -> None:
    """Those of capture are sealed like any log; those that sealing set aside are a part of logs that are."""
    calendar.set(HOUR.end + timedelta(days=PERIODS.dead, seconds=-1))
    await retention(sealed).apply(AFTER_ALL)
    early = await kept(sealed, LOGS, DEAD)
    calendar.set(HOUR.end + timedelta(days=PERIODS.dead))
    await retention(sealed).apply(AFTER_ALL)

    assert early == Counter(dead=2)
    assert not await everything(sealed.blobs, DEAD)


async def test_dead_letters_that_are_not_in_the_account_stay(sealed: Stages, calendar: Calendar) -> None:
    await sealed.capturing().append([event(b"no record either", sequence=3, at=at(0.3))])
    calendar.set(NINE + 10 * TWO_WEEKS)

    await retention(sealed).apply(AFTER_ALL)

    assert await kept(sealed, DEAD) == Counter(dead=2)


async def rolled(stages: Stages) -> None:
    """Let the day be rolled up, and all its logs be deleted."""
    stages.calendar.set(NINE + timedelta(days=25))
    await stages.sealing().seal()
    assert await rolled_up(Reader(stages.blobs), day_path(SHELF, DATE))
    await retention(stages).apply(AFTER_ALL)


async def test_sealed_hours_stay_for_ever_unless_it_is_said_otherwise(sealed: Stages, calendar: Calendar) -> None:
    await rolled(sealed)
    before = await everything(sealed.blobs, HOURS, DAYS)
    calendar.set(NINE + timedelta(days=10_000))

    await sealed.sealing().seal()

    assert await everything(sealed.blobs, HOURS, DAYS) == before


@pytest.mark.parametrize(("early", "stays"), [(timedelta(seconds=1), True), (timedelta(0), False)])
async def test_a_day_goes_as_a_whole_when_all_of_it_is_old_enough(
    sealed: Stages,
    calendar: Calendar,
    early: timedelta,
    stays: bool,  # noqa: FBT001 - a parameter
) -> None:
    await rolled(sealed)
    calendar.set(datetime.fromisoformat(f"{DATE}T00:00+00:00") + timedelta(days=1 + PERIODS.hours) - early)

    await retention(sealed).apply(AFTER_ALL)

    assert bool(await everything(sealed.blobs, DAYS)) == stays
    left = await everything(sealed.blobs, HOURS)
    assert any(f"date={DATE}" in path for path in left) == stays
    assert sum(path.endswith("_chain.json") for path in left) == 2


async def test_the_account_of_a_day_is_there_before_its_hours_go(sealed: Stages, calendar: Calendar) -> None:
    """Whatever was in it: it is all that will be known of them."""
    await rolled(sealed)
    day = await rolled_up(Reader(sealed.blobs), day_path(SHELF, DATE))
    await sealed.blobs.delete(account_path(DATE))
    calendar.set(NINE + timedelta(days=40))

    await retention(sealed).apply(AFTER_ALL)

    account, _ = await documents.read(sealed.blobs, account_path(DATE), DayAccount)
    assert day is not None
    assert account.shelves[SHELF.folder].account == day.document.account
    assert set(account.shelves) == {SHELF.folder, DEAD_SHELF.folder}
    assert not await everything(sealed.blobs, DAYS)


@pytest.mark.parametrize("kept_days", [0, PERIODS.hours, 365])
async def test_the_account_closes_whatever_the_period_is_afterwards(
    sealed: Stages, calendar: Calendar, kept_days: int
) -> None:
    """Who keeps hours for longer from now on must not be told that those are lost which were let go."""
    await rolled(sealed)
    calendar.set(NINE + timedelta(days=40))
    await retention(sealed).apply(AFTER_ALL)

    for is_deep in (False, True):
        account = await verify(sealed, Asked(is_deep=is_deep), hours_kept_days=kept_days)

        assert not account.wrong
        assert account.totals.events == 3


async def test_a_day_that_is_not_rolled_up_stays(sealed: Stages, calendar: Calendar) -> None:
    await rolled(sealed)
    await sealed.blobs.delete(day_path(SHELF, DATE))
    await sealed.blobs.create(day_path(SHELF, DATE), b"")
    calendar.set(NINE + timedelta(days=40))

    await retention(sealed).apply(AFTER_ALL)

    assert len(await Manifests(sealed.blobs).between(SHELF, HOUR, HOUR.plus(2))) == 2


async def test_a_day_whose_hour_says_more_than_it_stays(sealed: Stages, calendar: Calendar) -> None:
    await rolled(sealed)
    path = manifest_path(SHELF, HOUR)
    content = await sealed.blobs.read(path)
    await sealed.blobs.replace(path, content.data + b"\n", etag=content.etag)
    calendar.set(NINE + timedelta(days=40))

    await retention(sealed).apply(AFTER_ALL)

    assert len(await Manifests(sealed.blobs).between(SHELF, HOUR, HOUR.plus(2))) == 2


async def test_a_day_with_a_log_left_stays(sealed: Stages, calendar: Calendar) -> None:
    """Sealing goes by logs: of an hour that is gone it would make the rows again."""
    await rolled(sealed)
    await sealed.blobs.create_log(f"captures/logs/{SHELF.folder}/{HOUR.folder}/20260301T080000000-p0-r0.jsonl")
    await sealed.blobs.append(
        f"captures/logs/{SHELF.folder}/{HOUR.folder}/20260301T080000000-p0-r0.jsonl", b"late\n", position=0
    )
    calendar.set(NINE + timedelta(days=40))

    await retention(sealed).apply(AFTER_ALL)

    assert len(await Manifests(sealed.blobs).between(SHELF, HOUR, HOUR.plus(2))) == 2


async def test_a_day_of_which_an_hour_is_left_keeps_its_document(sealed: Stages, calendar: Calendar) -> None:
    """Another one may be at it too; a day without its document is rolled up from what is left of it."""
    await rolled(sealed)
    calendar.set(NINE + timedelta(days=40))

    class Refusing(Blobs):
        async def delete(self, path: str, *, etag: str | None = None) -> None:
            if path.endswith("/rows-0.parquet"):
                raise BlobChanged(path)
            await super().delete(path, etag=etag)

    await retention(sealed, Refusing(sealed.blobs._service)).apply(AFTER_ALL)

    assert await rolled_up(Reader(sealed.blobs), day_path(SHELF, DATE))


async def test_killed_at_every_deletion_the_account_is_whole_and_sealing_does_nothing_else(
    sealed: Stages, calendar: Calendar
) -> None:
    """A day's document says what its hours were until the last of them is gone; no manifest stands without its rows."""
    await rolled(sealed)
    day = await rolled_up(Reader(sealed.blobs), day_path(SHELF, DATE))
    assert day is not None
    account = await accounts(sealed)
    sealed.periods = Periods(logs=14, hours=0, dead=20)  # for sealing, so that it deletes nothing
    calendar.set(NINE + timedelta(days=40))
    kills = 0
    while True:
        try:
            await retention(sealed, Mortal(sealed.blobs, writes=1)).apply(AFTER_ALL)
        except Killed:
            kills += 1
        else:
            break
        left = await everything(sealed.blobs, HOURS, DAYS)
        for one in await Manifests(sealed.blobs).between(SHELF, HOUR, HOUR.plus(2)):
            assert f"{hour_folder(SHELF, one.hour)}rows-0.parquet" in left
        if any(f"{SHELF.folder}/date={DATE}" in path for path in left):
            assert await rolled_up(Reader(sealed.blobs), day_path(SHELF, DATE)) == day
        assert await sealed.sealing().seal() == 0
        assert await everything(sealed.blobs, HOURS, DAYS) == left
        assert await accounts(sealed) == account
        assert not wrong(await verify(sealed, Asked(is_deep=True), hours_kept_days=PERIODS.hours))

    assert kills > 8
    assert not await everything(sealed.blobs, DAYS)


async def test_what_the_account_stands_on_is_never_deleted(sealed: Stages, calendar: Calendar) -> None:
    """Cursors, gaps, accounts, chains, the watermark; and the spool, which nothing but an acknowledgement empties.

    What is to be joined the join lets go of itself.
    """
    await rolled(sealed)
    await sealed.blobs.create("captures/spool/00.jsonl", b"waits")
    await sealed.blobs.create("captures/gaps/i/p0/1-2.json", b"lost")
    calendar.set(NINE + timedelta(days=10_000))

    await retention(sealed).apply(AFTER_ALL)

    left = await kept(sealed)
    assert set(left) == {"cursors", "gaps", "account", "hours", "spool", "unjoined", "watermark.json"}
    assert left["hours"] == 2, "the chains"


async def test_one_call_deletes_so_much_and_the_next_goes_on(sealed: Stages, calendar: Calendar) -> None:
    await rolled(sealed)
    calendar.set(NINE + timedelta(days=40))

    deleted: list[int] = []
    while not deleted or deleted[-1]:
        deleted.append(await retention(sealed, most=3).apply(AFTER_ALL))

    assert max(deleted) <= 5, "a group is not parted"
    assert len(deleted) > 3
    assert not await everything(sealed.blobs, DAYS)


async def test_what_cannot_be_read_stays_and_stops_nothing_else(sealed: Stages, calendar: Calendar) -> None:
    path = manifest_path(DEAD_SHELF, HOUR)
    content = await sealed.blobs.read(path)
    await sealed.blobs.replace(path, b"damaged", etag=content.etag)
    calendar.set(NINE + timedelta(days=25))

    with pytest.raises(ExceptionGroup) as raised:
        await retention(sealed).apply(AFTER_ALL)

    assert [type(one) for one in raised.value.exceptions] == [InvalidDocument]
    assert await kept(sealed, LOGS, DEAD) == Counter(dead=2)
