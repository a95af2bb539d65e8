"""An HTTP proxy between the app and storage: it answers instead of storage, or lets its answers get lost.

Everything is passed on as it came, so that signatures hold: storage signs paths and headers, not the address.
"""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Self

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

HOST: Final = "127.0.0.1"
# Shorter than Azurite's: a connection that it has just closed must not be taken for a fault of ours.
_UPSTREAM_IDLE_S: Final = 2.0
_ARRIVAL_S: Final = 20.0
_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "expect"})
_OWN_HEADERS: Final = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class Fault(Enum):
    """What can happen to a request; in the first group storage never hears of it."""

    INTERNAL_ERROR = (500, "InternalError")
    BUSY = (503, "ServerBusy")
    FORBIDDEN = (403, "AuthorizationFailure")
    CONFLICT = (409, "ContainerBeingDeleted")
    PRECONDITION_FAILED = (412, "ConditionNotMet")
    RESET = "the connection is reset"
    SILENCE = "no answer, until the client gives up"

    TRUNCATED = "done, and the answer breaks off in the middle of its body"
    ANSWER_LOST = "done, and the connection is reset instead of the answer"
    SILENCE_AFTER = "done, and no answer, until the client gives up"


USUAL: Final = (
    *(Fault.INTERNAL_ERROR, Fault.BUSY, Fault.FORBIDDEN, Fault.CONFLICT, Fault.PRECONDITION_FAILED),
    *(Fault.RESET, Fault.TRUNCATED, Fault.ANSWER_LOST),
)
"""Every fault that does not cost a client's whole time-out."""
EVERY: Final = tuple(Fault)
"""Those as well that do: for clients whose time-out is short."""

_NEVER_HEARD_OF: Final = (Fault.RESET, Fault.SILENCE)
_UNANSWERED: Final = (Fault.ANSWER_LOST, Fault.SILENCE_AFTER)
_SILENT: Final = (Fault.SILENCE, Fault.SILENCE_AFTER)
_CONDITIONS: Final = ("If-Match", "x-ms-blob-condition-appendpos")


