"""Streams are the same in every run, and drift where they say so."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.retraining.further import FURTHER
from benchmarks.retraining.packaged import Wheel
from benchmarks.retraining.periods import Periods, some_of_each
from benchmarks.retraining.streams import DEVELOPMENT, HELD_OUT, STREAMS, Stream

GENERATED = [stream for stream in STREAMS if stream.is_generated]


@given(st.lists(st.integers(5, 40), min_size=1, max_size=8), st.integers(1, 5))
def test_a_sample_keeps_so_many_of_each_group_in_their_order(sizes: list[int], size: int) -> None:
    kept = some_of_each(sizes, size)

    groups = np.repeat(np.arange(len(sizes)), sizes)
    assert (np.diff(kept) > 0).all()
    assert np.array_equal(groups[kept], np.repeat(np.arange(len(sizes)), size))
    assert np.array_equal(kept, some_of_each(sizes, size))


def test_a_group_too_small_for_its_sample_is_refused() -> None:
    with pytest.raises(ValueError, match="larger sample"):
        some_of_each([10, 3], 4)


def test_a_period_that_is_not_complete_is_dropped() -> None:
    rows = np.arange(11, dtype=np.float32)[:, None]

    cut = Periods.cut(rows, rows[:, 0] > 4, 3)

    assert cut.rows[..., 0].tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert cut.actuals.tolist() == [[False] * 3, [False, False, True], [True] * 3]


def test_permuting_keeps_every_row_with_its_actual() -> None:
    rows = np.arange(60, dtype=np.float32).reshape(4, 5, 3)
    periods = Periods(rows=rows, actuals=rows[..., 0] % 2 == 1)

    permuted = periods.permuted()

    assert np.array_equal(permuted.actuals, permuted.rows[..., 0] % 2 == 1)
    assert sorted(map(tuple, permuted.rows.reshape(-1, 3))) == sorted(map(tuple, rows.reshape(-1, 3)))
    assert not np.array_equal(permuted.rows, rows)


@pytest.mark.parametrize("stream", GENERATED, ids=lambda stream: stream.name)
def test_a_generated_stream_is_the_same_each_time(stream: Stream, tmp_path: Path) -> None:
    one, other = stream.read(tmp_path), stream.read(tmp_path)

    assert one.rows.shape == (150, 300, 5)
    assert np.array_equal(one.rows, other.rows)
    assert np.array_equal(one.actuals, other.actuals)
    assert 0.4 < one.actuals.mean() < 0.6


@pytest.mark.parametrize("stream", GENERATED, ids=lambda stream: stream.name)
def test_the_rule_or_the_rows_of_a_generated_stream_move_where_it_says_so(stream: Stream, tmp_path: Path) -> None:
    """Moments that the rule and the rows settle stray from period to period by no more than chance, or by far more."""
    periods = stream.read(tmp_path)
    answers = np.where(periods.actuals, 1.0, -1.0)[..., None]
    moments = np.concatenate([periods.rows * answers, periods.rows], axis=2)
    strays = moments.mean(axis=1).var(axis=0) / (moments.var(axis=1).mean(axis=0) / moments.shape[1])

    assert (strays.max() > 2) == stream.drifts


def test_what_is_held_out_is_not_among_what_policies_are_made_with() -> None:
    assert {stream.name for stream in HELD_OUT} == {
        *("covtype", "squares", "flights"),
        *("covtype permuted", "flights permuted"),
    }
    assert {*HELD_OUT, *DEVELOPMENT} == set(STREAMS)
    assert not {*HELD_OUT} & {*DEVELOPMENT}
    assert len({stream.name for stream in STREAMS}) == len(STREAMS)


def test_further_streams_are_none_of_those_that_policies_were_made_with_or_are_reported_of() -> None:
    assert not {stream.name for stream in FURTHER} & {stream.name for stream in STREAMS}
    assert len({stream.name for stream in FURTHER}) == len(FURTHER)
    assert all(stream.is_held_out for stream in FURTHER)


@pytest.mark.parametrize("name", ["sine", "hyperplane", "united", "warmer"])
def test_a_further_stream_is_the_same_each_time(name: str, tmp_path: Path) -> None:
    """Of those that need no download and are quickly made."""
    (stream,) = (one for one in FURTHER if one.name == name)

    one, other = stream.read(tmp_path), stream.read(tmp_path)

    assert len(one) >= 150
    assert np.array_equal(one.rows, other.rows, equal_nan=True)
    assert np.array_equal(one.actuals, other.actuals)


def test_a_control_of_a_stream_does_not_drift_and_is_held_out_as_it_is() -> None:
    for stream in STREAMS:
        control = stream.permuted()

        assert not control.drifts
        assert (control.window, control.is_held_out) == (stream.window, stream.is_held_out)


def test_a_wheel_that_is_there_is_not_downloaded(tmp_path: Path) -> None:
    (tmp_path / "some.whl").write_bytes(b"some")
    wheel = Wheel(requirement="no such thing", file="some.whl", sha256=hashlib.sha256(b"some").hexdigest())

    assert wheel.fetched(tmp_path) == tmp_path / "some.whl"


def test_a_wheel_with_other_contents_is_refused(tmp_path: Path) -> None:
    (tmp_path / "some.whl").write_bytes(b"another")
    wheel = Wheel(requirement="no such thing", file="some.whl", sha256=hashlib.sha256(b"some").hexdigest())

    with pytest.raises(ValueError, match="delete it"):
        wheel.fetched(tmp_path)
