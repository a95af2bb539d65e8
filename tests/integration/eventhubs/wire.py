"""A client that says exactly what a test wants said: frames in, frames out."""

import asyncio
from typing import Any, Self

from infra.local.eventhubs.codec import Reader, encode
from infra.local.eventhubs.frames import AMQP_HEADER, HEADER_BYTES, SASL_HEADER
from infra.local.eventhubs.performatives import SASL_FRAME, frame
from infra.local.eventhubs.values import Described, Symbol, Ubyte, Uint, Ulong, Ushort

OPEN, BEGIN, ATTACH, FLOW, TRANSFER, DISPOSITION, DETACH, END, CLOSE = range(0x10, 0x19)
SASL_INIT, SASL_OUTCOME = 0x41, 0x44
_WAIT_S = 5.0


class Wire:
    """One connection, logged in with PLAIN, which grants everything."""

    def __init__(self, port: int, *, password: str = "SAS_KEY_VALUE", idle_time_out_ms: int | None = None) -> None:
        self._port = port
        self._login = f"\x00RootManageSharedAccessKey\x00{password}".encode()
        self._idle_time_out_ms = idle_time_out_ms

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(SASL_HEADER)
        assert await self._reader.readexactly(HEADER_BYTES) == SASL_HEADER
        await self.frame()
        self._write([Symbol("PLAIN"), self._login, None], SASL_INIT, kind=SASL_FRAME)
        self.outcome = (await self.expect(SASL_OUTCOME))[0]
        if self.outcome == 0:
            self._writer.write(AMQP_HEADER)
            assert await self._reader.readexactly(HEADER_BYTES) == AMQP_HEADER
            idle = None if self._idle_time_out_ms is None else Uint(self._idle_time_out_ms)
            self.say(OPEN, "a test", None, Uint(65_536), Ushort(10), idle)
            await self.expect(OPEN)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    def say(self, code: int, *fields: Any) -> None:  # noqa: ANN401 - any AMQP value
        """Send a performative on channel 0."""
        self._write(list(fields), code)

    def receive_from(self, address: str, *, handle: int = 0) -> None:
        """Attach a receiver."""
        ends = [Described(Ulong(0x28), [address]), Described(Ulong(0x29), ["here"])]
        self.say(ATTACH, f"link {handle}", Uint(handle), True, Ubyte(1), Ubyte(0), *ends)  # noqa: FBT003 - its role

    def credit(self, credit: int, *, count: int = 0, window: int = 1_000, drain: bool = False, handle: int = 0) -> None:
        """Give the receiver ``credit`` beyond its first ``count`` messages, and the session ``window`` from now on."""
        session = [Uint(count), Uint(window), Uint(0), Uint(1_000)]
        self.say(FLOW, *session, Uint(handle), Uint(count), Uint(credit), None, drain)

    async def frame(self) -> bytes:
        """Return the body of the next frame; empty for a heartbeat."""
        size = int.from_bytes(await asyncio.wait_for(self._reader.readexactly(4), _WAIT_S))
        return (await self._reader.readexactly(size - 4))[4:]

    async def expect(self, code: int) -> list[Any]:
        """Return the fields of the next performative, which must be ``code``."""
        described = Reader(await self.frame()).value()
        assert described.descriptor == code, described
        fields: list[Any] = described.value
        return fields

    async def silence(self) -> None:
        """Check that nothing more is sent."""
        try:
            unexpected = await asyncio.wait_for(self._reader.readexactly(1), 0.2)
        except TimeoutError:
            return
        raise AssertionError(unexpected)

    async def ended(self) -> bool:
        """Wait until the other side has closed, whatever it says before."""
        await asyncio.wait_for(self._reader.read(), _WAIT_S)
        return self._reader.at_eof()

    def _write(self, fields: list[Any], code: int, *, kind: int = 0) -> None:
        self._writer.write(frame(0, encode(Described(Ulong(code), fields)), kind))
