"""A TCP proxy between the app and the hub: it cuts, stalls, delays, swallows answers, and forgets one side."""

import asyncio
import contextlib
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Self

HOST: Final = "127.0.0.1"
_CHUNK_BYTES: Final = 65_536


class Line(Enum):
    """What becomes of bytes and connections."""

    OPEN = "open"
    DOWN = "down"
    """Connections are reset, and so are new ones."""
    STALLED = "stalled"
    """Bytes wait, in both directions and on new connections too, until the line opens."""
    MUTED = "muted"
    """What the near side sends arrives, and what the far side answers is swallowed; in the end connections are reset."""
    HALF_OPEN = "half-open"
    """The far side is gone and the near side is not told, for good: what it sends is swallowed."""


@dataclass(eq=False, slots=True)
class _Connection:
    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    is_forgotten: bool = False

    def reset(self) -> None:
        self.near.transport.abort()
        self.lose_far()

    def lose_far(self) -> None:
        if self.far is not None:
            self.far.transport.abort()


@dataclass(slots=True)
class TcpProxy:
    """Listens on ``port`` (0 takes a free one) while the context is entered, and passes bytes on to the port ``to``.

    ``delay_s`` is added to every piece that passes, each way. ``passed_bytes`` counts both ways.
    """

    to: int
    port: int = 0
    delay_s: float = 0.0
    passed_bytes: int = 0
    _line: Line = Line.OPEN
    _moving: asyncio.Event = field(default_factory=asyncio.Event)
    _connections: set[_Connection] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _server: asyncio.Server | None = None

    @property
    def line(self) -> Line:
        """Return what becomes of bytes and connections; setting it takes effect at once."""
        return self._line

    @line.setter
    def line(self, line: Line) -> None:
        # What was swallowed is missing in the middle of a stream.
        if line is Line.DOWN or self._line is Line.MUTED:
            self.cut()
        self._line = line
        if line is Line.HALF_OPEN:
            for connection in self._connections:
                connection.is_forgotten = True
                connection.lose_far()
        if line is Line.STALLED:
            self._moving.clear()
        else:
            self._moving.set()

    def cut(self) -> None:
        """Reset every connection; new ones are passed on as before."""
        for connection in self._connections:
            connection.reset()

    async def __aenter__(self) -> Self:
        self._moving.set()
        self._server = await asyncio.start_server(self._accept, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        connection = _Connection(near, is_forgotten=self._line is Line.HALF_OPEN)
        self._connections.add(connection)
        try:
            if self._line is Line.DOWN:
                return
            far_reader, connection.far = await asyncio.open_connection(HOST, self.to)
            if connection.is_forgotten:
                connection.lose_far()
            await asyncio.gather(
                self._pump(near_reader, connection.far, connection), self._pump(far_reader, near, connection)
            )
        except OSError:
            pass  # one side is gone: the other is told below
        finally:
            self._connections.discard(connection)
            connection.reset()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: _Connection) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(_CHUNK_BYTES):
                await self._moving.wait()
                await asyncio.sleep(self.delay_s)
                if connection.is_forgotten or (self._line is Line.MUTED and writer is connection.near):
                    continue
                writer.write(data)
                await writer.drain()
                self.passed_bytes += len(data)
        if not connection.is_forgotten:
            writer.close()
