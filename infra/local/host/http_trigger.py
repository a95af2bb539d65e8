"""HTTP triggers: one ASGI application for all of them, and the two admin addresses of the real host."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from azure.functions.meta import Datum
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from infra.local.host.errors import InvocationFailed
from infra.local.host.invoking import Invoker
from infra.local.host.keys import AuthLevel, Keys
from infra.local.host.payloads import http_data
from infra.local.host.routes import readable_path
from infra.local.host.triggers import HttpTrigger

logger = logging.getLogger(__name__)

_ADMIN_FUNCTIONS = "/admin/functions/"
_ADMIN_STATUS = "/admin/host/status"


@dataclass(slots=True, kw_only=True)
class HttpFront:
    """Finds the function of a request, checks its key, runs it and sends what it returned.

    ``run_timer`` starts the timer of that name and says whether there is one; ``state`` describes the host.
    """

    triggers: Sequence[HttpTrigger]
    invoker: Invoker
    keys: Keys
    run_timer: Callable[[str], bool]
    state: Callable[[], Mapping[str, Any]]
    _ordered: list[HttpTrigger] = field(init=False)

    def __post_init__(self) -> None:
        self._ordered = sorted(self.triggers, key=lambda trigger: trigger.route.precedence)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = readable_path(request.scope["raw_path"])
        query = _joined(parse_qsl(request.scope["query_string"].decode("latin-1")))
        key = request.headers.get("x-functions-key") or query.get("code")
        if path.startswith("/admin/"):
            return self._administer(request.method, path, key)
        for trigger in self._ordered:
            if trigger.methods and request.method not in trigger.methods:
                continue
            route_params = trigger.route.match(path)
            if route_params is None:
                continue
            if not self.keys.grant(trigger.level, key):
                return Response(status_code=401)
            return await self._run(trigger, request, query, route_params)
        return Response(status_code=404)

    async def _run(
        self, trigger: HttpTrigger, request: Request, query: Mapping[str, str], route_params: Mapping[str, str]
    ) -> Response:
        data = http_data(
            trigger.argument,
            method=request.method,
            url=_url(request),
            headers=_joined(request.headers.items()),
            query=query,
            route_params=route_params,
            body=await request.body(),
        )
        try:
            returned = await self.invoker.invoke(trigger.function, data)
        except InvocationFailed:
            return Response(status_code=500)
        return _response(returned)

    def _administer(self, method: str, path: str, key: str | None) -> Response:
        if not self.keys.grant(AuthLevel.ADMIN, key):
            return Response(status_code=401)
        if path == _ADMIN_STATUS and method == "GET":
            return JSONResponse(self.state())
        name = path.removeprefix(_ADMIN_FUNCTIONS)
        if name != path and method == "POST" and self.run_timer(name):
            return Response(status_code=202)
        return Response(status_code=404)


def _url(request: Request) -> str:
    """Return the address as it was sent: encoded, and without the host's idea of its own name."""
    raw_path: str = request.scope["raw_path"].decode("latin-1")
    query: str = request.scope["query_string"].decode("latin-1")
    return f"http://{request.headers.get('host', '127.0.0.1')}{raw_path}{'?' if query else ''}{query}"


def _joined(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Join the values of repeated names with commas, as the real host does before its worker sees them."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _response(returned: Datum | None) -> Response:
    if returned is None:
        return Response(status_code=204)
    if returned.type != "http":
        return Response(returned.value, media_type="text/plain")
    value = returned.value
    headers = {name: datum.value for name, datum in value["headers"].items()}
    response = Response(value["body"].value, status_code=int(value["status_code"].value), headers=headers)
    for cookie in value["cookies"] or ():
        for morsel in cookie.values():
            response.headers.append("set-cookie", morsel.OutputString())
    return response
