"""An alarm needs two keys, and one bad feature never stops the others."""

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from shared.errors import IncompatibleProfiles
from shared.profiles.bins import Bins
from shared.profiles.cutting import cut
from shared.profiles.profile import Profile, empty, profile
from shared.schema import Feature, FeatureType, Output, Schema
from shared.signals.judgement import Judgement, Measurement, Signal, Verdict
from shared.signals.judging import BUDGET_SHARES, JudgingRules, judge
from shared.signals.quality import volume

NUMBERS = [f"n{i}" for i in range(10)]
CATEGORIES = ("a", "b", "c", "d")
RULES = JudgingRules()

SCHEMA = Schema(
    features=(
        *(Feature(name=name, type=FeatureType.FLOAT, nullable=True, minimum=-6, maximum=6) for name in NUMBERS),
        Feature(name="kind", type=FeatureType.CATEGORY, categories=CATEGORIES, nullable=True),
        Feature(name="note", type=FeatureType.STRING),
    ),
    outputs=(Output(name="score", type=FeatureType.FLOAT),),
)


def columns(rows: int, *, seed: int) -> dict[str, Any]:
    """Draw rows in which nothing has changed."""
    rng = np.random.default_rng(seed)
    drawn: dict[str, Any] = {name: rng.normal(size=rows) for name in NUMBERS}
    drawn["kind"] = rng.choice(CATEGORIES, p=(0.5, 0.3, 0.15, 0.05), size=rows)
    drawn["note"] = [f"note {row}" for row in range(rows)]
    drawn["prediction"] = rng.random(rows)
    return drawn


BASELINE = pa.table(columns(10_000, seed=0))
BINS: Bins = cut(BASELINE, SCHEMA)
BEFORE: Profile = profile(BASELINE, BINS)


def look(
    changes: dict[str, Any] | None = None, *, rows: int = 1_000, seed: int = 1, rules: JudgingRules = RULES
) -> dict[Signal, Judgement]:
    """Judge a window in which the columns of ``changes`` were replaced."""
    window = profile(pa.table(columns(rows, seed=seed) | (changes or {})), BINS)
    return {judgement.signal: judgement for judgement in judge(BEFORE, window, BINS, rules=rules)}


def one(judgement: Judgement, feature: str, metric: str) -> Measurement:
    """Find a single comparison."""
    (found,) = (m for m in judgement.measurements if (m.feature, m.metric) == (feature, metric))
    return found


def test_a_month_in_which_nothing_changes_is_silent() -> None:
    """Thirty daily windows of 12 features: an alarm here is a false one."""
    verdicts = {judgement.verdict for seed in range(30) for judgement in look(seed=100 + seed).values()}

    assert verdicts == {Verdict.OK}


def test_what_chance_may_have_added_does_not_carry_a_shift_past_the_floor() -> None:
    """The largest of many noisy distances passes the floor, where none of the shifts behind them does."""
    rules = replace(RULES, design_effect=1.0)
    heard = []
    for seed in range(20):
        drawn = columns(2_000, seed=seed)
        moved = {name: drawn[name] + 0.1 for name in NUMBERS}  # a KS distance of 0.04, of a floor of 0.05
        heard.append(look(moved, rows=2_000, seed=seed, rules=rules)[Signal.DRIFT])

    assert sum(judgement.verdict is Verdict.BREACH for judgement in heard) <= 1
    assert max(judgement.measurements[0].value or 0.0 for judgement in heard) > 0.06
    assert any("at least, within 0.05" in one.reason for each in heard for one in each.measurements)


def test_half_a_standard_deviation_in_one_of_ten_features_is_heard_at_a_thousand_rows() -> None:
    shifts = [look({"n3": columns(1_000, seed=seed)["n3"] + 0.5}, seed=seed)[Signal.DRIFT] for seed in range(20)]

    assert {judgement.verdict for judgement in shifts} == {Verdict.BREACH}
    assert all(judgement.measurements[0].feature == "n3" for judgement in shifts)
    assert shifts[0].reasons[0].startswith("n3: its values have moved by a KS distance of 0.")


def test_a_tiny_shift_is_sure_on_many_rows_and_still_silent() -> None:
    """The second key: nobody wants to hear of 0.02 standard deviations, however well they are proved."""
    rows = 300_000
    rng = np.random.default_rng(5)
    bins = cut(wide := pa.table({"n0": rng.normal(size=rows)}), SCHEMA)
    before, now = profile(wide, bins), profile(pa.table({"n0": rng.normal(0.05, size=rows)}), bins)

    (drift, *_) = judge(before, now, bins, rules=RULES)
    (unfloored, *_) = judge(before, now, bins, rules=replace(RULES, ks_floor=0.0))

    assert one(drift, "n0", "ks").verdict is Verdict.OK
    assert one(unfloored, "n0", "ks").verdict is Verdict.BREACH


def test_a_large_difference_on_few_rows_is_not_sure() -> None:
    """The first key: chance moves small windows far."""
    rng = np.random.default_rng(6)
    found = one(look({"n0": rng.normal(0.2, size=700)}, rows=700)[Signal.DRIFT], "n0", "ks")

    assert found.value is not None
    assert found.value >= RULES.ks_floor
    assert found.verdict is Verdict.OK
    assert "chance" in found.reason


