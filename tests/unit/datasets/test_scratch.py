"""Inputs on this machine are those that were planned, take no more room than they may, and are not left behind."""

import fcntl
import hashlib
from pathlib import Path
from typing import TextIO

import pytest

from shared.datasets.manifest import Input, Use
from shared.datasets.scratch import scratch
from shared.errors import BlobMissing, InvalidDocument
from tests.memory import Memory, MemoryBlobs

LARGE = b"0123456789abcdef" * (1 << 20)
"""More than one piece."""


async def stored(blobs: MemoryBlobs, name: str, data: bytes) -> Input:
    path = f"captures/{name}"
    await blobs.create(path, data)
    digest = hashlib.sha256(data).hexdigest()
    return Input(use=Use.ACTUALS, path=path, sha256=digest, size_bytes=len(data), rows=1)


@pytest.fixture
def blobs() -> MemoryBlobs:
    return MemoryBlobs(Memory())


async def test_what_is_fetched_is_what_is_stored_and_fetched_once(blobs: MemoryBlobs, tmp_path: Path) -> None:
    inputs = [await stored(blobs, "a", LARGE), await stored(blobs, "b", b"b"), await stored(blobs, "same", b"b")]

    with scratch(blobs, tmp_path, most_bytes=1 << 30) as here:
        first = await here.fetch(inputs)
        for one in inputs:
            await blobs.delete(one.path)
        again = await here.fetch(inputs)

        assert [path.read_bytes() for path in first] == [LARGE, b"b", b"b"]
        assert again == first


async def test_another_content_is_no_input(blobs: MemoryBlobs, tmp_path: Path) -> None:
    """Whatever took its place, rows that nobody planned would be in the dataset."""
    one = await stored(blobs, "a", b"as planned")
    await blobs.delete(one.path)
    await blobs.create(one.path, b"as erased.")

    with scratch(blobs, tmp_path, most_bytes=1) as here:
        with pytest.raises(InvalidDocument, match="captures/a"):
            await here.fetch([one])
        assert not [path for path in here.folder.rglob("*") if path.is_file() and path.name != ".lock"]
        await blobs.delete(one.path)
        with pytest.raises(BlobMissing):
            await here.fetch([one])


async def test_what_was_not_used_for_longest_makes_room(blobs: MemoryBlobs, tmp_path: Path) -> None:
    days = [[await stored(blobs, f"{day}{file}", f"{day}{file}".encode() * 50) for file in "ab"] for day in range(3)]

    with scratch(blobs, tmp_path, most_bytes=400) as here:
        first, second = await here.fetch(days[0]), await here.fetch(days[1])
        await here.fetch(days[0])
        third = await here.fetch(days[2])

        assert [[path.exists() for path in paths] for paths in (first, second, third)] == [
            [True, True],
            [False, False],
            [True, True],
        ]


def test_a_folder_that_another_process_takes_for_abandoned_is_made_again(
    blobs: MemoryBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between making its lock and holding it there is a moment in which whoever else begins may hold it, and delete both."""
    lock_it = fcntl.flock
    met: list[str] = []

    def overtaken(lock: TextIO, how: int) -> None:
        if how == fcntl.LOCK_EX and not met:
            met.append(lock.name)
            with scratch(blobs, tmp_path, most_bytes=1):
                assert not Path(lock.name).exists()
        lock_it(lock, how)

    monkeypatch.setattr(fcntl, "flock", overtaken)

    with scratch(blobs, tmp_path, most_bytes=1) as here:
        assert here.folder.is_dir()
        assert here.folder != Path(met[0]).parent
    assert not list(tmp_path.iterdir())


def test_a_folder_goes_at_the_end_and_that_of_a_killed_build_with_the_next(blobs: MemoryBlobs, tmp_path: Path) -> None:
    """One that is in use stays: its lock is held."""
    killed = tmp_path / "killed"
    killed.mkdir()
    (killed / ".lock").touch()
    (killed / "rows.parquet").write_bytes(b"somebody's")

    with scratch(blobs, tmp_path, most_bytes=1) as one, scratch(blobs, tmp_path, most_bytes=1) as other:
        assert {*tmp_path.iterdir()} == {one.folder, other.folder}
        assert one.folder.stat().st_mode & 0o077 == 0

    assert not list(tmp_path.iterdir())
