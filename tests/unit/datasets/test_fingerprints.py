"""Equal values have equal fingerprints and others have others, however they are stored and cut."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets import fingerprints
from shared.datasets.checks.sample import sample
from shared.datasets.manifest import TEST, TRAIN
from tests.unit.datasets.finished_datasets import parts, rows, sound

COLUMNS = {
    pa.string(): st.text(max_size=4),
    pa.float64(): st.floats(width=16),
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.bool_(): st.booleans(),
    pa.timestamp("us", tz="UTC"): st.integers(-(2**40), 2**40),
}


@pytest.mark.parametrize("of", COLUMNS, ids=str)
@given(data=st.data())
def test_fingerprints_are_equal_where_values_are(of: pa.DataType, data: st.DataObject) -> None:
    """Missing is a value of its own; there is one NaN, and one zero."""
    values = data.draw(st.lists(st.none() | COLUMNS[of], min_size=1, max_size=30))
    column = pa.chunked_array([pa.array(values, of)])

    found = fingerprints.fingerprints(column)

    names = [_name(one) for one in values]
    assert [[a == b for b in names] for a in names] == [[a == b for b in found] for a in found]


def _name(value: Any) -> object:  # noqa: ANN401 - whatever is drawn
    if isinstance(value, float):
        return "nan" if np.isnan(value) else value + 0.0
    return ("nothing",) if value is None else value


@given(st.lists(st.none() | st.sampled_from(["", "a", "b", "ab"]), min_size=2, max_size=30), st.integers(0, 30))
def test_fingerprints_do_not_depend_on_how_a_column_is_stored(values: list[str | None], cut: int) -> None:
    whole = pa.array(values, pa.string())
    ways = [
        pa.chunked_array([whole]),
        pa.chunked_array([whole.slice(0, cut), whole.slice(cut)]),
        pa.chunked_array([whole.dictionary_encode()]),
        pa.chunked_array([pa.array(["x", *values], pa.string()).slice(1)]),
    ]

    found = [fingerprints.fingerprints(one).tolist() for one in ways]

    assert all(one == found[0] for one in found)


def test_which_column_a_value_is_in_matters() -> None:
    found = fingerprints.of_rows(pa.table({"a": [1, 2, None], "b": [2, 1, None]}))

    assert len(set(found.tolist())) == 3


def test_a_sample_depends_on_the_ids_alone(tmp_path: Path) -> None:
    """And stands for all parts."""
    train = rows(TRAIN, 4_000)
    one = parts(tmp_path / "one", {TRAIN: train, TEST: rows(TEST, 1_000)})
    other = parts(tmp_path / "other", {TEST: rows(TEST, 1_000), TRAIN: train.take(list(range(4_000))[::-1])})

    found = [sample(files, ["_id", "_split"], most=1_000) for files in (one, other)]

    assert set(found[0]["_id"].to_pylist()) == set(found[1]["_id"].to_pylist())
    assert len(found[0]) == pytest.approx(1_000, abs=120)
    assert found[0]["_split"].to_pylist().count(TEST) == pytest.approx(200, abs=60)


def test_few_rows_are_sampled_whole(tmp_path: Path) -> None:
    assert len(sample(sound(tmp_path), ["_id"], most=1_000)) == 1_000


def test_ids_are_found_by_their_places_over_all_parts(tmp_path: Path) -> None:
    files = sound(tmp_path, train=10, test=4)

    assert files.ids([0, 5, 9, 10, 13]) == (
        "train-000000", "train-000005", "train-000009", "test-000000", "test-000003",
    )  # fmt: skip
    assert files.ids([]) == ()
    assert files.read("carrier").cast(pa.string()).to_pylist()[10:] == rows(TEST, 4)["carrier"].to_pylist()
