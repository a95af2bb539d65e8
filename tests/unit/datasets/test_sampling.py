"""The laws of how rows are divided among strata, and of the cuts that take them."""

import hashlib
from collections.abc import Mapping

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given

from shared.datasets import sampling
from shared.datasets.recipe import Sample, Sampling
from shared.datasets.sampling import LEVEL_WEIGHTS, MILLION, MOST_STRATA, Cuts
from shared.errors import InvalidRecipe

DIVIDING = (Sampling.UNIFORM, Sampling.STRATIFIED, Sampling.DRIFT_AWARE)
IN_TURN = (Sampling.RECENT_FIRST, Sampling.UNCERTAINTY_FIRST)

strata = st.dictionaries(st.sampled_from("012345678"), st.integers(1, 3000), min_size=1)
large = st.dictionaries(st.sampled_from("012345678"), st.integers(1, 10**9), min_size=1)


def wanted(by: Sampling, rows: int) -> Sample:
    return Sample(rows=rows, by=by, strata=("carrier",) if by is Sampling.STRATIFIED else ())


def keys(rows: Mapping[str, int], *, seed: int = 0) -> dict[str, list[str]]:
    return {
        name: [hashlib.md5(f"{seed}|{name}{number}".encode()).hexdigest() for number in range(size)]
        for name, size in rows.items()
    }


def counted(days: list[dict[str, list[str]]]) -> pa.Table:
    found = [
        {"_reason": None, "_stratum": name, "_prefix": key[:3], "rows": 1}
        for day in days
        for name, them in day.items()
        for key in them
    ]
    left_out = [{"_reason": "canary", "_stratum": "", "_prefix": "", "rows": 5}] * 2
    columns = pa.schema([(name, pa.string()) for name in ("_reason", "_stratum", "_prefix")] + [("rows", pa.int64())])
    return pa.Table.from_pylist([*found, *left_out], columns)


def cut(days: list[dict[str, list[str]]], sample: Sample) -> Cuts:
    """Return the cuts as a build finds them: from counts, and then from the keys at the borders."""
    counts = counted(days)
    rows = sampling.totals(counts)
    allotted = sampling.allot(rows, sample)
    borders = sampling.borders(counts, allotted)
    at_border = [
        {"_stratum": name, "_key": key}
        for day in days
        for name, them in day.items()
        for key in them
        if name in borders and key[:3] == borders[name].prefix
    ]
    columns = pa.schema([("_stratum", pa.string()), ("_key", pa.string())])
    return sampling.cuts(sample, rows, allotted, borders, pa.Table.from_pylist(at_border, columns))


@given(large, st.sampled_from(list(Sampling)), st.integers(1, 10**9))
def test_as_many_rows_are_allotted_as_are_wanted_or_all(rows: dict[str, int], by: Sampling, most: int) -> None:
    allotted = sampling.allot(rows, wanted(by, most))

    assert sum(allotted.values()) == min(most, sum(rows.values()))
    assert all(0 <= allotted[name] <= size for name, size in rows.items())


@given(strata, st.sampled_from(list(Sampling)), st.integers(1, 9000))
def test_one_row_more_takes_none_away(rows: dict[str, int], by: Sampling, most: int) -> None:
    """Largest remainders would: with one seat more, Alabama was to have one less."""
    before, after = (sampling.allot(rows, wanted(by, one)) for one in (most, most + 1))

    assert all(before[name] <= after[name] for name in rows)


@given(large, st.sampled_from(DIVIDING), st.integers(9, 10**9))
def test_every_stratum_gets_a_row_where_rows_are_divided(rows: dict[str, int], by: Sampling, most: int) -> None:
    """A stratum without one would be missing in every estimate."""
    assert min(sampling.allot(rows, wanted(by, most)).values()) >= 1


@given(strata, st.integers(1, 9000))
def test_drift_aware_rows_are_divided_as_one_after_the_other_by_adams(rows: dict[str, int], most: int) -> None:
    found = dict.fromkeys(rows, 0)
    for _ in range(min(most, sum(rows.values()), 300)):
        open_ones = [name for name in sorted(rows) if found[name] < rows[name]]
        claims = {name: rows[name] * LEVEL_WEIGHTS[int(name)] for name in open_ones}
        nothing_yet = [name for name in open_ones if not found[name]]
        turn = max(nothing_yet or open_ones, key=lambda name: claims[name] / max(found[name], 1))
        found[turn] += 1

    assert sampling.allot(rows, wanted(Sampling.DRIFT_AWARE, min(most, 300))) == found


@given(strata, st.integers(9, 9000))
def test_strata_get_equally_many_as_far_as_they_have_them(rows: dict[str, int], most: int) -> None:
    allotted = sampling.allot(rows, wanted(Sampling.STRATIFIED, most))

    cut_short = [allotted[name] for name in rows if allotted[name] < rows[name]]
    assert not cut_short or max(allotted.values()) - min(cut_short) <= 1


def test_the_newest_and_the_least_certain_come_first_and_whole() -> None:
    days = {"2026-03-01": 50, "2026-03-02": 50, "2026-03-03": 50}

    assert sampling.allot(days, wanted(Sampling.RECENT_FIRST, 70)) == {
        "2026-03-03": 50,
        "2026-03-02": 20,
        "2026-03-01": 0,
    }
    assert sampling.allot({"0": 5, "1": 5}, wanted(Sampling.UNCERTAINTY_FIRST, 7)) == {"0": 5, "1": 2}


