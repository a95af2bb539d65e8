"""A version exists whole or not at all, and never changes."""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from shared.blobs import Blobs, Content
from shared.clock import Clock
from shared.errors import (
    AlreadyRegistered,
    ChampionChanged,
    DatasetErased,
    InvalidDocument,
    StorageUnavailable,
    UnknownModel,
    VersionRetired,
)
from shared.registry.manifest import CHALLENGER, CHAMPION, AliasChange, Aliases, Lineage, Manifest
from shared.registry.store import Registry
from tests.integration.models import registered
from tests.integration.stored import Killed, Mortal, own_storage
from tests.memory import Memory, MemoryBlobs

NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class Stopwatch:
    """Real seconds, by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def blobs(azurite: str) -> AsyncIterator[Blobs]:
    async with own_storage(azurite) as storage:
        yield storage


@pytest.fixture
def registry(blobs: Blobs) -> Registry:
    return Registry(blobs, Clock.standing(NOW))


async def add(registry: Registry, version: str = "1", **changes: Any) -> Manifest:  # noqa: ANN401 - fields of a manifest
    """Register a version of the model ``flights``."""
    one = registered("flights", version)
    return await registry.register(msgspec.structs.replace(one.manifest, **changes), files=one.files)


async def test_what_is_registered_can_be_found_by_everybody(registry: Registry, blobs: Blobs) -> None:
    first, second = await add(registry, "1"), await add(registry, "2")

    elsewhere = Registry(blobs, Clock.standing(NOW))
    assert await elsewhere.models() == ["flights"]
    assert await elsewhere.versions("flights") == [first, second]
    assert await elsewhere.manifest("flights", "2") == second
    assert await elsewhere.file(second, second.model_file) == registered("flights", "2").files["model.onnx"]
    assert await elsewhere.current_baseline(second) == "models/flights/2/baselines/1/"


async def test_the_same_version_may_be_registered_again(registry: Registry) -> None:
    """Whoever was interrupted, or does not know, does it again; the first registration keeps its time."""
    first = await add(registry)

    again = await add(registry, registered_at=NOW + timedelta(days=1))

    assert again == first


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"training_data": "1" * 64}, "training data"),
        ({"actual": "arrival"}, "actual"),
        ({"schema": registered("flights", "2").manifest.schema, "training_rows": 7}, "training rows"),
    ],
)
async def test_the_same_version_with_anything_else_is_refused(
    registry: Registry, changes: dict[str, Any], what: str
) -> None:
    first = await add(registry)

    with pytest.raises(AlreadyRegistered, match=f"another {what}"):
        await add(registry, **changes)

    assert await Registry(registry.blobs, registry.clock).manifest("flights", "1") == first


async def test_a_version_of_before_there_were_lineages_is_read_and_still_the_same(
    registry: Registry, blobs: Blobs
) -> None:
    """What was stored lasts longer than the release that stored it, and its registration may be done again by the next one."""
    one = registered("flights", "1")
    said = msgspec.to_builtins(one.manifest)
    del said["trained_until"], said["classes"], said["lineage"]
    await blobs.create("models/flights/1/manifest.json", msgspec.json.encode(said))
    lineage = Lineage(parent="0", start="2026-03-01T09", end="2026-03-01T10", trainer="train", trained_at=NOW)

    again = await add(registry, trained_until=NOW, classes=(1, 2), lineage=lineage)

    assert again == one.manifest
    assert (again.trained_until, again.classes, again.lineage) == (None, None, None)


async def test_the_same_version_with_another_model_is_refused(registry: Registry) -> None:
    await add(registry)
    other = registered("flights", "2")

    with pytest.raises(AlreadyRegistered, match="another file"):
        await registry.register(msgspec.structs.replace(other.manifest, version="1"), files=other.files)


async def test_a_registration_that_ends_anywhere_is_not_there_and_can_be_made_again(blobs: Blobs) -> None:
    """Nothing may score with, or be compared with, half a version."""
    one = registered("flights", "1")
    for writes in range(len(one.files) + 2):
        broken = Registry(Mortal(blobs, writes=writes), Clock.standing(NOW))
        with pytest.raises(Killed):
            await broken.register(one.manifest, files=one.files)
        assert not await Registry(blobs, Clock.standing(NOW)).has("flights")

    whole = Registry(blobs, Clock.standing(NOW))
    await whole.register(one.manifest, files=one.files)

    assert await Registry(blobs, Clock.standing(NOW)).file(one.manifest, "model.onnx") == one.files["model.onnx"]


async def test_what_another_try_left_behind_is_replaced(registry: Registry) -> None:
    await registry.blobs.create("models/flights/1/model.onnx", b"half a mod")

    manifest = await add(registry)

    assert await registry.file(manifest, "model.onnx") == registered("flights", "1").files["model.onnx"]


async def test_a_file_that_is_not_the_registered_one_is_not_used_and_can_be_put_back(registry: Registry) -> None:
    """Two that register a version at the same time write over each other's files before one of them is refused."""
    manifest = await add(registry)
    left = await registry.blobs.read("models/flights/1/model.onnx")
    await registry.blobs.replace("models/flights/1/model.onnx", b"another model", etag=left.etag)

    with pytest.raises(InvalidDocument, match="SHA-256"):
        await registry.file(manifest, "model.onnx")
    await add(registry)

    assert await registry.file(manifest, "model.onnx") == left.data


