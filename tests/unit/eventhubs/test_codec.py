"""AMQP values: decoding undoes encoding, and any bytes are read or refused by name."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.eventhubs import performatives
from infra.local.eventhubs.codec import Reader, encode
from infra.local.eventhubs.errors import Malformed
from infra.local.eventhubs.frames import FrameBuffer
from infra.local.eventhubs.message import Message, Request, unbatch
from infra.local.eventhubs.values import (
    Array,
    Byte,
    Described,
    Float,
    Int,
    Opaque,
    Short,
    Symbol,
    Timestamp,
    Ubyte,
    Uint,
    Ulong,
    Ushort,
    Value,
)


def _whole(kind: type[int], bits: int, *, signed: bool) -> st.SearchStrategy[int]:
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return st.integers(low, high).map(kind)


texts = st.text(st.characters(codec="utf-8"), max_size=300)
symbols = st.text("abcxyz:-.", max_size=300).map(Symbol)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(allow_nan=False),
    st.floats(allow_nan=False, width=32).map(Float),
    st.binary(max_size=300),
    texts,
    symbols,
    st.builds(uuid.UUID, bytes=st.binary(min_size=16, max_size=16)),
    *(_whole(kind, bits, signed=False) for kind, bits in ((Ubyte, 8), (Ushort, 16), (Uint, 32), (Ulong, 64))),
    *(
        _whole(kind, bits, signed=True)
        for kind, bits in ((Byte, 8), (Short, 16), (Int, 32), (int, 64), (Timestamp, 64))
    ),
    st.builds(Opaque, st.just(0x94), st.binary(min_size=16, max_size=16)),
    st.lists(texts, max_size=4).filter(bool).map(Array),
    st.lists(symbols, max_size=4).map(Array),
)
keys = st.one_of(texts, symbols, _whole(Ulong, 64, signed=False))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4),
        st.builds(Described, _whole(Ulong, 64, signed=False), inner),
    ),
    max_leaves=12,
)


@given(values)
def test_decoding_undoes_encoding(value: Value) -> None:
    """Equal is not enough: a long that comes back as an unsigned int would be another value to a client."""
    encoded = encode(value)
    reader = Reader(encoded)

    decoded = reader.value()

    assert decoded == value
    assert type(decoded) is type(value)
    assert encode(decoded) == encoded
    assert reader.at_end


@given(values)
def test_skipping_ends_where_decoding_ends(value: Value) -> None:
    """Message sections are found by skipping; a byte off and every event would be torn."""
    skipping = Reader(encode(value) + b"rest")

    skipping.skip()

    assert skipping.take(4) == b"rest"


@given(
    st.one_of(st.binary(max_size=200), values.map(encode), st.binary(max_size=20).map(lambda tail: b"\x00\x53" + tail))
)
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    """Whoever can connect can send any bytes; nothing but Malformed may come of them."""
    for read in (Message.parse, Request.parse, unbatch, performatives.parse):
        try:
            read(data)
        except Malformed:
            continue


@given(values, st.data())
def test_a_flipped_byte_is_read_or_malformed(value: Value, data: st.DataObject) -> None:
    """Nearly right bytes reach further into the decoder than random ones."""
    encoded = bytearray(encode(value))
    encoded[data.draw(st.integers(0, len(encoded) - 1))] = data.draw(st.integers(0, 255))

    try:
        Reader(bytes(encoded)).value()
    except Malformed:
        return


@pytest.mark.parametrize(
    "data",
    [
        b"\xf0\x00\x00\x00\x05\xff\xff\xff\xff\x40",  # four thousand million nulls in no bytes
        b"\xd0\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\xc0\x02\x01" * 100_000,
        b"\x00" * 100_000,
        b"\xe0\x01\x00\xe0" * 100_000,
    ],
)
def test_small_bytes_cannot_ask_for_much(data: bytes) -> None:
    """Counts and nesting are bounded by the bytes that are there, or one frame could take the process down."""
    with pytest.raises(Malformed):
        Reader(data).value()


@given(st.lists(st.binary(max_size=40), max_size=5), st.data())
def test_frames_do_not_depend_on_how_the_stream_is_cut(bodies: list[bytes], data: st.DataObject) -> None:
    """TCP hands over bytes, not frames."""
    stream = b"".join(performatives.frame(3, body) for body in bodies)
    cut = data.draw(st.integers(0, len(stream)))
    buffer = FrameBuffer(65_536)
    read = []

    for part in (stream[:cut], stream[cut:]):
        buffer.feed(part)
        while (frame := buffer.frame()) is not None:
            read.append(frame.body)

    assert read == bodies


@pytest.mark.parametrize(
    "head", [b"\x00\x00\x00\x07\x02\x00\x00\x00", b"\x00\x00\x00\x10\x01\x00\x00\x00", b"HTTP/1.1"]
)
def test_a_head_that_no_frame_has_is_malformed(head: bytes) -> None:
    """Waiting for the rest of such a frame would be waiting for ever."""
    buffer = FrameBuffer(65_536)
    buffer.feed(head)

    with pytest.raises(Malformed):
        buffer.frame()
