"""By the inputs: PSI and Kolmogorov-Smirnov between what the champion was trained on and the newest period."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import kolmogorov
from scipy.stats import chi2_contingency

from benchmarks.retraining.games import Policy, Rule, Seen
from shared.signals.drift import psi

Column = NDArray[np.float32]

_PSI: Final = 0.2
_TENTHS: Final = np.arange(0.1, 1.0, 0.1)
_SIGNIFICANT: Final = 0.05
_SHARE: Final = 0.5


def _rule(name: str, has_drifted: Callable[[list[tuple[Column, Column, bool]]], bool]) -> Rule:
    """Return the rule that swaps when the columns have drifted: each as it was, as it is, and whether it holds categories."""

    def begin() -> Policy:
        baselines: dict[int, NDArray[np.float32]] = {}

        def is_time(seen: Seen) -> bool:
            if seen.champion not in baselines:
                window = seen.trained_on(seen.champion)
                baselines[seen.champion] = np.concatenate([seen.inputs(at) for at in range(window.start, window.stop)])
            baseline, current = baselines[seen.champion], seen.inputs(seen.now - 1)
            columns = range(current.shape[-1])
            return has_drifted([(baseline[:, one], current[:, one], one in seen.categorical) for one in columns])

        return is_time

    return Rule(name=name, begin=begin)


def _any_psi_is_high(columns: list[tuple[Column, Column, bool]]) -> bool:
    """Return whether a PSI is above 0.2: over the baseline's tenths, or categories; missing values are a bin of their own."""
    return any(
        psi(*_counts(baseline, current, is_category=is_category)) > _PSI for baseline, current, is_category in columns
    )


def _half_differ(columns: list[tuple[Column, Column, bool]]) -> bool:
    """Return whether at least half of the columns have p < 0.05, each for itself, missing values left out.

    Source:
        Evidently's rule for the drift of a data set, with its default share of drifted columns; Kolmogorov-Smirnov for
        numbers (with the p-values of the limit: rows are many) and chi-square for categories, as Evidently tests up to 1,000 rows.
    """
    differ = [
        _p_value(baseline, current, is_category=is_category) < _SIGNIFICANT
        for baseline, current, is_category in columns
    ]
    return float(np.mean(differ)) >= _SHARE


def _p_value(baseline: Column, current: Column, *, is_category: bool) -> float:
    baseline, current = baseline[~np.isnan(baseline)], current[~np.isnan(current)]
    if not len(baseline) or not len(current):
        return 1.0
    if not is_category:
        return _ks_p_value(baseline, current)
    counts = np.stack(_counts(baseline, current, is_category=True))
    counts = counts[:, counts.any(axis=0)]
    return float(chi2_contingency(counts).pvalue) if counts.shape[1] > 1 else 1.0


def _ks_p_value(baseline: Column, current: Column) -> float:
    """Return the p-value of the two-sample test, from the limit of its statistic's distribution."""
    values = np.concatenate((baseline, current))
    up_to = [np.searchsorted(np.sort(column), values, side="right") / len(column) for column in (baseline, current)]
    rows = len(baseline) * len(current) / len(values)
    return float(kolmogorov(np.sqrt(rows) * np.abs(up_to[0] - up_to[1]).max()))


def _counts(baseline: Column, current: Column, *, is_category: bool) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the rows in each bin; the last is for what is missing."""
    present = np.concatenate((baseline, current)) if is_category else baseline
    present = present[~np.isnan(present)]
    edges = (
        np.unique(present)[1:] if is_category else np.unique(np.quantile(present, _TENTHS)) if len(present) else present
    )
    counted = [
        np.bincount(
            np.where(np.isnan(column), len(edges) + 1, np.searchsorted(edges, column, side="right")),
            minlength=len(edges) + 2,
        )
        for column in (baseline, current)
    ]
    return counted[0], counted[1]


PSI: Final = _rule("PSI > 0.2", _any_psi_is_high)
KS: Final = _rule("KS share >= 50 %", _half_differ)
