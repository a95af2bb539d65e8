"""Where the Event Hubs trigger keeps ownership and checkpoints: the blobs of the real host, and a way past stale ones."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from azure.eventhub.aio import CheckpointStore
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore

logger = logging.getLogger(__name__)

Properties = Mapping[str, Any]


class CheckedCheckpointStore(CheckpointStore):
    """Passes everything on to ``blobs``, but hides checkpoints that lie beyond the last event of their partition.

    ``properties_of`` asks the hub about a partition. A recreated hub refuses positions that only the old one had, and
    azure-eventhub 5.15 then asks for the same position for ever, without telling anybody. A partition whose
    checkpoint is hidden starts where one without a checkpoint does. (What the real host does is not documented.)
    """

    def __init__(self, blobs: BlobCheckpointStore, properties_of: Callable[[str], Awaitable[Properties]]) -> None:
        self._blobs = blobs
        self._properties_of = properties_of

    async def list_checkpoints(
        self, fully_qualified_namespace: str, eventhub_name: str, consumer_group: str, **kwargs: object
    ) -> Iterable[dict[str, Any]]:
        listed = await self._blobs.list_checkpoints(fully_qualified_namespace, eventhub_name, consumer_group, **kwargs)
        checkpoints: list[dict[str, Any]] = list(listed)
        hub = await asyncio.gather(*(self._properties_of(each["partition_id"]) for each in checkpoints))
        kept = []
        for checkpoint, properties in zip(checkpoints, hub, strict=True):
            if lies_beyond(checkpoint, properties):
                facts = {"hub": eventhub_name, "partition": checkpoint["partition_id"]}
                logger.warning("checkpoint is of another hub of that name: starting over", extra=facts)
            else:
                kept.append(checkpoint)
        return kept

    async def update_checkpoint(self, checkpoint: dict[str, Any], **kwargs: object) -> None:
        await self._blobs.update_checkpoint(checkpoint, **kwargs)

    async def list_ownership(
        self, fully_qualified_namespace: str, eventhub_name: str, consumer_group: str, **kwargs: object
    ) -> Iterable[dict[str, Any]]:
        owned: Iterable[dict[str, Any]] = await self._blobs.list_ownership(
            fully_qualified_namespace, eventhub_name, consumer_group, **kwargs
        )
        return owned

    async def claim_ownership(
        self, ownership_list: Iterable[dict[str, Any]], **kwargs: object
    ) -> Iterable[dict[str, Any]]:
        claimed: Iterable[dict[str, Any]] = await self._blobs.claim_ownership(ownership_list, **kwargs)
        return claimed


def lies_beyond(checkpoint: Properties, properties: Properties) -> bool:
    """Whether a checkpoint names an event that a partition with these ``properties`` never had."""
    newer = int(checkpoint["sequence_number"]) > int(properties["last_enqueued_sequence_number"])
    return newer or _number(checkpoint["offset"]) > _number(properties["last_enqueued_offset"])


def _number(offset: str) -> int:
    """Return an offset to compare; those of geo-replicated namespaces are no numbers and count as the first."""
    return int(offset) if offset.isdecimal() else -1
