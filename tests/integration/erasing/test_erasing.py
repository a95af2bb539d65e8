"""An erased subject is nowhere, everybody else is where they were, and the account closes."""

from collections import Counter
from datetime import timedelta

import msgspec
import pyarrow as pa
import pytest
from msgspec import UNSET

from shared import documents
from shared.actuals.joined_hour import JoinedHour
from shared.actuals.paths import joined_path
from shared.capture.cursor import Cursor, Cursors
from shared.capture.dead import DeadLetters, Wanted
from shared.capture.hub import incarnation_named
from shared.capture.publishing.spool import Spool
from shared.capture.records import Outgoing
from shared.datasets.manifest import DatasetManifest
from shared.datasets.paths import dataset_folder, manifest_path
from shared.erasing.outlived import OutlivedHashes
from shared.errors import ErasureOutrun, ErasureWaits, Inseparable, InvalidDocument
from shared.hours import Hour
from shared.profiles import encoding
from shared.profiles.profile import profile
from shared.registry.baselines import Baselines
from shared.schema import Coarsen, Hash
from shared.scoring.privacy import Masks
from shared.sealing.hours.hour import HourManifest, read
from shared.sealing.paths import hour_folder
from shared.sealing.paths import manifest_path as hour_manifest
from shared.sealing.tables import external
from tests.integration.erasing.found import all_stored, holding
from tests.integration.erasing.gone import again
from tests.integration.erasing.inhabited import (
    DATASET,
    HUB_KEEPS,
    OPEN,
    PERSON,
    PLACE,
    PREDICTIONS,
    Inhabited,
    inhabited,
    parquet,
)
from tests.integration.models import registered
from tests.integration.sealing.batches import id_of, prediction
from tests.integration.sealing.conftest import NINE, Stages
from tests.integration.sealing.verified import deep, rewrite, verify
from tests.memory import Memory


@pytest.fixture
async def real(stages: Stages) -> Inhabited:
    """Storage that is real, where what is claimed is about bytes or the account; in memory it is faster."""
    return await inhabited(stages)


@pytest.fixture
def made(first: tuple[Memory, Inhabited]) -> Inhabited:
    return again(first)[1]


async def by_external_id(made: Inhabited) -> None:
    await made.erasing().erase("flights", external_id=PERSON)


async def by_feature(made: Inhabited) -> None:
    await made.erasing().erase("flights", feature="carrier", value=PLACE)


async def test_the_subject_is_everywhere_before(real: Inhabited) -> None:
    """A search that finds nothing proves nothing, unless it found everything before."""
    found = await holding(real.blobs, PLACE, PERSON, id_of(real.own[0]))

    folders = {path.split("/")[1] for path in found[PLACE] if path.startswith("captures/")}
    assert folders == {"logs", "dead", "imports", "hours", "days"}
    assert {path.split("/")[0] for path in found[PLACE]} == {"captures", "models", "datasets"}
    assert any(path.startswith("captures/joins/") and "/standing/" in path for path in found[PERSON])
    assert any(path.startswith("captures/joins/") and "/hour=" in path for path in found[id_of(real.own[0])])
    assert any(path.startswith("monitoring/challenges/") for path in found[id_of(real.own[0])])


async def test_who_is_erased_by_a_value_is_nowhere_after(real: Inhabited) -> None:
    await by_feature(real)

    found = await holding(real.blobs, PLACE, PERSON, *real.own_ids)
    assert {text: paths for text, paths in found.items() if paths} == {}


async def test_who_is_erased_by_an_external_id_is_nowhere_after(real: Inhabited) -> None:
    """What was handed over says no external id, a usual value is the name of a bin, a recipe names it: none tells of them."""
    await by_external_id(real)

    found = await holding(real.blobs, PLACE, PERSON, *real.own_ids)
    assert {text for text, paths in found.items() if paths} == {PLACE}
    assert {path.split("/")[-2] for path in found[PLACE]} == {"_originals", "2", DATASET}
    assert {path.rsplit("/", 1)[1] for path in found[PLACE] if path.startswith("models/")} == {"_bins"}


