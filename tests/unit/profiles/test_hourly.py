"""A baseline hour by hour."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from shared.errors import InvalidDocument
from shared.hours import Hour
from shared.profiles import hourly
from shared.profiles.hourly import Hours, by_hour, encode_hours, latest
from shared.profiles.profile import merge, profile
from tests.unit.profiles.tables import table
from tests.unit.profiles.test_profile import BINS, baseline_rows

START = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
ROWS = table(baseline_rows())


def times(every: timedelta, kind: pa.DataType) -> pa.ChunkedArray:
    moments = [START.replace(tzinfo=kind.tz and UTC) + row * every for row in range(ROWS.num_rows)]
    return pa.chunked_array([pa.array(moments, kind)])


def test_every_hour_has_the_profile_of_its_rows() -> None:
    hours = list(by_hour(ROWS, times(timedelta(minutes=10), pa.timestamp("us", tz="UTC")), BINS))

    assert [hour.key for hour, _ in hours[:2]] == ["2026-03-01T09", "2026-03-01T10"]
    assert hours[1][1] == profile(ROWS.slice(3, 6), BINS)
    assert reduce(merge, (found for _, found in hours)) == profile(ROWS, BINS)


@pytest.mark.parametrize(
    "written",
    [
        times(timedelta(minutes=10), pa.timestamp("ns", tz="Europe/Berlin")),
        times(timedelta(minutes=10), pa.timestamp("us")),
        times(timedelta(minutes=10), pa.timestamp("us", tz="UTC")).cast(pa.string()),
        times(timedelta(minutes=10), pa.timestamp("s")).cast(pa.string()),
    ],
    ids=["elsewhere", "naive", "text", "naive text"],
)
def test_times_are_read_however_they_are_written(written: pa.ChunkedArray) -> None:
    plain = by_hour(ROWS, times(timedelta(minutes=10), pa.timestamp("us", tz="UTC")), BINS)

    assert list(by_hour(ROWS, written, BINS)) == list(plain)
    assert latest(written) == START + 99 * timedelta(minutes=10)


@pytest.mark.parametrize("values", [[1.5] * 100, [3] * 100, ["soon"] * 100, [None] * 100])
def test_what_is_no_time_gives_no_hours(values: list[Any]) -> None:
    """A version with such a column is registered all the same: its baseline is whole, and without hours."""
    assert list(by_hour(ROWS, pa.chunked_array([values]), BINS)) == []
    assert latest(pa.chunked_array([values])) is None


def test_rows_without_a_time_are_passed_over() -> None:
    told = [None, START, START.replace(year=1969), *[START] * 97]

    read = pa.chunked_array([pa.array(told, pa.timestamp("us", tz="UTC"))])

    ((_, found),) = by_hour(ROWS, read, BINS)

    assert found.rows == 98
    assert latest(read) == START
    assert latest(read.slice(2, 1)) is None


def test_reading_undoes_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hourly, "_HOURS_A_GROUP", 3)
    hours = list(by_hour(ROWS, times(timedelta(minutes=10), pa.timestamp("us", tz="UTC")), BINS))

    stored = Hours(encode_hours(hours), "p")

    assert list(stored) == hours
    assert len(hours) > 3


def test_only_the_newest_hours_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """A baseline of ten years must not be read at every look."""
    monkeypatch.setattr(hourly, "MOST_HOURS", 5)

    hours = list(by_hour(ROWS, times(timedelta(hours=1), pa.timestamp("us", tz="UTC")), BINS))

    assert [hour.key for hour, _ in hours] == [Hour.containing(START).plus(row).key for row in range(95, 100)]


def test_the_file_stays_within_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    hours = list(by_hour(ROWS, times(timedelta(hours=1), pa.timestamp("us", tz="UTC")), BINS))
    whole = len(encode_hours(hours))
    monkeypatch.setattr(hourly, "MOST_BYTES", whole // 2)

    data = encode_hours(hours)

    kept = list(Hours(data, "p"))
    assert len(data) <= whole // 2
    assert 20 < len(kept) < 100
    assert kept == hours[-len(kept) :]


def test_no_file_has_no_hours() -> None:
    assert list(Hours(b"", "p")) == []


@pytest.mark.parametrize("damage", [b"PAR1", encode_hours([])[:-9], b"{}"])
def test_what_is_no_such_file_is_refused(damage: bytes) -> None:
    with pytest.raises(InvalidDocument, match="somewhere"):
        list(Hours(damage, "somewhere"))


def test_a_newer_format_is_refused() -> None:
    newer = msgspec.structs.replace(profile(ROWS, BINS), format=2)

    with pytest.raises(InvalidDocument, match="format 2"):
        list(Hours(encode_hours([(Hour.containing(START), newer)]), "p"))
