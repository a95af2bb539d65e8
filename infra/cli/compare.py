"""``compare`` says how far the rows of two files are apart."""

import argparse
import math
from functools import partial
from typing import TYPE_CHECKING

from infra.cli.command import Answer, Commands, decoded, existing_file, table

if TYPE_CHECKING:  # each command imports what it needs
    from pathlib import Path

    from shared.signals.exact.comparing import Columns
    from shared.signals.exact.comparison import Comparison, JointComparison

_SYSTEM = "_"
"""What the names of columns begin with that sealed hours have beside the features: ids and times, which always differ."""


def add(commands: Commands) -> None:
    """Declare it."""
    compare = commands.add("compare", _compare, about="say how far the rows of two files are apart, exactly")
    compare.add_argument("baseline", type=existing_file, help="Parquet or CSV, one row a row")
    compare.add_argument("current", type=existing_file, help="likewise, the same columns")
    compare.add_argument(
        "--design-effect",
        type=_design_effect,
        default=1.0,
        metavar="N",
        help="take so many rows for the worth of one: for p-values of rows that depend on each other (default 1)",
    )
    compare.add_argument(
        "--joint", action="store_true", help="say as well how far apart they are in how columns go together"
    )


async def _compare(asked: argparse.Namespace) -> Answer:
    import msgspec
    import pyarrow as pa

    from shared.signals.exact.comparing import compare

    # Arrow's own pool keeps what a column took, which is a fifth of all memory where columns are small
    pa.set_memory_pool(pa.system_memory_pool())
    before, now = (decoded(partial(_columns, path), path) for path in (asked.baseline, asked.current))
    names = before.types | now.types
    found: list[Comparison] = []
    comparisons = compare(before, now, design_effect=asked.design_effect)
    if asked.json:
        found.extend(comparisons)
    else:
        from infra.cli.progress import Progress

        with Progress("comparing columns", shown=True) as progress:
            for one in comparisons:
                found.append(one)
                progress.show(len(found), len(names))
        _show(found)
    values = {"comparisons": [msgspec.to_builtins(one) for one in found]}
    if asked.joint:
        from shared.signals.exact.joint import compare_jointly

        together = compare_jointly(before, now, design_effect=asked.design_effect)
        values["joint"] = [msgspec.to_builtins(one) for one in together]
        if not asked.json:
            _show_jointly(together)
    return Answer(values)


def _columns(path: "Path") -> "Columns":
    """Return the columns of a file that are rows' own."""
    from shared.signals.exact.files import ParquetColumns, TableColumns

    columns: ParquetColumns | TableColumns = (
        TableColumns(table(path)) if path.suffix == ".csv" else ParquetColumns(path)
    )
    columns.types = {name: of for name, of in columns.types.items() if not name.startswith(_SYSTEM)}
    return columns


def _show(found: "list[Comparison]") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for kind in ("number", "category"):
        some = [one for one in found if one.kind == kind and one.unknown is None]
        if some:
            names = list(dict.fromkeys(name for one in some for name in one.metrics))
            table = Table(kind, *(name.replace("_", " ") for name in names))
            for one in some:
                table.add_row(one.feature, *(_number(one, name) for name in names))
            console.print(table)
    for one in found:
        if one.unknown is not None:
            console.print(f"{one.feature}: {one.unknown}", markup=False)


def _show_jointly(together: "tuple[JointComparison, ...]") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("together", "metric", "value")
    for one in together:
        value = "not known" if one.value is None else _figure(one.value, one.p_value)
        table.add_row(escape(one.features), one.metric.replace("_", " "), value)
    Console().print(table if together else "there is nothing to compare jointly")


def _number(one: "Comparison", name: str) -> str:
    return _figure(one.metrics[name], one.p_values.get(name)) if name in one.metrics else ""


def _figure(value: float, p_value: float | None) -> str:
    """Return a metric, and its p-value where it has one."""
    return f"{value:.3g}" + ("" if p_value is None else f" (p {p_value:.1g})")


def _design_effect(text: str) -> float:
    try:
        effect = float(text)
    except ValueError:
        effect = math.nan
    if not 1 <= effect < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows, 1 or more")
    return effect
