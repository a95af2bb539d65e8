"""Comparing tables: every metric against the formulas of scipy, and one bad column that stops no other."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from shared.signals.exact.comparing import compare
from shared.signals.exact.comparison import Comparison, Side
from shared.signals.exact.files import ParquetColumns, TableColumns

ROOT = Path(__file__).parents[4]


def compared(before: dict[str, Any], now: dict[str, Any], *, design_effect: float = 1.0) -> dict[str, Comparison]:
    """Compare two tables in memory."""
    sides = TableColumns(pa.table(before)), TableColumns(pa.table(now))
    return {one.feature: one for one in compare(*sides, design_effect=design_effect)}


def with_gaps(values: Any, *, seed: int) -> pa.Array:  # noqa: ANN401 - anything numpy draws
    """Make one value in a hundred null."""
    return pa.array(values, mask=np.random.default_rng(seed).random(len(values)) < 0.01)


def test_metrics_of_a_number_are_those_of_its_rows() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.lognormal(size=20_000), rng.lognormal(0.05, 1.1, size=8_000)

    found = compared({"x": with_gaps(a, seed=2)}, {"x": with_gaps(b, seed=3)})["x"]

    a, b = (side[np.random.default_rng(seed).random(len(side)) >= 0.01] for side, seed in ((a, 2), (b, 3)))
    edges = [-np.inf, *np.quantile(a, np.arange(1, 10) / 10, method="inverted_cdf"), np.inf]
    p, q = (np.bincount(np.digitize(side, edges[1:-1], right=True), minlength=10) for side in (a, b))
    smooth = [(side + 0.5) / (side + 0.5).sum() for side in (p, q)]
    welch = stats.ttest_ind(b, a, equal_var=False)
    ks = stats.ks_2samp(a, b, method="asymp")
    rows = len(a) * len(b) / (len(a) + len(b))
    assert found.metrics == pytest.approx(
        {
            "psi": np.sum((smooth[1] - smooth[0]) * np.log(smooth[1] / smooth[0])),
            "jensen_shannon_distance": jensenshannon(p, q, base=2),
            "ks": ks.statistic,
            "wasserstein_normalised": stats.wasserstein_distance(a, b) / np.std(a),
            "mean_shift": (np.mean(b) - np.mean(a)) / np.std(a),
            "missing_share_increase": (8_000 - len(b)) / 8_000 - (20_000 - len(a)) / 20_000,
        },
        rel=1e-9,
    )
    assert found.p_values["ks"] == pytest.approx(stats.kstwobign.sf(np.sqrt(rows) * ks.statistic), rel=1e-9)
    assert found.p_values["mean_shift"] == pytest.approx(2 * stats.norm.sf(abs(welch.statistic)), rel=1e-9)
    assert found.p_values.keys() == {"ks", "mean_shift", "missing_share_increase"}


@pytest.mark.parametrize("as_dictionary", [False, True])
def test_metrics_of_a_category_are_those_of_the_contingency_table(as_dictionary: bool) -> None:  # noqa: FBT001
    """Also where either side has categories of its own, and where a file's row groups have other dictionaries."""
    rng = np.random.default_rng(4)
    a = rng.choice(["a", "b", "c", "gone"], p=[0.5, 0.3, 0.1, 0.1], size=9_000)
    b = rng.choice(["new", "c", "b", "a"], p=[0.01, 0.14, 0.35, 0.5], size=5_000)
    columns = [pa.chunked_array([side[:1_000], side[1_000:]]) for side in (a, b)]
    if as_dictionary:
        columns = [pa.chunked_array([chunk.dictionary_encode() for chunk in column.chunks]) for column in columns]

    found = compared({"x": columns[0]}, {"x": columns[1]})["x"]

    names = ["a", "b", "c", "gone", "new"]
    p, q = (np.array([np.count_nonzero(side == name) for name in names]) for side in (a, b))
    smooth = [(side + 0.5) / (side + 0.5).sum() for side in (p, q)]
    expected = stats.chi2_contingency(np.vstack((p, q)), correction=False)
    assert found.metrics == pytest.approx(
        {
            "psi": np.sum((smooth[1] - smooth[0]) * np.log(smooth[1] / smooth[0])),
            "jensen_shannon_distance": jensenshannon(p, q, base=2),
            "chi_squared": expected.statistic,
            "l_infinity": np.max(np.abs(p / 9_000 - q / 5_000)),
            "missing_share_increase": 0.0,
        },
        rel=1e-9,
    )
    assert found.p_values["chi_squared"] == pytest.approx(expected.pvalue, rel=1e-9)


