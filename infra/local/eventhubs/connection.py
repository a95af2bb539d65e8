"""A connection: headers, SASL, frames, heartbeats, and the sessions it carries."""

import asyncio
import logging
from typing import Final, cast

from infra.local.eventhubs import performatives
from infra.local.eventhubs.errors import FRAMING, IDLE, Malformed, Refused
from infra.local.eventhubs.frames import AMQP_HEADER, EMPTY_FRAME, SASL_HEADER, Frame, FrameBuffer
from infra.local.eventhubs.performatives import MAX_FRAME_BYTES, Begin, Close, End, Open, Performative, SaslInit
from infra.local.eventhubs.routing import Router
from infra.local.eventhubs.session import Session

logger = logging.getLogger(__name__)

_WRITE_BUFFER_BYTES: Final = 1 << 20
_TICKS_PER_TIMEOUT: Final = 4
_FAREWELL_S: Final = 1.0


class Connection(asyncio.Protocol):
    """One client's connection. What it sends is gathered and written once in a turn of the event loop."""

    def __init__(self, router: Router, *, idle_timeout_s: float) -> None:
        self._router = router
        self._idle_timeout_s = idle_timeout_s
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self._incoming = FrameBuffer(MAX_FRAME_BYTES)
        self._outgoing = bytearray()
        self._sessions: dict[int, Session] = {}
        self._awaits_header = True
        self._authenticated = False
        self._opened = False
        self._closing = False
        self._heartbeat_s: float | None = None
        self._heard_at = self._spoke_at = self._loop.time()
        self.max_frame_bytes = 512
        self.is_writable = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_WRITE_BUFFER_BYTES)
        self._ticker = self._loop.call_later(self._tick_s, self._tick)

    def connection_lost(self, exc: Exception | None) -> None:
        self._closing = True
        self._ticker.cancel()
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
        self.lost.set_result(None)
        logger.debug("connection lost", extra={"why": str(exc)})

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        self._incoming.feed(data)
        try:
            while self._read():
                pass
        except Malformed as error:
            self.close(Refused(FRAMING, str(error)))

    def pause_writing(self) -> None:
        self.is_writable = False

    def resume_writing(self) -> None:
        self.is_writable = True
        for session in self._sessions.values():
            session.wake()

    def send(self, channel: int, body: bytes) -> None:
        self._write(performatives.frame(channel, body))

    def close(self, reason: Refused | None) -> None:
        """End the connection, saying why if there is a reason."""
        if self._closing:
            return
        if reason is not None:
            logger.info("connection closed", extra={"condition": reason.condition, "why": reason.description})
        if self._opened:
            self.send(0, performatives.close(reason))
        self._flush()
        self._closing = True
        self._transport.close()
        # A client that does not read would keep the connection open for as long as it likes.
        self._loop.call_later(_FAREWELL_S, self._transport.abort)

    def _read(self) -> bool:
        """Take one header or frame from what has arrived; False when there is none yet."""
        if self._closing:
            return False
        if self._awaits_header:
            header = self._incoming.header()
            if header is not None:
                self._on_header(header)
            return header is not None
        frame = self._incoming.frame()
        if frame is not None and frame.body:
            self._on_frame(frame)
        return frame is not None

    def _on_header(self, header: bytes) -> None:
        expected = AMQP_HEADER if self._authenticated else SASL_HEADER
        self._write(expected)
        if header != expected:
            # The answer to a header that is not understood is the one that would have been, and the end.
            self.close(None)
            return
        self._awaits_header = False
        if not self._authenticated:
            mechanisms = performatives.sasl_mechanisms("ANONYMOUS", "MSSBCBS", "PLAIN")
            self._write(performatives.frame(0, mechanisms, performatives.SASL_FRAME))

    def _on_frame(self, frame: Frame) -> None:
        performative, payload = performatives.parse(frame.body)
        if not self._authenticated:
            self._on_sasl(performative)
        elif self._opened:
            self._on_performative(frame.channel, performative, payload)
        elif isinstance(performative, Open):
            self._on_open(performative)
        else:
            raise Malformed(f"{type(performative).__name__} before open")

    def _on_sasl(self, performative: Performative) -> None:
        if not isinstance(performative, SaslInit):
            raise Malformed(f"{type(performative).__name__} before SASL")
        granted = performative.mechanism in {"ANONYMOUS", "MSSBCBS"}
        if performative.mechanism == "PLAIN":
            granted = self._router.log_in(performative.initial_response or b"")
        self._write(performatives.frame(0, performatives.sasl_outcome(granted=granted), performatives.SASL_FRAME))
        if not granted:
            self.close(None)
        self._authenticated = granted
        self._awaits_header = True

    def _on_open(self, opened: Open) -> None:
        self._opened = True
        self.max_frame_bytes = max(min(opened.max_frame_size or MAX_FRAME_BYTES, MAX_FRAME_BYTES), 512)
        if opened.idle_time_out:
            self._heartbeat_s = opened.idle_time_out / 2_000
            self._ticker.cancel()
            self._tick()
        # Half of what is granted, as the specification advises: the other side's heartbeats may be late.
        self.send(0, performatives.open_(idle_time_out_ms=int(self._idle_timeout_s * 500)))

    def _on_performative(self, channel: int, performative: Performative, payload: bytes) -> None:
        match performative:
            case Begin() if channel not in self._sessions:
                self._sessions[channel] = Session(self, channel, self._router, performative)
            case End() if channel in self._sessions:
                self._sessions.pop(channel).close()
                self.send(channel, performatives.end())
            case Close():
                self.close(None)
            case _ if channel in self._sessions:
                self._sessions[channel].receive(performative, payload)
            case _:
                raise Malformed(f"{type(performative).__name__} on channel {channel}")

    @property
    def _tick_s(self) -> float:
        return min(self._idle_timeout_s, self._heartbeat_s or self._idle_timeout_s) / _TICKS_PER_TIMEOUT

    def _tick(self) -> None:
        now = self._loop.time()
        if now - self._heard_at > self._idle_timeout_s:
            self.close(Refused(IDLE, f"nothing was heard for {self._idle_timeout_s:g} s"))
            return
        self._ticker = self._loop.call_later(self._tick_s, self._tick)
        if self._heartbeat_s is not None and now - self._spoke_at > self._heartbeat_s / 2:
            self._write(EMPTY_FRAME)

    def _write(self, data: bytes) -> None:
        if self._closing:
            return
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing += data
        # At once, so that the transport can say in time that it has enough.
        if len(self._outgoing) > _WRITE_BUFFER_BYTES:
            self._flush()

    def _flush(self) -> None:
        if self._outgoing and not self._closing:
            self._spoke_at = self._loop.time()
            self._transport.write(self._outgoing)
        self._outgoing = bytearray()
