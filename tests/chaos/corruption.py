"""What may happen to stored blobs behind the app's back, and the account's answer to it."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from infra.local.processes import HERE
from infra.local.system import System
from shared.blobs import Blobs, service
from tests.integration.sealing.verified import rewrite

Change = Callable[[bytes], bytes]


def without_a_line(data: bytes) -> bytes:
    """Lose one record."""
    lines = data.splitlines(keepends=True)
    return b"".join(lines[:5] + lines[6:])


def with_a_line_twice(data: bytes) -> bytes:
    """Have one record twice."""
    lines = data.splitlines(keepends=True)
    return b"".join(lines[:6] + lines[5:])


def with_a_triple_for_two(data: bytes) -> bytes:
    """Lose two events, and have the one between them three times: count and sum are as they were."""
    lines = data.splitlines(keepends=True)
    numbers = [json.loads(line)["sequence"] for line in lines]
    first = numbers[0]
    middle = [line for line, number in zip(lines, numbers, strict=True) if number == first + 1]
    return b"".join(middle * 3 + [line for line, number in zip(lines, numbers, strict=True) if number > first + 2])


def cut(data: bytes) -> bytes:
    """Lose the end of a file."""
    return data[: len(data) * 2 // 3]


LOGS: Final[tuple[Change, ...]] = (without_a_line, with_a_line_twice, with_a_triple_for_two, cut)
ROWS: Final[tuple[Change, ...]] = (cut,)


async def verify(system: System) -> tuple[int, dict[str, Any]]:
    """Run ``verify --deep``, and return its exit code and answer."""
    command = [sys.executable, "manage.py", "verify", "--deep", "--json"]

    def run() -> tuple[int, dict[str, Any]]:
        done = subprocess.run(command, env=system.environment, cwd=HERE, check=False, capture_output=True)
        assert done.stdout, done.stderr.decode()
        answer: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, answer

    return await asyncio.to_thread(run)


async def unnoticed(system: System) -> list[str]:
    """Change a log in each of the ways, each time another one, cut a rows file, and return what the account did not tell.

    Nothing else may run on the system. Every blob is as it was afterwards.
    """
    blobs = Blobs(service(system.settings["STORAGE"]))
    whole: dict[str, tuple[Change, bytes]] = {}
    try:
        for prefix, suffix, changes in (("captures/logs/", ".jsonl", LOGS), ("captures/hours/", ".parquet", ROWS)):
            sizes = {one.path: one.size_bytes async for one in blobs.under(prefix) if one.path.endswith(suffix)}
            largest = sorted(sizes, key=lambda one: sizes[one], reverse=True)
            for change, path in zip(changes, largest, strict=False):
                whole[path] = change, (await blobs.read(path)).data
                await rewrite(blobs, path, change)
        code, answer = await verify(system)
        for path, (_, data) in whole.items():
            await rewrite(blobs, path, partial(_instead, data))
    finally:
        await blobs.close()
    told = {wrong["where"] for wrong in answer["wrong"]} if code == 1 else set()
    return [f"{change.__name__} in {path}" for path, (change, _) in whole.items() if path not in told]


def _instead(data: bytes, _: bytes) -> bytes:
    return data
