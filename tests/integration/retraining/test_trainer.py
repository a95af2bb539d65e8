"""A trainer is somebody else's program: it is told what to learn from, and ended when it does not end."""

import asyncio
import os
import re
import shlex
import sys
from pathlib import Path

import msgspec
import pytest

from infra.cli import trainer
from infra.cli.trainer import MODEL, PASSED_ON
from shared.errors import TrainerFailed
from shared.schema import Feature, FeatureType, Schema
from shared.settings import Settings, variable
from tests.documents import chapter
from tests.integration.retraining.living import living
from tests.unit.retraining.training_sets import parent_of, schema_of

PARENT = parent_of(schema_of(Feature(name="distance", type=FeatureType.FLOAT)))
ENVIRONMENT = {"PATH": os.environ["PATH"]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a trainer finds."""
    trainer.write(tmp_path, b"rows", PARENT.schema)
    return tmp_path


def python(program: str) -> str:
    return shlex.join([sys.executable, "-c", program])


async def run(folder: Path, command: str, *, timeout_s: float = 60.0) -> bytes:
    return await trainer.run(command, folder, ENVIRONMENT | trainer.variables(folder, PARENT), timeout_s=timeout_s)


async def test_it_is_told_what_to_learn_from_and_where_the_model_goes(folder: Path) -> None:
    program = (
        "import os, pathlib; told = os.environ; out = pathlib.Path(told['DRIFTLINE_OUTPUT']);"
        "assert pathlib.Path(told['DRIFTLINE_TRAINING_DATA']).read_bytes() == b'rows';"
        "schema = pathlib.Path(told['DRIFTLINE_SCHEMA']).read_text();"
        f"(out / '{MODEL}').write_text('|'.join([told['DRIFTLINE_ACTUAL'], told['DRIFTLINE_TASK'], schema]))"
    )

    actual, task, schema = (await run(folder, python(program))).decode().split("|")

    assert (actual, task) == ("late", "classification")
    assert msgspec.json.decode(schema, type=Schema) == PARENT.schema


async def test_it_runs_without_a_shell(folder: Path) -> None:
    """What a name of a file says is not to be run."""
    program = (
        f"import sys, os, pathlib; pathlib.Path(os.environ['DRIFTLINE_OUTPUT'], '{MODEL}').write_text(sys.argv[1])"
    )

    made = await run(folder, f"{python(program)} '$(id); > x'")

    assert made == b"$(id); > x"


def test_nothing_that_is_passed_on_is_a_setting() -> None:
    """Some of them are secrets, and all are in the environment of the command line."""
    settings = {variable(one) for one in Settings.__dataclass_fields__.values()}

    assert settings.isdisjoint(PASSED_ON)
    assert not [name for name in PASSED_ON if any(word in name for word in ("KEY", "SECRET", "TOKEN", "PASSWORD"))]


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (python("import sys; sys.exit('no tree will grow')"), "ended with code 1; it said last:\nno tree will grow"),
        (python("import os; os.kill(os.getpid(), 9)"), "was killed by signal 9"),
        (python("pass"), "wrote no model.onnx into DRIFTLINE_OUTPUT"),
        (python(f"import os; os.mkdir(os.environ['DRIFTLINE_OUTPUT'] + '/{MODEL}')"), "wrote no model.onnx"),
        ("a-program-that-is-nowhere", "cannot be started: .*No such file"),
        ("python 'open", "cannot be started: No closing quotation"),
        (" ", "cannot be started: "),
    ],
    ids=["fails", "killed", "writes nothing", "writes a folder", "is nowhere", "unreadable", "empty"],
)
async def test_one_that_makes_no_model_says_why(folder: Path, command: str, says: str) -> None:
    with pytest.raises(TrainerFailed, match=says):
        await run(folder, command)


async def test_of_much_that_it_says_the_end_is_told(folder: Path) -> None:
    with pytest.raises(TrainerFailed) as raised:
        await run(folder, python("import sys; sys.exit('x' * 100_000 + ' the reason')"))

    assert raised.value.tail.endswith("x the reason")
    assert len(raised.value.tail) < 3_000


async def test_one_that_hangs_is_ended_when_its_time_is_up(folder: Path) -> None:
    with pytest.raises(TrainerFailed, match=r"was ended after 0\.01 s \(--timeout-s\)"):
        await run(folder, "sleep 1000", timeout_s=0.01)


async def test_an_interruption_ends_all_that_it_started(folder: Path) -> None:
    """Also what does not listen, and would go on training a model that nobody wants."""
    async with living() as trains:
        running = asyncio.create_task(run(folder, trains.command))
        line = await trains.started()

        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

        await trains.ended(line)


def test_the_chapter_names_every_variable_and_no_other(folder: Path) -> None:
    said = chapter("shared/retraining/README.md", "A trainer")
    rows = re.findall(r"^\| `(DRIFTLINE_\w+)` \|", said, flags=re.MULTILINE)

    assert rows == [*trainer.variables(folder, PARENT)]
