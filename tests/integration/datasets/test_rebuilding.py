"""A dataset is built again from its plan, whatever has happened since; and what keeps it from that is named."""

import contextlib
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared import documents
from shared.alerts.lifecycle import Look
from shared.alerts.outbox import Outbox
from shared.alerts.store import Alerts
from shared.blobs import CONTAINERS, Blobs
from shared.datasets import difference
from shared.datasets.manifest import DatasetManifest, Use
from shared.datasets.originals import Originals
from shared.datasets.paths import builds_folder, dataset_folder, manifest_path, plan_path
from shared.datasets.rebuilding import Rebuilding, Rebuilt
from shared.errors import BlobMissing, BuildGone, DatasetErased
from shared.monitoring.evaluation import Evaluations
from shared.registry.manifest import CHAMPION, baseline_name, folder
from shared.registry.store import Registry
from shared.sealing.days.day import DayAccount, ShelfAccount
from shared.sealing.hours.hour import HourManifest
from shared.sealing.paths import account_path
from shared.signals.judgement import Signal, Verdict
from tests.integration.actuals.world import NINE, actual, predictions_of
from tests.integration.datasets.conftest import Kept, recipe
from tests.integration.models import registered
from tests.integration.monitoring.test_outlived import evaluation
from tests.integration.stored import Killed, Mortal, everything
from tests.unit.alerts.looks import judged

ALL = [f"{one}/" for one in CONTAINERS]
DATASETS = "datasets/flights/"
SAMPLED: dict[str, Any] = {"sample": {"rows": 30, "by": "drift_aware", "seed": 7}}


async def built(kept: Kept, **said: Any) -> DatasetManifest:  # noqa: ANN401 - of a recipe
    return await kept.dataset((await kept.building().advance(recipe(**said))).dataset)


async def rebuilt(kept: Kept, made: DatasetManifest, blobs: Blobs | None = None) -> Rebuilt:
    return await Rebuilding(kept.building(blobs)).rebuild(made)


async def change(blobs: Blobs, path: str) -> None:
    """Change the last byte."""
    there = await blobs.read(path)
    await blobs.replace(path, there.data[:-1] + bytes([there.data[-1] ^ 1]), etag=there.etag)


async def alerted(kept: Kept, verdict: Verdict, *, hour: int) -> None:
    """Have quality judged at the end of an hour after nine, over the hour before."""
    look_at = NINE.plus(hour)
    seen = msgspec.structs.replace(evaluation(look_at.key), start=look_at.plus(-1).key)
    path = await Evaluations(kept.blobs).store(seen)
    look = Look("flights", "1", look_at.plus(-1).start, look_at.start, path, rows=20)
    await Alerts(kept.blobs, Outbox(kept.blobs, kept.world.calendar, ())).note(
        [judged(verdict, signal=Signal.QUALITY)], look
    )


async def test_it_is_the_same_and_nothing_of_it_is_left(kept: Kept) -> None:
    made = await built(kept, **SAMPLED)
    before = await everything(kept.blobs, *ALL)

    found = await rebuilt(kept, made)

    assert (found.is_same, found.rebuilt, found.lost, found.beside) == (True, made.dataset, (), ())
    assert await everything(kept.blobs, *ALL) == before
    assert not list(kept.scratch.iterdir())


async def test_what_has_changed_since_it_was_planned_changes_nothing(kept: Kept) -> None:
    """An alert that was open is resolved, another baseline is compared with, and another version answers."""
    await kept.hour(4)
    await kept.sealed(6)
    await alerted(kept, Verdict.BREACH, hour=2)
    asked: dict[str, Any] = {"start": NINE.key, "end": NINE.plus(6).key, "versions": ["1"], **SAMPLED}
    made = await built(kept, **asked)
    await alerted(kept, Verdict.OK, hour=3)
    await _compare_with_another_baseline(kept)
    await kept.world.register("2")
    await Registry(kept.blobs, kept.world.calendar).promote("flights", "2", alias=CHAMPION)

    found = await rebuilt(kept, made)
    today = await built(kept, **asked)

    assert (made.rows_in, made.excluded) == (80, {"data_fault": 60})
    assert (found.is_same, found.beside) == (True, ())
    # The same recipe means something else today, and what that is can be told.
    assert today.excluded == {"data_fault": 40, "sampled_out": 10}
    differs = difference.of_manifests(made, today)
    assert differs.faults is not None
    assert [(one.start, one.end) for one in differs.faults.removed] == [(NINE.plus(1).key, NINE.plus(6).key)]
    assert [(one.start, one.end) for one in differs.faults.added] == [(NINE.plus(1).key, NINE.plus(3).key)]
    assert {path.rsplit("/", 2)[1] for path in differs.inputs.added} == {"2"}


