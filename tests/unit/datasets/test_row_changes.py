"""Rows added, removed and changed, against the plain way of comparing two dictionaries."""

import tempfile
from pathlib import Path
from typing import Any

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.datasets.difference import Ids, RowChanges
from shared.datasets.manifest import TEST, TRAIN
from shared.datasets.row_changes import row_changes
from tests.unit.datasets.finished_datasets import parts, rows

SHAPE = pa.schema([("_id", pa.string()), ("_split", pa.string()), ("a", pa.float64()), ("b", pa.string())])
some_rows = st.dictionaries(
    st.integers(0, 15).map("row-{:02}".format),
    st.fixed_dictionaries(
        {
            "_split": st.sampled_from([TRAIN, TEST]),
            "a": st.none() | st.sampled_from([0.0, 1.0]),
            "b": st.none() | st.sampled_from(["", "x"]),
        }
    ),
)
Rows = dict[str, dict[str, Any]]


def _compared(before: Rows, now: Rows) -> RowChanges:
    with tempfile.TemporaryDirectory() as folder:
        sides = [
            parts(
                Path(folder, name),
                {
                    split: pa.Table.from_pylist(
                        [{"_id": one, **side[one]} for one in sorted(side) if side[one]["_split"] == split],
                        schema=SHAPE,
                    )
                    for split in (TRAIN, TEST)
                },
            )
            for name, side in (("before", before), ("now", now))
        ]
        return row_changes(sides[0], sides[1], told=lambda _: None)


@settings(max_examples=60)
@given(some_rows, some_rows)
def test_changes_are_those_of_two_dictionaries(before: Rows, now: Rows) -> None:
    found = _compared(before, now)

    both = before.keys() & now.keys()
    differing = {name: sum(before[one][name] != now[one][name] for one in both) for name in ("_split", "a", "b")}
    assert set(found.added.ids) == now.keys() - before.keys()
    assert set(found.removed.ids) == before.keys() - now.keys()
    assert set(found.changed.ids) == {one for one in both if before[one] != now[one]}
    assert found.columns == {name: count for name, count in differing.items() if count}
    assert found.same == sum(before[one] == now[one] for one in both)


def test_twenty_ids_are_named_in_the_order_of_their_parts(tmp_path: Path) -> None:
    before = parts(tmp_path / "before", {TRAIN: rows(TRAIN, 100)})
    now = parts(tmp_path / "now", {TRAIN: rows(TRAIN, 30), TEST: rows(TEST, 40)})

    found = row_changes(before, now, told=lambda _: None)

    assert found.added == Ids(rows=40, ids=tuple(f"test-{number:06}" for number in range(20)))
    assert found.removed == Ids(rows=70, ids=tuple(f"train-{number:06}" for number in range(30, 50)))


def test_columns_that_are_not_of_both_change_no_row(tmp_path: Path) -> None:
    """They are told as columns; otherwise every row would have changed, and nothing were said."""
    table = rows(TRAIN, 20)
    other = table.drop_columns(["carrier"]).set_column(7, "stops", table["stops"].cast(pa.float64()))
    compared: list[str] = []

    found = row_changes(
        parts(tmp_path / "a", {TRAIN: table}), parts(tmp_path / "b", {TRAIN: other}), told=compared.append
    )

    assert found.same == 20
    assert not {"carrier", "stops"} & set(compared)
