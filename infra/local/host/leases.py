"""One instance at a time, through a lease on a blob."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError
from azure.storage.blob.aio import BlobClient, BlobLeaseClient

logger = logging.getLogger(__name__)

_POLL_S: Final = 2.0


@asynccontextmanager
async def held(blob: BlobClient, *, duration_s: int) -> AsyncIterator[asyncio.Event]:
    """Wait until the lease on ``blob`` is ours, keep it while inside, release it on the way out.

    Yields an event that is set once the lease is lost, because renewing failed for as long as it lasts. A killed
    process keeps others out for up to ``duration_s`` real seconds (15 to 60).
    """
    lease = await _acquire(blob, duration_s)
    lost = asyncio.Event()
    renewing = asyncio.create_task(_renew(lease, duration_s, lost))
    try:
        yield lost
    finally:
        renewing.cancel()
        # A lease that cannot be released runs out by itself.
        with suppress(AzureError):
            await lease.release()


async def _acquire(blob: BlobClient, duration_s: int) -> BlobLeaseClient:
    while True:
        try:
            with suppress(ResourceExistsError):
                await blob.upload_blob(b"")
            return await blob.acquire_lease(lease_duration=duration_s)
        except ResourceExistsError:
            pass  # somebody else holds it
        except AzureError as error:
            logger.warning("lease not reached", extra={"blob": blob.blob_name, "error": str(error)})
        await asyncio.sleep(_POLL_S)


async def _renew(lease: BlobLeaseClient, duration_s: int, lost: asyncio.Event) -> None:
    renewed = time.monotonic()
    while time.monotonic() - renewed < duration_s:
        await asyncio.sleep(duration_s / 4)
        began = time.monotonic()
        try:
            await lease.renew()
        except HttpResponseError as error:
            logger.warning("lease not renewed", extra={"error": str(error)})
            if error.status_code == 409:
                break
        except AzureError as error:
            logger.warning("lease not renewed", extra={"error": str(error)})
        else:
            renewed = began
    lost.set()
