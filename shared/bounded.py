"""Many things at once, and not too many."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

AT_ONCE: Final = 32

T = TypeVar("T")
R = TypeVar("R")


async def each(
    items: Iterable[T],
    do: Callable[[T], Awaitable[R]],
    *,
    at_once: int = AT_ONCE,
    done: Callable[[int, int], None] | None = None,
) -> list[R]:
    """Return what ``do`` returns for every item, in their order, so many of them under way at once.

    ``done`` is told after each how many are, and of how many. What ``do`` raises first is raised, once all that was under
    way has been cancelled.
    """
    waiting = list(enumerate(items))
    total = len(waiting)
    waiting.reverse()
    found: dict[int, R] = {}

    async def work() -> None:
        while waiting:
            index, item = waiting.pop()
            found[index] = await do(item)
            if done is not None:
                done(len(found), total)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, total)):
                group.create_task(work())
    except ExceptionGroup as raised:
        raise raised.exceptions[0] from None
    return [found[index] for index in range(total)]
