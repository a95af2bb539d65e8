"""How the columns of two tables go together: what profiles say of them, without a version."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.profiles.cutting import cut
from shared.profiles.profile import profile
from shared.registry.inference import MOST_CATEGORIES
from shared.schema import Feature, FeatureType, Output, Schema
from shared.signals.exact.comparison import JointComparison
from shared.signals.exact.files import ParquetColumns, TableColumns
from shared.signals.exact.joint import ROWS_AT_ONCE, compare_jointly
from shared.signals.joint import joint

ROWS = 9_000
KINDS = ("a", "b", "c")


def rows(*, rho: float, seed: int, rows: int = ROWS) -> pa.Table:
    """Draw two numbers that go together, a third, a category and a flag; one number is missing now and then."""
    rng = np.random.default_rng(seed)
    one, other, third = rng.normal(size=(3, rows))
    return pa.table(
        {
            "one": one * 20 + 5,
            "other": rho * one + np.sqrt(1 - rho**2) * other,
            "third": pa.array(third, mask=rng.random(rows) < 0.1),
            "kind": rng.choice(KINDS, size=rows),
            "flag": rng.random(rows) < 0.5,
        }
    )


def compared(before: pa.Table, now: pa.Table, *, design_effect: float = 1.0) -> tuple[JointComparison, ...]:
    return compare_jointly(TableColumns(before), TableColumns(now), design_effect=design_effect)


def test_two_tables_are_as_far_apart_as_their_profiles() -> None:
    """More rows than pass at once: sums do not depend on where the table is cut."""
    before, now = rows(rho=0.5, seed=1), rows(rho=0.4, seed=2)
    types = {"kind": FeatureType.CATEGORY, "flag": FeatureType.BOOLEAN}
    features = tuple(
        Feature(
            name=name,
            type=types.get(name, FeatureType.FLOAT),
            nullable=True,
            categories=KINDS if name == "kind" else None,
        )
        for name in before.column_names
    )
    bins = cut(before, Schema(features=features, outputs=(Output(name="score", type=FeatureType.FLOAT),)))
    sides = [profile(side, bins) for side in (before, now)]

    found = compared(before, now, design_effect=2.0)

    assert len(before) > ROWS_AT_ONCE
    for mine, expected in zip(found, joint(bins.joint, *sides, design_effect=2.0), strict=True):
        assert (mine.metric, mine.features) == (expected.metric, expected.feature)
        assert mine.value == pytest.approx(expected.value, abs=1e-4)
        assert mine.p_value == pytest.approx(expected.p_value, rel=0.05)


def test_a_correlation_that_turns_is_seen_and_named() -> None:
    """Every column by itself is as it was."""
    mmd, correlation = compared(rows(rho=0.6, seed=3), rows(rho=-0.6, seed=4))
    same = compared(rows(rho=0.6, seed=3), rows(rho=0.6, seed=5))

    assert correlation.features == "one and other"
    assert correlation.value == pytest.approx(1.2, abs=0.05)
    for moved, still in zip((mmd, correlation), same, strict=True):
        assert moved.p_value is not None
        assert still.p_value is not None
        assert moved.p_value < 1e-6
        assert still.p_value > 1e-3


def test_a_file_gives_what_its_table_gives(tmp_path: Path) -> None:
    """Also where its row groups have other dictionaries, and are no multiple of what is read at once."""
    before, now = (rows(rho=rho, seed=seed, rows=25_000) for rho, seed in ((0.2, 6), (0.3, 7)))
    paths = [tmp_path / "before.parquet", tmp_path / "now.parquet"]
    for table, path in zip((before, now), paths, strict=True):
        pq.write_table(table, path, row_group_size=11_000)

    from_files = compare_jointly(*map(ParquetColumns, paths))

    assert from_files == compared(before, now)


@pytest.mark.parametrize("kind", ["table", "file"])
def test_rows_pass_a_few_at_a_time(tmp_path: Path, kind: str) -> None:
    """A row group has a million rows: whole, with all of its columns, it would take half a gigabyte."""
    table = rows(rho=0.0, seed=8, rows=5_000)
    pq.write_table(table, tmp_path / "rows.parquet")
    columns = TableColumns(table) if kind == "table" else ParquetColumns(tmp_path / "rows.parquet")

    batches = list(columns.batches(["other", "one"], rows=700))

    assert max(map(len, batches)) <= 700
    assert pa.concat_tables(batches).select(["one", "other"]) == table.select(["one", "other"])


@pytest.mark.parametrize(
    "bad",
    [
        pa.array([b"x"] * ROWS),
        pa.array([[1.0]] * ROWS),
        pa.array([f"text {place % (MOST_CATEGORIES + 1)}" for place in range(ROWS)]),
        pa.nulls(ROWS),
        pa.array(["always"] * ROWS),
    ],
    ids=["bytes", "lists", "too many texts", "nothing", "one text"],
)
def test_a_column_that_says_nothing_is_left_out(bad: pa.Array) -> None:
    """And the others are compared all the same."""
    before, now = rows(rho=0.5, seed=1), rows(rho=0.4, seed=2)

    with_bad = compared(before.append_column("bad", bad), now.append_column("bad", bad))

    assert [one.metric for one in with_bad] == ["mmd_gaussian", "correlation_change"]
    assert with_bad[1] == compared(before, now)[1]


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({"x": []}, {"x": [1.0]}),
        ({"x": [1.0]}, {"x": [1.0]}),
        ({"x": [1.0, 2.0]}, {"x": pa.array([], pa.float64())}),
        ({"x": [1.0, 2.0]}, {"y": [1.0, 2.0]}),
        ({"x": [b"1", b"2"]}, {"x": [b"1", b"2"]}),
    ],
)
def test_where_nothing_can_be_compared_nothing_is_said(before: dict[str, Any], now: dict[str, Any]) -> None:
    assert compared(pa.table(before), pa.table(now)) == ()


@pytest.mark.parametrize(
    "now",
    [[3.0, 3.0] * 50, [1e308, -1e308] * 50, [float("inf"), float("nan")] * 50, [None] * 100, [1e-320, 2e-320] * 50],
)
@pytest.mark.parametrize("before", [[3.0, 4.0] * 50, [3.0] * 100, [1e308, -1e308] * 50, [1e-320, 2e-320] * 50])
def test_odd_columns_give_numbers_or_nothing(before: list[float], now: list[float | None]) -> None:
    """Nothing that JSON cannot hold."""
    plain = [1.0, 2.0, 3.0, 5.0] * 25

    found = compared(pa.table({"x": before, "y": plain}), pa.table({"x": pa.array(now, pa.float64()), "y": plain}))

    values = [value for one in found for value in (one.value, one.p_value) if value is not None]
    assert np.isfinite(values).all()
    assert msgspec.json.decode(msgspec.json.encode(found), type=tuple[JointComparison, ...]) == found
