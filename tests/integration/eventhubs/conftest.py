"""Emulators: one within the test's own event loop, and one as a process that can be killed."""

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from infra.local.eventhubs.emulator import Emulator
from infra.local.eventhubs.entities import Config, GroupConfig, HubConfig, NamespaceConfig, UserConfig
from infra.local.processes import Process

HUB = "driftline"
CONFIG = Config(
    UserConfig((NamespaceConfig("emulatorNs1", (HubConfig(HUB, "4", (GroupConfig("capture"),)), HubConfig("one", 1))),))
)


@pytest.fixture
async def emulator(tmp_path: Path) -> AsyncIterator[Emulator]:
    """An empty namespace in this process, and in this event loop: sync clients go in threads."""
    async with Emulator(CONFIG, tmp_path / "data") as running:
        yield running


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Start the emulator as a process; the same data and the same port each time it is started again."""
    started: list[Process] = []

    def begin(*options: str) -> Process:
        port = str(started[0].port if started else 0)
        command = [sys.executable, "-m", "infra.local.eventhubs", "--port", port, "--data", str(tmp_path / "data")]
        process = Process.start("eventhubs", [*command, *options], log=tmp_path / "eventhubs.log")
        started.append(process)
        return process.wait_for_ready_line()

    yield begin
    for process in started:
        process.stop()
