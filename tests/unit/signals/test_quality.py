"""Bad values, one kind at a time."""

import numpy as np
import pytest
from scipy import stats

from shared.profiles.bins import CategoricalBins, FeatureBins
from shared.profiles.categorical import CategoricalProfile
from shared.profiles.columns import Numbers, Words
from shared.profiles.cutting import cut_numeric
from shared.profiles.features import FeatureProfile
from shared.profiles.numeric import NumericProfile
from shared.signals.measuring import Difference
from shared.signals.quality import quality, refusals, volume
from shared.signals.sureness import by_bonferroni

BINS = cut_numeric(np.arange(1_000.0))
CARRIERS = CategoricalBins(categories=("AA", "UA"))


def number(*values: float, missing: int = 0) -> NumericProfile:
    return NumericProfile.of(Numbers(values=np.sort(np.array(values)), missing=missing, not_finite=0), BINS)


def words(**counts: int) -> CategoricalProfile:
    return CategoricalProfile.of(Words(counts=counts, missing=0), CARRIERS)


def constant(bins: FeatureBins, baseline: FeatureProfile, current: FeatureProfile) -> list[Difference]:
    found = quality("x", bins, baseline, current, rows=(1_000, 500), design_effect=4)
    return [one for one in found if one.metric == "constant"]


def test_a_number_that_is_stuck_is_constant_and_not_by_chance() -> None:
    (found,) = constant(BINS, number(*range(1_000)), number(*[7.25] * 500))

    assert found.value == 1
    assert found.p_value == pytest.approx(0, abs=1e-99)


def test_values_within_one_bin_are_not_one_value() -> None:
    (found,) = constant(BINS, number(*range(1_000)), number(*np.linspace(7.1, 7.9, 500).tolist()))

    assert (found.value, found.p_value) == (0, 1)


def test_a_category_that_is_stuck_may_be_chance_where_it_was_common() -> None:
    """99 of 100 rows had it before: 80 that all have it prove nothing."""
    baseline = words(AA=990, UA=10)

    (few,) = constant(CARRIERS, baseline, words(AA=80))
    (many,) = constant(CARRIERS, baseline, words(AA=8_000))

    assert few.value == many.value == 1
    assert few.p_value == pytest.approx(0.99**20, rel=1e-6)
    assert many.p_value == pytest.approx(0.99**2_000, rel=1e-6)


@pytest.mark.parametrize("common", [990, 700, 500])
def test_a_constant_is_sure_on_the_rows_it_asks_for_and_not_on_a_fifth_less(common: int) -> None:
    """Of a flag that nearly always has one value it takes thousands, where a moved share takes hundreds."""
    baseline = words(AA=common, UA=1_000 - common)
    (silent,) = constant(CARRIERS, baseline, words())
    found = by_bonferroni(silent, level=1e-4, comparisons=1, noticeable=0.2, design_effect=4, fewest_rows=1)

    assert found.needed is not None
    for rows, is_sure in ((found.needed, True), (int(0.8 * found.needed), False)):
        (stuck,) = constant(CARRIERS, baseline, words(AA=rows))
        assert stuck.p_value is not None
        assert (stuck.p_value < 1e-4) is is_sure


def test_unseen_values_are_told_apart_by_their_hashes() -> None:
    baseline = words(AA=500, UA=500)

    assert [one.value for one in constant(CARRIERS, baseline, words(XX=50))] == [1]
    assert [one.value for one in constant(CARRIERS, baseline, words(XX=50, YY=1))] == [0]


def test_what_never_varied_cannot_become_constant() -> None:
    assert constant(CARRIERS, words(AA=1_000), words(AA=500)) == []


def test_without_values_nobody_knows_whether_it_is_constant() -> None:
    (found,) = constant(BINS, number(*range(1_000)), number(missing=500))

    assert found.value is None


def test_refused_requests_count_as_a_row_each_where_nobody_knows_their_rows() -> None:
    """A value of a wrong type is in no profile, however many there are."""
    found = {
        one.feature: one
        for one in refusals({"temp": 50, "": 150}, ["temp", "rain"], rows=(5_000, 800), design_effect=4)
    }

    assert {name: one.value for name, one in found.items()} == {
        "temp": 0.05,
        "rain": 0.0,
        "a feature that the model does not take": 0.15,
    }
    assert found["temp"].rows == 1_000
    assert (found["temp"].p_value or 0) < 1e-3 < (found["rain"].p_value or 0)


def test_half_of_the_large_requests_refused_is_half_of_the_rows() -> None:
    """A thousand rows each: counted as one row, fifty of them would be a thousandth, below any floor."""
    (found, _) = refusals({"temp": 50}, ["temp"], rows=(5_000, 50_000), design_effect=4, refused_rows={"temp": 50_000})

    assert found.value == 0.5
    assert found.rows == 100_000
    assert found.words == "refused in 50.0% of rows, 0.0% in the baseline"
    assert (found.p_value or 1) < 1e-9


def test_one_large_request_that_is_refused_is_one() -> None:
    """Half of the rows are gone, and it may happen once: as sure as one of two requests of one row is."""
    (large, _) = refusals({"temp": 1}, ["temp"], rows=(5_000, 10_000), design_effect=4, refused_rows={"temp": 10_000})
    (small, _) = refusals({"temp": 1}, ["temp"], rows=(5_000, 1), design_effect=4)

    assert large.value == small.value == 0.5
    assert large.p_value == small.p_value
    assert (large.p_value or 0) > 0.1


def test_rows_that_were_refused_are_among_the_rows_of_every_feature() -> None:
    requests = {"temp": 10, "": 20}

    found = refusals(
        requests, ["temp", "rain"], rows=(5_000, 400), design_effect=4, refused_rows={"temp": 400, "": 200}
    )

    assert {one.feature: one.value for one in found} == {
        "temp": 0.4,
        "rain": 0.0,
        "a feature that the model does not take": 0.2,
    }


def test_the_chance_of_a_volume_is_students() -> None:
    usual = [900, 1_100, 1_000, 950, 1_050, 2_000]
    logs = np.log1p(usual)
    t = (logs.mean() - np.log1p(100)) / (logs.std(ddof=1) * np.sqrt(1 + 1 / 6))

    found = volume(100, usual)

    assert found.value == pytest.approx(logs.mean() - np.log1p(100))
    assert found.p_value == pytest.approx(2 * stats.t.sf(t, 5))
    assert found.words == "100 rows, where 1120 are usual"


def test_equal_volumes_do_not_make_the_next_one_certain() -> None:
    """Counts vary by their root even where everything is regular."""
    assert (volume(1_040, [1_000] * 20).p_value or 0) > 0.1
    assert (volume(400, [1_000] * 20).p_value or 1) < 1e-6


def test_no_rows_at_all_are_a_volume() -> None:
    found = volume(0, [1_000, 1_100, 900, 1_000, 950, 1_020, 990, 1_010])

    assert (found.value or 0) > 6
    assert (found.p_value or 1) < 1e-6


def test_two_windows_are_too_few_to_say_what_is_usual() -> None:
    assert volume(5, [100, 100]).value is None
