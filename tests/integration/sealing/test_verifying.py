"""The account closes on what capture and sealing do, and says otherwise of whatever is changed behind their back."""

import json
from collections.abc import Callable

import msgspec
import pytest

from shared import documents
from shared.capture.accepting import Accepting
from shared.capture.gap import Gap, gap_path
from shared.errors import UnknownGap
from shared.hours import Hour
from shared.sealing.accounting.asked import Asked
from shared.sealing.hours.hour import HourManifest
from tests.integration.sealing.batches import event, prediction
from tests.integration.sealing.conftest import NINE, Stages
from tests.integration.sealing.verified import Run, deep, lines, path_of, rewrite, verify, verifying, wrong

Change = Callable[[list[bytes]], list[bytes]]

LOGS = "captures/logs/"
HOURS = "captures/hours/"
IN_NINE = "hour=09"
IN_TEN = "hour=10"


def without_one(some: list[bytes]) -> list[bytes]:
    return some[:5] + some[6:]


def one_twice(some: list[bytes]) -> list[bytes]:
    return [*some[:6], *some[5:]]


def two_lost_for_a_triple(some: list[bytes]) -> list[bytes]:
    return [*some[:5], some[6], some[6], some[6], *some[8:]]


@pytest.fixture
async def run(stages: Stages) -> Run:
    """Nine o'clock is sealed, ten o'clock is not: events 0 to 59 and 60 to 89."""
    made = Run(stages)
    await made.capture(30)
    await made.capture(30)
    await made.seal(hours=1)
    await made.capture(30)
    return made


async def test_it_closes_on_what_capture_and_sealing_did(run: Run) -> None:
    account = await deep(run.stages)

    assert account.wrong == ()
    (partition,) = account.partitions
    assert (partition.first, partition.last, partition.events, partition.closes) == (0, 89, 90, True)
    assert (account.totals.events, account.totals.unsealed_events, account.totals.rows) == (90, 30, 60)


async def test_it_closes_before_anything_was_captured(stages: Stages) -> None:
    account = await deep(stages)

    assert account.closes
    assert account.partitions == ()


@pytest.mark.parametrize("change", [without_one, one_twice, two_lost_for_a_triple])
async def test_a_changed_line_of_an_hour_that_is_not_sealed_is_told(run: Run, change: Change) -> None:
    path = await path_of(run.stages.blobs, LOGS, IN_TEN)

    await rewrite(run.stages.blobs, path, lambda data: b"".join(change(lines(data))))

    account = await verify(run.stages)
    assert "events" in wrong(account)
    assert "in the hour 2026-03-01T10" in str(account.wrong)
    assert "numbers" in wrong(await deep(run.stages))


async def test_a_single_number_that_is_lost_is_named_by_the_sums(run: Run) -> None:
    path = await path_of(run.stages.blobs, LOGS, IN_TEN)

    await rewrite(run.stages.blobs, path, lambda data: b"".join(without_one(lines(data))))

    (found,) = (await verify(run.stages)).wrong
    assert "number 65 is missing" in found.why
    assert found.mend


async def test_the_deep_account_names_the_numbers(run: Run) -> None:
    path = await path_of(run.stages.blobs, LOGS, IN_TEN)

    await rewrite(run.stages.blobs, path, lambda data: b"".join(two_lost_for_a_triple(lines(data))))

    told = [one.why for one in (await deep(run.stages)).wrong if one.what == "numbers"]
    assert told == ["missing: 65, 67", "there more than once: 66"]


async def test_a_log_that_ends_in_the_middle_of_a_line_is_told(run: Run) -> None:
    path = await path_of(run.stages.blobs, LOGS, IN_TEN)

    await rewrite(run.stages.blobs, path, lambda data: data[:-10])

    account = await verify(run.stages)
    assert {"bad_line", "events"} <= wrong(account)


