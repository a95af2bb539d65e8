"""``retrain`` has a challenger made of a dataset, and holds it against the champion."""

import argparse
import math
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infra.cli import retrain_told
from infra.cli.accepting import add_accept, how_to_accept
from infra.cli.command import Answer, Commands, count, hour, moment, valid_name
from infra.cli.dataset_engine import MEMORY_MIB
from infra.cli.progress import Steps
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from shared.datasets.manifest import DatasetManifest
    from shared.retraining.training_set import TrainingSet

FEWEST: Final = 200
MOST: Final = 500_000
"""They are held in memory, several times over, while a version is made of them: of fifty numbers each these take 1.4 GB."""


def add(commands: Commands) -> None:
    """Declare it."""
    retrain = commands.add("retrain", _retrain, about="train a challenger on a dataset, by a trainer of yours")
    retrain.add_argument("model", type=valid_name)
    retrain.add_argument(
        "--trainer",
        metavar="COMMAND",
        help="what trains: a command, run without a shell, or the https address of a hook",
    )
    retrain.add_argument(
        "--version", type=valid_name, help="what the challenger is called; the next name when left out"
    )
    retrain.add_argument(
        "--dataset",
        metavar="NAME",
        help="learn from this one, by its name or the first six digits of it or more; when left out, one is built",
    )
    retrain.add_argument("--from", dest="first", type=hour, metavar="HOUR", help="learn from here, as 2026-03-01T09")
    retrain.add_argument("--to", dest="end", type=hour, metavar="HOUR", help="the first hour not to learn from")
    retrain.add_argument(
        "--as-of", type=moment, metavar="TIME", help="learn what was known by then, as 2026-03-01T09:00Z"
    )
    add_accept(retrain)
    retrain.add_argument(
        "--rows-at-least",
        type=count,
        default=FEWEST,
        metavar="N",
        help=f"refuse fewer with an actual, those held out among them (default {FEWEST})",
    )
    retrain.add_argument(
        "--rows",
        type=count,
        default=MOST,
        metavar="N",
        help=f"take no more, those held out among them: a dataset that is built is sampled (default {MOST})",
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
    retrain.add_argument(
        "--promote",
        choices=("when-established",),
        help="have it answer where it is better on the rows held out, and a one-sided test at 5 %% establishes that",
    )
    retrain.add_argument("--dry-run", action="store_true", help="say what there is to learn from, and train nothing")


async def _retrain(asked: argparse.Namespace) -> Answer:
    from infra.cli import hook

    _refuse_contradictions(asked)
    asks = bool(asked.trainer) and hook.is_hook(asked.trainer)
    if asks:
        hook.refuse_unsafe(asked.trainer, secret=wiring.settings().webhook_secret)
        if asked.promote:
            raise SystemExit("--promote goes with a command that trains: what a hook makes is registered later")
    if asked.dry_run:
        return await _dry_run(asked)
    training, compared = wiring.training(), None
    with Steps("making a dataset", "training", "registering", "comparing", shown=not asked.json) as steps:
        made, decision = await _dataset(asked)
        drawn = await wiring.preparing().draw(made, most_rows=asked.rows)
        _refuse_few(sum(made.rows.values()), asked)
        is_made = await training.finish(drawn, asked.version)
        version = asked.version if is_made else await training.version(asked.model, asked.version)
        steps.next()
        if asks and not is_made:
            said = await _ask(asked, drawn, version, decision)
        else:
            if not is_made:
                await _train(asked, drawn, version, decision, steps)
            steps.next()
            compared = await training.compare(drawn, version)
            said = retrain_told.registered(drawn, version, compared.result)
        steps.next()
    if not asked.json:
        print(said)
    promoted = bool(asked.promote and compared and compared.result.is_established)
    if promoted:
        # What is established is that it is better than this champion, and than no other one.
        instead_of = drawn.parent.version
        await wiring.registry().promote(asked.model, version, alias="champion", instead_of=instead_of)
    if not asked.json and compared is not None:
        print(retrain_told.what_next(asked.model, version, compared.result, wanted=bool(asked.promote)))
    registered = {"version": version, "decision": decision, "registered": is_made or not asks, "promoted": promoted}
    return Answer(retrain_told.values(drawn, compared) | registered)


def _refuse_contradictions(asked: argparse.Namespace) -> None:
    if asked.first and asked.end and asked.end <= asked.first:
        raise SystemExit("--to is not after --from: there would be nothing to learn from")
    if asked.dataset and (asked.first or asked.end or asked.as_of or asked.accept):
        raise SystemExit("--from, --to, --as-of and --accept are for a dataset that is built, and --dataset names one")
    if not asked.dataset and asked.rows < asked.rows_at_least:
        raise SystemExit(
            f"--rows={asked.rows} makes a dataset of no more rows, and --rows-at-least={asked.rows_at_least} refuses it: "
            "raise the one, or lower the other"
        )
    if not (asked.trainer or asked.dry_run):
        raise SystemExit("--trainer says what trains; --dry-run says what there is to learn from")


def _refuse_few(rows: int, asked: argparse.Namespace) -> None:
    from shared.errors import InsufficientData

    if rows < asked.rows_at_least:
        raise InsufficientData(rows=rows, needed=asked.rows_at_least)


async def _dry_run(asked: argparse.Namespace) -> Answer:
    """Say what there is to learn from."""
    if asked.dataset:
        made = await wiring.datasets().with_rows(asked.model, asked.dataset)
        drawn = await wiring.preparing().draw(made, most_rows=asked.rows)
        rows, values, said = sum(drawn.made.rows.values()), retrain_told.values(drawn), retrain_told.rows(drawn)
        parent = drawn.parent.version
    else:
        material = await wiring.preparing().look(asked.model, asked.first, asked.end, version=asked.version)
        rows, values, said = material.rows, retrain_told.values_of(material), retrain_told.material(material)
        parent = material.parent.version
    enough = rows >= asked.rows_at_least
    if not asked.json:
        print(f"a challenger of {asked.model} {parent} would learn from {said}")
        if not enough:
            print(f"that is too little: --rows-at-least is {asked.rows_at_least:,}")
    return Answer(values | {"enough": enough})


async def _dataset(asked: argparse.Namespace) -> "tuple[DatasetManifest, str | None]":
    """Return the dataset to learn from, which is built unless it is named, and the decision that it follows.

    Raises:
        DatasetRefused: it failed checks.
    """
    from shared.datasets.checks import refusing
    from shared.errors import DatasetRefused

    if asked.dataset:
        return await wiring.datasets().with_rows(asked.model, asked.dataset), None
    material = await wiring.preparing().look(asked.model, asked.first, asked.end, version=asked.version)
    _refuse_few(material.rows, asked)  # before an hour of building
    building = wiring.building_on("duckdb", memory_mib=MEMORY_MIB, threads=os.cpu_count() or 1)
    done = await building.advance(material.recipe(as_of=asked.as_of, most_rows=asked.rows), accepted=asked.accept)
    if done.waits_for is not None:
        raise SystemExit(f"nothing is trained yet: {done.waits_for}")
    if done.dataset is None:
        failed = refusing(done.checks)
        reasons = [f"{one.name}: {one.reason}" for one in failed]
        raise DatasetRefused(asked.model, reasons=tuple(filter(None, [*reasons, how_to_accept(failed)])))
    return await wiring.datasets().with_rows(asked.model, done.dataset), material.decision


async def _train(
    asked: argparse.Namespace, drawn: "TrainingSet", version: str, decision: str | None, steps: Steps
) -> None:
    """Run the command and register what it made."""
    from infra.cli import trainer
    from shared.retraining.challengers import schema_to_learn

    training = wiring.training()
    lineage = training.lineage(drawn, trainer=asked.trainer, decision=decision)
    with tempfile.TemporaryDirectory(prefix="driftline-") as name, trainer.interrupted_by_all():
        folder = Path(name)
        trainer.write(folder, drawn.file, schema_to_learn(drawn))
        environment = wiring.variables((*trainer.PASSED_ON, *asked.passed)) | trainer.variables(folder, drawn.parent)
        file = await trainer.run(asked.trainer, folder, environment, timeout_s=asked.timeout_s)
    steps.next()
    await training.register(drawn, file, version=version, lineage=lineage)


async def _ask(asked: argparse.Namespace, drawn: "TrainingSet", version: str, decision: str | None) -> str:
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
        lineage=training.lineage(drawn, trainer=hook.host(asked.trainer), decision=decision),
    )
    await hook.ask(wiring.posting(), asked.trainer, request, secret=ours.webhook_secret, at=ours.clock.now())
    return f"{hook.host(asked.trainer)} was asked to train {asked.model} {version} on {retrain_told.rows(drawn)}"


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds
