"""``monitor`` evaluates now what was not evaluated yet."""

import argparse
from typing import TYPE_CHECKING

from infra.cli.command import Answer, Commands, existing_file, valid_name
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from shared.monitoring.evaluation import Evaluation


def add(commands: Commands) -> None:
    """Declare it."""
    monitor = commands.add("monitor", _monitor, about="evaluate now what was not evaluated yet")
    monitor.add_argument("model", type=valid_name, nargs="?", help="the model that --config is for")
    monitor.add_argument("--config", type=existing_file, help="first make this monitor.yaml the model's configuration")


async def _monitor(asked: argparse.Namespace) -> Answer:
    import msgspec

    if asked.config:
        if asked.model is None:
            raise SystemExit("--config needs the model it is for")
        await wiring.monitoring().configure(asked.model, asked.config.read_bytes())
    evaluations = await wiring.monitoring().evaluate_all()
    if not asked.json:
        _show_evaluations(evaluations)
    return Answer({"evaluations": [msgspec.to_builtins(evaluation) for evaluation in evaluations]})


def _show_evaluations(evaluations: "list[Evaluation]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "version", "window", "rows", "signal", "verdict", "reason")
    for one in evaluations:
        for judgement in one.judgements:
            window = f"{one.start} to {one.end}"
            reason = judgement.reasons[0] if judgement.reasons else ""
            table.add_row(one.model, one.version, window, str(one.rows), judgement.signal, judgement.verdict, reason)
    Console().print(table if evaluations else "nothing to evaluate: no hour was sealed since the last look")
