"""A sandbox for every test of the host, and one emulator for all of them."""

from collections.abc import Callable, Iterator

import pytest

from tests.integration.host.system import Sandbox, sandboxes


@pytest.fixture(scope="session")
def make_sandbox(azurite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Sandbox]]:
    with sandboxes(azurite, tmp_path_factory.mktemp("host")) as make:
        yield make


@pytest.fixture
def sandbox(make_sandbox: Callable[[], Sandbox]) -> Iterator[Sandbox]:
    box = make_sandbox()
    yield box
    box.close()