async def _compare_with_another_baseline(kept: Kept) -> None:
    of = folder("flights", "1")
    for name, data in registered("flights", "1", rows=90).files.items():
        if name.startswith(baseline_name(1)):
            await kept.blobs.create(f"{of}{baseline_name(2)}{name.removeprefix(baseline_name(1))}", data)
    await Registry(kept.blobs, kept.world.calendar).accept_baseline(await kept.world.manifest(), 2)


async def test_reminders_of_an_alert_do_not_make_another_plan(kept: Kept) -> None:
    """An alert is written to again and again; what counts of it is which hours it lies over."""
    await alerted(kept, Verdict.BREACH, hour=2)
    first = await kept.planning().plan(recipe())
    await alerted(kept, Verdict.BREACH, hour=3)

    assert (await kept.planning().plan(recipe())).digest == first.digest


async def test_actuals_that_were_merged_are_taken_from_where_they_are_now(kept: Kept) -> None:
    """The files of the plan are gone, and their rows are not; what came since counts for nothing."""
    made = await built(kept, end=NINE.plus(3).key)
    for number in range(12):
        await kept.world.deliver(NINE.plus(5 + number), actual(kept.made[number], 1.0, at=NINE.plus(4)))
        await kept.sealed(6 + number)
    gone = {one.path for one in made.inputs} - {*await everything(kept.blobs, *ALL)}

    found = await rebuilt(kept, made)

    assert found.is_same, found
    assert {one.path for one in found.beside} == gone != set()
    assert {one.how for one in found.beside} == {"merged"}


@pytest.mark.parametrize("use", [Use.PREDICTIONS, Use.ACTUALS])
async def test_an_input_with_another_byte_is_named(kept: Kept, use: Use) -> None:
    made = await built(kept)
    changed = [one.path for one in made.inputs if one.use is use][:2]
    for path in changed:
        await change(kept.blobs, path)

    found = await rebuilt(kept, made)

    assert [(one.path, one.how) for one in found.lost] == [(path, "changed") for path in changed]
    assert all("damaged" in one.reason for one in found.lost)
    assert (found.is_same, found.rebuilt) == (False, None)
    assert f"{builds_folder('flights')}rebuild-" not in "".join(await everything(kept.blobs, DATASETS))


async def test_inputs_that_are_gone_are_named_with_those_that_are_others(kept: Kept) -> None:
    made = await built(kept)
    first, second, third = (one.path for one in made.inputs if one.use is Use.PREDICTIONS)
    await kept.blobs.delete(second)
    await kept.blobs.delete(third)
    await change(kept.blobs, first)
    await _let_go(kept.blobs)

    found = await rebuilt(kept, made)

    assert {one.path: one.how for one in found.lost} == {first: "changed", second: "gone", third: "gone"}
    assert {one.reason for one in found.lost} == {"retention has let the rows of 2026-03-01 go (HOURS_KEPT_DAYS)"}


async def test_an_erasure_is_said_to_be_one(kept: Kept) -> None:
    """It deletes the plan as well, though none of the dataset's own rows may have gone."""
    made = await built(kept)
    one = next(one for one in made.inputs if one.use is Use.PREDICTIONS)
    await change(kept.blobs, one.path)
    sha256 = hashlib.sha256((await kept.blobs.read(one.path)).data).hexdigest()
    sealed = f"{one.path.rpartition('/')[0]}/_manifest.json"
    hour, _ = await documents.read(kept.blobs, sealed, HourManifest)
    others = tuple(msgspec.structs.replace(of, sha256=sha256) for of in hour.generations)
    rewritten = msgspec.structs.replace(hour, generations=others)
    await documents.swap(kept.blobs, sealed, HourManifest, lambda _: rewritten)
    await kept.blobs.delete(plan_path("flights", made.build))

    found = await rebuilt(kept, made)

    assert [(one.use, one.how) for one in found.lost] == [("plan", "gone"), ("predictions", "changed")]
    assert found.lost[1].reason == "rows were erased from it"
    assert not list(kept.scratch.iterdir())


