"""Several functions hosts on one hub and one storage, reached through proxies."""

import asyncio
import contextlib
import json
import random
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from infra.local import azurite
from infra.local.processes import NotReady, Process, free_port
from infra.local.system import System
from shared.blobs import Blobs, service
from shared.clock import Clock
from shared.registry.manifest import CHAMPION
from shared.registry.store import Registry
from tests.chaos.load import MODEL
from tests.chaos.proxies.storage import StorageProxy
from tests.chaos.proxies.tcp import TcpProxy
from tests.flying import SCHEDULES
from tests.integration.models import registered

CAPTURE_TIMEOUT_S: Final = 2.0
STORAGE_TIMEOUT_S: Final = 3.0
OWNERSHIP_S: Final = 4.0
# Short, so that what a killed host held is soon another's.
_OPTIONS: Final = ("--ownership-s", str(OWNERSHIP_S), "--lease-s", "15")
_STARTS: Final = 5


@dataclass(slots=True)
class Fleet:
    """A running system without its own host, and hosts instead of it.

    The app reaches storage through ``storage`` and the hub through ``hub``; the hosts keep their leases and checkpoints
    through ``own_storage``. The command line, and who checks, use the system's settings, which name neither.

    Ownership is filed by the hub's address. Where hosts are ``rivals``, every second one has another address of it, so
    that each of two takes all partitions for its own, for ever.
    """

    system: System
    storage: StorageProxy
    own_storage: StorageProxy
    hub: TcpProxy
    ports: tuple[int, ...]
    rivals: bool = False
    hosts: dict[int, Process] = field(default_factory=dict)

    @property
    def addresses(self) -> list[str]:
        """Return where the hosts answer, those included that are down just now."""
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def environment(self, number: int) -> dict[str, str]:
        """Return the environment of a host."""
        address, behind = f"127.0.0.1:{self.system.ports['hub']};", f"127.0.0.1:{self.hub.port};"
        if self.rivals and number % 2:
            behind = behind.replace("127.0.0.1", "localhost")
        events = self.system.settings["EVENTS"].replace(address, behind)
        return {
            **self.system.environment,
            "STORAGE": azurite.connection_string(self.storage.port),
            "AzureWebJobsStorage": azurite.connection_string(self.own_storage.port),
            "EVENTS": events,
        }

    async def start_host(self, number: int) -> None:
        """Start a host; as whoever runs one would, again if its storage did not answer."""
        for tries_left in reversed(range(_STARTS)):
            try:
                self.hosts[number] = await asyncio.to_thread(self._start, number)
            except NotReady:
                if not tries_left:
                    raise
            else:
                return

    def _start(self, number: int) -> Process:
        folder = self.system.folder
        # One folder of keys: as instances of one app have the same.
        options = ("--port", str(self.ports[number]), "--data", str(folder / "host"), *_OPTIONS)
        command = [sys.executable, "-m", "infra.local.host", *options]
        process = Process.start(
            f"host-{number}", command, log=folder / f"host-{number}.log", env=self.environment(number)
        )
        return process.wait_for_ready_line()

    async def kill_host(self, number: int) -> None:
        """End a host with SIGKILL."""
        await asyncio.to_thread(self.hosts.pop(number).kill)

    async def stop_hosts(self) -> None:
        """End the hosts with SIGTERM, those that stand still too."""
        running = [self.hosts.pop(number) for number in list(self.hosts)]
        for process in running:
            process.signal(signal.SIGCONT)
        await asyncio.gather(*(asyncio.to_thread(process.stop) for process in running))

    async def restart_hub(self, number: signal.Signals) -> None:
        """End the emulator with a signal, and start it again."""
        process = self.system.process("eventhubs")
        await asyncio.to_thread(process.kill if number is signal.SIGKILL else process.stop)
        await asyncio.to_thread(self.system.start_hub)


@contextlib.asynccontextmanager
async def fleet(
    folder: Path,
    *,
    hosts: int,
    clock: Clock,
    seed: int = 7,
    rivals: bool = False,
) -> AsyncIterator[Fleet]:
    """Run a fleet in ``folder`` that answers for one model; nothing fails yet. One that was there goes on."""
    timeouts = {"CAPTURE_TIMEOUT_S": str(CAPTURE_TIMEOUT_S), "STORAGE_TIMEOUT_S": str(STORAGE_TIMEOUT_S)}
    own = {**SCHEDULES, **timeouts}
    system = System.in_folder(folder, clock=clock, settings=own)
    ports = _ports(folder / "fleet.json", hosts)
    chance = random.Random(seed)
    async with contextlib.AsyncExitStack() as stack:
        storage, own_storage = [
            await stack.enter_async_context(StorageProxy(to=system.ports["azurite"], random=chance, port=ports.pop()))
            for _ in range(2)
        ]
        hub = await stack.enter_async_context(TcpProxy(to=system.ports["hub"], port=ports.pop()))
        made = Fleet(system, storage, own_storage, hub, tuple(ports), rivals)
        try:
            await asyncio.to_thread(system.start_services)
            await _register(system)
            await asyncio.gather(*(made.start_host(number) for number in range(hosts)))
            yield made
        finally:
            storage.share = own_storage.share = 0.0
            await made.stop_hosts()
            await asyncio.to_thread(system.stop)


def _ports(path: Path, hosts: int) -> list[int]:
    """Return as many ports as there are hosts, and three more: checkpoints are filed by the hub's address."""
    if not path.exists():
        path.write_text(json.dumps([free_port() for _ in range(hosts + 3)]))
    ports: list[int] = json.loads(path.read_bytes())
    return ports


async def _register(system: System) -> None:
    blobs = Blobs(service(system.settings["STORAGE"]))
    registry = Registry(blobs, system.clock)
    version = registered(MODEL, "1")
    await registry.register(version.manifest, files=version.files)
    await registry.promote(MODEL, "1", alias=CHAMPION)
    await blobs.close()
