"""Every event stands once in its log, whoever appends it and however often."""

import asyncio
import random

import msgspec
import pytest

from shared.blobs import Appended, Blobs, service
from shared.capture.hour_log import HourLogs
from shared.capture.reading import read_event
from shared.capture.records import MOST_RECORD_BYTES, Entry, Tail
from shared.errors import BlobChanged, InvalidDocument, StorageUnavailable
from tests.unit.capture.records import PARTITION, event, record


def entry(sequence: int, size: int = 0) -> Entry:
    """Return an event of one record, with as many bytes of inputs."""
    return read_event(event(record(inputs="x" * size), sequence=sequence), PARTITION).entry


def entries(*sequences: int) -> list[Entry]:
    return [entry(sequence) for sequence in sequences]


async def sequences(blobs: Blobs, path: str) -> list[int]:
    """Return the sequence numbers of a log's lines."""
    return [tail.sequence for tail in msgspec.json.Decoder(Tail).decode_lines((await blobs.read(path)).data)]


class Unfenced(Blobs):
    """Storage that appends wherever the log ends, as it would without a condition."""

    async def append(self, path: str, data: bytes, *, position: int) -> Appended:
        del position
        size = (await self.read_end(path, most_bytes=1)).size_bytes
        return await super().append(path, data, position=size)


class Forgetful(Blobs):
    """Storage whose first answer is lost on the way back."""

    answers = 0

    async def append(self, path: str, data: bytes, *, position: int) -> Appended:
        done = await super().append(path, data, position=position)
        self.answers += 1
        if self.answers == 1:
            raise StorageUnavailable(path, reason="the answer was lost")
        return done


async def test_appending_twice_is_appending_once(blobs: Blobs, path: str) -> None:
    logs = HourLogs(blobs)

    for _ in range(2):
        await logs.append(path, entries(1, 2, 3))

    assert await sequences(blobs, path) == [1, 2, 3]


async def test_other_borders_between_batches_change_nothing(blobs: Blobs, path: str) -> None:
    logs = HourLogs(blobs)

    for batch in ((1, 2, 3), (2, 3, 4, 5), (1,), (5,), (3, 4, 5, 6)):
        await logs.append(path, entries(*batch))

    assert await sequences(blobs, path) == [1, 2, 3, 4, 5, 6]


async def test_a_new_process_goes_on_where_the_log_ends(blobs: Blobs, path: str) -> None:
    await HourLogs(blobs).append(path, entries(1, 2))

    await HourLogs(blobs).append(path, entries(1, 2, 3))

    assert await sequences(blobs, path) == [1, 2, 3]


async def test_the_end_is_found_behind_the_longest_lines(blobs: Blobs, path: str) -> None:
    longest = entry(1, size=MOST_RECORD_BYTES - len(record(inputs="")))
    await HourLogs(blobs).append(path, [longest, entry(2, size=MOST_RECORD_BYTES - len(record(inputs="")))])

    await HourLogs(blobs).append(path, [longest, entry(3)])

    assert await sequences(blobs, path) == [1, 2, 3]


async def test_a_log_that_was_created_and_left_empty_is_written_from_its_start(blobs: Blobs, path: str) -> None:
    """Whoever creates a log may die before the first append."""
    await blobs.create_log(path)

    await HourLogs(blobs).append(path, entries(1))

    assert await sequences(blobs, path) == [1]


async def tell_of_two_writers(one: HourLogs, other: HourLogs, path: str) -> None:
    """Let a partition change hands twice: each writer is behind the other once, with other borders."""
    await one.append(path, entries(1, 2))
    await other.append(path, entries(1, 2, 3))
    await one.append(path, entries(3, 4))
    await other.append(path, entries(2, 3, 4, 5))
    await one.append(path, entries(5, 6))


