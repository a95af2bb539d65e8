"""Files of actuals: what a row says, and what is wrong with it."""

import csv
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.cli import actuals_file
from infra.cli.actuals_file import ActualsFile, Columns
from shared.capture.actual_values import Numbers, Wanted
from shared.capture.records import Actual
from shared.errors import InvalidSchema, Misfit
from shared.hours import Hour
from shared.scoring.prediction import Kept
from shared.sealing.imports.minting import Imported, actuals
from shared.sealing.imports.moments import Moments
from shared.sealing.tables.columns import TIME
from tests.integration.models import registered

NINE = datetime(2026, 3, 1, 9, tzinfo=UTC)
ID = "0195d2b4-7c00-7000-8000-000000000001"
CLASSES = Wanted(Numbers.WHOLE, texts=False)
TEXTS = Wanted(Numbers.NONE, texts=True)
BY_KEY = Columns(key="external_id", key_is="external_id", value="value", at="at")
BY_ID = Columns(key="prediction_id", key_is="prediction_id", value="value", at="at")


class Keeper:
    """Keeps actuals, in a way that may change with the second call."""

    def __init__(self, *ways: Kept) -> None:
        self.ways = ways
        self.calls: list[list[Actual]] = []

    async def keep_actuals(self, actuals: Sequence[Actual]) -> Kept:
        self.calls.append([*actuals])
        return self.ways[min(len(self.calls), len(self.ways)) - 1]

    @property
    def kept(self) -> list[Actual]:
        return [one for call in self.calls for one in call]


def parquet(folder: Path, **columns: Any) -> Path:  # noqa: ANN401 - whatever Arrow takes
    path = folder / "told.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def written(folder: Path, columns: Sequence[str], *rows: Sequence[object]) -> Path:
    path = folder / "told.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def reading(
    path: Path, columns: Columns = BY_KEY, *, wanted: Wanted = CLASSES, naive_is_utc: bool = False
) -> ActualsFile:
    return ActualsFile(path, "flights", columns, wanted, Moments(None, None, naive_is_utc))


async def actuals_of(file: ActualsFile) -> list[Actual]:
    keeper = Keeper(Kept.ACKED)
    await file.send(keeper, lambda _: None)
    return keeper.kept


async def test_a_row_is_an_actual_as_http_would_have_it(tmp_path: Path) -> None:
    file = parquet(tmp_path, prediction_id=[ID.upper()], value=[1], at=pa.array([NINE], pa.timestamp("ns", "UTC")))

    (actual,) = await actuals_of(reading(file, BY_ID))

    assert UUID(actual.id).version == 7
    assert (actual.prediction_id, actual.external_id, actual.value) == (ID, None, 1)
    assert (actual.model, actual.at) == ("flights", "2026-03-01T09:00:00+00:00")


async def test_the_same_actuals_have_the_same_ids_whatever_the_file_is(tmp_path: Path) -> None:
    """Sent again from another export, they would be there twice; 1, 1.0 and true are one number at rest."""
    texts = written(tmp_path, ("external_id", "value", "at"), ("a", "1", NINE.isoformat()), ("b", "0.0", "2026-03-01T11:00:00+02:00"))  # fmt: skip
    files = [texts]
    for name, values in (("whole", [1, 0]), ("true", [True, False]), ("float", [1.0, 0.0])):
        (tmp_path / name).mkdir()
        files.append(parquet(tmp_path / name, external_id=["a", "b"], value=values, at=[NINE, NINE]))

    ids = {tuple(one.id for one in await actuals_of(reading(path))) for path in files}

    assert len(ids) == 1
    assert len({*ids.pop()}) == 2


async def test_what_a_history_told_is_the_same_actual_as_what_a_file_tells(tmp_path: Path) -> None:
    """Whoever imports a history with its actuals and sends these by themselves as well has them once."""
    told = pa.table({"at": pa.array([NINE], TIME), "value": [1.0], "value_text": pa.array([None], pa.string())})
    imported = Imported(Hour.containing(NINE), pa.table({"_id": [ID]}), told)
    path = written(tmp_path, ("prediction_id", "value", "at"), (ID, "1", NINE.isoformat()))

    (actual,) = await actuals_of(reading(path, BY_ID))

    assert actuals(imported, registered("flights", "1").manifest).column("_id").to_pylist() == [actual.id]


