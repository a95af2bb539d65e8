"""The log of a partition: what is found again, and what a crash may cost."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.eventhubs.codec import encode
from infra.local.eventhubs.errors import Corrupt, Refused
from infra.local.eventhubs.log import PartitionLog
from infra.local.eventhubs.message import Message
from infra.local.eventhubs.positions import starting_sequence
from infra.local.eventhubs.values import Described, Ulong


def _messages(*bodies: str) -> list[Message]:
    return [Message.parse(encode(Described(Ulong(0x75), body.encode()))) for body in bodies]


def _offset(log: PartitionLog, sequence: int) -> int:
    return log.read(sequence, 1)[0].offset


def _aged(folder: Path, seconds: float) -> None:
    """Make the files in ``folder`` look as if last written ``seconds`` ago."""
    then = time.time() - seconds
    for path in folder.glob("*.log"):
        os.utime(path, (then, then))


def _read(log: PartitionLog) -> list[int]:
    """Read everything, one record at a time."""
    sequences: list[int] = []
    while events := log.read(log.begin + len(sequences), 1):
        sequences += [event.sequence for event in events]
    return sequences


@pytest.fixture
def log(tmp_path: Path) -> PartitionLog:
    """A log of ten events in three records, enqueued at 1000, 2000 and 2000."""
    log = PartitionLog(tmp_path)
    log.append(_messages("0", "1", "2"), 1_000)
    log.append(_messages("3", "4", "5", "6"), 2_000)
    log.append(_messages("7", "8", "9"), 2_000)
    return log


@pytest.mark.parametrize(
    ("selector", "first"),
    [
        (None, 0),
        ("amqp.annotation.x-opt-offset > '-1'", 0),
        ("amqp.annotation.x-opt-offset > '@latest'", 10),
        ("amqp.annotation.x-opt-sequence-number > '-1'", 0),
        ("amqp.annotation.x-opt-sequence-number > '4'", 5),
        ("amqp.annotation.x-opt-sequence-number >= '4'", 4),
        ("amqp.annotation.x-opt-sequence-number > '9'", 10),
        ("amqp.annotation.x-opt-enqueued-time > '999'", 0),
        ("amqp.annotation.x-opt-enqueued-time >= '1000'", 0),
        ("amqp.annotation.x-opt-enqueued-time > '1000'", 3),
        ("amqp.annotation.x-opt-enqueued-time >= '2000'", 3),
        ("amqp.annotation.x-opt-enqueued-time > '2000'", 10),
        ("amqp.annotation.x-opt-enqueued-time > '9000'", 10),
    ],
)
def test_a_selector_says_where_to_start(log: PartitionLog, selector: str | None, first: int) -> None:
    assert starting_sequence(selector, log) == first


def test_every_offset_is_found_from_either_side(log: PartitionLog) -> None:
    """Checkpoints hold offsets; one event too few or too many after a restart would be a loss or a double."""
    for sequence in range(10):
        offset = _offset(log, sequence)
        assert starting_sequence(f"amqp.annotation.x-opt-offset > '{offset}'", log) == sequence + 1
        assert starting_sequence(f"amqp.annotation.x-opt-offset >= '{offset}'", log) == sequence


@pytest.mark.parametrize(
    "selector",
    [
        "amqp.annotation.x-opt-sequence-number > '10'",
        "amqp.annotation.x-opt-sequence-number >= '10'",
        "amqp.annotation.x-opt-offset > '99999'",
        "amqp.annotation.x-opt-offset > '1'",
        "amqp.annotation.x-opt-offset > 'abc'",
        "amqp.annotation.x-opt-unknown > '1'",
    ],
)
def test_a_position_this_hub_never_had_is_refused(log: PartitionLog, selector: str) -> None:
    """A checkpoint of a hub that was deleted must fail, not skip: so does the service."""
    with pytest.raises(Refused, match="argument-error"):
        starting_sequence(selector, log)


def test_times_never_go_back(log: PartitionLog) -> None:
    """Windows close by enqueued time; an event before one that was closed would be late for ever."""
    log.append(_messages("10"), 1_500)

    assert log.tail.enqueued_ms == 2_000


@given(cut=st.integers(0, 2_000), noise=st.binary(max_size=40))
def test_a_torn_tail_costs_the_torn_record_only(
    tmp_path_factory: pytest.TempPathFactory, cut: int, noise: bytes
) -> None:
    """A process that is killed leaves any prefix of a record, or what the file system made of it."""
    folder = tmp_path_factory.mktemp("log")
    log = PartitionLog(folder)
    ends = [-1]
    for number in range(8):
        log.append(_messages(f"{number}a", f"{number}b"), number)
        ends.append(log.tail.sequence)
    log.close()
    path = next(folder.glob("*.log"))
    data = path.read_bytes()
    path.write_bytes(data[: max(len(data) - cut, 0)] + noise)

    again = PartitionLog(folder)
    kept = again.tail.sequence
    again.append(_messages("next"), 100)

    assert kept == ends[-1] if cut == 0 else kept in ends
    assert _read(again) == list(range(kept + 2))
    again.close()


def test_numbers_go_on_when_everything_was_deleted_by_age(tmp_path: Path, log: PartitionLog) -> None:
    """Sequence numbers that restart would make new events look like old ones."""
    last = log.tail
    log.expire(3_600.0)
    log.close()
    log = PartitionLog(tmp_path)
    assert log.begin == 0
    _aged(tmp_path, 7_200.0)

    log.expire(3_600.0)
    log.close()
    log = PartitionLog(tmp_path)

    assert log.is_empty
    assert log.begin == 10
    assert log.tail == last
    assert starting_sequence(f"amqp.annotation.x-opt-offset > '{last.offset}'", log) == 10
    assert starting_sequence("amqp.annotation.x-opt-sequence-number > '3'", log) == 10
    log.append(_messages("next"), 3_000)
    assert [event.sequence for event in log.read(0, 1)] == [10]


def test_reading_goes_on_from_segment_to_segment(tmp_path: Path, log: PartitionLog) -> None:
    """A receiver does not know of segments."""
    log.close()
    log = PartitionLog(tmp_path)
    log.append(_messages("10", "11"), 3_000)

    assert _read(log) == list(range(12))
    assert log.after_time(2_500, inclusive=False) == 10
    assert log.after_offset(_offset(log, 9), inclusive=False) == 10


def test_a_missing_segment_is_not_passed_over(tmp_path: Path, log: PartitionLog) -> None:
    """Numbers that were acknowledged and are gone are no matter for an emulator to hide."""
    log.close()
    for number in (10, 11):
        log = PartitionLog(tmp_path)
        log.append(_messages(str(number)), 3_000)
        log.close()
    sorted(tmp_path.glob("*.log"))[1].unlink()

    with pytest.raises(Corrupt):
        PartitionLog(tmp_path)
