"""What is built is let go of."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio
from shared import wiring

async def main():
    wiring.scoring(), wiring.sealing(), wiring.verifying(), wiring.accepting(), wiring.monitoring(), wiring.watching_capture(), wiring.delivering(), wiring.health()
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
    "MONITOR_SCHEDULE": "0 */5 * * * *",
    "DELIVER_SCHEDULE": "0 */5 * * * *",
}


def test_a_process_that_ends_by_itself_leaves_no_connection_open() -> None:
    """A client that is only forgotten complains when it is collected, in the last lines a user reads."""
    command = [sys.executable, "-W", "default::ResourceWarning", "-c", PROGRAM]

    ended = subprocess.run(command, cwd=ROOT, env=SETTINGS, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")
