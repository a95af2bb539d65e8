"""The account closes on everything that capture and sealing can leave: rolls, letters, doubles, late logs, days, retention."""

import asyncio
import hashlib
import time
from datetime import timedelta

import msgspec
import pytest

from shared import documents
from shared.capture.cursor import Cursor
from shared.capture.hour_log import HourLogs
from shared.capture.records import Kind, Shelf
from shared.hours import Hour
from shared.sealing.accounting.account import Account
from shared.sealing.accounting.asked import Asked
from shared.sealing.days.day import Day
from shared.sealing.hours.hour import Consumed, Footer, Generation, HourManifest, read, write
from shared.sealing.hours.tally import tally
from shared.sealing.paths import account_path, day_path, manifest_path
from tests.integration.sealing.batches import Delivered, event, failure, prediction
from tests.integration.sealing.conftest import NINE, Stages
from tests.integration.sealing.verified import Run, deep, lines, path_of, rewrite, verify, verifying, wrong

SHELF = Shelf(Kind.PREDICTION, "flights", "1")
HOURS = "captures/hours/"
DAYS = "captures/days/"


@pytest.fixture
def run(stages: Stages) -> Run:
    return Run(stages)


async def both(stages: Stages) -> tuple[Account, Account]:
    """Return the account, shallow and deep."""
    return await verify(stages), await deep(stages)


async def deliver(stages: Stages, *events: Delivered) -> None:
    await stages.capturing().append(events)


async def test_it_closes_over_the_rolls_of_a_log_and_misses_one(run: Run) -> None:
    capturing = run.stages.capturing()
    capturing._filing.logs = HourLogs(run.stages.blobs, most_blocks=2)
    for start in range(0, 12, 2):
        await capturing.append([run.event(number) for number in (start, start + 1)])
    before = await both(run.stages)
    await run.seal(hours=1)
    after = await both(run.stages)
    await run.stages.blobs.delete(await path_of(run.stages.blobs, "captures/logs/", "-r1.jsonl"))

    unsealed_roll = await verify(run.stages)

    for account in (*before, *after):
        assert account.wrong == ()
        assert account.totals.events == 12
    assert after[0].totals.unsealed_events == 0
    assert unsealed_roll.wrong == (), "what was sealed of it is in its hour, and retention may have taken the log"


async def test_a_roll_that_is_gone_before_it_was_sealed_is_told(run: Run) -> None:
    capturing = run.stages.capturing()
    capturing._filing.logs = HourLogs(run.stages.blobs, most_blocks=2)
    for start in range(0, 12, 2):
        await capturing.append([run.event(number) for number in (start, start + 1)])

    await run.stages.blobs.delete(await path_of(run.stages.blobs, "captures/logs/", "-r1.jsonl"))

    assert wrong(await verify(run.stages)) == {"missing_roll", "events"}


async def test_it_closes_over_dead_letters_whole_and_in_part(run: Run) -> None:
    """An event with one readable record is in its log; one without any is counted among the dead, and once."""
    good, stray = prediction(NINE), prediction(NINE, model="nobody")
    await deliver(
        run.stages,
        event(good, b"nonsense", sequence=0, at=NINE),
        event(b"nonsense", b"more", sequence=1, at=NINE),
        event(stray, stray, b"nonsense", sequence=2, at=NINE),
    )
    before = await both(run.stages)
    await run.seal(hours=1)
    after = await both(run.stages)

    for account in (*before, *after):
        assert account.wrong == ()
        assert (account.totals.events, account.totals.dead_letters) == (3, 2)
    assert after[0].totals.unsealed_events == 0


async def test_a_dead_letter_that_is_gone_is_told(run: Run) -> None:
    await deliver(run.stages, *(event(b"nonsense", sequence=number, at=NINE) for number in range(3)))
    path = await path_of(run.stages.blobs, "captures/dead/")

    await rewrite(run.stages.blobs, path, lambda data: b"".join([lines(data)[0], lines(data)[2]]))

    assert "number 1 is missing" in str((await verify(run.stages)).wrong)


async def test_it_closes_over_records_that_sealing_could_not_read(run: Run) -> None:
    """The event stays in its log's account; the letter that sealing writes is marked as a part of it."""
    await deliver(
        run.stages,
        event(prediction(NINE, "far"), sequence=0, at=NINE),
        event(prediction(NINE), prediction(NINE, None, weight="many"), sequence=1, at=NINE),
    )
    await run.seal(hours=1)

    for account in await both(run.stages):
        assert account.wrong == ()
        assert (account.totals.events, account.totals.rows, account.totals.unreadable) == (2, 1, 2)