async def _let_go(blobs: Blobs) -> None:
    noted = ShelfAccount(account=(), rows=60, doubles=0, unreadable=0, imported=0, is_let_go=True)
    account = DayAccount(date="2026-03-01", shelves={predictions_of("1").folder: noted})
    await blobs.create(account_path("2026-03-01"), msgspec.json.encode(account))


async def test_training_data_that_is_gone_can_be_handed_over_again(kept: Kept, tmp_path: Path) -> None:
    file = tmp_path / "original.parquet"
    pq.write_table(pa.table({"distance": [1.0] * 50, "carrier": ["UA"] * 50, "delay": [2.0] * 50}), file)
    originals = Originals(kept.blobs)
    made = await built(kept, original={"sha256": await originals.keep("flights", file), "share": 0.25})
    path = next(one.path for one in made.inputs if one.use is Use.ORIGINAL)
    await kept.blobs.delete(path)

    lost = await rebuilt(kept, made)
    await originals.keep("flights", file)
    found = await rebuilt(kept, made)

    assert [(one.path, one.how, "--original FILE" in one.reason) for one in lost.lost] == [(path, "gone", True)]
    assert found.is_same


async def test_what_the_plan_holds_is_not_needed_from_where_it_was_taken(kept: Kept) -> None:
    made = await built(kept, **SAMPLED)
    profile = next(one.path for one in made.inputs if one.path.endswith("_profile"))
    bins = next(one.path for one in made.inputs if one.path.endswith("_bins"))
    await change(kept.blobs, profile)
    await kept.blobs.delete(bins)

    found = await rebuilt(kept, made)

    assert found.is_same
    assert {one.path: one.how for one in found.beside} == {profile: "changed", bins: "gone"}


@pytest.mark.parametrize(
    ("how", "damage"),
    [
        ("gone", None),
        ("changed", lambda data: data.replace(b'"canaries": true', b'"canaries": false')),
        ("changed", lambda data: data[:-10]),
    ],
)
async def test_without_its_plan_it_is_not_built(kept: Kept, how: str, damage: Callable[[bytes], bytes] | None) -> None:
    """A plan that says something else would give other rows, and its dataset would be believed to be wrong."""
    made = await built(kept)
    path = plan_path("flights", made.build)
    plan = await kept.blobs.read(path)
    if damage is None:
        await kept.blobs.delete(path)
    else:
        await kept.blobs.replace(path, damage(plan.data), etag=plan.etag)

    found = await rebuilt(kept, made)

    assert [(one.use, one.path, one.how) for one in found.lost] == [("plan", path, how)]
    assert not found.is_same


async def test_a_plan_that_another_release_calls_otherwise_is_the_same_plan(kept: Kept) -> None:
    """Once recipes can say more, the digest of an old one is another: nothing was damaged."""
    made = await built(kept)
    plan = await kept.blobs.read(plan_path("flights", made.build))
    of_another = msgspec.structs.replace(made, build="ab" * 32)
    await kept.blobs.create(plan_path("flights", of_another.build), plan.data)

    assert (await rebuilt(kept, of_another)).is_same


async def test_of_old_datasets_the_plan_is_known_by_the_name_of_the_build(kept: Kept) -> None:
    made = msgspec.structs.replace(await built(kept), plan_sha256=None)
    plan = await kept.blobs.read(plan_path("flights", made.build))
    of_another = msgspec.structs.replace(made, build="ab" * 32)
    await kept.blobs.create(plan_path("flights", of_another.build), plan.data)

    assert (await rebuilt(kept, made)).is_same
    assert [one.how for one in (await rebuilt(kept, of_another)).lost] == ["changed"]


async def test_one_that_was_erased_says_so(kept: Kept) -> None:
    made = await built(kept)
    gone = msgspec.structs.replace(made, state="erased", erased_at=NINE.start)

    with pytest.raises(DatasetErased, match="were erased on 2026-03-01 09:00 UTC"):
        await rebuilt(kept, gone)


async def test_other_rows_under_its_name_are_told_by_their_ids(kept: Kept) -> None:
    """Somebody has put other parts there, with a manifest that fits them: only the rows themselves can tell."""
    made = await built(kept, split={"test": 0})
    fake = await _with_a_row_less(kept, made)

    found = await rebuilt(kept, fake)
    await kept.blobs.delete(f"{dataset_folder('flights', fake.dataset)}{fake.parts[0].file}")
    alone = await rebuilt(kept, fake)

    assert (found.is_same, found.rebuilt) == (False, made.dataset)
    assert found.difference is not None
    assert found.difference.rows is not None
    rows = found.difference.rows
    assert (rows.added.rows, rows.removed.rows, rows.changed.rows, rows.same) == (1, 0, 0, 59)
    assert rows.added.ids == ((await kept.rows(made.dataset)).column("_id")[0].as_py(),)
    assert alone.difference is not None
    assert alone.difference.rows is None
    assert fake.parts[0].file in str(alone.uncompared)


async def _with_a_row_less(kept: Kept, made: DatasetManifest) -> DatasetManifest:
    """Publish all rows but the first under another name, as the same build."""
    rows, name = (await kept.rows(made.dataset)).slice(1), "ab" * 32
    buffer = pa.BufferOutputStream()
    pq.write_table(rows, buffer)
    data = buffer.getvalue().to_pybytes()
    part = msgspec.structs.replace(
        made.parts[0], sha256=hashlib.sha256(data).hexdigest(), size_bytes=len(data), rows=59
    )
    fake = msgspec.structs.replace(made, dataset=name, parts=(part,), rows={**made.rows, "train": 59})
    await kept.blobs.create(f"{dataset_folder('flights', name)}{part.file}", data)
    await kept.blobs.create(manifest_path("flights", name), documents.encode(fake))
    return fake


async def test_killed_at_any_write_it_goes_on_and_leaves_what_is_published_alone(kept: Kept) -> None:
    made = await built(kept, **SAMPLED)
    before = await everything(kept.blobs, *ALL)
    left: list[int] = []

    found, writes = None, 0
    while found is None:
        with contextlib.suppress(Killed):
            found = await rebuilt(kept, made, Mortal(kept.blobs, writes=writes))
        stored = await everything(kept.blobs, *ALL)
        assert {path: stored[path] for path in before} == before
        left.append(len(stored) - len(before))
        writes += 3

    assert found.is_same
    # There are seven files, of which the first one to be written is there each time: only because two steps were there as
    # well, six writes came to the end, and to the first of what is deleted then.
    assert left[:3] == [0, 3, 6]
    assert left[-1] == 0


async def test_what_it_leaves_lies_where_an_erasure_looks_for_builds(kept: Kept) -> None:
    """Its steps hold rows; and once an erasure has deleted its plan, whoever still builds takes back what was stored."""
    made = await built(kept)
    with contextlib.suppress(Killed):
        await rebuilt(kept, made, Mortal(kept.blobs, writes=2))
    left = [path for path in await everything(kept.blobs, builds_folder("flights")) if "/rebuild-" in path]
    plan = next(path for path in left if path.endswith("/plan.json"))

    with pytest.raises(BuildGone):
        await rebuilt(kept, made, _Deleting(kept.blobs, plan))

    assert len(left) == 2
    stored = await everything(kept.blobs, builds_folder("flights"))
    assert not [path for path in stored if "/rebuild-" in path]


class _Deleting(Blobs):
    """Storage in which a plan is deleted while the first step after that is stored."""

    def __init__(self, blobs: Blobs, plan: str) -> None:
        super().__init__(blobs._service)
        self._plan = plan

    async def create_from(self, path: str, file: Path) -> str:
        with contextlib.suppress(BlobMissing):
            await self.delete(self._plan)
        return await super().create_from(path, file)
