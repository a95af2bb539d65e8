"""An event loop whose time passes only when nothing is left to do: what waits 5 ms waits exactly that, at once."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _VirtualLoop(asyncio.SelectorEventLoop):
    _now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        timers = [handle for handle in self._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]
        if not self._ready:  # type: ignore[attr-defined]
            assert timers, "everybody waits, and nothing will happen"
            self._now = max(self._now, min(handle.when() for handle in timers))
        super()._run_once()  # type: ignore[misc]


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run ``work`` from the time 0 on, and return its result."""
    loop = _VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


def now() -> float:
    """Return the time, to a microsecond."""
    return round(asyncio.get_running_loop().time(), 6)
