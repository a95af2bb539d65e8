"""Chosen rows -> files."""

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shared.datasets.canonical import Digest, canonical, dataset_schema
from shared.datasets.finishing import Finished, finish
from shared.datasets.recipe import Sample, Split, SplitBy, Weights
from shared.schema import FeatureType, Output
from tests.unit.datasets.chosen import MIDNIGHT, SCHEMA, batches, original, plan, row, table

MILLION = 1_000_000
USUAL: Final[dict[str, Any]] = {"split": Split(validation=0.1, test=0.2), "outputs": True}


def finished(folder: Path, rows: pa.Table, *, size: int = 3, **recipe: Any) -> Finished:  # noqa: ANN401 - of a recipe
    return finish(batches(rows, size), plan(**recipe), folder)


def stored(folder: Path) -> pa.Table:
    return ds.dataset(sorted(map(str, folder.glob("*/part-*.parquet")))).to_table().sort_by("_id")


def everything(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_every_row_comes_out_once_with_its_split_and_weight(tmp_path: Path) -> None:
    rows = table([row(number, _weight=1 + number % 3, _ppm=MILLION + number) for number in range(20)])

    made = finished(tmp_path, rows, **USUAL)

    result = stored(tmp_path)
    assert made.rows == {"train": 14, "validation": 2, "test": 4}
    assert made.excluded == {}
    assert result.schema.names == dataset_schema(SCHEMA, "late", outputs=True).names
    assert result.column("_split").to_pylist() == ["train"] * 14 + ["validation"] * 2 + ["test"] * 4
    assert result.column("_weight").to_pylist() == [(1 + number % 3) * (MILLION + number) for number in range(20)]
    assert result.column("late").to_pylist() == [int(number % 3 == 0) for number in range(20)]
    for name in ("_id", "_external_id", "_request_id", "_at", "distance", "seats", "carrier", "night"):
        assert result.column(name).to_pylist() == rows.column(name).to_pylist()


def test_its_name_is_the_digest_of_the_rows_in_its_files(tmp_path: Path) -> None:
    """Whoever has the files can see that they are what the name says, whatever the parts."""
    made = finished(tmp_path, table([row(number) for number in range(20)]), **USUAL)

    digest = Digest(dataset_schema(SCHEMA, "late", outputs=True))
    digest.add(canonical(stored(tmp_path), digest.schema))
    assert made.dataset == digest.hexdigest()


def test_a_dataset_that_was_published_has_the_name_that_it_had(tmp_path: Path) -> None:
    """The names of all datasets depend on how they are split and weighed as well."""
    rows = [row(number, _external_id=f"{number // 2}") for number in range(40)]

    made = finished(
        tmp_path,
        table([*rows, original(7)]),
        split=Split(by=SplitBy.GROUP, group="_external_id", validation=0.2, test=0.2),
        weights=Weights(balanced=True, half_life=timedelta(days=1)),
        sample=Sample(rows=100, seed=3),
    )

    assert made.rows == {"train": 25, "validation": 8, "test": 8}
    assert made.dataset == "9d76b3a00ef2613d97087254eeaca07ad41a3676676436bda2bdd2fcec8db5b1"


def test_requests_that_connect_all_groups_leave_nothing_for_the_test(tmp_path: Path) -> None:
    """It is seen in the manifest, and can be told."""
    rows = [row(number, _request_id=f"request {number // 3}", _external_id=f"{number % 5}") for number in range(40)]

    made = finished(tmp_path, table(rows), split=Split(by=SplitBy.GROUP, group="_external_id", test=0.2))

    assert made.rows == {"train": 40, "validation": 0, "test": 0}
    assert [part.split for part in made.parts] == ["train"]


@given(st.integers(1, 41), st.booleans())
def test_the_batches_that_rows_come_in_change_no_byte(
    tmp_path_factory: pytest.TempPathFactory,
    size: int,
    as_spark: bool,  # noqa: FBT001 - drawn
) -> None:
    rows = table([*(row(number, _request_id=f"request {number // 2}") for number in range(40)), original(1)])
    recipe: dict[str, Any] = {**USUAL, "weights": Weights(balanced=True, half_life=timedelta(days=1))}
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    handed = _otherwise(rows) if as_spark else rows

    whole = finished(one, rows, size=1_000, **recipe)
    pieces = finished(other, handed, size=size, **recipe)

    assert pieces == whole
    assert everything(other) == everything(one)


def _otherwise(rows: pa.Table) -> pa.Table:
    """The same rows with other types: long texts, dictionaries, nanoseconds, other integers."""
    for name, kind in (
        ("_id", pa.large_string()),
        ("_at", pa.timestamp("ns", "Europe/Zurich")),
        ("_weight", pa.int64()),
        ("prediction", pa.int32()),
    ):
        rows = rows.set_column(rows.schema.get_field_index(name), name, rows.column(name).cast(kind))
    for name in ("carrier", "_request_id"):
        rows = rows.set_column(rows.schema.get_field_index(name), name, rows.column(name).dictionary_encode())
    return rows


def test_what_an_earlier_attempt_left_is_gone(tmp_path: Path) -> None:
    finished(tmp_path, table([row(number) for number in range(20)]), **USUAL)

    finished(tmp_path, table([row(number) for number in range(20)]), split=Split(test=0.0))

    assert set(everything(tmp_path)) == {"MLTable", "train/part-00000.parquet"}


def test_duckdb_reads_it(tmp_path: Path) -> None:
    finished(tmp_path, table([row(number) for number in range(20)]), **USUAL)

    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT _split, count(*), sum(_weight), min(_id), max(distance), count(seats), typeof(any_value(_at)) "
            f"FROM '{tmp_path}/*/part-*.parquet' GROUP BY _split ORDER BY min(_id)"
        ).fetchall()

    assert found == [
        ("train", 14, 14 * MILLION, row(0)["_id"], 13 * 100.5, 12, "TIMESTAMP WITH TIME ZONE"),
        ("validation", 2, 2 * MILLION, row(14)["_id"], 15 * 100.5, 2, "TIMESTAMP WITH TIME ZONE"),
        ("test", 4, 4 * MILLION, row(16)["_id"], 19 * 100.5, 3, "TIMESTAMP WITH TIME ZONE"),
    ]


