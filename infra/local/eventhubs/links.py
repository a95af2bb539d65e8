"""The ends of links: messages that come in, messages that go out within the credit they were given."""

from collections.abc import Callable
from typing import Final, Protocol

from infra.local.eventhubs import performatives
from infra.local.eventhubs.errors import DECODE_ERROR, TOO_LARGE, Malformed, Refused
from infra.local.eventhubs.performatives import MAX_MESSAGE_BYTES, Attach, Flow, Transfer

_CREDIT: Final = 1_000
_WRAP: Final = 1 << 32


class Channel(Protocol):
    """What links need of their session."""

    @property
    def is_open(self) -> bool:
        """Whether the other side takes a transfer now."""

    def send(self, body: bytes) -> None:
        """Send the body of a frame."""

    def send_message(self, handle: int, payload: bytes, *, settled: bool) -> None:
        """Send a message in as many transfers as it needs."""

    def send_flow(self, handle: int, delivery_count: int, credit: int, *, drain: bool = False) -> None:
        """Tell the state of a link."""


class Link(Protocol):
    """What a session needs of its links."""

    def on_attached(self) -> None:
        """Begin, now that the other side knows of the link."""

    def on_transfer(self, transfer: Transfer, payload: bytes, /) -> None:
        """Take a part of a message.

        Raises:
            Refused: the link is to be detached for it.
        """

    def on_flow(self, flow: Flow) -> None:
        """Take notice of the other side's credit."""

    def wake(self) -> None:
        """Go on sending, if there is anything to send."""

    def on_detached(self) -> None:
        """Let go of everything."""


class Intake:
    """The receiving end: puts transfers together, hands over the message, settles it.

    ``deliver`` gets message format and payload. When it returns, the message is kept and is accepted.
    """

    def __init__(self, channel: Channel, attach: Attach, deliver: Callable[[int, bytes], None]) -> None:
        self._channel = channel
        self._handle = attach.handle
        self._deliver = deliver
        self._first: Transfer | None = None
        self._parts = bytearray()
        self._deliveries = attach.initial_delivery_count or 0
        self._credit = 0

    def on_attached(self) -> None:
        self._give_credit()

    def on_transfer(self, transfer: Transfer, payload: bytes) -> None:
        first = self._first = self._first or transfer
        if len(self._parts) <= MAX_MESSAGE_BYTES:
            self._parts += payload
        if transfer.more:
            return
        message, self._parts, self._first = bytes(self._parts), bytearray(), None
        self._deliveries = (self._deliveries + 1) % _WRAP
        self._credit -= 1
        if not transfer.aborted:
            self._settle(first, message)
        if self._credit <= _CREDIT // 2:
            self._give_credit()

    def on_flow(self, flow: Flow) -> None:
        if flow.echo:
            self._give_credit()

    def wake(self) -> None:
        """Nothing is ever sent from here."""

    def on_detached(self) -> None:
        """Nothing is held; a message in parts was never accepted."""

    def _settle(self, first: Transfer, message: bytes) -> None:
        if first.delivery_id is None:
            raise Malformed("a message without a delivery id")
        try:
            _check_size(message)
            self._deliver(first.message_format or 0, message)
        except Refused as refused:
            outcome = performatives.rejected(first.delivery_id, refused)
        except Malformed as error:
            outcome = performatives.rejected(first.delivery_id, Refused(DECODE_ERROR, str(error)))
        else:
            outcome = performatives.accepted(first.delivery_id)
        if not first.settled:
            self._channel.send(outcome)

    def _give_credit(self) -> None:
        self._credit = _CREDIT
        self._channel.send_flow(self._handle, self._deliveries, self._credit)


class Outlet:
    """The sending end: counts credit and deliveries."""

    def __init__(self, channel: Channel, attach: Attach) -> None:
        self._channel = channel
        self._handle = attach.handle
        # A receiver that does not ask for unsettled messages (mode 0) has nothing to settle.
        self._settled = attach.snd_settle_mode != 0
        self._deliveries = 0
        self._credit = 0
        self._drains = False

    @property
    def is_open(self) -> bool:
        """Whether a message may be sent now."""
        return self._credit > 0 and self._channel.is_open

    def send(self, payload: bytes) -> None:
        """Send a message, for which there must be credit."""
        self._credit -= 1
        self._deliveries = (self._deliveries + 1) % _WRAP
        self._channel.send_message(self._handle, payload, settled=self._settled)

    def on_flow(self, flow: Flow) -> None:
        if flow.link_credit is not None:
            # Before it has seen our attach, the other side knows no delivery count.
            self._credit = room(flow.link_credit, flow.delivery_count or 0, self._deliveries)
            self._drains = bool(flow.drain)
        if flow.echo:
            self._tell()

    def nothing_left(self) -> None:
        """Give back the credit that is left, if the other side asked for that."""
        if self._drains and self._credit:
            self._deliveries = (self._deliveries + self._credit) % _WRAP
            self._credit = 0
            self._tell()

    def _tell(self) -> None:
        self._channel.send_flow(self._handle, self._deliveries, self._credit, drain=self._drains)


def room(allowed: int, seen: int, position: int) -> int:
    """Return how many more may follow ``position`` when the other side, at ``seen``, allowed so many; serial numbers.

    >>> room(10, 4_294_967_295, 2)
    7
    """
    return max(allowed - (position - seen) % _WRAP, 0)


def _check_size(message: bytes) -> None:
    if len(message) > MAX_MESSAGE_BYTES:
        raise Refused(TOO_LARGE, f"The received message exceeds the limit of {MAX_MESSAGE_BYTES} bytes.")
