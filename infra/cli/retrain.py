"""``retrain`` has a challenger made of what was captured."""

import argparse
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.cli.command import Answer, Commands, hour, valid_name
from infra.cli.progress import Steps
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from shared.retraining.training_set import TrainingSet

FEWEST: Final = 200


def add(commands: Commands) -> None:
    """Declare it."""
    retrain = commands.add("retrain", _retrain, about="train a challenger on what was captured, by a trainer of yours")
    retrain.add_argument("model", type=valid_name)
    retrain.add_argument(
        "--trainer",
        metavar="COMMAND",
        help="what trains: a command, run without a shell, or the https address of a hook",
    )
    retrain.add_argument(
        "--version", type=valid_name, help="what the challenger is called; the next name when left out"
    )
    retrain.add_argument("--from", dest="first", type=hour, metavar="HOUR", help="learn from here, as 2026-03-01T09")
    retrain.add_argument("--to", dest="end", type=hour, metavar="HOUR", help="the first hour not to learn from")
    retrain.add_argument(
        "--rows-at-least",
        type=_count,
        default=FEWEST,
        metavar="N",
        help=f"refuse fewer with an actual (default {FEWEST})",
    )
    retrain.add_argument(
        "--timeout-s", type=_seconds, default=3600.0, metavar="S", help="end the command after that (default 3600)"
    )
    retrain.add_argument(
        "--pass",
        dest="passed",
        action="append",
        default=[],
        metavar="NAME",
        help="let the command see a variable of the environment, as its own password; repeatable",
    )
    retrain.add_argument("--dry-run", action="store_true", help="say what there is to learn from, and train nothing")


async def _retrain(asked: argparse.Namespace) -> Answer:
    from infra.cli import hook
    from shared.errors import InsufficientData

    if asked.first and asked.end and asked.end <= asked.first:
        raise SystemExit("--to is not after --from: there would be nothing to learn from")
    if not (asked.trainer or asked.dry_run):
        raise SystemExit("--trainer says what trains; --dry-run says what there is to learn from")
    asks = bool(asked.trainer) and hook.is_hook(asked.trainer)
    if asks:
        hook.refuse_unsafe(asked.trainer, secret=wiring.settings().webhook_secret)
    with Steps("gathering what was captured", "training", "registering", shown=not asked.json) as steps:
        drawn = await wiring.gathering().gather(asked.model, asked.first, asked.end)
        if not asked.dry_run:
            if drawn.rows.num_rows < asked.rows_at_least:
                raise InsufficientData(rows=drawn.rows.num_rows, needed=asked.rows_at_least)
            is_made = await wiring.training().finish(drawn, asked.version)
            version = asked.version if is_made else await wiring.training().version(asked.model, asked.version)
            steps.next()
            if is_made:
                said = _registered(drawn, version)
            else:
                said = await (_ask(asked, drawn, version) if asks else _train(asked, drawn, version, steps))
    if asked.dry_run:
        return _told(drawn, asked)
    if not asked.json:
        print(said)
    return Answer(_values(drawn) | {"version": version, "registered": is_made or not asks})


async def _train(asked: argparse.Namespace, drawn: "TrainingSet", version: str, steps: Steps) -> str:
    """Run the command and register what it made; return what is to be said of it."""
    from infra.cli import trainer
    from shared.retraining.challengers import schema_to_learn

    training = wiring.training()
    lineage = training.lineage(drawn, trainer=asked.trainer)
    with tempfile.TemporaryDirectory(prefix="driftline-") as name, trainer.interrupted_by_all():
        folder = Path(name)
        trainer.write(folder, drawn.file, schema_to_learn(drawn))
        environment = wiring.variables((*trainer.PASSED_ON, *asked.passed)) | trainer.variables(folder, drawn.parent)
        file = await trainer.run(asked.trainer, folder, environment, timeout_s=asked.timeout_s)
    steps.next()
    await training.register(drawn, file, version=version, lineage=lineage)
    steps.next()
    return _registered(drawn, version)


async def _ask(asked: argparse.Namespace, drawn: "TrainingSet", version: str) -> str:
    """Place the training set and ask the hook; return what is to be said of it."""
    from infra.cli import hook, trainer
    from shared.retraining.challengers import schema_to_learn
    from shared.retraining.training import TRAINING_FILE
    from shared.retraining.training_set import AT

    ours = wiring.settings()
    training = wiring.training()
    schema = schema_to_learn(drawn)
    folder = await training.place(drawn)
    request = hook.Request(
        model=asked.model,
        version=version,
        training_data=f"{folder}{TRAINING_FILE}",
        sha256=drawn.sha256,
        rows=drawn.rows.num_rows,
        model_file=f"{folder}{trainer.MODEL}",
        schema=schema,
        actual=drawn.parent.actual,
        time=AT,
        task=drawn.parent.task,
        lineage=training.lineage(drawn, trainer=hook.host(asked.trainer)),
    )
    await hook.ask(wiring.posting(), asked.trainer, request, secret=ours.webhook_secret, at=ours.clock.now())
    return f"{hook.host(asked.trainer)} was asked to train {asked.model} {version} on {_rows(drawn)}"


def _registered(drawn: "TrainingSet", version: str) -> str:
    parent = drawn.parent
    return (
        f"{parent.model} {version} is registered as a challenger of {parent.version}, made of {_rows(drawn)}; "
        f"python manage.py promote {parent.model} {version}"
    )


def _told(drawn: "TrainingSet", asked: argparse.Namespace) -> Answer:
    """Say what there is to learn from."""
    enough = drawn.rows.num_rows >= asked.rows_at_least
    if not asked.json:
        print(f"a challenger of {asked.model} {drawn.parent.version} would learn from {_rows(drawn)}")
        if drawn.misfits:
            print(f"left out: {drawn.misfits:,} whose actual is nothing that the model could answer")
        if not enough:
            print(f"that is too little: --rows-at-least is {asked.rows_at_least:,}")
    return Answer(_values(drawn) | {"enough": enough})


def _rows(drawn: "TrainingSet") -> str:
    """Return the rows, coverage and span of a training set, in words."""
    share = "" if drawn.coverage is None else f" ({drawn.coverage:.1%})"
    return (
        f"{drawn.rows.num_rows:,} of {drawn.predictions:,} predictions{share}, those with an actual, "
        f"from {drawn.first.key} to {drawn.end.key}"
    )


def _values(drawn: "TrainingSet") -> dict[str, Any]:
    return {
        "model": drawn.parent.model,
        "parent": drawn.parent.version,
        "start": drawn.first.key,
        "end": drawn.end.key,
        "predictions": drawn.predictions,
        "rows": drawn.rows.num_rows,
        "misfits": drawn.misfits,
        "coverage": drawn.coverage,
        "sha256": drawn.sha256,
        "size_bytes": len(drawn.file),
    }


def _count(text: str) -> int:
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows, 1 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds
