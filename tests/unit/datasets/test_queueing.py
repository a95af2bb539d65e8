"""Which predictions would teach most, and the rows that they are handed out as."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.datasets.engines import Engine, open_engine
from shared.datasets.manifest import Plan
from shared.datasets.queueing import COLUMNS, first, named, to_fill_in
from shared.datasets.recipe import Sampling, WantedActuals
from shared.schema import Schema
from tests.unit.datasets import plainly
from tests.unit.datasets.sealed_rows import FEATURES, Sealed, plan, recipe, schema, sealed, written

MOST = 1_000
PARTS = ("_uncertainty", "_level", "_disagreement")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    opened = open_engine("duckdb", scratch=tmp_path_factory.mktemp("scratch"), memory_mib=512, threads=1)
    yield opened
    opened.close()


def asked(model: Schema | None = None) -> Plan:
    return plan(recipe(Sampling.DRIFT_AWARE, actuals=WantedActuals(required=False), outputs=False), model)


def disputed(rows: list[Sealed]) -> dict[str, int]:
    ids = [row["_id"] for one in rows for row in one.predictions]
    return {one: place % 10 for place, one in enumerate(ids) if place % 3 == 0}


@pytest.mark.parametrize("seed", [0, 1])
def test_they_are_those_that_plain_python_finds_and_in_its_order(engine: Engine, tmp_path: Path, seed: int) -> None:
    made = asked()
    rows = sealed(made, seed=seed)
    expected = plainly.queue(made, rows, disputed(rows))

    found = plainly.queued(engine, made, written(made, rows, tmp_path), disputed(rows), most=MOST)

    assert len(expected) > 30
    assert [{name: row[name] for name in expected[0]} for row in found] == expected
    assert all(any(row[part] for row in found) for part in PARTS)


def test_of_answers_without_probabilities_drift_and_disagreement_count(engine: Engine, tmp_path: Path) -> None:
    """A regressor does not say how sure it is."""
    made = asked(schema(probabilities=()))
    rows = sealed(made)

    found = plainly.queued(engine, made, written(made, rows, tmp_path), disputed(rows), most=MOST)

    assert {row["_uncertainty"] for row in found} == {0}
    assert all(row["_score"] == row["_level"] + row["_disagreement"] > 0 for row in found)


def test_the_first_of_all_days_are_the_first_of_the_first_of_each(engine: Engine, tmp_path: Path) -> None:
    """So that of every day no more rows are looked at than are wanted."""
    made = asked()
    rows = sealed(made)
    everything = plainly.queued(engine, made, written(made, rows, tmp_path), {}, most=MOST)

    some = plainly.queued(engine, made, written(made, rows, tmp_path), {}, most=7)

    assert some == everything[:7]
    assert first([*everything[1::2], *everything[::2]], most=7) == everything[:7]


def test_a_row_to_fill_in_says_why_it_is_there_and_ends_with_an_empty_value() -> None:
    row = {
        "_id": "1",
        "_external_id": "order 1",
        "_at": datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
        "_version": "2",
        "prediction": 0.5,
        "_uncertainty": 0,
        "_level": 4,
        "_disagreement": 9,
        "_score": 13,
        "distance": 7.0,
        "value": "a feature",
    }

    filled = to_fill_in(row, ["distance", "value"])

    assert filled == {
        "prediction_id": "1",
        "external_id": "order 1",
        "at": "2026-03-01T09:30:00+00:00",
        "version": "2",
        "prediction": 0.5,
        "reasons": "drifted 4; disagreed 9",
        "score": 13,
        "distance": 7.0,
        "feature.value": "a feature",
        "value": None,
    }
    assert [*filled] == [*COLUMNS, *named(["distance", "value"]), "value"]
    assert len(FEATURES) == len(named([feature.name for feature in FEATURES]))