async def test_it_closes_over_doubles_within_an_hour_and_across_hours(run: Run) -> None:
    """An acknowledgement was lost and the sender sent again: another event with the same record, counted as an event."""
    one, other = prediction(NINE), prediction(NINE)
    later = NINE + timedelta(hours=1)
    await deliver(run.stages, event(one, sequence=0, at=NINE), event(one, sequence=1, at=NINE))
    await deliver(run.stages, event(other, one, sequence=2, at=later))
    await run.seal(hours=2)

    for account in await both(run.stages):
        assert account.wrong == ()
        assert (account.totals.events, account.totals.rows, account.totals.doubles) == (3, 2, 2)


async def test_an_id_that_stands_in_two_hours_is_told(run: Run) -> None:
    """What sealing promises is looked at again in the rows themselves."""
    one = prediction(NINE)
    later = NINE + timedelta(hours=1)
    await deliver(run.stages, event(one, sequence=0, at=NINE))
    await run.seal(hours=1)
    for path in [stored.path async for stored in run.stages.blobs.under(HOURS) if "_chain" in stored.path]:
        await run.stages.blobs.delete(path)
    hidden = await path_of(run.stages.blobs, HOURS, "_manifest.json")
    manifest = (await run.stages.blobs.read(hidden)).data
    await run.stages.blobs.delete(hidden)
    await run.stages.blobs.delete(await path_of(run.stages.blobs, "captures/logs/"))
    await deliver(run.stages, event(one, sequence=1, at=later))
    await run.seal(hours=2)
    await run.stages.blobs.create(hidden, manifest)

    account = await deep(run.stages)

    assert "1 of its ids are in" in str([one.why for one in account.wrong if one.what == "damaged_file"])


async def test_it_closes_over_a_generation_that_came_late(run: Run) -> None:
    await run.capture(30)
    await run.seal(hours=1)
    await run.capture(20)
    await run.seal(hours=2)

    for account in await both(run.stages):
        assert account.wrong == ()
        assert (account.totals.events, account.totals.rows, account.totals.hours) == (50, 50, 1)


async def test_an_hour_that_was_sealed_in_pieces_is_one(run: Run) -> None:
    await run.capture(50)
    run.stages.calendar.set(NINE + timedelta(hours=1, minutes=20))
    await run.stages.sealing(most_bytes=4_000).seal()

    for account in await both(run.stages):
        assert account.wrong == ()
        assert account.totals.events == 50


async def test_hours_whose_logs_are_gone_are_known_from_their_rows(run: Run) -> None:
    """Where nothing was left out the rows have every number; where something was, only the sums are left."""
    twice = prediction(NINE)
    await run.capture(30)
    await run.seal(hours=1)
    late = NINE + timedelta(hours=1)
    await deliver(run.stages, *(event(twice, sequence=number, at=late) for number in (30, 31, 32)))
    await run.seal(hours=2)
    for path in [one.path async for one in run.stages.blobs.under("captures/logs/")]:
        await run.stages.blobs.delete(path)

    whole = await deep(run.stages)
    path = await path_of(run.stages.blobs, HOURS, "hour=09/_manifest.json")
    await rewrite(run.stages.blobs, path, lambda data: data.replace(b'"squares": "8555"', b'"squares": "8556"'))
    changed = await deep(run.stages)

    assert whole.wrong == ()
    assert whole.totals.events == 33
    assert {"events", "damaged_file"} <= wrong(changed)


async def test_rows_in_another_order_are_told(run: Run) -> None:
    """Whoever reads a partition's rows in their order reads them as they happened."""
    await run.capture(10)
    await run.seal(hours=1)
    path = await path_of(run.stages.blobs, HOURS, "rows-0.parquet")
    rows, about = read((await run.stages.blobs.read(path)).data)
    turned = write(rows.take(list(reversed(range(rows.num_rows)))), about)
    await rewrite(run.stages.blobs, path, lambda _: turned)
    hour = Hour.containing(NINE)
    manifest, _ = await documents.read(run.stages.blobs, manifest_path(SHELF, hour), HourManifest)
    (generation,) = manifest.generations
    changed = msgspec.structs.replace(generation, size_bytes=len(turned), sha256=hashlib.sha256(turned).hexdigest())
    lying = documents.encode(msgspec.structs.replace(manifest, generations=(changed,)))
    await rewrite(run.stages.blobs, manifest_path(SHELF, hour), lambda _: lying)

    told = [one.why for one in (await deep(run.stages)).wrong]

    assert told == ["its rows are not in the order of partition, incarnation, sequence and index"]


