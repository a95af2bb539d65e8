"""Rows of a history: what fits, what ids they get, and which times they may say."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidSchema, Misfit
from shared.hours import Hour
from shared.registry.manifest import Manifest, Source, Task
from shared.schema import Drop, Schema
from shared.scoring.privacy import Masks
from shared.sealing.imports import minting
from shared.sealing.imports.history import Columns, History, Part
from shared.sealing.imports.minting import actuals, by_hour, by_time, in_order
from shared.sealing.imports.moments import Moments, Unreadable
from tests.unit.sealing.logs import SCHEMA

NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)
END = Hour.containing(NINE).plus(10)
PLUS_TWO = timezone(timedelta(hours=2))


def manifest(schema: Schema = SCHEMA) -> Manifest:
    return Manifest(
        model="flights", version="1", task=Task.CLASSIFICATION, schema=schema, sources=(Source(tensor="a"),),
        flavour="onnx", files={}, actual="late", training_data="", training_rows=1, registered_at=NINE,
    )  # fmt: skip


def history(
    schema: Schema = SCHEMA, *, first: Hour | None = None, naive_is_utc: bool = False, **columns: str
) -> History:
    masks = Masks(schema, model="flights", key=b"")
    return History(manifest(schema), Columns(time="at", **columns), masks, Moments(first, END, naive_is_utc))


def rows(*changes: dict[str, Any]) -> pa.Table:
    """Return a row for each of ``changes`` to one that fits."""
    usual = {
        "at": NINE, "temp": 1.5, "seats": 3, "rain": True, "carrier": "AA", "the tail-number, if known": None,
        "class": "b", "prediction": True, "prediction.probability of 1": 0.75,
    }  # fmt: skip
    made = [{**usual, **change} for change in changes]
    return pa.table(
        {name: [one.get(name) for one in made] for name in dict.fromkeys(name for one in made for name in one)}
    )


def ids(part: Part) -> list[str]:
    return [one for piece in by_hour(iter([part]), manifest()) for one in piece.predictions.column("_id").to_pylist()]


def test_a_row_that_fits_is_a_record_without_a_place_in_a_hub() -> None:
    (piece,) = by_hour(iter([history().read(rows({}), first_row=0)]), manifest())

    (record,) = piece.predictions.to_pylist()
    assert UUID(record.pop("_id")).version == 7
    assert record == {
        "_at": NINE, "_enqueued_at": None, "_partition": None, "_sequence": None, "_index": None, "_external_id": None,
        "_request_id": None, "_row": None, "_latency_ms": None, "_weight": 1, "temp": 1.5, "seats": 3, "rain": True,
        "carrier": "AA", "the tail-number, if known": None, "class": "b", "prediction": True,
        "prediction.probability of 1": 0.75,
    }  # fmt: skip


def test_every_value_that_does_not_fit_is_named_by_its_row_in_the_file() -> None:
    part = history().read(
        rows({}, {"seats": None}, {"class": "x" * 2_000}, {"at": None}, {"prediction.probability of 1": None}),
        first_row=100,
    )

    assert [(one.row, one.feature) for one in part.misfits] == [(101, "seats"), (102, "class"), (103, "at")]
    assert part.misfits[0].reason == "a whole number is wanted, not null"
    assert (part.records.num_rows, part.bad_rows) == (2, 3)


def test_texts_say_what_the_schema_wants() -> None:
    """A CSV file has nothing but texts; one bad cell must not make bad ones of a whole column."""
    texts = pa.table({
        "at": ["2026-03-01T09:00:00Z"] * 3, "temp": ["1.5", None, "warm"], "seats": ["3", "4.0", "5"],
        "rain": ["true", "false", "1"], "carrier": ["AA", "7", "AA"], "class": ["1", "2", "3"],
        "prediction": ["true", "0", "false"], "prediction.probability of 1": ["0.5", "nan", "1"],
    })  # fmt: skip

    part = history().read(texts, first_row=0)

    assert part.misfits == (Misfit(2, "temp", "a number is wanted, not a text"),)
    assert part.records.select(["temp", "seats", "rain", "carrier", "class", "prediction"]).to_pylist() == [
        {"temp": 1.5, "seats": 3, "rain": True, "carrier": "AA", "class": "1", "prediction": True},
        {"temp": None, "seats": 4, "rain": False, "carrier": "7", "class": "2", "prediction": False},
    ]


def test_a_file_without_a_column_it_must_have_is_refused() -> None:
    with pytest.raises(InvalidSchema, match=r"'seats'.*no such column"):
        history().check([name for name in rows({}).column_names if name != "seats"])
    with pytest.raises(InvalidSchema, match="'key'"):
        history(external_id="key").check(rows({}).column_names)
    history().check([name for name in rows({}).column_names if name not in {"temp", "prediction.probability of 1"}])


def test_an_answer_may_stand_in_a_column_of_another_name() -> None:
    table = rows({}).rename_columns({"prediction": "said"})

    part = history(prediction="said").read(table, first_row=0)

    assert part.records.column("prediction").to_pylist() == [True]


@given(st.permutations(range(6)))
def test_the_same_rows_have_the_same_ids_in_any_order(order: list[int]) -> None:
    """So a file that was sorted since is the same history."""
    made = [{"temp": float(place % 4), "at": NINE + timedelta(minutes=20 * (place % 4))} for place in range(6)]

    found = in_order([history().read(rows(*(made[place] for place in order)), first_row=0)])

    assert sorted(ids(found)) == sorted(ids(in_order([history().read(rows(*made), first_row=0)])))


def test_rows_that_are_the_same_are_told_apart() -> None:
    """Two passengers with the same values at the same time are two predictions."""
    found = ids(history().read(rows({}, {}, {"temp": 2.0}), first_row=0))

    assert len(set(found)) == 3
    assert ids(history().read(rows({}), first_row=0)) == found[:1]


def test_the_callers_own_key_stands_for_the_row() -> None:
    """What was computed anew, by another release of a library, is not another prediction."""
    keyed = history(external_id="key")

    first = keyed.read(rows({"key": 7}, {"key": 8}), first_row=0)
    again = keyed.read(rows({"key": 7, "temp": 1.5000001}, {"key": None}), first_row=0)

    assert ids(first)[0] == ids(again)[0]
    assert len({*ids(first), *ids(again)}) == 3
    assert first.records.column("_external_id").to_pylist() == ["7", "8"]


def test_an_id_says_nothing_of_what_is_private() -> None:
    """A digest of a value that few others are is the value: what is dropped must not go into it."""
    secret = msgspec.structs.replace(SCHEMA.features[3], categories=None, privacy=Drop())
    schema = msgspec.structs.replace(SCHEMA, features=(*SCHEMA.features[:3], secret, *SCHEMA.features[4:]))
    reading = history(schema)

    parts = [reading.read(rows({"carrier": carrier}), first_row=0) for carrier in ("AA", "UA")]

    assert ids(parts[0]) == ids(parts[1])
    assert "carrier" not in parts[0].records.column_names


def test_an_hour_of_very_many_rows_comes_in_pieces_with_the_ids_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [{"at": NINE + timedelta(minutes=minute), "temp": 0.0} for minute in (0, 0, 0, 0, 0, 0, 0, 70, 130)]
    whole = ids(history().read(rows(*made), first_row=0))
    monkeypatch.setattr(minting, "MOST_ROWS", 2)

    parts = (history().read(rows(*some), first_row=0) for some in (made[:5], [{"seats": None}], made[5:8], made[8:]))
    pieces = list(by_hour(parts, manifest()))

    assert [one for piece in pieces for one in piece.predictions.column("_id").to_pylist()] == whole
    assert max(piece.predictions.num_rows for piece in pieces) == 2
    assert len({piece.hour for piece in pieces}) == 3


def test_what_turned_out_is_told_of_the_prediction_by_its_id() -> None:
    reading = history(actual="late", actual_time="known")
    later = NINE + timedelta(hours=5)
    part = reading.read(
        rows(
            {"late": 1, "known": later},
            {"temp": 2.0, "late": None, "known": None},
            {"temp": 3.0, "late": 0, "known": NINE},
        ),
        first_row=0,
    )
    (piece,) = by_hour(iter([part]), manifest())

    told = list(by_time([actuals(piece, manifest())]))

    known = piece.predictions.column("_id").to_pylist()
    assert [
        (hour.key, one.column("_prediction_id").to_pylist(), one.column("value").to_pylist()) for hour, one in told
    ] == [
        ("2026-03-01T09", [known[2]], [0.0]),
        ("2026-03-01T14", [known[0]], [1.0]),
    ]


def test_what_turned_out_in_an_hour_that_is_not_sealed_yet_is_left_out_and_counted() -> None:
    """The newest predictions of a history have nearly always such actuals: they were predicted all the same."""
    part = history(actual="late", actual_time="known").read(
        rows(
            {"late": 1, "known": END.start},
            {"temp": 2.0, "late": 1, "known": NINE},
            {"late": float("inf"), "known": END.start},
        ),
        first_row=0,
    )

    assert part.told.column("value").to_pylist() == [None, 1.0]
    assert (part.records.num_rows, part.later_actuals, part.bad_rows) == (2, 1, 1)
    assert [(one.row, one.reason) for one in part.misfits] == [(2, "a finite number is wanted")]


def test_what_turned_out_without_a_time_or_a_number_is_named() -> None:
    part = history(actual="late", actual_time="known").read(
        rows({"late": 1.0, "known": None}, {"late": float("inf"), "known": NINE}), first_row=0
    )

    assert [(one.row, one.feature, one.reason) for one in part.misfits] == [
        (0, "known", "there is no time"),
        (1, "late", "a finite number is wanted"),
    ]


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("2026-03-01T09:30:00Z", NINE + timedelta(minutes=30)),
        ("2026-03-01T11:30:00+02:00", NINE + timedelta(minutes=30)),
        (datetime(2026, 3, 1, 11, 30, tzinfo=PLUS_TWO), NINE + timedelta(minutes=30)),
        ("2026-03-01T09:30:00", "it has no time zone"),
        ("yesterday", "it is no time"),
        (None, "there is no time"),
        ("2026-03-01T18:59:59.999999Z", END.start - timedelta(microseconds=1)),
        ("2026-03-01T19:00:00Z", "its hour is not sealed yet: only what is before 2026-03-01T19 is"),
        ("2026-02-01T00:00:00Z", datetime(2026, 2, 1, tzinfo=UTC)),
        ("2026-01-31T23:59:59Z", "its hour is not kept any more: only what is from 2026-02-01T00 on"),
        ("1969-12-31T23:00:00Z", "it is before 1970"),
        ("0001-01-01T00:00:00+14:00", "it is in no year there is"),
    ],
)
def test_a_time_is_of_an_hour_that_is_sealed_and_kept(said: object, read: datetime | str) -> None:
    """Later hours may still be added to by capture, and earlier ones are deleted: neither is where a history goes."""
    moments = Moments(Hour.parse("2026-02-01T00"), END, naive_is_utc=False)

    (found,) = moments.read(pa.chunked_array([pa.array([said])]), "at")

    if isinstance(read, str):
        assert isinstance(found, Unreadable)
        assert found.reason.startswith(read)
    else:
        assert found == read


def test_a_naive_time_is_utc_only_where_that_is_said() -> None:
    moments = Moments(None, END, naive_is_utc=True)

    for column in (pa.array(["2026-03-01T09:30:00"]), pa.array([datetime(2026, 3, 1, 9, 30)], pa.timestamp("ns"))):  # noqa: DTZ001
        assert list(moments.read(pa.chunked_array([column]), "at")) == [NINE + timedelta(minutes=30)]


def test_a_column_of_numbers_holds_no_times() -> None:
    """Seconds, milliseconds, days? Whoever has the file knows."""
    with pytest.raises(InvalidSchema, match="'at': a column of int64 holds no times"):
        Moments(None, END, naive_is_utc=True).read(pa.chunked_array([pa.array([1_772_355_600])]), "at")


def test_a_column_of_floats_holds_no_external_ids() -> None:
    """7.0 is what pandas makes of 7 where another is missing, and an actual of 7 would find no prediction."""
    with pytest.raises(InvalidSchema, match="'key': a column of double holds no external ids: cast it to text"):
        history(external_id="key").read(rows({"key": 7.0}, {"key": None}), first_row=0)
