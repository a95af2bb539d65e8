"""What every peer does alike: read two Parquet files, compare each column without its nulls, print one JSON object."""

import json
import sys
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

Values = Mapping[str, float | None]


def read() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the baseline and the current rows, which the command line names."""
    before, now = (pd.read_parquet(path) for path in sys.argv[1:3])
    return before, now


def numbers(rows: pd.DataFrame) -> list[str]:
    """Return which columns are numbers; the others are categories."""
    return [name for name in rows.columns if pd.api.types.is_numeric_dtype(rows[name])]


def each(
    number: Callable[[pd.Series, pd.Series], Values], category: Callable[[pd.Series, pd.Series], Values]
) -> dict[str, Values]:
    """Compare each column with what is for its kind."""
    before, now = read()
    known = set(numbers(before))
    return {
        name: (number if name in known else category)(before[name].dropna(), now[name].dropna())
        for name in before.columns
    }


def together(most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return both sides as matrices of so many rows at most, evenly spread, for detectors that take all columns at once.

    They take numbers without a gap, of one unit: categories are numbered, columns standardised by the baseline, and what is
    missing is its mean.
    """
    before, now = (rows.iloc[:: -(-len(rows) // most)] for rows in read())
    known = set(numbers(before))
    columns = []
    for name in before.columns:
        sides = [before[name], now[name]]
        if name not in known:
            names = pd.unique(pd.concat(sides).dropna())
            sides = [pd.Series(pd.Categorical(side, categories=names).codes).replace(-1, np.nan) for side in sides]
        mean, scale = sides[0].mean(), sides[0].std() or 1.0
        columns.append([((side - mean) / scale).fillna(0.0).to_numpy() for side in sides])
    first, second = (np.column_stack(side) for side in zip(*columns, strict=True))
    return first, second


def tell(found: Mapping[str, Values]) -> None:
    """Print what was found, by feature and metric, on a line of its own: libraries print things too."""
    values = {
        feature: {metric: None if value is None else float(value) for metric, value in metrics.items()}
        for feature, metrics in found.items()
    }
    print(json.dumps(values))