@dataclass(frozen=True, slots=True)
class Request:
    """One request, whole; ``target`` is path and query as they came."""

    method: str
    target: str
    headers: CIMultiDictProxy[str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """Storage's answer, whole."""

    status: int
    headers: CIMultiDict[str]
    body: bytes
    is_chunked: bool = False


@dataclass(eq=False, slots=True)
class Planned:
    """What is to become of one request: the ``nth`` with this method whose target holds all of ``holding``.

    A ``held`` one waits, before storage hears of it, for ``release``; the fault, if there is one, comes then.
    """

    method: str
    holding: Sequence[str]
    nth: int
    fault: Fault | None
    held: bool
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    async def arrived(self) -> None:
        """Return once the request has come.

        Raises:
            TimeoutError: it has not for 20 seconds, so it never will.
        """
        async with asyncio.timeout(_ARRIVAL_S):
            await self._arrived.wait()

    def release(self) -> None:
        """Let the request go on."""
        self._released.set()

    def takes(self, request: Request) -> bool:
        """Whether this is the request; it is counted if it could be."""
        if request.method != self.method or not all(part in request.target for part in self.holding):
            return False
        self.nth -= 1
        return self.nth == 0

    async def meet(self) -> None:
        """Say that the request is here, and wait until it may go on."""
        self._arrived.set()
        if self.held:
            await self._released.wait()


@dataclass(slots=True)
class StorageProxy:
    """Listens on ``port`` (0 takes a free one) while the context is entered, and passes requests on to the port ``to``.

    A ``share`` of the requests meets one of ``faults``, drawn with ``random``; those that were planned come first.
    ``delay_s`` is added to every request. ``met`` counts the faults.
    """

    to: int
    random: random.Random
    port: int = 0
    share: float = 0.0
    faults: Sequence[Fault] = USUAL
    delay_s: float = 0.0
    requests: int = 0
    met: Counter[str] = field(default_factory=Counter)
    _planned: list[Planned] = field(default_factory=list)
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _upstream: aiohttp.ClientSession = field(init=False)
    _runner: web.ServerRunner = field(init=False)

    def plan(self, method: str, *holding: str, nth: int = 1, fault: Fault | None = None, held: bool = False) -> Planned:
        """Say what is to become of a request to come; see ``Planned``."""
        planned = Planned(method, holding, nth, fault, held)
        self._planned.append(planned)
        return planned

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_UPSTREAM_IDLE_S)
        self._upstream = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, skip_auto_headers=_OWN_HEADERS
        )
        # A client that gives up does not take its request back: it is on its way.
        server = web.Server(self._handle, handler_cancellation=False, auto_decompress=False, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopped.set()
        await self._runner.cleanup()
        await self._upstream.close()

    async def _handle(self, incoming: web.BaseRequest) -> web.StreamResponse:
        if incoming.headers.get("Expect", "").lower() == "100-continue" and incoming.transport is not None:
            incoming.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        try:
            body = await incoming.content.read()
        except web.RequestPayloadError:  # who sent it died meanwhile
            return _reset(incoming)
        request = Request(incoming.method, incoming.raw_path, incoming.headers, body)
        self.requests += 1
        planned = next((one for one in list(self._planned) if one.takes(request)), None)
        if planned is None:
            return await self._treat(incoming, request, self._drawn(request))
        self._planned.remove(planned)
        await planned.meet()
        return await self._treat(incoming, request, planned.fault)

    def _drawn(self, request: Request) -> Fault | None:
        if not self.faults or self.random.random() >= self.share:
            return None
        fault = self.random.choice(self.faults)
        if fault is Fault.PRECONDITION_FAILED and not any(name in request.headers for name in _CONDITIONS):
            return Fault.BUSY  # storage would not say so of a request without a condition
        return fault

    async def _treat(self, incoming: web.BaseRequest, request: Request, fault: Fault | None) -> web.StreamResponse:
        await asyncio.sleep(self.delay_s)
        if fault is not None:
            self.met[fault.name] += 1
        if fault is not None and isinstance(fault.value, tuple):
            return _refusal(*fault.value)
        answer = None if fault in _NEVER_HEARD_OF else await self._ask(request)
        if fault in _SILENT:
            await self._stopped.wait()
        if answer is None or fault in _UNANSWERED or (fault is Fault.TRUNCATED and not answer.body):
            return _reset(incoming)
        response = web.StreamResponse(status=answer.status, headers=answer.headers)
        if answer.is_chunked:
            response.enable_chunked_encoding()
        with contextlib.suppress(ConnectionError):  # the client has given up
            await response.prepare(incoming)
            if fault is Fault.TRUNCATED:
                await response.write(answer.body[: len(answer.body) // 2])
                return _cut_off(incoming, response)
            if request.method != "HEAD":
                await response.write(answer.body)
        return response

    async def _ask(self, request: Request) -> Answer | None:
        """Return storage's answer; None where it gave none."""
        headers = CIMultiDict((name, text) for name, text in request.headers.items() if name.lower() not in _HOP_BY_HOP)
        url = URL(f"http://{HOST}:{self.to}{request.target}", encoded=True)
        try:
            async with self._upstream.request(
                request.method, url, headers=headers, data=request.body, allow_redirects=False
            ) as answer:
                body = await answer.read()
        except aiohttp.ClientError:
            return None
        is_chunked = "chunked" in answer.headers.get("Transfer-Encoding", "")
        kept = CIMultiDict((name, text) for name, text in answer.headers.items() if name.lower() not in _HOP_BY_HOP)
        return Answer(answer.status, kept, body, is_chunked)


def _refusal(status: int, code: str) -> web.Response:
    """Answer as storage does when it says no."""
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>refused</Message></Error>'
    return web.Response(status=status, text=body, content_type="application/xml", headers={"x-ms-error-code": code})


def _reset(incoming: web.BaseRequest) -> web.StreamResponse:
    if incoming.transport is not None:
        incoming.transport.abort()
    return web.Response()


def _cut_off(incoming: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """End the connection after what was written."""
    if incoming.transport is not None:
        incoming.transport.close()
    return response
