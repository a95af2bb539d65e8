"""What a window may be judged by: never by what shares its rows, and no more of what came since than of the baseline."""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pytest

from shared.hours import Hour
from shared.monitoring.looking_back import (
    LOOKS_A_BLOCK,
    MOST_BLOCKS,
    Pace,
    Seen,
    StoredLook,
    Watched,
    remembered,
    with_look,
)
from shared.monitoring.window import Window
from shared.profiles.cutting import cut
from shared.profiles.hourly import Hours, encode_hours
from shared.profiles.profile import profile
from shared.schema import Feature, FeatureType, Output, Schema
from shared.signals.judgement import Signal
from shared.signals.judging import JudgingRules

MONDAY = Hour.parse("2026-03-02T00")
SCHEMA = Schema(
    features=(Feature(name="a", type=FeatureType.FLOAT), Feature(name="b", type=FeatureType.FLOAT)),
    outputs=(Output(name="answer", type=FeatureType.STRING),),
)
ROWS = 40
DAY = Pace.of(24, every=24)


def drawn(rng: np.random.Generator, rows: int, *, b: float = 0.0) -> pa.Table:
    texts = pa.array(["yes"] * rows)
    return pa.table({"a": rng.standard_normal(rows), "b": b + rng.standard_normal(rows), "answer": texts})


BINS = cut(drawn(np.random.default_rng(0), 5_000), SCHEMA)
BASELINE = profile(drawn(np.random.default_rng(0), 5_000), BINS)


def watched(days: int, *, end: Hour = MONDAY, is_live: bool = False) -> Watched:
    """Return what is watched against a baseline of so many days up to ``end``."""
    rng = np.random.default_rng(1)
    hours = [(end.plus(-at), profile(drawn(rng, ROWS), BINS)) for at in range(days * 24, 0, -1)]
    return Watched.of_baseline(BINS, BASELINE, Hours(encode_hours(hours), "hours"), is_live=is_live)


def look(end: Hour, *, rows: int = 24 * ROWS, is_quiet: bool = True, b: float = 0.0, seed: int = 2) -> StoredLook:
    """Return a look at the day before ``end``."""
    seen = NINETY.of(BINS, profile(drawn(np.random.default_rng(seed), rows, b=b), BINS))
    return StoredLook.at(Window.before(end, hours=24), seen, rows=rows, is_quiet=is_quiet)


NINETY = watched(90)


def days(first: int, end: int, **how: bool) -> list[StoredLook]:
    return [look(MONDAY.plus(24 * day), seed=day, **how) for day in range(first, end)]


def day(number: int) -> Window:
    """Return the day that ends so many days after the baseline."""
    return Window.before(MONDAY.plus(24 * number), hours=24)


def test_a_window_is_not_judged_by_windows_that_share_its_rows() -> None:
    """Not by those of a baseline either, which may be of these very hours."""
    history = NINETY.history((), day(-10), every_hours=1)

    looks = history.pasts[Signal.DRIFT].looks
    after = NINETY.history((), day(1), every_hours=1).pasts[Signal.DRIFT].looks
    assert len(after) == 90 * 24 - 23
    assert len(looks) == len(after) - 47


