"""What is wanted of actuals is known while storage is away, and soon after something else is."""

import asyncio
from dataclasses import dataclass

import msgspec
import pytest

from shared.blobs import Blobs
from shared.capture.actual_values import Numbers, Wanted
from shared.capture.wanting import Wanting
from shared.clock import Clock
from shared.errors import StorageUnavailable, UnknownModel
from shared.registry.store import Registry
from shared.schema import FeatureType, Output, Schema
from tests.integration.capture.delivery import manifest

NUMBERS = Wanted(Numbers.ANY, texts=False)
BOTH = Wanted(Numbers.ANY, texts=True)


class Watched(Blobs):
    """Storage whose listings are counted, and which does not answer while it ``is_away``."""

    listings = 0
    is_away = False

    async def folders(self, prefix: str) -> list[str]:
        self.listings += 1
        if self.is_away:
            raise StorageUnavailable(prefix, reason="it is down")
        return await super().folders(prefix)


class Silent(Watched):
    """Storage that, while it is away, does not even say so."""

    async def folders(self, prefix: str) -> list[str]:
        if self.is_away:
            await asyncio.get_running_loop().create_future()
        return await super().folders(prefix)


@dataclass
class Seconds:
    """A clock for durations, to be set."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def storage(storage: Blobs, clock: Clock) -> Watched:
    """Storage that has version 1 of the model ``flights``, which answers with numbers."""
    await Registry(storage, clock).register(manifest("flights", "1"), files={})
    return Watched(storage._service)


async def register_another(storage: Blobs, clock: Clock) -> None:
    """Register a version that answers with texts."""
    known = manifest("flights", "2")
    outputs = (Output(name="label", type=FeatureType.STRING),)
    schema = Schema(features=known.schema.features, outputs=outputs)
    await Registry(storage, clock).register(msgspec.structs.replace(known, schema=schema), files={})


async def test_versions_are_listed_once_for_all_requests_of_five_seconds(storage: Watched, clock: Clock) -> None:
    """A listing for each would cost more than the actuals."""
    seconds = Seconds()
    wanting = Wanting(Registry(storage, clock), seconds)

    at_once = await asyncio.gather(*(wanting.of("flights") for _ in range(5)))
    seconds.now = 4.9
    later = await wanting.of("flights")

    assert {*at_once, later} == {NUMBERS}
    assert storage.listings == 1


async def test_what_a_new_version_answers_with_is_wanted_after_five_seconds(storage: Watched, clock: Clock) -> None:
    seconds = Seconds()
    wanting = Wanting(Registry(storage, clock), seconds)
    before = await wanting.of("flights")
    await register_another(storage, clock)
    seconds.now = 5.0

    assert (before, await wanting.of("flights")) == (NUMBERS, BOTH)


@pytest.mark.parametrize("kind", [Watched, Silent])
async def test_while_storage_is_away_what_was_wanted_last_is(
    storage: Watched, clock: Clock, monkeypatch: pytest.MonkeyPatch, kind: type[Watched]
) -> None:
    """And nobody who asks within the next five seconds waits for it again."""
    monkeypatch.setattr("shared.capture.wanting._PATIENCE_S", 0.01)
    seconds = Seconds()
    ours = kind(storage._service)
    wanting = Wanting(Registry(ours, clock), seconds)
    await wanting.of("flights")
    ours.is_away = True
    seconds.now = 5.0
    found = await wanting.of("flights")
    asked = ours.listings
    again = await wanting.of("flights")
    for reading in [*wanting._reading.values()]:
        reading.cancel()

    assert (found, again) == (NUMBERS, NUMBERS)
    assert ours.listings == asked


@pytest.mark.parametrize("kind", [Watched, Silent])
async def test_while_storage_is_away_and_nothing_is_known_anything_is_wanted(
    storage: Watched, clock: Clock, monkeypatch: pytest.MonkeyPatch, kind: type[Watched]
) -> None:
    """The hub takes the actuals all the same; refused, they might never be told again."""
    monkeypatch.setattr("shared.capture.wanting._FIRST_PATIENCE_S", 0.01)
    ours = kind(storage._service)
    ours.is_away = True
    wanting = Wanting(Registry(ours, clock))
    found = await wanting.of("flights")
    for reading in [*wanting._reading.values()]:
        reading.cancel()

    assert found is None


@pytest.mark.parametrize("name", ["trains", "../flights"])
async def test_a_model_that_is_not_there_is_looked_up_each_time(storage: Watched, clock: Clock, name: str) -> None:
    """It may be registered in the next moment."""
    wanting = Wanting(Registry(storage, clock))
    for _ in range(2):
        with pytest.raises(UnknownModel):
            await wanting.of(name)

    assert storage.listings == (2 if name == "trains" else 0)


async def test_a_name_that_no_model_can_have_is_refused_while_storage_is_away(storage: Watched, clock: Clock) -> None:
    storage.is_away = True

    with pytest.raises(UnknownModel):
        await Wanting(Registry(storage, clock)).of("../flights")


async def test_a_manifest_that_is_damaged_keeps_no_actual_out(storage: Watched, clock: Clock) -> None:
    """It is one version's, and the actuals are those of all."""
    await storage.create("models/flights/2/manifest.json", b"?")

    assert await Wanting(Registry(storage, clock)).of("flights") is None
