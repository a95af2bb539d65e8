"""What versions are: whatever is done, a retired one neither answers nor is tried."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import documents
from shared.errors import IsChampion, VersionRetired
from shared.registry.manifest import CHALLENGER, CHAMPION, RETIRED, AliasChange, Aliases

AT = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
STEPS = st.tuples(st.sampled_from(["champion", "challenger", "not", "retire", "undo"]), st.sampled_from("123"))


def done(aliases: Aliases, step: str, version: str, *, at: datetime = AT) -> Aliases:
    """Return what a command makes of aliases; the same where it is refused."""
    try:
        match step:
            case "champion":
                return aliases.naming(CHAMPION, "flights", version, at=at)
            case "challenger":
                return aliases.naming(CHALLENGER, "flights", version, at=at)
            case "not":
                return aliases.without_challenger(version, at=at)
            case "retire":
                return aliases.retiring("flights", version, at=at)
        return aliases.reinstating(version, at=at)
    except (IsChampion, VersionRetired):
        return aliases


@given(st.lists(STEPS, max_size=30))
def test_no_version_is_ever_two_things(steps: list[tuple[str, str]]) -> None:
    aliases = Aliases()

    for step, version in steps:
        aliases = done(aliases, step, version)

        is_named = [*aliases.versions.values(), *aliases.challengers, *aliases.retired]
        assert len(is_named) == len(set(is_named))
        assert set(aliases.versions) <= {CHAMPION}


@given(st.lists(STEPS, max_size=30))
def test_every_change_is_written_down_and_nothing_else(steps: list[tuple[str, str]]) -> None:
    """What is remembered is enough to tell how it came to this."""
    aliases = Aliases()

    for number, (step, version) in enumerate(steps):
        before = aliases
        aliases = done(before, step, version, at=AT + timedelta(hours=number))
        assert aliases.history[: len(before.history)] == before.history
        assert (aliases == before) == (len(aliases.history) == len(before.history))
        assert done(aliases, step, version) == aliases, "twice is once"

    assert retold(aliases.history) == msgspec.structs.replace(aliases, history=())


def retold(history: tuple[AliasChange, ...]) -> Aliases:
    """Return what a history comes to, by reading it alone."""
    champion: dict[str, str] = {}
    challengers: list[str] = []
    retired: dict[str, datetime] = {}
    for one in history:
        assert one.version is not None
        match one.alias, one.removed:
            case "champion", False:
                champion = {CHAMPION: one.version}
            case "challenger", False:
                challengers.append(one.version)
            case "challenger", True:
                challengers.remove(one.version)
            case "retired", False:
                retired[one.version] = one.at
            case "retired", True:
                del retired[one.version]
    return Aliases(versions=champion, challengers=tuple(challengers), retired=retired)


@given(st.lists(STEPS, max_size=30))
def test_what_is_stored_is_read_back(steps: list[tuple[str, str]]) -> None:
    aliases = Aliases()
    for step, version in steps:
        aliases = done(aliases, step, version)

    assert documents.decode(documents.encode(aliases), Aliases, path="") == aliases


def test_who_may_not_is_told_what_would_help() -> None:
    aliases = Aliases(versions={CHAMPION: "1"}, retired={"2": AT})

    with pytest.raises(IsChampion, match="promote another one first"):
        aliases.retiring("flights", "1", at=AT)
    with pytest.raises(IsChampion):
        aliases.naming(CHALLENGER, "flights", "1", at=AT)
    with pytest.raises(VersionRetired, match="retire flights 2 --undo"):
        aliases.naming(CHAMPION, "flights", "2", at=AT)
    with pytest.raises(VersionRetired):
        aliases.naming(CHALLENGER, "flights", "2", at=AT)


def test_a_version_that_is_back_in_use_is_nothing_yet() -> None:
    """It was retired for a reason: to answer, it has to be promoted."""
    aliases = Aliases(challengers=("1",)).retiring("flights", "1", at=AT).reinstating("1", at=AT)

    assert (aliases.champion, aliases.challengers, aliases.retired) == (None, (), {})
    assert [(one.alias, one.removed) for one in aliases.history] == [
        (CHALLENGER, True),
        (RETIRED, False),
        (RETIRED, True),
    ]


@pytest.mark.parametrize(
    ("versions", "champion", "challengers"),
    [
        ({"champion": "1", "challenger": "2"}, "1", ("2",)),
        ({"challenger": "2"}, None, ("2",)),
        ({"champion": "2", "challenger": "2"}, "2", ()),
    ],
)
def test_a_document_with_one_challenger_is_read(
    versions: dict[str, str], champion: str | None, challengers: tuple[str, ...]
) -> None:
    """As it was stored before several could be named."""
    change = {"alias": "challenger", "version": "2", "at": "2026-03-01T09:30:00Z"}
    older = msgspec.json.encode({"format": 1, "versions": versions, "history": [change]})

    aliases = documents.decode(older, Aliases, path="")

    assert (aliases.champion, aliases.challengers) == (champion, challengers)
    assert documents.decode(documents.encode(aliases), Aliases, path="") == aliases