@pytest.mark.parametrize("changed", [{"value": [0]}, {"at": [NINE + timedelta(seconds=1)]}, {"external_id": ["b"]}])
async def test_an_actual_that_says_something_else_has_another_id(tmp_path: Path, changed: dict[str, Any]) -> None:
    """A correction must not be taken for the same record."""
    usual: dict[str, Any] = {"external_id": ["a"], "value": [1], "at": [NINE]}
    (before,) = await actuals_of(reading(parquet(tmp_path, **usual)))
    (after,) = await actuals_of(reading(parquet(tmp_path, **{**usual, **changed})))

    assert before.id != after.id


async def test_every_row_that_does_not_fit_is_named_with_column_and_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its place in the whole file, of which only pieces are read."""
    monkeypatch.setattr("infra.cli.rows._ROWS_AT_ONCE", 2)
    at = NINE.isoformat()
    rows = {
        "external_id": ["a", None, "x" * 1_025, "d", "e", "f", "g"],
        "value": [1.0, 1.0, 1.0, 1.5, float("inf"), 0.0, 1.0],
        "at": [at, at, at, at, at, "yesterday", "2026-03-01T09:00:00"],
    }

    found = await reading(parquet(tmp_path, **rows)).check()

    assert (found.rows, found.bad_rows, found.untold) == (1, 6, 0)
    assert found.misfits == [
        Misfit(1, "external_id", "there is none"),
        Misfit(2, "external_id", "a text has 1 to 1024 characters"),
        Misfit(3, "value", "a whole number is wanted, not a fraction"),
        Misfit(4, "value", "its value is not finite"),
        Misfit(5, "at", "it is no time, as 2026-03-01T09:30:00Z is"),
        Misfit(6, "at", "it has no time zone, and is taken for UTC only if that is said (--naive-is-utc)"),
    ]


@pytest.mark.parametrize("key", ["7", "", None])
async def test_what_is_no_id_of_a_prediction_does_not_fit(tmp_path: Path, key: str | None) -> None:
    found = await reading(parquet(tmp_path, prediction_id=[key], value=[1], at=[NINE]), BY_ID).check()

    assert [(one.row, one.feature) for one in found.misfits] == [(0, "prediction_id")]


async def test_only_the_first_twenty_bad_rows_are_shown_and_all_are_counted(tmp_path: Path) -> None:
    found = await reading(parquet(tmp_path, external_id=["a"] * 50, value=["late"] * 50, at=[NINE] * 50)).check()

    assert (found.bad_rows, len(found.misfits)) == (50, 20)


@pytest.mark.parametrize(
    ("values", "wanted", "read"),
    [
        (["1", "0"], CLASSES, [1, 0]),
        (["1", "0.0"], CLASSES, [1.0, 0.0]),
        (["True", "false"], CLASSES, [True, False]),
        (["1", "0"], TEXTS, ["1", "0"]),
        (["1.5", "late"], Wanted(Numbers.ANY, texts=True), [1.5, "late"]),
        (pa.array(["late", "early"]).dictionary_encode(), TEXTS, ["late", "early"]),
        (pa.array(["1", "0"], pa.large_string()), CLASSES, [1, 0]),
    ],
)
async def test_a_text_says_a_number_where_numbers_are_wanted(
    tmp_path: Path,
    values: Any,  # noqa: ANN401 - whatever Arrow takes
    wanted: Wanted,
    read: list[object],
) -> None:
    """A CSV file has nothing else, and a class may be called 1."""
    file = reading(parquet(tmp_path, external_id=["a", "b"], value=values, at=[NINE] * 2), wanted=wanted)

    assert [one.value for one in await actuals_of(file)] == read


@pytest.mark.parametrize("missing", [None, float("nan")])
async def test_a_row_without_a_value_tells_nothing_yet(tmp_path: Path, missing: float | None) -> None:
    """A table of predictions of which some have no outcome is the usual export, and no mistake."""
    values = pa.array([1.0, missing], from_pandas=False)
    file = reading(parquet(tmp_path, external_id=["a", "b"], value=values, at=[NINE, None]))

    found = await file.check()

    assert (found.rows, found.bad_rows, found.untold) == (1, 0, 1)
    assert [one.external_id for one in await actuals_of(file)] == ["a"]


@pytest.mark.parametrize(
    "keys", [[4711], pa.array(["4711"], pa.large_string()), pa.array(["4711"]).dictionary_encode()]
)
async def test_a_key_may_be_a_whole_number_or_any_text_in_the_file(tmp_path: Path, keys: Any) -> None:  # noqa: ANN401 - whatever Arrow takes
    (actual,) = await actuals_of(reading(parquet(tmp_path, external_id=keys, value=[1], at=[NINE])))

    assert actual.external_id == "4711"


@pytest.mark.parametrize("keys", [[4711.0, None], [True, False], [b"a", b"b"]])
async def test_a_column_that_holds_no_keys_is_refused_with_what_mends_it(tmp_path: Path, keys: list[object]) -> None:
    """4711.0 is what pandas makes of 4711 beside a missing key, and no prediction would ever be found by that."""
    file = reading(parquet(tmp_path, external_id=keys, value=[1, 0], at=[NINE, NINE]))

    with pytest.raises(InvalidSchema, match=r"'external_id': a column of \w+ .* cast it to text, or to integers"):
        await file.check()


async def test_a_naive_time_is_utc_where_that_is_said(tmp_path: Path) -> None:
    file = parquet(tmp_path, external_id=["a"], value=[1], at=[NINE.replace(tzinfo=None)])

    (actual,) = await actuals_of(reading(file, naive_is_utc=True))

    assert actual.at == "2026-03-01T09:00:00+00:00"


async def test_a_time_that_is_not_over_yet_is_taken(tmp_path: Path) -> None:
    """It goes to the hour it is sent in, so that no watermark stands in its way."""
    file = parquet(tmp_path, external_id=["a"], value=[1], at=[NINE + timedelta(days=36_500)])

    assert len(await actuals_of(reading(file))) == 1


async def test_times_are_those_that_http_takes(tmp_path: Path) -> None:
    file = written(tmp_path, ("external_id", "value", "at"), ("a", 1, "9999-06-01T00:00:00Z"), ("b", 1, "1969-12-31T00:00:00Z"))  # fmt: skip

    found = await reading(file).check()

    assert [(one.row, one.feature) for one in found.misfits] == [(0, "at"), (1, "at")]


@pytest.mark.parametrize("way", [Kept.LOST, Kept.OFF])
async def test_sending_ends_with_the_first_that_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: Kept
) -> None:
    """The others would wait for one time-out each; the file is still there to be sent again."""
    monkeypatch.setattr(actuals_file, "ROWS_A_COMMIT", 2)
    keeper = Keeper(Kept.SPOOLED, way, Kept.ACKED)
    told: list[int] = []

    sent = await reading(parquet(tmp_path, external_id=["a"] * 9, value=[1] * 9, at=[NINE] * 9)).send(
        keeper, told.append
    )

    assert sent == {Kept.SPOOLED: 2, way: 2}
    assert told == [2, 4]


@pytest.mark.parametrize(
    ("there", "given", "found"),
    [
        (["prediction_id", "value", "at"], {}, BY_ID),
        (["at", "value", "external_id", "more"], {}, BY_KEY),
        (["prediction_id", "external_id", "value", "at"], {"external_id": "external_id"}, BY_KEY),
    ],
)
def test_the_key_is_the_one_that_the_file_has(there: list[str], given: dict[Any, str], found: Columns) -> None:
    assert Columns.among(there, given, value="value", at="at") == found


@pytest.mark.parametrize(
    ("there", "given", "says"),
    [
        (["value", "at"], {}, "the file has neither prediction_id nor external_id"),
        (["prediction_id", "external_id", "value", "at"], {}, "the file has both prediction_id and external_id"),
        (
            ["key", "value", "at"],
            {"external_id": "flight"},
            "'flight': the file has no such column, but key, value, at",
        ),
        (["external_id", "at"], {}, "'value': the file has no such column"),
        (["external_id", "value"], {}, "'at': the file has no such column"),
        (["external_id", "value", "at", "at"], {}, "'at': the file has it more than once"),
    ],
)
def test_a_column_that_is_missing_or_may_be_either_is_named(there: list[str], given: dict[Any, str], says: str) -> None:
    with pytest.raises(InvalidSchema, match=says):
        Columns.among(there, given, value="value", at="at")
