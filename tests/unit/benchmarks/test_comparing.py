"""Agreement with other tools: what was not compared has not agreed."""

import pytest

from benchmarks.comparing import DIGITS, differences, furthest


@pytest.mark.parametrize(
    ("mine", "other", "apart"),
    [
        (0.5, 0.5, 0.0),
        (0.5, 0.4, 0.25),
        (0.0, 0.5, 0.5),
        (0.5, 0.0, 0.5),
        (0.0, 0.0, 0.0),
        (1e-40, 0.0, 0.0),
        (3e-17, 0.0, 0.0),
    ],
)
def test_values_are_compared_though_one_is_nothing(mine: float, other: float, apart: float) -> None:
    """A distance of 0 where the other tool finds one is as wrong as can be; a p-value may be lost in single precision."""
    ((metric, features, largest),) = differences({"x": {"ks": mine}}, {"x": {"ks": other}})

    assert (metric, features) == ("ks", 1)
    assert largest == pytest.approx(apart, abs=DIGITS / 10)


def test_the_furthest_feature_counts() -> None:
    ours = {"x": {"ks": 0.1}, "y": {"ks": 0.2}}

    assert list(differences(ours, {"x": {"ks": 0.1}, "y": {"ks": 0.4}})) == [("ks", 2, 0.5)]


@pytest.mark.parametrize("odd", [float("nan"), float("inf")])
def test_what_is_no_number_agrees_with_no_number(odd: float) -> None:
    """Wherever it stands: the largest of 0.1 and NaN is 0.1."""
    ours = {"x": {"ks": 0.1}, "y": {"ks": 0.2}}

    assert list(differences(ours, {"x": {"ks": 0.1}, "y": {"ks": odd}})) == [("ks", 2, float("inf"))]
    assert list(differences({"x": {"ks": odd}}, {"x": {"ks": 0.1}})) == [("ks", 1, float("inf"))]


def test_a_metric_that_no_feature_has_on_both_sides_has_no_difference() -> None:
    """Else a tool that finds nothing would agree with everything."""
    ours = {"x": {"ks": 0.1}, "y": {}}

    assert list(differences(ours, {"x": {"ks": None}, "y": {"ks": 0.3}, "z": {"ks": 0.1}})) == [("ks", 0, None)]
    assert furthest([0.0, None]) is None
    assert furthest([]) is None
    assert furthest([0.0, 0.25]) == 0.25
