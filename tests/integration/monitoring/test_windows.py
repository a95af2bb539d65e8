"""Windows of sealed hours: the profile of all of their rows, from days or from hours."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from shared import documents
from shared.monitoring.window import Window
from shared.monitoring.windows import Windows
from shared.profiles import encoding
from shared.profiles.cutting import cut
from shared.profiles.profile import profile, segment
from shared.registry.baselines import Baselines
from shared.sealing.hours.hour import HourManifest
from shared.sealing.paths import day_path, manifest_path
from tests.integration.monitoring.conftest import FIRST, ROWS, USUAL, Watched
from tests.integration.monitoring.found import SHELF, bins_of, rows_of
from tests.integration.stored import everything


async def test_a_window_is_the_profile_of_all_rows_of_its_hours_and_no_others(watched: Watched) -> None:
    """Of every generation too: what came late counts like the rest."""
    for hour in range(4):
        await watched.capture(hour, [float(hour), float(hour + 1)])
    await watched.seal_up_to(4)
    await watched.capture(2, [50.0])
    await watched.seal_up_to(4)
    bins, blobs = await bins_of(watched.stages), watched.stages.blobs

    contents = await Windows(blobs).read("flights", "1", Window(FIRST.plus(1), FIRST.plus(3)), bins)

    rows = await rows_of(blobs, 1, 2)
    assert rows.num_rows == contents.profile.rows == 5
    assert contents.profile == profile(rows, bins)
    assert list(contents.inputs) == [manifest_path(SHELF, FIRST.plus(hour)) for hour in (1, 2)]


async def test_hours_profiled_over_other_bins_are_profiled_again(watched: Watched) -> None:
    """A baseline that was changed must be comparable with hours that were sealed before."""
    await watched.hour(0, USUAL)
    rows = await rows_of(watched.stages.blobs, 0)
    manifest = await watched.stages.registry().manifest("flights", "1")
    others = cut(rows.slice(0, 50), manifest.schema)

    contents = await Windows(watched.stages.blobs).read("flights", "1", Window(FIRST, FIRST.plus(1)), others)

    assert contents.profile == profile(rows, others)


async def test_few_generations_are_profiled_again_at_once(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """An hour of millions of records has dozens: all of their rows at once are more than a machine has memory."""
    for late in range(6):
        await watched.capture(0, [float(late)])
        await watched.seal_up_to(1)
    rows = await rows_of(watched.stages.blobs, 0)
    others = cut(rows.slice(0, 3), (await watched.stages.registry().manifest("flights", "1")).schema)
    under_way: Counter[str] = Counter()
    most = 0

    async def counted(function: Callable[..., Any], *arguments: Any) -> Any:  # noqa: ANN401 - passed on
        nonlocal most
        under_way["threads"] += 1
        most = max(most, under_way["threads"])
        await asyncio.sleep(0.01)
        under_way["threads"] -= 1
        return function(*arguments)

    monkeypatch.setattr(asyncio, "to_thread", counted)
    contents = await Windows(watched.stages.blobs).read("flights", "1", Window(FIRST, FIRST.plus(1)), others)

    assert contents.profile == profile(rows, others)
    assert most == 2


async def test_a_window_over_midnight_holds_both_days(watched: Watched) -> None:
    for hour in (13, 14, 15, 16):
        await watched.capture(hour, [1.0])
    await watched.seal_up_to(17)
    bins = await bins_of(watched.stages)

    contents = await Windows(watched.stages.blobs).read("flights", "1", Window(FIRST.plus(14), FIRST.plus(16)), bins)

    assert [path.split("/")[5:7] for path in contents.inputs] == [
        ["date=2026-03-01", "hour=23"],
        ["date=2026-03-02", "hour=00"],
    ]


@pytest.fixture
async def rolled(watched: Watched) -> Watched:
    """From 2026-03-01 at nine to 2026-03-04 at nine: two whole days, and a part of one at either end."""
    for hour in (0, 5, 14, 15, 16, 30, 38, 39, 62, 63, 71):
        await watched.capture(hour, [float(hour), float(hour % 7), 90.0])
    await watched.seal_up_to(72)
    return watched


@pytest.mark.parametrize(
    ("first", "end"), [(0, 72), (15, 63), (14, 64), (15, 39), (16, 63), (15, 62), (5, 6), (39, 39)]
)
async def test_a_window_is_the_same_from_days_and_from_hours(rolled: Watched, first: int, end: int) -> None:
    """To the bit: days save reading, and an evaluation must not tell how it was read."""
    bins, blobs = await bins_of(rolled.stages), rolled.stages.blobs
    window = Window(FIRST.plus(first), FIRST.plus(end))

    by_days = await Windows(blobs).read("flights", "1", window, bins)
    for path in await everything(blobs, "captures/days/"):
        await blobs.delete(path)
    by_hours = await Windows(blobs).read("flights", "1", window, bins)

    days = [one for one in (15, 39) if first <= one and one + 24 <= end]
    assert encoding.encode(by_days.profile) == encoding.encode(by_hours.profile)
    assert [day_path(SHELF, FIRST.plus(one).date) for one in days] == [
        path for path in by_days.inputs if path.endswith("_day.json")
    ]
    assert all(path.endswith("_manifest.json") for path in by_hours.inputs)


async def test_an_evaluation_names_the_days_it_was_read_from(rolled: Watched) -> None:
    monitoring = rolled.monitoring()
    await monitoring.configure("flights", b"lookback_window_size: P2D\n")

    (evaluation,) = await monitoring.evaluate_all()

    blobs = rolled.stages.blobs
    captured = [path.split("/")[1] for path in evaluation.inputs if path.startswith("captures/")]
    assert captured == ["hours"] * 2 + ["days"] + ["hours"] * 2
    for path, sha256 in evaluation.inputs.items():
        assert hashlib.sha256((await blobs.read(path)).data).hexdigest() == sha256


async def test_a_day_over_other_bins_is_read_by_its_hours(rolled: Watched) -> None:
    rows = await rows_of(rolled.stages.blobs, 15, 16, 30, 38)
    manifest = await rolled.stages.registry().manifest("flights", "1")
    others = cut(rows.slice(0, 5), manifest.schema)

    contents = await Windows(rolled.stages.blobs).read("flights", "1", Window(FIRST.plus(15), FIRST.plus(39)), others)

    assert contents.profile == profile(rows, others)
    assert len(contents.inputs) == 4


@pytest.mark.parametrize("left", [None, b""])
async def test_a_day_that_is_not_rolled_up_is_never_taken_for_one_without_rows(
    rolled: Watched, left: bytes | None
) -> None:
    """Its document is deleted before an hour gains a generation, and empty while it is made."""
    blobs, path = rolled.stages.blobs, day_path(SHELF, "2026-03-02")
    await blobs.delete(path)
    if left is not None:
        await blobs.create(path, left)
    bins = await bins_of(rolled.stages)

    contents = await Windows(blobs).read("flights", "1", Window(FIRST.plus(15), FIRST.plus(39)), bins)

    assert contents.profile.rows == 12


async def test_hours_are_sealed_with_the_segments_that_are_configured_then(watched: Watched) -> None:
    """And hours that were sealed before are profiled again: a window has all or none of its segments."""
    await watched.hour(0, USUAL)
    await watched.monitoring().configure("flights", b"segments: [carrier]\nlookback_window_size: PT2H")
    await watched.hour(1, USUAL)
    stages = watched.stages
    registry = stages.registry()

    baseline = await Baselines(stages.blobs, registry).current(await registry.manifest("flights", "1"), ("carrier",))
    contents = await Windows(stages.blobs).read("flights", "1", Window(FIRST, FIRST.plus(2)), baseline.bins)

    (generation,) = (await documents.read(stages.blobs, manifest_path(SHELF, FIRST.plus(1)), HourManifest))[
        0
    ].generations
    assert generation.profile == f"_profile-0-{baseline.profile.bins}"
    assert contents.profile == profile(await rows_of(stages.blobs, 0, 1), baseline.bins)
    assert segment(contents.profile, "carrier", "AA").rows == 2 * ROWS // 3
    assert segment(baseline.profile, "carrier", "AA").rows == 667
    assert (
        baseline.profile.features
        == (await Baselines(stages.blobs, registry).current(await registry.manifest("flights", "1"))).profile.features
    )
