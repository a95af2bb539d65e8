"""What every test may ask for: storage, started once and ended by its id."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local import azurite as azurite_process
from infra.local.processes import free_port


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the connection string of an Azurite of this test session."""
    folder: Path = tmp_path_factory.mktemp("azurite")
    port = free_port()
    process = azurite_process.start(port=port, data=folder / "data", log=folder / "azurite.log")
    try:
        process.wait_for_port(port)
        yield azurite_process.connection_string(port)
    finally:
        process.stop()
