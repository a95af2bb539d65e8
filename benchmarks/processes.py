"""Processes of a benchmark: what they print, and what they use."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from infra.local.processes import HERE

ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Threads that wait for each other in a loop would count as work; the app has one as well: see ``shared.wiring.environment``."""

_LOOKS_S: Final = 0.02
_LOOKS_AT_DISK_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a process came to that was watched with its children.

    Attributes:
        answer: the JSON object that it printed; None where it was ended, because it took more memory than it may.
        seconds: from its start to its end.
        cpu_s: of all of them together.
        peak_bytes: the most memory that they had at one time, pages that they share counted for each.
        disk_bytes: the most that was in the folders that were watched.
    """

    answer: dict[str, Any] | None
    seconds: float
    cpu_s: float
    peak_bytes: int
    disk_bytes: int


def answer_of(*command: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run Python from the root of the checkout, and return the JSON object it prints.

    Raises:
        CalledProcessError: it failed; why is on standard error.
    """
    ended = subprocess.run(
        [sys.executable, *command], env=environment, cwd=HERE, stdout=subprocess.PIPE, text=True, check=True
    )
    answer: dict[str, Any] = json.loads(ended.stdout)
    return answer


def one_thread_each() -> None:
    """Let processes that are started do linear algebra with one thread each."""
    os.environ.update(ONE_THREAD)


def cpu_seconds(process: int) -> float:
    """Return the CPU time that a process has used so far, all its threads together; to a hundredth of a second."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watched(*command: str, most_bytes: int, environment: Mapping[str, str], folders: Sequence[Path] = ()) -> Watched:
    """Run Python from the root of the checkout, and end it as soon as it and its children take more memory than they may.

    Raises:
        CalledProcessError: it failed of itself; why is on standard error.
    """
    began = looked = time.monotonic()
    peak = disk = 0
    with (
        tempfile.TemporaryFile() as printed,
        subprocess.Popen([sys.executable, *command], env=environment, cwd=HERE, stdout=printed) as started,
    ):
        while (ended := os.wait4(started.pid, os.WNOHANG))[0] == 0:
            together = sum(_resident_bytes(one) for one in _tree(started.pid))
            # What one process has had at most is known to the kernel, and looks in between may miss it. Asked once it has
            # ended, it tells of whoever started it as well.
            peak = max(peak, together, _most_resident_bytes(started.pid))
            if peak > most_bytes:
                _end(started.pid)
            if time.monotonic() >= looked + _LOOKS_AT_DISK_S:
                disk, looked = max(disk, sum(map(size_of, folders))), time.monotonic()
            time.sleep(_LOOKS_S)
        _, status, used = ended
        started.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - began
        printed.seek(0)
        said = printed.read()
    was_ended = peak > most_bytes
    if started.returncode and not was_ended:
        raise subprocess.CalledProcessError(started.returncode, command)
    return Watched(
        answer=None if was_ended else json.loads(said.splitlines()[-1]),
        seconds=seconds,
        cpu_s=used.ru_utime + used.ru_stime,
        peak_bytes=peak,
        disk_bytes=max(disk, sum(map(size_of, folders))),
    )


def size_of(folder: Path) -> int:
    """Return how many bytes the files below a folder have, while others come and go."""
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:
            continue
    return size


def _tree(process: int) -> list[int]:
    """Return a process and those that it started, and they in turn."""
    found = [process]
    for one in found:
        try:
            for thread in Path(f"/proc/{one}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def _resident_bytes(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        return 0


def _most_resident_bytes(process: int) -> int:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    most = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(most[0].split()[1]) * 1024 if most else 0  # which is gone once it has ended


def _end(process: int) -> None:
    for one in reversed(_tree(process)):
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue
