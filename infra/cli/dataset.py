"""``dataset`` turns what was kept into rows to learn from."""

import argparse
from typing import TYPE_CHECKING, Any

from infra.cli import dataset_diff, dataset_queue, dataset_rebuild
from infra.cli.accepting import add_accept, how_to_accept
from infra.cli.command import Answer, Commands, existing_file, moment, valid_name
from infra.cli.dataset_engine import add_engine, building, hand_over
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from shared.datasets.manifest import Check, DatasetManifest
    from shared.datasets.recipe import Recipe
    from shared.datasets.requests import Progress


def add(commands: Commands) -> None:
    """Declare it."""
    group = commands.group("dataset", about="turn what was kept into rows to learn from, the same rows at every time")
    build = group.add("build", _build, about="build what a recipe asks for, or go on where a build was")
    build.add_argument("recipe", type=existing_file, help="YAML or JSON")
    build.add_argument("--as-of", type=moment, metavar="TIME", help="what is known by then, as 2026-03-01T09:00Z")
    build.add_argument(
        "--original", type=existing_file, metavar="FILE", help="Parquet: the training data that the recipe mixes in"
    )
    add_accept(build)
    add_engine(build)
    show = group.add("show", _show, about="show what a dataset was made of, and what became of every row")
    show.add_argument("model", type=valid_name)
    show.add_argument("dataset", help="its name, or the first six digits of it or more")
    dataset_rebuild.add(group)
    dataset_diff.add(group)
    dataset_queue.add(group)
    listed = group.add("list", _list, about="list the datasets of a model, the newest first")
    listed.add_argument("model", type=valid_name)


async def _build(asked: argparse.Namespace) -> Answer:
    from infra.cli.progress import Progress as Bar

    recipe = _recipe(asked)
    await hand_over(asked.original, recipe)
    steps: list[int] = []
    with Bar("building", shown=not asked.json) as bar:

        def told(done: int, total: int) -> None:
            steps.append(done)
            bar.show(done, total)

        done = await building(asked).advance(recipe, accepted=asked.accept, told=told)
    if done.dataset is None:
        return _not_built(done, asked)
    made = await wiring.datasets().find(recipe.model, done.dataset)
    # Another recipe, or the same one later, may have come to the same rows.
    is_new = len(steps) > 1 and made.build == done.build
    if not asked.json:
        print(f"dataset {made.dataset[:12]} of {made.model}: {'built' if is_new else 'it is there already'}")
        _tell(made)
    return Answer(_values(made) | {"built": is_new})


def _recipe(asked: argparse.Namespace) -> "Recipe":
    import msgspec

    from shared.datasets.recipe import parse

    recipe = parse(asked.recipe.read_bytes(), path=str(asked.recipe))
    return recipe if asked.as_of is None else msgspec.structs.replace(recipe, as_of=asked.as_of)


def _not_built(done: "Progress", asked: argparse.Namespace) -> Answer:
    """Say why there is no dataset."""
    import msgspec

    from shared.datasets.checks import refusing

    if not asked.json:
        if done.waits_for is not None:
            print(f"nothing is built yet: {done.waits_for}")
        for one in done.checks:
            _tell_check(one)
        failed = refusing(done.checks)
        if failed:
            what = f"there is no dataset: {', '.join(one.name for one in failed)} failed"
            print("; ".join(filter(None, (what, how_to_accept(failed)))))
    values = {"dataset": None, "build": done.build, "waits_for": done.waits_for}
    return Answer(values | {"checks": [msgspec.to_builtins(one) for one in done.checks]}, holds=False)


async def _show(asked: argparse.Namespace) -> Answer:
    made = await wiring.datasets().find(asked.model, asked.dataset)
    if not asked.json:
        print(f"dataset {made.dataset} of {made.model}, {made.state}")
        _tell(made)
    return Answer(_values(made))


async def _list(asked: argparse.Namespace) -> Answer:
    import msgspec

    found = await wiring.datasets().of(asked.model)
    if not asked.json:
        from rich.console import Console
        from rich.table import Column, Table

        table = Table("dataset", "built", "versions", "hours", Column("rows", justify="right"), "")
        for one in found.datasets:
            table.add_row(
                one.dataset[:12],
                f"{one.built_at:%Y-%m-%d %H:%M}",
                ", ".join(one.versions),
                f"{one.start} to {one.end}",
                f"{sum(one.rows.values()):,}",
                "" if one.state == "ready" else one.state,
            )
        Console(highlight=False).print(table if found.datasets else f"no datasets of {asked.model}")
    values: dict[str, Any] = msgspec.to_builtins(found)
    return Answer(values)


def _tell(made: "DatasetManifest") -> None:
    from rich.console import Console
    from rich.table import Table

    from shared.datasets.paths import dataset_folder

    console = Console(highlight=False)
    recipe = made.recipe
    table = Table.grid(padding=(0, 2))
    for name, value in (
        (
            "predictions",
            f"{made.predictions:,} of version {', '.join(recipe.versions)}, {recipe.start} to {recipe.end}",
        ),
        *(("original", f"{one.rows:,} rows of {one.path}") for one in made.inputs if one.use == "original"),
        ("known by", f"{recipe.as_of:%Y-%m-%d %H:%M} UTC" if recipe.as_of else "no time"),
        *((split, f"{rows:,} rows") for split, rows in made.rows.items()),
        *((f"left out: {reason.replace('_', ' ')}", f"{rows:,}") for reason, rows in sorted(made.excluded.items())),
        *((f"no prediction: {what.replace('_', ' ')}", f"{rows:,}") for what, rows in made.not_predictions.items()),
    ):
        table.add_row(name, value)
    console.print(table)
    print(f"where: {dataset_folder(made.model, made.dataset)}")
    for one in made.checks:
        _tell_check(one)


def _tell_check(check: "Check") -> None:
    print(f"{check.name.replace('_', ' ')}: {check.outcome}{', accepted' if check.accepted else ''}; {check.reason}")
    if check.rows:
        print(f"  rows {', '.join(check.rows)}")


def _values(made: "DatasetManifest") -> dict[str, Any]:
    import msgspec

    values: dict[str, Any] = msgspec.to_builtins(made)
    return values
