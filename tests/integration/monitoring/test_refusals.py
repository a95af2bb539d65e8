"""Requests that did not fit the schema are counted, by the feature that did not."""

import hashlib
from datetime import timedelta

import msgspec
import pytest

from shared.errors import InvalidDocument
from shared.hours import Hour
from shared.ids import uuid7
from shared.monitoring.refusals import Refusals, Refused
from shared.monitoring.windows import Window
from shared.scoring.prediction import Failure
from tests.integration.monitoring.conftest import USUAL, Watched
from tests.integration.monitoring.test_monitoring import FIRST, register
from tests.integration.sealing.batches import event
from tests.integration.sealing.conftest import NINE
from tests.integration.sealing.verified import path_of, rewrite


async def fail(watched: Watched, hour: int, sequence: int, *said: tuple[str, str | None]) -> None:
    """Keep failures of one hour: a code and a feature each."""
    at = NINE + timedelta(hours=hour, minutes=30)
    records = [
        msgspec.json.encode(
            Failure(
                id=uuid7(at),
                model="flights",
                version="1",
                request_id="request",
                at=at.isoformat(),
                status=422,
                code=code,
                feature=feature,
                asked=None,
            )
        )
        for code, feature in said
    ]
    await watched.stages.capturing().append([event(*records, sequence=sequence, at=at)])


async def test_refused_requests_of_a_window_are_counted_by_feature(watched: Watched) -> None:
    """Those of other hours are not, nor requests that failed for another reason."""
    await fail(watched, 0, 0, ("invalid_rows", "carrier"))
    await fail(watched, 1, 1, *[("invalid_rows", "distance")] * 3, ("invalid_rows", None), ("model_failed", None))
    await fail(watched, 2, 2, ("invalid_rows", "distance"))
    await fail(watched, 3, 3, ("invalid_rows", "carrier"))
    await watched.seal_up_to(4)
    blobs = watched.stages.blobs

    found = await Refusals(blobs).read("flights", "1", Window(FIRST.plus(1), FIRST.plus(3)))

    assert found.requests == {"": 1, "distance": 4}
    assert [Hour.at_path(path) for path in found.inputs] == [FIRST.plus(1), FIRST.plus(2)]
    for path, sha256 in found.inputs.items():
        assert hashlib.sha256((await blobs.read(path)).data).hexdigest() == sha256


async def test_a_window_without_failures_has_none(watched: Watched) -> None:
    await watched.hour(0, [1.0])

    assert await Refusals(watched.stages.blobs).read("flights", "1", Window(FIRST, FIRST.plus(1))) == Refused({}, {})


async def test_failures_that_cannot_be_read_stop_no_other_model(watched: Watched) -> None:
    """One damaged file, of what nobody could score, would leave every model unwatched."""
    await register(watched.stages, "zeppelins", "1")
    await fail(watched, 0, 0, ("invalid_rows", "carrier"))
    await watched.hour(1, USUAL)
    blobs = watched.stages.blobs
    path = await path_of(blobs, "captures/hours/kind=failure/", "rows-0")
    await rewrite(blobs, path, lambda _: b"damaged")

    with pytest.raises(ExceptionGroup) as caught:
        await watched.monitoring().evaluate_all()

    (failure,) = caught.value.exceptions
    evaluated = [one.path async for one in blobs.under("monitoring/evaluations/")]
    assert isinstance(failure, InvalidDocument)
    assert failure.path == path
    assert {one.split("/")[2] for one in evaluated} == {"model=zeppelins"}
