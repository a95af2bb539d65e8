"""``actuals`` tells what turned out, and what became of it."""

import argparse
from collections import Counter
from typing import TYPE_CHECKING, Final

from infra.cli import actuals_status
from infra.cli.command import Answer, Commands, decoded, existing_file, valid_name
from infra.cli.rows import names, show_misfits
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from infra.cli.actuals_file import ActualsFile, Checked
    from shared.scoring.prediction import Kept

_HOW: Final = {
    "acked": "are in Event Hubs",
    "sent": "are on their way: with CAPTURE_ACK=none nobody looked whether they arrived",
    "spooled": "wait in storage, until Event Hubs is back",
    "off": "were not kept: CAPTURE is false",
    "lost": "were lost, since neither Event Hubs nor storage took them: send the file again",
}


def add(commands: Commands) -> None:
    """Declare it."""
    actuals = commands.add("actuals", _actuals, about="send what turned out, or say what became of it")
    actuals.add_argument("path", type=existing_file, nargs="?", help="Parquet or CSV, one row an actual")
    actuals.add_argument("--model", type=valid_name)
    keys = actuals.add_mutually_exclusive_group()
    keys.add_argument("--prediction-id", metavar="COLUMN", help="the id that scoring answered with (prediction_id)")
    keys.add_argument("--external-id", metavar="COLUMN", help="the caller's own key (external_id)")
    actuals.add_argument(
        "--value", default="value", metavar="COLUMN", help="what turned out; an empty cell: nothing yet"
    )
    actuals.add_argument("--at", default="at", metavar="COLUMN", help="when that was known")
    actuals.add_argument("--naive-is-utc", action="store_true", help="take times without a zone for UTC")
    actuals.add_argument("--skip-bad", action="store_true", help="send the rows that fit, where others do not")
    actuals.add_argument("--dry-run", action="store_true", help="look at every row, and send nothing")
    actuals_status.add_arguments(actuals)


async def _actuals(asked: argparse.Namespace) -> Answer:
    if asked.status is not None:
        return await actuals_status.status(asked)
    if asked.list is not None:
        raise SystemExit("--list goes with --status")
    if asked.path is None or asked.model is None:
        raise SystemExit(
            "say which: a file with its --model to send what turned out, or --status for what became of it"
        )
    return await _send(asked)


async def _send(asked: argparse.Namespace) -> Answer:
    import msgspec
    import pyarrow as pa

    from infra.cli.progress import Progress

    file = await _file(asked)
    with Progress("looking at every row", shown=not asked.json):
        try:
            checked = await file.check()
        except pa.ArrowInvalid as error:
            raise SystemExit(f"{asked.path} cannot be read: {error}") from error
    values = msgspec.to_builtins(checked)
    if not asked.json:
        _show(checked)
    if asked.dry_run:
        return Answer(values, holds=not checked.bad_rows)
    if checked.bad_rows and not (asked.skip_bad and checked.rows):
        if not asked.json:
            rest = "correct these rows, or leave them out with --skip-bad" if checked.rows else "no row fits"
            print(f"nothing was sent: {rest}")
        return Answer(values, holds=False)
    with Progress("sending", shown=not asked.json) as progress:
        sent = await file.send(wiring.keeper(), lambda rows: progress.show(rows, checked.rows))
    return _answer(asked, values, checked, sent)


async def _file(asked: argparse.Namespace) -> "ActualsFile":
    from infra.cli.actuals_file import ActualsFile, Columns, Key
    from shared.capture.actual_values import Wanted
    from shared.sealing.imports.moments import Moments

    keys: dict[Key, str | None] = {"prediction_id": asked.prediction_id, "external_id": asked.external_id}
    there = decoded(lambda: names(asked.path), asked.path)
    columns = Columns.among(there, keys, value=asked.value, at=asked.at)
    wanted = Wanted.by(await wiring.registry().versions(asked.model))
    return ActualsFile(asked.path, asked.model, columns, wanted, Moments(None, None, asked.naive_is_utc))


def _show(checked: "Checked") -> None:
    if checked.bad_rows:
        everything = checked.rows + checked.bad_rows + checked.untold
        show_misfits(checked.misfits, bad_rows=checked.bad_rows, rows=everything)
    if checked.untold:
        print(f"{checked.untold:,} rows have no value: nothing has turned out of them yet")
    print(f"{checked.rows:,} rows fit")


def _answer(asked: argparse.Namespace, values: dict[str, object], checked: "Checked", sent: "Counter[Kept]") -> Answer:
    from infra.cli.actuals_file import NOT_KEPT

    left = checked.rows - sent.total()
    if not asked.json:
        for kept, rows in sent.items():
            print(f"{rows:,} actuals {_HOW[kept]}")
        if left:
            print(f"{left:,} were not tried after that")
    kept_well = not NOT_KEPT & sent.keys()
    return Answer({**values, "sent": sent.total(), "kept": {**sent}, "not_tried": left}, holds=kept_well)
