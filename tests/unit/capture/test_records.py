"""Any event is taken apart without a raise and without a loss."""

import hashlib
import json
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.capture import reading
from shared.capture import records as module
from shared.capture.hour_log import MOST_APPEND_BYTES
from shared.capture.reading import MOST_EVENT_RECORDS, MOST_FOREIGN_EVENT_BYTES, dead_records, read_event
from shared.capture.records import MOST_EVENT_BYTES, MOST_RECORD_BYTES, Event, Kind, Shelf, Tail, pack
from shared.errors import RequestTooLarge
from tests.unit.capture.records import ENQUEUED_AT, PARTITION, event, letters, lines, record

NOT_UTF8 = record(inputs="\N{SNOWMAN}").replace("\N{SNOWMAN}".encode(), b"\xff")
FLIGHTS = Shelf(Kind.PREDICTION, "flights", "1")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
own_members = st.dictionaries(st.sampled_from(["inputs", "outputs", "extra", "ключ", '"']), json_values)
readable = own_members.map(lambda members: record(**members))
elsewhere = st.sampled_from([record(version="2"), record(kind="actual"), record(model="trains")])
unreadable = st.sampled_from(
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b"\xff",
        record(model="../x"),
        record(format=2),
        record(kind="rumour"),
        record(id="7"),
        record(version="Capital"),
        record(sequence=9),
        NOT_UTF8,
        b'{"a":' * 5_000,
    ]
)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_a_raise(body: bytes) -> None:
    """One event that raised would come again for ever, and hold up its partition."""
    read = read_event(Event(1, ENQUEUED_AT, body), PARTITION)

    assert len(read.indices) + len(letters(read)) == body.count(b"\n") + 1


@given(st.lists(readable | elsewhere | unreadable, min_size=1, max_size=8))
def test_every_record_ends_once_as_a_line_or_a_dead_letter(records: list[bytes]) -> None:
    read = read_event(event(*records), PARTITION)

    indices = [line["index"] for line in lines(read)] + [letter.index for letter in letters(read)]
    assert sorted(indices) == list(range(len(records)))


halves = st.sampled_from([record(), record(inputs={"a": 1})]).map(lambda one: one.replace(b",", b",\n", 1))
pairs = st.sampled_from([b"", b" ", b"\r"]).map(lambda between: record() + between + record())


@given(
    st.lists(
        readable | elsewhere | unreadable | halves | pairs | readable.map(lambda one: b" " + one + b"\r"), max_size=8
    )
)
@example([record(), b""])
@example([record() + record(), b""])
@example([record() + b" " + record(), record(), record().replace(b",", b",\n", 1), record() + record(), b" "])
@example([NOT_UTF8])
@example([record().replace(b",", b",\n", 1), record(), b""])
@example([record(), record(inputs="x" * MOST_RECORD_BYTES)])
def test_records_read_at_once_are_those_read_one_by_one(records: list[bytes]) -> None:
    """An event is decoded in one call where all is well, and that call takes for well what a look at each would."""
    one = event(*records)

    alone = reading._read_one_by_one(one.body.split(b"\n"), one, PARTITION)

    assert read_event(one, PARTITION) == alone


@given(st.lists(readable | elsewhere | unreadable, min_size=1, max_size=8))
def test_what_an_event_without_a_place_loses_is_set_aside_once(records: list[bytes]) -> None:
    """The unreadable records of an event are dead already when its readable ones turn out to be of an unknown model."""
    whole = event(*records)
    read = read_event(whole, PARTITION)

    aside = dead_records(read, whole, PARTITION, reason="no place").data.splitlines()

    indices = [json.loads(one)["index"] for one in aside] + [letter.index for letter in letters(read)]
    assert sorted(indices) == list(range(len(records)))


