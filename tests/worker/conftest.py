"""The Python 3.13 with the real worker library; without it every test here is skipped, and the summary says so."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local.processes import HERE
from tests.integration.host.system import Sandbox, sandboxes

PYTHON = HERE / ".venv313" / "bin" / "python"
REASON = (
    "THE REAL WORKER LIBRARY WAS NOT TRIED: there is no .venv313; 'make' sets it up where python3.13, or a pyenv with a"
    " 3.13, runs"
)


@pytest.fixture(scope="session")
def worker_python() -> Path:
    """Return the interpreter that has azure-functions-runtime."""
    if not PYTHON.exists():
        pytest.skip(REASON)
    return PYTHON


@pytest.fixture(scope="session")
def make_sandbox(azurite: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Sandbox]]:
    with sandboxes(azurite, tmp_path_factory.mktemp("worker")) as make:
        yield make


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it in a line of its own: a skipped test is easily taken for a passed one."""
    skipped = terminalreporter.getreports("skipped")
    if any(isinstance(report.longrepr, tuple) and REASON in report.longrepr[2] for report in skipped):
        terminalreporter.write_sep("!", REASON, red=True, bold=True)
