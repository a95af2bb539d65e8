"""Requests that did not fit the schema are counted, by the feature that did not."""

import hashlib
from collections import Counter
from datetime import timedelta

import msgspec
import pytest

from shared import documents
from shared.blobs import Blobs, Content
from shared.capture.records import Kind, Shelf
from shared.errors import InvalidDocument
from shared.hours import Hour
from shared.monitoring.refusals import Refusals, Refused
from shared.monitoring.window import Window
from shared.sealing.days.day import Day
from shared.sealing.hours.hour import HourManifest, read, write
from shared.sealing.paths import day_path, manifest_path
from shared.signals.judgement import Signal, Verdict
from tests.integration.models import ANSWERS
from tests.integration.monitoring.conftest import ALONE, FIRST, USUAL, WINDOW, Watched, register
from tests.integration.sealing.batches import event, failure
from tests.integration.sealing.conftest import NINE
from tests.integration.sealing.verified import path_of, rewrite
from tests.integration.stored import everything

SHELF = Shelf(Kind.FAILURE, "flights", "1")
SEALED = f"captures/hours/{SHELF.folder}/"
DAYS = f"captures/days/{SHELF.folder}/"


async def fail(
    watched: Watched, hour: int, sequence: int, *said: tuple[str, str | None], rows: int | None = None
) -> None:
    """Keep failures of one hour: a code and a feature each, and ``rows`` that each of them had."""
    at = NINE + timedelta(hours=hour, minutes=30)
    records = [failure(at, code, feature, rows=rows) for code, feature in said]
    await watched.stages.capturing().append([event(*records, sequence=sequence, at=at)])


async def test_refused_requests_of_a_window_are_counted_by_feature(watched: Watched) -> None:
    """Those of other hours are not, nor requests that failed for another reason."""
    await fail(watched, 0, 0, ("invalid_rows", "carrier"))
    await fail(watched, 1, 1, *[("invalid_rows", "distance")] * 3, ("invalid_rows", None), ("model_failed", None))
    await fail(watched, 2, 2, ("invalid_rows", "distance"), rows=1_000)
    await fail(watched, 3, 3, ("invalid_rows", "carrier"))
    await watched.seal_up_to(4)
    blobs = watched.stages.blobs

    found = await Refusals(blobs).read("flights", "1", Window(FIRST.plus(1), FIRST.plus(3)))

    assert found.requests == {"": 1, "distance": 4}
    assert found.rows == {"": 1, "distance": 1_003}
    assert [Hour.at_path(path) for path in found.inputs] == [FIRST.plus(1), FIRST.plus(2)]
    for path, sha256 in found.inputs.items():
        assert hashlib.sha256((await blobs.read(path)).data).hexdigest() == sha256


@pytest.fixture
async def rolled(watched: Watched) -> Watched:
    """From 2026-03-01 at nine to 2026-03-04 at nine, with a refused request every third hour, and other failures.

    Every other one says how many rows it had.
    """
    for number, hour in enumerate(range(0, 72, 3)):
        refused = ("invalid_rows", ("carrier", "distance", None)[number % 3])
        await fail(watched, hour, number, refused, ("late", None), rows=100 if number % 2 else None)
    await watched.seal_up_to(72)
    return watched