def test_a_file_gives_what_its_table_gives(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    tables = [
        pa.table(
            {
                "x": with_gaps(rng.normal(size=3_000), seed=1),
                "prediction": rng.random(3_000),
                "prediction.score": rng.integers(0, 9, size=3_000),
                "kind": with_gaps(rng.choice(["a", "b", "ü"], size=3_000), seed=2),
                "flag": rng.random(3_000) < 0.5,
            }
        )
        for _ in range(2)
    ]
    paths = [tmp_path / "before.parquet", tmp_path / "now.parquet"]
    for table, path in zip(tables, paths, strict=True):
        pq.write_table(table, path, row_group_size=1_000)

    from_files = list(compare(ParquetColumns(paths[0]), ParquetColumns(paths[1])))

    assert from_files == list(compare(TableColumns(tables[0]), TableColumns(tables[1])))
    assert [one.unknown for one in from_files] == [None] * 5


GOOD = {"good": np.random.default_rng(6).normal(size=300)}


@pytest.mark.parametrize(
    ("before", "now", "why"),
    [
        ([1.0, 2.0], [None, None], "no value to compare"),
        ([None, float("nan")], [1.0], "the baseline holds no value"),
        ([1.0], [float("inf"), -float("inf")], "no value to compare"),
        ([1.0, 2.0], ["a", "b"], "double before and string now cannot be compared"),
        (["a"], [None], "no value to compare"),
        ([[1.0]], [[2.0]], "list<.*> cannot be compared"),
        ([b"a"], [b"b"], "binary cannot be compared"),
        ([], [1.0], "the baseline holds no value"),
        ([None], [None], "the baseline holds no value"),
    ],
)
def test_a_column_that_cannot_be_compared_says_why(before: list[Any], now: list[Any], why: str) -> None:
    """And its neighbours are compared all the same."""
    columns = [
        {"bad": pa.array(bad + [None] * (300 - len(bad)) if bad else bad), **(GOOD if bad else {})}
        for bad in (before, now)
    ]

    found = compared(*columns)

    assert re.search(why, found["bad"].unknown or "")
    assert "ks" not in found["bad"].metrics
    if before and now:
        assert found["good"].metrics["ks"] == 0.0


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ([3.0] * 50, [3.0] * 50),
        ([3.0] * 50, [4.0] * 50),
        ([1e308, -1e308] * 50, [1e308, -1e308] * 50),
        ([1e308, -1e308] * 50, [0.0] * 50),
        ([1.0, 2.0] * 50, [1e308, -1e308] * 50),
        ([1e-320, 2e-320] * 50, [1e-310] * 50),
        ([5.0], [5.0]),
        (["a"] * 50, ["a"] * 50),
    ],
)
def test_odd_columns_give_numbers_or_nothing(before: list[Any], now: list[Any]) -> None:
    """Nothing that JSON cannot hold, and what has not moved is at no distance."""
    found = compared({"x": before}, {"x": now})["x"]

    assert found.unknown is None
    assert all(np.isfinite([*found.metrics.values(), *found.p_values.values()]))
    assert msgspec.json.decode(msgspec.json.encode(found), type=Comparison) == found
    if before == now:
        assert set(found.metrics.values()) == {0.0}


def test_huge_and_tiny_numbers_have_the_metrics_of_ordinary_ones() -> None:
    """Every metric is relative to the baseline: a unit that suits the numbers changes none."""
    rng = np.random.default_rng(7)
    a, b = rng.normal(size=500), rng.normal(0.4, size=400)

    ordinary, huge, tiny = (compared({"x": a * unit}, {"x": b * unit})["x"] for unit in (1.0, 2.0**900, 2.0**-900))

    assert ordinary == huge == tiny


def test_a_million_categories_are_compared() -> None:
    names = pa.array(np.arange(1_000_000)).cast(pa.string())

    found = compared({"id": names}, {"id": names[::2]})["id"]

    assert found.metrics["l_infinity"] == pytest.approx(1e-6)
    assert found.metrics["jensen_shannon_distance"] == pytest.approx(jensenshannon([1, 1], [1, 0], base=2))


def test_missing_rows_are_a_metric_of_their_own() -> None:
    """A number that is lost in the current rows has no distance, and yet is the largest change there can be."""
    found = compared({"x": [1.0] * 200}, {"x": pa.nulls(100, pa.float64())})["x"]

    assert found.baseline == Side(rows=200, missing=0)
    assert found.current == Side(rows=100, missing=100)
    assert found.metrics == {"missing_share_increase": 1.0}
    assert found.p_values["missing_share_increase"] < 1e-20


def test_columns_that_only_one_side_has_are_named() -> None:
    found = compared({"a": [1.0], "b": ["x"]}, {"b": ["x"], "c": [2.0]})

    assert {name: one.unknown for name, one in found.items()} == {
        "a": "it is not in the current rows",
        "b": None,
        "c": "it is not in the baseline",
    }


def test_a_design_effect_makes_rows_worth_less() -> None:
    rng = np.random.default_rng(8)
    columns: list[dict[str, Any]] = [
        {"x": rng.normal(mean, size=500), "kind": rng.choice(["a", "b"], p=[0.5 + mean, 0.5 - mean], size=500)}
        for mean in (0.0, 0.1)
    ]

    eager, careful = compared(*columns), compared(*columns, design_effect=4.0)

    for name in ("x", "kind"):
        assert eager[name].metrics == careful[name].metrics
        for metric, p_value in eager[name].p_values.items():
            assert p_value < careful[name].p_values[metric] or p_value == 1.0


def test_comparing_files_loads_neither_pandas_nor_scipy(tmp_path: Path) -> None:
    """They take longer to load, and more memory, than comparing 100,000 rows of 50 columns does."""
    path = tmp_path / "rows.parquet"
    pq.write_table(
        pa.table({"x": pa.array([1.5, None]), "whole": [1, 2], "kind": ["a", "b"], "flag": [True, None]}), path
    )
    program = f"""
import sys
from pathlib import Path
from shared.signals.exact.comparing import compare
from shared.signals.exact.files import ParquetColumns
found = list(compare(*[ParquetColumns(Path({str(path)!r})) for _ in range(2)]))
print(len(found), [name for name in ("pandas", "scipy") if name in sys.modules])
"""

    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr, ended.stdout.strip()) == (0, "", "4 []")
