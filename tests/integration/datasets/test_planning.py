"""A plan names everything that the rows of a dataset depend on, or says why there can be none."""

import hashlib
from datetime import timedelta
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
from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.datasets.manifest import Plan, Use
from shared.datasets.originals import Originals
from shared.errors import BeingErased, InsufficientData, InvalidRecipe, LetGo, NotJoined, NotSealed, UnknownModel
from shared.monitoring.evaluation import Evaluations
from shared.registry.store import Registry
from shared.schema import Coarsen
from shared.sealing.days.day import DayAccount, ShelfAccount
from shared.sealing.hours.hour import HourManifest
from shared.sealing.paths import account_path, manifest_path
from shared.signals.judgement import Cause, Signal, Triage, Verdict
from tests.integration.actuals.world import ACTUALS, NINE, actual, predictions_of
from tests.integration.datasets.conftest import Kept, recipe
from tests.integration.models import registered
from tests.integration.monitoring.test_outlived import evaluation
from tests.unit.alerts.looks import judged

UNTIL = NINE.plus(4)


async def test_what_a_recipe_leaves_out_is_said_in_its_plan(kept: Kept) -> None:
    resolved = (await kept.planning().plan(recipe())).recipe

    assert (resolved.versions, resolved.start, resolved.end) == (("1",), NINE.key, UNTIL.key)
    assert resolved.as_of == UNTIL.start
    assert resolved.features == ("distance", "carrier")
    assert (await kept.planning().resolve(resolved)) == resolved


async def test_a_plan_names_every_file_with_the_hash_that_it_has(kept: Kept) -> None:
    plan = await kept.planning().plan(recipe())

    assert {one.use for one in plan.inputs} == {Use.PREDICTIONS, Use.ACTUALS, Use.VERSION}
    assert [one.hour for one in plan.inputs if one.use is Use.PREDICTIONS] == [NINE.plus(n).key for n in range(3)]
    assert sum(one.rows for one in plan.inputs if one.use is Use.ACTUALS) == 60
    for one in plan.inputs:
        data = (await kept.blobs.read(one.path)).data
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (one.sha256, one.size_bytes)
    assert plan.inputs == tuple(sorted(plan.inputs, key=lambda one: one.path))


async def test_it_names_the_version_and_the_baseline_that_it_took_something_of(kept: Kept) -> None:
    """They say what the rows look like, and what a drift-aware sample is held against; they have no rows themselves."""
    plan = await kept.planning().plan(recipe(sample={"rows": 30, "by": "drift_aware"}))

    said = {one.path: one for one in plan.inputs if one.use in {Use.VERSION, Use.BASELINE}}
    version = "models/flights/1/"
    assert {*said} == {
        f"{version}manifest.json",
        f"{version}baselines/1/_bins",
        f"{version}baselines/1/_profile",
    }
    for path, one in said.items():
        data = (await kept.blobs.read(path)).data
        assert (one.sha256, one.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))
        assert (one.rows, one.hour, one.version) == (0, None, "1")


async def test_the_same_recipe_over_the_same_files_is_the_same_plan(kept: Kept) -> None:
    first = await kept.planning().plan(recipe(end=NINE.plus(3).key, as_of=UNTIL.start))
    await kept.hour(5)
    await kept.sealed(7)

    again = await kept.planning().plan(recipe(end=NINE.plus(3).key, as_of=UNTIL.start))

    assert again.digest == first.digest
    assert msgspec.json.decode(msgspec.json.encode(first), type=Plan) == first


async def test_what_comes_late_into_an_hour_makes_another_plan(kept: Kept) -> None:
    asked = recipe(end=NINE.plus(3).key, as_of=UNTIL.start)
    first = await kept.planning().plan(asked)
    await kept.hour(2, rows=2)
    await kept.sealed(4)

    assert (await kept.planning().plan(asked)).digest != first.digest


@pytest.mark.parametrize(
    ("said", "until"),
    [({"end": "2026-03-01T14"}, "2026-03-01T14"), ({"as_of": "2026-03-01T13:00:00.000001Z"}, "2026-03-01T14")],
)
async def test_what_may_still_be_added_to_is_refused(kept: Kept, said: dict[str, str], until: str) -> None:
    """Rows, or actuals, would be missing that come: the dataset would be another one tomorrow."""
    with pytest.raises(NotSealed, match=f"only what is before 2026-03-01T13 is sealed, and not up to {until}"):
        await kept.planning().plan(recipe(**said))


