"""Processes that die before a write, or are held up before one while others go on."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.integration.stored import Killed


async def at_once(function: Callable[..., Any], *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - passed on
    """Do what a thread would: so that a run depends on what was drawn alone."""
    return function(*arguments, **named)


def dying(after: int) -> Callable[[], Awaitable[None]]:
    left = iter(range(after))

    async def before_write() -> None:
        if next(left, None) is None:
            raise Killed

    return before_write


class HeldUp:
    """A process that is held up before a write, and perhaps killed some writes after that."""

    def __init__(self, writes: int, *, then: int | None) -> None:
        self.asleep = asyncio.Event()
        self.awake = asyncio.Event()
        self._writes = writes
        self._then = then

    async def before_write(self) -> None:
        if self._writes == 0:
            self.asleep.set()
            await self.awake.wait()
        if self._then is not None and self._writes == -self._then:
            raise Killed
        self._writes -= 1
