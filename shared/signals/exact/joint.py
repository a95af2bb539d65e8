"""Two tables, compared in how their columns go together: what ``joint`` says of two windows, of all rows of two files.

What a version's baseline is when it is registered, the baseline's rows are here: coordinates are standardised by all of them,
and the width of the kernel and the null come from 10,000, evenly spread. Rows pass a few thousand at a time, and sums are
what is left of them.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Final

import numpy as np
import pyarrow as pa

from shared.errors import InvalidSchema
from shared.profiles.bins import Bins, CategoricalBins, FeatureBins, NumericBins
from shared.profiles.columns import sorted_numbers
from shared.profiles.joint_cutting import MOST_ROWS, cut_joint
from shared.profiles.profile import Profile, empty, merge, profile
from shared.registry.inference import MOST_CATEGORIES
from shared.signals.exact.categories import Categories
from shared.signals.exact.comparing import Columns, kind_of
from shared.signals.exact.comparison import JointComparison
from shared.signals.exact.numbers import NumericBaseline
from shared.signals.joint import joint

ROWS_AT_ONCE: Final = 8192


def compare_jointly(baseline: Columns, current: Columns, *, design_effect: float = 1.0) -> tuple[JointComparison, ...]:
    """Compare how the columns of two tables go together, those that both have and that can be compared.

    Texts of more than 1,000 values are left out, as they are by profiles. Nothing where no column is left, where the
    baseline has fewer than two rows or the other side none.

    Args:
        baseline: what it was.
        current: what it is now.
        design_effect: rows that are worth one independent row, >= 1; 1 takes all rows for independent.
    """
    if baseline.rows < 2 or not current.rows:
        return ()
    features = {
        name: known for name in baseline.types if name in current.types if (known := _known(name, baseline, current))
    }
    bins = Bins(features={}, outputs={}, joint=cut_joint(_thinned(baseline, list(features)), features, seed=""))
    sides = [_summed(side, bins, list(features)) for side in (baseline, current)]
    return tuple(
        JointComparison(metric=one.metric, features=one.feature, value=one.value, p_value=one.p_value)
        for one in joint(bins.joint, *sides, design_effect=design_effect)
    )


def _known(name: str, baseline: Columns, current: Columns) -> FeatureBins | None:
    """Return what ``cut_joint`` has to know of a column; None for one that is left out."""
    kind = kind_of(baseline.types[name], current.types[name])
    try:
        if kind == "number":
            return _numeric(NumericBaseline.of(sorted_numbers(baseline.read(name), name)))
        if kind == "category":
            sides = [Categories.of(side.read(name), name).names for side in (baseline, current)]
            if max(map(len, sides)) <= MOST_CATEGORIES:
                return CategoricalBins(categories=tuple(sides[0].to_pylist()))
    except InvalidSchema:  # comparing the column by itself says why
        pass
    return None


def _numeric(column: NumericBaseline) -> NumericBins:
    mean, scale = column.mean / column.unit, column.scale / column.unit
    return NumericBins(edges=(), deciles=(), minimum=None, maximum=None, mean=mean, scale=scale or 1.0)


def _thinned(columns: Columns, names: Sequence[str]) -> pa.Table:
    """Return as many rows as are looked at to cut, evenly spread."""
    step = -(-columns.rows // MOST_ROWS)
    parts, passed = [], 0
    for rows in columns.batches(names, rows=ROWS_AT_ONCE):
        places = np.arange(-passed % step, rows.num_rows, step)
        # not pa.array(places): it imports pandas
        parts.append(rows.take(pa.Array.from_buffers(pa.int64(), len(places), [None, pa.py_buffer(places)])))
        passed += rows.num_rows
    return pa.concat_tables(parts)


def _summed(columns: Columns, bins: Bins, names: Sequence[str]) -> Profile:
    return reduce(merge, (profile(rows, bins) for rows in columns.batches(names, rows=ROWS_AT_ONCE)), empty(bins))
