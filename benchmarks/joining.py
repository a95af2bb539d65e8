"""What joining a day takes: ``python -m benchmarks.joining [--rows N] [--json]``.

As many actuals as predictions, in sealed hours in Azurite, are joined in a process of their own, whose time, CPU and memory
are measured. Then the state before is brought back and they are joined again: the rows must be the same.
"""

import argparse
import asyncio
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.processes import answer_of, one_thread_each
from benchmarks.reporting import Machine, Report, Result, Target, arguments
from infra.local import azurite
from infra.local.processes import free_port
from shared.blobs import Blobs, service

MOST_S: Final = 600.0
MOST_GIB: Final = 2.0
QUICK_ROWS: Final = 50_000


def main(given: Sequence[str] | None = None) -> None:
    """Run it, and print what came out."""
    asked = _parser().parse_args(given)
    rows = min(asked.rows, QUICK_ROWS) if asked.quick else asked.rows
    one_thread_each()
    machine = Machine.this()
    with tempfile.TemporaryDirectory() as folder:
        results = _measured(Path(folder), rows, asked.seed)
    first, second = results
    report = Report(
        benchmark="joining",
        machine=machine,
        results=results,
        targets=[
            Target.at_most(MOST_S, float(first["seconds"]), name="joining a day", unit="s"),
            Target.at_most(MOST_GIB, float(first["peak_gib"]), name="memory of the joining process", unit="GiB"),
            Target.at_least(rows, float(first["rows"]), name="predictions that are joined", unit="rows"),
            Target.at_most(0, float(first["wrong"]), name="wrong pairs", unit="rows"),
            Target.at_least(1, float(first["sha256"] == second["sha256"]), name="the same rows again", unit=""),
        ],
    )
    if not asked.json:
        report.show()
    print(report.line())


def _measured(folder: Path, rows: int, seed: int) -> list[Result]:
    port = free_port()
    process = azurite.start(port=port, data=folder / "data", log=folder / "azurite.log")
    storage = azurite.connection_string(port)

    def day(what: str, *options: str) -> dict[str, Any]:
        return answer_of("-m", "benchmarks.joined_day", what, storage, *options, environment=os.environ)

    try:
        process.wait_for_port(port)
        asyncio.run(_create_containers(storage))
        day("fill", "--predictions", str(rows), "--seed", str(seed))
        results: list[Result] = []
        for measure in ("joined", "joined again"):
            spent = {name: round(value, 2) for name, value in day("join").items()}
            results.append({"measure": measure, "predictions": rows, **spent, **day("digest")})
            day("forget")
    finally:
        process.stop()
    return results


async def _create_containers(storage: str) -> None:
    blobs = Blobs(service(storage))
    await blobs.create_containers()
    await blobs.close()


def _parser() -> argparse.ArgumentParser:
    parser = arguments(__doc__, rows=10_000_000)
    parser.add_argument(
        "--predictions",
        dest="rows",
        type=int,
        default=argparse.SUPPRESS,
        help="the same as --rows; and as many actuals",
    )
    return parser


if __name__ == "__main__":
    main()