async def test_of_two_that_register_at_once_one_is_refused(registry: Registry) -> None:
    one, other = registered("flights", "1"), registered("flights", "2")
    pretender = msgspec.structs.replace(other.manifest, version="1")

    outcomes = await asyncio.gather(
        registry.register(one.manifest, files=one.files),
        Registry(registry.blobs, registry.clock).register(pretender, files=other.files),
        return_exceptions=True,
    )

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["AlreadyRegistered", "Manifest"]


@pytest.mark.parametrize("name", ["", "../x", "x/../flights", "Flights", "flights ", "x" * 64, "flights/1", "_unknown"])
async def test_what_is_no_name_is_no_model(registry: Registry, name: str) -> None:
    """A name becomes a part of a path, so what could lead elsewhere never reaches one."""
    await add(registry)

    assert not await registry.has(name)
    for asked in (registry.manifest(name, "1"), registry.manifest("flights", name), registry.answering(name)):
        with pytest.raises(UnknownModel):
            await asked
    with pytest.raises(UnknownModel):
        await registry.versions(name)


async def test_a_version_registered_after_it_was_asked_for_is_found(registry: Registry) -> None:
    """That something is not there must not be remembered: records of it would become dead letters."""
    reader = Registry(registry.blobs, registry.clock)
    assert not await reader.knows("flights", "1")
    assert not await reader.has("flights")

    await add(registry)

    assert await reader.knows("flights", "1")
    assert await reader.has("flights")


async def test_a_model_without_a_champion_does_not_answer(registry: Registry) -> None:
    await add(registry)

    with pytest.raises(UnknownModel):
        await registry.answering("flights")


async def test_of_a_version_that_may_not_be_after_all_nothing_is_left(registry: Registry, blobs: Blobs) -> None:
    """It is asked when everything is there but what makes it a version: by then whoever looks for its rows finds them."""
    one, seen = registered("flights", "1"), list[set[str]]()

    async def may() -> None:
        seen.append({stored.path.removeprefix("models/flights/1/") async for stored in blobs.under("models/flights/")})
        raise DatasetErased("flights", "d" * 64, at=NOW)

    with pytest.raises(DatasetErased):
        await registry.register(one.manifest, files=one.files, may=may)

    assert seen == [set(one.files)]
    assert [stored async for stored in blobs.under("models/")] == []
    await add(registry)
    with pytest.raises(DatasetErased):
        await registry.register(one.manifest, files=one.files, may=may)
    assert await Registry(blobs, registry.clock).manifest("flights", "1") == one.manifest


async def test_a_version_that_is_better_than_one_answers_in_place_of_no_other(registry: Registry) -> None:
    for version in ("1", "2", "3"):
        await add(registry, version)
    await registry.promote("flights", "1", alias=CHAMPION)
    await registry.promote("flights", "3", alias=CHAMPION)

    with pytest.raises(ChampionChanged, match="by now 3 is the champion, with which it was not compared"):
        await registry.promote("flights", "2", alias=CHAMPION, instead_of="1")
    kept = await registry.aliases("flights")
    await registry.promote("flights", "2", alias=CHAMPION, instead_of="3")
    again = await registry.promote("flights", "2", alias=CHAMPION, instead_of="3")

    assert (kept.champion, again.champion) == ("3", "2")


