"""What is built is let go of."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from shared import wiring
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio
from shared import wiring

async def main():
    wiring.scoring(), wiring.sealing(), wiring.verifying(), wiring.accepting(), wiring.draining(), wiring.monitoring(), wiring.deciding(), wiring.asking(), wiring.datasets(), wiring.watching_capture(), wiring.delivering(), wiring.health()
    await wiring.close()

asyncio.run(main())
"""
HANDED_OVER = """
import asyncio
from shared import wiring
from shared.scoring.prediction import Failure

FAILURE = Failure(id="1", model="m", version=None, request_id="r", at="2026", status=404, code="c", feature=None, asked=None)

async def main():
    await wiring.keeper().keep_failure(FAILURE)
    print("handed over")
    await wiring.close()

asyncio.run(main())
"""
SETTINGS = {
    "STORAGE": "AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/a;",
    "EVENTS": "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=n;SharedAccessKey=k;UseDevelopmentEmulator=true;",
    "EVENTS_HUB": "driftline",
    "EVENTS_CONSUMER_GROUP": "capture",
    "DRAIN_SCHEDULE": "0 */5 * * * *",
    "ACCOUNT_SCHEDULE": "0 */5 * * * *",
    "SEAL_SCHEDULE": "0 */5 * * * *",
    "JOIN_SCHEDULE": "0 */5 * * * *",
    "MONITOR_SCHEDULE": "0 */5 * * * *",
    "DECIDE_SCHEDULE": "0 */5 * * * *",
    "DATASETS_SCHEDULE": "0 */5 * * * *",
    "DELIVER_SCHEDULE": "0 */5 * * * *",
}


def test_a_process_that_ends_by_itself_leaves_no_connection_open() -> None:
    """A client that is only forgotten complains when it is collected, in the last lines a user reads."""
    command = [sys.executable, "-W", "default::ResourceWarning", "-c", PROGRAM]

    ended = subprocess.run(command, cwd=ROOT, env=SETTINGS, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_what_nobody_waits_for_is_sent_before_the_process_ends() -> None:
    """Here it can go nowhere, which is said: it was tried."""
    settings = {**SETTINGS, "CAPTURE_ACK": "none", "CAPTURE_TIMEOUT_S": "0.5"}

    ended = subprocess.run(
        [sys.executable, "-c", HANDED_OVER], cwd=ROOT, env=settings, capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stdout) == (0, "handed over\n")
    assert "records lost" in ended.stderr


def test_linear_algebra_takes_one_thread() -> None:
    """Threads that wait for one another in a loop made a look ten times as dear on a busy machine."""
    program = "from shared import wiring; import numpy, threadpoolctl; print(threadpoolctl.threadpool_info())"

    asked = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={}, capture_output=True, check=True, text=True
    )

    (found,) = [one for one in ast.literal_eval(asked.stdout) if one["user_api"] == "blas"]
    assert found["num_threads"] == 1


def test_storage_is_waited_for_as_long_as_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[float] = []

    def service(_: str, *, timeout_s: float, **__: None) -> None:
        asked.append(timeout_s)

    monkeypatch.setattr("shared.blobs.service", service)
    monkeypatch.setattr(
        "shared.wiring.clients.settings", lambda: Settings.from_env({**SETTINGS, "STORAGE_TIMEOUT_S": "2.5"})
    )

    wiring.blobs.__wrapped__()

    assert asked == [2.5]


def test_what_later_stages_store_is_kept_for_as_long_as_hours_and_marks_as_logs() -> None:
    """Sealing comes before them and knows nothing of what they store: only here they are put together."""
    program = "from shared import wiring; print([one.days for one in wiring.sealing().retention.later])"
    settings = {**SETTINGS, "HOURS_KEPT_DAYS": "45"}

    asked = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=settings, capture_output=True, check=True, text=True
    )

    assert asked.stdout == "[45, 90, 45, 14, 14, 45, 45, 30, 30]\n"
