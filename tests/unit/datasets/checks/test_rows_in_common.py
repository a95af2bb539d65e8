"""Rows that a dataset has twice, and rows that training shares with what it is tried on."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from shared.datasets.checks import duplicates, overlap
from shared.datasets.manifest import TEST, TRAIN, VALIDATION, Check, Outcome
from shared.datasets.recipe import Split
from tests.unit.datasets.finished_datasets import parts, rows, sound

COMPARED = ["distance", "stops", "carrier", "late"]


def _same_values(table: pa.Table, places: list[int]) -> pa.Table:
    """Return rows with ids of their own, and the values of the rows at ``places``."""
    values = table.take(places)
    for name in ("_id", "_external_id", "_request_id", "_at", "_split"):
        index = table.schema.get_field_index(name)
        values = values.set_column(index, name, table[name].slice(0, len(places)))
    return values


@pytest.mark.parametrize(("tolerated", "outcome"), [(0.04, Outcome.OK), (0.039, Outcome.FAILED)])
def test_all_rows_that_are_alike_are_counted(tmp_path: Path, tolerated: float, outcome: Outcome) -> None:
    """The first of them too: which of them was first says nothing."""
    table = rows(TRAIN, 100)
    files = parts(tmp_path, {TRAIN: _same_values(table, [*range(98), 10, 50])})

    found = duplicates.check(files, COMPARED, tolerated=tolerated)

    assert found.outcome is outcome
    assert "4 of 100 rows (4 %)" in found.reason
    if outcome is Outcome.FAILED:
        assert found.rows == ("train-000010", "train-000050", "train-000098", "train-000099")


def test_a_value_that_is_missing_in_both_is_in_common(tmp_path: Path) -> None:
    table = rows(TRAIN, 4, distance=[1.0] * 4, stops=[None, None, 0, 1], carrier=["AA"] * 4, late=[0] * 4)

    found = duplicates.check(parts(tmp_path, {TRAIN: table}), COMPARED, tolerated=0.0)

    assert found.rows == ("train-000000", "train-000001")


def test_one_id_twice_is_refused_whatever_is_tolerated(tmp_path: Path) -> None:
    """In one part or in two."""
    test = rows(TEST, 50)
    files = parts(tmp_path, {TRAIN: rows(TRAIN, 50), TEST: test, VALIDATION: rows(VALIDATION, 3, _id=test["_id"][:3])})

    found = duplicates.check(files, COMPARED, tolerated=1.0)

    assert found.outcome is Outcome.FAILED
    assert not found.acceptable
    assert found.reason.startswith("6 rows share their _id with another one")
    assert found.rows == ("test-000000", "test-000001", "test-000002")


def test_no_rows_have_no_duplicates_that_are_known(tmp_path: Path) -> None:
    assert duplicates.check(parts(tmp_path, {}), COMPARED, tolerated=0.5).outcome is Outcome.UNKNOWN


def test_external_ids_of_training_are_tolerated_in_so_many_rows(tmp_path: Path) -> None:
    train = rows(TRAIN, 100)
    external = [*train["_external_id"].to_pylist()[:5], *rows(TEST, 95)["_external_id"].to_pylist()]
    files = parts(tmp_path, {TRAIN: train, TEST: rows(TEST, 100, _external_id=external)})

    refused = overlap.check(files, COMPARED, Split(), (), tolerated=0.04)

    assert refused.outcome is Outcome.FAILED
    assert "5 of 100 rows of test (5 %)" in refused.reason
    assert "split.group: _external_id" in refused.reason
    assert refused.rows == tuple(f"test-{number:06}" for number in range(5))
    assert overlap.check(files, COMPARED, Split(), (), tolerated=0.05).outcome is Outcome.OK


def test_rows_without_an_external_id_have_none_in_common(tmp_path: Path) -> None:
    nothing = [None] * 60
    files = parts(
        tmp_path,
        {one: rows(one, 60, _external_id=pa.array(nothing, pa.string()), _request_id=pa.array(nothing, pa.string()))
         for one in (TRAIN, TEST)},
    )  # fmt: skip

    assert overlap.check(files, COMPARED, Split(), (), tolerated=0.0).outcome is Outcome.OK


def test_a_request_in_both_is_refused_whatever_is_tolerated(tmp_path: Path) -> None:
    train, validation = rows(TRAIN, 50), rows(VALIDATION, 50)
    index = validation.schema.get_field_index("_request_id")
    planted = [train["_request_id"][0].as_py(), *validation["_request_id"].to_pylist()[1:]]
    mixed = validation.set_column(index, "_request_id", pa.array(planted))

    found = overlap.check(parts(tmp_path, {TRAIN: train, VALIDATION: mixed}), COMPARED, Split(), (), tolerated=1)

    assert (found.outcome, found.acceptable) == (Outcome.FAILED, False)
    assert found.rows == ("validation-000000",)


def test_a_group_in_both_is_refused_whether_it_is_kept_or_not(tmp_path: Path) -> None:
    """An account number that keeps rows together is seldom a feature to learn from."""
    train, validation, test = (rows(one, 50) for one in (TRAIN, VALIDATION, TEST))
    files = parts(tmp_path, {TRAIN: train, VALIDATION: validation, TEST: test})
    ids = [one for table in (test, train, validation) for one in table["_id"].to_pylist()]
    apart = {one: None if number % 5 == 0 else f"account {number}" for number, one in enumerate(ids)}
    mixed = {**apart, "train-000007": "account x", "validation-000003": "account x", "test-000004": "account x"}

    def checked(groups: dict[str, str | None]) -> Check:
        table = pa.table({"_id": list(groups), "_group": pa.array(groups.values(), pa.string())})
        return overlap.check(
            files, COMPARED, Split(group="account"), (table.slice(0, 70), table.slice(70)), tolerated=1
        )

    assert checked(apart).outcome is Outcome.OK
    assert checked(mixed).outcome is Outcome.FAILED
    assert checked(mixed).rows == ("validation-000003", "test-000004")
    assert "2 rows of validation and test are of a group (account)" in checked(mixed).reason


def test_the_same_values_in_training_and_test_are_told(tmp_path: Path) -> None:
    """Two flights may be alike; a fifth of them may not, without a word."""
    train, test = rows(TRAIN, 100), rows(TEST, 100)
    alike: dict[str, Any] = {name: [*train[name].to_pylist()[:20], *test[name].to_pylist()[20:]] for name in COMPARED}

    found = overlap.check(
        parts(tmp_path, {TRAIN: train, TEST: rows(TEST, 100, **alike)}), COMPARED, Split(), (), tolerated=0
    )

    assert found.outcome is Outcome.WARNED
    assert "20 of 100 rows of test (20 %)" in found.reason
    assert found.rows == tuple(f"test-{number:06}" for number in range(20))


def test_nothing_overlaps_with_a_part_that_is_not_there(tmp_path: Path) -> None:
    files = sound(tmp_path, test=0)

    assert overlap.check(files, COMPARED, Split(test=0), (), tolerated=0).outcome is Outcome.UNKNOWN
