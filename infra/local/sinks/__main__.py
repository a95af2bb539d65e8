"""``python -m infra.local.sinks --port P --data DIR``: run the sinks until SIGTERM or SIGINT.

When they listen, one line of JSON on standard output says on which port.
"""

import argparse
import json
import signal
import socket
import sys
from pathlib import Path

import uvicorn

from infra.local.sinks.app import Sinks


def main(arguments: list[str]) -> None:
    """Serve on 127.0.0.1."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.sinks", description="Telemetry and webhook sinks.")
    parser.add_argument("--port", type=int, required=True, help="0 picks a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder that keeps what they get")
    parser.add_argument("--webhook-secret", help="whsec_…; without it no signature is checked")
    options = parser.parse_args(arguments)

    listener = socket.create_server(("127.0.0.1", options.port), backlog=256)
    app = Sinks(options.data, secret=options.webhook_secret).app()
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))

    def stop(*_: object) -> None:
        """Take what comes before uvicorn has its own handlers, and what it raises again after it stopped."""
        server.should_exit = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    # connections queue from here on, so this is the moment that others may come
    sys.stdout.write(json.dumps({"ready": {"port": listener.getsockname()[1]}}) + "\n")
    sys.stdout.flush()
    server.run(sockets=[listener])


if __name__ == "__main__":
    main(sys.argv[1:])
