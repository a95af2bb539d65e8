"""Two datasets in storage, compared, and by the command."""

import argparse
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pytest

from infra.cli import dataset_diff
from infra.cli.command import Answer, Commands
from shared import documents, wiring
from shared.blobs import Blobs
from shared.clock import Clock
from shared.datasets.differing import Differing
from shared.datasets.listing import Datasets
from shared.datasets.manifest import TEST, TRAIN, Column, DatasetManifest, Fault
from shared.datasets.paths import dataset_folder, manifest_path
from shared.datasets.requests import Requests
from shared.errors import BlobMissing, InvalidDocument
from shared.registry.store import Registry
from tests.integration.models import registered
from tests.integration.stored import own_storage
from tests.unit.datasets.finished_datasets import made, rows, written


@pytest.fixture
async def blobs(azurite: str) -> AsyncIterator[Blobs]:
    async with own_storage(azurite) as storage:
        yield storage


async def _stored(blobs: Blobs, folder: Path, name: str, tables: dict[str, pa.Table]) -> DatasetManifest:
    """Store a dataset, parts first."""
    found = written(folder / name, tables)
    whole = pa.concat_tables(tables.values())
    columns = tuple(
        Column(name=one.name, type=str(one.type), missing=whole[one.name].null_count, mean=_mean(whole[one.name]))
        for one in whole.schema
    )
    named = hashlib.sha256(name.encode()).hexdigest()
    manifest = msgspec.structs.replace(made(found=found), dataset=named, columns=columns)
    for part in found:
        path = f"{dataset_folder('flights', manifest.dataset)}{part.file}"
        await blobs.create(path, (folder / name / part.file).read_bytes())
    await blobs.create(manifest_path("flights", manifest.dataset), documents.encode(manifest))
    return manifest


def _mean(column: pa.ChunkedArray) -> float | None:
    return float(np.mean(column.to_pylist())) if pa.types.is_floating(column.type) else None


async def _pair(blobs: Blobs, folder: Path) -> tuple[DatasetManifest, DatasetManifest]:
    """Store two datasets: of the second, 100 rows are new, 50 are gone, and of 10 the number of stops is unknown."""
    train, test = rows(TRAIN, 400), rows(TEST, 100)
    stops = pa.array([None] * 10 + train["stops"].to_pylist()[10:350], pa.int64())
    changed = train.slice(0, 350).set_column(train.schema.get_field_index("stops"), "stops", stops)
    more = rows(TEST, 200, distance=[*test["distance"].to_pylist(), *np.full(100, 5.0)])
    kept = pa.concat_tables([test, more.slice(100)])
    return (
        await _stored(blobs, folder, "before", {TRAIN: train, TEST: test}),
        await _stored(blobs, folder, "now", {TRAIN: changed, TEST: kept}),
    )


