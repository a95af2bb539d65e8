"""One invocation, and one invocation with its retry policy: the same for every trigger."""

import asyncio
import itertools
import logging
import time
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any
from uuid import uuid4

from azure.functions.meta import Datum

from infra.local.host.engine import Attempt, Engine, IndexedFunction, TriggerData
from infra.local.host.errors import InvocationFailed

logger = logging.getLogger(__name__)


class Invoker:
    """Runs functions through the engine within the app's ``functionTimeout``; ``running`` counts them."""

    def __init__(self, engine: Engine, *, timeout_s: float | None) -> None:
        self._engine = engine
        self._timeout_s = timeout_s
        self.running = 0

    async def invoke(self, function: IndexedFunction, data: TriggerData, *, retry: int = 0) -> Datum | None:
        """Run a function once.

        The real host ends the whole worker at a time-out; here an async function is cancelled, and the thread of any
        other is given up.

        Raises:
            InvocationFailed: it raised or ran out of time; this has been logged.
        """
        attempt = Attempt(str(uuid4()), retry, function.retry.limit)
        began = time.perf_counter()
        self.running += 1
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._engine.invoke(function, data, attempt)
        except TimeoutError:
            failure = InvocationFailed(function.name, detail=f"no answer within {self._timeout_s} s")
        except InvocationFailed as error:
            failure = error
        finally:
            self.running -= 1
        facts = {"function": function.name, "invocation": attempt.invocation_id, "retry": retry}
        duration_ms = round((time.perf_counter() - began) * 1000)
        logger.error("invocation failed", extra={**facts, "duration_ms": duration_ms, "detail": failure.detail})
        raise failure

    async def invoke_with_retries(
        self, function: IndexedFunction, data: TriggerData, *, abandoned: asyncio.Event | None = None
    ) -> None:
        """Run a function until it succeeds, its retry policy ends, or ``abandoned`` is set between two attempts."""
        delays_s = function.retry.delays_s()
        for retry in itertools.count():
            with suppress(InvocationFailed):
                await self.invoke(function, data, retry=retry)
                return
            delay_s = next(delays_s, None)
            if delay_s is None or await _set_within(abandoned or asyncio.Event(), delay_s):
                return


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    """Wait for ``event``; return whether it was set in time."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def finish(work: Coroutine[Any, Any, None]) -> None:
    """Await ``work`` to its end even if cancelled once meanwhile; a second cancellation abandons it."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
