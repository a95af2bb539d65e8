"""Actuals of a file go through the hub, and are sealed once however often the file is sent."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.cli import actuals_file
from infra.cli.actuals_file import ActualsFile, Columns
from infra.local.eventhubs.emulator import Emulator
from infra.local.eventhubs.entities import Config, HubConfig, NamespaceConfig, UserConfig
from shared.capture.actual_values import Numbers, Wanted
from shared.capture.publishing.publisher import Publisher
from shared.capture.records import Actual
from shared.scoring.prediction import Kept
from shared.sealing.imports.moments import Moments
from tests.integration.capture.delivery import delivered, received
from tests.integration.capture.publishing import publisher
from tests.integration.sealing.conftest import HUB, NINE, Stages
from tests.integration.sealing.test_importing import ACTUALS, rows_of
from tests.integration.stored import Calendar

CONFIG = Config(UserConfig((NamespaceConfig("emulatorNs1", (HubConfig(HUB, 1),)),)))
COLUMNS = Columns(key="external_id", key_is="external_id", value="value", at="at")
AT_ONCE = 5


@pytest.fixture(autouse=True)
def _small_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(actuals_file, "ROWS_A_COMMIT", AT_ONCE)


@pytest.fixture
async def emulator(tmp_path: Path, calendar: Calendar) -> AsyncIterator[Emulator]:
    """A hub whose only partition has all events in order."""
    async with Emulator(CONFIG, tmp_path / "hub", clock=calendar) as running:
        yield running


@pytest.fixture
async def ours(emulator: Emulator, stages: Stages) -> AsyncIterator[Publisher]:
    publishing = publisher(emulator, stages.blobs)
    yield publishing
    await publishing.close()


@pytest.fixture
def file(tmp_path: Path) -> ActualsFile:
    """Twelve actuals, known a minute after the other, weeks before they are sent."""
    path = tmp_path / "told.parquet"
    numbers = range(12)
    known = [NINE - timedelta(days=30) + timedelta(minutes=number) for number in numbers]
    pq.write_table(pa.table({"external_id": [str(one) for one in numbers], "value": numbers, "at": known}), path)
    return ActualsFile(path, "flights", COLUMNS, Wanted(Numbers.ANY, texts=False), Moments(None, None, False))  # noqa: FBT003 - a field


async def sealed(stages: Stages, emulator: Emulator, *, events: int) -> list[tuple[str, float]]:
    """Capture what is in the hub, seal it, and return what it says of which key, by key."""
    found = await received(emulator.connection_string(), expected=events)
    await stages.capturing().append([delivered(one) for one in found])
    stages.calendar.set(NINE + timedelta(hours=1, minutes=20))
    await stages.sealing().seal()
    rows = await rows_of(stages.blobs, ACTUALS)
    return sorted((one["_external_id"], one["value"]) for one in rows)


async def test_the_same_file_sent_twice_is_sealed_once(
    stages: Stages, emulator: Emulator, ours: Publisher, file: ActualsFile
) -> None:
    """Whoever does not know whether it was sent sends it again."""
    first = await file.send(ours, lambda _: None)
    second = await file.send(ours, lambda _: None)

    assert first == second == {Kept.ACKED: 12}
    assert await sealed(stages, emulator, events=6) == sorted((str(number), float(number)) for number in range(12))


@dataclass
class Interrupted:
    """Keeps actuals, and has the command interrupted once the second commit is in the hub."""

    keeper: Publisher
    sending: "asyncio.Task[object] | None" = None
    commits: list[int] = field(default_factory=list)

    async def keep_actuals(self, actuals: Sequence[Actual]) -> Kept:
        kept = await self.keeper.keep_actuals(actuals)
        self.commits.append(len(actuals))
        if len(self.commits) == 2:
            assert self.sending is not None
            self.sending.cancel()
            await asyncio.sleep(0)
        return kept


async def test_a_file_that_was_interrupted_is_sent_again_as_a_whole_and_sealed_once(
    stages: Stages, emulator: Emulator, ours: Publisher, file: ActualsFile
) -> None:
    interrupted = Interrupted(ours)
    interrupted.sending = asyncio.create_task(file.send(interrupted, lambda _: None))
    with pytest.raises(asyncio.CancelledError):
        await interrupted.sending
    again = await file.send(ours, lambda _: None)

    assert interrupted.commits == [AT_ONCE, AT_ONCE]
    assert again == {Kept.ACKED: 12}
    assert await sealed(stages, emulator, events=5) == sorted((str(number), float(number)) for number in range(12))
