"""Files that people write: what does not hold is told with its line and its key, of whatever type."""

import contextlib
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from shared.config_files import mistake, parse
from shared.datasets.recipe import Recipe
from shared.errors import InvalidDocument
from shared.monitor_config import MonitorConfig


class Inner(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands inside another."""

    share: float = 0.5

    def __post_init__(self) -> None:
        if self.share > 1:
            raise ValueError("share is more than there is")


class Told(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something of everything that a type may hold."""

    name: str = ""
    texts: tuple[str, ...] = ()
    by_name: dict[str, tuple[str, ...]] = {}
    inners: dict[str, Inner] = {}
    inner: Inner = Inner()
    either: float | Inner = 0.0
    delay: timedelta = timedelta(0)
    at: datetime | None = None

    def __post_init__(self) -> None:
        if self.name == "bad":
            raise ValueError("name is bad")
        if "bad" in self.texts:
            raise ValueError("texts holds a bad one")
        if self.inner.share == 0.25:
            raise ValueError("inner.share is a quarter")


@pytest.mark.parametrize("data", [b"", b" \n", b"# nothing yet\n", b"---\n", b"{}", b"null"])
def test_a_file_that_says_nothing_is_an_object_of_no_keys(data: bytes) -> None:
    assert parse(data, Told, path="file") == Told()
    with pytest.raises(InvalidDocument, match="missing required field `model`"):
        parse(data, Recipe, path="file")


def test_json_is_read_as_well() -> None:
    data = b'{"name": "a", "texts": ["b"],\n\t"by_name": {"c": ["d"]}, "inner": {"share": 0.75}, "delay": "PT6H",'
    data += b'\n"at": "2026-03-01T09:00:00Z"}'

    expected = Told(
        name="a",
        texts=("b",),
        by_name={"c": ("d",)},
        inner=Inner(share=0.75),
        delay=timedelta(hours=6),
        at=datetime(2026, 3, 1, 9, tzinfo=UTC),
    )
    assert parse(data, Told, path="file") == expected


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("name: a\ntexts:\n  - b\n  - 5\n", 4, "texts[1]"),
        ("name: a\nby_name:\n  c: [d]\n  e:\n    - f\n    - 5\n", 6, "by_name.e[1]"),
        ("inners:\n  a: {share: 0.5}\n  b:\n    share: much\n", 4, "inners.b.share"),
        ("inners:\n  a: {share: 0.5}\n  b:\n    share: much\ndelay: a fortnight\n", 4, "inners.b.share"),
        ("inners:\n  a: {share: 0.5}\n  b:\n    shape: 1\n", 4, "inners.b.shape"),
        ("inners:\n  a: {share: 0.5}\n  b:\n    share: 2\n", 4, "inners.b.share"),
        ("inners:\n  a: {}\n  7: {}\n", 3, "inners.7"),
        ("name: a\ninner:\n  share: 2\n", 3, "inner.share"),
        ("name: a\neither:\n  share: 2\n", 3, "either.share"),
        ("name: a\ninner:\n  share: 0.25\n", 3, "inner.share"),
        ("texts: []\nname: bad\n", 2, "name"),
        ("name: a\ntexts:\n  - bad\n", 2, "texts"),
        ("name: a\ndelay: a fortnight\n", 2, "delay"),
        ("name: a\nat: 2026-13-45\n", 2, "at"),
        ("name: a\nname: a\n", 2, "name"),
        ("name: a\ninner:\n  share: 1\n  share: 1\n", 4, "inner.share"),
        ('{"name": "a",\n "inner": {"share": 2}}', 2, "inner.share"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_its_key(text: str, line: int, key: str) -> None:
    """Without the key of the entry, whoever has forty of them looks for the one that is meant."""
    with pytest.raises(InvalidDocument) as caught:
        parse(text.encode(), Told, path="file")

    assert str(caught.value).startswith(f"file: line {line}: ")
    assert str(caught.value).endswith(f" - at `$.{key}`")


@pytest.mark.parametrize(
    ("text", "line"),
    [("inner: {}\na: b: c\n", 2), ("inner: {}\n? [a]\n: 1\n", 2), ("inner: {}\n---\na: 1\n", 2), ("\n- a\n", 2)],
)
def test_what_has_no_key_is_told_with_its_line(text: str, line: int) -> None:
    with pytest.raises(InvalidDocument, match=rf"^file: line {line}: "):
        parse(text.encode(), Told, path="file")


@pytest.mark.parametrize("kind", [MonitorConfig, Recipe])
@pytest.mark.parametrize(
    "data", [b"a: b: c", b"\xff\xfe\x00", b"[" * 3_000, b"- a", b"as_of: 2026-13-45", b"floor: 0x_"]
)
def test_what_is_no_yaml_is_refused(data: bytes, kind: type[msgspec.Struct]) -> None:
    """The reader raises half a dozen kinds of error; one that gets through stops the monitoring of every other model."""
    with pytest.raises(InvalidDocument, match=r"^file: "):
        parse(data, kind, path="file")


def test_a_value_that_stands_in_two_places_is_no_key_that_stands_there_twice() -> None:
    """Anchors are YAML's own way not to say a thing twice, and one may even lead back to itself."""
    told = parse(b"by_name: {a: &named [carrier]}\ntexts: *named", Told, path="file")

    assert told.by_name["a"] == told.texts == ("carrier",)
    with pytest.raises(InvalidDocument):
        parse(b"inners: &a {b: *a}", Told, path="file")
    with pytest.raises(InvalidDocument, match="inners"):
        parse(b"inners: {a: &a {share: much}, b: *a}", Told, path="file")
    with pytest.raises(InvalidDocument, match=r"at `\$.inners`$"):  # b by itself is wrong for another reason
        parse(b"inners: &m {share: {}, b: *m}", Told, path="file")


def test_what_is_found_later_is_told_in_the_same_words() -> None:
    """Some mistakes are only seen beside what is registered."""
    told = mistake(b"name: a\ntexts:\n  - b\n  - c\n", ("texts", 1), "nobody has it", path="file")

    assert str(told) == "file: line 4: nobody has it - at `$.texts[1]`"


@given(st.binary(max_size=100) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_a_configuration_or_refused(data: bytes) -> None:
    for kind in (MonitorConfig, Recipe, Told):
        try:
            parse(data, kind, path="file")
        except InvalidDocument:
            continue


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.sampled_from(["", "a", "bad", "P1D", "7"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*Told.__struct_fields__, "share", "7", "other"]) | st.integers(0, 1), inner, max_size=4
            )
        ),
        max_leaves=12,
    )
)
def test_any_object_is_of_the_type_or_refused(said: object) -> None:
    """What is wrong is looked for in the file again, which must not go astray there."""
    data = yaml.safe_dump(said).encode()

    with contextlib.suppress(InvalidDocument):
        parse(data, Told, path="file")
