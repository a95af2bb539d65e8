"""JSON documents, as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.documents import Document, decode, encode
from shared.errors import InvalidDocument


class Note(Document, frozen=True, kw_only=True):
    """A document of the tests."""

    text: str
    numbers: tuple[int, ...] = ()


class Other(Document, frozen=True, kw_only=True):
    """Another one."""

    hour: str


@given(st.builds(Note, text=st.text(st.characters(codec="utf-8")), numbers=st.lists(st.integers(-(2**63), 2**63 - 1)).map(tuple)))  # fmt: skip
def test_decoding_undoes_encoding(note: Note) -> None:
    assert decode(encode(note), Note, path="p") == note


def test_every_document_says_its_format() -> None:
    """A reader of tomorrow has to know what it reads, even where it is what it expects."""
    assert b'"format": 1' in encode(Note(text="x"))


def test_a_newer_format_is_refused_whatever_else_it_holds() -> None:
    """What a newer app wrote may mean something else: reading on would miss it without a word."""
    with pytest.raises(InvalidDocument, match="format 2, and this app reads up to 1: update the app") as caught:
        decode(b'{"format": 2, "text": ["of another shape"]}', Note, path="models/m/aliases.json")

    assert caught.value.path == "models/m/aliases.json"


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"null", b'{"format": "1", "text": ""}', b'{"text": 1}', b"{}", b'{"text": "\xff"}', b'{"text": "x"',
     b'{"text": "x", "numbers": ' + b"[" * 100_000],
    ids=range(9),
)  # fmt: skip
def test_bytes_that_are_not_the_document_are_named_with_their_path(data: bytes) -> None:
    with pytest.raises(InvalidDocument, match=r"^p: "):
        decode(data, Note, path="p")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_document_or_invalid(data: bytes) -> None:
    try:
        decode(data, Other, path="p")
    except InvalidDocument:
        return
