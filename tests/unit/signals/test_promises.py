"""What is silent, and what is caught: the judging as a whole, on rows, without a history and with one."""

from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from shared.profiles.bins import Bins, FeatureBins, NumericBins
from shared.profiles.categorical import CategoricalProfile
from shared.profiles.counts import pack
from shared.profiles.cutting import cut
from shared.profiles.numeric import NumericProfile
from shared.profiles.profile import FeatureProfile, Profile, profile
from shared.schema import Feature, FeatureType, Output, Schema
from shared.signals.calibration.calibrating import Calibration, calibrate
from shared.signals.calibration.contrasts import Contrasts, counts_of
from shared.signals.calibration.looks import Floats, Looks
from shared.signals.calibration.telling import Told, tell
from shared.signals.judgement import Judgement, Signal, Verdict
from shared.signals.judging import HOURS_A_MONTH, JudgingRules, judge

RULES = JudgingRules()
DAYS_A_MONTH = HOURS_A_MONTH / 24
ANSWER = Output(name="prediction", type=FeatureType.FLOAT)


def schema(*features: Feature) -> Schema:
    return Schema(features=features, outputs=(ANSWER,))


NUMBERS = schema(*(Feature(name=f"n{index}", type=FeatureType.FLOAT) for index in range(10)))
CODES = tuple(f"code {rank}" for rank in range(500))
CATEGORY = schema(Feature(name="code", type=FeatureType.CATEGORY, categories=CODES))

with_and_without_history = pytest.mark.parametrize("has_history", [False, True], ids=["cautious", "calibrated"])


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


@cache
def learned(kind: str, trained_on: int, rows: int) -> tuple[Contrasts, Calibration]:
    """Return what ninety days teach of so many rows each, as if the baseline's rows had come again at random."""
    bins, baseline = trained(kind, trained_on)
    contrasts = Contrasts.of_baseline(bins.features, baseline.features)
    rng = np.random.default_rng(3)
    days = [
        {name: redrawn(of, baseline.features[name], rows=rows, rng=rng) for name, of in bins.features.items()}
        for _ in range(90)
    ]
    values = np.array([contrasts.of(bins.features, day)[0] for day in days])
    found = calibrate(looks(values, rows=rows), mains=contrasts.mains)
    assert found is not None
    return contrasts, found


def redrawn(bins: FeatureBins, baseline: FeatureProfile, *, rows: int, rng: np.random.Generator) -> FeatureProfile:
    counts = counts_of(bins, baseline)
    drawn = rng.multinomial(rows, counts / counts.sum())
    if isinstance(bins, NumericBins):
        return NumericProfile(packed=pack(drawn))
    return CategoricalProfile(packed=pack(drawn[:-1]), unseen=int(drawn[-1]))


def looks(values: Floats, *, rows: int) -> Looks:
    days = np.arange(len(values))
    return Looks(values, np.ones_like(values), np.full(len(values), rows), days % 7, days)


def judged(
    kind: str, window: pa.Table, *, trained_on: int = 100_000, has_history: bool = False
) -> dict[Signal, Judgement]:
    bins, baseline = trained(kind, trained_on)
    now = profile(window, bins)
    told: dict[Signal, Told] = {}
    if has_history:
        contrasts, calibration = learned(kind, trained_on, window.num_rows)
        values, _ = contrasts.of(bins.features, now.features)
        this = looks(values[None, :], rows=window.num_rows)
        rate = RULES.alarms(Signal.DRIFT) / DAYS_A_MONTH
        told = {Signal.DRIFT: tell(contrasts, calibration, this, rate=rate, fewest_rows=RULES.minimum_rows)}
    return {one.signal: one for one in judge(baseline, now, bins, rules=RULES, told=told)}


@with_and_without_history
def test_a_fiftieth_of_a_standard_deviation_is_silent_at_a_million_rows(has_history: bool) -> None:  # noqa: FBT001
    """It is sure, by any test, and nobody wants to hear of it."""
    window = numbers(1_000_000, seed=1, moved=0.02)

    found = judged("numbers", window, trained_on=1_000_000, has_history=has_history)

    assert found[Signal.DRIFT].verdict is Verdict.OK
    assert found[Signal.DRIFT].learned_from == (90 if has_history else None)
    moved = next(one for one in found[Signal.DRIFT].measurements if one.feature == "n0")
    assert moved.p_value is not None
    assert moved.p_value < 1e-6


@with_and_without_history
@pytest.mark.parametrize("seed", range(5))
def test_half_a_standard_deviation_in_one_of_ten_features_is_caught_at_a_thousand_rows(
    seed: int,
    has_history: bool,  # noqa: FBT001
) -> None:
    found = judged("numbers", numbers(1_000, seed=10 + seed, moved=0.5), has_history=has_history)

    breaches = [one.feature for one in found[Signal.DRIFT].measurements if one.verdict is Verdict.BREACH]
    assert breaches == ["n0"]


@with_and_without_history
@pytest.mark.parametrize("rows", [200, 1_000, 10_000])
@pytest.mark.parametrize("seed", range(5))
def test_five_hundred_categories_in_which_nothing_changed_are_silent(
    rows: int,
    seed: int,
    has_history: bool,  # noqa: FBT001
) -> None:
    found = judged("codes", codes(rows, seed=20 + seed), has_history=has_history)

    assert all(one.verdict is not Verdict.BREACH for one in found.values())