async def test_two_writers_with_stale_positions_write_each_event_once(blobs: Blobs, path: str) -> None:
    await tell_of_two_writers(HourLogs(blobs), HourLogs(blobs), path)

    assert await sequences(blobs, path) == [1, 2, 3, 4, 5, 6]


async def test_without_the_fence_two_writers_write_events_twice(azurite: str, path: str) -> None:
    """The fence is what holds: with it gone, the same story goes wrong."""
    unfenced = Unfenced(service(azurite))

    await tell_of_two_writers(HourLogs(unfenced), HourLogs(unfenced), path)
    written = await sequences(unfenced, path)
    await unfenced.close()

    assert len(written) > len(set(written))


async def test_many_writers_at_once_keep_order_and_number(blobs: Blobs, path: str) -> None:
    rng = random.Random(3)

    async def write() -> None:
        logs = HourLogs(blobs)
        done = 0
        while done < 30:
            batch = entries(*range(max(0, done - rng.randint(0, 4)), min(30, done + rng.randint(1, 9))))
            try:
                await logs.append(path, batch)
            except BlobChanged:
                continue
            done = batch[-1].sequence + 1

    await asyncio.gather(*(write() for _ in range(3)))

    assert await sequences(blobs, path) == list(range(30))


async def test_an_append_whose_answer_was_lost_is_not_made_again(azurite: str, path: str) -> None:
    """What is remembered of a log is forgotten before each append, because afterwards it may be wrong."""
    forgetful = Forgetful(service(azurite))
    logs = HourLogs(forgetful)

    with pytest.raises(StorageUnavailable):
        await logs.append(path, entries(1, 2))
    await logs.append(path, entries(1, 2, 3))
    written = await sequences(forgetful, path)
    await forgetful.close()

    assert written == [1, 2, 3]


async def test_a_deleted_log_is_begun_again(blobs: Blobs, path: str) -> None:
    logs = HourLogs(blobs)
    await logs.append(path, entries(1))
    await blobs.delete(path)

    await logs.append(path, entries(2))

    assert await sequences(blobs, path) == [2]


async def test_writers_that_are_never_fast_enough_give_up(azurite: str, path: str) -> None:
    """The host delivers the batch again: an endless race would only hide that two of them run."""

    class Outrun(Blobs):
        """Storage in which somebody else is always faster."""

        async def append(self, path: str, data: bytes, *, position: int) -> Appended:
            await super().append(path, entry(0).data, position=position)
            return await super().append(path, data, position=position)

    outrun = Outrun(service(azurite))

    with pytest.raises(BlobChanged):
        await HourLogs(outrun).append(path, entries(1))
    written = await sequences(outrun, path)
    await outrun.close()

    assert set(written) == {0}


async def test_a_log_with_a_strange_end_is_not_written_on(blobs: Blobs, path: str) -> None:
    """Nothing says which events are in it: appending would guess."""
    await blobs.create_log(path)
    await blobs.append(path, b"this is no line of ours\n", position=0)

    with pytest.raises(InvalidDocument, match="last line"):
        await HourLogs(blobs).append(path, entries(1))


async def test_appends_over_4_mib_are_parted(blobs: Blobs, path: str) -> None:
    many = [entry(sequence, size=250_000) for sequence in range(20)]

    await HourLogs(blobs).append(path, many)

    assert await sequences(blobs, path) == list(range(20))


async def lines(blobs: Blobs, path: str, roll: int) -> list[dict[str, object]]:
    data = (await blobs.read(path.replace("-r0.", f"-r{roll}."))).data
    return [msgspec.json.decode(line) for line in data.splitlines()]