@pytest.mark.parametrize("how", [by_external_id, by_feature])
async def test_everybody_else_is_there_once_and_the_account_closes(real: Inhabited, how: object) -> None:
    joined = {row["_id"] for row in await real.world().joined()}

    await how(real)  # type: ignore[operator]

    assert (await verify(real.stages)).wrong == ()
    assert (await deep(real.stages)).wrong == ()
    await real.seal(OPEN + timedelta(hours=1, minutes=20))
    await real.world().join()
    account = await deep(real.stages)
    assert account.wrong == ()
    assert account.totals.erased > 0
    rows = await real.rows("_id")
    assert Counter(row["_id"] for row in rows) == Counter(map(id_of, real.others))
    assert {row["_id"] for row in await real.world().joined()} == joined - set(real.own_ids)


async def test_a_second_run_finds_nothing_and_changes_nothing(real: Inhabited) -> None:
    await by_external_id(real)
    before = await all_stored(real.blobs)

    report = await real.erasing().erase("flights", external_id=PERSON)

    after = await all_stored(real.blobs)
    assert report.rows == {}
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    assert {path.split("/")[1] for path in changed} == {"erasures"}


async def test_a_dry_run_counts_and_changes_nothing(made: Inhabited) -> None:
    before = await all_stored(made.blobs)

    told = await made.erasing().erase("flights", external_id=PERSON, is_dry=True)

    assert await all_stored(made.blobs) == before
    done = await made.erasing().erase("flights", external_id=PERSON)
    assert told.rows.keys() == done.rows.keys()
    assert told.is_dry


async def test_a_resend_of_what_was_erased_is_dropped_and_counted(real: Inhabited) -> None:
    await by_external_id(real)
    erased = (await verify(real.stages)).totals.erased

    await real.capture(real.own[0], real.own_actuals[0], at=OPEN + timedelta(minutes=40))
    await real.seal(OPEN + timedelta(hours=1, minutes=20))

    account = await deep(real.stages)
    assert account.wrong == ()
    assert account.totals.erased == erased + 2
    assert id_of(real.own[0]) not in {row["_id"] for row in await real.rows("_id")}


async def test_what_the_subject_does_afterwards_is_kept(made: Inhabited) -> None:
    await by_external_id(made)
    new = made.person(OPEN + timedelta(minutes=50))

    await made.capture(new, at=OPEN + timedelta(minutes=50))
    await made.seal(OPEN + timedelta(hours=1, minutes=20))

    assert id_of(new) in {row["_id"] for row in await made.rows("_id")}


async def test_the_day_is_rolled_up_again_from_what_is_left(made: Inhabited) -> None:
    await by_external_id(made)

    await made.seal(OPEN + timedelta(minutes=21))

    days = [path for path in await all_stored(made.blobs) if path.startswith("captures/days/kind=prediction")]
    assert {path.rsplit("/", 1)[1].split("-")[0] for path in days} == {"_day.json", "_profile"}
    assert (await deep(made.stages)).wrong == ()
    found = await holding(made.blobs, PERSON, *made.own_ids)
    assert not any(found.values())


async def test_letters_of_others_can_still_be_sent_again(made: Inhabited) -> None:
    await by_external_id(made)

    letters = [one async for one in DeadLetters(made.blobs, made.stages.hub, made.stages.registry()).find(Wanted())]

    assert [one.letter.record is not UNSET for one in letters] == [True]
    assert "kept-" in letters[0].log


async def test_a_log_above_its_cursor_waits_and_the_same_command_takes_it_later(made: Inhabited) -> None:
    """The account counts what stands above a cursor from the log, until capture has moved over it."""
    (cursor,) = [path for path in await all_stored(made.blobs) if path.startswith("captures/cursors/")]
    stands = (await made.blobs.read(cursor)).data
    behind = msgspec.structs.replace(documents.decode(stands, Cursor, path=cursor), sequence=made.sequence - 3)
    await rewrite(made.blobs, cursor, lambda _: documents.encode(behind))

    with pytest.raises(ErasureWaits) as waits:
        await by_external_id(made)
    assert all("hour=09" in path and "date=2026-03-02" in path for path in waits.value.paths)
    assert len(await made.erasing().unfinished()) == 1
    assert (await verify(made.stages)).wrong == ()
    await rewrite(made.blobs, cursor, lambda _: stands)
    await by_external_id(made)

    assert await made.erasing().unfinished() == []
    assert not any((await holding(made.blobs, PERSON, *made.own_ids)).values())
    assert (await deep(made.stages)).wrong == ()


