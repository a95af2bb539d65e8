"""A hub and storage, as sealing's tests have them; and storage in memory with the subject in it."""

import pytest

from tests.integration.erasing.inhabited import Inhabited, inhabited
from tests.integration.models import registered
from tests.integration.sealing.conftest import NINE, AskedOnce, Stages, calendar, emulator, quiet_hub, stages
from tests.integration.stored import Calendar
from tests.memory import Memory, MemoryBlobs

__all__ = ["calendar", "emulator", "quiet_hub", "stages"]


@pytest.fixture(scope="session")
async def first(quiet_hub: AskedOnce) -> tuple[Memory, Inhabited]:
    """Storage with the subject in it, made once, to be copied."""
    memory = Memory()
    made = Stages(MemoryBlobs(memory), quiet_hub, Calendar(NINE))
    version = registered("flights", "1")
    await made.registry().register(version.manifest, files=version.files)
    return memory, await inhabited(made)
