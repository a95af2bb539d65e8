"""What was kept: sealed predictions as one table, and for people as a data frame."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from shared import documents
from shared.blobs import Blobs
from shared.bounded import each
from shared.capture.records import Kind, Shelf
from shared.errors import InvalidSchema, LetGo, NotSealed, UnknownModel
from shared.hours import Hour, dates_of
from shared.registry.manifest import Manifest, manifest_path
from shared.sealing.days.day import DayAccount
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.sealing.paths import account_path

if TYPE_CHECKING:  # whoever imports this package need not have them loaded
    import pandas as pd
    import pyarrow as pa

_READS_AT_ONCE: Final = 8


async def frame(
    blobs: Blobs,
    model: str,
    version: str,
    start: datetime,
    end: datetime,
    *,
    columns: Sequence[str] | None = None,
) -> "pd.DataFrame":
    """Return the predictions of the hours from ``start`` up to ``end``, in the order they were sealed.

    Columns are as they are stored, or those that are asked for. Their types come from the version's schema, whatever the
    rows are, and without any: whole numbers and booleans are pandas' types that know a missing value.

    Args:
        blobs: storage.
        model: which model.
        version: which of its versions.
        start: the beginning of an hour, aware.
        end: the beginning of the first hour that is not wanted any more, aware.
        columns: names of columns; all of them when None.

    Raises:
        NotSealed: ``end`` is after the watermark, so that nobody knows whether these are all the rows.
        LetGo: they are not all the rows, because retention took some.
        UnknownModel: the version is not registered.
        InvalidSchema: a version of these features and outputs has no such column.
        InvalidDocument: rows were damaged.
        ValueError: a moment is naive, or not the beginning of an hour.
    """
    found = await rows(blobs, model, version, _hour(start), _hour(end), columns=columns)
    return await asyncio.to_thread(_to_pandas, found)


async def rows(
    blobs: Blobs, model: str, version: str, first: Hour, end: Hour, *, columns: Sequence[str] | None = None
) -> "pa.Table":
    """Return the predictions of the hours from ``first`` up to ``end``, as ``frame`` does, as a table of Arrow's.

    Raises:
        NotSealed, LetGo, UnknownModel, InvalidSchema, InvalidDocument: as there.
    """
    import pyarrow as pa

    from shared.sealing.tables.columns import arrow_schema

    manifest = await documents.find(blobs, manifest_path(model, version), Manifest)
    if manifest is None:
        raise UnknownModel(model, version)
    watermark = await documents.find(blobs, WATERMARK_PATH, Watermark)
    if watermark is None or end > watermark.hour:
        raise NotSealed(end.key, before=watermark.before if watermark else None)
    stored = arrow_schema(Kind.PREDICTION, manifest.schema.captured)
    wanted = stored if columns is None else pa.schema([_field(stored, name) for name in columns])
    parts = await _parts(blobs, Shelf(Kind.PREDICTION, model, version), first, end, wanted)
    return pa.concat_tables([wanted.empty_table(), *parts])


async def _parts(blobs: Blobs, shelf: Shelf, first: Hour, end: Hour, wanted: "pa.Schema") -> "list[pa.Table]":
    """Return the rows of every generation of some hours."""
    from shared.sealing.hours.hour import read, readable
    from shared.sealing.hours.manifests import Manifests
    from shared.sealing.paths import hour_folder

    async def one(path: str) -> "pa.Table":
        data = (await blobs.read(path)).data
        with readable(path):
            found, _ = await asyncio.to_thread(read, data, only=wanted.names)
            return found.select(wanted.names).cast(wanted)

    hours = await Manifests(blobs).between(shelf, first, end)
    await check_kept(blobs, shelf, first, end)
    paths = [
        f"{hour_folder(shelf, hour.hour)}{generation.rows_file}"
        for hour in hours
        for generation in hour.manifest.generations
    ]
    return await each(paths, one, at_once=_READS_AT_ONCE)


async def check_kept(blobs: Blobs, shelf: Shelf, first: Hour, end: Hour) -> None:
    """See that retention has let go of none of the days that some hours are of.

    It is asked after the hours were listed: that a day goes is written down before its first file does.

    Raises:
        LetGo: of some it has.
    """
    gone = await let_go(blobs, shelf, dates_of(first, end))
    if gone:
        raise LetGo(shelf.model, shelf.version, dates=gone)


async def let_go(blobs: Blobs, shelf: Shelf, dates: Sequence[str]) -> tuple[str, ...]:
    """Return those of some dates of which retention has let go, or is about to."""

    async def is_let_go(date: str) -> bool:
        account = await documents.find(blobs, account_path(date), DayAccount)
        noted = account.shelves.get(shelf.folder) if account is not None else None
        return noted is not None and noted.is_let_go

    found = await each(dates, is_let_go, at_once=_READS_AT_ONCE)
    return tuple(date for date, is_gone in zip(dates, found, strict=True) if is_gone)


def _hour(moment: datetime) -> Hour:
    hour = Hour.containing(moment)
    if hour.start != moment:
        raise ValueError(f"rows are kept by the hour, and {moment.isoformat()} is in the middle of one")
    return hour


def _field(stored: "pa.Schema", name: str) -> "pa.Field":
    if name not in stored.names:
        raise InvalidSchema(feature=name, reason="there is no such column")
    return stored.field(name)


def _to_pandas(rows: "pa.Table") -> "pd.DataFrame":
    import pandas as pd
    import pyarrow as pa

    # Otherwise the type would be the rows' doing: an integer column with a missing value would come out as floats.
    nullable: dict[Any, Any] = {
        pa.int32(): pd.Int32Dtype(),
        pa.int64(): pd.Int64Dtype(),
        pa.bool_(): pd.BooleanDtype(),
    }
    made: pd.DataFrame = rows.to_pandas(types_mapper=nullable.get)
    return made
