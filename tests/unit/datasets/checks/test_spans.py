"""Rows that were left out because they belong together: where they are many, it is said what holds them together."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.datasets.checks import spans
from shared.datasets.manifest import Check, Outcome
from shared.datasets.recipe import Recipe, Split
from tests.unit.datasets.finished_datasets import AS_OF, made


def _checked(
    folder: Path,
    requests: Sequence[str | None],
    *,
    left_out: int,
    split: Split | None = None,
    apart: timedelta = timedelta(hours=2),
) -> Check:
    """Return what is said of rows of these requests, in two files, of which some were left out; each is so much later."""
    half = len(requests) // 2
    files = [folder / "0.parquet", folder / "1.parquet"]
    at = pa.array([AS_OF + row * apart for row in range(len(requests))], pa.timestamp("us", tz="UTC"))
    rows = pa.table({"_request_id": pa.array(requests, pa.string()), "_at": at})
    for file, some in zip(files, (rows.slice(0, half), rows.slice(half)), strict=True):
        pq.write_table(some, file)
    manifest = made(recipe=Recipe(model="flights", split=split or Split()), excluded={"spans_split": left_out})
    return spans.check(files, msgspec.structs.replace(manifest, rows={"train": len(requests) - left_out}))


def test_one_request_id_of_all_rows_is_named_with_their_number(tmp_path: Path) -> None:
    """A client that sends the same header with all it asks makes one unit of it, and no split can take that."""
    found = _checked(tmp_path, [None, *["always"] * 90, *map(str, range(9))], left_out=90)

    assert found.outcome is Outcome.WARNED
    assert "90 of 100 rows (90 %) belong with rows of another part, and were left out" in found.reason
    assert "one request id stands for 90 rows ('always')" in found.reason
    assert "X-Request-ID" in found.reason


def test_a_request_of_many_rows_that_are_moments_apart_is_no_cause(tmp_path: Path) -> None:
    """It is taken whole, so that what was left out is another's: of a group, say, that lasts for days."""
    of_group = Split(group="carrier")

    batch = _checked(tmp_path, ["batch"] * 100, left_out=40, split=of_group, apart=timedelta(seconds=1))
    days = _checked(tmp_path, ["batch"] * 100, left_out=40, split=of_group)

    assert "split.group (carrier)" in batch.reason
    assert "('batch')" in days.reason


@pytest.mark.parametrize(("left_out", "outcome"), [(0, Outcome.OK), (5, Outcome.OK), (6, Outcome.WARNED)])
def test_at_a_bound_some_always_lie(tmp_path: Path, left_out: int, outcome: Outcome) -> None:
    assert _checked(tmp_path, ["one"] * 100, left_out=left_out).outcome is outcome


def test_without_rows_nothing_was_left_out(tmp_path: Path) -> None:
    assert _checked(tmp_path, [], left_out=0).outcome is Outcome.OK


@pytest.mark.parametrize(
    ("split", "cause"),
    [(Split(group="carrier"), "split.group (carrier) keeps rows of all times together"), (None, "last for more than")],
)
def test_where_no_request_is_most_of_them_another_cause_is_named(
    tmp_path: Path, split: Split | None, cause: str
) -> None:
    requests = [f"request {number // 10}" for number in range(100)]

    assert cause in _checked(tmp_path, requests, left_out=40, split=split).reason
    assert cause in _checked(tmp_path, [None] * 100, left_out=40, split=split).reason
