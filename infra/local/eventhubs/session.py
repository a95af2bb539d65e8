"""A session: links by handle, and the window of transfers that the other side takes."""

from functools import partial
from typing import Protocol

from infra.local.eventhubs import performatives
from infra.local.eventhubs.errors import Malformed, Refused
from infra.local.eventhubs.links import room
from infra.local.eventhubs.performatives import Attach, Begin, Detach, Flow, Performative, Transfer
from infra.local.eventhubs.routing import Granted, Router, address
from infra.local.eventhubs.subscription import Replies

_WRAP = 1 << 32
# The most that a transfer takes of a frame besides its payload.
_TRANSFER_BYTES = 64


class Wire(Protocol):
    """What a session needs of its connection."""

    @property
    def max_frame_bytes(self) -> int:
        """The longest frame the other side takes."""

    @property
    def is_writable(self) -> bool:
        """Whether little enough is waiting to be sent."""

    def send(self, channel: int, body: bytes) -> None:
        """Send a frame."""


class Session:
    """One session. Both sides use the same numbers for a channel and for a handle, which is allowed and simple."""

    def __init__(self, wire: Wire, channel: int, router: Router, begin: Begin) -> None:
        self._wire = wire
        self._channel = channel
        self._router = router
        self._links: dict[int, Granted] = {}
        # Handles detached by us: what was under way for them is ignored until the other side has answered.
        self._detached: set[int] = set()
        self._replies: dict[str, Replies] = {}
        self._next_incoming = begin.next_outgoing_id
        self._next_outgoing = 0
        self._window = begin.incoming_window
        wire.send(channel, performatives.begin(channel))

    @property
    def is_open(self) -> bool:
        """Whether the other side takes a transfer now."""
        return self._window > 0 and self._wire.is_writable

    def send(self, body: bytes) -> None:
        self._wire.send(self._channel, body)

    def send_message(self, handle: int, payload: bytes, *, settled: bool) -> None:
        """Send a message in as many transfers as it needs."""
        delivery_id = self._next_outgoing
        room = self._wire.max_frame_bytes - _TRANSFER_BYTES
        for start in range(0, len(payload), room):
            part = payload[start : start + room]
            more = start + room < len(payload)
            self._next_outgoing = (self._next_outgoing + 1) % _WRAP
            self._window -= 1
            self.send(performatives.transfer(handle, delivery_id, part, settled=settled, more=more))

    def send_flow(self, handle: int, delivery_count: int, credit: int, *, drain: bool = False) -> None:
        self._flow((handle, delivery_count, credit), drain=drain)

    def wake(self) -> None:
        """Let every link go on sending."""
        for granted in tuple(self._links.values()):
            granted.link.wake()

    def receive(self, performative: Performative, payload: bytes) -> None:
        """Take a frame of this session.

        Raises:
            Malformed: it makes no sense here.
        """
        match performative:
            case Transfer():
                self._transfer(performative, payload)
            case Flow():
                self._on_flow(performative)
            case Attach():
                self._attach(performative)
            case Detach():
                self._on_detach(performative)
            case performatives.Disposition():
                pass
            case _:
                raise Malformed(f"{type(performative).__name__} within a session")

    def close(self) -> None:
        """Let go of all links."""
        for handle in tuple(self._links):
            self._release(handle)

    def _transfer(self, transfer: Transfer, payload: bytes) -> None:
        self._next_incoming = (self._next_incoming + 1) % _WRAP
        if transfer.handle in self._detached:
            return
        try:
            self._link(transfer.handle).link.on_transfer(transfer, payload)
        except Refused as refused:
            self._detach(transfer.handle, refused)

    def _on_flow(self, flow: Flow) -> None:
        self._window = room(flow.incoming_window, flow.next_incoming_id or 0, self._next_outgoing)
        if flow.handle is None:
            self.wake()
            if flow.echo:
                self._flow(None)
        elif flow.handle not in self._detached:
            self._link(flow.handle).link.on_flow(flow)

    def _attach(self, attach: Attach) -> None:
        if attach.handle in self._links:
            raise Malformed(f"handle {attach.handle} is in use")
        self._detached.discard(attach.handle)
        source, target = address(attach.source), address(attach.target)
        try:
            detach = partial(self._detach, attach.handle)
            granted = self._router.link(self, attach, replies=self._replies, detach=detach)
        except Refused as refused:
            self.send(performatives.attach(attach, source=source, target=target, granted=False))
            self._detach(attach.handle, refused)
            return
        self._links[attach.handle] = granted
        self.send(performatives.attach(attach, source=source, target=target, granted=True))
        granted.link.on_attached()

    def _on_detach(self, detach: Detach) -> None:
        if detach.handle in self._detached:
            self._detached.discard(detach.handle)
            return
        self._link(detach.handle)
        self._release(detach.handle)
        self.send(performatives.detach(detach.handle, None, closed=bool(detach.closed)))

    def _detach(self, handle: int, reason: Refused) -> None:
        self._release(handle)
        self._detached.add(handle)
        self.send(performatives.detach(handle, reason, closed=True))

    def _release(self, handle: int) -> None:
        granted = self._links.pop(handle, None)
        if granted is not None:
            granted.link.on_detached()
            granted.release()

    def _link(self, handle: int) -> Granted:
        if handle not in self._links:
            raise Malformed(f"no link has the handle {handle}")
        return self._links[handle]

    def _flow(self, link: tuple[int, int, int] | None, *, drain: bool = False) -> None:
        self.send(performatives.flow(self._next_incoming, self._next_outgoing, link, drain=drain))
