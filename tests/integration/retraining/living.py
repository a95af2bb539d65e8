"""A trainer that never ends by itself, with a child that does not listen, and a line over which both are seen to live."""

import asyncio
import shlex
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

_PROGRAM = """
import socket, subprocess, sys
line = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
line.set_inheritable(True)
subprocess.run(["/bin/sh", "-c", f"trap '' TERM; echo >&{line.fileno()}; exec sleep 1000"], close_fds=False)
"""
_PATIENCE_S = 60.0


@dataclass
class Living:
    """What is heard of it; ``command`` starts it."""

    command: str = ""
    _lines: "asyncio.Queue[asyncio.StreamReader]" = field(default_factory=asyncio.Queue)
    _ours: list[asyncio.StreamWriter] = field(default_factory=list)

    async def called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ours.append(writer)
        await self._lines.put(reader)

    async def close(self) -> None:
        for writer in self._ours:
            writer.close()
            await writer.wait_closed()

    async def started(self) -> asyncio.StreamReader:
        """Return the line, once both are there."""
        async with asyncio.timeout(_PATIENCE_S):
            line = await self._lines.get()
            assert await line.readline() == b"\n"
            return line

    async def ended(self, line: asyncio.StreamReader) -> None:
        """Wait until nobody holds the other end any more."""
        async with asyncio.timeout(_PATIENCE_S):
            assert await line.read() == b""


@asynccontextmanager
async def living() -> AsyncIterator[Living]:
    made = Living()
    server = await asyncio.start_server(made.called, "127.0.0.1")
    async with server:
        port = server.sockets[0].getsockname()[1]
        made.command = shlex.join([sys.executable, "-c", _PROGRAM, str(port)])
        try:
            yield made
        finally:
            await made.close()
