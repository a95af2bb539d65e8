"""``monitor`` evaluates now what was not evaluated yet."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from infra.cli.command import Answer, Commands, existing_file, valid_name
from shared import wiring
from shared.errors import Fault

if TYPE_CHECKING:  # each command imports what it needs
    from shared.monitoring.evaluation import Evaluation
    from shared.monitoring.performance_report import Figure, PerformanceReport


def add(commands: Commands) -> None:
    """Declare it."""
    monitor = commands.add("monitor", _monitor, about="evaluate now what was not evaluated yet")
    monitor.add_argument("model", type=valid_name, nargs="?", help="evaluate this one alone (default: every model)")
    monitor.add_argument(
        "--config", type=existing_file, help="first make this monitor.yaml the configuration of the model"
    )


async def _monitor(asked: argparse.Namespace) -> Answer:
    import msgspec

    from shared.monitoring.monitoring import NotEveryVersionEvaluated

    faults: Sequence[Fault] = ()
    if asked.config:
        if asked.model is None:
            raise SystemExit("--config needs the model it is for")
        await wiring.monitoring().configure(asked.model, asked.config.read_bytes())
    try:
        evaluations = await wiring.monitoring().evaluate_all(model=asked.model)
    except NotEveryVersionEvaluated as raised:
        evaluations, faults = raised.evaluations, raised.faults
    if not asked.json:
        _show(evaluations, is_all=not faults)
    return Answer({"evaluations": [msgspec.to_builtins(evaluation) for evaluation in evaluations]}, faults=faults)


def _show(evaluations: "list[Evaluation]", *, is_all: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for one in evaluations:
        calibrating = ", calibrating" if one.is_calibrating else ""
        console.print(f"{one.model} {one.version}, {one.start} to {one.end}: {one.rows:,} rows{calibrating}")
        table = Table("signal", "verdict", "reason")
        for judgement in one.judgements:
            table.add_row(judgement.signal, judgement.verdict, judgement.reasons[0] if judgement.reasons else "")
        console.print(table)
        if one.performance is not None:
            for line in _performance(one.performance, f"{one.start} to {one.end}"):
                console.print(line)
    if is_all and not evaluations:
        console.print("nothing to evaluate: no window has become due since the last look")


def _performance(report: "PerformanceReport", newest: str) -> Iterator[str]:
    """Yield what turned out, and what should have since: each metric with its interval, or why there is none."""
    yield f"realised, {report.start} to {report.end}: {_figures(report.realised)}"
    yield f"estimated, {newest}: {_figures(report.estimated)}"


def _figures(figures: "Mapping[str, Figure]") -> str:
    unknown = {one.unknown for one in figures.values() if one.unknown is not None}
    known = [
        f"{name} {one.value:.4g} ({one.low:.4g} to {one.high:.4g})"
        for name, one in figures.items()
        if one.unknown is None
    ]
    return ", ".join(known) if known else f"unknown: {'; '.join(sorted(unknown))}"
