"""What is said of a dataset in plain words, and to Azure Machine Learning."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pandas as pd
import pytest
import yaml

from shared.datasets.describing import data_sheet, mltable, recipe_in_short
from shared.datasets.finishing import Finished, finish
from shared.datasets.manifest import Check, Column, DatasetManifest, Outcome, Part, Plan
from shared.datasets.recipe import Exclude, Original, Recipe, Sample, Sampling, Split, WantedActuals, Weights
from tests.unit.datasets.chosen import batches, plan, row, table


def part(split: str, number: int = 0) -> Part:
    return Part(file=f"{split}/part-{number:05}.parquet", split=split, sha256="", size_bytes=1, rows=1)


def manifest(made: Finished, by: Plan) -> DatasetManifest:
    return DatasetManifest(
        model="flights",
        dataset=made.dataset,
        build=by.digest,
        recipe=by.recipe,
        task=by.task,
        schema=by.schema,
        actual=by.actual,
        inputs=by.inputs,
        rows_in=1_234_567,
        excluded={"after_as_of": 0, "no_actual": 1_234_000, "spans_split": 547},
        not_predictions=by.not_predictions,
        rows=made.rows,
        columns=made.columns,
        checks=(
            Check(name="told_by_feature", outcome=Outcome.FAILED, reason="delay_*_ tells it_all: 0.99", accepted=True),
            Check(name="schema", outcome=Outcome.OK, reason="every column is as the model takes it"),
        ),
        parts=made.parts,
        engine={"duckdb": "2.0.1", "ibis": "12.0.0"},
        built_at=datetime(2026, 3, 9, 12, tzinfo=UTC),
    )


@pytest.fixture
def sheet(tmp_path: Path) -> str:
    by = plan(as_of=datetime(2026, 3, 8, tzinfo=UTC), split=Split(test=0.2), outputs=True)
    made = finish(batches(table([row(number) for number in range(20)])), by, tmp_path)
    return data_sheet(manifest(made, by))


def test_azure_reads_the_folders_of_splits_that_have_rows() -> None:
    """A pattern that no file fits is refused there."""
    said = yaml.safe_load(mltable([part("train"), part("train", 1), part("test")]))

    assert said == {
        "type": "mltable",
        "paths": [{"pattern": "./train/*.parquet"}, {"pattern": "./test/*.parquet"}],
        "transformations": [{"read_parquet": {"include_path_column": False}}],
    }


def test_its_patterns_are_where_the_parts_are(tmp_path: Path) -> None:
    made = finish(batches(table([row(number) for number in range(20)])), plan(split=Split(test=0.2)), tmp_path)

    paths = yaml.safe_load((tmp_path / "MLTable").read_text())["paths"]

    found = {str(file.relative_to(tmp_path)) for one in paths for file in tmp_path.glob(one["pattern"])}
    assert found == {one.file for one in made.parts}


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(model="flights"),
        plan().recipe,
        Recipe(
            model="flights",
            as_of=datetime(2026, 3, 8, tzinfo=UTC),
            features=("distance",),
            actuals=WantedActuals(delay=timedelta(hours=6)),
            segments={"carrier": ("AA", "yes"), "night": (True,)},
            exclude=Exclude(canaries=False, hours=("2026-03-01T09",)),
            original=Original(sha256="0" * 64, share=0.25),
            weights=Weights(classes={"1": 2.5}, half_life=timedelta(days=30)),
            sample=Sample(rows=10, by=Sampling.STRATIFIED, strata=("carrier",), seed=1),
            split=Split(test=0.0),
            outputs=True,
        ),
    ],
)
def test_the_recipe_in_a_data_sheet_is_the_one_that_was_built(recipe: Recipe) -> None:
    """Whoever follows its last lines would build another dataset otherwise."""
    text = yaml.safe_dump(recipe_in_short(recipe))

    assert msgspec.convert(yaml.safe_load(text), Recipe) == recipe


def test_a_data_sheet_gives_its_recipe_as_yaml(sheet: str) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", sheet, re.DOTALL)

    recipe = msgspec.convert(yaml.safe_load(block), Recipe)

    assert recipe == plan(as_of=datetime(2026, 3, 8, tzinfo=UTC), split=Split(test=0.2), outputs=True).recipe
    assert "tolerances" not in block


@pytest.mark.parametrize(
    "line",
    [
        "# A dataset of flights",
        "* versions: 1",
        "* hours: from 2026-03-01T00 up to 2026-03-08T00, which is not among them, as it was known at 2026-03-08 00:00:00 UTC",
        "* built: 2026-03-09 12:00:00 UTC, by duckdb 2.0.1, ibis 12.0.0",
        "1,234,567 rows were looked at, and 20 taken.",
        "No predictions, and so not among them: 2 failures.",
        "| for train | 16 |",
        "| for validation | 0 |",
        "| left out: it is not known what turned out | 1,234,000 |",
        "| left out: belongs with rows of more than one part | 547 |",
        "| _weight | int64 | how much it counts, in millionths | 1000000 to 1000000, 1000000 on average | 0 |",
        "| distance | double | feature | 0.0 to 1909.5, 954.75 on average | 0 |",
        "| carrier | string | feature | 2 different | 0 |",
        "| late | int64 | what turned out | 0 to 1, 0.35 on average | 0 |",
        "| prediction.probability | double | what the model answered | 0.25 to 0.25, 0.25 on average | 0 |",
        "* told by feature: failed, accepted. delay\\_\\*\\_ tells it_all: 0.99",
        "* schema: ok. every column is as the model takes it",
        "As long as the files of rows are kept that `manifest.json` lists as its inputs, that gives the same rows and the same",
        "_To be written by whoever answers for it._",
    ],
)
def test_a_data_sheet_says_what_it_is_made_of_and_what_became_of_the_rows(sheet: str, line: str) -> None:
    assert line in sheet.splitlines()


@pytest.mark.parametrize(
    ("by", "holds"),
    [
        (Sampling.UNIFORM, "holds for all rows"),
        (Sampling.DRIFT_AWARE, "holds for all rows"),
        (Sampling.RECENT_FIRST, "holds for those, and for no older ones"),
        (Sampling.UNCERTAINTY_FIRST, "holds for those, and for no others"),
    ],
)
def test_what_estimates_hold_for_depends_on_who_had_a_chance(tmp_path: Path, by: Sampling, holds: str) -> None:
    asked = plan(as_of=datetime(2026, 3, 8, tzinfo=UTC), sample=Sample(rows=20, by=by))
    made = finish(batches(table([row(number) for number in range(20)])), asked, tmp_path)

    assert holds in data_sheet(manifest(made, asked))


def test_what_is_none_is_not_told(sheet: str) -> None:
    assert "after" not in re.findall(r"\| left out: (.*?) \|", sheet)
    assert "came after" not in sheet


def test_what_was_masked_is_said_to_be(tmp_path: Path) -> None:
    by = plan()
    made = manifest(finish(batches(table([row(0)])), by, tmp_path), by)

    sheet = data_sheet(msgspec.structs.replace(made, masked={"carrier": "hashed"}))

    assert "| carrier | string | feature, hashed before it left the scorer | 1 different | 0 |" in sheet


def test_names_cannot_break_out_of_their_cell(tmp_path: Path) -> None:
    """Features are named by whoever registers a model."""
    by = plan(split=Split(test=0.0))
    made = finish(batches(table([row(0)])), by, tmp_path)
    odd = replace(made, columns=(Column(name="a|b `c` <d>", type="int64", missing=0),))

    assert "| a\\|b \\`c\\` \\<d\\> | int64 | feature | none | 0 |" in data_sheet(manifest(odd, by))


def test_the_lines_that_load_it_in_pandas_do(sheet: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = re.findall(r"```python\n(.*?)```", sheet, re.DOTALL)[0]
    monkeypatch.chdir(tmp_path)
    names: dict[str, pd.DataFrame] = {}

    exec(program, names)

    assert len(names["train"]) == 16


def test_a_data_sheet_says_how_to_build_just_this_one_again(sheet: str) -> None:
    """What the recipe comes to today may be something else: alerts resolve, and what was let go is gone."""
    name = next(line for line in sheet.splitlines() if line.startswith("* name: `")).split("`")[1]

    assert f"python manage.py dataset rebuild {name[:12]} --model flights" in sheet.splitlines()