@pytest.fixture
async def rolled(run: Run) -> Run:
    """Two hours of a day, which is rolled up."""
    await run.capture(90)
    await run.seal(hours=40)
    assert await documents.find(run.stages.blobs, day_path(SHELF, "2026-03-01"), Day) is not None
    return run


async def test_it_closes_over_days(rolled: Run) -> None:
    for account in await both(rolled.stages):
        assert account.wrong == ()
        assert account.totals.events == 90


async def test_an_hour_that_its_day_has_and_that_is_gone_is_told(rolled: Run) -> None:
    for path in [one.path async for one in rolled.stages.blobs.under(HOURS) if "hour=10" in one.path]:
        await rolled.stages.blobs.delete(path)

    assert "missing_hour" in wrong(await verify(rolled.stages))


async def test_days_and_their_hours_that_are_gone_are_told_by_the_account_of_the_day(rolled: Run) -> None:
    """Nothing but the account of the day knows of them once the logs are gone too: the sums say that numbers are missing."""
    for prefix in (HOURS, DAYS, "captures/logs/"):
        for path in [one.path async for one in rolled.stages.blobs.under(prefix)]:
            await rolled.stages.blobs.delete(path)

    assert {"missing_hour", "events"} <= wrong(await verify(rolled.stages))


async def test_a_manifest_that_is_another_than_its_day_was_made_from_is_told(rolled: Run) -> None:
    path = await path_of(rolled.stages.blobs, HOURS, "hour=10/_manifest.json")

    await rewrite(rolled.stages.blobs, path, lambda data: data + b"\n")

    assert wrong(await verify(rolled.stages)) == {"day"}


async def test_a_day_that_says_something_else_than_its_hours_is_told(rolled: Run) -> None:
    path = day_path(SHELF, "2026-03-01")

    await rewrite(rolled.stages.blobs, path, lambda data: data.replace(b'"rows": 90', b'"rows": 91'))

    assert wrong(await verify(rolled.stages)) == {"day"}


async def test_a_day_that_says_that_requests_failed_otherwise_than_its_hours_is_told(run: Run) -> None:
    """Windows take it from the day, and a day that was rolled up before it was counted says nothing."""
    failures = [failure(NINE, "late") for _ in range(3)]
    await deliver(run.stages, *(event(one, sequence=number, at=NINE) for number, one in enumerate(failures)))
    await run.seal(hours=40)
    path = day_path(Shelf(Kind.FAILURE, "flights", "1"), "2026-03-01")
    day, _ = await documents.read(run.stages.blobs, path, Day)
    assert (await verify(run.stages)).wrong == ()

    lying = documents.encode(day).replace(b'"requests": 3', b'"requests": 2')
    await rewrite(run.stages.blobs, path, lambda _: lying)
    told = wrong(await verify(run.stages))
    earlier = documents.encode(msgspec.structs.replace(day, failures=None))
    await rewrite(run.stages.blobs, path, lambda _: earlier)

    assert told == {"day"}
    assert (await verify(run.stages)).wrong == ()


async def test_a_days_profile_that_is_gone_is_told(rolled: Run) -> None:
    path = await path_of(rolled.stages.blobs, DAYS, f"{SHELF.folder}/date=2026-03-01/_profile-")
    await rolled.stages.blobs.delete(path)

    assert [(one.what, one.where) for one in (await verify(rolled.stages)).wrong] == [("missing_file", path)]


async def test_a_days_profile_that_is_not_what_it_was_is_told(rolled: Run) -> None:
    """Windows read it instead of the day's hours."""
    path = await path_of(rolled.stages.blobs, DAYS, f"{SHELF.folder}/date=2026-03-01/_profile-")

    await rewrite(rolled.stages.blobs, path, lambda data: data[:-8] + bytes([data[-8] ^ 255]) + data[-7:])

    assert [(one.what, one.where) for one in (await deep(rolled.stages)).wrong] == [("damaged_file", path)]


async def test_a_day_that_is_being_rolled_up_says_nothing(rolled: Run) -> None:
    path = day_path(SHELF, "2026-03-01")
    await rewrite(rolled.stages.blobs, path, lambda _: b"")

    assert (await verify(rolled.stages)).wrong == ()