async def test_lines_that_were_cut_off_a_log_that_is_not_sealed_are_told(run: Run) -> None:
    """What is left is whole lines: only the cursor knows that there were more."""
    path = await path_of(run.stages.blobs, LOGS, IN_TEN)

    await rewrite(run.stages.blobs, path, lambda data: b"".join(lines(data)[:-3]))

    (found,) = (await verify(run.stages)).wrong
    assert "3 events are missing" in found.why


@pytest.mark.parametrize("change", [without_one, lambda some: some[:-1]])
async def test_a_log_that_is_shorter_than_what_was_sealed_is_torn(run: Run, change: Change) -> None:
    path = await path_of(run.stages.blobs, LOGS, IN_NINE)

    await rewrite(run.stages.blobs, path, lambda data: b"".join(change(lines(data))))

    assert "torn_log" in wrong(await verify(run.stages))


async def test_a_line_that_stands_again_behind_what_was_sealed_is_told(run: Run) -> None:
    path = await path_of(run.stages.blobs, LOGS, IN_NINE)

    await rewrite(run.stages.blobs, path, lambda data: data + lines(data)[-1])

    told = [one.why for one in (await verify(run.stages)).wrong if one.what == "events"]
    assert told == ["in the hour 2026-03-01T09: number 59 is there once too often"]


@pytest.mark.parametrize("change", [one_twice, two_lost_for_a_triple])
async def test_changed_lines_of_a_sealed_log_are_told_by_their_hash(run: Run, change: Change) -> None:
    path = await path_of(run.stages.blobs, LOGS, IN_NINE)
    size = len((await run.stages.blobs.read(path)).data)

    await rewrite(run.stages.blobs, path, lambda data: b"".join(change(lines(data)))[:size])

    assert "changed_log" in wrong(await deep(run.stages))


@pytest.mark.parametrize("record", [0, 1, 2])
@pytest.mark.parametrize("is_sealed", [False, True])
async def test_a_record_that_an_event_of_several_has_lost_is_told(
    stages: Stages,
    is_sealed: bool,  # noqa: FBT001 - a parameter
    record: int,
) -> None:
    """Its number is there all the same; and where it was lost before the hour was sealed, no hash tells either."""
    run = Run(stages)
    batch = [run.event(number, *(prediction(NINE, float(row)) for row in range(3))) for number in range(3)]
    await stages.capturing().append(batch)
    path = await path_of(stages.blobs, LOGS)

    await rewrite(
        stages.blobs, path, lambda data: b"".join(one for at, one in enumerate(lines(data)) if at != 3 + record)
    )
    if is_sealed:
        await run.seal(hours=1)

    (found,) = (await verify(stages, Asked(is_deep=is_sealed))).wrong
    assert (found.what, found.where, found.why) == ("bad_line", path, "number 1 has 2 lines, and it had 3")


async def test_one_other_byte_in_a_sealed_log_is_told_by_its_hash(run: Run) -> None:
    path = await path_of(run.stages.blobs, LOGS, IN_NINE)

    await rewrite(run.stages.blobs, path, lambda data: data.replace(b'"distance":5.0', b'"distance":6.0'))

    assert wrong(await deep(run.stages)) == {"changed_log"}


async def test_cut_rows_are_told(run: Run) -> None:
    path = await path_of(run.stages.blobs, HOURS, "rows-0.parquet")

    await rewrite(run.stages.blobs, path, lambda data: data[:-100])

    assert wrong(await verify(run.stages)) == {"torn_file"}


@pytest.mark.parametrize(
    "change",
    [lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:], lambda data: data.replace(b"arrow", b"Arrow")],
)
async def test_one_other_byte_in_rows_is_told_by_its_hash(run: Run, change: Callable[[bytes], bytes]) -> None:
    """Even one that no value depends on."""
    path = await path_of(run.stages.blobs, HOURS, "rows-0.parquet")

    await rewrite(run.stages.blobs, path, change)

    assert wrong(await deep(run.stages)) == {"damaged_file"}


