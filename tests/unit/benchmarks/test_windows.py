"""Profiles are measured as sealing writes them."""

import numpy as np

from benchmarks.columns import table
from benchmarks.windows import identified, schema_of
from shared.profiles.cutting import cut
from shared.profiles.profile import profile
from shared.profiles.sample import ROWS


def test_rows_have_ids_and_so_are_sampled() -> None:
    """A profile without its sample is some 180 bytes a feature smaller than what sealing writes."""
    rows = identified(table(100, seed=1, moved=True))

    assert len(np.unique(rows.column("_id").to_pylist())) == 100
    assert len(profile(rows, cut(rows, schema_of(rows.drop_columns("_id")))).sample.rows) == ROWS
