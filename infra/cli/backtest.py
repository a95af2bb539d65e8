"""``backtest`` replays stored hours through a configuration, or stored periods through the policies of retraining."""

import argparse
from typing import TYPE_CHECKING

from infra.cli.command import Answer, Commands, existing_file, hour, valid_name
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from shared.monitoring.backtest import Replayed
    from shared.retraining import replay


def add(commands: Commands) -> None:
    """Declare it."""
    backtest = commands.add(
        "backtest", _backtest, about="replay stored hours through a monitor.yaml, and say what would alarm"
    )
    backtest.add_argument("--model", type=valid_name, required=True)
    backtest.add_argument("--version", type=valid_name, help="the one whose hours are replayed")
    backtest.add_argument(
        "--retraining",
        action="store_true",
        help="replay stored periods, and say what each policy of retraining would have done and cost",
    )
    backtest.add_argument(
        "--config", type=existing_file, help="the monitor.yaml to try (default: all as it is by default)"
    )
    backtest.add_argument(
        "--from", dest="start", type=hour, metavar="HOUR", help="before it no window, and no period, begins"
    )
    backtest.add_argument("--to", dest="end", type=hour, metavar="HOUR", help="after it none ends")


async def _backtest(asked: argparse.Namespace) -> Answer:
    import msgspec

    from infra.cli.progress import Progress
    from shared.monitor_config import MonitorConfig, parse

    if asked.retraining:
        return await _retraining(asked)
    if asked.version is None or asked.start is None or asked.end is None:
        raise SystemExit("without --retraining, --version, --from and --to are needed")
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


async def _retraining(asked: argparse.Namespace) -> Answer:
    """Replay stored periods by the model's own configuration, or by the one to try."""
    import msgspec

    from shared.monitor_config import parse
    from shared.retraining.verdicts import STATE_IT

    if asked.config:
        config = parse(asked.config.read_bytes(), path=str(asked.config))
    else:
        config = await wiring.registry().monitor_config(asked.model)
    found = await wiring.replaying().replay(asked.model, config, start=asked.start, end=asked.end)
    if found is None:
        if config.retrain_cost is None:
            raise SystemExit(f"no retrain is priced: write {STATE_IT}")
        raise SystemExit(f"no period of {asked.model} with actuals is stored: python manage.py decide {asked.model}")
    if not asked.json:
        _show_policies(found)
    return Answer(msgspec.to_builtins(found))


def _show_policies(found: "replay.Replayed") -> None:
    from rich.console import Console
    from rich.table import Column, Table

    console = Console(highlight=False)
    periods = f"{found.periods} period{'' if found.periods == 1 else 's'}"
    console.print(
        f"{periods} from {found.start} to {found.end}; a retrain costs {found.retrain_cost:.3g} of a period's loss"
    )
    for number, what in (
        (found.unknown, "periods are left out: no actual of them is known"),
        (found.borrowed, "losses were not measured: those of the version nearest in age are taken"),
    ):
        if number:
            console.print(f"{number} {what}")
    table = Table("policy", "swaps", *(Column(name, justify="right") for name in ("loss", "cost", "above the best")))
    for one in found.policies:
        swaps = ", ".join(f"{key} to {version}" for key, version in one.swaps.items()) or "none"
        above = "" if one.above is None else f"{one.above:.1%}"
        table.add_row(one.policy, swaps, f"{one.loss:.3f}", f"{one.cost:.3f}", above)
    console.print(table)


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
