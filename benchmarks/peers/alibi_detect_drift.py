"""alibi-detect: its Kolmogorov-Smirnov and chi-squared detectors, a column each, since they take no missing values."""

import numpy as np
import pandas as pd
from alibi_detect.cd import ChiSquareDrift, KSDrift
from sides import Values, each, tell


def number(before: pd.Series, now: pd.Series) -> Values:
    """Apply the detector of numbers."""
    found = KSDrift(before.to_numpy()[:, None], p_val=0.05).predict(now.to_numpy()[:, None])["data"]
    return {"ks": found["distance"][0], "kstwo_p_value": found["p_val"][0]}


def category(before: pd.Series, now: pd.Series) -> Values:
    """Apply the detector of categories, which wants their numbers."""
    names = np.unique(np.concatenate((before.unique(), now.unique())))
    codes = [pd.Categorical(side, categories=names).codes[:, None] for side in (before, now)]
    found = ChiSquareDrift(codes[0], p_val=0.05, categories_per_feature={0: len(names)}).predict(codes[1])["data"]
    return {"chi_squared": found["distance"][0], "chi_squared_p_value": found["p_val"][0]}


tell(each(number, category))
