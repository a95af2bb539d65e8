"""Which of our numbers is which tool's: what the table of metrics says, against the tools' formulas.

The formulas are written down here again from what each tool does, with numpy and scipy alone; ``benchmarks.drift`` holds
ours against the tools themselves, where they are installed.
"""

import re

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.spatial.distance import jensenshannon

from shared.signals.drift import chi_squared, jensen_shannon_distance, psi
from shared.signals.exact.comparing import compare
from shared.signals.exact.comparison import Comparison
from shared.signals.exact.files import TableColumns
from tests.documents import chapter

DIGITS = 1e-6

Floats = NDArray[np.float64]

RNG = np.random.default_rng(1)
BEFORE: Floats = RNG.lognormal(size=6_000)
NOW: Floats = RNG.lognormal(0.1, 1.05, size=4_000)
CATEGORIES = ["a", "b", "c", "d", "new"]
COUNTS = np.array([3_000, 2_000, 800, 200, 0]), np.array([1_900, 1_500, 380, 200, 20])


def numbers() -> Comparison:
    (found,) = compare(TableColumns(pa.table({"x": BEFORE})), TableColumns(pa.table({"x": NOW})))
    return found


def categories() -> Comparison:
    before, now = (np.repeat(CATEGORIES, counts) for counts in COUNTS)
    (found,) = compare(TableColumns(pa.table({"x": before})), TableColumns(pa.table({"x": now})))
    return found


def test_ks_is_scipys_and_that_of_whoever_asks_scipy() -> None:
    """alibi-detect, frouros and Azure ML at any number of rows, NannyML below 10,000."""
    assert numbers().metrics["ks"] == pytest.approx(stats.ks_2samp(BEFORE, NOW).statistic, rel=DIGITS)


def test_the_p_value_of_ks_is_the_limit_and_others_are_a_little_smaller() -> None:
    """Evidently, frouros and alibi-detect have scipy's, which takes n * m / (n + m) for the rows of one sample."""
    found = numbers()

    rows = len(BEFORE) * len(NOW) / (len(BEFORE) + len(NOW))
    theirs = stats.ks_2samp(BEFORE, NOW, method="asymp").pvalue
    assert found.p_values["ks"] == pytest.approx(stats.kstwobign.sf(np.sqrt(rows) * found.metrics["ks"]), rel=DIGITS)
    assert theirs < found.p_values["ks"] < 1.2 * theirs


def test_wasserstein_is_evidentlys_and_others_have_it_in_another_unit() -> None:
    """NannyML (below 10,000 rows) and frouros in that of the values, Azure ML in sample standard deviations."""
    found = numbers().metrics["wasserstein_normalised"]

    distance = stats.wasserstein_distance(BEFORE, NOW)
    assert found == pytest.approx(distance / max(float(np.std(BEFORE)), 0.001), rel=DIGITS)
    assert found * np.std(BEFORE) == pytest.approx(distance, rel=DIGITS)
    n = len(BEFORE)
    assert found * np.sqrt((n - 1) / n) == pytest.approx(distance / np.std(BEFORE, ddof=1), rel=DIGITS)


def test_the_shift_of_the_mean_is_glass_and_its_p_value_the_limit_of_welch() -> None:
    found = numbers()

    welch = stats.ttest_ind(NOW, BEFORE, equal_var=False)
    assert found.metrics["mean_shift"] == pytest.approx((NOW.mean() - BEFORE.mean()) / np.std(BEFORE), rel=DIGITS)
    assert found.p_values["mean_shift"] == pytest.approx(2 * stats.norm.sf(abs(welch.statistic)), rel=DIGITS)
    assert found.p_values["mean_shift"] == pytest.approx(welch.pvalue, rel=0.05)


