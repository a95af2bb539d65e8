"""``dataset diff`` says what two datasets of a model differ in."""

import argparse
from typing import TYPE_CHECKING, Any

from infra.cli.command import Answer, Commands, valid_name
from infra.cli.progress import Progress
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from rich.console import Console

    from shared.datasets.difference import Difference, Distribution, Ids, RowChanges, Sides


def add(commands: Commands) -> None:
    """Declare it, among the commands of ``dataset``."""
    diff = commands.add(
        "diff",
        _diff,
        about="say what two datasets of a model differ in: rows, columns, recipe, inputs, hours left out as faulty",
    )
    diff.add_argument("model", type=valid_name)
    for name in ("before", "now"):
        diff.add_argument(name, metavar=name.upper(), help="its name, or the first six digits of it or more")


async def _diff(asked: argparse.Namespace) -> Answer:
    import msgspec

    from shared.datasets.differing import Differing

    before, now = [await wiring.datasets().find(asked.model, name) for name in (asked.before, asked.now)]
    with Progress("comparing", shown=not asked.json) as bar:
        found = await Differing(wiring.blobs()).diff(before, now, told=bar.show)
    if not asked.json:
        show(found)
    values: dict[str, Any] = msgspec.to_builtins(found)
    return Answer(values, holds=not found.erased)


def show(found: "Difference") -> None:
    """Tell people what two datasets differ in."""
    from rich.console import Console

    console = Console(highlight=False)
    for name in found.erased:
        console.print(f"dataset {name[:12]} is erased: nothing but its manifest is left, and no rows can be compared")
    for split in found.counts.before | found.counts.now:
        console.print(f"{split}: {_sides(found.counts.before.get(split, 0), found.counts.now.get(split, 0))} rows")
    if found.rows is not None:
        _show_rows(console, found.rows)
    _show_sides(console, "column", found.columns)
    if found.distributions:
        _show_distributions(console, found.distributions)
    _show_sides(console, "recipe", found.recipe)
    for what, paths in (
        ("added", found.inputs.added),
        ("removed", found.inputs.removed),
        ("changed", found.inputs.changed),
    ):
        if paths:
            console.print(f"{len(paths):,} inputs {what}: {paths[0]}{' …' if len(paths) > 1 else ''}", markup=False)
    if found.faults is not None:
        for what, faults in (("added", found.faults.added), ("removed", found.faults.removed)):
            for one in faults:
                hours = f"version {one.version}, {one.start} up to {one.end}"
                console.print(f"fault {what}: {hours}, by alert {one.alert}", markup=False)


def _show_rows(console: "Console", rows: "RowChanges") -> None:
    console.print(f"{rows.same:,} rows are the same")
    some: Ids
    for what, some in (("added", rows.added), ("removed", rows.removed), ("changed", rows.changed)):
        if some.rows:
            more = " …" if some.rows > len(some.ids) else ""
            console.print(f"{some.rows:,} rows {what}: {', '.join(some.ids)}{more}", markup=False)
    for name, count in rows.columns.items():
        console.print(f"  {count:,} of the changed differ in {name}", markup=False)


def _show_sides(console: "Console", what: str, changed: "dict[str, Sides]") -> None:
    from rich.markup import escape
    from rich.table import Table

    if changed:
        table = Table(what, "before", "now")
        for key, sides in changed.items():
            table.add_row(escape(key), escape(_said(sides.before)), escape(_said(sides.now)))
        console.print(table)


def _show_distributions(console: "Console", distributions: "tuple[Distribution, ...]") -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table("column", "distance", "mean", "missing")
    for one in sorted(distributions, key=lambda one: -(one.distance or 0.0)):
        distance = one.unknown or "" if one.distance is None else f"{one.distance:.3f}"
        table.add_row(
            escape(one.column),
            distance,
            _sides(one.mean.before, one.mean.now),
            _shares(one.missing.before, one.missing.now),
        )
    console.print(table)


def _sides(before: float | None, now: float | None) -> str:
    said = ["" if one is None else f"{one:,}" if isinstance(one, int) else f"{one:.4g}" for one in (before, now)]
    return said[0] if said[0] == said[1] else " to ".join(said)


def _shares(before: float | None, now: float | None) -> str:
    said = ["none" if one is None else f"{100 * one:.3g} %" for one in (before, now)]
    return said[0] if said[0] == said[1] else " to ".join(said)


def _said(value: object) -> str:
    return "" if value is None else str(value)
