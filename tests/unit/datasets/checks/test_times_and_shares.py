"""Actuals that were known too early or not at all, and parts that lie apart."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from shared.datasets.checks import drift, known_before, missing_actuals
from shared.datasets.checks.judgement import MOST_IDS
from shared.datasets.manifest import TEST, TRAIN, Outcome
from shared.datasets.recipe import Recipe, Tolerances, WantedActuals
from tests.unit.datasets.finished_datasets import AS_OF, made, parts, rows, sound


def _times(happened: Sequence[timedelta | None], *, begin: int = 0) -> pa.Table:
    """Return rows that were asked a day before ``AS_OF``, by how long after that their actual happened."""
    asked = AS_OF - timedelta(days=1)
    time = pa.timestamp("us", tz="UTC")
    at: list[datetime | None] = [None if one is None else asked + one for one in happened]
    return pa.table(
        {
            "_id": [f"row-{begin + number:04}" for number in range(len(happened))],
            "_at": pa.array([asked] * len(happened), time),
            "_actual_at": pa.array(at, time),
        }
    )


def test_an_actual_before_its_question_counts_and_one_at_the_same_time_does_not() -> None:
    times = [
        _times([timedelta(0), timedelta(seconds=1), timedelta(microseconds=-1), None]),
        _times([timedelta(hours=-2)], begin=4),
    ]

    found = known_before.check(times, tolerated=0.49)

    assert found.outcome is Outcome.FAILED
    assert "2 of 4 rows (50 %)" in found.reason
    assert found.rows == ("row-0002", "row-0004")
    assert known_before.check(times, tolerated=0.5).outcome is Outcome.OK


def test_times_may_be_numbers_as_engines_have_them() -> None:
    """Microseconds since 1970."""
    table = _times([timedelta(seconds=-1), timedelta(seconds=1)])
    numbers = table.cast(pa.schema([("_id", pa.string()), *((name, pa.int64()) for name in table.column_names[1:])]))

    assert known_before.check([numbers], tolerated=0.1) == known_before.check([table], tolerated=0.1)


def test_the_first_twenty_rows_are_kept_however_many_come() -> None:
    times = (_times([timedelta(seconds=-1)] * 15, begin=begin) for begin in range(0, 300, 15))

    assert known_before.check(times, tolerated=0.0).rows == tuple(f"row-{number:04}" for number in range(MOST_IDS))


@pytest.mark.parametrize("happened", [[], [None, None]])
def test_without_times_nothing_is_known(happened: list[timedelta | None]) -> None:
    assert known_before.check([_times(happened)], tolerated=0.0).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(("tolerated", "outcome"), [(0.6, Outcome.OK), (0.59, Outcome.FAILED)])
def test_required_actuals_are_missing_in_what_was_left_out(tmp_path: Path, tolerated: float, outcome: Outcome) -> None:
    """Rows that a sample or the split left out did have one; those that were too young are not asked."""
    recipe = Recipe(model="flights", tolerances=Tolerances(missing_actuals=tolerated))
    excluded = {
        "no_actual": 450,
        "actual_after_as_of": 50,
        "misfit_actual": 100,
        "sampled_out": 299,
        "spans_split": 1,
        "too_young": 10_000,
    }
    files = sound(tmp_path, train=80, test=20)

    found = missing_actuals.check(files, made(recipe=recipe, excluded=excluded))

    assert found.outcome is outcome
    assert "600 of 1,000 rows (60 %)" in found.reason


@pytest.mark.parametrize(
    ("reason", "mend"),
    [
        ("no_actual", "say by actuals.delay when they have"),
        ("actual_after_as_of", "known only at as_of or later: take a later one"),
        ("misfit_actual", "see what is sent as actuals"),
    ],
)
def test_what_mends_missing_actuals_is_that_of_the_commonest_reason(tmp_path: Path, reason: str, mend: str) -> None:
    """A model of classes that is sent fractions as actuals waits for nothing: no delay and no earlier end helps."""
    excluded = {"no_actual": 90, "actual_after_as_of": 90, "misfit_actual": 90} | {reason: 91}

    found = missing_actuals.check(sound(tmp_path, train=80, test=20), made(excluded=excluded))

    assert found.outcome is Outcome.FAILED
    assert mend in found.reason


def test_actuals_that_are_not_required_are_missing_in_the_dataset(tmp_path: Path) -> None:
    """Original rows have theirs from elsewhere, and are not counted."""
    recipe = Recipe(model="flights", actuals=WantedActuals(required=False), tolerances=Tolerances(missing_actuals=0.2))
    train = rows(TRAIN, 10, late=pa.array([None, None, None, 1, 0, 1, 0, 1, 0, 1], pa.int64()))
    original = rows(TRAIN, 90, _id=[f"original-0123456789ab-{number:09}" for number in range(90)])
    files = parts(tmp_path, {TRAIN: pa.concat_tables([original, train])})

    found = missing_actuals.check(files, made(recipe=recipe))

    assert found.outcome is Outcome.FAILED
    assert "3 of 10 rows (30 %)" in found.reason
    assert found.rows == ("train-000000", "train-000001", "train-000002")


def test_only_original_rows_have_no_share_of_missing_actuals(tmp_path: Path) -> None:
    original = rows(TRAIN, 9, _id=[f"original-0123456789ab-{number:09}" for number in range(9)])

    assert missing_actuals.check(parts(tmp_path, {TRAIN: original}), made()).outcome is Outcome.UNKNOWN


def test_parts_that_lie_apart_are_told_and_not_refused() -> None:
    features = ["distance", "stops", "carrier"]
    train, test = rows(TRAIN, 2_000), rows(TEST, 2_000, carrier=["ZZ"] * 2_000, distance=np.arange(2_000) / 1_000)

    found = drift.check(pa.concat_tables([train, test]), features, tolerated=0.2)

    assert found.outcome is Outcome.WARNED
    assert "'carrier' 1.00, 'distance' 0." in found.reason
    assert "stops" not in found.reason
    alike = pa.concat_tables([train, rows(TEST, 2_000)])
    assert drift.check(alike, features, tolerated=0.2).outcome is Outcome.OK


def test_few_rows_do_not_lie_apart() -> None:
    few = pa.concat_tables([rows(TRAIN, 2_000), rows(TEST, 99)])

    assert drift.check(few, ["distance"], tolerated=0.2).outcome is Outcome.UNKNOWN
