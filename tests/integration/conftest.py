"""The whole system, once for all tests that talk to the app from outside."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from infra.local.system import System
from shared.blobs import Blobs, service
from shared.clock import Clock
from shared.registry.manifest import CHAMPION
from shared.registry.store import Registry
from shared.schema import FeatureType, Schema
from tests.integration.models import registered


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
