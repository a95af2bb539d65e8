"""whylogs: both sides profiled, then compared: an estimate of KS, and chi-squared, as p-values."""

import whylogs
from sides import numbers, read, tell
from whylogs.viz.drift.column_drift_algorithms import KS, ChiSquare, calculate_drift_scores

before, now = read()
known = set(numbers(before))
views = [whylogs.log(rows).view() for rows in (now, before)]
found = calculate_drift_scores(*views, drift_map={name: KS() if name in known else ChiSquare() for name in before})
tell({name: {"whylogs_p_value": None if score is None else score["pvalue"]} for name, score in found.items()})
