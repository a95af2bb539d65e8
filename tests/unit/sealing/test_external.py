"""An index says which rows have which external id."""

import hashlib
import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from shared.sealing.tables.external import index, keys

IDS = st.lists(st.none() | st.text(max_size=3), max_size=20)


@given(IDS)
def test_every_row_that_has_one_is_in_it_by_its_key(external_ids: list[str | None]) -> None:
    data = index(pa.table({"_external_id": pa.array(external_ids, pa.string())}))

    found = [] if data is None else pq.read_table(io.BytesIO(data)).to_pylist()
    expected = [
        (int.from_bytes(hashlib.sha256(one.encode()).digest()[:8], "big"), row)
        for row, one in enumerate(external_ids)
        if one is not None
    ]
    assert [(one["key"], one["row"]) for one in found] == sorted(expected)
    assert (data is None) == (not expected)


def test_few_keys_are_looked_for_in_few_row_groups() -> None:
    rows = pa.table({"_external_id": [str(number) for number in range(50_000)]})
    data = index(rows)

    assert data is not None
    about = pq.ParquetFile(io.BytesIO(data)).metadata
    groups = [about.row_group(group).column(0).statistics for group in range(about.num_row_groups)]
    (key,) = keys(pa.chunked_array([["7"]])).tolist()
    assert len(groups) == 7
    assert sum(one.min <= key <= one.max for one in groups) == 1


def test_a_key_is_the_beginning_of_a_digest() -> None:
    """FIPS 180-2, appendix B.1: SHA-256 of "abc" begins with ba7816bf 8f01cfea."""
    assert keys(pa.chunked_array([["abc"]])).dtype == np.uint64
    assert keys(pa.chunked_array([["abc"]])).tolist() == [0xBA7816BF8F01CFEA]
