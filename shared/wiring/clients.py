"""Whatever holds connections open, and lets go of them at the end."""

import atexit
from functools import cache
from typing import TYPE_CHECKING

from shared.telemetry import Telemetry
from shared.wiring.environment import clock, settings

if TYPE_CHECKING:
    from aiohttp import ClientSession
    from azure.eventhub.aio import EventHubConsumerClient
    from azure.identity.aio import DefaultAzureCredential

    from shared.alerts.delivering import Post
    from shared.blobs import Blobs
    from shared.capture.hub import Hub
    from shared.capture.publishing.lanes import Lanes
    from shared.capture.publishing.publisher import CaptureOff, Publisher


@cache
def telemetry() -> Telemetry:
    """Return the way to Application Insights, or to nowhere when none is set."""
    made = Telemetry.to(settings().applicationinsights_connection_string, clock=clock())
    # What waits when an instance is taken away would be lost otherwise.
    atexit.register(made.close, 2.0)
    return made


@cache
def blobs() -> "Blobs":
    """Return storage."""
    from shared.blobs import Blobs, service

    ours = settings()
    credential = _credential() if ours.storage.startswith("https://") else None
    return Blobs(service(ours.storage, credential=credential, timeout_s=ours.storage_timeout_s))


@cache
def hub() -> "Hub":
    """Return the event hub, to be asked about itself."""
    return _connect()


def reader() -> "EventHubConsumerClient":
    """Return a new reader of the event hub, which its caller closes."""
    from shared.capture.reading_back import consumer

    ours = settings()
    return consumer(
        ours.events,
        namespace=ours.events_namespace,
        hub=ours.events_hub,
        credential=None if ours.events else _credential(),
    )


def keeper() -> "Publisher | CaptureOff":
    """Return what keeps records."""
    from shared.capture.publishing.publisher import CaptureOff

    return _publisher() if settings().capture else CaptureOff()


@cache
def draining_lanes() -> "Lanes":
    """Return the connections that the spool is emptied through."""
    from shared.capture.publishing.lanes import Lanes

    return Lanes(_connect)


def posting() -> "Post":
    """Return what posts to webhooks, and to trainers."""
    from shared.alerts.delivering import poster

    return poster(_webhook_session())


async def close() -> None:
    """Send what waits and let go of every connection that was opened, at the end of a process that ends by itself."""
    if _publisher.cache_info().currsize:
        await _publisher().close()
    if draining_lanes.cache_info().currsize:
        await draining_lanes().close()
    if telemetry.cache_info().currsize:
        telemetry().close(2.0)
    if _webhook_session.cache_info().currsize:
        await _webhook_session().close()
    if hub.cache_info().currsize:
        await hub().close()
    if blobs.cache_info().currsize:
        await blobs().close()
    if _credential.cache_info().currsize:
        await _credential().close()


@cache
def _publisher() -> "Publisher":
    from shared.capture.publishing.lanes import Lanes
    from shared.capture.publishing.publisher import Publisher
    from shared.capture.publishing.sending import Sending
    from shared.capture.publishing.spool import Spool

    ours = settings()
    sending = Sending(
        Lanes(_connect),
        Spool(blobs()),
        telemetry(),
        clock(),
        timeout_s=ours.capture_timeout_s,
        target=ours.events_hub,
    )
    return Publisher(sending, one_in=ours.capture_one_in, waits=ours.capture_ack == "hub")


@cache
def _webhook_session() -> "ClientSession":
    import aiohttp

    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=settings().webhook_timeout_s))


def _connect() -> "Hub":
    from shared.capture.hub import Hub, producer

    ours = settings()
    client = producer(
        ours.events,
        namespace=ours.events_namespace,
        hub=ours.events_hub,
        credential=None if ours.events else _credential(),
    )
    return Hub(client)


@cache
def _credential() -> "DefaultAzureCredential":
    from azure.identity.aio import DefaultAzureCredential

    return DefaultAzureCredential(managed_identity_client_id=settings().azure_client_id or None)
