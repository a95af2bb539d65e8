"""Two sealers of one shelf, over the wire: one's request waits at the proxy while the other goes through.

Each schedule is told twice: with the fence it comes out right, and with the fence taken out it does not.
"""

import asyncio
import contextlib
import hashlib
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import pyarrow.parquet as pq
import pytest

from infra.local import azurite as storage_emulator
from shared import documents
from shared.blobs import Blobs
from shared.capture.hour_log import HourLogs
from shared.capture.reading import read_event
from shared.capture.records import Event, Kind, Shelf, log_folder
from shared.hours import Hour
from shared.registry.baselines import Baselines
from shared.registry.store import Registry
from shared.sealing.hours.chaining import Chaining
from shared.sealing.hours.doubles import Doubles
from shared.sealing.hours.generations import Generations
from shared.sealing.hours.hour import HourManifest
from shared.sealing.hours.manifests import Manifests
from shared.sealing.paths import hour_folder, manifest_path
from shared.sealing.tables.logs import Logs
from shared.telemetry import Telemetry
from tests.chaos.proxies.storage import Fault, StorageProxy
from tests.chaos.unfenced import Overwriting, Unchained
from tests.integration.models import registered
from tests.integration.sealing.batches import id_of, prediction
from tests.integration.stored import Calendar, own_storage

NINE: Final = Hour.parse("2026-03-01T09")
TEN: Final = NINE.plus(1)
SHELF: Final = Shelf(Kind.PREDICTION, "flights", "1")
CHAIN: Final = "_chain.json"
MANIFEST: Final = "_manifest.json"
ROWS: Final = "rows-0.parquet"


@dataclass
class Shelved:
    """One shelf in storage of the test's own; what captures and seals is made anew each time, as in a new process."""

    blobs: Blobs
    calendar: Calendar
    next_number: int = 0

    async def capture(self, hour: Hour, *records: bytes) -> None:
        """Append one event of an hour to its log."""
        at = hour.start + timedelta(minutes=self.next_number)
        event = Event(self.next_number, at, b"\n".join(records))
        log = f"{log_folder(SHELF, hour)}20260301T080000000-p0-r0.jsonl"
        await HourLogs(self.blobs).append(log, [read_event(event, "0").entry])
        self.next_number += 1

    def sealer(self, storage: Blobs | None = None) -> Chaining:
        blobs = storage or self.blobs
        registry = Registry(blobs, self.calendar)
        telemetry = Telemetry.to("", clock=self.calendar)
        generations = Generations(blobs, registry, Baselines(blobs, registry), Doubles(blobs), telemetry)
        return Chaining(SHELF, blobs, Manifests(blobs), generations)

    async def logs(self, hour: Hour) -> Logs:
        """Return the logs of an hour as they are now."""
        sizes = {one.path: one.size_bytes async for one in self.blobs.under(log_folder(SHELF, hour))}
        return Logs(SHELF, hour, sizes)

    async def seal(self, hour: Hour) -> None:
        await self.sealer().seal(await self.logs(hour))

    async def manifest(self, hour: Hour) -> HourManifest:
        return (await documents.read(self.blobs, manifest_path(SHELF, hour), HourManifest))[0]

    async def ids(self) -> list[str]:
        """Return the ids of all rows that manifests name."""
        found: list[str] = []
        for hour in (NINE, TEN):
            manifest: HourManifest | None = await documents.find(self.blobs, manifest_path(SHELF, hour), HourManifest)
            for one in manifest.generations if manifest else ():
                data = (await self.blobs.read(f"{hour_folder(SHELF, hour)}{one.rows_file}")).data
                found += pq.read_table(io.BytesIO(data), columns=["_id"])["_id"].to_pylist()
        return sorted(found)


@contextlib.asynccontextmanager
async def behind(proxy: StorageProxy, *, timeout_s: float = 30.0) -> AsyncIterator[Shelved]:
    """Make a shelf whose version is registered; whoever reaches its storage waits so long for an answer."""
    async with own_storage(storage_emulator.connection_string(proxy.port), timeout_s=timeout_s) as blobs:
        made = Shelved(blobs, Calendar(TEN.start))
        version = registered("flights", "1")
        await Registry(blobs, made.calendar).register(version.manifest, files=version.files)
        yield made


@pytest.fixture
async def shelved(storage_proxy: StorageProxy) -> AsyncIterator[Shelved]:
    """A shelf behind the proxy."""
    async with behind(storage_proxy) as made:
        yield made


@pytest.fixture
async def hasty(storage_proxy: StorageProxy) -> AsyncIterator[Shelved]:
    """The same, of somebody who soon gives up."""
    async with behind(storage_proxy, timeout_s=1.0) as made:
        yield made


def record(minute: int) -> bytes:
    return prediction(NINE.start + timedelta(minutes=minute), distance=float(minute))


def storage(shelved: Shelved, unfenced: str) -> Blobs:
    """Return a sealer's own storage, without the fences of paths that hold a text."""
    return Overwriting(shelved.blobs._service, unfenced) if unfenced else shelved.blobs