async def test_a_full_log_is_closed_and_goes_on_in_the_next_roll(blobs: Blobs, path: str) -> None:
    """An append blob takes 50,000 appends: what comes after would be refused, and its partition would stand still."""
    logs = HourLogs(blobs, most_blocks=2)

    for sequence in range(1, 7):
        await logs.append(path, entries(sequence))

    first, second, third = [await lines(blobs, path, roll) for roll in range(3)]
    assert [line["sequence"] for line in first] == [1, 2, 2]
    assert [line["sequence"] for line in second] == [2, 3, 4, 4]
    assert [line["sequence"] for line in third] == [4, 5, 6]
    assert [line.get("control") for line in first] == [None, None, "closed"]
    assert second[0] == {**first[-1], "control": "opened"}
    assert second[0]["enqueued_at"] == first[1]["enqueued_at"]


async def test_a_writer_of_a_closed_log_is_refused_and_follows(blobs: Blobs, path: str) -> None:
    """It still holds the end that was: without the fence it would write behind the closing line, unseen."""
    stale, other = HourLogs(blobs, most_blocks=2), HourLogs(blobs, most_blocks=2)
    await stale.append(path, entries(1, 2))
    for sequence in (3, 4, 5):
        await other.append(path, entries(sequence))

    await stale.append(path, entries(3, 4, 5, 6))

    found = [line["sequence"] for roll in range(3) for line in await lines(blobs, path, roll) if "control" not in line]
    assert found == [1, 2, 3, 4, 5, 6]


async def test_what_ended_between_closing_and_opening_is_gone_on_with(blobs: Blobs, path: str) -> None:
    class Dying(Blobs):
        async def create_log(self, path: str) -> None:
            if path.endswith("-r1.jsonl"):
                raise StorageUnavailable(path, reason="it ended here")
            await super().create_log(path)

    dying = HourLogs(Dying(blobs._service), most_blocks=1)
    await dying.append(path, entries(1))
    with pytest.raises(StorageUnavailable):
        await dying.append(path, entries(2))

    await HourLogs(blobs).append(path, entries(1, 2))

    assert [line.get("control") for line in await lines(blobs, path, 0)] == [None, "closed"]
    assert [line["sequence"] for line in await lines(blobs, path, 1)] == [1, 2]


async def test_an_empty_roll_goes_on_from_the_one_before(blobs: Blobs, path: str) -> None:
    """It was created by who ended before the first append: its end is the closing line before it, not nothing."""
    logs = HourLogs(blobs, most_blocks=1)
    await logs.append(path, entries(1))
    await logs._roll_over(path, await logs._open(path))

    await HourLogs(blobs).append(path, entries(1, 2))

    assert [line["sequence"] for line in await lines(blobs, path, 1)] == [1, 2]


async def rolls(blobs: Blobs, path: str) -> list[str]:
    """Return the names of the rolls of a log."""
    return [one.path.rpartition("-")[2] async for one in blobs.under(path.removesuffix("r0.jsonl"))]


async def test_a_roll_that_is_closed_may_be_deleted_and_its_events_do_not_come_again(blobs: Blobs, path: str) -> None:
    """Neither by who knew the log, nor by who looks for it anew: the next roll says where it ended."""
    knew = HourLogs(blobs)
    await knew.append(path, entries(1, 2, 3))

    await HourLogs(blobs).close(path)
    await blobs.delete(path)
    await HourLogs(blobs).append(path, entries(2, 3))
    await knew.append(path, entries(2, 3, 4))

    assert await rolls(blobs, path) == ["r1.jsonl"]
    assert await sequences(blobs, path.replace("-r0", "-r1")) == [3, 4]


async def test_closing_a_roll_twice_is_closing_it_once(blobs: Blobs, path: str) -> None:
    await HourLogs(blobs).append(path, entries(1, 2))

    for _ in range(2):
        await HourLogs(blobs).close(path)
    await HourLogs(blobs).append(path, entries(3))

    assert await sequences(blobs, path) == [1, 2, 2]
    assert await sequences(blobs, path.replace("-r0", "-r1")) == [2, 3]


