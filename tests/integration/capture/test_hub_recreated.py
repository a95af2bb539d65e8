"""A hub that was deleted and created again counts from 0, and nothing is lost to the numbers of the old one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.sealing.accounting.asked import Asked
from shared.sealing.accounting.verifying import Verifying
from tests.integration.capture.delivery import handed_over
from tests.integration.capture.streams import MINUTE, Stream, pass_time, stream
from tests.unit.capture.records import record


@pytest.fixture
async def hub(azurite: str, tmp_path: Path) -> AsyncIterator[Stream]:
    async with stream(azurite, tmp_path) as made:
        yield made


@pytest.mark.parametrize("same_process", [True, False])
async def test_a_hub_recreated_after_capture_caught_up_loses_nothing(hub: Stream, same_process: bool) -> None:  # noqa: FBT001 - a parameter
    old = await hub.hub.incarnation()
    capturing = hub.capturing()
    await capturing.append(await hub.send_numbered(0, 1, 2))

    await hub.recreate()
    new = await hub.hub.incarnation()
    await hub.send_numbered(10, 11)
    await hub.send_numbered(12, 13)
    arrived = list(hub.delivered)
    capturing = capturing if same_process else hub.capturing()
    await capturing.append(arrived[:3])
    await capturing.append(arrived[2:])

    assert await hub.kept(old) == [0, 1, 2]
    assert await hub.kept(new) == [10, 11, 12, 13]
    assert await hub.gaps() == []
    cursor = await hub.cursor()
    assert (cursor.first, cursor.sequence) == (0, 3)


async def test_of_a_hub_recreated_before_capture_caught_up_nothing_is_claimed(hub: Stream) -> None:
    """What was above its cursor went with it: nobody can say what that was, so nobody says that it was kept, or lost.

    The account says of it that this is unknown, which is neither nothing nor a fault.
    """
    old = await hub.hub.incarnation()
    capturing = hub.capturing()
    await capturing.append(await hub.send_numbered(0, 1))
    await hub.send_numbered(2, 3, 4)

    await hub.recreate()
    new = await hub.hub.incarnation()
    await capturing.append(await hub.send_numbered(*range(10, 16)))

    left = await hub.cursors.read(old, "0")
    assert left is not None
    assert (left.first, left.sequence) == (0, 1)
    assert await hub.gaps() == []
    assert await hub.kept(old) == [0, 1]
    assert await hub.kept(new) == list(range(10, 16))
    account = await Verifying(hub.blobs, hub.hub, hub.calendar, spool_max_age_s=0.0, hours_kept_days=0).verify(Asked())
    assert {one.incarnation: (one.is_live, one.last, one.in_flight) for one in account.partitions} == {
        old: (False, 1, None),
        new: (True, 5, 0),
    }
    assert account.closes


@pytest.mark.parametrize("same_process", [True, False])
async def test_a_batch_of_the_old_hub_that_comes_late_is_the_old_hubs(hub: Stream, same_process: bool) -> None:  # noqa: FBT001 - a parameter
    """The host holds it while storage is down: under the new hub's name its numbers would hide the new ones."""
    old = await hub.hub.incarnation()
    capturing = hub.capturing()
    await hub.send_numbered(0, 1)
    await hub.send_numbered(2, 3)
    arrived = list(hub.delivered)
    await capturing.append(arrived[:2])

    await hub.recreate()
    new = await hub.hub.incarnation()
    capturing = capturing if same_process else hub.capturing()
    await hub.send_numbered(10, 11)
    anew = list(hub.delivered)
    for batch in (arrived[1:], anew[:1], arrived[1:], anew):
        await capturing.append(batch)

    assert await hub.kept(old) == [0, 1, 2, 3]
    assert await hub.kept(new) == [10, 11]


async def test_a_new_hub_does_not_go_on_where_a_late_batch_of_the_old_one_ended(hub: Stream) -> None:
    """A host with an old checkpoint begins there, in the new hub."""
    old = await hub.hub.incarnation()
    capturing = hub.capturing()
    await hub.send_numbered(0, 1)
    late = await hub.send_numbered(2, 3)
    await capturing.append(hub.delivered[:2])

    await hub.recreate()
    await hub.send_numbered(*range(10, 16))
    pass_time(capturing, seconds=5.0)
    await capturing.append(late)
    await capturing.append(hub.delivered[4:])

    assert await hub.kept(old) == [0, 1, 2, 3]
    assert await hub.kept(await hub.hub.incarnation()) == list(range(10, 16))


async def test_what_is_missing_of_a_hub_that_is_gone_is_lost(hub: Stream) -> None:
    """It cannot be asked any more, and the number that came says that the others were."""
    old = await hub.hub.incarnation()
    capturing = hub.capturing()
    await hub.send_numbered(*range(5))
    await hub.send_numbered(5)
    arrived = list(hub.delivered)
    await capturing.append(arrived[:2])

    await hub.recreate()
    await capturing.append(arrived[5:])

    assert await hub.kept(old) == [0, 1, 5]
    assert await hub.gaps() == [(2, 4)]


async def test_an_event_that_is_a_little_older_than_its_hub_is_the_hubs(hub: Stream) -> None:
    """The clocks of a service differ: its first number cannot be an old one whose time has not come."""
    capturing = hub.capturing()
    await capturing.append(await hub.send_numbered(0, 1))

    await hub.recreate()
    early = handed_over(record(n=10), "0", sequence=0, at=hub.calendar.now() - MINUTE / 10)
    await capturing.append([early])

    assert await hub.kept(await hub.hub.incarnation()) == [10]


async def test_a_partition_first_seen_after_its_hub_was_recreated_is_filed_under_the_new_one(hub: Stream) -> None:
    """What is known of one partition says nothing of another's incarnation."""
    capturing = hub.capturing()
    await capturing.append([handed_over(record(n=0), "900", sequence=0, at=hub.calendar.now())])

    await hub.recreate()
    await capturing.append([handed_over(record(n=1), "901", sequence=0, at=hub.calendar.now())])

    assert await hub.kept(await hub.hub.incarnation()) == [1]


async def test_a_process_asks_now_and_then_which_hub_it_is(hub: Stream) -> None:
    """A host that goes on in the new hub where it was in the old one may come to the very next number."""
    capturing = hub.capturing()
    await capturing.append(await hub.send_numbered(0, 1))
    pass_time(capturing, seconds=5.0)

    await hub.recreate()
    await hub.send_numbered(10, 11, 12)
    await capturing.append(hub.delivered[2:])

    assert await hub.kept(await hub.hub.incarnation()) == [10, 11, 12]
