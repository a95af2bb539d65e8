"""Sealed predictions as people read them."""

import ast
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pandas as pd
import pytest

from shared import blobs as storage
from shared.errors import InvalidSchema, LetGo, NotSealed, UnknownModel
from shared.sealing import frame
from shared.sealing.retention import Periods
from tests.documents import blocks
from tests.integration.sealing.batches import event, id_of, prediction
from tests.integration.sealing.conftest import NINE, Stages
from tests.integration.stored import Calendar

TYPES = {
    "_id": "str",
    "_at": "datetime64[us, UTC]",
    "_enqueued_at": "datetime64[us, UTC]",
    "_partition": "Int32",
    "_sequence": "Int64",
    "_index": "Int32",
    "_external_id": "str",
    "_request_id": "str",
    "_row": "Int32",
    "_latency_ms": "float64",
    "_weight": "Int32",
    "distance": "float64",
    "carrier": "str",
    "prediction": "float64",
}


def at(hours: float) -> datetime:
    return NINE + timedelta(hours=hours)


@pytest.fixture
async def sealed(stages: Stages, calendar: Calendar) -> list[bytes]:
    """Predictions of three hours, the second in two generations; the hours from nine to noon are sealed."""
    hours = (0.1, 0.9, 1.5, 1.4, 2.5)
    records = [prediction(at(one), distance=one) for one in hours]
    capturing = stages.capturing()
    for sequence, place in enumerate((0, 1, 2, 4)):
        await capturing.append([event(records[place], sequence=sequence, at=at(hours[place]))])
    calendar.set(at(3.5))
    await stages.sealing().seal()
    await capturing.append([event(records[3], records[2], sequence=4, at=at(1.4))])
    await stages.sealing().seal()
    return records


async def test_the_rows_are_those_of_the_hours_asked_for(stages: Stages, sealed: list[bytes]) -> None:
    found = await frame(stages.blobs, "flights", "1", at(0), at(2))
    one = await frame(stages.blobs, "flights", "1", at(1), at(2))

    assert list(found["_id"]) == [id_of(record) for record in sealed[:4]]
    assert list(found["distance"]) == [0.1, 0.9, 1.5, 1.4]
    assert list(one["_id"]) == [id_of(record) for record in sealed[2:4]]


@pytest.mark.usefixtures("sealed")
async def test_types_are_the_schemas_whatever_the_rows_are(stages: Stages) -> None:
    """A column that is a float in one hour and an object in the next breaks what is built on it, and late."""
    some = await frame(stages.blobs, "flights", "1", at(0), at(3))
    none = await frame(stages.blobs, "flights", "1", at(-5), at(-4))

    assert {name: str(kind) for name, kind in some.dtypes.items()} == TYPES
    assert {name: str(kind) for name, kind in none.dtypes.items()} == TYPES
    assert (len(some), len(none)) == (5, 0)


@pytest.mark.usefixtures("sealed")
async def test_some_columns_come_in_the_order_they_are_asked_for(stages: Stages) -> None:
    found = await frame(stages.blobs, "flights", "1", at(0), at(1), columns=["prediction", "_id"])

    assert list(found.columns) == ["prediction", "_id"]
    with pytest.raises(InvalidSchema, match="'distanse'"):
        await frame(stages.blobs, "flights", "1", at(0), at(1), columns=["distanse"])


@pytest.mark.usefixtures("sealed")
async def test_hours_that_are_not_sealed_are_refused(stages: Stages) -> None:
    """Rows are missing there that will come: a mean over them would be another tomorrow."""
    assert len(await frame(stages.blobs, "flights", "1", at(2), at(3))) == 1
    with pytest.raises(NotSealed, match="only what is before 2026-03-01T12 is sealed, and not up to 2026-03-01T13"):
        await frame(stages.blobs, "flights", "1", at(2), at(4))


async def test_before_anything_is_sealed_everything_is_refused(stages: Stages) -> None:
    with pytest.raises(NotSealed, match="nothing is sealed"):
        await frame(stages.blobs, "flights", "1", at(0), at(1))


@pytest.mark.usefixtures("sealed")
@pytest.mark.parametrize("most", [1, 2_000])
async def test_days_that_retention_took_are_refused(stages: Stages, calendar: Calendar, most: int) -> None:
    """Fewer rows than there were look like a quiet week; while they go, one file after the other, not even like that."""
    calendar.set(at(24 * 20))
    await stages.sealing().seal()
    stages.periods = Periods(logs=14, hours=14, dead=90)
    sealing = stages.sealing()
    sealing.retention.most = 1_000
    await sealing.seal()  # logs first
    sealing.retention.most = most
    await sealing.seal()

    with pytest.raises(LetGo, match="those of 2026-03-01") as raised:
        await frame(stages.blobs, "flights", "1", at(0), at(48))

    assert raised.value.dates == ("2026-03-01",)
    assert len(await frame(stages.blobs, "flights", "1", at(24), at(48))) == 0


@pytest.mark.usefixtures("sealed")
async def test_moments_are_the_beginnings_of_hours_in_any_zone(stages: Stages) -> None:
    calcutta = timezone(timedelta(hours=5, minutes=30))
    plus_two = timezone(timedelta(hours=2))

    found = await frame(stages.blobs, "flights", "1", at(0).astimezone(plus_two), at(1))

    assert len(found) == 2
    with pytest.raises(ValueError, match="in the middle of one"):
        await frame(stages.blobs, "flights", "1", datetime(2026, 3, 1, 14, tzinfo=calcutta), at(1))
    with pytest.raises(ValueError, match="naive"):
        await frame(stages.blobs, "flights", "1", datetime(2026, 3, 1, 9), at(1))  # noqa: DTZ001


@pytest.mark.usefixtures("sealed")
async def test_a_version_that_is_not_registered_is_named(stages: Stages) -> None:
    with pytest.raises(UnknownModel, match="version '9' of model 'flights'"):
        await frame(stages.blobs, "flights", "9", at(0), at(1))


async def test_the_readme_shows_how(stages: Stages, calendar: Calendar, monkeypatch: pytest.MonkeyPatch) -> None:
    (example,) = blocks("python", mark="notebook")
    moment = datetime(2013, 7, 1, 5, 30, tzinfo=UTC)
    await stages.capturing().append([event(prediction(moment, distance=7.0), sequence=0, at=moment)])
    calendar.set(moment + timedelta(hours=5))
    await stages.sealing().seal()
    names: dict[str, Any] = {}
    monkeypatch.setenv("STORAGE", "here")
    monkeypatch.setattr(storage, "service", lambda _: stages.blobs._service)

    await eval(compile(example, "README.md", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)

    flights: pd.DataFrame = names["flights"]
    assert list(flights["distance"]) == [7.0]
