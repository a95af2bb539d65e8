"""Evidently's bare test functions: no figures, no report, each metric of ours that it has."""

import pandas as pd
from evidently.legacy.calculations.stattests import (
    chi_stat_test,
    jensenshannon_stat_test,
    ks_stat_test,
    psi_stat_test,
    wasserstein_stat_test,
)
from evidently.legacy.core import ColumnType
from sides import Values, each, tell

NUMBER = {
    "evidently_psi": psi_stat_test,
    "evidently_jensen_shannon": jensenshannon_stat_test,
    "kstwo_p_value": ks_stat_test,
    "wasserstein_normalised": wasserstein_stat_test,
}
CATEGORY = {
    "evidently_psi": psi_stat_test,
    "jensen_shannon_in_nats": jensenshannon_stat_test,
    "goodness_of_fit_p_value": chi_stat_test,
}


def number(before: pd.Series, now: pd.Series) -> Values:
    """Apply the tests of numbers."""
    return {name: test.func(before, now, ColumnType.Numerical, 0.05)[0] for name, test in NUMBER.items()}


def category(before: pd.Series, now: pd.Series) -> Values:
    """Apply the tests of categories."""
    return {name: test.func(before, now, ColumnType.Categorical, 0.05)[0] for name, test in CATEGORY.items()}


tell(each(number, category))
