"""A caller of the app."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from yarl import URL

from infra.local.system import System


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back."""

    status: int
    content_type: str
    headers: dict[str, str]
    data: bytes

    @property
    def body(self) -> Any:  # noqa: ANN401 - whatever JSON says
        """Return the JSON."""
        return json.loads(self.data)


Call = Callable[..., Awaitable[Answered]]


@pytest.fixture
async def call(system: System) -> AsyncIterator[Call]:
    """Return what sends a request with a key; the path goes out as it is written."""
    key = {"x-functions-key": system.key()}
    async with aiohttp.ClientSession() as session:

        async def send(
            method: str, path: str, body: object = None, *, headers: dict[str, str] | None = None
        ) -> Answered:
            data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
            url = URL(system.url + path, encoded=True)
            async with session.request(method, url, data=data, headers=key | (headers or {})) as response:
                return Answered(response.status, response.content_type, dict(response.headers), await response.read())

        yield send


@pytest.fixture
def score(call: Call) -> Callable[..., Awaitable[Answered]]:
    """Return what has rows scored."""

    async def send(body: object, *, model: str = "flights", **options: Any) -> Answered:  # noqa: ANN401 - of a call
        return await call("POST", f"/api/models/{model}/score", body, **options)

    return send
