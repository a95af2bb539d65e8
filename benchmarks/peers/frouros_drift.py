"""frouros: its batch detectors, a column each, with each metric of ours that it has."""

import pandas as pd
from frouros.detectors.data_drift import EMD, JS, PSI, ChiSquareTest, KSTest
from sides import Values, each, tell


def number(before: pd.Series, now: pd.Series) -> Values:
    """Apply the detectors of numbers."""
    found = {}
    for name, detector in {"frouros_psi": PSI(), "frouros_jensen_shannon": JS(), "wasserstein": EMD()}.items():
        detector.fit(X=before.to_numpy())
        found[name] = detector.compare(X=now.to_numpy())[0].distance
    test = KSTest()
    test.fit(X=before.to_numpy())
    ks = test.compare(X=now.to_numpy())[0]
    return {**found, "ks": ks.statistic, "kstwo_p_value": ks.p_value}


def category(before: pd.Series, now: pd.Series) -> Values:
    """Apply the detector of categories."""
    test = ChiSquareTest()
    test.fit(X=before.to_numpy())
    found = test.compare(X=now.to_numpy())[0]
    return {"chi_squared": found.statistic, "chi_squared_p_value": found.p_value}


tell(each(number, category))
