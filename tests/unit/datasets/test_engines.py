"""What an engine reads and writes, and how it fails."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.datasets.engines import Engine, open_engine
from shared.errors import EngineFailed, EngineMissing
from shared.sealing.tables.columns import TIME


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    opened = open_engine("duckdb", scratch=tmp_path, memory_mib=256, threads=1)
    yield opened
    opened.close()


def test_columns_are_found_by_name_cast_and_null_where_a_file_has_none(engine: Engine, tmp_path: Path) -> None:
    """Versions of one model answer with more or less, and a whole number may be stored as one."""
    files = [str(tmp_path / name) for name in ("1.parquet", "it's 2.parquet")]
    at = pa.array([1_000_000, None], TIME)
    pq.write_table(pa.table({"A": [1.5, -0.0], "a": ["x", None], "_at": at}), files[0])
    pq.write_table(pa.table({"a": ["y"], "A": [7]}), files[1])
    wanted = pa.schema([("_at", TIME), ("a", pa.string()), ("A", pa.float64())])

    rows = engine.read(files, wanted, beside={"_hour": ["it's", "2026-03-01T10"]})

    (written,) = engine.write(rows.order_by(rows["_hour"].desc(), rows["_at"].desc()), tmp_path / "new" / "rows")
    assert pq.read_table(written).to_pydict() == {
        "_at": [*at.to_pylist(), None],
        "a": ["x", None, "y"],
        "A": [1.5, -0.0, 7.0],
        "_hour": ["it's", "it's", "2026-03-01T10"],
    }
    assert pq.read_schema(written).field("_at").type == TIME


def test_no_rows_are_one_file_and_one_table_with_their_columns(engine: Engine, tmp_path: Path) -> None:
    none = engine.table(pa.table({"_stratum": pa.array([], pa.string())}))

    (written,) = engine.write(none, tmp_path / "rows")

    assert pq.read_table(written).schema.names == engine.collect(none).schema.names == ["_stratum"]


def test_a_folder_is_made_anew(engine: Engine, tmp_path: Path) -> None:
    """What a build left behind that was killed would be taken for its rows."""
    folder = tmp_path / "rows"
    folder.mkdir()
    (folder / "part-00007.parquet").write_bytes(b"half")

    assert engine.write(engine.table(pa.table({"a": [1]})), folder) == list(folder.iterdir())


def test_a_file_that_is_none_is_named(engine: Engine, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.parquet"
    damaged.write_bytes(b"PAR1 and then nothing")

    with pytest.raises(EngineFailed, match=r"damaged\.parquet"):
        engine.read([str(damaged)], pa.schema([("a", pa.string())]))


def test_a_file_that_is_gone_when_it_is_read_fails_by_name(engine: Engine, tmp_path: Path) -> None:
    path = tmp_path / "gone.parquet"
    pq.write_table(pa.table({"a": ["x"]}), path)
    rows = engine.read([str(path)], pa.schema([("a", pa.string())]))
    path.unlink()

    with pytest.raises(EngineFailed, match=r"gone\.parquet"):
        engine.collect(rows)


def test_more_than_the_memory_goes_to_the_scratch_folder(tmp_path: Path) -> None:
    """A hundred million rows are sorted so, in 4 GB."""
    numbers = pa.array(range(600_000))
    path = tmp_path / "many.parquet"
    texts = pa.array([letter * 200 for letter in "abcdefgh"]).take(pa.array([number % 8 for number in range(600_000)]))
    pq.write_table(pa.table({"n": numbers, "text": texts}), path)
    engine = open_engine("duckdb", scratch=tmp_path, memory_mib=64, threads=1)
    rows = engine.read([str(path)], pa.schema([("n", pa.int64()), ("text", pa.string())]))

    (written,) = engine.write(rows.order_by(rows["n"].desc()), tmp_path / "sorted")

    assert pq.read_table(written, columns=["n"]).column("n").equals(pa.chunked_array([numbers[::-1]]))
    engine.close()


def test_an_engine_says_what_it_is_made_of(engine: Engine) -> None:
    assert engine.name == "duckdb"
    assert set(engine.versions) == {"duckdb", "ibis-framework", "pyarrow"}


def test_where_spark_is_not_installed_it_is_said_how_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)

    with pytest.raises(EngineMissing, match=r"pip install .*\[spark\]"):
        open_engine("spark", scratch=tmp_path, memory_mib=256, threads=1)
