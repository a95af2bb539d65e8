"""Capture shares its event loop with whoever is being answered."""

import asyncio
import gc
import time
from collections.abc import Callable
from typing import Any

import pytest

from shared.clock import Clock
from tests.integration.capture.delivery import events
from tests.unit.capture.records import record


@pytest.mark.usefixtures("registry")
async def test_a_large_batch_does_not_hold_up_the_loop(
    make_capturing: Callable[..., Any], clock: Clock, partition: str
) -> None:
    """A batch of full events takes seconds to read: requests of the same instance would wait as long."""
    batch = events(clock, partition, *(b"\n".join([record()] * 500) for _ in range(200)))
    longest_s = 0.0

    async def watch() -> None:
        nonlocal longest_s
        while True:
            # CPU time, because the machine may have others to serve.
            began = time.thread_time()
            await asyncio.sleep(0)
            longest_s = max(longest_s, time.thread_time() - began)

    gc.collect()
    gc.freeze()  # what the tests before left behind takes a collection longer than the batch holds up the loop
    watching = asyncio.create_task(watch())
    began = time.thread_time()
    await make_capturing().append(batch)
    took_s = time.thread_time() - began
    watching.cancel()
    gc.unfreeze()

    assert longest_s < took_s / 5
