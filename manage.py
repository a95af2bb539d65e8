"""Driftline's command line: ``python manage.py COMMAND``.

It reads the app's settings from the environment, or from a ``local.settings.json`` as ``make run`` writes it.
"""

import argparse
import asyncio
import hashlib
import json
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from shared import wiring
from shared.errors import Fault
from shared.ids import is_name

if TYPE_CHECKING:  # each command imports what it needs
    import pyarrow as pa

    from shared.monitoring.evaluation import Evaluation
    from shared.schema import Schema

_SETTINGS_FILES: Final = (Path("local.settings.json"), Path(".local/run/local.settings.json"))

Answer = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 when it did what was asked, 1 with the reason on standard error when it could not."""
    asked = _parser().parse_args(arguments)
    _apply_settings(asked.settings)
    try:
        answer: Answer = asyncio.run(_closing(asked.run(asked)))
    except (Fault, ExceptionGroup) as raised:
        for fault in _faults(raised):
            print(json.dumps({"error": fault.code, "detail": str(fault)}) if asked.json else fault, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: nothing is half done; run it again", file=sys.stderr)
        return 130
    if asked.json:
        print(json.dumps(answer))
    return 0


def _faults(raised: "Fault | ExceptionGroup[Exception]") -> list[Fault]:
    """Return the faults that ended a command: several where versions, each by itself, could not be evaluated."""
    if isinstance(raised, Fault):
        return [raised]
    faults = [one for one in raised.exceptions if isinstance(one, Fault)]
    if len(faults) < len(raised.exceptions):
        raise raised
    return faults


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    common.add_argument("--settings", type=_file, help="a local.settings.json; the environment wins over it")
    parser = argparse.ArgumentParser(prog="python manage.py", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    register = commands.add_parser("register", parents=[common], help="store a version: model, schema, baseline")
    register.add_argument("model", type=_name)
    register.add_argument("version", type=_name)
    register.add_argument("--model", dest="file", type=_file, required=True, help="an ONNX model")
    register.add_argument("--training-data", type=_file, required=True, help="Parquet or CSV, one row a training row")
    register.add_argument("--actual", required=True, metavar="COLUMN", help="what the model predicts")
    register.add_argument("--time", metavar="COLUMN", help="when each row happened")
    register.add_argument("--schema", type=_file, help="a corrected schema, in place of the inferred one")
    register.add_argument("--dry-run", action="store_true", help="print the schema and store nothing")
    register.set_defaults(run=_register)

    promote = commands.add_parser("promote", parents=[common], help="make a version answer for its model")
    promote.add_argument("model", type=_name)
    promote.add_argument("version", type=_name)
    promote.add_argument("--as", dest="alias", default="champion", choices=("champion", "challenger"))
    promote.set_defaults(run=_promote)

    monitor = commands.add_parser("monitor", parents=[common], help="evaluate now what was not evaluated yet")
    monitor.add_argument("model", type=_name, nargs="?", help="the model that --config is for")
    monitor.add_argument("--config", type=_file, help="first make this monitor.yaml the model's configuration")
    monitor.set_defaults(run=_monitor)
    return parser


def _name(text: str) -> str:
    if not is_name(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name: lower-case letters, digits, '.', '_' and '-', 63 at most"
        )
    return text


def _file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text!r}")
    return path


def _apply_settings(given: Path | None) -> None:
    for path in [given] if given else [path for path in _SETTINGS_FILES if path.is_file()][:1]:
        try:
            values: dict[str, str] = json.loads(path.read_bytes())["Values"]
        except (ValueError, KeyError, TypeError) as error:
            raise SystemExit(f"{path} cannot be read: it is no local.settings.json ({error!r})") from error
        for name, value in values.items():
            os.environ.setdefault(name, value)


async def _closing(command: Awaitable[Answer]) -> Answer:
    try:
        return await command
    finally:
        await wiring.close()


async def _register(asked: argparse.Namespace) -> Answer:
    import msgspec

    from shared.schema import Schema
    from shared.scoring.registration import TrainingData, draft

    schema = None
    if asked.schema:
        schema = _decoded(lambda: msgspec.json.decode(asked.schema.read_bytes(), type=Schema), asked.schema)
    with _Steps("reading", "scoring the training data", "storing", shown=not asked.json) as steps:
        training = TrainingData(
            rows=_decoded(lambda: _table(asked.training_data), asked.training_data),
            actual=asked.actual,
            time=asked.time,
            sha256=hashlib.sha256(asked.training_data.read_bytes()).hexdigest(),
        )
        steps.next()
        made = await asyncio.to_thread(
            draft,
            asked.file.read_bytes(),
            training,
            model=asked.model,
            version=asked.version,
            schema=schema,
            at=wiring.clock().now(),
        )
        steps.next()
        if not asked.dry_run:
            await wiring.registry().register(made.manifest, files=made.files)
        steps.next()
    if asked.dry_run and not asked.json:
        print(msgspec.json.format(msgspec.json.encode(made.manifest.schema), indent=2).decode())
    elif not asked.json:
        _show_schema(made.manifest.schema)
        print(f"{asked.model} {asked.version} is registered; python manage.py promote {asked.model} {asked.version}")
    return {
        "model": asked.model,
        "version": asked.version,
        "stored": not asked.dry_run,
        "training_rows": made.manifest.training_rows,
        "schema": msgspec.to_builtins(made.manifest.schema),
    }


async def _promote(asked: argparse.Namespace) -> Answer:
    aliases = await wiring.registry().promote(asked.model, asked.version, alias=asked.alias)
    if not asked.json:
        print(f"{asked.alias} of {asked.model} is {asked.version}")
    return {"model": asked.model, "aliases": aliases.versions}


async def _monitor(asked: argparse.Namespace) -> Answer:
    import msgspec

    if asked.config:
        if asked.model is None:
            raise SystemExit("--config needs the model it is for")
        await wiring.monitoring().configure(asked.model, asked.config.read_bytes())
    evaluations = await wiring.monitoring().evaluate_all()
    if not asked.json:
        _show_evaluations(evaluations)
    return {"evaluations": [msgspec.to_builtins(evaluation) for evaluation in evaluations]}


def _table(path: Path) -> "pa.Table":
    import pyarrow.csv
    import pyarrow.parquet

    return pyarrow.csv.read_csv(path) if path.suffix == ".csv" else pyarrow.parquet.read_table(path)


def _decoded(read: Callable[[], Any], path: Path) -> Any:  # noqa: ANN401 - whatever is read
    """Return what ``read`` returns; a file that cannot be read ends the command with its name and the reason."""
    import msgspec
    import pyarrow as pa

    try:
        return read()
    except (pa.ArrowInvalid, msgspec.DecodeError) as error:
        raise SystemExit(f"{path} cannot be read: {error}") from error


class _Steps:
    """A progress bar over named steps."""

    def __init__(self, *names: str, shown: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._names = names
        columns = (TextColumn("{task.description:28}"), BarColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), disable=not shown)
        self._task = self._progress.add_task(names[0], total=len(names))
        self._done = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def next(self) -> None:
        """Note that a step is done."""
        self._done += 1
        name = self._names[min(self._done, len(self._names) - 1)]
        self._progress.update(self._task, completed=self._done, description=name)


def _show_schema(schema: "Schema") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("feature", "type", "may be missing", "known values")
    for feature in schema.features:
        known = "" if feature.minimum is None else f"{feature.minimum:g} to {feature.maximum:g}"
        if feature.categories is not None:
            known = f"{len(feature.categories)} categories"
        table.add_row(feature.name, feature.type, "yes" if feature.nullable else "no", known)
    for name, output in zip(schema.output_columns, schema.outputs, strict=True):
        table.add_row(f"→ {name}", output.type, "", "")
    Console().print(table)


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


if __name__ == "__main__":
    sys.exit(main())