def test_psi_is_evidentlys_over_evidentlys_bins() -> None:
    """As equal widths by Sturges' rule over both sides; where bins are empty, Evidently puts 1e-4 in."""
    edges = np.histogram_bin_edges(np.append(BEFORE, NOW), bins="sturges")[:6]
    counts = [np.histogram(side, edges)[0] for side in (BEFORE, NOW)]
    p, q = (side / side.sum() for side in counts)

    theirs = np.sum((p - q) * np.log(p / q))

    assert psi(*counts, pseudocount=1e-9) == pytest.approx(theirs, rel=DIGITS)
    assert numbers().metrics["psi"] != pytest.approx(theirs, rel=0.05)


def test_jensen_shannon_of_numbers_is_nannymls_over_nannymls_bins_and_evidentlys_in_nats() -> None:
    """NannyML: Doane's bins of the baseline, and one for all that lies outside. Evidently: Sturges' bins of both sides."""
    doane = np.histogram_bin_edges(BEFORE, bins="doane")
    p, q = (np.histogram(side, doane)[0] for side in (BEFORE, NOW))
    outside = len(NOW) - q.sum()
    nannyml = jensenshannon(np.append(p / len(BEFORE), 0), np.append(q / len(NOW), outside / len(NOW)), base=2)
    sturges = np.histogram_bin_edges(np.append(BEFORE, NOW), bins="sturges")
    counts = [np.histogram(side, sturges)[0] for side in (BEFORE, NOW)]
    evidently = jensenshannon(*(side / side.sum() for side in counts))

    assert jensen_shannon_distance(np.append(p, 0), np.append(q, outside)) == pytest.approx(nannyml, rel=DIGITS)
    assert jensen_shannon_distance(*counts) * np.sqrt(np.log(2)) == pytest.approx(evidently, rel=DIGITS)


def test_jensen_shannon_of_categories_is_that_of_nannyml_and_azure_ml_and_evidentlys_in_nats() -> None:
    """NannyML puts all new categories into one, as our profiles do; of one, as here, it makes no difference."""
    found = categories().metrics["jensen_shannon_distance"]

    p, q = (side / side.sum() for side in COUNTS)
    assert found == pytest.approx(jensenshannon(p, q, base=2), rel=DIGITS)
    assert found * np.sqrt(np.log(2)) == pytest.approx(jensenshannon(p, q), rel=DIGITS)


def test_chi_squared_is_the_contingency_test_and_not_goodness_of_fit() -> None:
    """alibi-detect has it too, NannyML and frouros from three categories on: scipy corrects the statistic of two.

    Evidently and Azure ML take the baseline's shares for the truth, which doubles the statistic where sides are as large,
    and makes it infinite where a category is new.
    """
    found = categories()

    theirs = stats.chi2_contingency(np.vstack(COUNTS))
    assert found.metrics["chi_squared"] == pytest.approx(theirs.statistic, rel=DIGITS)
    assert found.p_values["chi_squared"] == pytest.approx(theirs.pvalue, rel=DIGITS)
    known = [side[:4] for side in COUNTS]
    fit = stats.chisquare(known[1], known[0] * known[1].sum() / known[0].sum())
    assert fit.statistic > 1.5 * chi_squared(*known)


def test_l_infinity_is_nannymls() -> None:
    p, q = (side / side.sum() for side in COUNTS)

    assert categories().metrics["l_infinity"] == pytest.approx(np.abs(p - q).max(), rel=DIGITS)


def test_psi_of_categories_is_smoothed_by_half_a_row() -> None:
    """Azure ML adds a whole row to each and leaves the sums above 1; Evidently puts 1e-4 where none is."""
    p, q = ((side + 0.5) / (side + 0.5).sum() for side in COUNTS)

    assert categories().metrics["psi"] == pytest.approx(np.sum((q - p) * np.log(q / p)), rel=DIGITS)


def test_the_table_defines_every_metric() -> None:
    table = chapter("shared/monitoring/README.md", "Metrics")
    defined = set(re.findall(r"^\| `(\w+)`", table, flags=re.MULTILINE))

    jointly = {"mmd_gaussian", "correlation_change"}
    assert defined == numbers().metrics.keys() | categories().metrics.keys() | jointly