async def test_a_manifest_that_says_something_else_than_its_rows_is_told(run: Run) -> None:
    """Doubles are looked for between these ids: with others, some would not be found."""
    path = await path_of(run.stages.blobs, HOURS, "_manifest.json")
    manifest, _ = await documents.read(run.stages.blobs, path, HourManifest)
    lowest = str(manifest.min_id).encode()

    await rewrite(run.stages.blobs, path, lambda data: data.replace(lowest, b"f" + lowest[1:], 1))

    told = [one.why for one in (await deep(run.stages)).wrong]
    assert told == ["what it says of itself is not what its manifest says"]


@pytest.mark.parametrize("name", ["rows-0.parquet", "_profile-0-"])
async def test_a_file_that_is_gone_is_told(run: Run, name: str) -> None:
    path = await path_of(run.stages.blobs, HOURS, name)

    await run.stages.blobs.delete(path)

    account = await verify(run.stages)
    assert [(one.what, one.where) for one in account.wrong] == [("missing_file", path)]


async def test_an_index_that_is_gone_is_told(run: Run) -> None:
    """Without it nobody finds the predictions of an external id."""
    path = await path_of(run.stages.blobs, HOURS, "_manifest.json")
    index = f"{path.removesuffix('_manifest.json')}_external-0"

    def with_index(data: bytes) -> bytes:
        manifest = json.loads(data)
        manifest["generations"][0]["external"] = {"file": "_external-0", "size_bytes": 9}
        return json.dumps(manifest).encode()

    await rewrite(run.stages.blobs, path, with_index)

    assert [(one.what, one.where) for one in (await verify(run.stages)).wrong] == [("missing_file", index)]


@pytest.mark.parametrize("change", [lambda data: data[:-20], lambda data: data[:99] + b"\0" + data[100:]])
async def test_a_profile_that_is_not_what_it_was_is_told(run: Run, change: Callable[[bytes], bytes]) -> None:
    path = await path_of(run.stages.blobs, HOURS, "_profile-0-")

    await rewrite(run.stages.blobs, path, change)

    assert wrong(await deep(run.stages)) == {"damaged_file"}


async def test_a_manifest_that_is_gone_is_told(run: Run) -> None:
    """Its logs are there, so that no number is missing: but it was sealed, and is not any more."""
    await run.stages.blobs.delete(await path_of(run.stages.blobs, HOURS, "_manifest.json"))

    assert {"not_sealed", "stray_rows"} <= wrong(await verify(run.stages))


async def test_a_manifest_that_cannot_be_read_is_told(run: Run) -> None:
    path = await path_of(run.stages.blobs, HOURS, "_manifest.json")

    await rewrite(run.stages.blobs, path, lambda data: data[:-20])

    assert "unreadable" in wrong(await verify(run.stages))


async def test_a_chain_that_cannot_be_read_is_told(run: Run) -> None:
    """Everything is there, and nothing is added to it any more."""
    path = await path_of(run.stages.blobs, HOURS, "_chain.json")

    await rewrite(run.stages.blobs, path, lambda data: data[:-1])

    assert [(one.what, one.where) for one in (await verify(run.stages)).wrong] == [("unreadable", path)]


async def test_a_sealed_hour_that_is_gone_with_its_logs_is_told(run: Run) -> None:
    for prefix in (LOGS, HOURS):
        for path in [one.path async for one in run.stages.blobs.under(prefix) if IN_NINE in one.path]:
            await run.stages.blobs.delete(path)

    (found,) = [one for one in (await verify(run.stages)).wrong if one.what == "events"]
    assert "60 events are missing" in found.why


async def test_a_sealed_hour_that_is_gone_before_its_logs_is_told(run: Run) -> None:
    for path in [one.path async for one in run.stages.blobs.under(HOURS) if IN_NINE in one.path]:
        await run.stages.blobs.delete(path)

    assert wrong(await verify(run.stages)) == {"not_sealed"}


async def test_a_manifest_whose_sums_were_changed_does_not_close(run: Run) -> None:
    path = await path_of(run.stages.blobs, HOURS, "_manifest.json")

    await rewrite(run.stages.blobs, path, lambda data: data.replace(b'"total": "1770"', b'"total": "1771"'))

    assert wrong(await verify(run.stages)) == {"events"}
    assert {"recount", "damaged_file"} <= wrong(await deep(run.stages))


