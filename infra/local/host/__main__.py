"""Run the Functions host: ``python -m infra.local.host --port P --data DIR [--app DIR]``.

When it serves it prints one line of JSON, ``{"ready": {"port": N}}``, on standard output; its log, and whatever the
app prints, goes to standard error. SIGTERM or Ctrl-C ends it.
"""

import argparse
import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import TextIO

from infra.local.host import engine, logs
from infra.local.host.errors import CannotStart
from infra.local.host.server import Arrangement, Host, load_options


def main() -> int:
    """Serve until a signal; return 1, with the reason on standard error, if that cannot be."""
    asked = _parse()
    # What the app prints must not be taken for the ready line.
    stdout, sys.stdout = sys.stdout, sys.stderr
    logs.configure()
    try:
        if asked.settings:
            _apply(asked.settings)
        os.environ["FUNCTIONS_WORKER_RUNTIME"] = "python"
        arrangement = Arrangement(
            app=asked.app.resolve(),
            data=asked.data,
            port=asked.port,
            ownership_s=asked.ownership_s,
            lease_s=asked.lease_s,
            grace_s=asked.grace_s,
        )
        host = Host(arrangement, engine.choose(asked.engine), load_options(arrangement.app), os.environ)
        asyncio.run(host.run(ready=lambda port: _say_ready(stdout, port)))
    except CannotStart as error:
        print(error, file=sys.stderr)  # noqa: T201 - the command's own answer
        return 1
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m infra.local.host", description=__doc__)
    parser.add_argument("--port", type=int, default=7071, help="where to listen on 127.0.0.1; 0 takes a free port")
    parser.add_argument("--data", type=Path, required=True, help="folder of the host's keys (keys.json)")
    parser.add_argument("--app", type=Path, default=Path(), help="folder with function_app.py and host.json")
    parser.add_argument("--settings", type=Path, help="a local.settings.json; the environment wins over it")
    parser.add_argument(
        "--engine", choices=("auto", "worker", "public"), default="auto", help="what runs the functions"
    )
    parser.add_argument("--ownership-s", type=float, default=10.0, help="how long a partition stays with a silent host")
    parser.add_argument("--lease-s", type=int, default=60, help="how long a timer stays with a silent host, 15 to 60")
    parser.add_argument("--grace-s", type=float, default=10.0, help="how long running functions may take at the end")
    return parser.parse_args()


def _apply(path: Path) -> None:
    try:
        values: dict[str, str] = json.loads(path.read_bytes())["Values"]
    except (OSError, ValueError, KeyError) as error:
        raise CannotStart(f"{path} cannot be read: {error!r}") from error
    for name, value in values.items():
        os.environ.setdefault(name, value)


def _say_ready(stdout: TextIO, port: int) -> None:
    print(json.dumps({"ready": {"port": port}}), file=stdout, flush=True)


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    sys.stdout.flush()
    # An ordinary exit would wait for the threads of functions that were given up.
    os._exit(code)
