"""The keys of the host."""

from pathlib import Path

import pytest

from infra.local.host.keys import AuthLevel, Keys


def test_keys_are_made_once_and_for_this_user_only(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "keys.json"

    made = Keys.kept_in(path)

    assert Keys.kept_in(path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert made.master != made.function
    assert [each.name for each in path.parent.iterdir()] == ["keys.json"]


def test_keys_are_not_printed(tmp_path: Path) -> None:
    """A key in a log is a key lost."""
    keys = Keys.kept_in(tmp_path / "keys.json")

    assert keys.master not in repr(keys)
    assert keys.function not in repr(keys)


@pytest.mark.parametrize(
    ("level", "key", "expected"),
    [
        (AuthLevel.ANONYMOUS, None, True),
        (AuthLevel.FUNCTION, None, False),
        (AuthLevel.FUNCTION, "f", True),
        (AuthLevel.FUNCTION, "m", True),
        (AuthLevel.FUNCTION, "é", False),
        (AuthLevel.ADMIN, "f", False),
        (AuthLevel.ADMIN, "m", True),
    ],
)
def test_a_level_opens_to_its_own_keys(level: AuthLevel, key: str | None, *, expected: bool) -> None:
    assert Keys(master="m", function="f").grant(level, key) is expected
