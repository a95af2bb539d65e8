"""The two nodes that answer requests: ``$cbs`` takes tokens, ``$management`` describes hubs and partitions."""

from collections.abc import Callable
from typing import TypeAlias

from infra.local.eventhubs.entities import Hub, Namespace, Partition, milliseconds
from infra.local.eventhubs.errors import ARGUMENT, Refused
from infra.local.eventhubs.message import Request
from infra.local.eventhubs.sas import Grants, SharedKey
from infra.local.eventhubs.values import Array, Int, Timestamp, Value

# What is asked of a node, to the value of its answer; raises Refused.
Node: TypeAlias = Callable[[Request], Value]

# The service's answer to when the last event of a partition was enqueued that has never had one: year 1.
_NEVER_MS = -62_135_596_800_000


def token_node(key: SharedKey, grants: Grants) -> Node:
    """Return ``$cbs`` of one connection."""

    def put_token(request: Request) -> None:
        audience = request.properties.get("name")
        token = request.value
        if request.properties.get("operation") != "put-token" or not isinstance(audience, str):
            raise Refused(ARGUMENT, "$cbs takes put-token with a name")
        if not isinstance(token, str):
            raise Refused.unauthorized("InvalidSignature: the token is not a string")
        grants.add(audience, key.check(token, audience))

    return put_token


def management_node(namespace: Namespace, grants: Grants) -> Node:
    """Return ``$management`` of one connection."""

    def read(request: Request) -> Value:
        name = request.properties.get("name")
        if request.properties.get("operation") != "READ" or not isinstance(name, str):
            raise Refused(ARGUMENT, "$management takes READ with a name")
        grants.require(name, f"{name}/$management")
        hub = namespace.hub(name)
        kind = request.properties.get("type")
        match kind:
            case "com.microsoft:eventhub":
                return _describe_hub(hub)
            case "com.microsoft:partition":
                return _describe_partition(hub, hub.partition(str(request.properties.get("partition"))))
        raise Refused(ARGUMENT, f"$management knows no {kind!r}")

    return read


def _describe_hub(hub: Hub) -> Value:
    return {
        "name": hub.name,
        "type": "com.microsoft:eventhub",
        "created_at": Timestamp(milliseconds(hub.created_at)),
        "partition_count": Int(len(hub.partitions)),
        "partition_ids": Array(partition.id for partition in hub.partitions),
    }


def _describe_partition(hub: Hub, partition: Partition) -> Value:
    log = partition.log
    return {
        "name": hub.name,
        "type": "com.microsoft:partition",
        "partition": partition.id,
        "begin_sequence_number": log.begin,
        "last_enqueued_sequence_number": log.tail.sequence,
        "last_enqueued_offset": str(log.tail.offset),
        "last_enqueued_time_utc": Timestamp(log.tail.enqueued_ms if log.tail.sequence >= 0 else _NEVER_MS),
        "is_partition_empty": log.is_empty,
    }