class Counting(Blobs):
    """Storage that counts what is read, by the end of its name."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__(blobs._service)
        self.reads: Counter[str] = Counter()

    async def read(self, path: str) -> Content:
        self.reads[path.rsplit("/", 1)[1]] += 1
        return await super().read(path)


async def test_whole_days_are_read_as_one_and_no_rows_are(rolled: Watched) -> None:
    """By the hour, a window of ten days would be some hundred files at every look, however few requests it refuses."""
    blobs = Counting(rolled.stages.blobs)

    found = await Refusals(blobs).read("flights", "1", Window(FIRST.plus(12), FIRST.plus(66)))

    days = [day_path(SHELF, date) for date in ("2026-03-02", "2026-03-03")]
    hours = [manifest_path(SHELF, FIRST.plus(hour)) for hour in (12, 63)]
    assert found.requests == {"": 6, "carrier": 6, "distance": 6}
    assert found.rows == dict.fromkeys(found.requests, 3 * 100 + 3)
    assert list(found.inputs) == [hours[0], *days, hours[1]]
    assert blobs.reads == {"_day.json": 2, "_manifest.json": 2}
    for path, sha256 in found.inputs.items():
        assert hashlib.sha256((await blobs.read(path)).data).hexdigest() == sha256


@pytest.mark.parametrize(("first", "end"), [(0, 72), (14, 64), (15, 39), (5, 6), (39, 39)])
async def test_refusals_are_the_same_from_days_from_hours_and_from_rows(rolled: Watched, first: int, end: int) -> None:
    """What was sealed before failures were counted says nothing of them, and its requests were refused all the same."""
    blobs, window = rolled.stages.blobs, Window(FIRST.plus(first), FIRST.plus(end))

    by_days = await Refusals(blobs).read("flights", "1", window)
    await forget(blobs, DAYS)
    by_hours = await Refusals(blobs).read("flights", "1", window)
    await forget(blobs, SEALED)
    by_rows = await Refusals(blobs).read("flights", "1", window)

    assert by_days.requests == by_hours.requests == by_rows.requests
    assert by_days.rows == by_hours.rows == by_rows.rows
    assert by_hours.inputs.keys() == by_rows.inputs.keys()
    assert all(path.endswith("_manifest.json") for path in by_hours.inputs)


async def forget(blobs: Blobs, prefix: str) -> None:
    """Leave days or hours as they were sealed before failures were counted."""
    for path in await everything(blobs, prefix):
        if path.endswith("/_day.json"):
            await rewrite(blobs, path, _day_without)
        if path.endswith("/_manifest.json"):
            await rewrite(blobs, path, _manifest_without)


def _day_without(data: bytes) -> bytes:
    return documents.encode(msgspec.structs.replace(documents.decode(data, Day, path=""), failures=None))


def _manifest_without(data: bytes) -> bytes:
    manifest = documents.decode(data, HourManifest, path="")
    generations = tuple(
        msgspec.structs.replace(one, footer=msgspec.structs.replace(one.footer, failures=None))
        for one in manifest.generations
    )
    return documents.encode(msgspec.structs.replace(manifest, generations=generations))


async def test_refusals_that_were_sealed_without_their_rows_have_one_each(watched: Watched) -> None:
    """Their files have no such column, and can be read all the same."""
    await fail(watched, 0, 0, *[("invalid_rows", "carrier")] * 3, rows=1_000)
    await watched.seal_up_to(1)
    blobs = watched.stages.blobs
    await forget(blobs, SEALED)
    await rewrite(blobs, await path_of(blobs, SEALED, "rows-0"), _rows_without)

    found = await Refusals(blobs).read("flights", "1", Window(FIRST, FIRST.plus(1)))

    assert found.requests == found.rows == {"carrier": 3}


def _rows_without(data: bytes) -> bytes:
    rows, about = read(data)
    return write(rows.drop_columns("rows"), about)


async def test_half_of_the_requests_refused_is_a_breach_however_many_rows_they_have(watched: Watched) -> None:
    """Counted as one row each, twenty refusals beside twenty thousand rows would be a thousandth, below any floor."""
    for hour in range(2):
        await fail(watched, hour, watched.sequence, *[("invalid_rows", "distance")] * 10, rows=1_000)
        watched.sequence += 1
        for _ in range(10):
            await watched.capture(hour, [float(row * 7 % ANSWERS) for row in range(1_000)])
    await watched.seal_up_to(2)
    registry = watched.stages.registry()

    found = await watched.monitoring().evaluate(
        await registry.manifest("flights", "1"),
        Window(FIRST, FIRST.plus(2)),
        await registry.monitor_config("flights"),
        standing=ALONE,
    )

    (quality,) = [one for one in found.judgements if one.signal is Signal.QUALITY]
    breaches = [one for one in quality.measurements if one.verdict is Verdict.BREACH]
    assert quality.verdict is Verdict.BREACH
    assert [(one.feature, one.metric, one.value, one.rows) for one in breaches] == [
        ("distance", "refused_share_increase", 0.5, 40_000)
    ]


async def test_a_late_failure_counts_like_the_rest(rolled: Watched) -> None:
    """Its hour gains a generation, and the day is rolled up again."""
    await fail(rolled, 16, 24, ("invalid_rows", "carrier"), rows=50)
    await rolled.seal_up_to(72)

    found = await Refusals(rolled.stages.blobs).read("flights", "1", Window(FIRST.plus(15), FIRST.plus(39)))

    assert found.requests == {"": 3, "carrier": 4, "distance": 2}
    assert found.rows == {"": 201, "carrier": 152, "distance": 101}
    assert list(found.inputs) == [day_path(SHELF, "2026-03-02")]


async def test_a_window_without_failures_has_none(watched: Watched) -> None:
    await watched.hour(0, [1.0])

    assert await Refusals(watched.stages.blobs).read("flights", "1", Window(FIRST, FIRST.plus(1))) == Refused(
        {}, {}, {}
    )


async def test_failures_that_cannot_be_read_stop_no_other_model(watched: Watched) -> None:
    """One damaged file, of what nobody could score, would leave every model unwatched."""
    await register(watched.stages, "zeppelins", "1")
    await watched.monitoring().configure("zeppelins", WINDOW)
    await fail(watched, 0, 0, ("invalid_rows", "carrier"))
    watched.sequence = 1
    for hour in range(2):
        await watched.capture(hour, USUAL)
        await watched.capture(hour, USUAL, model="zeppelins")
    await watched.seal_up_to(2)
    blobs = watched.stages.blobs
    await forget(blobs, SEALED)
    path = await path_of(blobs, SEALED, "rows-0")
    await rewrite(blobs, path, lambda _: b"damaged")

    with pytest.raises(ExceptionGroup) as caught:
        await watched.monitoring().evaluate_all()

    (fault,) = caught.value.exceptions
    evaluated = [one.path async for one in blobs.under("monitoring/evaluations/")]
    assert isinstance(fault, InvalidDocument)
    assert fault.path == path
    assert {one.split("/")[2] for one in evaluated} == {"model=zeppelins"}
