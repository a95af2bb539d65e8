"""Processes of a benchmark: what they print, and what they use."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from infra.local.processes import HERE

ONE_THREAD: Final = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Threads that wait for each other in a loop would count as work; the app has one as well: see ``shared.wiring.environment``."""


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