async def test_nobody_knows_what_will_be_known(kept: Kept) -> None:
    with pytest.raises(InvalidRecipe, match=r"^as_of .* is in the future"):
        await kept.planning().plan(recipe(as_of=kept.world.calendar.now() + timedelta(seconds=1)))


async def test_actuals_that_are_not_joined_yet_are_waited_for(kept: Kept) -> None:
    """Without them the rows would have no actual, and be left out; an hour later they would be there."""
    await kept.hour(3)
    await kept.sealed(6, joined=False)

    with pytest.raises(NotJoined, match="2 files of predictions and actuals of flights from before 2026-03-01T15:00"):
        await kept.planning().plan(recipe())
    before = await kept.planning().plan(recipe(end=NINE.plus(3).key, as_of=UNTIL.start))
    await kept.world.join()

    assert len((await kept.planning().plan(recipe())).inputs) == len(before.inputs) + 2


async def test_a_prediction_that_was_sealed_after_its_actual_is_waited_for(kept: Kept) -> None:
    """The actual stands since it was joined; only the mark of the prediction says that the two have not met."""
    early = kept.made[0]
    late = msgspec.json.encode({**msgspec.json.decode(early), "id": msgspec.json.decode(early)["id"][:-4] + "ffff"})
    await kept.world.deliver(NINE.plus(3), actual(late, 1.0))
    await kept.sealed(4)
    await kept.world.deliver(NINE, late)
    await kept.sealed(4, joined=False)

    with pytest.raises(NotJoined):
        await kept.planning().plan(recipe())


async def test_an_hour_that_rows_are_being_erased_of_is_waited_for(kept: Kept) -> None:
    """Its file may have come further than its manifest, and what that names is then taken for damaged."""

    async def mark(*, is_erasing: bool) -> None:
        def marked(manifest: HourManifest | None) -> HourManifest:
            assert manifest is not None
            generations = (msgspec.structs.replace(one, is_erasing=is_erasing) for one in manifest.generations)
            return msgspec.structs.replace(manifest, generations=tuple(generations))

        await documents.swap(
            kept.blobs, manifest_path(Shelf(Kind.PREDICTION, "flights", "1"), NINE), HourManifest, marked
        )

    await mark(is_erasing=True)

    with pytest.raises(BeingErased, match=rf"rows of flights are being erased of {NINE.key}"):
        await kept.planning().plan(recipe())
    waiting = await kept.building().advance(recipe())
    await mark(is_erasing=False)

    assert waiting.waits_for is not None
    assert (await kept.building().advance(recipe())).dataset is not None


async def test_a_mark_that_can_never_be_joined_is_not_waited_for(kept: Kept) -> None:
    """Its sealer ended before the manifest named the generation, or retention took the hour since."""
    nine = NINE.folder
    for shelf in (predictions_of("1"), ACTUALS):
        await kept.blobs.create(f"captures/unjoined/{shelf.folder}/{nine}/7", b"")

    assert (await kept.planning().plan(recipe())).inputs


async def test_rows_that_were_let_go_are_said_to_be(kept: Kept) -> None:
    account = DayAccount(
        date="2026-03-01",
        shelves={
            predictions_of("1").folder: ShelfAccount(
                account=(), rows=60, doubles=0, unreadable=0, imported=0, is_let_go=True
            )
        },
    )
    await kept.blobs.create(account_path("2026-03-01"), msgspec.json.encode(account))

    with pytest.raises(LetGo, match="those of 2026-03-01"):
        await kept.planning().plan(recipe(start=NINE.key))
    with pytest.raises(InsufficientData):  # unless nothing says that they are wanted
        await kept.planning().plan(recipe())


