"""A world of one version in storage of its own."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.actuals.world import NINE, World
from tests.integration.stored import Calendar, own_storage


@pytest.fixture
async def world(azurite: str) -> AsyncIterator[World]:
    """Everything for version 1 of ``flights``, which is registered."""
    async with own_storage(azurite) as blobs:
        made = World(blobs, Calendar(NINE.plus(24).start))
        await made.register("1")
        yield made
