"""What every HTTP trigger shares: request ids, answers in JSON, problem documents."""

import string
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

import azure.functions as func
import msgspec

from shared.errors import Fault, InvalidRows

REQUEST_ID = "X-Request-ID"
_VISIBLE = frozenset(string.ascii_letters + string.digits + "-_.:/+=@")
_LONGEST_ID = 128


class Misfit(msgspec.Struct, frozen=True, omit_defaults=True):
    """One value that does not fit."""

    row: int
    reason: str
    feature: str | None = None


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A problem document (RFC 9457); ``code`` is stable, ``detail`` is for people."""

    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: tuple[Misfit, ...] = ()


@dataclass(frozen=True, slots=True)
class Accepted:
    """What is done later: how it stands now, and the path where that can be asked."""

    body: msgspec.Struct
    location: str


async def answer(
    request: func.HttpRequest, work: Callable[[str], Awaitable[msgspec.Struct | Accepted]]
) -> func.HttpResponse:
    """Answer with what ``work`` returns for the request's id, or with the problem it raises.

    An exception that is no fault of ours by name goes through to the host, whose answer is an empty 500.
    """
    request_id = _request_id(request)
    headers = {REQUEST_ID: request_id}
    try:
        done = await work(request_id)
    except Fault as fault:
        if fault.status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers["Retry-After"] = "5"
        return func.HttpResponse(
            msgspec.json.encode(_problem(fault, request_id)),
            status_code=fault.status,
            mimetype="application/problem+json",
            headers=headers,
        )
    status = HTTPStatus.OK
    if isinstance(done, Accepted):
        headers["Location"] = done.location
        done, status = done.body, HTTPStatus.ACCEPTED
    return func.HttpResponse(
        msgspec.json.encode(done), status_code=status, mimetype="application/json", headers=headers
    )


def _request_id(request: func.HttpRequest) -> str:
    """Return the caller's request id, or a new one where there is none that may be repeated in a header."""
    given: str = request.headers.get(REQUEST_ID, "")
    if 0 < len(given) <= _LONGEST_ID and _VISIBLE.issuperset(given):
        return given
    return str(uuid.uuid4())


def _problem(fault: Fault, request_id: str) -> Problem:
    misfits = fault.misfits if isinstance(fault, InvalidRows) else ()
    return Problem(
        title=HTTPStatus(fault.status).phrase,
        status=fault.status,
        detail=str(fault),
        code=fault.code,
        request_id=request_id,
        errors=tuple(Misfit(row=one.row, feature=one.feature, reason=one.reason) for one in misfits),
    )
