"""What goes to train, validation and test, and what never comes apart."""

from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from math import floor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.datasets.keys import keys
from shared.datasets.recipe import Split, SplitBy
from shared.datasets.splitting import SPANS, SPLITS, Rows, split

HOUR = 3_600_000_000
TRAIN, VALIDATION, TEST = range(3)

minutes = st.integers(0, 600)
asked_rows = st.lists(st.tuples(st.integers(0, 12), st.none() | st.integers(0, 8), minutes, st.booleans()), max_size=40)
"""Of each row the request, the group, the minute and, rarely, that it is an original one."""

Asked = Sequence[tuple[int, int | None, int, bool]]
shares = st.tuples(st.sampled_from([0.0, 0.1, 0.2, 0.3]), st.sampled_from([0.0, 0.1, 0.2, 0.5]))


def rows_of(asked: Asked, *, grouped: bool = True) -> Rows:
    """Rows in the order of their ids; original ones are of no request."""
    ids = keys(pa.chunked_array([[f"{number:06}" for number in range(len(asked))]], pa.string()))
    requests = keys(pa.chunked_array([[f"request {request}" for request, *_ in asked]], pa.string()))
    is_original = np.array([one[3] for one in asked], dtype=bool)
    return Rows(
        ids=ids,
        requests=np.where(is_original, ids, requests),
        groups=keys(pa.chunked_array([[f"{one[1]}" for one in asked]], pa.string())) if grouped else None,
        has_group=np.array([one[1] is not None for one in asked], dtype=bool),
        at=np.array([one[2] * HOUR // 60 for one in asked], dtype=np.int64),
        is_original=is_original,
    )


def units_of(asked: Asked, *, grouped: bool = True) -> list[int]:
    """Which rows are connected, found by hand: the number of each row's unit."""
    units = list(range(len(asked)))
    changed = True
    while changed:
        changed = False
        for at, (request, group, _, is_original) in enumerate(asked):
            for other, (its_request, its_group, _, its_original) in enumerate(asked):
                same = not is_original and not its_original and request == its_request
                same = same or (grouped and group is not None and group == its_group)
                if same and units[at] > units[other]:
                    units[at] = units[other]
                    changed = True
    return units


def asked_for(by: SplitBy, share: tuple[float, float]) -> Split:
    return Split(by=by, validation=share[0], test=share[1], group="g")


@given(asked_rows, shares, st.sampled_from(SplitBy), st.booleans(), st.integers(0, 3))
def test_no_unit_ever_comes_apart(
    asked: Asked,
    share: tuple[float, float],
    by: SplitBy,
    grouped: bool,  # noqa: FBT001 - drawn
    seed: int,
) -> None:
    """What was seen of a request or a group in training would tell what comes in the test."""
    codes = split(rows_of(asked, grouped=grouped), asked_for(by, share), seed=seed)

    places = defaultdict(set)
    for unit, code in zip(units_of(asked, grouped=grouped), codes.tolist(), strict=True):
        places[unit].add(code)
    assert all(len(where - {SPANS}) <= 1 for where in places.values())


@given(asked_rows, shares, st.integers(0, 3))
def test_by_group_a_share_is_missed_by_one_unit_at_most(asked: Asked, share: tuple[float, float], seed: int) -> None:
    """Units with original rows are for training; of the others each can go anywhere."""
    codes = split(rows_of(asked), asked_for(SplitBy.GROUP, share), seed=seed)

    units = np.array(units_of(asked), dtype=int)
    is_original = np.array([one[3] for one in asked], dtype=bool)
    captured = int((~is_original).sum())
    free = ~np.isin(units, units[is_original])
    largest = np.bincount(units[free]).max(initial=0)
    for code, of in ((VALIDATION, share[0]), (TEST, share[1])):
        wanted = min(floor(Fraction(str(of)) * captured), int(free.sum()))
        if share[0] + share[1] <= free.sum() / max(captured, 1):
            assert abs(int((codes == code).sum()) - wanted) <= largest
    assert SPANS not in codes


@given(asked_rows, shares)
def test_by_time_training_is_before_validation_and_test_but_for_the_last_hour_of_a_unit_that_began_before(
    asked: Asked, share: tuple[float, float]
) -> None:
    rows = rows_of(asked)
    codes = split(rows, asked_for(SplitBy.TIME, share), seed=0)

    units = np.array(units_of(asked), dtype=int)
    captured = ~rows.is_original
    for late in (VALIDATION, TEST):
        for early in range(late):
            firsts = rows.at[captured & (codes == late)]
            for at in np.flatnonzero(captured & (codes == early)):
                began = rows.at[captured & (units == units[at])].min()
                # those of a unit on the later side began after the cut, to which this one began before
                assert rows.at[at] <= firsts.min(initial=2**62) or (
                    began <= firsts.min() and rows.at[at] - began <= HOUR
                )


@given(asked_rows, shares)
def test_by_time_what_spans_a_cut_is_left_out_only_if_it_takes_more_than_an_hour(
    asked: Asked, share: tuple[float, float]
) -> None:
    """Or because a row of the original training data, which is always for training, belongs to it."""
    rows = rows_of(asked)
    codes = split(rows, asked_for(SplitBy.TIME, share), seed=0)

    units = np.array(units_of(asked), dtype=int)
    for unit in np.unique(units[codes == SPANS]):
        times = rows.at[(units == unit) & ~rows.is_original]
        assert times.max() - times.min() > HOUR or rows.is_original[units == unit].any()


@given(st.lists(minutes, min_size=1, max_size=60), shares)
def test_by_time_rows_that_were_asked_alone_are_cut_where_the_shares_say(
    asked: list[int], share: tuple[float, float]
) -> None:
    rows = rows_of([(number, None, minute, False) for number, minute in enumerate(asked)])

    codes = split(rows, asked_for(SplitBy.TIME, share), seed=0).tolist()

    assert codes.count(TEST) == floor(Fraction(str(share[1])) * len(asked))
    assert codes.count(VALIDATION) == floor(Fraction(str(share[0])) * len(asked))
    in_order = [code for _, _, code in sorted(zip(asked, range(len(asked)), codes, strict=True))]
    assert in_order == sorted(in_order)


def test_rows_of_one_moment_are_cut_in_the_order_of_their_ids() -> None:
    """Otherwise it would be left to the sorting which of them go to the test, and to the machine what a dataset's name is."""
    rows = rows_of([(number, None, 5, False) for number in range(10)])

    codes = split(rows, asked_for(SplitBy.TIME, (0.2, 0.3)), seed=0)

    assert codes.tolist() == [TRAIN] * 5 + [VALIDATION] * 2 + [TEST] * 3


def test_a_request_at_a_cut_goes_to_the_earlier_side() -> None:
    requests = [0, 1, 2, 2, 2, 3]

    codes = split(rows_of([(request, None, 5, False) for request in requests]), Split(test=0.5), seed=0)

    assert codes.tolist() == [TRAIN] * 5 + [TEST]


@pytest.mark.parametrize(("last", "expected"), [(60, TRAIN), (61, SPANS)])
def test_a_group_that_comes_again_after_a_cut_is_left_out_unless_that_is_within_an_hour(
    last: int, expected: int
) -> None:
    asked = [(0, 7, 0, False), (1, None, 10, False), (2, None, 20, False), (3, 7, last, False)]

    codes = split(rows_of(asked), Split(test=0.25, group="g"), seed=0)

    assert codes.tolist() == [expected, TRAIN, TRAIN, expected]


def test_original_rows_are_for_training_and_take_what_belongs_to_them_along() -> None:
    """By time, what is too late for training is left out instead: the group would be in training and test."""
    asked = [
        (0, 1, 0, False),
        (1, 2, 10, False),
        (2, 3, 90, False),
        (3, 4, 200, False),
        (0, 4, 0, True),
        (0, 1, 0, True),
    ]

    by_time = split(rows_of(asked), Split(test=0.5, group="g"), seed=0)
    by_group = split(rows_of(asked), Split(by=SplitBy.GROUP, test=0.5, group="g"), seed=0)

    assert by_time.tolist() == [TRAIN, TRAIN, TEST, SPANS, TRAIN, TRAIN]
    assert by_group[[0, 3, 4, 5]].tolist() == [TRAIN] * 4


def test_shares_are_of_captured_rows() -> None:
    asked = [(number, None, number, number >= 10) for number in range(30)]

    codes = split(rows_of(asked), Split(validation=0.1, test=0.3), seed=0)

    assert [int((codes == code).sum()) for code in range(len(SPLITS))] == [6 + 20, 1, 3]


def test_rows_without_a_group_do_not_belong_together() -> None:
    asked = [(number, None, number, False) for number in range(10)]

    codes = split(rows_of(asked), Split(by=SplitBy.GROUP, test=0.5, group="g"), seed=0)

    assert (codes == TEST).sum() == 5


@given(st.integers(0, 2**31 - 1))
def test_by_group_it_is_chance_which_groups_are_tested_and_their_sizes_have_no_part_in_it(seed: int) -> None:
    """If large groups came first, they would all be in the test and none in training."""
    sizes = [1] * 50 + [9] * 50
    asked = [(number, group, 0, False) for number, group in enumerate(np.repeat(range(100), sizes).tolist())]

    codes = split(rows_of(asked), Split(by=SplitBy.GROUP, test=0.5, group="g"), seed=seed)

    tested = {one[1] for one, code in zip(asked, codes.tolist(), strict=True) if code == TEST}
    large = sum(1 for group in tested if group is not None and group >= 50)
    assert 20 <= large <= 32
    assert 5 <= len(tested) - large <= 45


def test_another_seed_tests_other_groups() -> None:
    rows = rows_of([(number, number // 3, 0, False) for number in range(90)])
    asked = Split(by=SplitBy.GROUP, test=0.5, group="g")

    assert split(rows, asked, seed=1).tolist() != split(rows, asked, seed=2).tolist()
    assert split(rows, asked, seed=1).tolist() == split(rows, asked, seed=1).tolist()


def test_many_rows_of_the_same_request_and_group_are_one_unit() -> None:
    """They are one edge as often as they are: added up in eight bits, 512 would be none."""
    asked: Asked = [(0, 0, 0, False)] * 512 + [(1, 0, 0, False)] * 512

    codes = split(rows_of(asked), Split(test=0.25), seed=0)

    assert set(codes.tolist()) == {TRAIN}


@pytest.mark.parametrize("by", SplitBy)
def test_no_rows_are_split_into_nothing(by: SplitBy) -> None:
    assert split(rows_of([]), asked_for(by, (0.1, 0.2)), seed=0).tolist() == []
