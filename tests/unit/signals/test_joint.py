"""How features go together: a shift that leaves every feature as it was is heard of."""

import math
from collections.abc import Callable
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from shared.profiles.bins import Bins
from shared.profiles.cutting import cut
from shared.profiles.joint import points
from shared.profiles.joint_bins import STEPS, TURN
from shared.profiles.profile import Profile, empty, profile
from shared.schema import Feature, FeatureType, Output, Schema
from shared.signals.joint import joint
from shared.signals.judgement import Signal, Verdict
from shared.signals.judging import JudgingRules, judge
from shared.signals.measuring import Difference
from shared.signals.sureness import by_bonferroni
from shared.signals.tails import weighted_quantile
from tests.unit.profiles.test_joint import normal, schema

Columns = dict[str, np.ndarray]

RULES = JudgingRules()
ROWS = 2_000
LEVEL = RULES.level(Signal.JOINT_DRIFT, comparisons=2)


@cache
def trained(features: int, rho: float) -> tuple[Bins, Profile]:
    rows = normal(20_000, features, rho=rho, seed=99)
    bins = cut(rows, schema(features))
    return bins, profile(rows, bins)


def measured(rows: pa.Table, features: int, *, rho: float, design_effect: float = 1.0) -> list[Difference]:
    bins, baseline = trained(features, rho)
    return list(joint(bins.joint, baseline, profile(rows, bins), design_effect=design_effect))


def is_alarm(difference: Difference) -> bool:
    """Whether it is sure by the rules for hourly looks at ten such comparisons, and larger than any floor."""
    assert difference.value is not None
    assert difference.p_value is not None
    return difference.p_value < RULES.level(Signal.JOINT_DRIFT, comparisons=10) and difference.value > 0.05


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rho", [0.3, 0.8])
def test_a_correlation_that_flips_its_sign_is_caught_at_2000_rows(rho: float, seed: int) -> None:
    """On rows of which four are worth one, with every feature distributed as it was: 2 of 10 features."""
    turned = normal(ROWS, 10, rho=-rho, seed=seed)
    same = normal(ROWS, 10, rho=rho, seed=seed)

    _, correlation = measured(turned, 10, rho=rho, design_effect=RULES.design_effect)

    bins, baseline = trained(10, rho)
    assert is_alarm(correlation)
    assert correlation.feature == "n0 and n1"
    assert correlation.value == pytest.approx(2 * rho, abs=0.1)
    assert not any(map(is_alarm, measured(same, 10, rho=rho, design_effect=RULES.design_effect)))
    judged = judge(baseline, profile(turned, bins), bins, rules=RULES)
    assert [one.signal for one in judged if one.verdict is Verdict.BREACH] == [Signal.JOINT_DRIFT]


def test_a_correlation_among_fifty_features_is_caught_as_well() -> None:
    """A kernel over all of them hardly sees it."""
    mmd, correlation = measured(normal(ROWS, 50, rho=-0.3), 50, rho=0.3, design_effect=RULES.design_effect)

    assert not is_alarm(mmd)
    assert is_alarm(correlation)
    assert correlation.words.startswith("the correlation of n0 and n1 has moved from 0.3")


def test_features_that_go_together_without_any_correlation_are_seen_by_their_discrepancy() -> None:
    """One is the square of the other, and then no longer: the correlation is 0 before and after."""
    rng = np.random.default_rng(5)

    def bent(rows: int, *, together: bool) -> pa.Table:
        first = rng.normal(size=rows)
        second = first if together else rng.permutation(first)
        return pa.table({"n0": first, "n1": np.abs(second)})

    rows = bent(20_000, together=True)
    bins = cut(rows, schema(2))
    baseline = profile(rows, bins)
    apart = list(joint(bins.joint, baseline, profile(bent(ROWS, together=False), bins), design_effect=4))
    still = list(joint(bins.joint, baseline, profile(bent(ROWS, together=True), bins), design_effect=4))

    assert list(map(is_alarm, apart)) == [True, False]
    assert list(map(is_alarm, still)) == [False, False]


