"""``register`` stores a version; ``promote`` makes it answer, or a challenger."""

import argparse
import asyncio
import contextlib
import hashlib
import math
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from infra.cli.command import Answer, Commands, decoded, existing_file, table, valid_name
from infra.cli.progress import Steps
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from shared.datasets.manifest import DatasetManifest
    from shared.registry.manifest import Lineage
    from shared.retraining.comparison import Comparison
    from shared.schema import Feature, Privacy, Schema

T = TypeVar("T")


def add(commands: Commands) -> None:
    """Declare both."""
    register = commands.add("register", _register, about="store a version: model, schema, baseline")
    register.add_argument("model", type=valid_name)
    register.add_argument("version", type=valid_name)
    register.add_argument("--model", dest="file", type=existing_file, required=True, help="an ONNX model")
    register.add_argument(
        "--training-data", type=existing_file, required=True, help="Parquet or CSV, one row a training row"
    )
    register.add_argument("--actual", required=True, metavar="COLUMN", help="what the model predicts")
    register.add_argument("--time", metavar="COLUMN", help="when each row happened")
    register.add_argument("--schema", type=existing_file, help="a corrected schema, in place of the inferred one")
    register.add_argument(
        "--drop",
        action="append",
        default=[],
        metavar="FEATURE",
        help="keep nothing of a feature; repeatable, as are the next two",
    )
    register.add_argument(
        "--hash", action="append", default=[], metavar="FEATURE", help="keep a hash of a feature, made with PRIVACY_KEY"
    )
    register.add_argument(
        "--coarsen",
        action="append",
        default=[],
        type=_feature_with_step,
        metavar="FEATURE=STEP",
        help="keep a number rounded down to a multiple of STEP, or the first STEP characters of a text",
    )
    register.add_argument(
        "--lineage", type=existing_file, help="how it was made of what was captured, as a trainer's hook was told"
    )
    register.add_argument(
        "--as", dest="alias", choices=("champion", "challenger"), help="promote it, once it is registered"
    )
    register.add_argument("--dry-run", action="store_true", help="print the schema and store nothing")

    promote = commands.add("promote", _promote, about="make a version answer for its model, or be tried beside it")
    promote.add_argument("model", type=valid_name)
    promote.add_argument("version", type=valid_name)
    what = promote.add_mutually_exclusive_group()
    what.add_argument(
        "--as",
        dest="alias",
        default="champion",
        choices=("champion", "challenger"),
        help="the one that answers (default), or one more of those that are tried beside it",
    )
    what.add_argument("--not", dest="removed", choices=("challenger",), help="let it be tried no more")


async def _register(asked: argparse.Namespace) -> Answer:
    import msgspec

    from shared.registry.manifest import Lineage
    from shared.retraining.training_set import standing
    from shared.schema import Schema
    from shared.scoring.registration import TrainingData, draft

    def read(path: Path | None, kind: type[T]) -> T | None:
        return None if path is None else decoded(lambda: msgspec.json.decode(path.read_bytes(), type=kind), path)

    schema, lineage = read(asked.schema, Schema), read(asked.lineage, Lineage)
    dataset = await _dataset(asked.model, lineage)
    with Steps("reading", "scoring the training data", "storing", shown=not asked.json) as steps:
        rows = decoded(lambda: table(asked.training_data), asked.training_data)
        training = TrainingData(
            rows=rows if dataset is None else standing(rows, dataset.recipe),
            actual=asked.actual,
            time=asked.time,
            sha256=hashlib.sha256(asked.training_data.read_bytes()).hexdigest(),
            lineage=lineage,
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
            privacy=_privacy(asked),
            privacy_key=wiring.privacy_key(),
        )
        steps.next()
        if not asked.dry_run:
            await wiring.registry().register(made.manifest, files=made.files, may=partial(_refuse_erased, dataset))
            if asked.alias:
                await wiring.registry().promote(asked.model, asked.version, alias=asked.alias)
        steps.next()
    if asked.dry_run and not asked.json:
        print(msgspec.json.format(msgspec.json.encode(made.manifest.schema), indent=2).decode())
    elif not asked.json:
        _show_schema(made.manifest.schema)
        then = f"it is {asked.alias}" if asked.alias else f"python manage.py promote {asked.model} {asked.version}"
        print(f"{asked.model} {asked.version} is registered; {then}")
    return Answer(
        {
            "model": asked.model,
            "version": asked.version,
            "stored": not asked.dry_run,
            "training_rows": made.manifest.training_rows,
            "schema": msgspec.to_builtins(made.manifest.schema),
        }
    )


