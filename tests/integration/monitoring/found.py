"""What is found in storage once hours are sealed and looked at."""

from collections import Counter

import pyarrow as pa

from shared import documents
from shared.alerts.messages import type_of
from shared.alerts.outbox import Entry
from shared.blobs import Blobs
from shared.capture.records import Kind, Shelf
from shared.monitoring.evaluation import Evaluation
from shared.profiles.bins import Bins
from shared.registry.baselines import Baselines
from shared.sealing.hours.hour import HourManifest, read
from shared.sealing.paths import hour_folder, manifest_path
from shared.signals.judgement import Signal, Verdict
from tests.integration.monitoring.conftest import FIRST
from tests.integration.sealing.conftest import Stages
from tests.integration.stored import everything

SHELF = Shelf(Kind.PREDICTION, "flights", "1")
NEWEST = "monitoring/evaluations/model=flights/version=1/_newest.json"


async def rows_of(blobs: Blobs, *hours: int) -> pa.Table:
    """Return the rows of some hours as they are stored."""
    parts = []
    for hour in (FIRST.plus(number) for number in hours):
        manifest, _ = await documents.read(blobs, manifest_path(SHELF, hour), HourManifest)
        for generation in manifest.generations:
            content = await blobs.read(f"{hour_folder(SHELF, hour)}{generation.rows_file}")
            parts.append(read(content.data)[0].replace_schema_metadata(None))
    return pa.concat_tables(parts)


async def bins_of(stages: Stages) -> Bins:
    registry = stages.registry()
    return (await Baselines(stages.blobs, registry).current(await registry.manifest("flights", "1"))).bins


async def news_in(blobs: Blobs) -> Counter[tuple[str, str]]:
    found = (await everything(blobs, "monitoring/outbox/")).items()
    messages = [documents.decode(data, Entry, path=path).message for path, data in found]
    return Counter((one.data.id, type_of(one)) for one in messages)


def verdicts(evaluation: Evaluation) -> dict[Signal, Verdict]:
    return {one.signal: one.verdict for one in evaluation.judgements}
