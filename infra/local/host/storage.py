"""The blobs that the host keeps for itself, where the real host keeps them."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore
from azure.storage.blob.aio import BlobClient, BlobServiceClient, LinearRetry

from infra.local.host.errors import CannotStart

_OWN: Final = "azure-webjobs-hosts"
_EVENT_HUBS: Final = "azure-webjobs-eventhub"


@dataclass(frozen=True, slots=True)
class TimerBlobs:
    """What a timer needs: a blob to lease, and one for its status."""

    lock: BlobClient
    status: BlobClient


class HostStorage:
    """An open client of the storage account in ``AzureWebJobsStorage``, with the host's containers in it."""

    def __init__(self, connection: str) -> None:
        self._connection = connection
        self._open_stores: list[BlobCheckpointStore] = []
        try:
            self._service = BlobServiceClient.from_connection_string(connection, retry_policy=_retries())
        except ValueError as error:
            raise CannotStart(f"AzureWebJobsStorage cannot be read: {error}") from error

    async def __aenter__(self) -> Self:
        try:
            for name in (_OWN, _EVENT_HUBS):
                with suppress(ResourceExistsError):
                    await self._service.create_container(name)
        except AzureError as error:
            await self._service.close()
            raise CannotStart(f"AzureWebJobsStorage cannot be reached: {error}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        for store in self._open_stores:
            await store.close()
        await self._service.close()

    def timer_blobs(self, host_id: str, function: str) -> TimerBlobs:
        """Return the blobs of one timer, shared by all instances with one host id."""
        own = self._service.get_container_client(_OWN)
        return TimerBlobs(
            lock=own.get_blob_client(f"locks/{host_id}/{function}.Listener"),
            status=own.get_blob_client(f"timers/{host_id}/{function}/status"),
        )

    def checkpoints(self) -> BlobCheckpointStore:
        """Return a store of checkpoints and ownership for one Event Hubs client."""
        store = BlobCheckpointStore.from_connection_string(self._connection, _EVENT_HUBS, retry_policy=_retries())
        self._open_stores.append(store)
        return store


def _retries() -> LinearRetry:
    # The client's own policy first waits 15 seconds: longer than an ownership lasts.
    return LinearRetry(backoff=1, retry_total=3)
