"""NannyML's univariate drift, over one chunk, with each metric of ours that it has."""

import nannyml
from sides import numbers, read, tell

NUMBER = {
    "jensen_shannon": "nannyml_jensen_shannon",
    "kolmogorov_smirnov": "nannyml_ks",
    "wasserstein": "nannyml_wasserstein",
}
CATEGORY = {"jensen_shannon": "jensen_shannon_distance", "chi2": "nannyml_chi_squared", "l_infinity": "l_infinity"}

before, now = read()
known = set(numbers(before))
categories = [name for name in before.columns if name not in known]
calculator = nannyml.UnivariateDriftCalculator(
    column_names=list(before.columns),
    treat_as_categorical=categories,
    continuous_methods=list(NUMBER),
    categorical_methods=list(CATEGORY),
    chunk_number=1,
)
found = calculator.fit(before).calculate(now).filter(period="analysis").to_df()
tell(
    {
        name: {
            ours: found[name][theirs]["value"].iloc[0]
            for theirs, ours in (NUMBER if name in known else CATEGORY).items()
        }
        for name in before.columns
    }
)