def test_what_is_taken_for_chance_is_what_chance_gives() -> None:
    """Otherwise every window would be a little moved, or none enough."""
    found = [measured(normal(500, 10, rho=0.5, seed=seed), 10, rho=0.5) for seed in range(300)]

    ratios = [mmd.also["mmd_squared_over_chance"] for mmd, _ in found]
    sure = np.array([[difference.p_value or 0.0 for difference in both] for both in found])
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.08)
    for level in (0.01, 0.05, 0.2):
        shares = np.mean(sure < level, axis=0)
        assert shares[0] < level + 3 * np.sqrt(level / 300)
        assert shares[1] <= level
    assert np.mean(sure[:, 0] < 0.5) > 0.3


def test_the_discrepancy_is_the_formulas() -> None:
    """Against the kernel of all pairs of rows, the unbiased estimate, without any random wave."""
    bins, _ = trained(10, 0.5)
    before, now = (
        normal(1_500, 10, rho=0.5, seed=1),
        pa.table(
            {
                name: np.asarray(column) + 0.4
                for name, column in zip(*_columns(normal(1_500, 10, rho=0.5, seed=2)), strict=True)
            }
        ),
    )

    def kernel(a: pa.Table, b: pa.Table, *, own: bool) -> float:
        x, y = points(a, bins.joint) / STEPS, points(b, bins.joint) / STEPS
        squares = np.sum(x**2, axis=1)[:, None] + np.sum(y**2, axis=1)[None, :] - 2 * x @ y.T
        values = np.exp(-squares / (2 * bins.joint.width**2))
        return float((values.sum() - np.trace(values)) / (len(x) * (len(x) - 1)) if own else values.mean())

    exact = np.sqrt(kernel(before, before, own=True) + kernel(now, now, own=True) - 2 * kernel(before, now, own=False))
    mmd, _ = joint(bins.joint, profile(before, bins), profile(now, bins), design_effect=1)

    assert mmd.value == pytest.approx(exact, rel=0.15)


def _columns(table: pa.Table) -> tuple[list[str], list[np.ndarray]]:
    return table.column_names, [column.to_numpy() for column in table.columns]


def test_without_rows_there_is_nothing_to_say() -> None:
    bins, baseline = trained(10, 0.3)

    for sides in ((baseline, empty(bins)), (empty(bins), baseline)):
        assert [one.value for one in joint(bins.joint, *sides, design_effect=1)] == [None, None]


def test_a_feature_that_has_become_constant_stops_no_other() -> None:
    turned = normal(ROWS, 10, rho=-0.5)
    stuck = turned.set_column(5, "n5", pa.array(np.zeros(ROWS)))

    _, correlation = measured(stuck, 10, rho=0.5)

    assert correlation.feature == "n0 and n1"


def test_where_everything_is_constant_no_correlation_is_known() -> None:
    stuck = pa.table({f"n{index}": np.zeros(ROWS) for index in range(10)})

    mmd, correlation = measured(stuck, 10, rho=0.5)

    assert is_alarm(mmd)
    assert correlation.value is None


def test_one_feature_has_no_correlations_and_none_has_nothing() -> None:
    rows = pa.table({"n0": np.arange(500.0)})
    one = cut(rows, schema(1))
    bare = Bins(features={}, outputs={})

    assert [found.metric for found in joint(one.joint, profile(rows, one), profile(rows, one), design_effect=1)] == [
        "mmd_gaussian"
    ]
    assert not list(joint(bare.joint, profile(rows, bare), profile(rows, bare), design_effect=1))


def test_a_baseline_of_one_row_tells_nothing() -> None:
    """It has neither a spread nor a variance, and says so instead of failing or of being sure of everything."""
    rows = normal(ROWS, 10)
    bins = cut(rows.slice(0, 1), schema(10))

    (judged,) = (
        one
        for one in judge(profile(rows.slice(0, 1), bins), profile(rows, bins), bins, rules=RULES)
        if one.signal is Signal.JOINT_DRIFT
    )

    assert judged.verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("features", [1, 3, 10])