def test_a_window_that_is_judged_again_is_judged_by_the_same_looks() -> None:
    """Also where so many were made since that the oldest make room."""
    looks: tuple[StoredLook, ...] = ()
    for one in days(1, 2 * MOST_BLOCKS + 20):
        window = day((Hour.parse(one.end).since_monday - MONDAY.since_monday) // 24)
        before = NINETY.history(looks, window, every_hours=24).digest
        looks = with_look(looks, one, DAY)
        assert NINETY.history(looks, window, every_hours=24).digest == before


def test_looks_since_count_for_no_more_than_the_baseline() -> None:
    """A version that drifts slowly would else teach what it drifts to."""
    history = watched(50).history(days(1, 80), day(81), every_hours=24)

    assert history.pasts[Signal.DRIFT].looks.block_count == 50 + 50


def test_where_the_baseline_is_too_short_both_sides_teach_together() -> None:
    """A new normal of two weeks is no reason to begin with nothing."""
    short = watched(14)

    first = short.history(days(1, 20), day(21), every_hours=24).pasts[Signal.DRIFT]
    later = short.history(days(1, 80), day(81), every_hours=24).pasts[Signal.DRIFT]

    assert first.looks.block_count == 14 + 19
    assert later.looks.block_count == 14 + 79


def test_a_look_with_a_breach_teaches_nothing_but_that_there_was_one() -> None:
    noisy = [look(MONDAY.plus(24), is_quiet=False, b=3.0), *days(2, 5)]

    past = NINETY.history(noisy, day(6), every_hours=24).pasts[Signal.DRIFT]

    assert past.looks.block_count == 90 + 3
    assert past.left_out == 1


def test_only_the_features_that_are_judged_are_watched() -> None:
    """Another that moves would make the window news, and those it is said of are the judged ones."""
    rules = JudgingRules(features=frozenset({"a"}))
    moved = NINETY.of(BINS, profile(drawn(np.random.default_rng(5), 24 * ROWS, b=1.0), BINS))

    def told(features: Iterable[str]) -> bool:
        history = NINETY.history((), day(1), every_hours=24, features=frozenset(features))
        return history.tell(moved, rows=24 * ROWS, rules=rules)[Signal.DRIFT].surprise.is_news

    assert told(())
    assert not told({"a"})


def test_a_version_that_answers_texts_is_calibrated_without_its_answers() -> None:
    history = NINETY.history((), day(1), every_hours=24)

    assert history.signals == 1
    assert set(history.tell(NINETY.of(BINS, BASELINE), rows=100, rules=JudgingRules())) == {Signal.DRIFT}


def test_training_data_does_not_say_how_many_rows_are_usual() -> None:
    """It may be a sample of what was asked; a baseline that was accepted later is not."""
    since = [look(MONDAY.plus(24 * 7 * week), rows=100 * week) for week in (1, 2, 3)]
    window = day(28)

    assert NINETY.history(since, window, every_hours=24).usual_rows() == [100, 200, 300]
    live = watched(14, is_live=True).history(since, window, every_hours=24)
    assert live.usual_rows() == [24 * ROWS, 24 * ROWS, 100, 200, 300]


@pytest.mark.parametrize(("others", "is_season"), [(0.0, True), (2.0, False)])
def test_what_lasts_is_no_season(others: float, *, is_season: bool) -> None:
    """One day a week is; every day is not, though the day a week before strayed alike."""
    moved = dict.fromkeys(range(1, 14), others) | {7: 2.0}
    looks = [look(MONDAY.plus(24 * at), b=by, is_quiet=False, seed=at) for at, by in moved.items()]
    seen = NINETY.of(BINS, profile(drawn(np.random.default_rng(99), 24 * ROWS, b=2.0), BINS))
    history = NINETY.history(looks, day(14), every_hours=24)

    alike = history.alike(history.tell(seen, rows=24 * ROWS, rules=JudgingRules()))

    assert (alike.get(Signal.DRIFT, 0.0) > 0.8) is is_season


def test_of_long_windows_some_looks_are_enough() -> None:
    """Of a month's window an hourly look would be kept seven hundred times over."""
    pace = Pace.of(720, every=1)
    looks: tuple[StoredLook, ...] = ()
    for at in range(720):
        end = MONDAY.plus(at)
        nothing = {Signal.DRIFT: Seen(np.zeros(2), np.ones(2))}
        looks = with_look(looks, StoredLook.at(Window.before(end, hours=720), nothing, rows=1, is_quiet=True), pace)

    assert len(looks) == LOOKS_A_BLOCK


def test_the_first_and_the_newest_blocks_are_remembered() -> None:
    ends = [MONDAY.plus(12 * at) for at in range(2 * 400)]
    looks: Sequence[StoredLook] = [StoredLook(end=end.key, rows=1, is_quiet=True, values={}) for end in ends]

    kept = remembered(reversed(looks), 24, spare=1)

    assert [one.end for one in kept] == [end.key for end in (*ends[: 2 * MOST_BLOCKS], *ends[-2 * (MOST_BLOCKS + 1) :])]
