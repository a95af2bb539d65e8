"""What is written down of an erasure says that it was, and not of whom."""

from datetime import UTC, datetime

import msgspec
import pytest

from shared import documents
from shared.erasing.tombstone import Erasure, check

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)
SALT = bytes(range(16))
BEGUN = Erasure(
    model="flights",
    by="name",
    began_at=AT,
    salt=SALT.hex(),
    check=check("flights", "name", "zoe", salt=SALT),
)


def test_the_same_command_is_known_again_and_no_other() -> None:
    assert BEGUN.is_about("flights", "name", "zoe")
    assert not BEGUN.is_about("flights", "name", "zoé")
    assert not BEGUN.is_about("flights", "_external_id", "zoe")
    assert not BEGUN.is_about("trains", "name", "zoe")


def test_one_that_is_done_is_about_nobody() -> None:
    done = msgspec.structs.replace(BEGUN, ended_at=AT, salt=None, check=None)

    assert not done.is_about("flights", "name", "zoe")


@pytest.mark.parametrize("erasure", [BEGUN])
def test_it_does_not_say_the_value(erasure: Erasure) -> None:
    assert b"zoe" not in documents.encode(erasure)


def test_another_salt_gives_another_check() -> None:
    """So that two erasures of one subject cannot be told to be that."""
    assert check("flights", "name", "zoe", salt=b"a" * 16) != check("flights", "name", "zoe", salt=b"b" * 16)