def test_pandas_reads_a_split_by_its_folder(tmp_path: Path) -> None:
    finished(tmp_path, table([row(number) for number in range(20)]), **USUAL)

    train = pd.read_parquet(tmp_path / "train")

    assert len(train) == 14
    assert train["distance"].tolist() == [100.5 * number for number in range(14)]
    assert train["_at"].iloc[0] == MIDNIGHT


def test_rows_that_no_part_can_take_are_left_out_and_counted(tmp_path: Path) -> None:
    """A carrier that flies on both sides of the cut would be known from training when it is tested."""
    rows = [
        row(number, carrier="DL" if number in {0, 19} else "AA" if number == 10 else f"C{number}")
        for number in range(20)
    ]

    made = finished(tmp_path, table(rows), split=Split(test=0.2, group="carrier"))

    assert made.excluded == {"spans_split": 2}
    assert made.rows == {"train": 15, "validation": 0, "test": 3}
    result = stored(tmp_path)
    assert "DL" not in result.column("carrier").to_pylist()
    assert result.num_rows == 18


def test_original_rows_are_for_training_and_older_than_what_was_captured(tmp_path: Path) -> None:
    rows = table([*(row(number * 24) for number in range(5)), original(1), original(2, _ppm=2 * MILLION)])

    made = finished(tmp_path, rows, split=Split(test=0.2), weights=Weights(half_life=timedelta(days=2)))

    result = stored(tmp_path)
    assert made.rows == {"train": 6, "validation": 0, "test": 1}
    assert result.column("_weight").to_pylist() == [250_000, 353_553, 500_000, 707_107, MILLION, 250_000, 500_000]
    assert result.column("_at").to_pylist()[-2:] == [None, None]


def test_original_rows_are_for_training_whatever_their_time(tmp_path: Path) -> None:
    late = MIDNIGHT + timedelta(days=9)

    made = finished(tmp_path, table([*map(row, range(10)), original(1, _at=late)]), split=Split(test=0.2))

    assert made.rows == {"train": 9, "validation": 0, "test": 2}
    assert stored(tmp_path).column("_split").to_pylist()[-1] == "train"


@pytest.mark.parametrize("missing", ["_request_id", "carrier"])
def test_rows_without_a_request_or_group_do_not_belong_together(tmp_path: Path, missing: str) -> None:
    rows = table([row(number, **{"carrier": f"C{number}", missing: None}) for number in range(10)])

    made = finished(tmp_path, rows, split=Split(by=SplitBy.GROUP, group="carrier", test=0.5))

    assert made.rows == {"train": 5, "validation": 0, "test": 5}


