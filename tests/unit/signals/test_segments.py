"""Segments are judged by themselves, and so is how features go together; of those features that are judged at all."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from shared.profiles.bins import Bins
from shared.profiles.cutting import cut
from shared.profiles.profile import Profile, profile
from shared.profiles.segments import segmented
from shared.schema import Feature, FeatureType, Output, Schema
from shared.signals.judgement import Judgement, Signal, Verdict
from shared.signals.judging import JudgingRules, judge

RULES = JudgingRules()
SCHEMA = Schema(
    features=(
        Feature(name="a", type=FeatureType.FLOAT),
        Feature(name="b", type=FeatureType.FLOAT),
        Feature(name="kind", type=FeatureType.CATEGORY, categories=("x", "y")),
        Feature(name="note", type=FeatureType.STRING),
    ),
    outputs=(Output(name="score", type=FeatureType.FLOAT),),
)


def rows(count: int, *, seed: int, **moved: float) -> pa.Table:
    """Draw rows, one in ten of them of kind ``y``; ``y_<column>`` moves a column of those alone, ``<column>`` of all."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(["x", "y"], p=[0.9, 0.1], size=count)
    columns = {
        name: rng.normal(size=count) + moved.get(name, 0.0) + moved.get(f"y_{name}", 0.0) * (kind == "y")
        for name in ("a", "b", "prediction")
    }
    return pa.table({**columns, "kind": kind, "note": [f"note {row}" for row in range(count)]})


def _trained() -> tuple[Bins, Profile]:
    table = rows(50_000, seed=0)
    whole = cut(table, SCHEMA)
    bins = segmented(whole, profile(table, whole).features, ("kind",))
    return bins, profile(table, bins)


BINS, BASELINE = _trained()


def look(window: pa.Table, *, rules: JudgingRules = RULES) -> dict[Signal, Judgement]:
    return {one.signal: one for one in judge(BASELINE, profile(window, BINS), BINS, rules=rules)}


def breaches(judgement: Judgement) -> set[str]:
    return {one.feature for one in judgement.measurements if one.verdict is Verdict.BREACH}


@pytest.mark.parametrize("seed", range(5))
def test_segments_in_which_nothing_moved_are_silent(seed: int) -> None:
    found = look(rows(10_000, seed=1 + seed))[Signal.SEGMENT_DRIFT]

    assert found.verdict is Verdict.OK
    assert {one.feature for one in found.measurements} == {
        f"kind={value}: {name}" for value in ("x", "y") for name in ("a", "b", "prediction")
    }


@pytest.mark.parametrize("column", ["a", "prediction"])
def test_what_moves_in_one_segment_alone_is_heard(column: str) -> None:
    """Of all rows it is a twentieth of a standard deviation, which nobody wants to hear of."""
    found = look(rows(10_000, seed=10, **{f"y_{column}": 0.5}))

    assert found[Signal.SEGMENT_DRIFT].verdict is Verdict.BREACH
    assert breaches(found[Signal.SEGMENT_DRIFT]) == {f"kind=y: {column}"}
    assert found[Signal.DRIFT].verdict is Verdict.OK
    assert found[Signal.PREDICTION_DRIFT].verdict is Verdict.OK


def test_features_that_are_not_named_are_not_judged_in_segments() -> None:
    """Outputs are, there as well."""
    rules = replace(RULES, features=frozenset({"b"}))

    found = look(rows(10_000, seed=20, a=1.0), rules=rules)
    answers = look(rows(10_000, seed=21, prediction=1.0), rules=rules)

    assert found[Signal.SEGMENT_DRIFT].verdict is Verdict.OK
    assert {one.feature for one in found[Signal.SEGMENT_DRIFT].measurements} == {
        f"kind={value}: {name}" for value in ("x", "y") for name in ("b", "prediction")
    }
    assert breaches(answers[Signal.SEGMENT_DRIFT]) == {"kind=x: prediction", "kind=y: prediction"}


def test_how_features_go_together_is_judged_only_where_all_of_them_are() -> None:
    """Sums over all of them cannot be told apart; a text has no part in them."""
    window = rows(10_000, seed=22, a=1.0)

    some, all_that_count = (
        look(window, rules=replace(RULES, features=frozenset(names))) for names in ({"b", "kind"}, {"a", "b", "kind"})
    )

    assert Signal.JOINT_DRIFT not in some
    assert Signal.JOINT_DRIFT in all_that_count
