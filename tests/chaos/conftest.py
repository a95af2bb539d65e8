"""Storage and hubs behind proxies."""

import random
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from infra.local import azurite as storage_emulator
from shared.blobs import Blobs, service
from tests.chaos.proxies.storage import StorageProxy


@pytest.fixture
async def storage_proxy(azurite: str) -> AsyncIterator[StorageProxy]:
    """A proxy before the Azurite of all, in which nothing fails yet."""
    endpoint = dict(part.split("=", 1) for part in azurite.split(";") if part)["BlobEndpoint"]
    port = urlsplit(endpoint).port
    assert port is not None
    async with StorageProxy(to=port, random=random.Random(7)) as proxy:
        yield proxy


@pytest.fixture
async def blobs(storage_proxy: StorageProxy) -> AsyncIterator[Blobs]:
    """Storage behind the proxy, as the app reaches it."""
    made = Blobs(service(storage_emulator.connection_string(storage_proxy.port)))
    await made.create_containers()
    yield made
    await made.close()
