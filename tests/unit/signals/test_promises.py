"""What is silent, and what is caught: the judging as a whole, on rows."""

from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from shared.profiles.bins import Bins
from shared.profiles.cutting import cut
from shared.profiles.profile import Profile, profile
from shared.schema import Feature, FeatureType, Output, Schema
from shared.signals.judgement import Judgement, Signal, Verdict
from shared.signals.judging import JudgingRules, judge

ANSWER = Output(name="prediction", type=FeatureType.FLOAT)


def schema(*features: Feature) -> Schema:
    return Schema(features=features, outputs=(ANSWER,))


NUMBERS = schema(*(Feature(name=f"n{index}", type=FeatureType.FLOAT) for index in range(10)))
CODES = tuple(f"code {rank}" for rank in range(500))
CATEGORY = schema(Feature(name="code", type=FeatureType.CATEGORY, categories=CODES))


def numbers(rows: int, *, seed: int, moved: float = 0.0) -> pa.Table:
    """Return ten normal features, of which the first has moved by so many standard deviations."""
    rng = np.random.default_rng(seed)
    columns = {f"n{index}": rng.standard_normal(rows) + (moved if index == 0 else 0.0) for index in range(10)}
    return pa.table({**columns, "prediction": rng.standard_normal(rows)})


def codes(rows: int, *, seed: int) -> pa.Table:
    """Return a category of 500 values, of which the commonest has one row in seven and the rarest one in 3,400."""
    rng = np.random.default_rng(seed)
    shares = 1 / np.arange(1, 501)
    drawn = rng.choice(500, size=rows, p=shares / shares.sum())
    return pa.table({"code": [CODES[one] for one in drawn], "prediction": rng.standard_normal(rows)})


@cache
def trained(kind: str, rows: int) -> tuple[Bins, Profile]:
    table, of = (numbers(rows, seed=0), NUMBERS) if kind == "numbers" else (codes(rows, seed=0), CATEGORY)
    bins = cut(table, of)
    return bins, profile(table, bins)


def judged(kind: str, window: pa.Table, *, trained_on: int = 100_000) -> dict[Signal, Judgement]:
    bins, baseline = trained(kind, trained_on)
    return {one.signal: one for one in judge(baseline, profile(window, bins), bins, rules=JudgingRules())}


def test_a_fiftieth_of_a_standard_deviation_is_silent_at_a_million_rows() -> None:
    """It is sure, by any test, and nobody wants to hear of it."""
    found = judged("numbers", numbers(1_000_000, seed=1, moved=0.02), trained_on=1_000_000)

    assert found[Signal.DRIFT].verdict is Verdict.OK
    moved = next(one for one in found[Signal.DRIFT].measurements if one.feature == "n0")
    assert moved.p_value is not None
    assert moved.p_value < 1e-6


@pytest.mark.parametrize("seed", range(5))
def test_half_a_standard_deviation_in_one_of_ten_features_is_caught_at_a_thousand_rows(seed: int) -> None:
    found = judged("numbers", numbers(1_000, seed=10 + seed, moved=0.5))

    breaches = [one.feature for one in found[Signal.DRIFT].measurements if one.verdict is Verdict.BREACH]
    assert breaches == ["n0"]


@pytest.mark.parametrize("rows", [200, 1_000, 10_000])
@pytest.mark.parametrize("seed", range(5))
def test_five_hundred_categories_in_which_nothing_changed_are_silent(rows: int, seed: int) -> None:
    found = judged("codes", codes(rows, seed=20 + seed))

    assert all(one.verdict is not Verdict.BREACH for one in found.values())
