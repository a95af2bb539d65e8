"""The keys that open functions."""

import json
import os
import secrets
import tempfile
from dataclasses import dataclass, field
from enum import StrEnum
from hmac import compare_digest
from pathlib import Path
from typing import Self


class AuthLevel(StrEnum):
    """Which key a function asks for."""

    ANONYMOUS = "anonymous"
    FUNCTION = "function"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Keys:
    """``master`` opens everything; ``function`` is the host's key for functions of that level."""

    master: str = field(repr=False)
    function: str = field(repr=False)

    @classmethod
    def kept_in(cls, path: Path) -> Self:
        """Read the keys; make them, readable by this user alone, if there are none yet."""
        if not path.exists():
            _create(path)
        kept: dict[str, str] = json.loads(path.read_bytes())
        return cls(master=kept["master"], function=kept["function"])

    def grant(self, level: AuthLevel, key: str | None) -> bool:
        """Whether ``key`` is good for a function of this level."""
        match level:
            case AuthLevel.ANONYMOUS:
                return True
            case AuthLevel.FUNCTION:
                return _same(key, self.function) or _same(key, self.master)
            case AuthLevel.ADMIN:
                return _same(key, self.master)


def _same(given: str | None, expected: str) -> bool:
    return given is not None and compare_digest(given.encode(), expected.encode())


def _create(path: Path) -> None:
    """Write new keys beside ``path`` and link them there, so that two hosts starting at once agree on one file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    keys = {name: secrets.token_urlsafe(32) for name in ("master", "function")}
    descriptor, draft = tempfile.mkstemp(dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(keys, file)
        Path(path).hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()
