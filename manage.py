"""Driftline's command line: ``python manage.py COMMAND``.

It reads the app's settings from the environment, or from a ``local.settings.json`` as ``make run`` writes it.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Sequence
from pathlib import Path
from typing import Final

from infra.cli import (
    actuals,
    backtest,
    compare,
    dataset,
    dead,
    decide,
    erase,
    importing,
    monitor,
    rebaseline,
    register,
    retire,
    retrain,
    verify,
)
from infra.cli.command import Answer, Commands, existing_file
from shared import wiring
from shared.errors import Fault

_SETTINGS_FILES: Final = (Path("local.settings.json"), Path(".local/run/local.settings.json"))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Return 0 when it did what was asked, 1 with the reason on standard error when it could not, or when what it checked
    does not hold.
    """
    asked = _parser().parse_args(arguments)
    _apply_settings(asked.settings)
    try:
        answer: Answer = asyncio.run(_closing(asked.run(asked)))
    except Fault as fault:
        _tell(fault, as_json=asked.json)
        return 1
    except KeyboardInterrupt:
        print("interrupted: nothing is half done; run it again", file=sys.stderr)
        return 130
    if asked.json:
        print(json.dumps(answer.values))
    for one in answer.faults:
        _tell(one, as_json=asked.json)
    return 0 if answer.holds and not answer.faults else 1


def _tell(fault: Fault, *, as_json: bool) -> None:
    print(json.dumps({"error": fault.code, "detail": str(fault)}) if as_json else fault, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    common.add_argument("--settings", type=existing_file, help="a local.settings.json; the environment wins over it")
    parser = argparse.ArgumentParser(prog="python manage.py", description=__doc__)
    commands = Commands(parser.add_subparsers(required=True, metavar="COMMAND"), common)
    for command in (
        register,
        retire,
        actuals,
        importing,
        compare,
        dataset,
        verify,
        dead,
        erase,
        monitor,
        backtest,
        decide,
        retrain,
        rebaseline,
    ):
        command.add(commands)
    return parser


def _apply_settings(given: Path | None) -> None:
    for path in [given] if given else [path for path in _SETTINGS_FILES if path.is_file()][:1]:
        try:
            values: dict[str, str] = json.loads(path.read_bytes())["Values"]
        except (ValueError, KeyError, TypeError) as error:
            raise SystemExit(f"{path} cannot be read: it is no local.settings.json ({error!r})") from error
        for name, value in values.items():
            os.environ.setdefault(name, value)


async def _closing(command: Awaitable[Answer]) -> Answer:
    try:
        return await command
    finally:
        await wiring.close()


if __name__ == "__main__":
    sys.exit(main())
