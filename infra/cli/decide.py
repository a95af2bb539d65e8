"""``decide`` says now whether another version should answer, and why."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from infra.cli.command import Answer, Commands, valid_name
from shared import wiring
from shared.errors import Fault

if TYPE_CHECKING:  # each command imports what it needs
    from shared.retraining.decision import Decision


def add(commands: Commands) -> None:
    """Declare it."""
    decide = commands.add("decide", _decide, about="decide now whether a retrain pays, with numbers and reasons")
    decide.add_argument("model", type=valid_name, nargs="?", help="decide about this one alone (default: every model)")


async def _decide(asked: argparse.Namespace) -> Answer:
    import msgspec

    from shared.retraining.deciding import NotEveryModelDecided

    faults: Sequence[Fault] = ()
    try:
        decisions = await wiring.deciding().decide_all(asked.model, again=True)
    except NotEveryModelDecided as raised:
        decisions, faults = raised.decisions, raised.faults
    if not asked.json:
        _show(decisions, is_all=not faults)
    return Answer({"decisions": [msgspec.to_builtins(decision) for decision in decisions]}, faults=faults)


def _show(decisions: "list[Decision]", *, is_all: bool) -> None:
    import msgspec
    from rich.console import Console
    from rich.table import Column, Table

    console = Console(highlight=False)
    for one in decisions:
        console.print(
            f"{one.model} {one.champion}, after the period from {one.start} to {one.end}: {one.verdict.upper()}"
        )
        for reason in one.reasons:
            console.print(f"- {reason}")
        console.print(f"would change it: {one.would_change_it}")
        table = Table("number", Column("value", justify="right"))
        for name, value in msgspec.structs.asdict(one.numbers).items():
            if value is not None:
                table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int) else f"{value:.4g}")
        console.print(table)
    if is_all and not decisions:
        console.print("nothing to decide: no period of a champion is settled and joined yet")