def test_a_discrepancy_is_as_rare_as_its_p_value_says(features: int) -> None:
    """At the levels where windows are judged, by importance sampling: draws are made likelier until half exceed the limit."""
    rng = np.random.default_rng(features)
    rows = pa.table({f"n{index}": rng.normal(size=10_000) for index in range(features)})
    bins = cut(rows, schema(features)).joint
    angles = points(rows, bins) @ bins.waves() * (2 * np.pi / TURN)
    exact = np.linalg.eigvalsh(np.cov(np.hstack((np.cos(angles), np.sin(angles))), rowvar=False))
    exact = exact[exact > exact[-1] * 1e-6] / exact.sum()
    draws = rng.chisquare(1, (10_000, len(exact)))

    for level in (1e-4, LEVEL, 1e-5):
        limit = weighted_quantile(level, np.array(bins.weights))
        tilt = _tilt(exact, limit)
        likelier = exact / (1 - 2 * tilt * exact)
        sums = draws @ likelier
        chance = np.mean(np.exp(-tilt * sums - np.sum(np.log1p(-2 * tilt * exact)) / 2) * (sums > limit))

        assert 1 / 1.3 < chance / level < 1.3


def _tilt(weights: np.ndarray, mean: float) -> float:
    """Return what makes the mean of the weighted sum this."""
    low, high = 0.0, 1 / (2 * float(weights.max()))
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.sum(weights / (1 - 2 * middle * weights)) < mean else (low, middle)
    return low


def flags(rng: np.random.Generator, rows: int, *, count: int, share: float) -> Columns:
    return {f"b{index}": rng.random(rows) < share for index in range(count)}


def skewed(rng: np.random.Generator, rows: int) -> Columns:
    return {f"n{index}": rng.lognormal(sigma=1.5, size=rows) for index in range(5)}


QUIET: dict[str, Callable[[np.random.Generator, int], Columns]] = {
    "30 flags of 0.1 %": lambda rng, rows: flags(rng, rows, count=30, share=0.001),
    "2 flags of 0.5 %": lambda rng, rows: flags(rng, rows, count=2, share=0.005),
    "skewed numbers": skewed,
    "a mixture": lambda rng, rows: skewed(rng, rows) | flags(rng, rows, count=5, share=0.002),
}


def schema_of(columns: Columns) -> Schema:
    types = {"b": FeatureType.BOOLEAN, "n": FeatureType.FLOAT}
    features = tuple(Feature(name=name, type=types[name[0]]) for name in columns)
    return Schema(features=features, outputs=(Output(name="prediction", type=FeatureType.FLOAT),))


@pytest.mark.parametrize("rows", [1_000, 5_000])
@pytest.mark.parametrize("kind", QUIET)
def test_rare_flags_and_skewed_numbers_are_silent_while_nothing_moves(kind: str, rows: int) -> None:
    """Two flags of 0.1 % go together in no row of the baseline, and once in a while in one of a window."""
    rng = np.random.default_rng(11)
    draw = QUIET[kind]
    p_values: list[float] = []
    for _ in range(3):
        columns = draw(rng, 20_000)
        bins = cut(pa.table(columns), schema_of(columns))
        baseline = profile(pa.table(columns), bins)
        for _ in range(40):
            window = profile(pa.table(draw(rng, rows)), bins)
            _, correlation = joint(bins.joint, baseline, window, design_effect=1)
            p_values.append(1.0 if correlation.p_value is None else correlation.p_value)
            mmd, correlation = joint(bins.joint, baseline, window, design_effect=RULES.design_effect)
            assert not is_alarm(mmd)
            assert correlation.p_value is None or not is_alarm(correlation)

    for level in (1e-2, 1e-3):
        assert np.mean(np.array(p_values) < level) <= level + 3 * math.sqrt(level / len(p_values))


@pytest.mark.parametrize("times", [1, 2, 3, 5])
def test_flags_that_never_went_together_may_have_done_so_by_chance(times: int) -> None:
    """Of 25,000 rows any may be the window's 5,000: that so many alike all are has a chance of a fifth to their power."""
    numbers = np.arange(20_000)
    columns = {"b0": numbers % 999 == 1, "b1": numbers % 999 == 500}
    bins = cut(pa.table(columns), schema_of(columns))
    window = {name: column[:5_000].copy() for name, column in columns.items()}
    for column in window.values():
        column[:times] = True

    _, found = joint(bins.joint, profile(pa.table(columns), bins), profile(pa.table(window), bins), design_effect=1)

    assert found.p_value is not None
    assert found.p_value > 0.2**times


