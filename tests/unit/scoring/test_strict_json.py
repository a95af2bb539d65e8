"""Any bytes are a value or a refusal with its reason."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import UnreadableRequest
from shared.scoring.strict_json import decode

DEPTH = 32

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=15,
)
fragments = st.lists(
    st.sampled_from(
        [b"{", b"}", b"[", b"]", b",", b":", b'"', b"1", b"1e999", b"-", b"NaN", b"null", b"\\ud800", b"\xff", b'"a"']
    ),
    max_size=20,
)


@given(values)
def test_what_json_writes_is_read_as_it_was(value: Any) -> None:  # noqa: ANN401 - any value
    assert decode(json.dumps(value).encode(), max_depth=DEPTH) == value
    assert decode(json.dumps(value, ensure_ascii=False).encode(), max_depth=DEPTH) == value


@given(st.binary(max_size=100) | fragments.map(b"".join))
def test_any_bytes_give_a_value_that_can_be_written_or_a_refusal(body: bytes) -> None:
    """What cannot be written as UTF-8 could not be kept, after it was answered."""
    try:
        decoded = decode(body, max_depth=DEPTH)
    except UnreadableRequest:
        return
    assert json.dumps(decoded, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[1] [2]", "Extra data at character 4"),
        (b"{'a': 1}", "not JSON"),
        (b"[1,]", "not JSON"),
        (b'"\x01"', "not JSON"),
        (b"\xef\xbb\xbf1", "not JSON"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b'"\xed\xa0\x80"', "not UTF-8 at byte 1"),
        (b"NaN", "NaN is not JSON"),
        (b"[Infinity]", "Infinity is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1, "b": 2, "a": 1}', "'a' stands twice"),
        (b'[{"a": {"b": 1, "\\u0062": 2}}]', "'b' stands twice"),
        (b"9" * 5_000, "more digits"),
        (b'"\\ud800"', "half of a surrogate pair"),
        (b'{"\\udc00": 1}', "half of a surrogate pair"),
        (b"[" * 10_000 + b"]" * 10_000, "deeper than 32 levels"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "deeper than 32 levels"),
        (b"[" * 1_000_000, "deeper than 32 levels"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_what_python_lets_pass_or_cannot_say_is_refused_with_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(UnreadableRequest, match=reason):
        decode(body, max_depth=DEPTH)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_the_deepest_level_that_is_taken_is_the_limit(opening: bytes) -> None:
    closing = {b"[": b"]", b'{"a":': b"}"}[opening]

    for depth in (1, 2, DEPTH - 1, DEPTH):
        decode(opening * depth + b"1" + closing * depth, max_depth=DEPTH)
    with pytest.raises(UnreadableRequest, match="deeper than 32"):
        decode(opening * (DEPTH + 1) + b"1" + closing * (DEPTH + 1), max_depth=DEPTH)


def test_brackets_in_texts_and_side_by_side_are_no_depth() -> None:
    beside = [["[[{{" * 50]] * 50

    assert decode(json.dumps(beside).encode(), max_depth=3) == beside


def test_a_number_that_no_float_holds_is_infinity() -> None:
    """The reader of its feature knows what to say of it; here nobody knows its row."""
    assert decode(b"[1e999, -1e999]", max_depth=DEPTH) == [float("inf"), float("-inf")]


def test_a_whole_pair_of_surrogates_is_a_character() -> None:
    assert decode(b'"\\ud83d\\ude00"', max_depth=DEPTH) == "\N{GRINNING FACE}"


def test_a_doubled_key_among_very_many_is_found_in_no_time() -> None:
    """Every other request of the instance waits for this one."""
    body = b'{"x":1,' + b",".join(b'"%d":1' % number for number in range(300_000)) + b',"299999":1}'
    started = time.process_time()

    with pytest.raises(UnreadableRequest, match="'299999' stands twice"):
        decode(body, max_depth=DEPTH)

    assert time.process_time() - started < 2.0
