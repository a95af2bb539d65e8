"""What is stored of a sealed hour."""

import io

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.capture.records import Kind, Shelf
from shared.hours import Hour
from shared.sealing.hours.hour import Consumed, Generation, HourManifest, account, footer, read, write
from shared.sealing.paths import hour_folder
from tests.unit.sealing.logs import logged, prediction, record_id, table_of

FOLDER = "captures/logs/kind=prediction/model=flights/version=1/date=2026-03-01/hour=09/"
LOG = f"{FOLDER}20260301T000000000-p3-r0.jsonl"


@given(st.integers(0, 10**15), st.lists(st.integers(1, 4), min_size=1, max_size=30))
def test_the_account_of_a_contiguous_range_is_its_closed_form(first: int, records: list[int]) -> None:
    """By this a missing event shows without keeping any number: sums that do not fit in 64 bits are texts."""
    last = first + len(records) - 1
    places = [(first + at, index) for at, count in enumerate(records) for index in range(count)]

    (tally,) = account({LOG: places})

    def squares(n: int) -> int:
        return n * (n + 1) * (2 * n + 1) // 6

    assert (tally.incarnation, tally.partition) == ("20260301T000000000", 3)
    assert (tally.first, tally.last, tally.events) == (first, last, len(records))
    assert int(tally.total) == (first + last) * len(records) // 2
    assert int(tally.squares) == squares(last) - squares(first - 1)


@given(st.lists(st.integers(1, 3), min_size=1, max_size=10), st.data())
def test_an_event_that_stands_twice_counts_twice(records: list[int], data: st.DataObject) -> None:
    """Left out, a log that was written twice would pass for one that was written well."""
    events = [[(at, index) for index in range(count)] for at, count in enumerate(records)]
    again = data.draw(st.integers(0, len(records) - 1))

    (once,) = account({LOG: [place for event in events for place in event]})
    (twice,) = account({LOG: [place for event in [*events[: again + 1], *events[again:]] for place in event]})

    assert twice.events == once.events + 1
    assert int(twice.total) == int(once.total) + again


def test_partitions_and_incarnations_are_accounted_apart_and_logs_of_one_together() -> None:
    other = f"{FOLDER}20260301T000000000-p4-r0.jsonl"
    next_life = f"{FOLDER}20260302T000000000-p3-r0.jsonl"
    rolled = f"{FOLDER}20260301T000000000-p3-r1.jsonl"

    tallies = account({LOG: [(1, 0)], rolled: [(2, 0)], other: [(1, 0)], next_life: [(0, 0)]})

    assert [(one.incarnation[7:8], one.partition, one.events) for one in tallies] == [
        ("1", 3, 2),
        ("1", 4, 1),
        ("2", 3, 1),
    ]


def test_a_log_without_lines_is_not_in_the_account() -> None:
    assert account({LOG: []}) == ()


def test_a_footer_and_its_rows_come_back_as_they_were_written() -> None:
    rows = table_of(logged(prediction(2), prediction(1)))
    about = footer(
        rows,
        consumed=[Consumed(log=LOG, start=0, end=2**40, sha256="")],
        places_by_log={LOG: [(7, 0), (7, 1)]},
        doubles=1,
        unreadable=2,
    )

    data = write(rows, about)
    rows_again, about_again = read(data)

    assert about_again == about
    assert (about.min_id, about.max_id) == (record_id(1), record_id(2))
    assert rows_again.drop_columns([]).equals(rows.replace_schema_metadata(rows_again.schema.metadata))
    assert data == write(rows, about), "the same rows and footer are the same bytes"
    assert read(data, only=["_id"])[0].column_names == ["_id"]


def test_ids_have_ends_and_texts_that_repeat_a_dictionary() -> None:
    """A dictionary of ids is the ids again; their ends tell a sealer which of them it need not read."""
    rows = table_of(logged(prediction(2), prediction(1)))
    data = write(rows, footer(rows, consumed=[], places_by_log={}, doubles=0, unreadable=0))

    group = pq.read_metadata(io.BytesIO(data)).row_group(0)
    chunks = {group.column(number).path_in_schema: group.column(number) for number in range(group.num_columns)}

    assert (chunks["_id"].statistics.min, chunks["_id"].statistics.max) == (record_id(1), record_id(2))
    assert [chunks[name].has_dictionary_page for name in ("_id", "carrier", "temp")] == [False, True, False]


def test_a_generation_without_rows_has_no_ids() -> None:
    rows = table_of(b"")

    about = footer(rows, consumed=[], places_by_log={LOG: [(1, 0)]}, doubles=1, unreadable=0)

    assert (about.rows, about.min_id, about.max_id) == (0, None, None)
    assert read(write(rows, about))[1] == about


def test_a_manifest_has_consumed_what_the_last_generation_of_each_log_says() -> None:
    rows = table_of(b"")

    def generation(number: int, *parts: Consumed) -> Generation:
        about = footer(rows, consumed=parts, places_by_log={}, doubles=0, unreadable=0)
        return Generation(number=number, rows_file="", size_bytes=0, sha256="", profile=None, footer=about)

    first = generation(0, Consumed(log="a", start=0, end=5, sha256=""), Consumed(log="b", start=0, end=7, sha256=""))
    second = generation(1, Consumed(log="a", start=5, end=9, sha256=""))
    manifest = HourManifest(kind="failure", model="m", version="1", hour="2026-03-01T09", generations=(first, second))

    assert manifest.consumed == {"a": 9, "b": 7}
    assert manifest.rows == 0


@pytest.mark.parametrize("kind", list(Kind))
def test_the_path_of_an_hour_says_whose_it_is_and_when(kind: Kind) -> None:
    shelf, hour = Shelf(kind, "flights", "1"), Hour.parse("2026-03-01T09")

    path = hour_folder(shelf, hour)

    assert (Shelf.at_path(path), Hour.at_path(path)) == (shelf, hour)