async def _dataset(model: str, lineage: "Lineage | None") -> "DatasetManifest | None":
    """Return the dataset that a version learned from, perhaps an erased one; None of none, and of one that is not here."""
    from shared.errors import UnknownDataset, UnknownModel

    if lineage is None or lineage.dataset is None:
        return None
    with contextlib.suppress(UnknownDataset, UnknownModel):
        return await wiring.datasets().find(model, lineage.dataset)
    return None


async def _refuse_erased(dataset: "DatasetManifest | None") -> None:
    """See that nobody was erased from what a version learned from.

    Raises:
        DatasetErased: somebody was.
        UnknownDataset: nobody can say any more.
    """
    if dataset is not None:
        await wiring.training().refuse_erased(dataset.model, dataset.dataset)


async def _promote(asked: argparse.Namespace) -> Answer:
    import msgspec

    registry = wiring.registry()
    beside = await _beside(asked) if not asked.removed else None
    if asked.removed:
        aliases = await registry.remove_challenger(asked.model, asked.version)
    else:
        aliases = await registry.promote(asked.model, asked.version, alias=asked.alias)
    if not asked.json and (asked.removed or asked.alias == "challenger"):
        print(f"challengers of {asked.model}: {', '.join(aliases.challengers) or 'none'}")
    elif not asked.json:
        print(f"{asked.alias} of {asked.model} is {asked.version}")
    if not asked.json and beside is not None:
        _show_beside(beside)
    return Answer(
        {
            "model": asked.model,
            "aliases": aliases.versions,
            "challengers": aliases.challengers,
            "comparison": None if beside is None else msgspec.to_builtins(beside),
        }
    )


async def _beside(asked: argparse.Namespace) -> "Comparison | None":
    """Return the version beside the champion there was before; None where nobody answered, or it was not measured."""
    from shared.retraining.comparison import compared

    champion = (await wiring.registry().aliases(asked.model)).champion
    if champion is None or champion == asked.version:
        return None
    periods = [one.losses for one in await wiring.periods().of(asked.model)]
    return compared(periods, champion, asked.version)


def _show_beside(beside: "Comparison") -> None:
    error = "" if beside.gap_error is None else f" ± {beside.gap_error:.2g}"
    better = "better" if beside.gap > 0 else "worse"
    sure = "" if beside.sureness is None else f": {max(beside.sureness, 1 - beside.sureness):.1%} sure to be {better}"
    periods = f"{beside.periods} period{'' if beside.periods == 1 else 's'}"
    print(
        f"on the same {beside.rows:,} rows of {periods} {beside.version} lost {abs(beside.gap):.3g}{error} "
        f"{'less' if beside.gap > 0 else 'more'} than {beside.champion}, which lost {beside.champion_loss:.3g}{sure}"
    )


def _feature_with_step(text: str) -> tuple[str, float]:
    """Read ``FEATURE=STEP``; the feature's name may itself hold a ``=``."""
    name, _, step = text.rpartition("=")
    try:
        number = float(step)
    except ValueError:
        number = math.nan
    if not name or not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not FEATURE=STEP with a number as STEP")
    return name, int(number) if number.is_integer() else number


def _privacy(asked: argparse.Namespace) -> "dict[str, Privacy]":
    from shared.schema import Coarsen, Drop, Hash

    said: list[tuple[str, Privacy]] = [
        *((name, Drop()) for name in asked.drop),
        *((name, Hash()) for name in asked.hash),
        *((name, Coarsen(step=step)) for name, step in asked.coarsen),
    ]
    by_name = dict(said)
    if len(by_name) < len(said):
        twice = next(name for name, how in said if by_name[name] is not how)
        raise SystemExit(f"{twice!r} stands in more than one of --drop, --hash and --coarsen")
    return by_name


def _show_schema(schema: "Schema") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("feature", "type", "optional", "known values", "what is kept")
    for feature in schema.features:
        known = "" if feature.minimum is None else f"{feature.minimum:g} to {feature.maximum:g}"
        if feature.categories is not None:
            known = f"{len(feature.categories)} categories"
        table.add_row(feature.name, feature.type, "yes" if feature.nullable else "no", known, _kept(feature))
    for name, output in zip(schema.output_columns, schema.outputs, strict=True):
        table.add_row(f"→ {name}", output.type, "", "", "as it is")
    Console().print(table)


def _kept(feature: "Feature") -> str:
    from shared.schema import TEXT, Coarsen, Drop, Hash

    match feature.privacy:
        case Drop():
            return "nothing"
        case Hash():
            return "keyed hash"
        case Coarsen(step=step):
            characters = "first character" if step == 1 else f"first {step:g} characters"
            return characters if feature.type in TEXT else f"steps of {step:g}"
    return "as it is"