def test_a_moved_category_is_heard() -> None:
    kind = np.random.default_rng(7).choice(CATEGORIES, p=(0.2, 0.6, 0.15, 0.05), size=1_000)

    judgement = look({"kind": kind})[Signal.DRIFT]

    assert judgement.verdict is Verdict.BREACH
    assert judgement.measurements[0].feature == "kind"
    assert judgement.measurements[0].also.keys() == {"psi", "jensen_shannon_distance", "chi_squared"}
    assert judgement.measurements[0].p_values.keys() == {"chi_squared"}


def test_the_prediction_is_watched_like_a_feature() -> None:
    found = look({"prediction": np.random.default_rng(8).beta(2, 1, size=1_000)})

    assert found[Signal.PREDICTION_DRIFT].verdict is Verdict.BREACH
    assert found[Signal.DRIFT].verdict is Verdict.OK


@pytest.mark.parametrize(
    ("feature", "bad", "metric"),
    [
        ("n0", None, "missing_share_increase"),
        ("n0", float("inf"), "not_finite_share_increase"),
        ("n0", 7.0, "out_of_range_share_increase"),
        ("kind", None, "missing_share_increase"),
        ("kind", "zebra", "unseen_share_increase"),
        ("prediction", None, "missing_share_increase"),
    ],
)
def test_bad_values_that_become_common_are_a_breach_of_quality(feature: str, bad: object, metric: str) -> None:
    values = list(columns(1_000, seed=1)[feature])
    values[::8] = [bad] * 125

    judgement = look({feature: values})[Signal.QUALITY]

    assert judgement.verdict is Verdict.BREACH
    assert (judgement.measurements[0].feature, judgement.measurements[0].metric) == (feature, metric)
    assert "12.5% of rows, 0.0% in the baseline" in judgement.reasons[0]


def test_bad_values_that_become_rare_are_no_breach() -> None:
    gaps = columns(10_000, seed=0)
    gaps["n0"] = pa.array(gaps["n0"], mask=np.arange(10_000) % 4 == 0)
    before = profile(pa.table(gaps), BINS)
    now = profile(pa.table(columns(1_000, seed=1)), BINS)

    found = {judgement.signal: judgement for judgement in judge(before, now, BINS, rules=RULES)}

    assert one(found[Signal.QUALITY], "n0", "missing_share_increase").verdict is Verdict.OK


@pytest.mark.parametrize(
    "bad",
    [
        pa.nulls(1_000, pa.float64()),
        pa.array([float("nan")] * 1_000),
        pa.array([float("inf")] * 1_000),
        pa.array([3.0] * 1_000),
        pa.array([1e308, -1e308] * 500),
    ],
    ids=["missing", "nan", "infinite", "constant", "huge"],
)
def test_one_bad_feature_never_stops_the_others(bad: pa.Array) -> None:
    """It is a breach or unknown by itself; a shift in another feature is heard all the same."""
    found = look({"n0": bad, "n1": columns(1_000, seed=1)["n1"] + 1.0})
    drift = found[Signal.DRIFT]

    assert one(drift, "n1", "ks").verdict is Verdict.BREACH
    assert one(drift, "n2", "ks").verdict is Verdict.OK
    assert Verdict.BREACH in {found[Signal.QUALITY].verdict, one(drift, "n0", "ks").verdict}
    assert msgspec.json.decode(msgspec.json.encode(drift), type=Judgement) == drift


def test_a_baseline_without_values_makes_its_feature_unknown() -> None:
    rows = columns(10_000, seed=0) | {"n0": pa.nulls(10_000, pa.float64())}
    bins = cut(table := pa.table(rows), SCHEMA)

    (drift, *_) = judge(profile(table, bins), profile(table, bins), bins, rules=RULES)

    assert one(drift, "n0", "ks").verdict is Verdict.UNKNOWN
    assert "baseline holds no value" in one(drift, "n0", "ks").reason
    assert drift.verdict is Verdict.OK


def test_where_a_feature_has_moved_nobody_can_tell_whether_they_go_together() -> None:
    """That moves rows as a whole too. Each comparison says so, not only the signal: whoever reads them finds no breach."""
    n1 = columns(1_000, seed=1)["n1"]

    together, moved = (look({"n0": n1 + by})[Signal.JOINT_DRIFT] for by in (0.0, 1.0))

    assert together.verdict is Verdict.BREACH
    assert moved.verdict is Verdict.UNKNOWN
    assert len(moved.measurements) == len(together.measurements) == 2
    for measurement in moved.measurements:
        assert measurement.verdict is Verdict.UNKNOWN
        assert measurement.reason == f"{measurement.feature}: {moved.reasons[0]}"
        assert measurement.value is not None


def test_a_fixed_threshold_does_not_say_that_a_feature_has_moved() -> None:
    """It may be passed by every window there is; how features go together would never be judged again."""
    rules = JudgingRules(numerical_thresholds={"psi": 1e-9})

    found = look({"n0": columns(1_000, seed=1)["n1"]}, rules=rules)

    assert found[Signal.DRIFT].verdict is Verdict.BREACH
    assert found[Signal.JOINT_DRIFT].verdict is Verdict.BREACH


def test_strings_are_not_judged_for_drift() -> None:
    """Their values are not kept, only whether there was one."""
    assert "note" not in {measurement.feature for measurement in look()[Signal.DRIFT].measurements}


def test_too_few_rows_is_unknown_and_says_how_many_would_do() -> None:
    few = look(rows=50)
    needed = few[Signal.DRIFT].measurements[0].needed
    assert needed is not None

    enough = look(rows=needed)

    assert {judgement.verdict for judgement in few.values()} == {Verdict.UNKNOWN}
    assert f"50 rows, {needed} needed" in few[Signal.DRIFT].reasons[0]
    assert one(enough[Signal.DRIFT], "n0", "ks").verdict is Verdict.OK


def test_a_window_without_rows_is_unknown() -> None:
    verdicts = {judgement.verdict for judgement in judge(BEFORE, empty(BINS), BINS, rules=RULES)}

    assert verdicts == {Verdict.UNKNOWN}


def test_a_baseline_too_small_for_any_window_is_said_to_be() -> None:
    bins = cut(small := pa.table(columns(200, seed=0)), SCHEMA)
    before = profile(small, bins)

    (drift, *_) = judge(before, profile(pa.table(columns(5_000, seed=1)), bins), bins, rules=RULES)

    assert drift.verdict is Verdict.UNKNOWN
    assert drift.measurements[0].needed is None
    assert "the baseline's 200 rows are too few" in drift.reasons[0]


@pytest.mark.parametrize("usual", [[], [120], [1_000, 1_100]])
def test_what_volume_is_usual_is_unknown_from_fewer_than_three_windows(usual: list[int]) -> None:
    """No number of rows, here or in the baseline, would help."""
    window = profile(pa.table(columns(1_000, seed=1)), BINS)

    judgements = judge(BEFORE, window, BINS, rules=RULES, also=[volume(1_000, usual)])

    quality = next(judgement for judgement in judgements if judgement.signal is Signal.QUALITY)
    found = one(quality, "all rows", "volume_change")
    assert (found.verdict, found.needed) == (Verdict.UNKNOWN, None)
    assert found.reason == "all rows: volume_change: fewer than three windows are known to compare with"
    assert quality.verdict is Verdict.OK


def test_profiles_over_other_bins_are_refused() -> None:
    """A stale baseline fails the evaluation; it does not give a wrong number."""
    other = cut(pa.table(columns(100, seed=9)), SCHEMA)

    with pytest.raises(IncompatibleProfiles):
        judge(BEFORE, empty(other), BINS, rules=RULES)


def test_more_looks_and_more_features_ask_for_more() -> None:
    """The budget is shared out over them."""
    often, seldom = (JudgingRules(looks_per_month=looks).level(Signal.DRIFT, comparisons=10) for looks in (720, 30))

    assert often == pytest.approx(seldom / 24)
    assert JudgingRules().level(Signal.DRIFT, comparisons=100) == pytest.approx(often / 10)


def test_the_signals_share_the_budget() -> None:
    rules = JudgingRules(false_alarms_per_month=2.0)

    assert sum(map(rules.alarms, BUDGET_SHARES)) == pytest.approx(2.0)


def test_features_that_are_not_named_are_not_judged() -> None:
    shifted = {"n0": pa.array(np.random.default_rng(3).normal(9, 1, 1_000))}

    found = look(shifted, rules=JudgingRules(features=frozenset({"n1"})))

    assert found[Signal.DRIFT].verdict is not Verdict.BREACH
    assert {one.feature for one in found[Signal.DRIFT].measurements} == {"n1"}


@pytest.mark.parametrize(("threshold", "verdict"), [(1e-9, Verdict.BREACH), (50.0, Verdict.OK)])
def test_a_fixed_threshold_is_held_against_every_window(threshold: float, verdict: Verdict) -> None:
    """Though nothing moved: no budget covers what people set themselves."""
    found = look(rules=JudgingRules(numerical_thresholds={"psi": threshold}))

    fixed = one(found[Signal.DRIFT], "n0", "psi")
    assert (fixed.verdict, fixed.threshold) == (verdict, threshold)
    assert found[Signal.DRIFT].verdict is verdict


@pytest.mark.parametrize(("moved", "verdict"), [(0.6, Verdict.BREACH), (-0.6, Verdict.BREACH), (-0.2, Verdict.OK)])
def test_a_fixed_threshold_of_the_mean_is_for_shifts_either_way(moved: float, verdict: Verdict) -> None:
    """The shift has a sign, so that one downwards is below any threshold as it stands."""
    rules = JudgingRules(numerical_thresholds={"mean_shift": 0.4})

    found = look({"n0": columns(1_000, seed=1)["n0"] + moved}, rules=rules)

    fixed = one(found[Signal.DRIFT], "n0", "mean_shift")
    assert fixed.value == pytest.approx(moved, abs=0.1)
    assert fixed.verdict is verdict
