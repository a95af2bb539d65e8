"""What every benchmark prints: a table for people, and one line of JSON that figures are quoted from."""

import argparse
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Self, TypeAlias

import msgspec
from rich.console import Console
from rich.table import Table

Result: TypeAlias = Mapping[str, str | int | float]
Row: TypeAlias = Mapping[str, str | int | float | None]
"""A result of which some figure may not have been measured."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """What it ran on; ``load`` is the load average of the last minute, before it began."""

    cpus: int
    memory_gib: float
    python: str
    load: float

    @classmethod
    def this(cls) -> Self:
        """Return the machine this process may use."""
        return cls(
            cpus=len(os.sched_getaffinity(0)),
            memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
            python=platform.python_version(),
            load=round(os.getloadavg()[0], 2),
        )


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A promise: ``value`` is held against ``target``, from below or from above; None was not measured, and does not hold."""

    name: str
    value: float | None
    target: float
    unit: str
    holds: bool

    @classmethod
    def at_most(cls, target: float, value: float | None, *, name: str, unit: str) -> Self:
        """Compare a value with what it must not exceed."""
        return cls(name=name, value=value, target=target, unit=unit, holds=value is not None and value <= target)

    @classmethod
    def at_least(cls, target: float, value: float | None, *, name: str, unit: str) -> Self:
        """Compare a value with what it must reach."""
        return cls(name=name, value=value, target=target, unit=unit, holds=value is not None and value >= target)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything one run found out."""

    benchmark: str
    machine: Machine
    results: Sequence[Row]
    targets: Sequence[Target]

    def show(self) -> None:
        """Print the results, one table for each kind of ``measure``, and the targets."""
        # Into a file, rich would fold what is wider than 80 columns.
        console = Console(width=None if sys.stdout.isatty() else 120)
        for measure in dict.fromkeys(str(result["measure"]) for result in self.results):
            console.print(_table(measure, [result for result in self.results if result["measure"] == measure]))
        for target in self.targets:
            verdict = "[green]holds[/]" if target.holds else "[red]does not hold[/]"
            console.print(f"{target.name}: {_text(target.value)} of {_text(target.target)} {target.unit}, {verdict}")

    def line(self) -> str:
        """Return it as one line of JSON."""
        return msgspec.json.encode(self).decode()


def arguments(what: str | None, *, rows: int) -> argparse.ArgumentParser:
    """Return the options that every benchmark has; ``rows`` is its own default of ``--rows``."""
    parser = argparse.ArgumentParser(description=what, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=rows, help=f"rows of the larger input (default {rows})")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the line of JSON and nothing before it")
    parser.add_argument("--quick", action="store_true", help="shorter and rougher")
    return parser


def _table(measure: str, results: Sequence[Row]) -> Table:
    columns = [name for name in results[0] if name != "measure"]
    table = Table(title=measure, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), justify="left" if isinstance(results[0][column], str) else "right")
    for result in results:
        table.add_row(*(_text(result[column]) for column in columns))
    return table


def _text(value: str | float | None) -> str:
    """Return a figure with as many digits as it is worth."""
    if value is None:
        return "not measured"
    if isinstance(value, str):
        return value
    return f"{value:,.3g}" if value < 100 else f"{value:,.0f}"
