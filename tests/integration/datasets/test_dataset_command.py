"""``manage.py dataset``, as a user runs it, and as a machine that fails ends it."""

import asyncio
import contextlib
import hashlib
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.local.processes import HERE
from shared.blobs import Blobs
from shared.datasets.paths import original_path
from tests.integration.command_line import run
from tests.integration.datasets.conftest import kept_in
from tests.integration.stored import everything

DATASETS = "datasets/flights/"
TOLERANT = "tolerances: {duplicates: 1, told_by_feature: 1, overlap: 1, known_before: 1}\n"
"""What the model answers follows from one feature, and five customers ask it all."""
RECIPE = f"model: flights\nsample: {{rows: 30, by: drift_aware}}\nsplit: {{test: 0.2}}\n{TOLERANT}"
_PATIENCE_S = 120.0


@pytest.fixture(scope="module")
async def blobs(storage: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Blobs]:
    """Two days of version 1, the champion."""
    async with kept_in(storage, tmp_path_factory.mktemp("scratch")) as kept:
        for number in (0, 1, 24):
            await kept.hour(number)
        await kept.sealed(26)
        yield kept.blobs


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return str(tmp_path / "recipe.yaml")


async def test_a_dataset_is_built_shown_and_listed(environment: dict[str, str], blobs: Blobs, recipe: str) -> None:
    code, out, error = run(environment, "dataset", "build", recipe, "--memory-mib", "256", "--json")
    assert code == 0, error
    made = json.loads(out)
    again, said, _ = run(environment, "dataset", "build", recipe)
    shown, sheet, _ = run(environment, "dataset", "show", "flights", made["dataset"][:6])
    listed, table, _ = run(environment, "dataset", "list", "flights", "--json")

    assert (again, shown, listed) == (0, 0, 0)
    assert (made["built"], sum(made["rows"].values()), made["rows_in"]) == (True, 30, 60)
    assert "it is there already" in said
    assert made["dataset"] in sheet
    assert "left out: sampled out" in sheet
    assert [one["dataset"] for one in json.loads(table)["datasets"]] == [made["dataset"]]
    assert f"{DATASETS}{made['dataset']}/manifest.json" in await everything(blobs, DATASETS)


async def test_killed_at_any_kind_of_step_it_comes_to_the_same_dataset(
    environment: dict[str, str], blobs: Blobs, recipe: str, tmp_path: Path
) -> None:
    """The process is gone at once, with its engine and its files; nothing of it is left once another one has gone on."""
    run(environment, "dataset", "build", recipe)
    expected = await everything(blobs, DATASETS)
    for path in expected:
        await blobs.delete(path)

    codes: list[int] = []
    for step in ("plan", "scout-", "levels", "count-", "border-", "cuts", "rows-", "part-"):
        async with asyncio.timeout(_PATIENCE_S):
            process = await _building(environment, recipe)
            await _stored(blobs, step, process)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.communicate()
            codes.append(process.returncode or 0)
    code, out, error = run(environment, "dataset", "build", recipe, "--json")

    assert code == 0, error
    assert codes.count(-signal.SIGKILL) > 4
    assert {*await everything(blobs, DATASETS)} == {*expected}
    parts = {path: hashlib.sha256(data).hexdigest() for path, data in expected.items() if "/part-" in path}
    assert {
        f"{DATASETS}{json.loads(out)['dataset']}/{one['file']}": one["sha256"] for one in json.loads(out)["parts"]
    } == parts
    assert left_in(tmp_path) == []


async def test_ctrl_c_ends_it_in_good_order(
    environment: dict[str, str], blobs: Blobs, recipe: str, tmp_path: Path
) -> None:
    for path in await everything(blobs, DATASETS):
        await blobs.delete(path)
    async with asyncio.timeout(_PATIENCE_S):
        process = await _building(environment, recipe)
        await _stored(blobs, "plan", process)
        process.send_signal(signal.SIGINT)
        _, error = await process.communicate()

    assert process.returncode == 130
    assert error.decode() == "interrupted: nothing is half done; run it again\n"
    assert left_in(tmp_path) == []


