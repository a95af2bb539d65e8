"""The whole system, once for all tests that talk to the app from outside; and a client that does not dawdle."""

import asyncio
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from azure.eventhub._pyamqp.aio import _client_async
from azure.eventhub.aio import _client_base_async
from azure.eventhub.aio._eventprocessor import event_processor
from azure.eventhub.aio._transport import _pyamqp_transport_async

from infra.local.system import System
from shared.blobs import Blobs, service
from shared.clock import Clock
from shared.registry.manifest import CHAMPION
from shared.registry.store import Registry
from shared.schema import FeatureType, Schema
from tests.integration.models import registered

_PAUSES_S = {0.05: 0.002, 1: 0.05}
"""How long the client rests before it looks again whether it is connected, or its tasks have ended; and here."""


@pytest.fixture(scope="session", autouse=True)
def _hurried_client() -> Iterator[None]:
    """Shorten the rests of the Event Hubs client in this process, which were most of the time of its tests."""

    async def sleep(seconds: float, **options: Any) -> None:  # noqa: ANN401 - passed on
        await asyncio.sleep(_PAUSES_S.get(seconds, seconds), **options)

    hurried = SimpleNamespace(**{**vars(asyncio), "sleep": sleep})
    with pytest.MonkeyPatch.context() as patch:
        for module in (_client_async, _client_base_async, _pyamqp_transport_async, event_processor):
            patch.setattr(module, "asyncio", hurried)
        yield


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A running system with three models.

    ``flights`` answers; of ``strict`` the carrier must be a known one, and ``idle`` has no champion.
    """
    with System.in_folder(tmp_path_factory.mktemp("system")) as running:
        asyncio.run(_register(running.settings["STORAGE"]))
        yield running


async def _register(storage: str) -> None:
    blobs = Blobs(service(storage))
    registry = Registry(blobs, Clock.real())
    one = registered("flights", "1")
    strict = tuple(
        msgspec.structs.replace(feature, unseen="reject") if feature.type is FeatureType.CATEGORY else feature
        for feature in one.manifest.schema.features
    )
    schema = Schema(features=strict, outputs=one.manifest.schema.outputs)
    for model, own in (("flights", one.manifest.schema), ("strict", schema), ("idle", schema)):
        await registry.register(msgspec.structs.replace(one.manifest, model=model, schema=own), files=one.files)
    for model in ("flights", "strict"):
        await registry.promote(model, "1", alias=CHAMPION)
    await blobs.close()
