"""A few rows, fairly drawn, whatever is merged in whatever order."""

from functools import reduce
from uuid import UUID

import numpy as np
import pyarrow as pa
import pytest

from shared.profiles.sample import MOST_CHARACTERS, ROWS, Sample, hashes


def ids(rows: int, *, seed: int = 0) -> list[str]:
    """Return version 7 ids of one hour: their first halves are all but equal."""
    rng = np.random.default_rng(seed)
    return [str(UUID(int=0x019C << 112 | row << 76 | int(rng.integers(2**62)))) for row in range(rows)]


def table(rows: int, *, seed: int = 0) -> pa.Table:
    return pa.table({"_id": ids(rows, seed=seed), "x": [float(row) for row in range(rows)]})


@pytest.mark.parametrize("parts", [2, 7, 100])
def test_merged_samples_are_the_sample_of_the_whole(parts: int) -> None:
    rows = table(1_000)
    drawn = np.random.default_rng(1).permutation(parts)

    samples = [Sample.of(rows.take(list(range(part, 1_000, parts))), ["x"]) for part in drawn.tolist()]

    assert reduce(Sample.merge, samples) == Sample.of(rows, ["x"])


def test_rows_are_drawn_with_what_they_hold() -> None:
    rows = table(1_000)
    by_id = dict(zip(*(rows.column(name).to_pylist() for name in ("_id", "x")), strict=True))

    found = Sample.of(rows, ["x"]).rows

    assert len({row.id for row in found}) == ROWS
    assert [row.values for row in found] == [(by_id[row.id],) for row in found]
    assert [row.hash for row in found] == sorted(hashes(rows.column("_id")).tolist())[:ROWS]


def test_every_row_is_as_likely_to_be_drawn() -> None:
    """Ids sort by time: a hash that kept some of that would draw the rows of one minute."""
    drawn = [row.values[0] for seed in range(200) for row in Sample.of(table(100, seed=seed), ["x"]).rows]

    counts = np.bincount(np.array(drawn, dtype=np.int64), minlength=100)
    # 200 draws of 32 out of 100: 64 of each, with a standard deviation of 6.6
    assert 35 < counts.min() < counts.max() < 93
    thirds = counts[:33].sum(), counts[33:67].sum(), counts[67:].sum()
    assert np.array(thirds) / (32 * 200) == pytest.approx([0.33, 0.34, 0.33], abs=0.03)


def test_hashes_look_random_bit_by_bit() -> None:
    bits = np.unpackbits(hashes(pa.chunked_array([ids(20_000)])).view(np.uint8)).reshape(-1, 64)

    assert np.abs(bits.mean(axis=0) - 0.5).max() < 0.02
    assert np.abs(np.corrcoef(bits.T) - np.eye(64)).max() < 0.05


def test_a_hash_never_changes() -> None:
    """Samples that were stored years ago are merged with new ones, and ids in another form are told apart as well."""
    told = ["019c0000-0000-7000-8000-000000000001", "019c0000-0000-7000-8000-000000000002", "an id", ""]

    whole = hashes(pa.chunked_array([told])).tolist()

    assert whole == [hashes(pa.chunked_array([[one]])).tolist()[0] for one in told]
    assert whole[0] == 13_626_006_107_008_679_816


def test_what_json_cannot_say_is_none_and_long_texts_are_cut_off() -> None:
    rows = pa.table({"_id": ids(1), "x": [float("inf")], "n": [2**62], "s": ["é" * (MOST_CHARACTERS + 1)], "b": [True]})

    (row,) = Sample.of(rows, ["x", "n", "s", "b", "gone"]).rows

    assert row.values == (None, 2**62, "é" * MOST_CHARACTERS + "…", True, None)


def test_of_training_data_which_has_no_ids_nothing_is_drawn() -> None:
    assert Sample.of(table(50).drop_columns(["_id"]), ["x"]) == Sample()
