"""An append-only file of JSON lines."""

from pathlib import Path
from typing import Any

import msgspec


class Journal:
    """Keeps entries in ``path``, one line each, across restarts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def append(self, *entries: dict[str, Any]) -> None:
        """Write ``entries`` at the end; they can be read back when this returns."""
        with self._path.open("ab") as file:
            file.write(b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries))

    def read(self) -> bytes:
        """Return the whole file."""
        return self._path.read_bytes()
