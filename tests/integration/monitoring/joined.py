"""Tell what turned out of sealed hours, as joined hours have it."""

from collections.abc import Callable
from datetime import timedelta

import pyarrow as pa

from shared import documents
from shared.actuals.columns import joined_schema, matched
from shared.actuals.counting import counts_of, in_order
from shared.actuals.joined_hour import JoinedHour, described, rows_file, write
from shared.actuals.paths import joined_folder, joined_path
from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.hours import Hour
from shared.ids import uuid7
from shared.registry.manifest import Manifest
from shared.sealing.hours.hour import read
from shared.sealing.hours.manifests import Manifests
from shared.sealing.tables.columns import TIME


async def tell(
    blobs: Blobs,
    manifest: Manifest,
    hour: Hour,
    truth: Callable[[int, float], float],
    *,
    after: timedelta = timedelta(minutes=20),
    share: float = 1.0,
) -> None:
    """Join an actual to the first rows of an hour: what ``truth`` makes of a row's place and answer."""
    tables = []
    for one in await Manifests(blobs).between(
        Shelf(Kind.PREDICTION, manifest.model, manifest.version), hour, hour.plus(1)
    ):
        for generation in one.manifest.generations:
            data = (await blobs.read(one.path.replace("_manifest.json", generation.rows_file))).data
            tables.append(read(data)[0].replace_schema_metadata(None))
    whole = pa.concat_tables(tables)
    predictions = whole.slice(0, round(share * whole.num_rows))
    rows = predictions.num_rows
    moments = [at + after for at in predictions.column("_at").to_pylist()]
    actuals = pa.table(
        {
            "_id": [uuid7(at) for at in moments],
            "_at": pa.array(moments, TIME),
            "_enqueued_at": pa.array(moments, TIME),
            "_partition": pa.array([0] * rows, pa.int32()),
            "_sequence": pa.array(range(rows), pa.int64()),
            "_index": pa.array([0] * rows, pa.int32()),
            "value": [truth(row, said) for row, said in enumerate(predictions.column("prediction").to_pylist())],
            "value_text": pa.array([None] * rows, pa.string()),
        }
    )
    schema = joined_schema(manifest.schema)
    found = matched(predictions, actuals, manifest.schema, hour=hour.key, early=False).select(schema.names)
    ordered = in_order(found)
    data = write(ordered.rows)
    name = rows_file(1, data)
    await blobs.create(f"{joined_folder(manifest.model, manifest.version, hour)}{name}", data)
    document = JoinedHour(
        model=manifest.model,
        version=manifest.version,
        hour=hour.key,
        step=1,
        files=(described(name, data, rows),),
        counts=counts_of(ordered),
    )
    await blobs.create(joined_path(manifest.model, manifest.version, hour), documents.encode(document))
