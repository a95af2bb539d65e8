"""What happens between two reads of one account is neither a loss nor hides one: each read has its place in the order."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from shared import documents
from shared.blobs import Blobs, Content, Stored
from shared.capture.gap import Gap, gap_path
from shared.sealing.accounting.account import Account
from shared.sealing.accounting.asked import Asked
from shared.sealing.accounting.verifying import Verifying
from shared.sealing.days.day import Day
from shared.sealing.paths import day_path
from tests.integration.sealing.conftest import NINE, Stages
from tests.integration.sealing.test_verifying_everything import SHELF
from tests.integration.sealing.verified import MOST_SPOOL_S, Run, lines, path_of, rewrite, wrong

Meanwhile = Callable[[], Awaitable[None]]


class Interrupted(Blobs):
    """Storage in which something happens, once, right after one prefix was listed, or before one path is read."""

    def __init__(self, blobs: Blobs, meanwhile: Meanwhile, *, listed: str = "", read: str = "nothing") -> None:
        super().__init__(blobs._service)
        self.meanwhile: Meanwhile | None = meanwhile
        self.listed, self.before = listed, read

    async def _happen(self) -> None:
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            await meanwhile()

    async def under(self, prefix: str) -> AsyncIterator[Stored]:
        found = [stored async for stored in super().under(prefix)]
        if prefix == self.listed:
            await self._happen()
        for stored in found:
            yield stored

    async def read(self, path: str) -> Content:
        if self.before in path:
            await self._happen()
        return await super().read(path)

    async def read_range(self, path: str, *, start: int, end: int, etag: str | None = None) -> bytes:
        if self.before in path:
            await self._happen()
        return await super().read_range(path, start=start, end=end, etag=etag)


@pytest.fixture
async def run(stages: Stages) -> Run:
    made = Run(stages)
    await made.capture(60)
    await made.seal(hours=1)
    await made.capture(30)
    return made


async def verify(run: Run, meanwhile: Meanwhile, *, listed: str = "", read: str = "nothing") -> Account:
    stages = run.stages
    blobs = Interrupted(stages.blobs, meanwhile, listed=listed, read=read)
    account = await Verifying(blobs, stages.hub, stages.calendar, MOST_SPOOL_S, 0).verify(Asked())
    assert blobs.meanwhile is None, "it happened"
    return account


@pytest.mark.parametrize("listed", ["captures/cursors/", "captures/gaps/", "captures/watermark.json", "captures/logs/"])
async def test_what_is_captured_meanwhile_is_above_the_cursor(run: Run, listed: str) -> None:
    account = await verify(run, lambda: run.capture(30), listed=listed)

    assert account.wrong == ()
    assert account.totals.events in {90, 120}


async def test_a_partition_that_begins_meanwhile_has_a_cursor(run: Run) -> None:
    """Its log is seen and its cursor is not, because that was read before."""
    other = Run(run.stages, partition="1", next_number=70)

    account = await verify(run, lambda: other.capture(5), listed="captures/gaps/")

    assert account.wrong == ()


@pytest.mark.parametrize(
    "listed",
    [
        *["captures/cursors/", "captures/gaps/", "captures/watermark.json"],
        *["captures/days/", "captures/logs/", "captures/dead/", "captures/hours/"],
    ],
)
async def test_an_hour_that_is_sealed_meanwhile_is_counted_once(run: Run, listed: str) -> None:
    account = await verify(run, lambda: run.seal(hours=2), listed=listed)

    assert account.wrong == ()
    assert account.totals.events == 90


@pytest.mark.parametrize("listed", ["captures/days/", "captures/logs/", "captures/hours/"])
async def test_a_generation_that_comes_meanwhile_is_counted_once(run: Run, listed: str) -> None:
    await run.seal(hours=2)

    async def late() -> None:
        await run.capture(10)
        await run.seal(hours=3)

    account = await verify(run, late, listed=listed)

    assert account.wrong == ()
    assert account.totals.events == 90


@pytest.mark.parametrize("listed", ["captures/logs/", "captures/hours/"])
async def test_a_day_that_is_let_go_and_rolled_up_again_meanwhile_says_nothing(run: Run, listed: str) -> None:
    await run.seal(hours=40)
    blobs = run.stages.blobs
    path = day_path(SHELF, "2026-03-01")
    assert await documents.find(blobs, path, Day) is not None

    async def again() -> None:
        await run.capture(10)
        await run.seal(hours=41)

    account = await verify(run, again, listed=listed)

    assert account.wrong == ()


@pytest.mark.parametrize(
    ("listed", "read"),
    [("captures/logs/", "nothing"), ("captures/hours/", "nothing"), ("", "captures/logs/")],
)
async def test_a_log_that_is_sealed_and_deleted_meanwhile_is_counted_from_its_hour(
    run: Run, listed: str, read: str
) -> None:
    """Were manifests listed before logs, the hour would be neither sealed nor a log."""
    log = await path_of(run.stages.blobs, "captures/logs/", "hour=10")

    async def retention() -> None:
        await run.seal(hours=2)
        await run.stages.blobs.delete(log)

    account = await verify(run, retention, listed=listed, read=read)

    assert account.wrong == ()
    assert account.totals.events == 90


async def test_a_gap_that_is_recorded_meanwhile_goes_with_its_cursor(run: Run) -> None:
    """Capture writes the gap down, then moves the cursor over it: whoever sees the cursor sees the gap."""
    stages = run.stages
    incarnation = await stages.hub.incarnation()

    async def lose() -> None:
        gap = Gap(incarnation=incarnation, partition=0, first=90, last=94, found_at=NINE, accepted_by="Ada")
        await stages.blobs.create(gap_path(incarnation, "0", 90, 94), documents.encode(gap))
        cursor = await path_of(stages.blobs, "captures/cursors/")
        await rewrite(stages.blobs, cursor, lambda data: data.replace(b'"sequence": 89', b'"sequence": 94'))

    account = await verify(run, lose, listed="captures/cursors/")

    assert account.wrong == ()
    assert account.partitions[0].lost == 5


async def test_what_comes_meanwhile_does_not_hide_a_loss(run: Run) -> None:
    """A number that is lost stays lost, whatever is captured and sealed while it is looked for."""
    log = await path_of(run.stages.blobs, "captures/logs/", "hour=10")
    await rewrite(run.stages.blobs, log, lambda data: b"".join(lines(data)[1:]))

    async def go_on() -> None:
        await run.capture(30)
        await run.seal(hours=2)

    for listed in ("captures/cursors/", "captures/logs/", "captures/hours/"):
        assert "events" in wrong(await verify(run, go_on, listed=listed))
