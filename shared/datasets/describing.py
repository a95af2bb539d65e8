"""A dataset in plain words for whoever finds it, and as a table for Azure Machine Learning."""

import re
from collections.abc import Sequence
from datetime import UTC
from typing import Any, Final

import msgspec

from shared.datasets.manifest import Column, DatasetManifest, Part
from shared.datasets.reasons import IN_WORDS
from shared.datasets.recipe import Recipe, Sampling
from shared.datasets.splitting import SPLITS

MLTABLE: Final = "MLTable"
DATA_SHEET: Final = "README.md"

_SYSTEM: Final = {
    "_id": "the row's id, by which rows are in order",
    "_external_id": "the caller's own id",
    "_request_id": "the request that asked it, perhaps with others",
    "_at": "when it was asked",
    "_split": "the part that it belongs to",
    "_weight": "how much it counts, in millionths",
}


def mltable(parts: Sequence[Part]) -> str:
    """Return what Azure Machine Learning reads a folder of parts by; a split without rows is not in it.

    Source:
        "CLI (v2) MLtable YAML schema", https://learn.microsoft.com/azure/machine-learning/reference-yaml-mltable.
    """
    splits = [split for split in SPLITS if any(part.split == split for part in parts)]
    return _yaml(
        {
            "type": "mltable",
            "paths": [{"pattern": f"./{split}/*.parquet"} for split in splits],
            "transformations": [{"read_parquet": {"include_path_column": False}}],
        }
    )


def data_sheet(manifest: DatasetManifest) -> str:
    """Return what a dataset is, in Markdown: what was asked for, what became of the rows, and how to use and rebuild it."""
    sections = (
        _head(manifest),
        ["## What was asked for", "", "```yaml", _yaml(recipe_in_short(manifest.recipe)).rstrip(), "```"],
        _rows(manifest),
        _columns(manifest),
        _checks(manifest),
        ["## Using it", "", _WEIGHTS, _estimates(manifest.recipe), "", *_USE],
        _rebuilding(manifest),
        ["## What it must not be used for", "", "_To be written by whoever answers for it._"],
    )
    return "\n\n".join("\n".join(section) for section in sections) + "\n"


def recipe_in_short(recipe: Recipe) -> dict[str, Any]:
    """Return what a recipe says that is not so anyway, as it is written in YAML: read again, it is the same recipe."""
    said, usual = (msgspec.json.decode(msgspec.json.encode(one)) for one in (recipe, Recipe(model=recipe.model)))
    return {"format": recipe.format, "model": recipe.model, **_differing(said, usual)}


def _differing(said: dict[str, Any], usual: dict[str, Any]) -> dict[str, Any]:
    differing = {key: value for key, value in said.items() if key not in usual or value != usual[key]}
    return {
        key: _differing(value, usual[key]) if isinstance(value, dict) and isinstance(usual.get(key), dict) else value
        for key, value in differing.items()
    }


def _head(manifest: DatasetManifest) -> list[str]:
    recipe, built_at = manifest.recipe, manifest.built_at.astimezone(UTC)
    known = f", as it was known at {recipe.as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if recipe.as_of else ""
    return [
        f"# A dataset of {manifest.model}",
        "",
        _PURPOSE.format(model=manifest.model, actual=manifest.actual, task=manifest.task),
        "",
        f"* versions: {', '.join(recipe.versions)}",
        f"* hours: from {recipe.start} up to {recipe.end}, which is not among them{known}",
        f"* name: `{manifest.dataset}`, the SHA-256 of its rows",
        f"* built: {built_at:%Y-%m-%d %H:%M:%S} UTC, by {_engine(manifest.engine)}",
        f"* build: `{manifest.build}`",
    ]


def _engine(engine: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in engine.items()) or "an engine that is not named"


def _rows(manifest: DatasetManifest) -> list[str]:
    taken = sum(manifest.rows.values())
    counts = [(f"for {split}", manifest.rows.get(split, 0)) for split in SPLITS]
    left = [(f"left out: {IN_WORDS.get(one, one)}", rows) for one, rows in manifest.excluded.items() if rows]
    others = [f"{rows:,} {what.replace('_', ' ')}" for what, rows in manifest.not_predictions.items() if rows]
    return [
        "## Rows",
        "",
        f"{manifest.rows_in:,} rows were looked at, and {taken:,} taken.",
        *([f"No predictions, and so not among them: {', '.join(others)}."] if others else []),
        "",
        "| | rows |",
        "| --- | ---: |",
        *(f"| {what} | {rows:,} |" for what, rows in (*counts, *left)),
    ]