async def test_a_roll_in_the_middle_may_be_deleted(blobs: Blobs, path: str) -> None:
    logs = HourLogs(blobs, most_blocks=1)
    for sequence in (1, 2, 3):
        await logs.append(path, entries(sequence))

    await HourLogs(blobs).close(path.replace("-r0", "-r1"))
    await blobs.delete(path.replace("-r0", "-r1"))
    await HourLogs(blobs).append(path, entries(2, 3, 4))

    assert await rolls(blobs, path) == ["r0.jsonl", "r2.jsonl"]
    assert await sequences(blobs, path.replace("-r0", "-r2")) == [2, 3, 4]


async def test_what_is_left_of_a_deleted_roll_is_not_begun_again(blobs: Blobs, path: str) -> None:
    """Somebody created it anew and ended there: begun, it would take in what stands in the roll behind it."""
    logs = HourLogs(blobs, most_blocks=1)
    for sequence in (1, 2, 3):
        await logs.append(path, entries(sequence))
    await HourLogs(blobs).close(path.replace("-r0", "-r1"))
    await blobs.delete(path.replace("-r0", "-r1"))
    await blobs.create_log(path.replace("-r0", "-r1"))

    await HourLogs(blobs).close(path)
    await HourLogs(blobs).append(path, entries(2, 3, 4))

    assert await rolls(blobs, path) == ["r0.jsonl", "r2.jsonl"]
    assert await sequences(blobs, path.replace("-r0", "-r2")) == [2, 3, 4]


async def test_a_first_roll_that_was_deleted_is_not_created_again(blobs: Blobs, path: str) -> None:
    """Were whoever looks for it to end there, an empty log would stay, of which everything was sealed."""

    class Ending(Blobs):
        async def delete(self, path: str, *, etag: str | None = None) -> None:
            del etag
            raise StorageUnavailable(path, reason="it ended here")

    await HourLogs(blobs).append(path, entries(1, 2))
    await HourLogs(blobs).close(path)
    await blobs.delete(path)

    await HourLogs(Ending(blobs._service)).append(path, entries(2, 3))

    assert await rolls(blobs, path) == ["r1.jsonl"]
    assert await sequences(blobs, path.replace("-r0", "-r1")) == [2, 3]


async def test_what_is_left_of_a_first_roll_is_deleted_by_the_next_who_appends(blobs: Blobs, path: str) -> None:
    """It was created by who was held up between looking and creating, and ended before it looked again."""
    await HourLogs(blobs).append(path, entries(1, 2))
    await HourLogs(blobs).close(path)
    await blobs.delete(path)
    await blobs.create_log(path)

    await HourLogs(blobs).append(path, entries(2, 3))

    assert await rolls(blobs, path) == ["r1.jsonl"]
    assert await sequences(blobs, path.replace("-r0", "-r1")) == [2, 3]


async def test_whoever_was_to_create_the_next_roll_finds_that_it_was_deleted(blobs: Blobs, path: str) -> None:
    """Held up between closing a roll and creating the next, while others filled that one and it was erased."""
    await HourLogs(blobs).append(path, entries(1))
    held_up = HourLogs(HeldUpOnce(blobs), most_blocks=1)
    await held_up.append(path, entries(1))  # knows where it ends

    await held_up.append(path, entries(2, 3))

    assert await rolls(blobs, path) == ["r0.jsonl", "r2.jsonl", "r3.jsonl"]
    assert await sequences(blobs, path.replace("-r0", "-r3")) == [2, 3], "it rolls over at every append"


class HeldUpOnce(Blobs):
    """Storage that is slow to create the second roll: meanwhile another one does, and that roll is erased."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__(blobs._service)
        self._others: Blobs | None = blobs

    async def create_log(self, path: str) -> None:
        others = self._others
        if others is not None and path.endswith("-r1.jsonl"):
            self._others = None
            logs = HourLogs(others)
            await logs.append(path.replace("-r1", "-r0"), entries(2))
            await logs.close(path)
            await others.delete(path)
        await super().create_log(path)
