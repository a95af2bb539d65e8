"""``dataset queue`` says which actuals are worth finding out, in a file that is filled in and sent back."""

import argparse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.cli.actuals_status import delay_text
from infra.cli.command import Answer, Commands, count, hour, valid_name
from infra.cli.dataset_engine import MEMORY_MIB
from infra.cli.progress import Progress
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from shared.datasets.queue import Due, Queued
    from shared.hours import Hour

_ROWS: Final = 100
_SHOWN: Final = 10
_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
_WHY: Final = {
    "uncertain": "answers have no probabilities",
    "drifted": "no feature has a baseline to be compared with",
    "disagreed": "no other version was asked about predictions of these hours",
}


def add(commands: Commands) -> None:
    """Declare it, among the commands of ``dataset``."""
    queue = commands.add(
        "queue", _queue, about="say which predictions without an actual would teach most if it were known"
    )
    queue.add_argument("model", type=valid_name)
    queue.add_argument("--rows", type=count, default=_ROWS, metavar="N", help=f"at most (default {_ROWS})")
    queue.add_argument("--from", dest="start", type=hour, metavar="HOUR", help="the first hour, as 2026-03-01T09")
    queue.add_argument(
        "--to",
        dest="end",
        type=hour,
        metavar="HOUR",
        help="the first hour not looked at; when left out, the first whose actuals are not due yet",
    )
    queue.add_argument(
        "--out",
        type=_file,
        metavar="FILE",
        help="CSV, for actuals to take back once its column value is filled; or JSONL",
    )


async def _queue(asked: argparse.Namespace) -> Answer:
    from shared.datasets.queue import Queue
    from shared.errors import InsufficientData
    from shared.retraining.challenged import Challenged

    machine = wiring.building_on("duckdb", memory_mib=MEMORY_MIB, threads=1).machine
    queue = Queue(wiring.blobs(), wiring.planning(), machine)
    due = await queue.due(asked.model)
    end = asked.end or due.end
    _refuse_nothing(asked, end, due)
    champion = await wiring.registry().answering(asked.model)
    disagreed = await Challenged(wiring.blobs()).disagreed(asked.model, champion.task, asked.start, end)
    with Progress("looking at predictions", shown=not asked.json) as bar:
        try:
            found = await queue.find(
                asked.model, most=asked.rows, start=asked.start, end=end, disagreed=disagreed, told=bar.show
            )
        except InsufficientData as nothing:
            raise SystemExit(f"there is no prediction to look at: {_looked_at(asked, end, due)}") from nothing
    if asked.out is not None:
        write(found.rows, found.columns, asked.out)
    if not asked.json:
        _show(asked, found, _looked_at(asked, end, due))
    values: dict[str, Any] = {
        "model": asked.model,
        "end": end.key if end else None,
        "actuals_delay_s": due.delay.total_seconds() if due.delay is not None else None,
        "unknown": [*found.unknown],
        "out": str(asked.out or "") or None,
    }
    return Answer(values | {"rows": [*map(dict, found.rows)]})


def _refuse_nothing(asked: argparse.Namespace, end: "Hour | None", due: "Due") -> None:
    if asked.start and end and end <= asked.start:
        if asked.end:
            raise SystemExit("--to is not after --from: no hour would be looked at")
        raise SystemExit(f"nothing since {asked.start.key} is due: {_looked_at(asked, end, due)}")


def _looked_at(asked: argparse.Namespace, end: "Hour | None", due: "Due") -> str:
    """Say up to where predictions are looked at, and why."""
    if end is None:
        return "no hour is sealed"
    if asked.end:
        return f"predictions before {end.key} are looked at"
    if due.delay is None:
        return (
            f"no actuals have come lately, so all before {end.key} are looked at; monitor.yaml can say how long they take: "
            "actuals_delay"
        )
    return f"actuals take {delay_text(due.delay)}, so those of predictions from {end.key} on are not due yet; --to looks further"


def write(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], file: Path) -> None:
    """Write rows as CSV or as JSONL, by the end of the file's name.

    In CSV a text that a spreadsheet would take for a formula has an apostrophe before it: callers wrote those texts.
    """
    import csv

    import msgspec

    if file.suffix == ".jsonl":
        file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        return
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(columns)
        writer.writerows([_cell(row[name]) for name in columns] for row in rows)


def _cell(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return f"'{value}"
    return value


def _show(asked: argparse.Namespace, found: "Queued", looked_at: str) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    console.print(looked_at, soft_wrap=True)
    for what in found.unknown:
        console.print(f"nothing counts as {what}: {_WHY[what]}")
    if not found.rows:
        console.print(f"no prediction of {asked.model} that waits for its actual would teach more than another")
        return
    table = Table("prediction", "at", "answer", "score", "why")
    for row in found.rows[:_SHOWN]:
        table.add_row(row["prediction_id"], row["at"], str(row["prediction"]), str(row["score"]), row["reasons"])
    console.print(table)
    more = len(found.rows) - _SHOWN
    console.print(f"{len(found.rows):,} predictions{f', of which {more:,} are not shown' if more > 0 else ''}")
    if asked.out is not None and asked.out.suffix == ".csv":
        console.print(
            f"fill in value in {asked.out}, and send it: "
            f"python manage.py actuals {asked.out} --model {asked.model} --prediction-id prediction_id",
            soft_wrap=True,
            markup=False,
        )


def _file(text: str) -> Path:
    path = Path(text)
    if path.suffix not in {".csv", ".jsonl"}:
        raise argparse.ArgumentTypeError(f"{text!r} is neither .csv nor .jsonl")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {str(path.parent)!r}")
    return path