async def test_rows_are_accounted_for_record_by_record(run: Run) -> None:
    """Rows that were left out and not counted as doubles are lost, and no number says so."""
    path = await path_of(run.stages.blobs, HOURS, "_manifest.json")

    await rewrite(run.stages.blobs, path, lambda data: data.replace(b'"rows": 60', b'"rows": 59'))

    told = [one.why for one in (await deep(run.stages)).wrong if one.what == "damaged_file"]
    assert "its logs have 60 records, and it accounts for 59" in told


async def test_what_is_above_the_cursor_is_not_counted(run: Run) -> None:
    """Capture was killed between its append and its cursor; the batch comes again, and then it counts."""
    cursor = await path_of(run.stages.blobs, "captures/cursors/")
    before = (await run.stages.blobs.read(cursor)).data
    await run.capture(30)
    await rewrite(run.stages.blobs, cursor, lambda _: before)

    account = await deep(run.stages)

    assert account.wrong == ()
    assert account.partitions[0].last == 89


async def test_an_hour_that_was_sealed_above_the_cursor_is_counted_from_its_logs(run: Run) -> None:
    """Another partition's quiet let the hour be sealed before the cursor of a killed capture had moved."""
    await run.seal(hours=2)
    cursor = await path_of(run.stages.blobs, "captures/cursors/")
    await rewrite(run.stages.blobs, cursor, lambda data: data.replace(b'"sequence": 89', b'"sequence": 79'))

    for account in (await verify(run.stages), await deep(run.stages)):
        assert account.wrong == ()
        assert (account.partitions[0].last, account.partitions[0].events) == (79, 80)


async def test_a_partition_without_its_cursor_is_told(run: Run) -> None:
    await run.stages.blobs.delete(await path_of(run.stages.blobs, "captures/cursors/"))

    assert "no_cursor" in wrong(await verify(run.stages))


async def test_two_incarnations_close_each_by_itself(run: Run) -> None:
    """Numbers begin again with 0 when a hub is created anew."""
    other = "20200101T000000000"
    for prefix in ("captures/cursors/", LOGS):
        for path in [one.path async for one in run.stages.blobs.under(prefix)]:
            incarnation = path.removeprefix("captures/cursors/").split("/")[0].rsplit("/", 1)[-1].split("-p")[0]
            if IN_TEN in path or prefix != LOGS:
                live = await run.stages.hub.incarnation()
                data = (await run.stages.blobs.read(path)).data
                copy = path.replace(live, other)
                if prefix == LOGS:
                    await run.stages.blobs.create_log(copy)
                    await run.stages.blobs.append(copy, data, position=0)
                else:
                    await run.stages.blobs.create(copy, data.replace(b'"first": 0', b'"first": 60'))
                assert incarnation

    account = await verify(run.stages)

    assert account.wrong == ()
    dead, live_one = account.partitions
    assert (dead.incarnation, dead.is_live, dead.in_flight, dead.events) == (other, False, None, 30)
    assert (live_one.is_live, live_one.events) == (True, 90)


async def test_a_gap_is_wrong_in_the_hours_that_it_touches(run: Run) -> None:
    """Whoever asks for July need not hear, with an exit code, of a loss in March; whoever asks for everything does."""
    incarnation = await run.stages.hub.incarnation()
    nine, ten = Hour.containing(NINE), Hour.containing(NINE).plus(1)
    for partition, first, last in ((0, 60, 64), (1, 0, 4)):
        gap = Gap(incarnation=incarnation, partition=partition, first=first, last=last, found_at=NINE)
        await run.stages.blobs.create(gap_path(incarnation, str(partition), first, last), documents.encode(gap))
    above = Gap(incarnation=incarnation, partition=0, first=90, last=94, found_at=NINE)
    await run.stages.blobs.create(gap_path(incarnation, "0", 90, 94), documents.encode(above))

    told = [
        {one.where.partition("/")[2] for one in account.wrong if one.what == "gap"}
        for account in [
            await verify(run.stages, asked)
            for asked in (
                Asked(),
                Asked(nine, ten),
                Asked(ten, ten.plus(1)),
                Asked(ten, None),
                Asked(ten.plus(24), None),
            )
        ]
    ]

    assert told == [
        {"p0/60-64", "p0/90-94", "p1/0-4"},
        set(),
        {"p0/60-64"},
        {"p0/60-64", "p0/90-94"},
        {"p0/90-94"},
    ]