async def test_a_champion_that_changes_while_another_is_named_is_not_replaced() -> None:
    """The aliases are swapped under the ETag of those in which the champion was looked up."""
    memory = Memory()
    registry = Registry(MemoryBlobs(memory), Clock.standing(NOW))
    for version in ("1", "2", "3"):
        await add(registry, version)
    await registry.promote("flights", "1", alias=CHAMPION)
    others = iter([registry])

    async def in_between() -> None:
        for other in others:
            await other.promote("flights", "3", alias=CHAMPION)

    held_up = Registry(MemoryBlobs(memory, before_write=in_between), Clock.standing(NOW))
    with pytest.raises(ChampionChanged):
        await held_up.promote("flights", "2", alias=CHAMPION, instead_of="1")

    assert (await Registry(MemoryBlobs(memory), registry.clock).aliases("flights")).champion == "3"


async def test_only_what_is_registered_can_be_promoted(registry: Registry) -> None:
    await add(registry)

    with pytest.raises(UnknownModel):
        await registry.promote("flights", "2", alias=CHAMPION)

    assert await registry.aliases("flights") == Aliases()


async def test_aliases_remember_what_they_named(registry: Registry) -> None:
    await add(registry, "1")
    await add(registry, "2")

    for version in ("1", "2", "2"):
        await registry.promote("flights", version, alias=CHAMPION)

    aliases = await Registry(registry.blobs, registry.clock).aliases("flights")
    assert aliases.versions == {CHAMPION: "2"}
    assert aliases.history == tuple(AliasChange(alias=CHAMPION, version=one, at=NOW) for one in ("1", "2"))


async def test_promotions_at_once_lose_none(registry: Registry) -> None:
    versions = [str(number) for number in range(1, 7)]
    for version in versions:
        await add(registry, version)

    await asyncio.gather(
        *(Registry(registry.blobs, registry.clock).promote("flights", one, alias=CHALLENGER) for one in versions)
    )

    aliases = await Registry(registry.blobs, registry.clock).aliases("flights")
    assert sorted(aliases.challengers) == versions
    assert len(aliases.history) == len(versions)


async def test_challengers_are_listed_newest_last(registry: Registry) -> None:
    """And the version that becomes champion is none of them any more."""
    for version in ("1", "2", "3"):
        await add(registry, version)
    for version in ("3", "1", "2", "1"):
        await registry.promote("flights", version, alias=CHALLENGER)
    named = [one.version for one in await registry.challengers("flights")]

    await registry.promote("flights", "1", alias=CHAMPION)
    await registry.remove_challenger("flights", "3")
    await registry.remove_challenger("flights", "3")

    assert named == ["3", "1", "2"]
    assert [one.version for one in await registry.challengers("flights")] == ["2"]
    assert await registry.challengers("trains") == []


async def test_the_challenger_of_an_older_document_is_still_one(registry: Registry) -> None:
    for version in ("1", "2", "3"):
        await add(registry, version)
    older = b'{"format": 1, "versions": {"champion": "1", "challenger": "2"}, "history": []}'
    await registry.blobs.create("models/flights/aliases.json", older)

    await registry.promote("flights", "3", alias=CHALLENGER)

    elsewhere = Registry(registry.blobs, registry.clock)
    assert [one.version for one in await elsewhere.challengers("flights")] == ["2", "3"]
    assert (await elsewhere.answering("flights")).version == "1"


async def test_of_promoting_and_retiring_at_once_one_is_refused(registry: Registry) -> None:
    """Whichever is first: the document that says both is swapped under its ETag."""
    for version in ("1", "2"):
        await add(registry, version)

    for turn in range(6):
        one, other = (Registry(registry.blobs, registry.clock) for _ in range(2))
        outcomes = await asyncio.gather(
            one.promote("flights", "2", alias=CHAMPION), other.retire("flights", "2"), return_exceptions=True
        )
        aliases = await Registry(registry.blobs, registry.clock).aliases("flights")
        assert sum(isinstance(outcome, Aliases) for outcome in outcomes) == 1, turn
        assert (aliases.champion == "2") != ("2" in aliases.retired)
        await registry.reinstate("flights", "2")
        await registry.promote("flights", "1", alias=CHAMPION)