@pytest.mark.parametrize("name", ["_external_id", "carrier", "distance", "seats", "night"])
def test_any_feature_may_be_the_group_and_so_may_the_external_id(tmp_path: Path, name: str) -> None:
    rows = table([row(number, _external_id=f"{number % 4}", distance=float(number % 4)) for number in range(40)])

    finished(tmp_path, rows, split=Split(by=SplitBy.GROUP, group=name, test=0.3))

    places: dict[object, set[str]] = {}
    for one in stored(tmp_path).to_pylist():
        places.setdefault(one["_id"] if one[name] is None else one[name], set()).add(one["_split"])
    assert all(len(where) == 1 for where in places.values())


def test_a_group_need_not_be_kept(tmp_path: Path) -> None:
    """An account number keeps the rows of its holder together, and is nothing to learn from."""
    by = plan(split=Split(by=SplitBy.GROUP, group="carrier", test=0.5))
    kept = replace(SCHEMA, features=tuple(one for one in SCHEMA.features if one.name != "carrier"))

    finish(batches(table([row(number) for number in range(10)])), replace(by, schema=kept), tmp_path)

    places = {(int(one["_id"][:8]) % 2, one["_split"]) for one in stored(tmp_path).to_pylist()}
    assert "carrier" not in stored(tmp_path).column_names
    assert len(places) == 2


def test_classes_weigh_what_the_recipe_says_by_the_text_of_the_actual(tmp_path: Path) -> None:
    rows = table([row(number) for number in range(10)])

    finished(tmp_path, rows, split=Split(test=0.0), weights=Weights(classes={"1": 2.5}))

    weights = {one["late"]: one["_weight"] for one in stored(tmp_path).to_pylist()}
    assert weights == {0: MILLION, 1: 2_500_000}


@pytest.mark.parametrize("kind", [pa.float64(), pa.bool_()])
def test_booleans_are_classes_by_their_words_however_they_are_handed_over(tmp_path: Path, kind: pa.DataType) -> None:
    rows = table([row(number) for number in range(10)])
    at = rows.schema.get_field_index("_actual")
    by = plan(split=Split(test=0.0), weights=Weights(classes={"true": 2.5}))
    answering = replace(SCHEMA, outputs=(Output(name="late", type=FeatureType.BOOLEAN),))

    finish(
        batches(rows.set_column(at, "_actual", rows.column("_actual").cast(kind))),
        replace(by, schema=answering),
        tmp_path,
    )

    weights = {one["late"]: one["_weight"] for one in stored(tmp_path).to_pylist()}
    assert weights == {False: MILLION, True: 2_500_000}


def test_rows_without_an_actual_are_kept_without_one(tmp_path: Path) -> None:
    made = finished(tmp_path, table([row(0, _actual=None), row(1)]), split=Split(test=0.0))

    assert [column.missing for column in made.columns if column.name == "late"] == [1]


def test_no_rows_make_a_dataset_without_parts(tmp_path: Path) -> None:
    made = finished(tmp_path, table([]), **USUAL)

    assert (made.rows, made.parts) == ({"train": 0, "validation": 0, "test": 0}, ())
    assert made.dataset == Digest(dataset_schema(SCHEMA, "late", outputs=True)).hexdigest()


@pytest.mark.parametrize("places", [[1, 0], [0, 1, 2, 1]])
@pytest.mark.parametrize("size", [1, 2, 10])
def test_rows_out_of_order_are_refused(tmp_path: Path, places: list[int], size: int) -> None:
    """The digest is of rows in order: an engine that did not sort them would give another name to the same rows."""
    rows = table([row(number) for number in range(3)]).take(pa.array(places))

    with pytest.raises(ValueError, match="not in the order of their ids"):
        finished(tmp_path, rows, size=size, **USUAL)


@pytest.mark.parametrize("size", [1, 2, 10])
def test_an_id_of_two_rows_is_left_for_the_checks_to_refuse(tmp_path: Path, size: int) -> None:
    """They name the rows, and what they say is stored: here it would be a fault that is only met again."""
    rows = table([row(number) for number in range(3)]).take(pa.array([0, 1, 1]))

    made = finished(tmp_path, rows, size=size, **USUAL)

    assert sum(made.rows.values()) == 3