async def test_a_gap_is_lost_until_somebody_takes_note(run: Run) -> None:
    stages = run.stages
    await run.capture(10)
    log = await path_of(stages.blobs, LOGS, IN_TEN)
    await rewrite(stages.blobs, log, lambda data: b"".join([*lines(data)[:30], *lines(data)[35:]]))
    incarnation = await stages.hub.incarnation()
    assert wrong(await verify(stages)) == {"events"}
    gap = Gap(incarnation=incarnation, partition=0, first=90, last=94, found_at=NINE)
    path = gap_path(incarnation, "0", 90, 94)
    await stages.blobs.create(path, documents.encode(gap))

    open_account = await deep(stages)
    accepted = Gap(**{**{name: getattr(gap, name) for name in gap.__struct_fields__}, "accepted_by": "Ada"})
    await rewrite(stages.blobs, path, lambda _: documents.encode(accepted))
    account = await deep(stages)

    assert wrong(open_account) == {"gap"}
    assert f"--accept-gap {incarnation}/p0/90-94" in open_account.wrong[0].mend
    assert account.wrong == ()
    assert account.partitions[0].lost == 5


async def test_what_is_missing_for_good_is_taken_note_of(run: Run) -> None:
    """Numbers that are there, or were never captured, cannot be: an account that closes over those would prove nothing."""
    stages = run.stages
    await run.capture(10)
    log = await path_of(stages.blobs, LOGS, IN_TEN)
    await rewrite(stages.blobs, log, lambda data: b"".join([*lines(data)[:30], *lines(data)[35:]]))
    partition = f"{await stages.hub.incarnation()}/p0"
    account = await deep(stages)
    missing = [msgspec.structs.astuple(one) for one in account.missing]
    accepting = Accepting(stages.blobs, stages.calendar)

    for numbers in ("89-94", "90-95", "94-90", "200-210"):
        with pytest.raises(UnknownGap):
            await accepting.accept(f"{partition}/{numbers}", by="Ada", missing=missing)
    with pytest.raises(UnknownGap):
        await accepting.accept(f"{partition}/90-94", by="Ada")
    gap = await accepting.accept(f"{partition}/90-94", by="Ada", missing=missing)

    assert f"--deep --accept-gap {partition}/<from>-<to>" in account.wrong[-1].mend
    assert (gap.first, gap.last, gap.accepted_by) == (90, 94, "Ada")
    for after in (await verify(stages), await deep(stages)):
        assert after.wrong == ()
        assert (after.missing, after.partitions[0].lost) == ((), 5)


@pytest.mark.parametrize("is_deep", [False, True])
async def test_some_hours_close_by_themselves(run: Run, *, is_deep: bool) -> None:
    nine, ten = Hour.parse("2026-03-01T09"), Hour.parse("2026-03-01T10")

    for asked, numbers in (
        (Asked(nine, ten, is_deep), (0, 59)),
        (Asked(ten, None, is_deep), (60, 89)),
        (Asked(ten, ten.plus(1), is_deep), (60, 89)),
        (Asked(None, ten, is_deep), (0, 59)),
    ):
        account = await verify(run.stages, asked)
        assert account.wrong == ()
        assert (account.partitions[0].first, account.partitions[0].last) == numbers


async def test_a_loss_at_the_border_of_what_was_asked_for_is_told(run: Run) -> None:
    """The last numbers of an hour are lost: neither the hour itself nor the next one has a sum that would say so."""
    path = await path_of(run.stages.blobs, LOGS, IN_TEN)
    await rewrite(run.stages.blobs, path, lambda data: b"".join(lines(data)[3:]))
    nine, ten = Hour.parse("2026-03-01T09"), Hour.parse("2026-03-01T10")

    told = [wrong(await verify(run.stages, asked)) for asked in (Asked(nine, ten), Asked(ten, None))]

    assert told == [{"events"}, {"events"}]


