"""Serve an Event Hubs namespace: ``python -m infra.local.eventhubs --port P --data DIR --config Config.json``.

When it listens it prints one line of JSON, ``{"ready": {"port": N}}``. SIGTERM and SIGINT stop it.
"""

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from pathlib import Path

from infra.local.eventhubs.emulator import DEFAULT_KEY, Emulator
from infra.local.eventhubs.entities import Config
from infra.local.eventhubs.sas import SharedKey
from shared.clock import Clock


def main() -> None:
    """Read the command line and serve until a signal."""
    parser = argparse.ArgumentParser(prog="python -m infra.local.eventhubs", description=__doc__)
    parser.add_argument("--port", type=int, default=5672, help="0 picks a free one")
    parser.add_argument("--data", type=Path, required=True, help="where events are kept")
    parser.add_argument("--config", type=Path, default=Path(__file__).with_name("Config.json"))
    parser.add_argument("--retention-s", type=float, default=86_400.0, help="in real seconds")
    parser.add_argument("--key-name", default=DEFAULT_KEY.name)
    parser.add_argument("--key", default=DEFAULT_KEY.key)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    emulator = Emulator(
        Config.read(args.config),
        args.data,
        port=args.port,
        clock=Clock.parse(os.environ.get("CLOCK", "")),
        key=SharedKey(args.key_name, args.key),
        retention_s=args.retention_s,
    )
    asyncio.run(_serve(emulator))


async def _serve(emulator: Emulator) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with emulator:
        sys.stdout.write(json.dumps({"ready": {"port": emulator.port}}) + "\n")
        sys.stdout.flush()
        await stopped.wait()


if __name__ == "__main__":
    main()
