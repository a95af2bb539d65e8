"""Messages: kept as they were sent, but for the hub's own annotations."""

from hypothesis import given
from hypothesis import strategies as st

from infra.local.eventhubs.codec import Reader, encode
from infra.local.eventhubs.message import Message, unbatch
from infra.local.eventhubs.values import Described, Symbol, Timestamp, Ulong, Value

annotations = st.dictionaries(st.sampled_from(["a", "b", "x-opt-partition-key"]).map(Symbol), st.text(max_size=5))


def _section(code: int, value: Value) -> bytes:
    return encode(Described(Ulong(code), value))


def _sections(payload: bytes) -> dict[int, Value]:
    reader = Reader(payload)
    sections = {}
    while not reader.at_end:
        described = reader.value()
        sections[int(described.descriptor)] = described.value
    return sections


@given(annotations, st.binary(max_size=50), st.sampled_from([b"", _section(0x70, [True])]))
def test_a_stamped_message_differs_only_in_the_annotations_of_the_hub(
    sent: dict[Symbol, str], body: bytes, head: bytes
) -> None:
    """What a sender attached must arrive, or nothing above could rely on properties."""
    tail = _section(0x73, ["id"]) + _section(0x74, {"kind": "prediction"}) + _section(0x75, body)
    payload = head + (_section(0x72, sent) if sent else b"") + tail

    stamped = Message.parse(payload).stamped(sequence=7, offset=900, enqueued_ms=5)

    assert stamped.startswith(head)
    assert stamped.endswith(tail)
    assert _sections(stamped)[0x72] == sent | {
        "x-opt-sequence-number": 7,
        "x-opt-offset": "900",
        "x-opt-enqueued-time": Timestamp(5),
    }


def test_an_event_sent_on_gets_the_numbers_of_its_new_hub() -> None:
    """Two sequence numbers in one map would leave it to the client which one counts."""
    once = Message.parse(_section(0x75, b"body")).stamped(sequence=1, offset=10, enqueued_ms=1)

    twice = Message.parse(once).stamped(sequence=2, offset=20, enqueued_ms=2)

    assert _sections(twice)[0x72] == {
        "x-opt-sequence-number": 2,
        "x-opt-offset": "20",
        "x-opt-enqueued-time": 2,
    }
    assert len(twice) == len(once)


def test_a_batch_gives_its_partition_key_to_events_without_one() -> None:
    """Receivers see the key on events; the batch's envelope is gone by then."""
    key = Symbol("x-opt-partition-key")
    plain, keyed = _section(0x75, b"1"), _section(0x72, {key: "own"}) + _section(0x75, b"2")

    first, second = unbatch(_section(0x72, {key: "batch"}) + _section(0x75, plain) + _section(0x75, keyed))

    assert (first.partition_key, second.partition_key) == ("batch", "own")