async def test_a_log_of_a_hub_that_is_gone_waits_for_a_day(made: Inhabited) -> None:
    """Its cursor never moves again: a capture broke off before it could, and the hub was created anew."""
    (path,) = [path for path in await all_stored(made.blobs) if path.startswith("captures/cursors/")]
    stands = documents.decode((await made.blobs.read(path)).data, Cursor, path=path)
    behind = documents.encode(msgspec.structs.replace(stands, sequence=made.sequence - 3))
    await rewrite(made.blobs, path, lambda _: behind)
    clock = made.stages.calendar
    await Cursors(made.blobs, clock).begin(incarnation_named(clock.now()), "0", first=0)
    with pytest.raises(ErasureWaits):
        await by_external_id(made)
    clock.set(clock.now() + timedelta(days=1))

    await by_external_id(made)

    assert not any((await holding(made.blobs, PERSON, *made.own_ids)).values())
    account = await deep(made.stages)
    assert (account.wrong, account.gaps) == ((), ())


async def test_a_joined_file_that_is_missing_is_told(made: Inhabited) -> None:
    """Nobody has merged it: the manifest that names it stays what it was."""
    folder = joined_path("flights", "1", Hour.containing(NINE)).rpartition("/")[0]
    (path,) = [path for path in await all_stored(made.blobs) if path.startswith(f"{folder}/rows-")]
    await made.blobs.delete(path)

    with pytest.raises(InvalidDocument, match=path):
        await by_external_id(made)


async def test_a_standing_file_that_is_missing_is_told(made: Inhabited) -> None:
    stored = await all_stored(made.blobs)
    path = next(path for path in stored if path.startswith("captures/joins/") and "/standing/" in path)
    await made.blobs.delete(path)

    with pytest.raises(InvalidDocument, match=path):
        await by_external_id(made)