@given(own_members, st.sampled_from(["", " ", "\t", "\r"]))
def test_a_line_is_its_record_with_its_origin_first(members: dict[str, Any], blank: str) -> None:
    written = blank.encode() + json.dumps(json.loads(record(**members)), ensure_ascii=False).encode() + blank.encode()

    (line,) = lines(read_event(event(written), PARTITION))

    assert list(line)[:4] == ["partition", "sequence", "index", "enqueued_at"]
    assert {name: line[name] for name in list(line)[4:]} == json.loads(written)
    assert (line["partition"], line["sequence"], line["enqueued_at"]) == (3, 7, "2026-03-01T09:30:00+00:00")


@pytest.mark.parametrize("records", [1, 2, 5])
def test_each_line_of_several_says_how_many_they_are(records: int) -> None:
    """Whichever is lost, one that is left tells. An event of one record pays no byte for it."""
    read = read_event(event(b"?", *[record()] * records, b"?"), PARTITION)

    assert [line.get("lines") for line in lines(read)] == [None if records == 1 else records] * records


def test_each_letter_of_an_event_without_a_place_says_how_many_they_are() -> None:
    whole = event(record(), b"?", record())
    aside = dead_records(read_event(whole, PARTITION), whole, PARTITION, reason="no place").data.splitlines()

    assert [json.loads(one)["lines"] for one in aside] == [2, 2]
    assert [letter.lines for letter in letters(read_event(event(b"?", b"", b"{"), PARTITION))] == [3, 3, 3]


@pytest.mark.parametrize("member", ["partition", "sequence", "index", "enqueued_at", "lines"])
def test_a_record_cannot_say_where_its_line_came_from(member: str) -> None:
    """Of a member that stands there twice the second counts: a log that seems to end later swallows what comes next."""
    escaped = f"\\u{ord(member[0]):04x}{member[1:]}".encode()
    plain = record(**{member: 999})

    for written in (plain, plain.replace(f'"{member}"'.encode(), b'"' + escaped + b'"')):
        read = read_event(event(written), PARTITION)

        assert read.shelf is None
        assert letters(read)[0].reason == "it has a member that says where a line came from"


def test_a_log_ends_with_the_sequence_number_of_its_last_event() -> None:
    read = read_event(event(record(), record(inputs={"sequence": 999}), sequence=41), PARTITION)

    assert msgspec.json.decode(read.entry.data.splitlines()[-1], type=Tail).sequence == 41


def test_the_first_readable_record_says_where_an_event_belongs() -> None:
    read = read_event(event(b"?", record(), record(version="2")), PARTITION)

    assert read.shelf == FLIGHTS
    _, elsewhere = letters(read)
    assert elsewhere.reason == "it belongs elsewhere than the first record of its event"
    assert (elsewhere.record, elsewhere.part) == (msgspec.Raw(record(version="2")), True)


def test_a_record_without_a_version_is_filed_under_none() -> None:
    read = read_event(event(record(kind="actual", version=None)), PARTITION)

    assert read.shelf == Shelf(Kind.ACTUAL, "flights", "_none")


@pytest.mark.parametrize("members", [{"version": None}, {"version": "_none"}, {"model": "_unknown"}])
def test_a_prediction_has_a_model_and_a_version(members: dict[str, Any]) -> None:
    """Nothing says what one without is made of: its hour could never be sealed, nor any after it."""
    assert read_event(event(record(**members)), PARTITION).shelf is None


def test_what_is_not_looked_up_cannot_make_folders() -> None:
    actual = read_event(event(record(kind="actual", version="a-million-of-these")), PARTITION)
    failure = read_event(event(record(kind="failure", model="_unknown", version="a-million-of-these")), PARTITION)

    assert actual.shelf == Shelf(Kind.ACTUAL, "flights", "_none")
    assert failure.shelf == Shelf(Kind.FAILURE, "_unknown", "_none")


def test_of_what_cannot_be_read_only_length_and_digest_are_kept() -> None:
    """What is in it may be private, and nobody knows its schema."""
    private = [b'{"kind": "a secret"', record(kind="a secret"), record(model="a secret"), record(a="secret", format=9)]

    read = read_event(event(*private), PARTITION)

    assert read.dead is not None
    assert b"secret" not in read.dead.data
    for letter, written in zip(letters(read), private, strict=True):
        assert (letter.size_bytes, letter.sha256) == (len(written), hashlib.sha256(written).hexdigest())
        assert letter.record is msgspec.UNSET


