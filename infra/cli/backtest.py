"""``backtest`` replays stored hours through a configuration."""

import argparse
from typing import TYPE_CHECKING

from infra.cli.command import Answer, Commands, existing_file, hour, valid_name
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from shared.monitoring.backtest import Replayed


def add(commands: Commands) -> None:
    """Declare it."""
    backtest = commands.add(
        "backtest", _backtest, about="replay stored hours through a monitor.yaml, and say what would alarm"
    )
    backtest.add_argument("--model", type=valid_name, required=True)
    backtest.add_argument("--version", type=valid_name, required=True)
    backtest.add_argument(
        "--config", type=existing_file, help="the monitor.yaml to try (default: all as it is by default)"
    )
    backtest.add_argument(
        "--from", dest="start", type=hour, required=True, metavar="HOUR", help="before it no window begins"
    )
    backtest.add_argument("--to", dest="end", type=hour, required=True, metavar="HOUR", help="after it none ends")


async def _backtest(asked: argparse.Namespace) -> Answer:
    import msgspec

    from infra.cli.progress import Progress
    from shared.monitor_config import MonitorConfig, parse

    config = parse(asked.config.read_bytes(), path=str(asked.config)) if asked.config else MonitorConfig()
    if asked.end < asked.start.plus(config.window_hours):
        raise SystemExit(f"no window of {config.window_hours} hours fits between --from and --to")
    with Progress("looking", shown=not asked.json) as progress:
        replayed = await wiring.backtest().replay(
            asked.model,
            asked.version,
            config,
            start=asked.start,
            end=asked.end,
            done=progress.show,
        )
    if not asked.json:
        _show(replayed)
    return Answer(msgspec.to_builtins(replayed))


def _show(replayed: "Replayed") -> None:
    from rich.console import Console
    from rich.table import Column, Table

    console = Console(highlight=False)
    count = len(replayed.alarms)
    console.print(
        f"{count} alarm{'' if count == 1 else 's'} in {replayed.looks} looks from {replayed.start} to {replayed.end}"
    )
    for what, looks in (("no rows", replayed.empty), ("too short a history to calibrate on", replayed.calibrating)):
        if looks:
            console.print(f"{looks} of the looks had {what}")
    table = Table("opened", "signal", "lasted until", Column("reason", overflow="fold"))
    for one in replayed.alarms:
        table.add_row(
            f"{one.opened_at:%Y-%m-%d %H:%M}", one.signal, f"{one.breached_at:%Y-%m-%d %H:%M}", one.reasons[0]
        )
    if replayed.alarms:
        console.print(table)
