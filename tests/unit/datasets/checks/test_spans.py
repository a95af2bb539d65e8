"""Rows that were left out because they belong together: where they are many, it is said what holds them together."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.datasets.checks import spans
from shared.datasets.manifest import Check, Outcome
from shared.datasets.recipe import Recipe, Split
from tests.unit.datasets.finished_datasets import made


def _checked(folder: Path, requests: Sequence[str | None], *, left_out: int, split: Split | None = None) -> Check:
    """Return what is said of rows of these requests, in two files, of which some were left out."""
    half = len(requests) // 2
    files = [folder / "0.parquet", folder / "1.parquet"]
    for file, some in zip(files, (requests[:half], requests[half:]), strict=True):
        pq.write_table(pa.table({"_request_id": pa.array(some, pa.string())}), file)
    manifest = made(recipe=Recipe(model="flights", split=split or Split()), excluded={"spans_split": left_out})
    return spans.check(files, msgspec.structs.replace(manifest, rows={"train": len(requests) - left_out}))


def test_one_request_id_of_all_rows_is_named_with_their_number(tmp_path: Path) -> None:
    """A client that sends the same header with all it asks makes one unit of it, and no split can take that."""
    found = _checked(tmp_path, [None, *["always"] * 90, *map(str, range(9))], left_out=90)

    assert found.outcome is Outcome.WARNED
    assert "90 of 100 rows (90 %) belong with rows of another part, and were left out" in found.reason
    assert "one request id stands for 90 rows ('always')" in found.reason
    assert "X-Request-ID" in found.reason


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
