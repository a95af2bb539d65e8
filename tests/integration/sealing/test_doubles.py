"""Ids looked up in what was sealed, by reading as little of it as there is to read."""

import uuid

import pyarrow as pa
import pytest

from shared.errors import InvalidDocument
from shared.sealing.hours.doubles import Doubles, RowsFile
from shared.sealing.hours.hour import Footer, write
from shared.sealing.tables.packed import Ids, pack
from tests.memory import Memory, MemoryBlobs

PATH = "captures/hours/rows-0.parquet"
ROWS = 200_000


def texts(first: int, end: int) -> list[str]:
    return [str(uuid.UUID(int=number << 64 | number * 0x9E3779B97F4A7C15 % 2**64)) for number in range(first, end)]


def ids(first: int, end: int) -> Ids:
    return pack(pa.chunked_array([texts(first, end)]))


@pytest.fixture(scope="module")
def data() -> bytes:
    """Rows in the order of their ids, with a column that is larger than all ids."""
    rows = pa.table({"_id": texts(0, ROWS), "other": [f"{number * 7919 % 10**9:030}" for number in range(ROWS)]})
    nothing = Footer(consumed=(), account=(), rows=ROWS, doubles=0, unreadable=0, min_id=None, max_id=None)
    return write(rows, nothing)


class Read(MemoryBlobs):
    """Storage that counts the bytes it is read of."""

    bytes_read = 0

    async def read_range(self, path: str, *, start: int, end: int, etag: str | None = None) -> bytes:
        self.bytes_read += end - start
        return await super().read_range(path, start=start, end=end, etag=etag)


def stored(data: bytes) -> tuple[Read, RowsFile]:
    memory = Memory()
    memory.put(PATH, data)
    first, *_, last = texts(0, ROWS)
    return Read(memory), RowsFile(PATH, len(data), first, last)


async def test_an_id_of_a_file_is_found_and_one_between_two_of_its_ids_is_not(data: bytes) -> None:
    blobs, file = stored(data)
    asked = ids(ROWS - 10, ROWS + 10)

    first = await Doubles(blobs).first_ones(asked, [file])

    assert first.tolist() == [False] * 10 + [True] * 10


async def test_of_a_file_the_ids_around_those_wanted_are_read_and_nothing_else(data: bytes) -> None:
    """Hours overlap at their ends, always: were whole hours read for that, sealing would read everything twice."""
    blobs, file = stored(data)
    column = ROWS * 36

    await Doubles(blobs).first_ones(ids(ROWS - 10, ROWS), [file])

    assert blobs.bytes_read < column / 16


async def test_a_file_without_any_id_between_is_not_touched(data: bytes) -> None:
    blobs, file = stored(data)
    blobs._memory.blobs.clear()

    first = await Doubles(blobs).first_ones(ids(ROWS, ROWS + 5), [file])

    assert first.all()


async def test_ids_that_were_just_written_are_not_read(data: bytes) -> None:
    blobs, file = stored(data)
    blobs._memory.blobs.clear()
    doubles = Doubles(blobs)
    await doubles.remember(PATH, ids(0, ROWS))

    assert not (await doubles.first_ones(ids(5, 10), [file])).any()


async def test_no_more_ids_are_remembered_than_memory_is_for(data: bytes) -> None:
    """An hour of any size has to be sealed in the memory there is."""
    blobs, file = stored(data)
    doubles = Doubles(blobs, most_remembered=ROWS + 10)
    await doubles.remember(PATH, ids(0, ROWS))
    await doubles.remember("another", ids(0, 11))

    first = await doubles.first_ones(ids(5, 10), [file])

    assert sum(map(len, doubles._remembered.values())) == 11
    assert blobs.bytes_read > 0
    assert not first.any()


@pytest.mark.parametrize("left", [-1, -100, 100, 4, 0])
async def test_a_file_that_was_cut_is_no_file_without_doubles(data: bytes, left: int) -> None:
    blobs, file = stored(data)
    blobs._memory.put(PATH, data[:left])

    with pytest.raises(InvalidDocument, match="bytes, and had"):
        await Doubles(blobs).first_ones(ids(0, 10), [file])


async def test_a_file_that_was_damaged_is_no_file_without_doubles(data: bytes) -> None:
    blobs, file = stored(data)
    for damaged in (data[:-4] + b"XXXX", data[:-2_000] + bytes(1_992) + data[-8:], bytes(len(data) - 8) + data[-8:]):
        blobs._memory.put(PATH, damaged)
        with pytest.raises(InvalidDocument):
            await Doubles(blobs).first_ones(ids(0, 10), [file])
    blobs._memory.put(PATH, bytes(3_000_000) + data[3_000_000:])
    with pytest.raises(InvalidDocument, match="read as Parquet"):
        await Doubles(blobs).first_ones(ids(0, 10), [file])
