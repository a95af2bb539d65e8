"""The fences of storage, against Azurite."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from shared import blobs as storage
from shared import documents
from shared.blobs import Blobs
from shared.documents import Document
from shared.errors import BlobChanged, BlobMissing, InvalidDocument, StorageUnavailable


class Counter(Document, frozen=True, kw_only=True):
    """A document of the tests."""

    count: int = 0


@pytest.fixture
async def blobs(azurite: str) -> AsyncIterator[Blobs]:
    made = Blobs(storage.service(azurite))
    await made.create_containers()
    yield made
    await made.close()


@pytest.fixture
def path() -> str:
    return f"captures/tests/{uuid.uuid4()}"


async def test_a_blob_is_created_once(blobs: Blobs, path: str) -> None:
    await blobs.create(path, b"first")

    with pytest.raises(BlobChanged):
        await blobs.create(path, b"second")

    assert (await blobs.read(path)).data == b"first"


async def test_a_blob_is_replaced_only_by_who_read_it_last(blobs: Blobs, path: str) -> None:
    old = await blobs.create(path, b"1")
    new = await blobs.replace(path, b"2", etag=old)

    with pytest.raises(BlobChanged):
        await blobs.replace(path, b"3", etag=old)

    assert (await blobs.read(path)).etag == new


async def test_a_log_is_not_emptied_by_a_second_creator(blobs: Blobs, path: str) -> None:
    await blobs.create_log(path)
    await blobs.append(path, b"line\n", position=0)

    with pytest.raises(BlobChanged):
        await blobs.create_log(path)

    assert (await blobs.read_end(path, most_bytes=3)).data == b"ne\n"


async def test_an_append_at_a_stale_position_is_refused(blobs: Blobs, path: str) -> None:
    await blobs.create_log(path)
    done = await blobs.append(path, b"first\n", position=0)

    with pytest.raises(BlobChanged):
        await blobs.append(path, b"again\n", position=0)

    assert (done.size_bytes, done.blocks) == (6, 1)
    assert (await blobs.read(path)).data == b"first\n"


async def test_what_is_not_there_is_missing_everywhere(blobs: Blobs, path: str) -> None:
    with pytest.raises(BlobMissing):
        await blobs.read(path)
    with pytest.raises(BlobMissing):
        await blobs.read_end(path, most_bytes=10)
    with pytest.raises(BlobMissing):
        await blobs.append(path, b"x", position=0)
    with pytest.raises(BlobMissing):
        await blobs.delete(path)
    assert await documents.find(blobs, path, Counter) is None


async def test_deleting_what_has_changed_since_it_was_listed_is_refused(blobs: Blobs, path: str) -> None:
    """Retention looks at what is there, and decides; meanwhile a log may grow."""
    await blobs.create_log(path)
    (listed,) = [one async for one in blobs.under(path)]
    await blobs.append(path, b"late\n", position=0)

    with pytest.raises(BlobChanged):
        await blobs.delete(path, etag=listed.etag)
    (listed,) = [one async for one in blobs.under(path)]
    await blobs.delete(path, etag=listed.etag)

    assert not [one async for one in blobs.under(path)]


async def test_a_missing_container_is_not_a_missing_blob(blobs: Blobs) -> None:
    """Capture must wait for the container to come, not take its logs for new ones."""
    with pytest.raises(StorageUnavailable):
        await blobs.read("nowhere/at-all")


async def test_listing_names_blobs_and_folders(blobs: Blobs, path: str) -> None:
    await blobs.create(f"{path}/b/2", b"22")
    await blobs.create(f"{path}/a/1", b"1")

    listed = [one async for one in blobs.under(f"{path}/")]

    assert [(one.path, one.size_bytes) for one in listed] == [(f"{path}/a/1", 1), (f"{path}/b/2", 2)]
    assert [one.etag for one in listed] == [(await blobs.read(one.path)).etag for one in listed]
    assert await blobs.folders(f"{path}/") == [f"{path}/a/", f"{path}/b/"]


async def test_concurrent_swaps_lose_no_change(blobs: Blobs, path: str) -> None:
    def up(old: Counter | None) -> Counter:
        return Counter(count=(old.count if old else 0) + 1)

    await asyncio.gather(*(documents.swap(blobs, path, Counter, up) for _ in range(8)))

    assert (await documents.read(blobs, path, Counter))[0].count == 8


async def test_a_document_of_a_newer_format_is_refused(blobs: Blobs, path: str) -> None:
    await blobs.create(path, b'{"format": 2, "count": 1}')

    with pytest.raises(InvalidDocument, match="format 2"):
        await documents.read(blobs, path, Counter)
