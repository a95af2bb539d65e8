"""Leaks that are planted in what was captured: each is refused, for what it is."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from shared.datasets.building import Building
from shared.datasets.checks import check
from shared.datasets.manifest import Check
from shared.datasets.paths import build_folder
from shared.datasets.requests import Progress
from shared.datasets.steps import STATUS_FILE, Status
from shared.documents import find
from shared.registry.manifest import CHAMPION
from shared.registry.store import Registry
from tests.integration.actuals.conftest import world
from tests.integration.actuals.world import NINE, World, actual, prediction
from tests.integration.datasets.conftest import Kept, recipe
from tests.integration.sealing.batches import id_of
from tests.integration.stored import everything

__all__ = ["world"]

ROWS = 160
"""Of one hour; what a feature tells is not judged by fewer than a hundred."""


@dataclass
class Planted:
    """What was captured with a leak in it."""

    kept: Kept

    def building(self) -> Building:
        return self.kept.building(check=check)

    async def hour(
        self, number: int, *, leak: str = "", told_at: int = 1, known: int = ROWS, request: str = ""
    ) -> list[bytes]:
        """Have the champion answer in an hour after nine, and what turns out be told some hours later.

        No two rows turn out alike. Distances and what turns out have nothing to do with one another, unless the leak is a ``copy``. Every request is of
        two rows, unless one is said for all; the external ids of an hour are its own, unless they are the ``same`` in all.
        """
        hour = NINE.plus(number)
        made, truths = [], []
        for row in range(ROWS):
            truth = float((number * ROWS + row) * 7_919 % 9_973)
            made.append(
                prediction(
                    hour,
                    inputs={"distance": 2 * truth + 1 if leak == "copy" else float(row * 53 % 89), "carrier": "AA"},
                    request_id=request or f"request {number}-{row // 2}",
                    external_id=f"order {row}" if leak == "same" else f"order {number}-{row}",
                )
            )
            happened = hour.plus(-1 if leak == "before" else told_at)
            truths.append(actual(made[-1], truth, at=happened))
        world = self.kept.world
        await world.deliver(hour, b"\n".join(made))
        if known:
            await world.deliver(hour.plus(told_at), b"\n".join(truths[:known]))
        return made


@pytest.fixture
async def planted(world: World, tmp_path: Any) -> Planted:  # noqa: ANN401 - a folder
    await Registry(world.blobs, world.calendar).promote("flights", "1", alias=CHAMPION)
    return Planted(Kept(world, tmp_path / "scratch"))


async def refused(planted: Planted, name: str) -> Check:
    """Return the check that refuses the dataset; see that it does, that it alone does, and that accepting it is written down."""
    blobs = planted.kept.blobs
    done = await planted.building().advance(recipe())
    assert done.build is not None
    status = await find(blobs, f"{build_folder('flights', done.build)}{STATUS_FILE}", Status)
    (failed,) = [one for one in done.checks if one.outcome == "failed"]
    assert status is not None
    assert (status.state, status.dataset, done.dataset) == ("refused", None, None)
    assert [path for path in await everything(blobs, "datasets/flights/") if path.endswith("manifest.json")] == []
    assert failed.name == name
    assert f"or accept it by its name, {name}" in failed.reason
    assert 0 < len(failed.rows) <= 20

    others = await planted.building().advance(recipe(), accepted=["schema"])
    accepted = await planted.building().advance(recipe(), accepted=[name])

    assert others.dataset is None
    written = (await planted.kept.dataset(accepted.dataset)).checks
    assert [one for one in written if one.name == name] == [msgspec.structs.replace(failed, accepted=True)]
    return failed


async def test_without_a_leak_there_is_a_dataset(planted: Planted) -> None:
    """What refuses the others is the leak that is planted in them."""
    for number in range(3):
        await planted.hour(number)
    await planted.kept.sealed(5)

    done = await planted.building().advance(recipe())

    assert [one.name for one in done.checks if one.outcome == "failed"] == []
    made = await planted.kept.dataset(done.dataset)
    assert (made.excluded, sum(made.rows.values())) == ({}, 3 * ROWS)
    assert min(made.rows["train"], made.rows["test"]) > 0


async def test_an_actual_from_the_future_does_not_get_in(planted: Planted) -> None:
    """It is joined, and lies in the same files as the others; of the very moment of as_of it is from the future too."""
    world = planted.kept.world
    for number in range(3):
        await planted.hour(number)
    late = await planted.hour(3, known=0)
    as_of = NINE.plus(6).start
    in_time, on_time, future = late[:3]
    for about, at in (
        (in_time, as_of - timedelta(microseconds=1)),
        (on_time, as_of),
        (future, as_of + timedelta(minutes=1)),
    ):
        await world.deliver(NINE.plus(6 if at >= as_of else 5), actual(about, 1.0, at=NINE.plus(5)), enqueued_at=at)
    await planted.kept.sealed(8)
    told = {row["_id"] for row in await world.joined()}
    assert {id_of(one) for one in (in_time, on_time, future)} <= told

    done = await planted.building().advance(recipe(as_of=as_of.isoformat()))

    made = await planted.kept.dataset(done.dataset)
    ids = {*(await planted.kept.rows(done.dataset)).column("_id").to_pylist()}
    assert made.excluded == {"no_actual": ROWS - 3, "actual_after_as_of": 2}
    assert id_of(in_time) in ids
    assert not {id_of(on_time), id_of(future)} & ids


async def test_actuals_that_had_happened_before_they_were_asked_for_are_refused(planted: Planted) -> None:
    """A feature may have been filled in by what is asked for."""
    for number in range(2):
        await planted.hour(number)
    early = {id_of(one) for one in await planted.hour(2, leak="before")}
    await planted.kept.sealed(5)

    failed = await refused(planted, "known_before")

    assert "160 of 480 rows (33.3 %) were asked after what they ask for had happened" in failed.reason
    assert {*failed.rows} <= early


async def test_a_feature_that_is_a_copy_of_the_actual_is_refused_by_name(planted: Planted) -> None:
    """Doubled and moved by one, it is no less a copy."""
    for number in range(3):
        await planted.hour(number, leak="copy")
    await planted.kept.sealed(5)

    failed = await refused(planted, "told_by_feature")

    assert failed.reason.startswith("the actual is told by 'distance' (1.000) alone")
    assert "leave out by features what is a copy of the actual" in failed.reason


async def test_what_is_asked_again_in_the_test_is_refused_and_a_group_mends_it(planted: Planted) -> None:
    for number in range(3):
        await planted.hour(number, leak="same")
    await planted.kept.sealed(5)

    failed = await refused(planted, "overlap")
    mended = await planted.building().advance(
        recipe(split={"by": "group", "group": "_external_id", "test": 0.2}), accepted=["told_by_feature"]
    )

    assert "have an external id that has rows in training as well" in failed.reason
    assert "keep them together by split.group: _external_id" in failed.reason
    rows = await planted.kept.rows(mended.dataset)
    assert together(rows.column("_external_id").to_pylist(), rows.column("_split").to_pylist())


async def test_one_id_of_two_rows_is_refused_whatever_is_accepted(planted: Planted) -> None:
    """What is sealed of a version holds each id once; that two versions have one only a dataset of both shows."""
    for number in range(3):
        await planted.hour(number)
    twice = prediction(NINE, inputs={"distance": 88.0, "carrier": "AA"}, external_id="twice", request_id="twice")
    await planted.kept.world.register("2")
    for version in ("1", "2"):
        record = msgspec.json.encode(json.loads(twice) | {"version": version})
        await planted.kept.world.deliver(NINE, record)
    await planted.kept.sealed(5)
    asked = recipe(actuals={"required": False})

    refused = await planted.building().advance(asked)
    accepting = await planted.building().advance(asked, accepted=["duplicates"])

    (failed,) = [one for one in refused.checks if one.outcome == "failed"]
    assert (refused.dataset, accepting) == (None, refused)
    assert (failed.name, failed.acceptable, failed.rows) == ("duplicates", False, (id_of(twice),))
    assert failed.reason.startswith("2 rows share their _id with another one")


@pytest.mark.parametrize("header", [True, False], ids=["one for all", "one for each"])
async def test_one_request_id_of_all_that_is_asked_is_named(planted: Planted, *, header: bool) -> None:
    for number in range(3):
        await planted.hour(number, request="always" if header else "")
    await planted.kept.sealed(5)

    done = await planted.building().advance(recipe(), accepted=["empty_part"])

    (said,) = [one.reason for one in done.checks if one.name == "spans_split"]
    assert ("one request id stands for 480 rows ('always')" in said) is header


@pytest.mark.parametrize("test", [0.1, 0.2003, 0.3335])
async def test_rows_of_one_request_are_never_taken_apart(planted: Planted, test: float) -> None:
    """Wherever the bound lies."""
    for number in range(2):
        await planted.hour(number)
    await planted.kept.sealed(4)

    done: Progress = await planted.building().advance(recipe(split={"test": test}))

    rows = await planted.kept.rows(done.dataset)
    splits = rows.column("_split").to_pylist()
    assert min(Counter(splits).values()) > 0
    assert len({*splits}) == 2
    assert together(rows.column("_request_id").to_pylist(), splits)


def together(units: list[str], splits: list[str]) -> bool:
    """Whether each unit is in one part alone."""
    return len({*units}) == len({*zip(units, splits, strict=True)})
