"""Run the whole system until Ctrl-C: ``python -m infra.local [--data DIR]``, or ``make run``."""

import argparse
import os
import signal
import threading
from pathlib import Path

from infra.local.system import System


def main() -> None:
    """Start everything, say where it is, and stop it when asked to."""
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(".local/run"), help="where everything is kept")
    asked = parser.parse_args()
    stopping = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Only noted, so that a Ctrl-C while things start or stop does not leave half of them running.
        signal.signal(number, lambda *_: stopping.set())
    own = {name: os.environ[name] for name in ("EVENTS", "WEBHOOKS", "WEBHOOK_SECRET") if os.environ.get(name)}
    with System.in_folder(asked.data, settings=own) as system:
        print(  # noqa: T201 - the command's own answer
            f"app        {system.url}/api/health\n"
            f"key        {system.key()}  (header x-functions-key)\n"
            f"received   {system.sinks_url}/webhooks  and  {system.sinks_url}/telemetry\n"
            f"settings   {system.folder}/local.settings.json  (manage.py reads it)\n"
            f"logs       {system.folder}/*.log\n"
            "Ctrl-C stops it; the data stays.",
            flush=True,
        )
        stopping.wait()


if __name__ == "__main__":
    main()
