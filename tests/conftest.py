"""What every test may ask for: storage, started once and ended by its id."""

from collections.abc import Iterator

import pytest

from tests.storage import running_azurite


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the connection string of an Azurite of this test session."""
    with running_azurite(tmp_path_factory.mktemp("azurite")) as connection:
        yield connection
