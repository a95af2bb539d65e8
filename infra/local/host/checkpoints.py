"""Where the Event Hubs trigger keeps ownership and checkpoints: the blobs of the real host, and a way past stale ones."""

from collections.abc import Iterable
from typing import Any

from azure.eventhub.aio import CheckpointStore
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore


class ForgivingCheckpointStore(CheckpointStore):
    """Passes everything on to ``blobs``, but hides the checkpoints of partitions that the hub refused.

    A recreated hub refuses positions that only the old one had; with the old checkpoint in sight the partition would
    be asked for the same position for ever. A new checkpoint ends that. (What the real host does is not documented.)
    """

    def __init__(self, blobs: BlobCheckpointStore) -> None:
        self._blobs = blobs
        self._refused: set[str] = set()

    def refuse(self, partition_id: str) -> None:
        """Let ``partition_id`` start where a partition without a checkpoint does."""
        self._refused.add(partition_id)

    async def list_checkpoints(
        self, fully_qualified_namespace: str, eventhub_name: str, consumer_group: str, **kwargs: object
    ) -> Iterable[dict[str, Any]]:
        listed = await self._blobs.list_checkpoints(fully_qualified_namespace, eventhub_name, consumer_group, **kwargs)
        return [checkpoint for checkpoint in listed if checkpoint["partition_id"] not in self._refused]

    async def update_checkpoint(self, checkpoint: dict[str, Any], **kwargs: object) -> None:
        await self._blobs.update_checkpoint(checkpoint, **kwargs)
        self._refused.discard(checkpoint["partition_id"])

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