def test_flags_that_begin_to_go_together_are_caught() -> None:
    """That they do not is never sure of such rare ones, so that they do not say how many rows silence takes."""
    rng = np.random.default_rng(12)
    columns = flags(rng, 20_000, count=3, share=0.02) | {"n0": rng.normal(size=20_000), "n1": rng.normal(size=20_000)}
    bins = cut(pa.table(columns), schema_of(columns))
    baseline = profile(pa.table(columns), bins)
    rare = Bins(
        features={}, outputs={}, joint=cut(pa.table(columns).select(["b0", "b1"]), _only(columns, "b0", "b1")).joint
    )

    window = columns | {"b1": columns["b0"]}
    _, caught = joint(
        bins.joint, baseline, profile(pa.table(window).slice(0, ROWS), bins), design_effect=RULES.design_effect
    )
    _, alone = joint(
        rare.joint,
        profile(pa.table(columns), rare),
        profile(pa.table(columns), rare),
        design_effect=RULES.design_effect,
    )

    assert is_alarm(caught)
    assert caught.feature == "b0 and b1"
    assert caught.needed is not None
    assert caught.needed(RULES.noticeable, LEVEL) < 20_000
    assert alone.needed is not None
    assert math.isinf(alone.needed(RULES.noticeable, LEVEL))


def _only(columns: Columns, *names: str) -> Schema:
    return schema_of({name: columns[name] for name in names})


def test_a_correlation_is_sure_on_the_rows_it_asks_for_and_not_on_a_fifth_less() -> None:
    """Of two normal numbers that come to go together by just so much; a share's rows would be a tenth of these."""
    bins, baseline = _independent(2)

    def sure(rows: int) -> float:
        values = np.random.default_rng(1).normal(size=(rows, 2))
        first, second = np.linalg.qr(values - values.mean(axis=0))[0].T * math.sqrt(rows)
        before = float(baseline.joint.correlations(baseline.rows)[0, 1])
        rho = before + RULES.noticeable
        window = pa.table({"n0": first, "n1": rho * first + math.sqrt(1 - rho**2) * second})
        _, correlation = joint(bins.joint, baseline, profile(window, bins), design_effect=RULES.design_effect)
        assert correlation.p_value is not None
        return correlation.p_value

    _, silent = joint(bins.joint, baseline, empty(bins), design_effect=RULES.design_effect)
    needed = by_rule(silent)
    assert sure(round(1.05 * needed)) < LEVEL < sure(round(0.8 * needed))


@pytest.mark.parametrize("features", [1, 10])
def test_a_discrepancy_is_sure_on_the_rows_it_asks_for_and_not_on_a_fifth_less(features: int) -> None:
    """Of rows that all move by as much as makes the discrepancy just noticeable."""
    bins, baseline = _independent(features)

    def sure(rows: int) -> float:
        values = np.random.default_rng(1).normal(size=(rows, features))
        low, high, p_value = 0.0, 3.0, 1.0
        for _ in range(12):
            shift = (low + high) / 2
            window = pa.table({f"n{index}": column + shift for index, column in enumerate(values.T)})
            mmd, *_ = joint(bins.joint, baseline, profile(window, bins), design_effect=RULES.design_effect)
            assert mmd.value is not None
            assert mmd.p_value is not None
            low, high, p_value = (*((shift, high) if mmd.value < RULES.noticeable else (low, shift)), mmd.p_value)
        return p_value

    silent, *_ = joint(bins.joint, baseline, empty(bins), design_effect=RULES.design_effect)
    needed = by_rule(silent)
    assert sure(round(1.05 * needed)) < LEVEL < sure(round(0.8 * needed))


@cache
def _independent(features: int) -> tuple[Bins, Profile]:
    rng = np.random.default_rng(9)
    rows = pa.table({f"n{index}": rng.normal(size=20_000) for index in range(features)})
    bins = cut(rows, schema(features))
    return bins, profile(rows, bins)


def by_rule(difference: Difference) -> int:
    """Return the rows that silence takes."""
    found = by_bonferroni(
        difference,
        level=LEVEL,
        comparisons=1,
        noticeable=RULES.noticeable,
        design_effect=RULES.design_effect,
        fewest_rows=RULES.minimum_rows,
    )
    assert found.needed is not None
    return found.needed