def test_without_a_sample_all_are_taken() -> None:
    assert sampling.allot({"": 12}, None) == {"": 12}


def test_a_level_more_counts_the_root_of_two_more() -> None:
    assert tuple(round(1000 * 2 ** (level / 2)) for level in range(9)) == LEVEL_WEIGHTS


@given(
    st.dictionaries(st.sampled_from("012345678"), st.integers(1, 400), min_size=1),
    st.sampled_from(list(Sampling)),
    st.integers(1, 2000),
    st.integers(1, 3),
)
def test_exactly_the_allotted_rows_have_keys_up_to_the_cut_whatever_the_days(
    rows: dict[str, int], by: Sampling, most: int, days: int
) -> None:
    all_keys = keys(rows)
    by_day = [{name: them[day::days] for name, them in all_keys.items()} for day in range(days)]
    sample = wanted(by, most)

    found = cut(by_day, sample)

    allotted = sampling.allot(rows, sample)
    for name, them in all_keys.items():
        one = found.strata.get(name)
        taken = [] if one is None else [key for key in them if one.key is None or key <= one.key]
        assert len(taken) == allotted[name]
        assert sorted(taken) == sorted(them)[: len(taken)]
    assert found.chosen == sum(allotted.values())


@pytest.mark.parametrize("by", DIVIDING)
def test_weights_make_up_for_what_was_preferred(by: Sampling) -> None:
    """The mean over seeds of the weighted mean is the mean of all rows, though strata differ in what they hold."""
    rows = {"0": 300, "3": 40, "8": 5} if by is not Sampling.UNIFORM else {"": 345}
    values = {name: np.random.default_rng(len(name)).normal(int(name or 0), 1.0, size) for name, size in rows.items()}
    everything = np.concatenate(list(values.values()))
    means = []
    for seed in range(300):
        drawn = keys(rows, seed=seed)
        found = cut([drawn], wanted(by, 60))
        weighted = 0.0
        for name, one in found.strata.items():
            taken = np.array([one.key is None or key <= one.key for key in drawn[name]])
            weighted += one.ppm / MILLION * values[name][taken].sum()
        means.append(weighted / len(everything))

    error = np.std(means, ddof=1) / len(means) ** 0.5
    assert np.mean(means) == pytest.approx(everything.mean(), abs=4 * error)
    assert 0 < error < 0.02


def test_a_weight_is_rounded_half_to_even_in_millionths() -> None:
    found = cut([keys({"": 3 * 10**3})], Sample(rows=7))

    assert found.strata[""].ppm == 428_571_429
    assert sampling._ppm(Sampling.UNIFORM, 5, 2**7 * 5**7) == 0  # 0.5 of a millionth
    assert sampling._ppm(Sampling.UNIFORM, 15, 2**7 * 5**7) == 2  # 1.5 of them


@pytest.mark.parametrize("by", IN_TURN)
def test_what_is_taken_first_stands_for_itself_alone(by: Sampling) -> None:
    found = cut([keys({"0": 10, "1": 10})], wanted(by, 15))

    assert {one.ppm for one in found.strata.values()} == {MILLION}


def test_counts_say_what_was_left_out_and_why() -> None:
    counts = counted([keys({"a": 2, "b": 3}), keys({"b": 4})])

    assert sampling.excluded(counts) == {"canary": 10}
    assert sampling.totals(counts) == {"a": 2, "b": 7}


def test_scouts_take_no_row_that_a_small_sample_takes() -> None:
    """Levels that the sample's own rows had made would prefer just these rows."""
    first = sampling.scouted_from(10**8)

    share = (16**3 - int(first, 16)) / 16**3
    assert share * 10**8 >= 200_000
    assert share < 0.01
    assert sampling.scouted_from(0) == "000"


@pytest.mark.parametrize("by", [Sampling.UNIFORM, Sampling.RECENT_FIRST, Sampling.DRIFT_AWARE])
def test_where_nothing_can_be_taken_nothing_is_cut(by: Sampling) -> None:
    """A recipe may leave out all that there is: then the dataset is empty, and its checks say so."""
    assert cut([{}, {}], wanted(by, 10)).strata == {}


def test_more_strata_than_can_be_gone_through_are_refused_by_their_features() -> None:
    """A tail number has a value for every aircraft: a million strata are a million entries of everything that is kept of them."""
    names = [f"|={number}" for number in range(MOST_STRATA + 1)]
    counts = pa.table(
        {
            "_reason": pa.array([None] * len(names), pa.string()),
            "_stratum": names,
            "_prefix": ["000"] * len(names),
            "rows": [1] * len(names),
        }
    )
    sample = Sample(rows=5, by=Sampling.STRATIFIED, strata=("tail", "carrier"))

    with pytest.raises(InvalidRecipe, match=r"^sample\.strata: tail and carrier come in 10,001 combinations of values"):
        sampling.refuse_many_strata(counts, sample)
    sampling.refuse_many_strata(counts.slice(1), sample)
    sampling.refuse_many_strata(pa.concat_tables([counts.slice(1), counts.slice(1)]), sample)
