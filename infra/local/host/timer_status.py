"""The status of a timer, stored after each run."""

import json
from datetime import datetime

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobClient

from infra.local.host.payloads import NEVER, status_document
from infra.local.host.schedules import TimerStatus


async def load(blob: BlobClient) -> TimerStatus | None:
    """Return what was stored last, or None for a timer that was never seen."""
    try:
        raw = await (await blob.download_blob()).readall()
    except ResourceNotFoundError:
        return None
    document: dict[str, str] = json.loads(raw)
    last, following, updated = (datetime.fromisoformat(document[name]) for name in ("Last", "Next", "LastUpdated"))
    return TimerStatus(last=None if last == NEVER else last, next=following, updated=updated)


async def save(blob: BlobClient, status: TimerStatus) -> None:
    """Store a status; whoever holds the timer's lease is the only writer."""
    await blob.upload_blob(json.dumps(status_document(status)), overwrite=True)