async def test_hours_before_anything_was_captured_are_nobodys(run: Run) -> None:
    account = await verify(run.stages, Asked(Hour.parse("2026-02-01T00"), Hour.parse("2026-02-02T00")))

    assert account.wrong == ()


async def test_the_days_before_are_looked_through_for_the_last_number(stages: Stages) -> None:
    """A partition may have been quiet for weeks before the hours that were asked for."""
    run = Run(stages)
    await run.capture(10)
    await run.seal(hours=30)
    run.next_number = 10
    late = NINE.replace(day=20)
    stages.calendar.set(late)
    await stages.capturing().append([event(prediction(late), sequence=number, at=late) for number in (10, 11, 12)])
    asked = Asked(Hour.parse("2026-03-20T00"))

    whole = await verify(stages, asked)
    log = await path_of(stages.blobs, LOGS, "date=2026-03-20")
    await rewrite(stages.blobs, log, lambda data: b"".join(lines(data)[1:]))
    broken = await verify(stages, asked)

    assert whole.wrong == ()
    assert (whole.partitions[0].first, whole.partitions[0].last) == (10, 12)
    assert ["number 10 is missing" in one.why for one in broken.wrong] == [True]


async def test_what_lies_before_a_partitions_first_number_is_not_read(stages: Stages) -> None:
    """A hub was created anew: its partitions have nothing before these hours, however many years there are."""
    old, new = Run(stages), Run(stages, partition="1")
    await old.capture(10)
    await old.seal(hours=30)
    late = NINE.replace(day=20)
    stages.calendar.set(late)
    await stages.capturing().append([event(prediction(late), sequence=4, at=late, partition=new.partition)])
    read: list[str] = []
    whole = stages.blobs.read

    async def counted(path: str) -> object:
        read.append(path)
        return await whole(path)

    stages.blobs.read = counted  # type: ignore[method-assign, assignment]
    account = await verify(stages, Asked(Hour.parse("2026-03-20T00")))

    assert account.wrong == ()
    assert [(one.partition, one.first, one.last) for one in account.partitions if one.events] == [(1, 4, 4)]
    assert not [path for path in read if "date=2026-03-01" in path]


@pytest.mark.parametrize("name", ["rows-7.parquet", "rows-0 (copy).parquet", "part.csv"])
async def test_a_file_that_no_manifest_names_is_told(run: Run, name: str) -> None:
    """Whoever reads the folder as it is takes it for rows of the hour."""
    blobs = run.stages.blobs
    rows = await path_of(blobs, HOURS, "rows-0.parquet")
    path = rows.replace("rows-0.parquet", name)
    await blobs.create(path, (await blobs.read(rows)).data)
    await rewrite(blobs, "captures/watermark.json", lambda data: data + b" ")

    assert [(one.what, one.where) for one in (await verify(run.stages)).wrong] == [("stray_rows", path)]


async def test_an_old_spool_does_not_close(run: Run) -> None:
    await run.stages.blobs.create("captures/spool/0f.jsonl", b"{}\n")
    young = await verify(run.stages)
    patient = verifying(run.stages)
    patient.spool_max_age_s = 0.0
    old = await patient.verify(Asked())

    assert young.wrong == ()
    assert young.spool.waiting == 1
    assert wrong(old) == {"spool"}


async def test_manifests_are_read_again_only_when_they_changed(run: Run) -> None:
    made = verifying(run.stages)
    await made.verify(Asked())
    read: list[str] = []
    whole = run.stages.blobs.read

    async def counted(path: str) -> object:
        read.append(path)
        return await whole(path)

    run.stages.blobs.read = counted  # type: ignore[method-assign, assignment]
    await made.verify(Asked())

    assert not [path for path in read if path.endswith("_manifest.json")]
