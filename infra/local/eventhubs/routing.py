"""From an attach to the link it asks for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from infra.local.eventhubs.entities import Address, Namespace
from infra.local.eventhubs.errors import NOT_ALLOWED, Refused
from infra.local.eventhubs.links import Channel, Intake, Link, Outlet
from infra.local.eventhubs.management import Node, management_node, token_node
from infra.local.eventhubs.message import BATCH_FORMAT, Message, Request, unbatch
from infra.local.eventhubs.performatives import Attach
from infra.local.eventhubs.positions import starting_sequence
from infra.local.eventhubs.sas import Grants, SharedKey, path_of
from infra.local.eventhubs.subscription import Replies, Subscription
from infra.local.eventhubs.values import Described

_CBS: Final = "$cbs"
_MANAGEMENT: Final = "$management"
_SELECTOR: Final = "apache.org:selector-filter:string"
_EPOCH: Final = "com.microsoft:epoch"


@dataclass(frozen=True, slots=True)
class Granted:
    """A link that may be attached, and what is to be done when it has gone."""

    link: Link
    release: Callable[[], None] = field(default=lambda: None)


class Router:
    """Knows what one connection may attach to."""

    def __init__(self, namespace: Namespace, key: SharedKey) -> None:
        self._key = key
        self._namespace = namespace
        self._grants = Grants()
        self._nodes: dict[str, Node] = {
            _CBS: token_node(key, self._grants),
            _MANAGEMENT: management_node(namespace, self._grants),
        }

    def log_in(self, response: bytes) -> bool:
        """Grant everything to whoever says the key's name and the key, as SASL PLAIN has it."""
        granted = response.split(b"\x00")[1:] == [self._key.name.encode(), self._key.key.encode()]
        if granted:
            self._grants.add("", float("inf"))
        return granted

    def link(
        self, channel: Channel, attach: Attach, *, replies: dict[str, Replies], detach: Callable[[Refused], None]
    ) -> Granted:
        """Return the link that ``attach`` asks for.

        Args:
            channel: the session.
            attach: what the other side asks for.
            replies: the session's links from nodes, by node; one is put there if this is one.
            detach: ends the link.

        Raises:
            Refused: there is no such entity, or this connection may not use it.
        """
        path = path_of(address(attach.source if attach.is_receiver else attach.target) or "")
        if path == _CBS or path.endswith(_MANAGEMENT):
            node = _CBS if path == _CBS else _MANAGEMENT
            if attach.is_receiver:
                replies[node] = Replies(Outlet(channel, attach))
                return Granted(replies[node])
            return Granted(Intake(channel, attach, _answering(self._nodes[node], node, replies)))
        self._grants.require(path)
        entity = Address.parse(path)
        if attach.is_receiver:
            return self._subscription(channel, attach, entity, detach=detach)
        return Granted(Intake(channel, attach, self._publishing(entity)))

    def _subscription(
        self, channel: Channel, attach: Attach, entity: Address, *, detach: Callable[[Refused], None]
    ) -> Granted:
        hub = self._namespace.hub(entity.hub)
        if entity.group is None or entity.partition is None:
            raise Refused(NOT_ALLOWED, "a receiver names a consumer group and a partition")
        partition = hub.partition(entity.partition)
        receivers = hub.receivers(entity.group, partition)
        sequence = starting_sequence(_selector(attach.source), partition.log)
        level = (attach.properties or {}).get(_EPOCH)
        receivers.admit(detach, level if isinstance(level, int) else None)
        subscription = Subscription(Outlet(channel, attach), partition, sequence)
        return Granted(subscription, lambda: receivers.leave(detach))

    def _publishing(self, entity: Address) -> Callable[[int, bytes], None]:
        hub = self._namespace.hub(entity.hub)
        if entity.group is not None:
            raise Refused(NOT_ALLOWED, "a sender names no consumer group")
        fixed = hub.partition(entity.partition) if entity.partition is not None else None

        def publish(message_format: int, payload: bytes) -> None:
            messages = unbatch(payload) if message_format == BATCH_FORMAT else [Message.parse(payload)]
            if messages:
                (fixed or hub.partition_for(messages[0].partition_key)).append(messages)

        return publish


def address(terminus: object) -> str | None:
    """Return the address of a source or a target."""
    fields = terminus.value if isinstance(terminus, Described) else None
    found = fields[0] if isinstance(fields, list) and fields else None
    return found if isinstance(found, str) else None


def _selector(source: Described) -> str | None:
    filters = source.value[7] if len(source.value) > 7 else None
    described = filters.get(_SELECTOR) if isinstance(filters, dict) else None
    selector = described.value if isinstance(described, Described) else described
    return selector if isinstance(selector, str) else None


def _answering(node: Node, name: str, replies: dict[str, Replies]) -> Callable[[int, bytes], None]:
    def answer(_: int, payload: bytes) -> None:
        request = Request.parse(payload)
        try:
            reply = request.answer(200, "OK", node(request))
        except Refused as refused:
            reply = request.answer(refused.status_code, refused.description)
        if name in replies:
            replies[name].put(reply)

    return answer