async def test_the_rows_of_versions_alike_are_taken(kept: Kept) -> None:
    await kept.world.register("2")
    await kept.hour(1, version="2")
    await kept.sealed(4)

    plan = await kept.planning().plan(recipe())
    alone = await kept.planning().plan(recipe(versions=["2"]))

    assert plan.recipe.versions == ("1", "2")
    assert {one.version for one in plan.inputs} == {"1", "2"}
    assert {one.version for one in alone.inputs} == {"2"}
    assert alone.recipe.start == NINE.plus(1).key


async def test_versions_that_take_something_else_are_refused(kept: Kept) -> None:
    made = registered("flights", "2", privacy=(("distance", Coarsen(step=5)),))
    await Registry(kept.blobs, kept.world.calendar).register(made.manifest, files=made.files)

    assert (await kept.planning().resolve(recipe())).versions == ("1",)
    with pytest.raises(InvalidRecipe, match=r"^versions: 2 take other features than 1"):
        await kept.planning().resolve(recipe(versions=["1", "2"]))


async def test_a_model_that_nobody_knows_is_none(kept: Kept) -> None:
    with pytest.raises(UnknownModel, match="'trains'"):
        await kept.planning().plan(recipe(model="trains"))
    with pytest.raises(UnknownModel, match="'7'"):
        await kept.planning().plan(recipe(versions=["7"]))


@pytest.mark.parametrize(
    ("signal", "cause", "hours"),
    [
        (Signal.QUALITY, None, [("2026-03-01T10", "2026-03-01T13")]),
        (Signal.DRIFT, Cause.DATA_FAULT, [("2026-03-01T10", "2026-03-01T13")]),
        (Signal.DRIFT, Cause.COVARIATE_SHIFT, []),
    ],
)
async def test_hours_under_a_data_fault_are_named(
    kept: Kept, signal: Signal, cause: Cause | None, hours: list[tuple[str, str]]
) -> None:
    """From the beginning of the window in which it was seen first: a day by default, of which an evaluation says more."""
    evaluation = await _evaluated(kept.blobs, signal, cause, start=NINE.plus(1).key)
    look = Look("flights", "1", NINE.plus(1).start, NINE.plus(2).start, evaluation, rows=20)
    await Alerts(kept.blobs, Outbox(kept.blobs, kept.world.calendar, ())).note(
        [judged(Verdict.BREACH, signal=signal)], look
    )

    plan = await kept.planning().plan(recipe())

    assert [(one.start, one.end) for one in plan.faults] == hours
    assert (await kept.planning().plan(recipe(exclude={"data_faults": False}))).faults == ()


@pytest.mark.parametrize(
    ("columns", "said", "reason"),
    [
        ({"carrier": None}, {"features": ["distance"], "segments": {"carrier": ["AA"]}}, r"^segments names 'carrier'"),
        ({"carrier": None}, {"features": ["distance"], "split": {"group": "carrier"}}, r"^split\.group is 'carrier'"),
        ({}, {"split": {"group": "_external_id"}}, r"^split\.group is '_external_id', .*add the column"),
        ({"delay": None}, {}, r"^original: the file has no column 'delay'"),
    ],
)
async def test_training_data_without_a_column_that_rows_are_taken_by_is_refused(
    kept: Kept, tmp_path: Path, columns: dict[str, None], said: dict[str, Any], reason: str
) -> None:
    """Otherwise a group that is tested might be learned from, or rows of another segment."""
    file = tmp_path / "original.parquet"
    whole = {"distance": [1.0], "carrier": ["UA"], "delay": [2.0]}
    pq.write_table(pa.table({name: values for name, values in whole.items() if name not in columns}), file)
    sha256 = await Originals(kept.blobs).keep("flights", file)

    with pytest.raises(InvalidRecipe, match=reason):
        await kept.planning().plan(recipe(original={"sha256": sha256, "share": 0.5}, **said))


async def _evaluated(blobs: Blobs, signal: Signal, cause: Cause | None, *, start: str) -> str:
    """Store the evaluation of a breach that looks so, and return its path."""
    triage = None if cause is None else Triage(cause=cause, evidence=("it does",))
    breach = msgspec.structs.replace(judged(Verdict.BREACH, signal=signal), triage=triage)
    made = msgspec.structs.replace(evaluation(NINE.plus(2).key), start=start, judgements=(breach,))
    return await Evaluations(blobs).store(made)
