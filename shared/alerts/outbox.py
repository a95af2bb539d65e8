"""News that waits to be delivered, one document for each webhook, until it is or cannot be."""

import contextlib
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec

from shared import documents
from shared.alerts.lifecycle import Alert, News
from shared.alerts.messages import DecisionChange, DecisionChanged, Message, of_alert, type_of
from shared.blobs import Blobs
from shared.clock import Clock
from shared.documents import Document
from shared.errors import BlobChanged, BlobMissing

RETRIES_AFTER: Final = tuple(
    timedelta(minutes=minutes) for minutes in (1, 5, 30, 2 * 60, 5 * 60, 10 * 60, 14 * 60, 20 * 60, 24 * 60)
)
"""How long after each failed attempt the next one is due; after the last there is none (Standard Webhooks)."""

DONE: Final = "monitoring/outbox/done/"
"""What was delivered, or given up, is called ``<id>-<type>-<webhook>.json`` there; only the id may have hyphens."""

_PENDING: Final = "monitoring/outbox/pending/"


class Entry(Document, frozen=True, kw_only=True):
    """One message for one webhook.

    Attributes:
        id: the message's: the same at every attempt and for every webhook, so that receivers can tell a repetition.
        webhook: the digest of the webhook's address, which itself is a secret and not stored.
        attempts: how often it was posted.
        due_at: when it is to be posted next.
        failure: why the last attempt failed.
        outcome: ``delivered`` or ``given up``, once it is.
    """

    id: str
    webhook: str
    message: Message
    attempts: int = 0
    due_at: datetime
    failure: str | None = None
    outcome: str | None = None

    def failed(self, reason: str, *, at: datetime) -> "Entry":
        """Return it after a failed attempt: due again, or given up after the last."""
        if self.attempts >= len(RETRIES_AFTER):
            return self.ended("given up", failure=reason)
        due_at = at + RETRIES_AFTER[self.attempts]
        return msgspec.structs.replace(self, attempts=self.attempts + 1, due_at=due_at, failure=reason)

    def ended(self, outcome: str, *, failure: str | None = None, posted: int = 1) -> "Entry":
        """Return it as it stays, after a last attempt or without one."""
        return msgspec.structs.replace(self, attempts=self.attempts + posted, outcome=outcome, failure=failure)


@dataclass(slots=True)
class Outbox:
    """The outbox of all webhooks; ``webhooks`` are their digests."""

    blobs: Blobs
    clock: Clock
    webhooks: tuple[str, ...]

    async def put(self, alert: Alert, news: News) -> None:
        """Have news of an alert delivered to every webhook; what is in the outbox, or was, stays as it is."""
        await self._put(of_alert(alert, news, at=self.clock.now()))

    async def put_decision(self, change: DecisionChange) -> None:
        """Have a changed decision delivered to every webhook, likewise."""
        await self._put(DecisionChanged(timestamp=self.clock.now(), data=change))

    async def _put(self, message: Message) -> None:
        for webhook in self.webhooks:
            entry = Entry(id=_message_id(message), webhook=webhook, message=message, due_at=message.timestamp)
            if await documents.find(self.blobs, f"{DONE}{_name(entry)}", Entry) is None:
                with contextlib.suppress(BlobChanged):
                    await self.blobs.create(f"{_PENDING}{_name(entry)}", documents.encode(entry))

    async def due(self) -> AsyncIterator[Entry]:
        """Yield the entries that are to be posted by now."""
        now = self.clock.now()
        async for stored in self.blobs.under(_PENDING):
            entry = await documents.find(self.blobs, stored.path, Entry)
            if entry is not None and entry.due_at <= now:
                yield entry

    async def keep(self, entry: Entry) -> None:
        """Store what became of an entry; one that has ended leaves the pending ones."""
        if entry.outcome is None:
            await documents.swap(self.blobs, f"{_PENDING}{_name(entry)}", Entry, lambda _: entry)
            return
        await documents.swap(self.blobs, f"{DONE}{_name(entry)}", Entry, lambda _: entry)
        with contextlib.suppress(BlobMissing):
            await self.blobs.delete(f"{_PENDING}{_name(entry)}")


def webhook_digest(url: str) -> str:
    """Return the name under which a webhook is known in storage."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def _message_id(message: Message) -> str:
    """Return an id that names the news; one in words may not be, since model names have full stops."""
    return f"msg_{hashlib.sha256(f'{message.data.id} {type_of(message)}'.encode()).hexdigest()[:32]}"


def _name(entry: Entry) -> str:
    return f"{entry.message.data.id}-{type_of(entry.message)}-{entry.webhook}.json"
