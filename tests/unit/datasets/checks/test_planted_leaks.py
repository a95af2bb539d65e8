"""What must not get through, planted in a dataset with nothing else wrong: refused, and for the right reason."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.datasets.accepting import ACCEPTABLE, problem
from shared.datasets.checks import accept, check, refusing
from shared.datasets.manifest import TEST, TRAIN, Check, Outcome
from shared.schema import Feature, FeatureType
from tests.unit.datasets.finished_datasets import AS_OF, late, made, rows, written

KNOWN = pa.table(
    {
        "_id": ["a"],
        "_request_id": ["r"],
        "_at": [AS_OF - timedelta(hours=3)],
        "_actual_at": [AS_OF - timedelta(hours=2)],
    }
)
SOUND = {TRAIN: rows(TRAIN, 800), TEST: rows(TEST, 200)}
NAMES = [
    "schema", "empty_part", "spans_split", "missing_actuals", "duplicates", "told_by_feature", "known_before", "overlap",
    "drift",
]  # fmt: skip


def _checked(
    folder: Path, tables: Mapping[str, pa.Table], *more: Feature, times: pa.Table = KNOWN
) -> tuple[Check, ...]:
    ordered = folder / "ordered.parquet"
    pq.write_table(times, ordered)
    return check([ordered], folder, made(*more, found=written(folder, tables)))


def test_a_sound_dataset_passes_every_check(tmp_path: Path) -> None:
    found = _checked(tmp_path, SOUND)

    assert [one.name for one in found] == NAMES
    assert {one.outcome for one in found} == {Outcome.OK}


def test_a_copy_of_the_actual_is_refused_by_name(tmp_path: Path) -> None:
    """As floats, turned round, under another name: what a trainer would take for a wonder."""
    tables = {one: rows(one, 600) for one in (TRAIN, TEST)}
    copied = {one: rows(one, 600, arrived=3.0 - 2.0 * late(table)) for one, table in tables.items()}

    found = _checked(tmp_path, copied, Feature(name="arrived", type=FeatureType.FLOAT))

    (refused,) = refusing(found)
    assert refused.name == "told_by_feature"
    assert "'arrived' (1.000)" in refused.reason
    assert "distance" not in refused.reason
    assert "leave out by features" in refused.reason
    assert len(refused.rows) == 20


def test_one_request_in_training_and_test_is_refused_with_its_rows(tmp_path: Path) -> None:
    train, test = rows(TRAIN, 300), rows(TEST, 100)
    requests = test["_request_id"].to_pylist()
    requests[7] = train["_request_id"][0].as_py()
    requests[70] = train["_request_id"][299].as_py()

    found = _checked(tmp_path, {TRAIN: train, TEST: rows(TEST, 100, _request_id=requests)})

    (refused,) = refusing(found)
    assert refused.name == "overlap"
    assert "2 rows of test are of a request that has rows in training as well" in refused.reason
    assert refused.rows == ("test-000007", "test-000070")


def test_actuals_that_happened_before_the_question_are_refused(tmp_path: Path) -> None:
    early = KNOWN.set_column(3, "_actual_at", [[AS_OF - timedelta(hours=4)]])

    (refused,) = refusing(_checked(tmp_path, SOUND, times=early))

    assert refused.name == "known_before"
    assert "asked after what they ask for had happened" in refused.reason
    assert refused.rows == ("a",)


def test_what_is_accepted_by_name_refuses_no_longer(tmp_path: Path) -> None:
    found = _checked(tmp_path, {TRAIN: rows(TRAIN, 300)})

    assert [one.name for one in refusing(found)] == ["empty_part"]
    assert refusing(accept(found, {"overlap"}))
    accepted = accept(found, {"empty_part", "schema"})
    assert not refusing(accepted)
    assert [one.name for one in accepted if one.accepted] == ["empty_part"]


@pytest.mark.parametrize(
    ("column", "name"), [("_request_id", "overlap"), ("_id", "duplicates"), ("distance", "schema")]
)
def test_what_makes_it_no_dataset_is_never_accepted(tmp_path: Path, column: str, name: str) -> None:
    """A request in training and test, an id of two rows, a value that may not be there: no tolerance was meant for those."""
    train = rows(TRAIN, 300)
    value = None if column == "distance" else train[column][0].as_py()
    planted: dict[str, Any] = {column: [value, *rows(TEST, 100)[column].to_pylist()[1:]]}
    test = rows(TEST, 100, **planted)

    found = accept(_checked(tmp_path, {TRAIN: train, TEST: test}), {"overlap", "duplicates", "schema"})

    (refused,) = refusing(found)
    assert (refused.name, refused.acceptable, refused.accepted) == (name, False, False)
    assert "that is never accepted: " in refused.reason


def test_every_check_is_known_to_whoever_accepts_it_or_not(tmp_path: Path) -> None:
    """A name that is misspelt would be accepted and do nothing."""
    for name in NAMES:
        assert "is no check" not in (problem(name) or "")
    assert {*ACCEPTABLE} <= {*NAMES}
    failing = _checked(tmp_path, {TRAIN: rows(TRAIN, 300)})
    assert all(problem(one.name) is None for one in refusing(failing) if one.acceptable)


def test_nothing_else_is_said_of_columns_that_are_wrong(tmp_path: Path) -> None:
    """Looking for a column that is not there would end the build with nothing said at all."""
    tables = {one: rows(one, 200).drop_columns(["carrier"]) for one in (TRAIN, TEST)}

    found = _checked(tmp_path, tables)

    assert [one.name for one in found] == ["schema", "empty_part", "spans_split"]
    assert "'carrier' is not there and should be string" in found[0].reason


def test_a_dataset_without_rows_is_refused(tmp_path: Path) -> None:
    (refused,) = refusing(_checked(tmp_path, {}))

    assert refused.name == "empty_part"
    assert "the dataset has no rows" in refused.reason


def test_many_checks_fail_together(tmp_path: Path) -> None:
    """Whoever mends one should know of the others."""
    train = rows(TRAIN, 300, distance=np.full(300, np.inf))
    test = rows(TEST, 300, _external_id=train["_external_id"])

    found = _checked(tmp_path, {TRAIN: train, TEST: test})

    assert [one.name for one in refusing(found)] == ["schema", "overlap"]