@pytest.mark.parametrize(("unfenced", "times"), [("", 1), (CHAIN, 2)], ids=["fenced", "unfenced"])
async def test_two_hours_that_are_sealed_at_once_do_not_both_keep_a_double(
    storage_proxy: StorageProxy, shelved: Shelved, unfenced: str, times: int
) -> None:
    """A resend is in two hours; each sealer looks for it in the other's rows before they are there."""
    twice = record(0)
    await shelved.capture(NINE, twice, record(1))
    await shelved.capture(TEN, twice, record(2))
    held = storage_proxy.plan("PUT", CHAIN, held=True)
    late = asyncio.create_task(shelved.sealer(storage(shelved, unfenced)).seal(await shelved.logs(NINE)))
    await held.arrived()

    await shelved.seal(TEN)
    held.release()
    await late

    found = await shelved.ids()
    assert (found.count(id_of(twice)), len(set(found))) == (times, 3)


@pytest.mark.parametrize(("kind", "times"), [(Blobs, 1), (Unchained, 2)], ids=["chained", "unchained"])
async def test_what_another_one_is_about_to_add_is_added_before_anything_else(
    storage_proxy: StorageProxy, shelved: Shelved, kind: type[Blobs], times: int
) -> None:
    """Its rows do not count before its manifest, and so nobody would find a double in them."""
    twice = record(0)
    await shelved.capture(TEN, twice)
    held = storage_proxy.plan("PUT", MANIFEST, held=True)
    late = asyncio.create_task(shelved.sealer(kind(shelved.blobs._service)).seal(await shelved.logs(TEN)))
    await held.arrived()

    await shelved.capture(NINE, twice)
    await shelved.sealer(kind(shelved.blobs._service)).seal(await shelved.logs(NINE))
    held.release()
    await late

    assert await shelved.ids() == [id_of(twice)] * times


@pytest.mark.parametrize(("unfenced", "generations"), [("", 3), (MANIFEST, 2)], ids=["fenced", "unfenced"])
async def test_a_manifest_that_is_written_late_takes_no_generation_away(
    storage_proxy: StorageProxy, shelved: Shelved, unfenced: str, generations: int
) -> None:
    await shelved.capture(NINE, record(0))
    await shelved.seal(NINE)
    await shelved.capture(NINE, record(1))
    held = storage_proxy.plan("PUT", MANIFEST, held=True)
    late = asyncio.create_task(shelved.sealer(storage(shelved, unfenced)).seal(await shelved.logs(NINE)))
    await held.arrived()

    await shelved.capture(NINE, record(2))
    await shelved.seal(NINE)
    held.release()
    await late

    assert len((await shelved.manifest(NINE)).generations) == generations
    assert len(await shelved.ids()) == generations


class OfAnotherVersion(Overwriting):
    """Storage of a sealer whose Parquet has other bytes for the same rows, as another version of the library has."""

    async def create(self, path: str, data: bytes) -> str:
        if ROWS in path:
            buffer = io.BytesIO()
            pq.write_table(pq.read_table(io.BytesIO(data)), buffer, compression="gzip")
            data = buffer.getvalue()
        return await super().create(path, data)


@pytest.mark.parametrize(("unfenced", "is_as_the_manifest_says"), [("nothing", True), (ROWS, False)])
async def test_rows_that_are_written_late_do_not_change_what_the_manifest_names(
    storage_proxy: StorageProxy, shelved: Shelved, unfenced: str, *, is_as_the_manifest_says: bool
) -> None:
    """While an update is rolled out, two versions of the app carry out one intent."""
    await shelved.capture(NINE, record(0))
    held = storage_proxy.plan("PUT", ROWS, held=True)
    other = OfAnotherVersion(shelved.blobs._service, unfenced)
    late = asyncio.create_task(shelved.sealer(other).seal(await shelved.logs(NINE)))
    await held.arrived()

    await shelved.seal(NINE)
    held.release()
    await late

    (generation,) = (await shelved.manifest(NINE)).generations
    data = (await shelved.blobs.read(f"{hour_folder(SHELF, NINE)}{ROWS}")).data
    assert (hashlib.sha256(data).hexdigest() == generation.sha256) is is_as_the_manifest_says


@pytest.mark.parametrize("written", [CHAIN, ROWS, "_profile-0-", MANIFEST])
@pytest.mark.parametrize("fault", [Fault.ANSWER_LOST, Fault.RESET, Fault.SILENCE, Fault.SILENCE_AFTER])
async def test_a_lost_answer_to_any_write_of_sealing_changes_nothing(
    storage_proxy: StorageProxy, hasty: Shelved, written: str, fault: Fault
) -> None:
    """The SDK writes again by itself, is told that the blob is there, and that it is its own nobody says."""
    records = [record(minute) for minute in range(3)]
    await hasty.capture(NINE, *records)
    storage_proxy.plan("PUT", written, fault=fault)

    await hasty.seal(NINE)
    await hasty.seal(NINE)

    assert storage_proxy.met == {fault.name: 1}
    assert await hasty.ids() == sorted(map(id_of, records))
    assert len((await hasty.manifest(NINE)).generations) == 1
