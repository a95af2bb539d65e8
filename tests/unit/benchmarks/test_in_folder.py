"""A folder in place of storage keeps what storage promises, or else a build in it says nothing of one in storage."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeVar

import pytest

from benchmarks.in_folder import FolderBlobs
from shared.errors import BlobChanged, BlobMissing

T = TypeVar("T")


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


async def test_a_blob_is_created_once_and_replaced_under_its_etag(blobs: FolderBlobs, tmp_path: Path) -> None:
    """Steps of a build are skipped by whoever finds them there."""
    etag = await blobs.create("datasets/m/a.json", b"one")
    (tmp_path / "file").write_bytes(b"other")

    with pytest.raises(BlobChanged):
        await blobs.create("datasets/m/a.json", b"two")
    with pytest.raises(BlobChanged):
        await blobs.create_from("datasets/m/a.json", tmp_path / "file")
    newer = await blobs.replace("datasets/m/a.json", b"three", etag=etag)
    with pytest.raises(BlobChanged):
        await blobs.replace("datasets/m/a.json", b"four", etag=etag)

    found = await blobs.read("datasets/m/a.json")
    assert (found.data, found.etag, found.size_bytes) == (b"three", newer, 5)
    assert await blobs.read_range("datasets/m/a.json", start=1, end=3) == b"hr"


async def test_blobs_are_listed_by_the_beginning_of_their_path(blobs: FolderBlobs) -> None:
    """A build asks for ``rows-``, and planning for a day's hours."""
    for path in ("captures/m/date=2/rows-1", "captures/m/date=1/rows-0", "captures/m/date=1/_m"):
        await blobs.create(path, b"1")

    assert [one.path for one in await _all(blobs.under("captures/m/date=1/r"))] == ["captures/m/date=1/rows-0"]
    assert [one.path for one in await _all(blobs.under("captures/m/"))] == [
        "captures/m/date=1/_m",
        "captures/m/date=1/rows-0",
        "captures/m/date=2/rows-1",
    ]
    assert await blobs.folders("captures/m/") == ["captures/m/date=1/", "captures/m/date=2/"]
    assert await _all(blobs.under("models/")) == []
    assert await blobs.folders("models/") == []


async def test_what_is_not_there_is_said_to_be_missing(blobs: FolderBlobs) -> None:
    """The first read of most documents is of one that nobody has written."""
    with pytest.raises(BlobMissing):
        await blobs.read("models/m/aliases.json")
    with pytest.raises(BlobMissing):
        await blobs.delete("models/m/aliases.json")
    with pytest.raises(BlobChanged):
        await blobs.replace("models/m/aliases.json", b"", etag="")


async def _all(found: AsyncIterator[T]) -> list[T]:
    return [one async for one in found]
