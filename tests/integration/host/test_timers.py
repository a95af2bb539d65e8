"""Timers on the calendar of the clock."""

from datetime import UTC, datetime
from itertools import pairwise

import pytest

from shared.clock import Clock
from tests.integration.host.system import Sandbox, wait_until

START = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)
# A minute of the calendar in half a second.
FAST = 120.0


@pytest.fixture
def ticking(sandbox: Sandbox) -> Sandbox:
    """Return an app whose timer ticks every minute of a fast calendar."""
    sandbox.settings |= {"TICKS": "0 * * * * *", "CLOCK": str(Clock.starting(START, speed=FAST))}
    return sandbox


def test_a_timer_ticks_on_the_calendar_and_keeps_its_status(ticking: Sandbox) -> None:
    ticking.start()

    wait_until(lambda: len(ticking.seen("ticking")) >= 4)

    runs = ticking.seen("ticking")
    assert not any(run["past_due"] for run in runs)
    ticks = [datetime.fromisoformat(run["status"]["Next"]) for run in runs]
    assert [tick.second for tick in ticks] == [0] * len(ticks)
    assert ticks == sorted(set(ticks)), "a tick came twice"


def test_ticks_that_were_missed_become_one_run_that_is_past_due(ticking: Sandbox) -> None:
    """The monitor must not miss an hour because the host was down, nor judge it ten times."""
    first = ticking.start()
    wait_until(lambda: len(ticking.seen("ticking")) >= 1)
    first.process.stop()
    before = len(ticking.seen("ticking"))
    ends = Clock.parse(ticking.settings["CLOCK"]).now()
    wait_until(lambda: (Clock.parse(ticking.settings["CLOCK"]).now() - ends).total_seconds() > 300)

    ticking.start()
    wait_until(lambda: len(ticking.seen("ticking")) >= before + 3)

    assert [run["past_due"] for run in ticking.seen("ticking")[before:][:3]] == [True, False, False]


def test_a_run_never_overlaps_the_next(ticking: Sandbox) -> None:
    """A run of 1.2 s covers two ticks here: they are not made up for, the next one after it is run."""
    ticking.tell("slow-ticking", "1.2")
    host = ticking.start()
    wait_until(lambda: len(ticking.seen("ticking")) >= 1)
    assert host.run_timer("ticking") == 202

    wait_until(lambda: len(ticking.seen("ticking")) >= 5)

    runs = ticking.seen("ticking")
    assert all(earlier["ended"] <= later["began"] for earlier, later in pairwise(runs))
    assert not any(run["past_due"] for run in runs)


def test_a_timer_that_failed_waits_for_its_next_tick(ticking: Sandbox) -> None:
    """Without a retry policy a failed run is over, and its status is stored as if it had not failed."""
    ticking.tell("fail-ticking")
    ticking.start()

    wait_until(lambda: len(ticking.seen("ticking")) >= 3)

    moments = [run["status"]["LastUpdated"] for run in ticking.seen("ticking")]
    assert moments == sorted(set(moments))


def test_only_one_instance_runs_a_timer_and_another_takes_over(ticking: Sandbox) -> None:
    """Two sealers at once would be fenced, but two deliveries of one alert would be seen."""
    first = ticking.start()
    wait_until(lambda: first.state()["timers"]["ticking"])
    second = ticking.start()
    wait_until(lambda: len(ticking.seen("ticking")) >= 5)
    assert not second.state()["timers"]["ticking"]
    assert {run["process"] for run in ticking.seen("ticking")} == {first.process.child.pid}

    first.process.stop()
    wait_until(lambda: second.state()["timers"]["ticking"], timeout_s=5.0)
    wait_until(lambda: ticking.seen("ticking")[-1]["process"] == second.process.child.pid)


def test_a_killed_instance_is_replaced_when_its_lease_runs_out(ticking: Sandbox) -> None:
    first = ticking.start()
    wait_until(lambda: first.state()["timers"]["ticking"])
    second = ticking.start()

    first.process.kill()

    wait_until(lambda: second.state()["timers"]["ticking"], timeout_s=25.0)
    runs = len(ticking.seen("ticking"))
    wait_until(lambda: len(ticking.seen("ticking")) > runs)


def test_a_timer_can_be_run_out_of_turn_and_at_the_start(sandbox: Sandbox) -> None:
    sandbox.settings["CLOCK"] = str(Clock.standing(START))
    host = sandbox.start()
    wait_until(lambda: sandbox.seen("starting"))

    assert host.run_timer("ticking") == 202

    wait_until(lambda: sandbox.seen("ticking"))
    assert [run["past_due"] for run in sandbox.seen("starting") + sandbox.seen("ticking")] == [False, False]


def test_a_run_under_way_is_finished_before_the_host_ends(sandbox: Sandbox) -> None:
    sandbox.settings["CLOCK"] = str(Clock.standing(START))
    sandbox.tell("slow-ticking", "1.5")
    host = sandbox.start()
    assert host.run_timer("ticking") == 202
    wait_until(lambda: host.state()["running"])

    assert host.process.stop() == 0

    assert len(sandbox.seen("ticking")) == 1
