"""Months of a billion rows, made of some thousands: what is looked at must be what so many rows would have left."""

from functools import reduce

import msgspec
import numpy as np
import pytest

from benchmarks.columns import schema_of, table
from benchmarks.windows import identified, times
from shared.profiles.cutting import cut
from shared.profiles.profile import merge, profile
from shared.profiles.sample import ROWS, Sample


@pytest.mark.parametrize("number", [1, 2, 5, 6])
def test_a_profile_so_many_times_over_is_that_of_so_many_rows(number: int) -> None:
    """Every sum of it: correlations of sums that lag behind the rows would be those of no window."""
    rows = table(300, seed=1, moved=False)
    bins = cut(rows, schema_of(rows))
    day = profile(identified(rows), bins)

    found = times(day, number)

    expected = reduce(merge, [day] * number)
    assert msgspec.structs.replace(found, sample=Sample()) == msgspec.structs.replace(expected, sample=Sample())
    assert found.joint.correlations(found.rows) == pytest.approx(day.joint.correlations(day.rows), nan_ok=True)
    assert found.sample == day.sample


def test_rows_have_ids_and_so_are_sampled() -> None:
    """A profile without its sample is some 180 bytes a feature smaller than what sealing writes."""
    rows = identified(table(100, seed=1, moved=True))

    assert len(np.unique(rows.column("_id").to_pylist())) == 100
    assert len(profile(rows, cut(rows, schema_of(rows.drop_columns("_id")))).sample.rows) == ROWS