async def _wire(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the command find datasets of a registered model in this storage."""
    registry, draft = Registry(blobs, Clock.real()), registered("flights", "1")
    await registry.register(draft.manifest, files=draft.files)
    monkeypatch.setattr(wiring, "blobs", lambda: blobs)
    monkeypatch.setattr(wiring, "datasets", lambda: Datasets(blobs, registry, Requests(blobs)))


async def test_rows_columns_and_distributions_are_compared(blobs: Blobs, tmp_path: Path) -> None:
    before, now = await _pair(blobs, tmp_path)
    told: list[tuple[int, int]] = []

    found = await Differing(blobs).diff(before, now, told=lambda done, of: told.append((done, of)))

    assert found.rows is not None
    assert (found.rows.added.rows, found.rows.removed.rows, found.rows.changed.rows) == (100, 50, 10)
    assert found.rows.added.ids[0] == "test-000100"
    assert found.rows.removed.ids[0] == "train-000350"
    assert found.rows.changed.ids == tuple(f"train-{number:06}" for number in range(10))
    assert found.rows.columns == {"stops": 10}
    by_column = {one.column: one for one in found.distributions}
    assert list(by_column) == ["distance", "stops", "carrier", "late"]
    assert by_column["distance"].distance == max(one.distance or 0.0 for one in found.distributions)
    assert (by_column["distance"].distance or 0.0) > 0.15
    assert (by_column["carrier"].distance or 0.0) < 0.05
    assert by_column["distance"].mean.now == pytest.approx(by_column["distance"].mean.before + 5 * 100 / 550, abs=0.1)
    assert (by_column["stops"].missing.before, by_column["stops"].missing.now) == (0.0, 10 / 550)
    assert told[-1] == (8 + 8, 8 + 8)


async def test_a_dataset_does_not_differ_from_itself(blobs: Blobs, tmp_path: Path) -> None:
    before, _ = await _pair(blobs, tmp_path)

    found = await Differing(blobs).diff(before, before)

    assert found.rows is not None
    assert found.rows.same == 500
    assert not found.rows.columns
    assert {one.distance for one in found.distributions} == {0.0}
    assert (found.recipe, found.columns, found.inputs.added) == ({}, {}, ())


async def test_bytes_that_the_manifest_does_not_name_are_refused(blobs: Blobs, tmp_path: Path) -> None:
    """A comparison with something else would be believed."""
    before, now = await _pair(blobs, tmp_path)
    path = f"{dataset_folder('flights', now.dataset)}{now.parts[0].file}"
    stored = await blobs.read(path)
    await blobs.replace(path, stored.data[:-1] + b"?", etag=stored.etag)

    with pytest.raises(InvalidDocument, match=r"train/part-00000\.parquet"):
        await Differing(blobs).diff(before, now)

    await blobs.delete(path)
    with pytest.raises(BlobMissing):
        await Differing(blobs).diff(before, now)


async def _command(*arguments: str) -> Answer:
    parser = argparse.ArgumentParser()
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true")
    dataset_diff.add(Commands(parser.add_subparsers(), common))
    asked = parser.parse_args(arguments)
    answer: Answer = await asked.run(asked)
    return answer


async def test_the_command_says_it_to_people_and_programs(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before, now = await _pair(blobs, tmp_path)
    fault = Fault(version="1", start="2026-03-01T09", end="2026-03-01T12", alert="flights.1.quality.2026-03-01T10")
    for one, faults in ((before, ()), (now, (fault,))):
        path = manifest_path("flights", one.dataset)
        listed = msgspec.structs.replace(one, faults=faults)
        await blobs.replace(path, documents.encode(listed), etag=(await blobs.read(path)).etag)
    await _wire(blobs, monkeypatch)

    told = await _command("diff", "flights", before.dataset[:6], now.dataset)
    said = capsys.readouterr().out

    assert told.holds
    assert "100 rows added: test-000100, " in said
    assert "10 of the changed differ in stops" in said
    assert "train: 400 to 350 rows" in said
    assert "fault added: version 1, 2026-03-01T09 up to 2026-03-01T12, by alert" in said
    answer = await _command("diff", "flights", before.dataset, now.dataset, "--json")
    assert capsys.readouterr().out == ""
    assert answer.values["rows"]["columns"] == {"stops": 10}


async def test_an_erased_dataset_is_told_as_such(
    blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its rows are gone: what is left to compare is compared, and the command does not claim more."""
    before, now = await _pair(blobs, tmp_path)
    path = manifest_path("flights", now.dataset)
    for part in now.parts:
        await blobs.delete(f"{dataset_folder('flights', now.dataset)}{part.file}")
    erased = msgspec.structs.replace(now, state="erased", parts=())
    await blobs.replace(path, documents.encode(erased), etag=(await blobs.read(path)).etag)
    await _wire(blobs, monkeypatch)

    answer = await _command("diff", "flights", before.dataset, now.dataset)

    assert not answer.holds
    assert answer.values["erased"] == (now.dataset,)
    assert answer.values["rows"] is None
    assert "is erased: nothing but its manifest is left" in capsys.readouterr().out
