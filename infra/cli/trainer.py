"""Run a trainer: a command of the user's, in a process of its own, that is told what to learn from and nothing else.

It is here, where the command line is, so that the app cannot: a command comes from whoever types it and from nowhere else,
because what writes blobs must not run code.
"""

import asyncio
import contextlib
import os
import shlex
import signal
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import IO, Final

import msgspec

from shared.errors import TrainerFailed
from shared.registry.manifest import Manifest
from shared.schema import Schema

PASSED_ON: Final = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR", "TEMP", "TMP", "TZ", "SYSTEMROOT"),
    *("LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE"),
    *("PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES"),
)
"""What a trainer gets of the environment: what programs need to start, and no setting of the app, which may be a secret."""

MODEL: Final = "model.onnx"
_TAIL_BYTES: Final = 2_000
_GRACE_S: Final = 5.0


def variables(folder: Path, parent: Manifest) -> dict[str, str]:
    """Return what a trainer is told about the files in a folder, which ``write`` puts there."""
    return {
        "DRIFTLINE_TRAINING_DATA": str(folder / "train.parquet"),
        "DRIFTLINE_SCHEMA": str(folder / "schema.json"),
        "DRIFTLINE_ACTUAL": parent.actual,
        "DRIFTLINE_TASK": parent.task,
        "DRIFTLINE_OUTPUT": str(folder / "output"),
    }


def write(folder: Path, training_data: bytes, schema: Schema) -> None:
    """Write what a trainer reads; a schema may be longer than the system lets a variable be."""
    (folder / "train.parquet").write_bytes(training_data)
    (folder / "schema.json").write_bytes(msgspec.json.format(msgspec.json.encode(schema), indent=1))
    (folder / "output").mkdir()


async def run(command: str, folder: Path, environment: Mapping[str, str], *, timeout_s: float) -> bytes:
    """Run a trainer without a shell, and return the model that it wrote into ``output``.

    It leads a process group of its own, which is ended as a whole when the time is up or this is interrupted. What it says
    on standard output is not kept; of standard error the end is, for when it fails.

    Raises:
        TrainerFailed: it cannot be started, takes longer than ``timeout_s``, fails, or writes no model.
    """
    errors = folder / "errors.txt"
    with errors.open("wb") as file:
        process = await _start(command, environment, file)
        try:
            async with asyncio.timeout(timeout_s):
                code = await process.wait()
        except TimeoutError:
            raise TrainerFailed(f"was ended after {timeout_s:g} s (--timeout-s)", tail=_tail(errors)) from None
        finally:
            await _end(process)
    if code:
        how = f"ended with code {code}" if code > 0 else f"was killed by signal {-code}"
        raise TrainerFailed(how, tail=_tail(errors))
    model = folder / "output" / MODEL
    if not model.is_file():
        raise TrainerFailed(f"wrote no {MODEL} into DRIFTLINE_OUTPUT", tail=_tail(errors))
    return model.read_bytes()


@contextlib.contextmanager
def interrupted_by_all() -> Iterator[None]:
    """Have ``kill`` and a closed terminal end the command as Ctrl-C does: a trainer would be left running otherwise."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


async def _start(command: str, environment: Mapping[str, str], errors: IO[bytes]) -> Process:
    try:
        words = shlex.split(command) or [""]
        return await asyncio.create_subprocess_exec(
            *words, env=dict(environment), stdin=DEVNULL, stdout=DEVNULL, stderr=errors, start_new_session=True
        )
    except (OSError, ValueError) as error:  # a program that is not there, or a quotation mark that is open
        raise TrainerFailed(f"cannot be started: {error}") from error


async def _end(process: Process) -> None:
    """End what is left of a trainer that has not ended by itself: with a word, and after five seconds without."""
    if process.returncode is not None:
        return
    try:
        _signal(process, signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                await process.wait()
    finally:
        _signal(process, signal.SIGKILL)  # to what it started as well, which may not have listened
    await process.wait()


def _signal(process: Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _tail(errors: Path) -> str:
    with errors.open("rb") as file:
        file.seek(max(0, errors.stat().st_size - _TAIL_BYTES))
        return file.read().decode(errors="replace").strip()
