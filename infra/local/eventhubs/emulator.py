"""The emulator as a whole: a data folder, a listening socket, retention."""

import asyncio
import fcntl
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Final, Self

from infra.local.eventhubs.connection import Connection
from infra.local.eventhubs.entities import Config, Namespace
from infra.local.eventhubs.errors import FORCED, Corrupt, Refused
from infra.local.eventhubs.routing import Router
from infra.local.eventhubs.sas import SharedKey
from shared.clock import Clock

_HOST: Final = "127.0.0.1"
_IDLE_TIMEOUT_S: Final = 240.0
_DAY_S: Final = 86_400.0
_SWEEPS_PER_RETENTION: Final = 8
_SWEEP_AT_MOST_S: Final = 60.0

# The key of the official emulator's documentation; nothing that matters is locked with it.
DEFAULT_KEY: Final = SharedKey("RootManageSharedAccessKey", "SAS_KEY_VALUE")


class Emulator:
    """An Event Hubs namespace on 127.0.0.1, serving while the context is entered.

    What was acknowledged is in ``data`` and is there again in the next life; deleting the folder of a hub while
    nothing serves it makes it another hub, created anew. ``clock`` gives the times that events carry. Retention,
    idle time-outs and the expiry of tokens are in real seconds.

    Raises:
        Corrupt: on entering, if the data cannot be what this emulator wrote, or another one is serving it.
        OSError: on entering, if the port is taken.
    """

    def __init__(
        self,
        config: Config,
        data: Path,
        *,
        port: int = 0,
        clock: Clock | None = None,
        key: SharedKey = DEFAULT_KEY,
        retention_s: float = _DAY_S,
        idle_timeout_s: float = _IDLE_TIMEOUT_S,
    ) -> None:
        self.port = port
        self._config = config
        self._data = data
        self._clock = clock or Clock.real()
        self._key = key
        self._retention_s = retention_s
        self._idle_timeout_s = idle_timeout_s
        self._connections: set[Connection] = set()

    def connection_string(self) -> str:
        """Return what clients take; it has no hub in it."""
        return (
            f"Endpoint=sb://{_HOST}:{self.port};SharedAccessKeyName={self._key.name};"
            f"SharedAccessKey={self._key.key};UseDevelopmentEmulator=true;"
        )

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.enter_context(_locked(self._data))
            namespace = stack.enter_context(closing(Namespace(self._config, self._data, self._clock)))
            loop = asyncio.get_running_loop()
            server = await loop.create_server(partial(self._accept, namespace), _HOST, self.port)
            self.port = server.sockets[0].getsockname()[1]
            sweeper = loop.create_task(self._sweep(namespace))
            stack.push_async_callback(self._hang_up)
            stack.callback(server.close)
            stack.callback(sweeper.cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def _accept(self, namespace: Namespace) -> Connection:
        connection = Connection(Router(namespace, self._key), idle_timeout_s=self._idle_timeout_s)
        self._connections.add(connection)
        connection.lost.add_done_callback(lambda _: self._connections.discard(connection))
        return connection

    async def _hang_up(self) -> None:
        for connection in self._connections:
            connection.close(Refused(FORCED, "the emulator stops"))
        await asyncio.gather(*(connection.lost for connection in self._connections))

    async def _sweep(self, namespace: Namespace) -> None:
        while True:
            namespace.expire(self._retention_s)
            await asyncio.sleep(min(self._retention_s / _SWEEPS_PER_RETENTION, _SWEEP_AT_MOST_S))


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other emulators away from ``folder``; the lock goes with the process, however it ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Corrupt(f"{folder} is served by another emulator") from error
        yield
