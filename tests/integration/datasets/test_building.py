"""A dataset is what its recipe asks for, whatever happens while it is built."""

import asyncio
import contextlib
import hashlib
import random
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared import documents
from shared.blobs import Blobs, Stored
from shared.datasets.manifest import Check, DatasetManifest, Outcome, Plan, Use
from shared.datasets.originals import Originals
from shared.datasets.paths import build_folder, manifest_path, plan_path
from shared.datasets.requests import Progress
from shared.errors import DatasetErased, InvalidDocument, InvalidRecipe
from shared.registry.store import Registry
from tests.integration.actuals.world import NINE, actual, prediction
from tests.integration.datasets.conftest import Kept, recipe
from tests.integration.models import answer, registered
from tests.integration.sealing.batches import id_of
from tests.integration.stored import Killed, everything

DATASETS = "datasets/flights/"
SAMPLED: dict[str, Any] = {"sample": {"rows": 30, "by": "drift_aware", "seed": 7}}
"""What every kind of step is taken for."""


class Counting(Blobs):
    """Storage that notes which blobs are read in pieces, and counts what is written or deleted."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__(blobs._service)
        self.read_paths: list[str] = []
        self.writes = 0

    def before_write(self) -> None:
        """Whatever a write is to meet."""

    async def read_range(self, path: str, *, start: int, end: int, etag: str | None = None) -> bytes:
        self.read_paths.append(path)
        return await super().read_range(path, start=start, end=end, etag=etag)

    async def create(self, path: str, data: bytes) -> str:
        self.before_write()
        etag = await super().create(path, data)
        self.writes += 1
        return etag

    async def create_from(self, path: str, file: Path) -> str:
        self.before_write()
        etag = await super().create_from(path, file)
        self.writes += 1
        return etag

    async def delete(self, path: str, *, etag: str | None = None) -> None:
        self.before_write()
        await super().delete(path, etag=etag)
        self.writes += 1


class OneWrite(Counting):
    """Storage that a process makes one write to, and is killed before the next."""

    def before_write(self) -> None:
        if self.writes:
            raise Killed


class Passing(Counting):
    """Storage in which another hour is sealed before anything is read in pieces."""

    def __init__(self, kept: Kept) -> None:
        super().__init__(kept.blobs)
        self._kept, self._sealed = kept, NINE.plus(4)

    async def read_range(self, path: str, *, start: int, end: int, etag: str | None = None) -> bytes:
        self._sealed = self._sealed.plus(1)
        await self._kept.watermark(self._sealed)
        return await super().read_range(path, start=start, end=end, etag=etag)


class Ended(Blobs):
    """Storage in which somebody else ends a build as its chosen rows are listed, and has deleted the first of them."""

    is_ended = False

    async def under(self, prefix: str) -> AsyncGenerator[Stored]:
        found = [one async for one in super().under(prefix)]
        if prefix.endswith("/rows-") and not self.is_ended:
            self.is_ended = True
            await self.delete(found.pop(0).path)
        for one in found:
            yield one


async def forget(blobs: Blobs) -> None:
    for path in await everything(blobs, DATASETS):
        await blobs.delete(path)


@pytest.fixture
async def days(kept: Kept) -> Kept:
    """An hour of the day after, as well."""
    await kept.hour(24)
    await kept.sealed(26)
    return kept


async def test_every_row_whose_actual_is_known_is_in_it(kept: Kept) -> None:
    done = await kept.building().advance(recipe(split={"test": 0}))

    rows, made = await kept.rows(done.dataset), await kept.dataset(done.dataset)
    assert rows.column_names[:6] == ["_id", "_external_id", "_request_id", "_at", "_split", "_weight"]
    assert rows.column("_id").to_pylist() == sorted(map(id_of, kept.made))
    assert rows.column("delay").to_pylist() == [answer(one, version="3") for one in rows.column("distance").to_pylist()]
    assert (made.rows_in, made.rows, made.excluded) == (60, {"train": 60, "validation": 0, "test": 0}, {})
    assert (done.done, done.dataset) == (done.steps, made.dataset)


async def test_every_row_is_in_it_or_left_out_for_a_reason(days: Kept) -> None:
    await days.hour(26, rows=10, known=0)
    await days.sealed(28)

    done = await days.building().advance(recipe(exclude={"hours": [NINE.key]}, sample={"rows": 25}))

    made = await days.dataset(done.dataset)
    assert made.excluded == {"hour_excluded": 20, "no_actual": 10, "sampled_out": 35}
    assert (made.rows_in, sum(made.rows.values())) == (90, 25)


async def test_what_is_stored_is_what_the_manifest_says(days: Kept) -> None:
    done = await days.building().advance(recipe(**SAMPLED))

    stored = await everything(days.blobs, DATASETS)
    made = await days.dataset(done.dataset)
    folder, build = f"{DATASETS}{made.dataset}/", build_folder("flights", made.build)
    assert {path.removeprefix(folder) for path in stored if path.startswith(folder)} == {
        *(one.file for one in made.parts),
        "MLTable",
        "README.md",
        "manifest.json",
    }
    for one in made.parts:
        assert (hashlib.sha256(stored[folder + one.file]).hexdigest(), one.size_bytes) == (
            one.sha256,
            len(stored[folder + one.file]),
        )
    assert {path.removeprefix(build) for path in stored if path.startswith(build)} == {
        "plan.json",
        "levels.json",
        "cuts.json",
        "status.json",
    }
    assert not list(days.scratch.iterdir())


async def test_it_is_not_built_twice(days: Kept) -> None:
    """Nothing is read but documents, and nothing written."""
    first = await days.building().advance(recipe(**SAMPLED))
    counting = Counting(days.blobs)

    again = await days.building(counting).advance(recipe(**SAMPLED))

    assert again == first
    assert counting.read_paths == []
    assert counting.writes == 0


async def test_another_recipe_for_the_same_rows_is_the_same_dataset(days: Kept) -> None:
    """It is named by its rows: what is stored of it stays, and is not written again."""
    first = await days.building().advance(recipe())
    manifest = await days.dataset(first.dataset)

    other = await days.building().advance(recipe(tolerances={"drift": 0.5}))

    assert (other.dataset == first.dataset, other.build == first.build) == (True, False)
    assert await days.dataset(other.dataset) == manifest


async def test_killed_after_every_write_it_comes_to_the_same_dataset(days: Kept) -> None:
    """A process after the other makes one write, whichever is next, and is killed; nothing of what was half done is left."""
    counting = Counting(days.blobs)
    whole = await days.building(counting).advance(recipe(**SAMPLED))
    expected = await everything(days.blobs, DATASETS)
    await forget(days.blobs)

    done, kills = None, 0
    while done is None:
        with contextlib.suppress(Killed):
            done = await days.building(OneWrite(days.blobs)).advance(recipe(**SAMPLED))
            break
        kills += 1

    assert done is not None
    assert (done.dataset, await everything(days.blobs, DATASETS)) == (whole.dataset, expected)
    assert kills == counting.writes - 1  # the last one has nothing left to do
    assert not list(days.scratch.iterdir())


async def test_a_budget_ends_between_steps_and_the_next_call_goes_on(days: Kept) -> None:
    whole = await days.building().advance(recipe(**SAMPLED))
    await forget(days.blobs)

    steps: list[Progress] = []
    build = None
    while not steps or steps[-1].dataset is None:
        steps.append(await days.building().advance(recipe(**SAMPLED), build=build, until_s=0.0))
        build = steps[-1].build

    assert [one.done for one in steps] == list(range(1, steps[-1].steps + 1))
    assert steps[-1].steps == 2 * 4 + 2 + 1  # two days in four steps, the levels, the cuts, and the end
    assert steps[-1].dataset == whole.dataset


async def test_two_at_once_come_to_the_same(days: Kept) -> None:
    done = await asyncio.gather(*(days.building().advance(recipe(**SAMPLED)) for _ in range(2)))
    # The one that is last may have left what it did after the first one had tidied up.
    await days.building().advance(recipe(**SAMPLED))

    assert len({one.dataset for one in done}) == 1
    build = build_folder("flights", str(done[0].build))
    left = {path.removeprefix(build) for path in await everything(days.blobs, build)}
    assert left == {"plan.json", "levels.json", "cuts.json", "status.json"}


async def test_rows_that_somebody_else_deletes_at_its_end_are_not_done_without(days: Kept) -> None:
    """Whoever ends a build deletes the chosen rows day by day: half of them would be a dataset of another name."""
    whole = await days.building().advance(recipe(**SAMPLED))
    await forget(days.blobs)

    done = await days.building(Ended(days.blobs._service)).advance(recipe(**SAMPLED))

    assert done.dataset == whole.dataset


async def test_joined_files_that_were_merged_are_planned_anew(kept: Kept) -> None:
    """What was planned is there no more; the same rows are, in other files."""
    asked = await kept.planning().resolve(recipe(end=NINE.plus(3).key))
    begun = await kept.building().advance(asked, until_s=0.0)
    plan = await kept.planning().plan(asked)
    for number in range(12):
        await kept.world.deliver(NINE.plus(5 + number), actual(kept.made[number], 1.0, at=NINE.plus(4)))
        await kept.sealed(6 + number)
    assert {one.path for one in plan.inputs} - {*await everything(kept.blobs, "captures/")}

    done = await kept.building().advance(asked, build=begun.build)

    assert done.build not in {begun.build, None}
    rows = await kept.rows(done.dataset)
    assert rows.column("delay").to_pylist() == [answer(one, version="3") for one in rows.column("distance").to_pylist()]


async def test_an_input_that_is_not_what_its_manifest_says_is_named(kept: Kept) -> None:
    plan = await kept.planning().plan(recipe())
    path = plan.inputs[0].path
    there = await kept.blobs.read(path)
    await kept.blobs.replace(path, there.data[:-1] + b"?", etag=there.etag)

    counting = Counting(kept.blobs)

    with pytest.raises(InvalidDocument, match=f"{path}.*SHA-256"):
        await kept.building(counting).advance(recipe())
    assert counting.read_paths.count(path) == 1  # a further look would find the same
    assert not list(kept.scratch.iterdir())


async def test_an_input_that_is_damaged_is_named_while_hours_go_by(kept: Kept) -> None:
    """A recipe that leaves its end open means more at each look: that is no sign that the input is another one."""
    path = (await kept.planning().plan(recipe())).inputs[0].path
    there = await kept.blobs.read(path)
    await kept.blobs.replace(path, there.data[:-1] + b"?", etag=there.etag)
    kept.world.calendar.set(NINE.plus(24).start)
    passing = Passing(kept)

    with pytest.raises(InvalidDocument, match=f"{path}.*SHA-256"):
        await kept.building(passing).advance(recipe())

    assert passing.read_paths.count(path) == 1


async def test_an_input_that_is_another_since_it_was_planned_is_planned_anew(kept: Kept) -> None:
    """As after somebody was erased from it: a new plan names what it is now, and the old one is no longer gone on with."""
    begun = await kept.building().advance(recipe(**SAMPLED), until_s=0.0)
    plan, _ = await documents.read(kept.blobs, plan_path("flights", str(begun.build)), Plan)
    first = msgspec.structs.replace(plan.inputs[0], sha256="0" * 64)
    other = msgspec.structs.replace(plan, inputs=(first, *plan.inputs[1:]))
    await kept.blobs.create(plan_path("flights", other.digest), documents.encode(other))

    done = await kept.building().advance(recipe(**SAMPLED), build=other.digest)

    assert (done.build, done.dataset is None) == (begun.build, False)


async def test_a_sample_of_too_many_strata_ends_at_the_first_day(days: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.datasets.sampling.MOST_STRATA", 0)

    with pytest.raises(InvalidRecipe, match=r"^sample\.strata: carrier come in 1 combinations of values or more"):
        await days.building().advance(recipe(sample={"rows": 5, "by": "stratified", "strata": ["carrier"]}))
    assert not [path for path in await everything(days.blobs, DATASETS) if "/count-" in path]


async def test_what_fails_a_check_is_no_dataset_until_somebody_accepts_it(kept: Kept) -> None:
    def check(ordered: list[Path], _folder: Path, made: DatasetManifest) -> tuple[Check, ...]:
        assert sum(pq.read_metadata(file).num_rows for file in ordered) == sum(made.rows.values())
        return (Check(name="overlap", outcome=Outcome.FAILED, reason="it does", rows=("1",)),)

    building = kept.building(check=check)  # type: ignore[arg-type]
    refused = await building.advance(recipe())
    stored = await everything(kept.blobs, DATASETS)
    others = await building.advance(recipe(), accepted=["schema"])
    taken = await building.advance(recipe(), accepted=["overlap"])

    assert (refused.dataset, [one.name for one in refused.checks]) == (None, ["overlap"])
    assert not [path for path in stored if path.endswith("manifest.json")]
    assert others == refused
    assert [one.accepted for one in (await kept.dataset(taken.dataset)).checks] == [True]


async def test_what_was_erased_is_not_built_again(kept: Kept) -> None:
    done = await kept.building().advance(recipe())
    path = manifest_path("flights", str(done.dataset))
    gone = msgspec.structs.replace(await kept.dataset(done.dataset), state="erased", erased_at=NINE.start)
    await documents.swap(kept.blobs, path, DatasetManifest, lambda _: gone)

    with pytest.raises(DatasetErased):
        await kept.building().advance(recipe())
    with pytest.raises(DatasetErased):  # by another recipe neither
        await kept.building().advance(recipe(tolerances={"drift": 0.5}))


async def test_original_training_data_is_mixed_in_for_training_alone(kept: Kept, tmp_path: Path) -> None:
    file = tmp_path / "original.parquet"
    known = [None, *map(float, range(1, 100))]
    pq.write_table(pa.table({"distance": range(100), "carrier": ["UA"] * 100, "delay": known, "more": known}), file)
    sha256 = await Originals(kept.blobs).keep("flights", file)

    done = await kept.building().advance(recipe(original={"sha256": sha256, "share": 0.25}))

    rows, made = await kept.rows(done.dataset), await kept.dataset(done.dataset)
    original = [one for one in rows.to_pylist() if one["_id"].startswith("original-")]
    assert (len(original), rows.num_rows, made.rows_in, made.predictions) == (20, 80, 160, 60)
    assert made.excluded == {"original_no_actual": 1, "original_sampled_out": 79}
    assert {one["_split"] for one in original} == {"train"}
    assert all(one["_id"] == f"original-{sha256[:12]}-{int(one['delay']):09}" for one in original)
    assert [one.path.endswith(f"{sha256}.parquet") for one in made.inputs if one.use is Use.ORIGINAL] == [True]


async def test_every_row_is_accounted_for_whatever_is_asked(days: Kept, tmp_path: Path) -> None:
    """Of what was looked at each row is in the dataset, or left out for a reason that is said; original rows as well."""
    await days.hour(26, rows=10, known=3)
    await days.hour(27, rows=4, known=0)
    await days.sealed(30)
    sha256 = await Originals(days.blobs).keep("flights", _original(tmp_path / "original.parquet"))
    rng = random.Random(15)

    reasons: set[str] = set()
    spanning = {"original": {"sha256": sha256, "share": 0.9}, "split": {"test": 0.3, "group": "_external_id"}}
    for said in (spanning, *(_any_recipe(rng, sha256) for _ in range(8))):
        asked = recipe(**said)
        made = await days.dataset((await days.building().advance(asked)).dataset)

        assert made.rows_in == sum(made.rows.values()) + sum(made.excluded.values()), asked
        assert made.rows_in == 94 + (200 if asked.original else 0)
        reasons |= {*made.excluded}

    assert reasons > {"segment", "no_actual", "sampled_out", "hour_excluded", "spans_split"}
    assert reasons > {"original_segment", "original_no_actual", "original_sampled_out"}


async def test_original_rows_are_from_before_whatever_version_says_what_their_time_is_called(
    kept: Kept, tmp_path: Path
) -> None:
    """One that learned from a dataset calls it as that does: what came after would tell training of what is tested."""
    registry = Registry(kept.blobs, kept.world.calendar)
    made = registered("flights", "2")
    await registry.register(msgspec.structs.replace(made.manifest, time="day"), files=made.files)
    rows = pq.read_table(_original(tmp_path / "original.parquet"))
    days = ["2026-02-28" if row % 2 else "2026-03-02" for row in range(rows.num_rows)]
    pq.write_table(rows.append_column("day", pa.array(days)), tmp_path / "original.parquet")
    sha256 = await Originals(kept.blobs).keep("flights", tmp_path / "original.parquet")

    done = await kept.building().advance(recipe(versions=["1"], original={"sha256": sha256, "share": 0.9}))

    assert (await kept.dataset(done.dataset)).excluded["original_not_before_start"] == 100
    assert (await registry.manifest("flights", "1")).time is None


def _original(file: Path) -> Path:
    known = [None if row % 9 == 0 else float(row % 60) for row in range(200)]
    whose = [f"order {(0, 1, 24)[row % 3]}-{row % 40}" for row in range(200)]
    carriers = ["AA" if row % 4 else "DL" for row in range(200)]
    table = {"distance": [float(row % 100) for row in range(200)], "carrier": carriers, "delay": known}
    pq.write_table(pa.table({**table, "_external_id": whose}), file)
    return file


def _any_recipe(rng: random.Random, sha256: str) -> dict[str, Any]:
    by = rng.choice(["uniform", "recent_first", "drift_aware", None])
    split = rng.choice([{"by": "time", "test": 0.3}, {"by": "group", "group": "_external_id", "test": 0.3}])
    return {
        "segments": {"carrier": [rng.choice(["AA", "AA", "DL"])]} if rng.random() < 0.4 else {},
        "exclude": {"hours": rng.sample([NINE.plus(number).key for number in (0, 1, 24)], rng.randint(0, 2))},
        "actuals": {"required": rng.random() < 0.7},
        "sample": {"rows": rng.randint(5, 60), "by": by, "seed": rng.randint(0, 9)} if by else None,
        "original": {"sha256": sha256, "share": rng.choice([0.1, 0.5, 0.9])} if rng.random() < 0.8 else None,
        "split": {**split, "group": "_external_id"} if rng.random() < 0.5 else split,
    }


async def test_original_rows_weigh_what_captured_ones_do_on_average(kept: Kept, tmp_path: Path) -> None:
    """Half of the rows are half of what is learned from, although few of those that were captured stand for all."""
    sha256 = await Originals(kept.blobs).keep("flights", _original(tmp_path / "original.parquet"))

    asked = recipe(original={"sha256": sha256, "share": 0.5}, sample={"rows": 14}, split={"test": 0})
    rows = (await kept.rows((await kept.building().advance(asked)).dataset)).to_pylist()

    weights = {of: [one["_weight"] for one in rows if one["_id"].startswith("original-") is of] for of in (True, False)}
    assert (len(weights[True]), len(weights[False])) == (14, 14)
    assert {*weights[True]} == {round(60 * 10**6 / 14)}
    assert sum(weights[True]) == sum(weights[False])


async def test_a_group_with_an_original_row_is_not_tested_with(kept: Kept, tmp_path: Path) -> None:
    sha256 = await Originals(kept.blobs).keep("flights", _original(tmp_path / "original.parquet"))

    asked = recipe(
        original={"sha256": sha256, "share": 0.5}, split={"by": "group", "group": "_external_id", "test": 0.4}
    )
    rows = (await kept.rows((await kept.building().advance(asked)).dataset)).to_pylist()

    known = {one["_external_id"] for one in rows if one["_id"].startswith("original-")}
    of_known = [one["_split"] for one in rows if one["_external_id"] in known]
    assert {*of_known} == {"train"}
    assert len(of_known) > sum(one["_id"].startswith("original-") for one in rows)


@pytest.mark.parametrize(
    ("column", "reason"),
    [({"carrier": ["UA"]}, "no column 'delay'"), ({"carrier": ["UA"], "delay": ["late"]}, "delay cannot be read as")],
)
async def test_training_data_that_cannot_stand_beside_captured_rows_is_refused(
    kept: Kept, tmp_path: Path, column: dict[str, Any], reason: str
) -> None:
    pq.write_table(pa.table({"distance": [1.0], **column}), tmp_path / "original.parquet")
    sha256 = await Originals(kept.blobs).keep("flights", tmp_path / "original.parquet")

    with pytest.raises(InvalidRecipe, match=f"^original: .*{reason}"):
        await kept.building().advance(recipe(original={"sha256": sha256, "share": 0.5}))
    with pytest.raises(InvalidRecipe, match=r"^original\.sha256: no such file was handed over"):
        await kept.building().advance(recipe(original={"sha256": "0" * 64, "share": 0.5}))


async def test_rows_go_together_by_a_feature_that_is_not_kept(days: Kept) -> None:
    grouped = recipe(features=["distance"], split={"by": "group", "group": "carrier", "test": 0.5})
    done = await days.building().advance(grouped)

    rows, made = await days.rows(done.dataset), await days.dataset(done.dataset)
    assert "carrier" not in rows.column_names
    assert len(set(rows.column("_split").to_pylist())) == 1  # one carrier, which is in one part whole
    assert [feature.name for feature in made.schema.features] == ["distance"]


async def test_what_comes_before_its_time_or_after_it_is_not_taken(kept: Kept) -> None:
    """An actual that was corrected later counts as it was known."""
    late = prediction(NINE, distance=5.0)
    await kept.world.deliver(NINE, late)
    await kept.world.deliver(NINE.plus(1), actual(late, 1.0, at=NINE.plus(1)))
    await kept.world.deliver(NINE.plus(5), actual(late, 2.0, at=NINE.plus(5)))
    await kept.sealed(7)

    before = await kept.building().advance(recipe(as_of=NINE.plus(5).start))
    after = await kept.building().advance(recipe())

    of = id_of(late)
    known = [
        {row["_id"]: row["delay"] for row in (await kept.rows(one.dataset)).to_pylist()}[of] for one in (before, after)
    ]
    assert known == [1.0, 2.0]
    assert before.dataset != after.dataset
