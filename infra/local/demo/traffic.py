"""Send flights to be scored, and later what became of them, as their airlines would."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import aiohttp

from infra.local.demo.flights import Flight
from shared.clock import Clock
from shared.hours import Hour

_ROWS_A_REQUEST: Final = 6
_AT_ONCE: Final = 4
_TRIES: Final = 120
_BETWEEN_TRIES_S: Final = 0.5


class Unanswered(RuntimeError):
    """The app answered with an error, or not at all for a minute."""


@dataclass(slots=True)
class Ledger:
    """What the sender knows, written down on its side.

    ``acknowledged`` are the ids that the app said were kept; ``broken`` counts requests that broke off and were sent
    again: whether their rows were kept the first time, nobody was told.
    """

    acknowledged: list[str] = field(default_factory=list)
    kept: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    requests: int = 0
    broken: int = 0
    actuals: int = 0
    latencies_ms: list[float] = field(default_factory=list)


@dataclass(slots=True)
class Traffic:
    """A sender over one connection pool; everything it was told is in ``ledger``."""

    session: aiohttp.ClientSession
    url: str
    model: str
    clock: Clock
    ledger: Ledger = field(default_factory=Ledger)

    async def send_hour(self, hour: Hour, flights: Sequence[Flight]) -> None:
        """Have the flights of an hour scored, once the clock has come to it, a few requests at a time."""
        await asyncio.sleep(self.clock.real_seconds_until(hour.start))
        limit = asyncio.Semaphore(_AT_ONCE)
        groups = [flights[i : i + _ROWS_A_REQUEST] for i in range(0, len(flights), _ROWS_A_REQUEST)]
        await asyncio.gather(*(self._score(group, limit) for group in groups))

    async def send_actuals(self, flights: Sequence[Flight], now: datetime) -> list[Flight]:
        """Tell what is known by ``now``, and return the flights that are still under way."""
        landed = [flight for flight in flights if flight.known_at <= now]
        if landed:
            told = [
                {"external_id": flight.key, "value": flight.late, "at": flight.known_at.isoformat()}
                for flight in landed
            ]
            answer = await self._post(f"/api/models/{self.model}/actuals", told)
            self.ledger.actuals += answer["accepted"]
        return [flight for flight in flights if flight.known_at > now]

    async def _score(self, flights: Sequence[Flight], limit: asyncio.Semaphore) -> None:
        rows = [{**flight.features, "external_id": flight.key} for flight in flights]
        async with limit:
            answer = await self._post(f"/api/models/{self.model}/score", {"data": rows}, timed=True)
        ledger = self.ledger
        ledger.requests += 1
        ledger.rows += len(rows)
        ledger.kept[answer["capture"]] = ledger.kept.get(answer["capture"], 0) + len(rows)
        if answer["capture"] == "acked":
            ledger.acknowledged += answer["ids"]

    async def _post(self, path: str, body: object, *, timed: bool = False) -> dict[str, Any]:
        """Post until it is answered; what breaks off on the way is sent again and counted."""
        for _ in range(_TRIES):
            started = time.perf_counter()
            # A payload error: the answer broke off after its head.
            with contextlib.suppress(aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
                async with self.session.post(self.url + path, json=body) as response:
                    answer: dict[str, Any] = await response.json(content_type=None)
                    if response.status != 200:
                        raise Unanswered(f"POST {path} was answered with {response.status}: {answer}")
                if timed:
                    self.ledger.latencies_ms.append((time.perf_counter() - started) * 1000.0)
                return answer
            self.ledger.broken += 1
            await asyncio.sleep(_BETWEEN_TRIES_S)
        raise Unanswered(f"POST {path} was not answered for a minute")


@contextlib.asynccontextmanager
async def traffic(url: str, key: str, model: str, clock: Clock) -> AsyncIterator[Traffic]:
    """Open a sender."""
    headers: Mapping[str, str] = {"x-functions-key": key}
    timeout = aiohttp.ClientTimeout(total=60)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        yield Traffic(session, url, model, clock)
