"""``dataset rebuild`` builds a dataset again from its plan, and says whether it is the same."""

import argparse
from typing import TYPE_CHECKING, Any

from infra.cli import dataset_diff
from infra.cli.command import Answer, Commands, existing_file, valid_name
from infra.cli.dataset_engine import add_engine, building
from infra.cli.progress import Progress
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from shared.datasets.manifest import DatasetManifest
    from shared.datasets.rebuilding import Rebuilt


def add(commands: Commands) -> None:
    """Declare it, among the commands of ``dataset``."""
    rebuild = commands.add(
        "rebuild",
        _rebuild,
        about="build a dataset again from its plan, publish nothing, and say whether it is the same",
    )
    rebuild.add_argument("dataset", help="its name, or the first six digits of it or more")
    rebuild.add_argument("--model", type=valid_name, metavar="M", help="whose dataset (default: it is looked for)")
    rebuild.add_argument(
        "--original",
        type=existing_file,
        metavar="FILE",
        help="Parquet: the training data that it mixes in, if that is gone",
    )
    add_engine(rebuild)


async def _rebuild(asked: argparse.Namespace) -> Answer:
    import msgspec

    from infra.cli.dataset_engine import hand_over
    from shared.datasets.rebuilding import Rebuilding

    rebuilding = Rebuilding(building(asked))
    datasets = wiring.datasets()
    made = await (
        datasets.find_anywhere(asked.dataset) if asked.model is None else datasets.find(asked.model, asked.dataset)
    )
    if made.state == "ready":
        await hand_over(asked.original, made.recipe)
    with Progress("building again", shown=not asked.json) as bar:
        found = await rebuilding.rebuild(made, told=bar.show)
    if not asked.json:
        _show(found, made)
    values: dict[str, Any] = msgspec.to_builtins(found)
    return Answer(values, holds=found.is_same)


def _show(found: "Rebuilt", made: "DatasetManifest") -> None:
    for one in found.lost:
        print(f"{one.use} {one.how}: {one.path}: {one.reason}")
    for one in found.beside:
        print(f"{one.use} {one.how}, and not needed as it was: {one.path}: {one.reason}")
    name = f"dataset {made.dataset[:12]} of {made.model}"
    if found.rebuilt is None:
        verb = "is" if len(found.lost) == 1 else "are"
        print(f"{name} cannot be built again: {len(found.lost):,} of what it depends on {verb} not as it was")
    elif found.is_same:
        print(f"{name} is the same, built again: {sum(made.rows.values()):,} rows")
    else:
        print(f"{name} is another one, built again: {found.rebuilt}")
    if found.uncompared is not None:
        print(f"its rows cannot be compared: {found.uncompared}")
    if found.difference is not None:
        dataset_diff.show(found.difference)