def _columns(manifest: DatasetManifest) -> list[str]:
    masked = {name: f"feature, {done} before it left the scorer" for name, done in manifest.masked.items()}
    meanings = {**masked, **_SYSTEM, manifest.actual: "what turned out"}
    answers = dict.fromkeys(manifest.schema.output_columns, "what the model answered")
    return [
        "## Columns",
        "",
        "| column | type | | values | missing |",
        "| --- | --- | --- | --- | ---: |",
        *(
            f"| {_escaped(one.name)} | {one.type} | {({**answers, **meanings}).get(one.name, 'feature')} "
            f"| {_escaped(_values(one))} | {one.missing:,} |"
            for one in manifest.columns
        ),
    ]


def _values(column: Column) -> str:
    if column.minimum is not None:
        mean = "" if column.mean is None else f", {_short(column.mean)} on average"
        return f"{column.minimum} to {column.maximum}{mean}"
    if column.type in {"string", "bool"}:
        return "more than a thousand" if column.distinct is None else f"{column.distinct:,} different"
    return "none"


def _short(number: float) -> str:
    return f"{number:.0f}" if 1e5 <= abs(number) < 1e15 else f"{number:.6g}"


def _checks(manifest: DatasetManifest) -> list[str]:
    found = [
        f"* {check.name.replace('_', ' ')}: {check.outcome}{', accepted' if check.accepted else ''}. {_escaped(check.reason)}"
        for check in manifest.checks
    ]
    return ["## What was checked", "", *(found or ["Nothing."])]


_PURPOSE: Final = "What {model} was asked, and what turned out (`{actual}`), for a {task} model to learn from."
_WEIGHTS: Final = """\
`_weight` is the number of rows that a row stands for, in millionths: rows that were not captured, or not drawn. In training
it is also what the recipe says of classes and age. Divide it by a million and hand it to whatever takes weights of samples.
Columns that begin with `_` are nothing to learn from."""
_FOR_ALL: Final = """Weight validation and test by it as well: what is estimated that way holds for all rows that were not left out for another reason
than the size of the sample."""
_FOR_FIRST: Final = {
    Sampling.RECENT_FIRST: "The newest rows were taken: what is estimated holds for those, and for no older ones.",
    Sampling.UNCERTAINTY_FIRST: "The least certain rows were taken: what is estimated holds for those, and for no others.",
}
_USE: Final = (
    "```python",
    "import pandas as pd",
    "",
    'train = pd.read_parquet("train")',
    "```",
    "",
    "Azure Machine Learning reads the folder as a table, all parts together:",
    "",
    "```python",
    "import mltable",
    "",
    "rows = mltable.load(\".\").filter(\"col('_split') == 'train'\").to_pandas_dataframe()",
    "```",
)


def _rebuilding(manifest: DatasetManifest) -> list[str]:
    return [
        "## Building it again",
        "",
        "```",
        f"python manage.py dataset rebuild {manifest.dataset[:12]} --model {manifest.model}",
        "```",
        "",
        "As long as the files of rows are kept that `manifest.json` lists as its inputs, that gives the same rows and the same",
        "name. What was asked for, above, is a recipe: `dataset build` makes what it means today of it.",
    ]


def _estimates(recipe: Recipe) -> str:
    """Return what that holds for which is estimated from the rows: not all rules give every row a chance."""
    return _FOR_ALL if recipe.sample is None else _FOR_FIRST.get(recipe.sample.by, _FOR_ALL)


def _escaped(text: str) -> str:
    """Return a text for a line or a cell of Markdown, so that nothing of it is taken for more than text.

    Underscores mean something where a word ends.
    """
    return re.sub(r"([\\`*{}\[\]<>#|~]|_(?!\w))", r"\\\1", " ".join(text.split()))


def _yaml(value: dict[str, Any]) -> str:
    import yaml

    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120)
    return text
