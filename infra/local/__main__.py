"""Run the whole system until Ctrl-C: ``python -m infra.local [--data DIR]``, or ``make run``."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from infra.local.processes import ENDING, NotReady, is_free
from infra.local.system import System

HOST_PORT = 7071  # where ``func start`` answers
_FROM_OUTSIDE = ("EVENTS", "WEBHOOKS", "WEBHOOK_SECRET", "APPLICATIONINSIGHTS_CONNECTION_STRING")


def main() -> int:
    """Start everything, say where it is, and stop it when asked to; return 1, saying why, if it cannot be started."""
    parser = argparse.ArgumentParser(prog="python -m infra.local", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(".local/run"), help="where everything is kept")
    parser.add_argument("--without-host", action="store_true", help="leave the functions host to 'func start'")
    asked = parser.parse_args()
    stopping = threading.Event()
    for number in ENDING:
        # Only noted, so that a Ctrl-C while things start or stop does not leave half of them running.
        signal.signal(number, lambda *_: stopping.set())
    own = {name: os.environ[name] for name in _FROM_OUTSIDE if os.environ.get(name)}
    system = System.in_folder(asked.data, settings=own, host_port=HOST_PORT if is_free(HOST_PORT) else 0)
    try:
        system.start_services()
        if not asked.without_host:
            system.start_host()
        print(_where_it_is(system, with_host=not asked.without_host), flush=True)  # noqa: T201 - its own answer
        stopping.wait()
    except NotReady as error:
        print(error, file=sys.stderr)  # noqa: T201 - see above
        return 1
    finally:
        system.stop()
    return 0


def _where_it_is(system: System, *, with_host: bool) -> str:
    if with_host:
        app = [f"app        {system.url}/api/health", f"key        {system.key()}  (header x-functions-key)"]
    else:
        app = [f"app        cp {system.folder}/local.settings.json . && func start"]
    lines = [
        *app,
        f"received   {system.sinks_url}/webhooks  and  {system.sinks_url}/telemetry",
        f"settings   {system.folder}/local.settings.json  (manage.py reads it)",
        f"logs       {system.folder}/*.log",
        "Ctrl-C stops it; the data stays.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
