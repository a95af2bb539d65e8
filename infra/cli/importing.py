"""``import`` makes sealed hours of a history of predictions."""

import argparse
from functools import partial
from typing import TYPE_CHECKING

from infra.cli.command import Answer, Commands, existing_file, valid_name
from infra.cli.rows import pieces, show_misfits
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from shared.sealing.imports.importing import Added


def add(commands: Commands) -> None:
    """Declare it."""
    importing = commands.add("import", _import, about="make sealed hours of a history of predictions")
    importing.add_argument("path", type=existing_file, help="Parquet or CSV, one row a prediction, features by name")
    importing.add_argument("--model", type=valid_name, required=True)
    importing.add_argument("--version", type=valid_name, required=True)
    importing.add_argument("--time", required=True, metavar="COLUMN", help="when it was scored")
    importing.add_argument(
        "--prediction", default="prediction", metavar="COLUMN", help="the answer; others are in prediction.<name>"
    )
    importing.add_argument("--external-id", metavar="COLUMN", help="the caller's own key")
    importing.add_argument("--actual", metavar="COLUMN", help="what turned out")
    importing.add_argument("--actual-time", metavar="COLUMN", help="when that was known")
    importing.add_argument("--naive-is-utc", action="store_true", help="take times without a zone for UTC")
    importing.add_argument("--skip-bad", action="store_true", help="import the rows that fit, where others do not")


async def _import(asked: argparse.Namespace) -> Answer:
    import msgspec
    import pyarrow as pa

    from infra.cli.progress import Progress
    from shared.sealing.imports.history import Columns

    if bool(asked.actual) != bool(asked.actual_time):
        raise SystemExit("--actual and --actual-time go together: what turned out was known at some time")
    columns = Columns(
        time=asked.time,
        prediction=asked.prediction,
        external_id=asked.external_id,
        actual=asked.actual,
        actual_time=asked.actual_time,
    )
    importing = wiring.importing()
    manifest, history = await importing.history(asked.model, asked.version, columns, naive_is_utc=asked.naive_is_utc)
    source = partial(pieces, asked.path)
    with Progress("looking at every row", shown=not asked.json):
        try:
            checked = await importing.check(history, source)
        except pa.ArrowInvalid as error:
            raise SystemExit(f"{asked.path} cannot be read: {error}") from error
    values = msgspec.to_builtins(checked)
    if checked.bad_rows and not asked.json:
        show_misfits(checked.misfits, bad_rows=checked.bad_rows, rows=checked.rows + checked.bad_rows)
    if (checked.bad_rows and not asked.skip_bad) or not checked.rows:
        if not asked.json:
            rest = "correct these rows, or leave them out with --skip-bad" if checked.rows else "no row fits"
            print(f"nothing was imported: {rest}")
        return Answer(values, holds=False)
    with Progress("adding hours", shown=not asked.json) as progress:
        added = await importing.add(
            manifest, history, source, checked, done=lambda hours: progress.show(hours, checked.hours)
        )
    if not asked.json:
        _show(added)
        if checked.later_actuals:
            print(
                f"left out {checked.later_actuals:,} actuals: the hours that they were known in are not sealed yet; "
                "import the file again once they are"
            )
    return Answer({**values, **msgspec.to_builtins(added)})


def _show(added: "Added") -> None:
    if not (added.predictions or added.actuals):
        print(f"nothing to add: all {added.predictions_known:,} rows are there already")
        return
    print(f"added {added.predictions:,} predictions; {added.predictions_known:,} were there already")
    if added.actuals or added.actuals_known:
        print(f"added {added.actuals:,} actuals; {added.actuals_known:,} were there already")
