"""Azurite, for as long as a test needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local import azurite
from infra.local.processes import free_port


@contextmanager
def running_azurite(folder: Path) -> Iterator[str]:
    """Run an Azurite over ``folder``, and yield its connection string."""
    port = free_port()
    process = azurite.start(port=port, data=folder / "data", log=folder / "azurite.log")
    try:
        process.wait_for_port(port)
        yield azurite.connection_string(port)
    finally:
        process.stop()