def test_a_dead_letter_says_whether_the_rest_of_its_event_is_in_a_log() -> None:
    """The account counts events: one that is in a log is not among the dead as well."""
    assert [letter.part for letter in letters(read_event(event(b"?", record()), PARTITION))] == [True]
    assert [letter.part for letter in letters(read_event(event(b"?", b"!"), PARTITION))] == [False, False]


def test_an_event_of_too_many_records_is_one_dead_letter() -> None:
    """A body of line ends alone would make a dead letter of each: more than any append takes, again and again."""
    body = b"\n" * MOST_EVENT_RECORDS

    (letter,) = letters(read_event(Event(1, ENQUEUED_AT, body), PARTITION))

    assert letter.reason == f"the event has {MOST_EVENT_RECORDS + 1} records, and {MOST_EVENT_RECORDS} is the limit"
    assert (letter.size_bytes, letter.sha256) == (len(body), hashlib.sha256(body).hexdigest())


def test_an_event_of_too_many_bytes_is_one_dead_letter() -> None:
    many = [record(inputs="x" * 200_000) for _ in range(6)]

    read = read_event(event(*many), PARTITION)

    assert read.shelf is None
    assert len(letters(read)) == 1


@pytest.mark.parametrize("one", [b"", record(inputs={})])
def test_whatever_is_read_of_an_event_fits_into_one_append(one: bytes) -> None:
    filler = b"x" * (MOST_FOREIGN_EVENT_BYTES // MOST_EVENT_RECORDS - len(one) - 1)
    biggest = event(*[one + (b" " * len(filler) if one else filler)] * MOST_EVENT_RECORDS)
    read = read_event(biggest, PARTITION)

    dead = b"" if read.dead is None else read.dead.data
    aside = dead_records(read, biggest, PARTITION, reason="x" * 100).data

    assert len(read.indices) + len(letters(read)) == MOST_EVENT_RECORDS
    assert max(len(read.entry.data), len(dead) + len(aside)) < MOST_APPEND_BYTES


def test_a_record_over_256_kib_is_dead() -> None:
    fits = record(x="")
    fits = record(x="x" * (MOST_RECORD_BYTES - len(fits)))

    read = read_event(event(fits, fits.replace(b"xxx", b"xxxx", 1)), PARTITION)

    assert read.indices == (0,)
    assert [letter.reason for letter in letters(read)] == ["it has 262145 bytes, and 262144 is the limit"]


@given(st.lists(st.sampled_from([1, 10, 1_000, 200_000, MOST_RECORD_BYTES]), max_size=12))
def test_packing_neither_parts_nor_reorders_and_keeps_to_512_kib(sizes: list[int]) -> None:
    records = [str(index % 10).encode() * size for index, size in enumerate(sizes)]

    bodies = list(pack(records))

    assert [one for body in bodies for one in body.split(b"\n")] == records
    assert all(len(body) <= MOST_EVENT_BYTES for body in bodies)


@given(st.lists(st.sampled_from([1, 10, 1_000, 200_000, MOST_RECORD_BYTES]), min_size=1, max_size=12))
def test_an_event_is_closed_only_when_the_next_record_does_not_fit(sizes: list[int]) -> None:
    bodies = list(pack([b"x" * size for size in sizes]))

    for body, following in pairwise(bodies):
        assert len(body) + 1 + len(following.split(b"\n")[0]) > MOST_EVENT_BYTES


def test_a_record_that_no_event_can_carry_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(RequestTooLarge, match="262145, and 262144"):
        list(pack([b"x", b"x" * (MOST_RECORD_BYTES + 1)]))


def test_our_own_events_have_fewer_records_than_the_limit() -> None:
    smallest = msgspec.json.encode(
        module.Actual(id="x" * 36, model="m", prediction_id=None, external_id="x", at="2026-03-01T09:30:00", value=1)
    )

    (body, *_) = pack([smallest] * (MOST_EVENT_RECORDS + 1))

    assert body.count(b"\n") < MOST_EVENT_RECORDS
