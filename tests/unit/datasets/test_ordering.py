"""However many rows there are, and whatever their ids look like, they come out in the order of their ids."""

import threading
import uuid
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets.ordering import in_order

Row = tuple[str, int | None]

IDS = st.text(st.characters(codec="utf-8"), max_size=8) | st.uuids().map(str)
ROWS = st.lists(st.tuples(IDS, st.none() | st.integers(-5, 5)), max_size=60, unique_by=lambda row: row[0])


def written(rows: Sequence[Row], path: Path) -> Path:
    ids, values = zip(*rows, strict=True) if rows else ((), ())
    table = pa.table({"_id": pa.array(ids, pa.string()), "value": pa.array(values, pa.int64())})
    pq.write_table(table, path, row_group_size=7)
    return path


def read(files: Sequence[Path]) -> list[Row]:
    rows = pa.concat_tables(pq.read_table(file) for file in files)
    return list(zip(rows.column("_id").to_pylist(), rows.column("value").to_pylist(), strict=True))


@given(ROWS, st.integers(1, 4), st.integers(1, 20))
def test_rows_come_out_as_if_they_were_sorted_at_once(rows: list[Row], files: int, rows_of_a_bucket: int) -> None:
    with TemporaryDirectory() as folder:
        place = Path(folder)
        dealt = [written(rows[number::files], place / f"{number}.parquet") for number in range(files)]

        ordered = in_order(dealt, place / "ordered", given_up=threading.Event(), rows_of_a_bucket=rows_of_a_bucket)

        assert read(ordered) == sorted(rows, key=lambda row: row[0].encode())
        assert sorted((place / "ordered").iterdir()) == ordered


@pytest.mark.parametrize("by_time", [True, False], ids=["by time", "by chance"])
def test_no_file_is_much_larger_than_asked(tmp_path: Path, *, by_time: bool) -> None:
    ids = [f"{number:08}" if by_time else str(uuid.UUID(int=pow(3, number, 2**128))) for number in range(20_000)]
    file = written([(one, None) for one in ids], tmp_path / "rows.parquet")

    ordered = in_order([file], tmp_path / "ordered", given_up=threading.Event(), rows_of_a_bucket=1_000)

    sizes = [pq.read_metadata(one).num_rows for one in ordered]
    assert len(sizes) == 20
    assert max(sizes) < 1_500


def test_who_gives_up_does_not_wait_for_the_end(tmp_path: Path) -> None:
    given_up = threading.Event()
    given_up.set()

    with pytest.raises(InterruptedError):
        in_order([written([("a", 1)], tmp_path / "rows.parquet")], tmp_path / "ordered", given_up=given_up)
