"""What became of acknowledged rows, found out from sealed hours and logs without the app's own account."""

import asyncio
import io
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from shared import documents
from shared.blobs import Blobs
from shared.capture.publishing import spool
from shared.capture.records import Origin
from shared.clock import Clock
from shared.hours import Hour
from shared.sealing.hours.hour import HourManifest
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from tests.chaos.ledger import Ledger
from tests.integration.models import answer
from tests.unit.sealing.logs import without_control_lines

_COLUMNS: Final = ["_id", "_external_id", "_partition", "_sequence", "_index", "distance", "prediction"]
_PLACE: Final = ("_partition", "_sequence", "_index")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What is wrong, by example: acknowledged rows that are not there, rows that are twice, that changed, or stand wrong."""

    rows: int
    hours: int
    lost: tuple[str, ...]
    doubled: tuple[str, ...]
    altered: tuple[str, ...]
    out_of_order: tuple[str, ...]

    @property
    def nothing_is_wrong(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.doubled or self.altered or self.out_of_order)


async def until_sealed(blobs: Blobs, clock: Clock, *, within_s: float) -> None:
    """Wait until nothing is in the spool any more, and then until everything that is in the hub by then is sealed.

    Raises:
        TimeoutError: that takes longer than so many seconds.
    """
    async with asyncio.timeout(within_s):
        while [one async for one in blobs.under(spool.FOLDER)]:  # noqa: ASYNC110 - storage signals nothing
            await asyncio.sleep(0.5)
        last = Hour.containing(clock.now())
        while (await _sealed_before(blobs)) <= last:  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.5)


async def _sealed_before(blobs: Blobs) -> Hour:
    watermark = await documents.find(blobs, WATERMARK_PATH, Watermark)
    return watermark.hour if watermark else Hour(datetime.min.replace(tzinfo=UTC))


async def examine(blobs: Blobs, ledger: Ledger) -> Findings:
    """Compare what is at rest with what was acknowledged."""
    tables, out_of_order = await _sealed_rows(blobs)
    rows = pa.concat_tables([table for _, table in tables])
    out_of_order += _out_of_hours(tables) + await _out_of_order_logs(blobs)
    keys = await asyncio.to_thread(ledger.keys)
    found = dict(zip(rows["_id"].to_pylist(), rows["_external_id"].to_pylist(), strict=True))
    counts = pc.value_counts(rows["_id"])
    doubled = counts.filter(pc.greater(counts.field("counts"), 1)).field("values").to_pylist()
    altered = [one for one, key in keys.items() if found.get(one, key) != key]
    wrong = [
        one
        for one, distance, prediction in zip(
            *(rows[name].to_pylist() for name in ("_id", "distance", "prediction")), strict=True
        )
        if prediction != answer(distance)
    ]
    return Findings(
        rows=rows.num_rows,
        hours=len({hour for hour, _ in tables}),
        lost=tuple(one for one in keys if one not in found),
        doubled=tuple(doubled),
        altered=tuple(altered + wrong),
        out_of_order=tuple(out_of_order),
    )


async def _sealed_rows(blobs: Blobs) -> tuple[list[tuple[Hour, pa.Table]], list[str]]:
    """Return the rows of every generation of every hour, and the files in which they do not stand in order."""
    tables: list[tuple[Hour, pa.Table]] = []
    out_of_order: list[str] = []
    prefix = "captures/hours/kind=prediction/"
    paths = [one.path async for one in blobs.under(prefix) if one.path.endswith("/_manifest.json")]
    for path in paths:
        manifest, _ = await documents.read(blobs, path, HourManifest)
        for generation in manifest.generations:
            file = path.replace("_manifest.json", generation.rows_file)
            table = pq.read_table(io.BytesIO((await blobs.read(file)).data), columns=_COLUMNS)
            tables.append((Hour.parse(manifest.hour), table))
            if not _rises(table):
                out_of_order.append(file)
    return tables, out_of_order


def _rises(table: pa.Table) -> bool:
    """Whether every row comes after the one before it: partition, sequence number, index."""
    places = list(zip(*(table[name].to_pylist() for name in _PLACE), strict=True))
    return all(one < next_one for one, next_one in itertools.pairwise(places))


def _out_of_hours(tables: list[tuple[Hour, pa.Table]]) -> list[str]:
    """Return the hours in which a partition's numbers begin before those of an earlier hour end."""
    spans: dict[int, dict[Hour, tuple[int, int]]] = {}
    for hour, table in tables:
        for partition in pc.unique(table["_partition"]).to_pylist():
            ends = pc.min_max(table.filter(pc.equal(table["_partition"], partition))["_sequence"]).as_py()
            of_hours = spans.setdefault(partition, {})
            least, most = of_hours.get(hour, (ends["min"], ends["max"]))
            of_hours[hour] = min(least, ends["min"]), max(most, ends["max"])
    wrong: list[str] = []
    for partition, of_hours in spans.items():
        in_time = [(hour, *of_hours[hour]) for hour in sorted(of_hours)]
        wrong += [
            f"partition {partition}, {later[0]}"
            for earlier, later in itertools.pairwise(in_time)
            if later[1] <= earlier[2]
        ]
    return wrong


async def _out_of_order_logs(blobs: Blobs) -> list[str]:
    """Return the logs whose lines do not rise by sequence number and index."""
    wrong: list[str] = []
    paths = [one.path async for one in blobs.under("captures/logs/")]
    for path in paths:
        lines = without_control_lines((await blobs.read(path)).data).splitlines()
        places = [(origin.sequence, origin.index) for origin in map(Origin.of, lines)]
        if any(one >= next_one for one, next_one in itertools.pairwise(places)):
            wrong.append(path)
    return wrong
