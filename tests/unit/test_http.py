"""Answers of triggers: what was done, what will be, and what was wrong."""

import azure.functions as func
import msgspec
import pytest

from functions.http import Accepted, answer
from shared.errors import InvalidRecipe, NotKept


class Body(msgspec.Struct, frozen=True):
    """What is answered."""

    rows: int


def asked(request_id: str = "caller:1") -> func.HttpRequest:
    """Return a request."""
    return func.HttpRequest("POST", "http://localhost/api/models", headers={"X-Request-ID": request_id}, body=b"")


async def test_what_is_done_is_answered_with_200() -> None:
    async def work(request_id: str) -> Body:
        return Body(rows=len(request_id))

    answered = await answer(asked(), work)

    assert (answered.status_code, answered.get_body()) == (200, b'{"rows":8}')
    assert answered.headers["X-Request-ID"] == "caller:1"
    assert "Location" not in answered.headers


async def test_what_is_done_later_is_answered_with_202_and_where_to_ask() -> None:
    async def work(_: str) -> Accepted:
        return Accepted(Body(rows=3), location="/api/models/flights/datasets/1")

    answered = await answer(asked(), work)

    assert (answered.status_code, answered.mimetype, answered.get_body()) == (202, "application/json", b'{"rows":3}')
    assert answered.headers["Location"] == "/api/models/flights/datasets/1"
    assert answered.headers["X-Request-ID"] == "caller:1"


@pytest.mark.parametrize(
    ("fault", "status", "retry_after"), [(InvalidRecipe("split leaves nothing"), 422, None), (NotKept(), 503, "5")]
)
async def test_what_is_wrong_is_a_problem_document(fault: Exception, status: int, retry_after: str | None) -> None:
    async def work(_: str) -> Body:
        raise fault

    answered = await answer(asked(), work)

    problem = msgspec.json.decode(answered.get_body())
    assert (answered.status_code, answered.mimetype) == (status, "application/problem+json")
    assert (problem["status"], problem["detail"], problem["request_id"]) == (status, str(fault), "caller:1")
    assert answered.headers.get("Retry-After") == retry_after