async def test_what_retention_took_is_still_accounted_for(rolled: Run) -> None:
    for prefix in (HOURS, DAYS, "captures/logs/"):
        for path in [one.path async for one in rolled.stages.blobs.under(prefix)]:
            await rolled.stages.blobs.delete(path)
    rolled.stages.calendar.set(NINE + timedelta(days=40))

    kept = await verify(rolled.stages, hours_kept_days=60)
    over = await verify(rolled.stages, hours_kept_days=30)
    over_deep = await verify(rolled.stages, Asked(is_deep=True), hours_kept_days=30)

    assert "missing_hour" in wrong(kept)
    assert over.wrong == over_deep.wrong == ()
    assert (over.totals.events, over.totals.rows) == (90, 90)


async def test_an_account_of_a_day_that_was_changed_does_not_close(rolled: Run) -> None:
    for prefix in (HOURS, DAYS, "captures/logs/"):
        for path in [one.path async for one in rolled.stages.blobs.under(prefix)]:
            await rolled.stages.blobs.delete(path)
    rolled.stages.calendar.set(NINE + timedelta(days=40))
    path = account_path("2026-03-01")
    await rewrite(rolled.stages.blobs, path, lambda data: data.replace(b'"events": 90', b'"events": 89'))

    assert wrong(await verify(rolled.stages, hours_kept_days=30)) == {"events"}


async def test_hours_after_a_day_that_retention_took_begin_where_it_ended(rolled: Run) -> None:
    late = NINE + timedelta(days=30)
    rolled.stages.calendar.set(late)
    await deliver(rolled.stages, event(prediction(late), sequence=90, at=late))
    for prefix in (HOURS, DAYS):
        for path in [one.path async for one in rolled.stages.blobs.under(prefix)]:
            await rolled.stages.blobs.delete(path)

    account = await verify(rolled.stages, Asked(Hour.containing(late)), hours_kept_days=20)

    assert account.wrong == ()
    assert (account.partitions[0].first, account.partitions[0].last) == (90, 90)


async def test_a_system_at_work_never_looks_broken(run: Run) -> None:
    """Capture, sealing and rolling up go on while the account is drawn up again and again."""
    made = verifying(run.stages)
    is_done = asyncio.Event()

    async def work() -> None:
        for hour in range(30):
            await run.capture(60)
            await run.capture(30)
            await run.seal(hours=1 + int(1.5 * hour))
        is_done.set()

    async def look() -> list[Account]:
        found: list[Account] = []
        while not is_done.is_set():
            found.append(await made.verify(Asked()))
        return found

    _, accounts = await asyncio.gather(work(), look())

    assert [account.wrong for account in accounts if account.wrong] == []
    assert len(accounts) > 5
    assert (await deep(run.stages)).totals.events == 30 * 90


async def month(stages: Stages, *, hours: int) -> None:
    """Write what a month of one shelf leaves: logs that retention took, manifests and rows, days and their accounts."""
    incarnation = await stages.hub.incarnation()
    at_once = asyncio.Semaphore(16)

    async def write(index: int) -> None:
        hour = Hour.containing(NINE).plus(index)
        folder = f"captures/hours/{SHELF.folder}/{hour.folder}/"
        numbers = range(index * 1000, (index + 1) * 1000)
        own = tally(incarnation, 0, numbers)
        assert own is not None
        log = f"captures/logs/{SHELF.folder}/{hour.folder}/{incarnation}-p0-r0.jsonl"
        footer = Footer(
            consumed=(Consumed(log=log, start=0, end=1_000_000, sha256="0" * 64),),
            account=(own,),
            rows=1000,
            doubles=0,
            unreadable=0,
            min_id=None,
            max_id=None,
        )
        generation = Generation(
            number=0, rows_file="rows-0.parquet", size_bytes=4, sha256="0" * 64, profile=None, footer=footer
        )
        manifest = HourManifest(
            kind=SHELF.kind, model=SHELF.model, version=SHELF.version, hour=hour.key, generations=(generation,)
        )
        async with at_once:
            await stages.blobs.create(f"{folder}rows-0.parquet", b"rows")
            await stages.blobs.create(f"{folder}_manifest.json", documents.encode(manifest))

    await asyncio.gather(*(write(index) for index in range(hours)))
    last = NINE + timedelta(hours=hours)
    cursor = Cursor(first=0, sequence=hours * 1000 - 1, enqueued_at=last, at=last)
    await stages.blobs.create(f"captures/cursors/{incarnation}/p0.json", documents.encode(cursor))


async def test_a_month_of_hours_takes_seconds(stages: Stages) -> None:
    """720 hours with 720,000 events: read as documents, many at once, and no row of them."""
    await month(stages, hours=720)
    began = time.monotonic()

    account = await verify(stages)

    assert account.wrong == ()
    assert account.totals.events == 720_000
    assert time.monotonic() - began < 30.0
