"""The local system leaves nothing behind, and does not take another's processes for its own."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.local.processes import HERE, NotReady
from infra.local.system import System
from shared.clock import Clock

PROGRAM = """
import sys, time
from pathlib import Path
from infra.local.processes import end_by_interrupt
from infra.local.system import System
end_by_interrupt()
with System.in_folder(Path(sys.argv[1])):
    print("running", flush=True)
    time.sleep(60.0)
"""


@pytest.fixture
def program(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs the system in the test's folder."""
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running:
        yield running
        running.kill()
    for child in children(tmp_path):
        os.kill(child, signal.SIGTERM)


def children(folder: Path) -> list[int]:
    """Return the ids of all processes whose data is in ``folder``."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            if f"{folder}/" in path.read_text():
                found.append(int(path.parent.name))
    return found


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30.0
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "started"), [(signal.SIGINT, 1), (signal.SIGTERM, 2), (signal.SIGINT, 4), (signal.SIGTERM, 4)]
)
def test_an_interrupted_program_leaves_no_process_behind(
    program: subprocess.Popen[bytes], tmp_path: Path, number: signal.Signals, started: int
) -> None:
    """While the first, the second, the last process starts, and again while they are stopped: people press Ctrl-C twice."""
    wait_until(lambda: len(children(tmp_path)) == started)

    program.send_signal(number)
    time.sleep(0.1)
    program.send_signal(number)
    program.wait(30.0)

    assert children(tmp_path) == []


def test_a_leap_goes_on_with_what_is_kept_at_a_later_moment(tmp_path: Path) -> None:
    """By the clock that every process has: the host's keys and ports stay, and whoever looks around later is told the same."""
    july = datetime(2013, 7, 1, tzinfo=UTC)
    with System.in_folder(tmp_path, clock=Clock.starting(july - timedelta(days=30), speed=1.0)) as system:
        key = system.key()
        system.leap(july, speed=60.0)

        assert system.clock.speed == 60.0
        assert july <= system.clock.now() < july + timedelta(hours=1)
        assert system.key() == key
        assert system.process("host").running
    assert System.in_folder(tmp_path).settings == system.settings


def test_what_listens_on_a_port_already_is_not_taken_for_our_own(system: System) -> None:
    """The same folder twice: the second one must say so, and leave the first one alone."""
    second = System.in_folder(system.folder)

    with pytest.raises(NotReady, match=f"port {system.ports['azurite']}"):
        second.start()
    second.stop()

    assert system.process("azurite").running


def test_a_folder_whose_storage_answers_is_in_use(tmp_path: Path) -> None:
    """The demo empties its folder first, and must not under a system that runs on it."""
    assert not System.in_use(tmp_path)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        (tmp_path / "ports.json").write_text(json.dumps({"azurite": listener.getsockname()[1]}))
        assert System.in_use(tmp_path)
    assert not System.in_use(tmp_path)
