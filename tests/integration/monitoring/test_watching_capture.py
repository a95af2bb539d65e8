"""Capture is watched by its account: what is wrong opens an alert, and what is mended resolves it."""

from datetime import datetime, timedelta

import pytest

from shared import documents
from shared.alerts.lifecycle import Alert
from shared.alerts.outbox import Entry, Outbox
from shared.alerts.store import Alerts
from shared.blobs import Blobs
from shared.capture.accepting import Accepting
from shared.capture.gap import Gap, gap_path
from shared.capture.hub import Hub, Partition
from shared.errors import EventsUnavailable
from shared.monitoring.watching_capture import WatchingCapture
from shared.sealing.accounting.account import Account
from shared.sealing.accounting.verifying import Verifying
from shared.telemetry import Telemetry
from tests.integration.sealing.conftest import NINE, Stages
from tests.integration.sealing.verified import Run, lines, path_of, rewrite
from tests.integration.stored import everything

LAG_S = 900.0


class SaidHub(Hub):
    """A hub that says of its first partition what it is told to say."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub._producer)
        self.last_sequence = -1
        self.newest_at: datetime | None = None
        self.is_down = False

    async def partitions(self, *, timeout_s: float = 30.0) -> list[Partition]:  # noqa: ARG002 - the hub's
        if self.is_down:
            raise EventsUnavailable("it is down")
        return [Partition("0", self.last_sequence, self.last_sequence < 0, 0, self.newest_at)]


class Watch:
    """The timer, once a call; it lives on as a process does."""

    def __init__(self, stages: Stages) -> None:
        self.stages = stages
        self.hub = SaidHub(stages.hub)
        self.timer = self.made()

    def made(self) -> WatchingCapture:
        blobs, calendar = self.stages.blobs, self.stages.calendar
        alerts = Alerts(blobs, Outbox(blobs, calendar, ("a" * 16,)))
        verifying = Verifying(blobs, self.hub, calendar, 3600.0, 0)
        return WatchingCapture(blobs, verifying, alerts, calendar, Telemetry.to("", clock=calendar), LAG_S)

    async def look(self, *, minutes: float = 0) -> Account:
        """Look so many minutes later."""
        self.stages.calendar.set(self.stages.calendar.now() + timedelta(minutes=minutes))
        return await self.timer.watch()

    async def told(self) -> list[str]:
        """Return the news so far, in its order."""
        found = await everything(self.stages.blobs, "monitoring/outbox/pending/")
        entries = [documents.decode(data, Entry, path=path) for path, data in found.items()]
        messages = sorted((entry.message for entry in entries), key=lambda message: message.timestamp)
        alerts = [message.data for message in messages if isinstance(message.data, Alert)]
        return [f"{alert.signal} {alert.state}" for alert in alerts]


@pytest.fixture
async def run(stages: Stages) -> Run:
    made = Run(stages)
    await made.capture(60)
    await made.seal(hours=1)
    await made.capture(20)
    return made


@pytest.fixture
def watch(stages: Stages) -> Watch:
    return Watch(stages)


async def alert_of(blobs: Blobs, signal: str) -> Alert:
    path = await path_of(blobs, f"monitoring/alerts/model=_none/version=_none/signal={signal}/")
    return (await documents.read(blobs, path, Alert))[0]


async def test_nothing_is_told_while_all_is_well(run: Run, watch: Watch) -> None:
    await watch.look()
    await run.capture(10)

    account = await watch.look(minutes=5)

    assert account.closes
    assert await watch.told() == []


async def test_a_loss_is_told_and_resolved_when_it_is_mended(run: Run, watch: Watch) -> None:
    log = await path_of(run.stages.blobs, "captures/logs/", "hour=10")
    whole = (await run.stages.blobs.read(log)).data
    await rewrite(run.stages.blobs, log, lambda data: b"".join([*lines(data)[:5], *lines(data)[6:]]))

    broken = await watch.look()
    again = await watch.look(minutes=5)
    alert = await alert_of(run.stages.blobs, "account")
    await rewrite(run.stages.blobs, log, lambda _: whole)
    watch.timer = watch.made()
    mended = await watch.look(minutes=5)

    assert (broken.closes, again.closes, mended.closes) == (False, False, True)
    assert await watch.told() == ["account open", "account resolved"]
    assert "number 65 is missing" in alert.reasons[0]
    assert "manage.py verify" in alert.reasons[-1]
    assert (await documents.read(run.stages.blobs, alert.evaluation, Account))[0].wrong == broken.wrong


async def test_an_alert_that_opens_again_within_the_hour_is_told_again(run: Run, watch: Watch) -> None:
    """Ids of looks at how things stand are to the second: an hour's name would be the first one's."""
    broken = "captures/hours/kind=actual/model=flights/version=_none/date=2026-03-01/hour=09/_manifest.json"
    for _ in range(2):
        await run.stages.blobs.create(broken, b"{")
        await watch.look(minutes=1)
        await run.stages.blobs.delete(broken)
        await watch.look(minutes=1)

    assert await watch.told() == ["account open", "account resolved"] * 2


async def test_a_loss_stays_in_sight_however_old_it_grows(run: Run, watch: Watch) -> None:
    """The look reaches back two days. What is lost is lost on the third as well, and its alert must not resolve."""
    log = await path_of(run.stages.blobs, "captures/logs/", "hour=10")
    await rewrite(run.stages.blobs, log, lambda data: b"".join(lines(data)[1:]))
    await watch.look()

    for days in (1, 3, 10):
        await run.seal(hours=24 * days)
        await watch.look()

    assert await watch.told() == ["account open"]


async def test_a_look_reads_what_is_older_than_two_days_only_for_its_last_number(run: Run, watch: Watch) -> None:
    await run.seal(hours=24 * 5)
    await watch.look()
    read: list[str] = []
    whole = run.stages.blobs.read

    async def counted(path: str) -> object:
        read.append(path)
        return await whole(path)

    run.stages.blobs.read = counted  # type: ignore[method-assign, assignment]
    account = await watch.look(minutes=5)

    assert account.closes
    assert not [path for path in read if path.startswith(("captures/hours/", "captures/logs/", "captures/days/"))]


async def test_a_log_is_read_on_from_where_it_was_read_before(run: Run, watch: Watch) -> None:
    """An hour of raw lines may be gigabytes, and the timer looks at it again and again."""
    await watch.look()
    log = await path_of(run.stages.blobs, "captures/logs/", "hour=10")
    size = len((await run.stages.blobs.read(log)).data)
    await run.capture(10)
    ranges: list[tuple[str, int]] = []
    whole = run.stages.blobs.read_range

    async def counted(path: str, *, start: int, end: int, etag: str | None = None) -> bytes:
        ranges.append((path, start))
        return await whole(path, start=start, end=end, etag=etag)

    run.stages.blobs.read_range = counted  # type: ignore[method-assign]
    account = await watch.look(minutes=5)

    assert ranges == [(log, size)]
    assert account.closes
    assert account.totals.events == 90


async def test_a_gap_is_told_until_somebody_takes_note(run: Run, watch: Watch) -> None:
    stages = run.stages
    incarnation = await stages.hub.incarnation()
    gap = Gap(incarnation=incarnation, partition=0, first=200, last=204, found_at=NINE)
    await stages.blobs.create(gap_path(incarnation, "0", 200, 204), documents.encode(gap))

    await watch.look()
    await watch.look(minutes=5)
    await Accepting(stages.blobs, stages.calendar).accept(f"{incarnation}/p0/200-204", by="Ada")
    await watch.look(minutes=5)

    assert await watch.told() == ["capture_gap open", "capture_gap resolved"]


async def test_a_gap_stays_in_sight_however_old_it_grows(run: Run, watch: Watch) -> None:
    """It lies before the days that the account is drawn up for, and still nobody took note of it."""
    stages = run.stages
    incarnation = await stages.hub.incarnation()
    gap = Gap(incarnation=incarnation, partition=0, first=40, last=44, found_at=NINE)
    await stages.blobs.create(gap_path(incarnation, "0", 40, 44), documents.encode(gap))
    await run.seal(hours=24 * 5)
    watch.timer = watch.made()

    await watch.look()
    await run.seal(hours=24 * 6)
    await watch.look()

    assert await watch.told() == ["capture_gap open"]


@pytest.mark.usefixtures("run")
async def test_an_event_after_a_long_quiet_is_no_lag(watch: Watch) -> None:
    """The cursor is hours old, and so is the time of its event; what waits has just come."""
    await watch.look(minutes=600)
    watch.hub.last_sequence, watch.hub.newest_at = 80, watch.stages.calendar.now()

    account = await watch.look()

    assert account.partitions[0].in_flight == 1
    assert await watch.told() == []


async def test_a_partition_whose_cursor_does_not_move_is_stuck(run: Run, watch: Watch) -> None:
    """New events keep coming, so the newest one is always young: what was there at the first look still waits."""
    for last in range(80, 84):
        watch.hub.last_sequence, watch.hub.newest_at = last, watch.stages.calendar.now()
        watch.timer = watch.made()
        await watch.look(minutes=6)
    stuck = await watch.told()
    await run.capture(4)
    await watch.look(minutes=6)

    assert stuck == ["capture_stuck open"]
    alert = await alert_of(run.stages.blobs, "capture_stuck")
    assert "4 events wait above number 79" in alert.reasons[0]
    assert (await watch.told())[1:] == ["capture_stuck resolved"]


@pytest.mark.usefixtures("run")
async def test_a_hub_that_fails_every_second_look_hides_no_stuck_partition(watch: Watch) -> None:
    """What was seen to be waiting is waiting still, as long as the cursor has not passed it."""
    for last in range(80, 84):
        watch.hub.last_sequence, watch.hub.newest_at, watch.hub.is_down = last, watch.stages.calendar.now(), False
        await watch.look(minutes=5)
        watch.hub.is_down = True
        await watch.look(minutes=5)

    assert await watch.told() == ["capture_stuck open"]


async def test_what_was_captured_while_the_hub_could_not_be_asked_is_not_waiting(run: Run, watch: Watch) -> None:
    watch.hub.last_sequence, watch.hub.newest_at = 80, watch.stages.calendar.now()
    await watch.look()
    await run.capture(1)
    watch.hub.is_down = True
    await watch.look(minutes=20)
    watch.hub.last_sequence, watch.hub.newest_at, watch.hub.is_down = 81, watch.stages.calendar.now(), False

    await watch.look()

    assert await watch.told() == []


async def test_a_capture_that_moves_and_does_not_keep_up_lags(run: Run, watch: Watch) -> None:
    for last in range(100, 200, 20):
        watch.hub.last_sequence, watch.hub.newest_at = last, watch.stages.calendar.now() - timedelta(seconds=LAG_S)
        await run.capture(1)
        await watch.look(minutes=5)

    assert await watch.told() == ["capture_lag open"]


async def test_events_of_which_nothing_was_ever_captured_are_stuck(watch: Watch) -> None:
    """A trigger that never started has no cursor."""
    watch.hub.last_sequence, watch.hub.newest_at = 9, NINE
    await watch.look()
    await watch.look(minutes=20)

    assert await watch.told() == ["capture_stuck open"]


@pytest.mark.usefixtures("run")
async def test_a_hub_that_cannot_be_asked_says_nothing_about_lag(watch: Watch) -> None:
    watch.hub.last_sequence, watch.hub.newest_at = 100, NINE
    await watch.look(minutes=20)
    opened = await watch.told()
    watch.hub.is_down = True

    account = await watch.look(minutes=20)

    assert account.hub_problem == "it is down"
    assert account.closes
    assert opened == await watch.told() == ["capture_stuck open"]


async def test_an_old_spool_is_told(run: Run, watch: Watch) -> None:
    await run.stages.blobs.create("captures/spool/0f.jsonl", b"{}\n")
    watch.timer.verifying.spool_max_age_s = 0.0

    await watch.look()

    assert await watch.told() == ["spool open"]
