"""Can everything the app depends on be reached, and in what time?"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec

from shared.errors import Fault

_TIMEOUT_S: Final = 10.0


class Dependency(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One dependency: reached after ``duration_ms``, or not, with the ``reason``."""

    reached: bool
    duration_ms: float
    reason: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """``ok`` when every dependency was reached; ``telemetry`` says what became of what was reported."""

    status: Literal["ok", "failing"]
    dependencies: dict[str, Dependency]
    telemetry: dict[str, Any] | None


@dataclass(slots=True)
class Health:
    """Asks each of ``checks``, by the dependency's name; a check raises a ``Fault`` when it fails."""

    checks: Mapping[str, Callable[[], Awaitable[object]]]
    telemetry: Callable[[], dict[str, Any] | None]

    async def report(self) -> Report:
        """Ask all of them at once, each for at most 10 seconds."""
        asked = await asyncio.gather(*(_ask(check) for check in self.checks.values()))
        found = dict(zip(self.checks, asked, strict=True))
        healthy = all(one.reached for one in found.values())
        return Report(status="ok" if healthy else "failing", dependencies=found, telemetry=self.telemetry())


async def _ask(check: Callable[[], Awaitable[object]]) -> Dependency:
    started = time.perf_counter()
    reason: str | None = None
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            await check()
    except TimeoutError:
        reason = f"no answer within {_TIMEOUT_S:g} s"
    except Fault as fault:
        reason = fault.code  # the message may name an address
    duration_ms = round((time.perf_counter() - started) * 1000.0, 1)
    return Dependency(reached=reason is None, duration_ms=duration_ms, reason=reason)
