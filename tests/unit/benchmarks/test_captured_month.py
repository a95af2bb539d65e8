"""The month that datasets are built of is one that sealing and joining could have left."""

import asyncio

import pyarrow.compute as pc
import pytest

from benchmarks.captured_month import FIRST, SCHEMA, Month
from benchmarks.records import MODEL
from benchmarks.weighted_means import Sums, numeric
from shared.actuals.reading import Joins
from shared.capture.records import Kind, Shelf
from shared.registry.manifest import Manifest
from shared.sealing.frames import rows as sealed
from shared.sealing.hours.manifests import Manifests

ROWS = 24 * 50


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> tuple[Month, Manifest]:
    """Give a month of one day, and the version that answered."""
    month = Month(tmp_path_factory.mktemp("month"), ROWS, seed=1, days=1)
    manifest = asyncio.run(month.register())
    for number in range(month.hours):
        month.make_hour(number, manifest)
    return month, manifest


def test_it_is_read_as_every_sealed_and_joined_hour_is(day: tuple[Month, Manifest]) -> None:
    """What is built of another layout says nothing of what is built of captured hours."""
    month, manifest = day
    manifests = Manifests(month.blobs)

    hours = asyncio.run(manifests.between(Shelf(Kind.PREDICTION, MODEL, manifest.version), FIRST, month.end))
    joined = asyncio.run(Joins(month.blobs, manifests).between(manifest, FIRST, month.end))

    assert sum(hour.manifest.rows for hour in hours) == joined.predictions == ROWS
    assert 0.9 * ROWS < joined.rows.num_rows == month.population.rows < ROWS
    assert len(set(joined.rows.column("_id").to_pylist())) == joined.rows.num_rows


def test_the_population_is_what_has_an_actual(day: tuple[Month, Manifest]) -> None:
    """A sample is held against it: of another population the means would be apart."""
    month, manifest = day
    manifests = Manifests(month.blobs)
    joined = asyncio.run(Joins(month.blobs, manifests).between(manifest, FIRST, month.end))
    rows = asyncio.run(sealed(month.blobs, MODEL, manifest.version, FIRST, month.end))

    told = rows.filter(pc.is_in(rows.column("_id"), joined.rows.column("_id").combine_chunks()))

    found = Sums.of(numeric(told, SCHEMA))
    assert found.known == month.population.known
    assert found.totals == pytest.approx(month.population.totals)


def test_an_hour_that_was_begun_is_made_as_it_would_have_been(day: tuple[Month, Manifest]) -> None:
    """A hundred million rows take half an hour, and who is interrupted goes on."""
    month, manifest = day
    before = asyncio.run(_sizes(month))
    assert month.is_whole

    month.make_hour(3, manifest)

    assert asyncio.run(_sizes(month)) == before


async def _sizes(month: Month) -> dict[str, int]:
    return {stored.path: stored.size_bytes async for stored in month.blobs.under("captures/")}