async def test_retiring_elsewhere_is_seen_after_five_seconds_and_so_is_taking_it_back(registry: Registry) -> None:
    """Also where nobody was promoted; and in between storage is not asked."""
    manifest = await add(registry)
    counting, stopwatch = Silent(registry.blobs._service), Stopwatch()
    reader = Registry(counting, registry.clock, stopwatch)
    await reader.refuse_retired(manifest)

    await registry.retire("flights", "1")
    stopwatch.now += 4.9
    await reader.refuse_retired(manifest)
    assert counting.asked == 1
    stopwatch.now += 0.2
    with pytest.raises(VersionRetired):
        await reader.refuse_retired(manifest)

    await registry.reinstate("flights", "1")
    stopwatch.now += 5.1
    await reader.refuse_retired(manifest)


async def test_a_version_that_was_asked_for_by_name_answers_for_its_model_as_soon_as_it_is_promoted(
    registry: Registry,
) -> None:
    """That there was no champion a moment ago is enough to know of retirement, and not to refuse a request."""
    reader = Registry(registry.blobs, registry.clock)
    await reader.refuse_retired(await add(registry))

    await registry.promote("flights", "1", alias=CHAMPION)

    assert (await reader.answering("flights")).version == "1"


async def test_names_that_callers_make_up_are_not_remembered(registry: Registry) -> None:
    for name in ("trains", "ships"):
        with pytest.raises(UnknownModel):
            await registry.answering(name)

    assert registry._recent._known == {}


async def test_a_promotion_elsewhere_is_seen_after_five_seconds(registry: Registry) -> None:
    await add(registry, "1")
    await add(registry, "2")
    await registry.promote("flights", "1", alias=CHAMPION)
    stopwatch = Stopwatch()
    reader = Registry(registry.blobs, registry.clock, stopwatch)
    assert (await reader.answering("flights")).version == "1"

    await registry.promote("flights", "2", alias=CHAMPION)

    stopwatch.now += 4.9
    assert (await reader.answering("flights")).version == "1"
    stopwatch.now += 0.2
    assert (await reader.answering("flights")).version == "2"


class Silent(Blobs):
    """Storage that is away while it is ``silent``: at once, or after a while, as the SDK tries again by itself."""

    silent = False
    after_s = 0.0
    asked = 0

    async def read(self, path: str) -> Content:
        self.asked += 1
        if self.silent:
            await asyncio.sleep(self.after_s)
            raise StorageUnavailable(path, reason="it is down")
        return await super().read(path)


@pytest.mark.parametrize("after_s", [0.0, 60.0])
async def test_while_storage_is_away_the_last_champion_answers(registry: Registry, after_s: float) -> None:
    """A model in memory needs no storage to answer, and its callers must not wait for one that does not come."""
    await add(registry)
    await registry.promote("flights", "1", alias=CHAMPION)
    silent, stopwatch = Silent(registry.blobs._service), Stopwatch()
    reader = Registry(silent, registry.clock, stopwatch)
    await reader.answering("flights")
    silent.silent, silent.after_s, silent.asked = True, after_s, 0

    started = time.monotonic()
    for _ in range(3):
        stopwatch.now += 4.0
        answering = await asyncio.gather(*(reader.answering("flights") for _ in range(10)))
        assert {one.version for one in answering} == {"1"}

    assert time.monotonic() - started < 3.0
    assert silent.asked <= 2
    for reading in reader._recent._reading.values():
        reading.cancel()


async def test_a_champion_nobody_knows_yet_waits_for_storage(registry: Registry) -> None:
    silent = Silent(registry.blobs._service)
    silent.silent = True

    with pytest.raises(StorageUnavailable):
        await Registry(silent, registry.clock).answering("flights")


async def test_requests_at_once_read_the_aliases_once(registry: Registry) -> None:
    await add(registry)
    await registry.promote("flights", "1", alias=CHAMPION)
    counting = Silent(registry.blobs._service)
    reader = Registry(counting, registry.clock)
    await reader.manifest("flights", "1")
    counting.asked = 0

    await asyncio.gather(*(reader.answering("flights") for _ in range(20)))

    assert counting.asked == 1
