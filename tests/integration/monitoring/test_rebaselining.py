"""A new normal, accepted: made of sealed hours, and what windows are compared with from then on."""

import io

import pyarrow.parquet as pq
import pytest

from shared import documents
from shared.blobs import Blobs
from shared.errors import InsufficientData, InvalidDocument, NotSealed, UnknownModel
from shared.hours import Hour
from shared.monitoring.evaluation import Evaluation
from shared.monitoring.rebaselining import Rebaselining
from shared.profiles.bins import CategoricalBins
from shared.profiles.profile import merge, profile
from shared.registry.baselines import Baseline, Baselines, Origin
from shared.registry.manifest import CurrentBaseline
from shared.sealing.hours.manifests import Manifests
from shared.signals.judgement import Signal, Verdict
from tests.integration.monitoring.conftest import FAR, FIRST, ROWS, USUAL, Watched
from tests.integration.monitoring.found import rows_of
from tests.integration.sealing.conftest import Stages
from tests.integration.sealing.verified import path_of, rewrite
from tests.integration.stored import Killed, Mortal, everything

FOLDER = "models/flights/1/"


def rebaselining(stages: Stages, blobs: Blobs | None = None) -> Rebaselining:
    ours = blobs or stages.blobs
    return Rebaselining(ours, stages.registry(ours), Manifests(ours))


async def accept(watched: Watched, first: int, end: int) -> CurrentBaseline:
    return await rebaselining(watched.stages).accept("flights", "1", FIRST.plus(first), FIRST.plus(end))


async def current(watched: Watched) -> Baseline:
    registry = watched.stages.registry()
    return await Baselines(watched.stages.blobs, registry).current(await registry.manifest("flights", "1"))


def drift(evaluation: Evaluation) -> Verdict:
    (found,) = (one.verdict for one in evaluation.judgements if one.signal is Signal.DRIFT)
    return found


async def test_what_was_far_is_usual_once_it_is_accepted(watched: Watched) -> None:
    """Otherwise an alert that somebody has looked into and found harmless would stay open for good."""
    for hour in range(3):
        await watched.hour(hour, FAR)
    before = (await watched.monitoring().evaluate_all())[-1]

    await accept(watched, 0, 3)
    for hour in range(3, 5):
        await watched.hour(hour, FAR)
    after = (await watched.monitoring().evaluate_all())[-1]

    assert (drift(before), drift(after)) == (Verdict.BREACH, Verdict.OK)
    assert (before.baseline, after.baseline) == (f"{FOLDER}baselines/1/", f"{FOLDER}baselines/2/")


async def test_the_new_baseline_is_made_of_the_rows_of_those_hours(watched: Watched) -> None:
    """Of every generation of each, and of none besides."""
    for hour in range(3):
        await watched.hour(hour, USUAL)
    await watched.capture(1, [float(row % 5) for row in range(50)])
    await watched.seal_up_to(3)

    await accept(watched, 1, 3)

    made = await current(watched)
    rows = await rows_of(watched.stages.blobs, 1, 2)
    registry = watched.stages.registry()
    hours = list(await Baselines(watched.stages.blobs, registry).hours(made))
    sample = pq.read_table(io.BytesIO((await watched.stages.blobs.read(f"{made.folder}rows.parquet")).data))
    assert made.profile == profile(rows, made.bins)
    assert made.profile.rows == sample.num_rows == 2 * ROWS + 50
    assert [hour for hour, _ in hours] == [FIRST.plus(1), FIRST.plus(2)]
    assert merge(hours[0][1], hours[1][1]) == made.profile


async def test_the_old_baseline_stays_in_the_history(watched: Watched) -> None:
    await watched.hour(0, FAR)
    old = await everything(watched.stages.blobs, f"{FOLDER}baselines/1/")

    accepted = await accept(watched, 0, 1)

    assert accepted.number == 2
    assert [number for number, _ in accepted.history] == [1, 2]
    assert await everything(watched.stages.blobs, f"{FOLDER}baselines/1/") == old
    origin, _ = await documents.read(watched.stages.blobs, f"{FOLDER}baselines/2/origin.json", Origin)
    assert (origin.start, origin.end, origin.rows) == (FIRST.key, FIRST.plus(1).key, ROWS)
    assert len(origin.inputs) == 1


async def test_a_category_that_has_become_usual_is_known(watched: Watched) -> None:
    await watched.capture(0, USUAL)
    await watched.capture(0, USUAL[:300], carrier="B6")
    await watched.seal_up_to(1)

    await accept(watched, 0, 1)

    carrier = (await current(watched)).bins.features["carrier"]
    assert carrier == CategoricalBins(categories=("AA", "DL", "UA", "B6"))


async def test_accepting_the_same_again_changes_nothing(watched: Watched) -> None:
    await watched.hour(0, FAR)
    once = await accept(watched, 0, 1)
    stored = await everything(watched.stages.blobs, FOLDER)

    assert await accept(watched, 0, 1) == once
    assert await everything(watched.stages.blobs, FOLDER) == stored


async def test_killed_at_every_write_the_old_baseline_is_compared_with_until_the_new_one_is_whole(
    watched: Watched,
) -> None:
    await watched.hour(0, FAR)
    blobs = watched.stages.blobs
    for writes in range(6):
        mortal = Mortal(blobs, writes=writes)
        with pytest.raises(Killed):
            await rebaselining(watched.stages, mortal).accept("flights", "1", FIRST, FIRST.plus(1))
        assert (await current(watched)).folder == f"{FOLDER}baselines/1/"

    accepted = await accept(watched, 0, 1)

    assert [number for number, _ in accepted.history] == [1, accepted.number]
    assert (await current(watched)).profile.rows == ROWS


async def test_hours_that_may_still_gain_rows_are_no_baseline(watched: Watched) -> None:
    await watched.hour(0, USUAL)

    with pytest.raises(NotSealed):
        await accept(watched, 0, 2)


async def test_a_few_rows_are_no_baseline(watched: Watched) -> None:
    await watched.hour(0, USUAL[:99])

    with pytest.raises(InsufficientData):
        await accept(watched, 0, 1)


async def test_an_hour_that_cannot_be_read_is_named(watched: Watched) -> None:
    """Whoever asked must know what to mend, and no error of a library says so."""
    await watched.hour(0, USUAL)
    path = await path_of(watched.stages.blobs, "captures/hours/", "rows-0")
    await rewrite(watched.stages.blobs, path, lambda _: b"damaged")

    with pytest.raises(InvalidDocument) as raised:
        await accept(watched, 0, 1)

    assert raised.value.path == path


async def test_of_a_version_that_is_not_registered_there_is_no_baseline(watched: Watched) -> None:
    with pytest.raises(UnknownModel):
        await rebaselining(watched.stages).accept("flights", "9", FIRST, Hour.parse("2026-03-02T00"))


async def test_bins_of_many_rows_are_cut_from_a_fair_draw(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows of a busy month are more than a machine has memory for."""
    monkeypatch.setattr("shared.monitoring.rebaselining.MOST_DRAWN", 300)
    await watched.hour(0, USUAL)
    await watched.hour(1, USUAL)

    await accept(watched, 0, 2)

    made = await current(watched)
    sample = pq.read_table(io.BytesIO((await watched.stages.blobs.read(f"{made.folder}rows.parquet")).data))
    assert 200 < sample.num_rows < 400
    assert made.profile.rows == 2 * ROWS
