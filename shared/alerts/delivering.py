"""Post what is due in the outbox, signed."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from shared.alerts import signatures
from shared.alerts.outbox import Entry, Outbox
from shared.clock import Clock
from shared.errors import WebhookFailed
from shared.telemetry import Telemetry
from shared.telemetry.operations import calling

if TYPE_CHECKING:
    import aiohttp

logger = logging.getLogger(__name__)

Post = Callable[[str, bytes, Mapping[str, str]], Awaitable[None]]
"""Posts a body with headers to an address, or raises WebhookFailed."""


@dataclass(slots=True)
class Delivering:
    """Delivers to ``webhooks``: their addresses by digest."""

    outbox: Outbox
    webhooks: Mapping[str, str]
    secret: str
    post: Post
    clock: Clock
    telemetry: Telemetry

    async def deliver(self) -> int:
        """Make one attempt at every entry that is due, and return how many were delivered.

        What failed is due again later. Webhooks are posted to side by side, so that one which fails, or does not answer
        at all, does not keep the others waiting; a webhook itself gets one message after the other.

        Raises:
            ExceptionGroup: storage failed; what was delivered may be delivered again, under the same id.
        """
        waiting: defaultdict[str, list[Entry]] = defaultdict(list)
        async for entry in self.outbox.due():
            waiting[entry.webhook].append(entry)
        async with asyncio.TaskGroup() as group:
            delivering = [group.create_task(self._deliver(entries)) for entries in waiting.values()]
        return sum(one.result() for one in delivering)

    async def _deliver(self, entries: list[Entry]) -> int:
        """Post the messages of one webhook."""
        delivered = 0
        for entry in entries:
            after = await self._attempt(entry)
            await self.outbox.keep(after)
            delivered += after.outcome == "delivered"
        return delivered

    async def _attempt(self, entry: Entry) -> Entry:
        url = self.webhooks.get(entry.webhook)
        if url is None:
            return entry.ended("given up", failure="the webhook is no longer among the settings", posted=0)
        body = msgspec.json.encode(entry.message)
        # A receiver compares the time stamp with its own clock, so it is the real one.
        timestamp = int(time.time())
        headers = {
            "content-type": "application/json",
            "webhook-id": entry.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signatures.sign(self.secret, id=entry.id, timestamp=timestamp, body=body),
        }
        about = entry.message.data
        reported = calling(
            self.telemetry,
            self.clock,
            "post news",
            kind="HTTP",
            target=entry.webhook,  # the digest: an address may be its own password
            model=about.model,
            version=about.version,
        )
        try:
            with reported:
                await self.post(url, body, headers)
        except WebhookFailed as failed:
            logger.warning("webhook failed", extra={"message_id": entry.id, "reason": failed.reason})
            if failed.is_final:
                return entry.ended("given up", failure=failed.reason)
            return entry.failed(failed.reason, at=self.clock.now())
        logger.info("news delivered", extra={"message_id": entry.id})
        return entry.ended("delivered")


def poster(session: "aiohttp.ClientSession") -> Post:
    """Return what posts over HTTP: any 2xx is a success, redirects are not followed, 410 means never again."""
    import aiohttp

    async def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
        try:
            async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
                if not 200 <= answer.status < 300:
                    raise WebhookFailed(f"answered {answer.status}", is_final=answer.status == 410)
        except (aiohttp.ClientError, TimeoutError) as error:
            raise WebhookFailed(f"{type(error).__name__}", is_final=False) from error

    return post
