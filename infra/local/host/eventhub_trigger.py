"""The Event Hubs trigger: batches of a partition one after the other, a checkpoint after each.

As the real host does it: the checkpoint is written whether or not the function succeeded, a retry policy repeats the
same batch while its partition waits, and a partition that was lost, or a host that stops, writes no checkpoint.
"""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from azure.eventhub import CloseReason, EventData
from azure.eventhub.aio import EventHubConsumerClient, PartitionContext
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore
from azure.identity.aio import DefaultAzureCredential

from infra.local.host.bindings import namespace_setting
from infra.local.host.checkpoints import CheckedCheckpointStore
from infra.local.host.hostjson import EventHubsOptions
from infra.local.host.invoking import Invoker
from infra.local.host.payloads import events_data
from infra.local.host.triggers import EventHubTrigger

logger = logging.getLogger(__name__)

# Of an ownership's life: how often owners show that they live and look for partitions.
_BALANCING_SHARE = 5
# Of an ownership's life: how long a connection may be silent. One whose other side is gone would be waited on for ever.
_SILENT_LIVES = 2


@dataclass(slots=True)
class _Tenure:
    """From winning a partition to losing it: ``ended`` makes work that is still under way step back."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    batches: int = 0


@dataclass(slots=True, kw_only=True)
class EventHubListener:
    """Drives one Event Hubs function; ``ownership_s`` is how long a silent owner keeps a partition."""

    trigger: EventHubTrigger
    invoker: Invoker
    options: EventHubsOptions
    settings: Mapping[str, str]
    blobs: BlobCheckpointStore
    ownership_s: float
    _tenures: dict[str, _Tenure] = field(default_factory=dict)
    _under_way: set[asyncio.Task[None]] = field(default_factory=set)

    async def listen(self) -> None:
        """Receive until cancelled; then wait for functions that are under way, without a checkpoint."""
        client = self._client()
        try:
            await client.receive_batch(
                self._handle,
                max_batch_size=self.options.max_batch,
                prefetch=self.options.prefetch,
                starting_position=self.options.start,
                on_error=self._note_error,
                on_partition_initialize=self._begin_tenure,
                on_partition_close=self._end_tenure,
            )
        finally:
            for tenure in self._tenures.values():
                tenure.ended.set()
            await client.close()
            if self._under_way:
                await asyncio.wait(self._under_way)

    @property
    def partitions(self) -> list[str]:
        """The partitions that this instance receives from."""
        return sorted(name for name, tenure in self._tenures.items() if not tenure.ended.is_set())

    async def _handle(self, partition: PartitionContext, events: list[EventData]) -> None:
        tenure = self._tenures[partition.partition_id]
        # The function runs on when the partition is lost in the middle, as it does in Azure.
        work = asyncio.create_task(self._process(partition, events, tenure))
        self._under_way.add(work)
        work.add_done_callback(self._under_way.discard)
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            tenure.ended.set()
            raise

    async def _process(self, partition: PartitionContext, events: list[EventData], tenure: _Tenure) -> None:
        data = events_data(self.trigger.argument, events, partition, binary=self.trigger.binary)
        await self.invoker.invoke_with_retries(self.trigger.function, data, abandoned=tenure.ended)
        if tenure.ended.is_set():
            return
        tenure.batches += 1
        if tenure.batches % self.options.batches_per_checkpoint == 0:
            await partition.update_checkpoint(events[-1])

    async def _begin_tenure(self, partition: PartitionContext) -> None:
        self._tenures[partition.partition_id] = _Tenure()
        logger.info("partition won", extra=self._facts(partition))

    async def _end_tenure(self, partition: PartitionContext, reason: CloseReason) -> None:
        self._tenures[partition.partition_id].ended.set()
        logger.info("partition left", extra={**self._facts(partition), "reason": reason.name})

    async def _note_error(self, partition: PartitionContext | None, error: Exception) -> None:
        """Log what the client could not do; it tries again at the next balancing."""
        if partition is None:
            logger.warning("partitions not balanced", extra={"hub": self.trigger.hub, "error": str(error)})
            return
        self._tenures[partition.partition_id].ended.set()
        logger.warning("partition not received", extra={**self._facts(partition), "error": str(error)})

    def _facts(self, partition: PartitionContext) -> dict[str, str]:
        return {
            "function": self.trigger.function.name,
            "hub": partition.eventhub_name,
            "partition": partition.partition_id,
        }

    def _client(self) -> EventHubConsumerClient:
        async def properties_of(partition_id: str) -> Mapping[str, Any]:
            return await client.get_partition_properties(partition_id)

        client = self._connect(CheckedCheckpointStore(self.blobs, properties_of))
        return client

    def _connect(self, checkpoints: CheckedCheckpointStore) -> EventHubConsumerClient:
        balancing: dict[str, Any] = {
            "eventhub_name": self.trigger.hub,
            "consumer_group": self.trigger.consumer_group,
            "checkpoint_store": checkpoints,
            "load_balancing_interval": self.ownership_s / _BALANCING_SHARE,
            "partition_ownership_expiration_interval": self.ownership_s,
            "idle_timeout": _SILENT_LIVES * self.ownership_s,
        }
        connection = self.settings.get(self.trigger.connection)
        if connection is not None:
            return EventHubConsumerClient.from_connection_string(connection, **balancing)
        namespace = self.settings[namespace_setting(self.trigger.connection)]
        return EventHubConsumerClient(namespace, credential=DefaultAzureCredential(), **balancing)