async def test_what_keeps_coming_is_not_said_to_be_done(made: Inhabited, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last look found rows: nobody knows whether there are more."""
    with monkeypatch.context() as patched:
        patched.setattr("shared.erasing.erasing._MOST_PASSES", 1)
        with pytest.raises(ErasureOutrun):
            await by_external_id(made)
    assert len(await made.erasing().unfinished()) == 1

    await by_external_id(made)

    assert await made.erasing().unfinished() == []


async def test_what_waits_in_the_spool_stays_and_is_told_and_never_gets_into_an_hour(made: Inhabited) -> None:
    late = made.person(OPEN + timedelta(minutes=5))
    await Spool(made.blobs).keep([Outgoing(PREDICTIONS, late)], timeout_s=5.0)

    report = await made.erasing().erase("flights", external_id=PERSON)
    await made.capture(late, at=OPEN + timedelta(minutes=40))
    await made.seal(OPEN + timedelta(hours=1, minutes=20))

    assert report.spooled == 1
    assert report.hub_until == OPEN + timedelta(minutes=20) + HUB_KEEPS
    assert id_of(late) not in {row["_id"] for row in await made.rows("_id")}


async def test_a_dataset_of_the_subject_is_reduced_to_what_says_so(made: Inhabited) -> None:
    await by_feature(made)

    stored = await all_stored(made.blobs)
    assert [path for path in stored if path.startswith("datasets/")] == [manifest_path("flights", DATASET)]
    manifest = documents.decode(stored[manifest_path("flights", DATASET)], DatasetManifest, path="")
    assert (manifest.state, manifest.parts) == ("erased", ())
    assert manifest.erased_at == made.stages.calendar.now()
    assert manifest.inputs


async def test_what_a_killed_build_left_of_a_dataset_goes_where_it_holds_the_subject(made: Inhabited) -> None:
    """It has no manifest yet: of others' rows the next build finds it there, and goes on."""
    part = (await made.blobs.read(f"{dataset_folder('flights', DATASET)}train/part-00000.parquet")).data
    others = parquet(pa.table({"_id": [id_of(made.others[0])], "carrier": ["AA"]}))
    for dataset, data in (("e" * 64, part), ("f" * 64, others)):
        await made.blobs.create(f"{dataset_folder('flights', dataset)}train/part-00000.parquet", data)
        await made.blobs.create(f"{dataset_folder('flights', dataset)}README.md", b"carrier from AA")

    await by_feature(made)

    left = [path.split("/")[2] for path in await all_stored(made.blobs) if path.startswith("datasets/")]
    assert left == [DATASET, "f" * 64, "f" * 64]


async def test_what_the_hours_come_to_is_what_they_would_without_the_subject(made: Inhabited) -> None:
    """A profile, an index and the counts of a join are made of the rows that are left, to the byte."""
    await by_external_id(made)

    hour = Hour.containing(NINE)
    manifest, _ = await documents.read(made.blobs, hour_manifest(PREDICTIONS, hour), HourManifest)
    folder = hour_folder(PREDICTIONS, hour)
    version = await made.stages.registry().manifest("flights", "1")
    bins = (await Baselines(made.blobs, made.stages.registry()).current(version)).bins
    for one in manifest.generations:
        data = (await made.blobs.read(f"{folder}{one.rows_file}")).data
        rows, about = read(data)
        assert about == one.footer
        assert one.profile is not None
        assert (await made.blobs.read(f"{folder}{one.profile}")).data == encoding.encode(profile(rows, bins))
        if one.external is not None:
            assert (await made.blobs.read(f"{folder}{one.external.file}")).data == external.index(rows)
    joined, _ = await documents.read(made.blobs, joined_path("flights", "1", hour), JoinedHour)
    assert (joined.counts.joined, joined.counts.duplicates) == (10, 0)


async def test_a_hashed_value_is_found_by_its_hash(stages: Stages) -> None:
    key = b"k" * 32
    version = registered("people", "1", privacy=(("carrier", Hash()),), privacy_key=key)
    await stages.registry().register(version.manifest, files=version.files)
    made = Inhabited(stages)
    mask = Masks(version.manifest.schema, model="people", key=key).by_name["carrier"]
    own, other = (
        prediction(NINE, model="people", inputs={"distance": 1.0, "carrier": mask(value)}) for value in (PLACE, "AA")
    )
    await made.capture(own, other, at=NINE)
    await made.seal(OPEN)

    report = await made.erasing(privacy_key=key).erase("people", feature="carrier", value=PLACE)

    assert report.rows == {"hour logs": 1, "sealed hours": 1}
    found = await holding(made.blobs, id_of(own), id_of(other), str(mask(PLACE)))
    assert [bool(paths) for paths in found.values()] == [False, True, False]


async def test_a_coarsened_value_is_refused_and_nothing_is_written(stages: Stages) -> None:
    version = registered("people", "1", privacy=(("carrier", Coarsen(step=1)),))
    await stages.registry().register(version.manifest, files=version.files)
    before = await all_stored(stages.blobs)

    with pytest.raises(Inseparable):
        await Inhabited(stages).erasing().erase("people", feature="carrier", value=PLACE)

    assert await all_stored(stages.blobs) == before


async def test_hashes_go_once_the_hub_cannot_deliver_again(made: Inhabited) -> None:
    await by_external_id(made)
    outlived, day = OutlivedHashes(made.blobs, made.stages.calendar), Hour.containing(OPEN.replace(hour=0))

    kept = [group async for group in outlived.hashes(day)]
    gone = [group async for group in outlived.hashes(day.plus(24))]

    assert kept == []
    assert {one.path for (one,) in gone} == {path for path in await all_stored(made.blobs) if "/erased/" in path}
    assert gone


async def test_hashes_stay_as_long_again_after_something_waited_in_the_spool(made: Inhabited) -> None:
    """What waits there comes whenever the hub takes it, and is sealed some hours after that."""
    late = made.person(OPEN + timedelta(minutes=5))
    waiting = await Spool(made.blobs).keep([Outgoing(PREDICTIONS, late)], timeout_s=5.0)
    await by_external_id(made)
    clock, month = made.stages.calendar, timedelta(days=30)
    clock.set(OPEN + month)
    outlived, limit = OutlivedHashes(made.blobs, clock), Hour.containing(clock.now())

    spooled = [group async for group in outlived.hashes(limit)]
    await Spool(made.blobs).delete(waiting)
    drained = [group async for group in outlived.hashes(limit)]
    gone = [group async for group in outlived.hashes(limit.plus(24))]

    assert (spooled, drained) == ([], [])
    assert {one.path for (one,) in gone} == {path for path in await all_stored(made.blobs) if "/erased/" in path}
    assert gone
