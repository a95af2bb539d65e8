"""The command line, as a user runs it."""

import subprocess
import sys
from pathlib import Path

from infra.local.processes import HERE
from infra.local.system import HUB


def environment_of(storage: str) -> dict[str, str]:
    """Return the settings that every command needs, with a hub that is away."""
    timers = ("DRAIN", "SEAL", "ACCOUNT", "JOIN", "MONITOR", "DECIDE", "DATASETS", "DELIVER")
    schedules = {f"{timer}_SCHEDULE": "0 */5 * * * *" for timer in timers}
    return {
        "STORAGE": storage,
        "EVENTS": "Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=n;SharedAccessKey=k;UseDevelopmentEmulator=true;",
        "EVENTS_HUB": HUB,
        "EVENTS_CONSUMER_GROUP": "capture",
        "PATH": str(Path(sys.executable).parent),
        **schedules,
    }


def run(environment: dict[str, str], *arguments: str, given: str = "") -> tuple[int, str, str]:
    """Return exit code, standard output and standard error of one command, which is ``given`` its standard input."""
    command = [sys.executable, str(HERE / "manage.py"), *arguments]
    done = subprocess.run(command, env=environment, cwd=HERE, check=False, capture_output=True, text=True, input=given)
    return done.returncode, done.stdout, done.stderr