async def _building(environment: dict[str, str], recipe: str) -> asyncio.subprocess.Process:
    arguments = (str(HERE / "manage.py"), "dataset", "build", recipe, "--json")
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, cwd=HERE, stdout=pipe, stderr=pipe
    )


async def _stored(blobs: Blobs, step: str, process: asyncio.subprocess.Process) -> None:
    """Wait until something of a step is stored, or the process has ended."""
    while process.returncode is None:
        if [one async for one in blobs.under(DATASETS) if f"/{step}" in one.path]:
            return


def left_in(folder: Path) -> list[Path]:
    """Return what builds have left on this machine."""
    return list(folder.glob("driftline-datasets-*/*"))


async def test_original_training_data_is_the_file_that_the_recipe_means(
    environment: dict[str, str], blobs: Blobs, tmp_path: Path
) -> None:
    file = tmp_path / "original.parquet"
    pq.write_table(pa.table({"distance": [1.0] * 50, "carrier": ["UA"] * 50, "delay": [2.0] * 50}), file)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    (tmp_path / "recipe.yaml").write_text(f"model: flights\noriginal: {{sha256: {sha256}, share: 0.25}}\n{TOLERANT}")
    (tmp_path / "other.yaml").write_text("model: flights\n")

    refused, _, why = run(environment, "dataset", "build", str(tmp_path / "other.yaml"), "--original", str(file))
    code, out, error = run(
        environment, "dataset", "build", str(tmp_path / "recipe.yaml"), "--original", str(file), "--json"
    )

    assert (refused, f"original.sha256 of this one is {sha256}" in why) == (1, True)
    assert code == 0, error
    assert sum(json.loads(out)["rows"].values()) == 80
    assert [one async for one in blobs.under(original_path("flights", sha256))]


async def test_a_dataset_is_built_again_and_what_keeps_it_from_that_is_said(
    environment: dict[str, str], blobs: Blobs, recipe: str, tmp_path: Path
) -> None:
    _, out, _ = run(environment, "dataset", "build", recipe, "--json")
    name = json.loads(out)["dataset"]
    again = ("dataset", "rebuild", name[:6], "--memory-mib", "256")
    before = await everything(blobs, DATASETS)

    code, said, error = run(environment, *again)
    by_model, out, _ = run(environment, *again, "--model", "flights", "--json")
    unchanged = await everything(blobs, DATASETS) == before
    path = next(one["path"] for one in json.loads(before[f"{DATASETS}{name}/manifest.json"])["inputs"] if one["rows"])
    there = await blobs.read(path)
    await blobs.delete(path)
    gone, named, _ = run(environment, *again)
    await blobs.create(path, there.data)
    unknown, _, why = run(environment, "dataset", "rebuild", "999999")

    assert code == 0, error
    assert f"dataset {name[:12]} of flights is the same, built again: 30 rows" in said
    assert (by_model, json.loads(out)["is_same"], json.loads(out)["rebuilt"]) == (0, True, name)
    assert unchanged
    assert gone == 1
    assert f"gone: {path}: nothing says why" in named
    assert "cannot be built again: 1 of what it depends on is not as it was" in named
    assert (unknown, "'999999' of flights is none of its datasets" in why) == (1, True)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--spark-remote", "sc://host"], "go with --engine spark"),
        (["--as-of", "2026-03-01T09:00"], "has no time zone"),
        (["--as-of", "2026-04-01T09:00Z"], "as_of 2026-04-01T09:00:00+00:00 is in the future"),
        (["--memory-mib", "0"], "is no number, 1 or more"),
        (["--accept", "overlaps"], "'overlaps' is no check that can be accepted, as missing_actuals, duplicates, "),
        (["--accept", "schema"], "schema cannot be accepted: whoever reads a dataset takes its columns"),
    ],
)
@pytest.mark.usefixtures("blobs")
async def test_what_cannot_be_meant_is_refused(
    environment: dict[str, str], recipe: str, options: list[str], reason: str
) -> None:
    code, _, error = run(environment, "dataset", "build", recipe, *options)

    assert code != 0
    assert reason in error
