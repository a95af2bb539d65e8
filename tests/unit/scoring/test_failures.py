"""A failure says why, and nothing that the caller sent but the name of a model that is not there."""

import uuid
from datetime import UTC, datetime

import msgspec
import pytest

from shared.errors import InvalidRows, Misfit, ModelFailed, RequestTooLarge, UnknownModel, UnreadableRequest
from shared.scoring.failures import failure
from shared.scoring.prediction import Failure
from tests.integration.capture.delivery import manifest

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
FOUND = manifest("flights", "1")


def of(error: Exception) -> Failure:
    """Return the failure of a request that found its version."""
    return failure(error, model="flights", is_known=True, manifest=FOUND, request_id="own", at=NOW)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (UnreadableRequest("not JSON"), 400, "unreadable_request"),
        (RequestTooLarge("rows", size=2, limit=1), 413, "request_too_large"),
        (ModelFailed("flights", "1"), 500, "model_failed"),
        (ZeroDivisionError("secret"), 500, "unexpected"),
    ],
)
def test_status_and_code_are_those_of_the_answer(error: Exception, status: int, code: str) -> None:
    found = of(error)

    assert (found.status, found.code) == (status, code)
    assert (found.model, found.version, found.request_id, found.feature, found.asked) == (
        "flights",
        "1",
        "own",
        None,
        None,
    )
    assert uuid.UUID(found.id).version == 7
    assert b"secret" not in msgspec.json.encode(found)


@pytest.mark.parametrize(
    ("named", "feature"), [("distance", "distance"), ("credit card 4711", None), ("external_id", None), (None, None)]
)
def test_only_a_feature_of_the_schema_is_named(named: str | None, feature: str | None) -> None:
    """A name that is not expected came from outside, and may be anything."""
    found = of(InvalidRows((Misfit(0, named, "'secret' does not fit"),), rows=1))

    assert found.feature == feature
    assert b"secret" not in msgspec.json.encode(found)


def test_rows_that_do_not_fit_are_counted_and_no_others() -> None:
    """Of a request that cannot be read, or is too large to be, nobody has counted them."""
    assert of(InvalidRows((Misfit(7, "distance", "it is missing"),), rows=1_000)).rows == 1_000
    assert of(UnreadableRequest("not JSON")).rows is None
    assert of(ModelFailed("flights", "1")).rows is None


def test_a_version_that_is_not_there_is_a_failure_of_its_model() -> None:
    error = UnknownModel("flights", "9")

    found = failure(error, model="flights", is_known=True, manifest=None, request_id="own", at=NOW)

    assert (found.model, found.version, found.asked, found.status) == ("flights", None, None, 404)


@pytest.mark.parametrize(
    ("asked", "said"), [("trains", "trains"), ("x" * 4_000, "x" * 64), ("", ""), ("a\udcffb", "a?b")]
)
def test_of_a_model_that_is_not_there_the_beginning_of_its_name_is_kept(asked: str, said: str) -> None:
    """Else nobody could tell a misspelt name in a deployment from somebody who tries names."""
    found = failure(UnknownModel(asked), model=asked, is_known=False, manifest=None, request_id="own", at=NOW)

    assert (found.model, found.version, found.asked) == ("_unknown", None, said)
    msgspec.json.encode(found)
