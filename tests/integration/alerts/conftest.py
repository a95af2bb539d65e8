"""Storage of each test's own, and a clock to be set."""

from collections.abc import AsyncIterator

import pytest

from shared.blobs import Blobs
from tests.integration.stored import Calendar, own_storage
from tests.unit.alerts.looks import MIDNIGHT


@pytest.fixture
async def blobs(azurite: str) -> AsyncIterator[Blobs]:
    async with own_storage(azurite) as own:
        yield own


@pytest.fixture
def calendar() -> Calendar:
    return Calendar(MIDNIGHT)
