"""What every test may ask for: storage, started once and ended by its id."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.storage import running_azurite

# How long an example takes says something of the machine, and nothing of the law.
settings.register_profile("laws", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("laws")


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return the connection string of an Azurite of this test session."""
    with running_azurite(tmp_path_factory.mktemp("azurite")) as connection:
        yield connection
