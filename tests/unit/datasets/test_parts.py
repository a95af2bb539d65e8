"""A dataset's files."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets.manifest import Part
from shared.datasets.parts import Parts

SCHEMA = pa.schema([("_id", pa.string()), ("_split", pa.string()), ("x", pa.float64()), ("carrier", pa.string())])
SPLITS = ("train", "test")


def rows_of(count: int) -> pa.Table:
    numbers = range(count)
    return pa.table(
        {
            "_id": [f"{number:08}" for number in numbers],
            "_split": [SPLITS[number % 3 == 0] for number in numbers],
            "x": [number / 7 for number in numbers],
            "carrier": [("AA", "DL", None)[number % 3] for number in numbers],
        },
        SCHEMA,
    )


def written(folder: Path, rows: pa.Table, *, most_rows: int, size: int) -> tuple[Part, ...]:
    with Parts(folder, SCHEMA, SPLITS, most_rows=most_rows) as parts:
        for batch in rows.to_batches(max_chunksize=size):
            parts.add(pa.table(batch))
        return parts.finish()


@pytest.fixture
def small_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.datasets.blocks.ROWS", 16)


@pytest.mark.usefixtures("small_groups")
def test_parts_hold_the_rows_of_their_split_in_order(tmp_path: Path) -> None:
    rows = rows_of(100)

    parts = written(tmp_path, rows, most_rows=40, size=100)

    assert [(part.file, part.rows) for part in parts] == [
        ("train/part-00000.parquet", 40),
        ("train/part-00001.parquet", 26),
        ("test/part-00000.parquet", 34),
    ]
    for split in SPLITS:
        stored = ds.dataset([tmp_path / part.file for part in parts if part.split == split]).to_table()
        assert stored == rows.filter(pc.equal(rows.column("_split"), split))


@pytest.mark.usefixtures("small_groups")
def test_what_is_said_of_a_part_is_so(tmp_path: Path) -> None:
    parts = written(tmp_path, rows_of(100), most_rows=40, size=100)

    for part in parts:
        data = (tmp_path / part.file).read_bytes()
        assert (part.sha256, part.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))
        assert pq.ParquetFile(tmp_path / part.file).metadata.num_rows == part.rows


@given(st.integers(0, 120), st.integers(1, 130), st.sampled_from([16, 40, 1_000]))
def test_the_pieces_that_rows_come_in_change_no_byte(
    tmp_path_factory: pytest.TempPathFactory, count: int, size: int, most_rows: int
) -> None:
    rows = rows_of(count)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.datasets.blocks.ROWS", 16)
        whole = written(tmp_path_factory.mktemp("whole"), rows, most_rows=most_rows, size=1_000)
        pieces = written(tmp_path_factory.mktemp("pieces"), rows, most_rows=most_rows, size=size)

    assert pieces == whole


def test_row_groups_are_small_and_only_texts_that_repeat_have_dictionaries(tmp_path: Path) -> None:
    (part, _) = written(tmp_path, rows_of(99_999), most_rows=1_000_000, size=10_000)

    metadata = pq.ParquetFile(tmp_path / part.file).metadata
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    coded = {groups[0].column(at).path_in_schema for at in range(4) if groups[0].column(at).has_dictionary_page}
    assert [group.num_rows for group in groups] == [65_536, 66_666 - 65_536]
    assert coded == {"_split", "carrier"}
    assert groups[0].column(2).compression == "ZSTD"


def test_a_split_without_rows_has_no_part(tmp_path: Path) -> None:
    rows = rows_of(9)

    parts = written(tmp_path, rows.filter(pc.equal(rows.column("_split"), "test")), most_rows=10, size=9)

    assert [part.split for part in parts] == ["test"]
    assert not (tmp_path / "train").exists()


def test_a_part_that_is_exactly_full_is_not_followed_by_an_empty_one(tmp_path: Path) -> None:
    rows = rows_of(60)
    of_test = rows.filter(pc.equal(rows.column("_split"), "test"))

    parts = written(tmp_path, of_test, most_rows=10, size=60)

    assert [part.rows for part in parts] == [10, 10]
