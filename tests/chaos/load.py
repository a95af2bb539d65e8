"""Rows to be scored, sent at a pace to several hosts, and again whenever a request breaks."""

import asyncio
import random
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from tests.chaos.ledger import Ledger
from tests.integration.models import ANSWERS, CARRIERS

MODEL: Final = "flights"
_PATIENCE_S: Final = 10.0
_BETWEEN_TRIES_S: Final = 0.3


@dataclass(frozen=True, slots=True)
class Sent:
    """One try of one request: when it was sent (monotonic), how long it took, and what came of it."""

    at: float
    took_s: float
    status: int
    capture: str


@dataclass(slots=True)
class Load:
    """Sends requests of 1 to ``most_rows`` rows, ``rows_a_second`` in all, through ``senders`` at once.

    ``addresses`` are those of the hosts; each try goes to one of them by chance. What was answered is in the ledger
    before the next request is sent. ``history`` holds every try if it is not None.
    """

    ledger: Ledger
    addresses: Sequence[str]
    key: str
    random: random.Random
    rows_a_second: float
    most_rows: int
    senders: int = 12
    history: list[Sent] | None = None
    _run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    _number: int = 0

    async def send_until(self, is_enough: Callable[[], bool]) -> None:
        """Send until there has been enough; requests under way are then still seen through."""
        timeout = aiohttp.ClientTimeout(total=_PATIENCE_S)
        headers = {"x-functions-key": self.key}
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session, asyncio.TaskGroup() as sending:
            for _ in range(self.senders):
                sending.create_task(self._send(session, is_enough))

    async def _send(self, session: aiohttp.ClientSession, is_enough: Callable[[], bool]) -> None:
        due = time.monotonic() + self.random.random()
        while not is_enough():
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            rows = self.random.randint(1, self.most_rows)
            # A sender that fell behind, because a host stood still, does not catch up in one burst.
            due = max(due, time.monotonic() - 1.0) + rows * self.senders / self.rows_a_second
            await self._score(session, rows)

    async def _score(self, session: aiohttp.ClientSession, rows: int) -> None:
        self._number += 1
        request = f"{self._run}-{self._number}"
        body = {"data": [self._row(f"{request}.{index}") for index in range(rows)]}
        while True:
            address = self.random.choice(self.addresses)
            answer = await self._try(session, f"{address}/api/models/{MODEL}/score", body)
            if answer is not None:
                self.ledger.note(request, answer["capture"], answer["ids"])
                return
            await asyncio.sleep(_BETWEEN_TRIES_S)

    async def _try(self, session: aiohttp.ClientSession, url: str, body: object) -> dict[str, Any] | None:
        began = time.monotonic()
        status, capture, answer = 0, "", None
        try:
            async with session.post(url, json=body) as response:
                status = response.status
                said: dict[str, Any] = await response.json(content_type=None)
                if status == 200:
                    answer, capture = said, said["capture"]
                else:
                    self.ledger.broken[str(status)] += 1
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            # A ValueError: the answer is an error without a body, as the host gives for an unhandled exception.
            self.ledger.broken[type(error).__name__] += 1
        if self.history is not None:
            self.history.append(Sent(began, time.monotonic() - began, status, capture))
        return answer

    def _row(self, key: str) -> dict[str, object]:
        return {
            "distance": self.random.randrange(ANSWERS),
            "carrier": self.random.choice(CARRIERS),
            "external_id": key,
        }
