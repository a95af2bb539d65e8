"""What a scored request costs: ``python -m benchmarks.score [--rows N] [--seed S] [--json] [--quick]``.

One machine runs three apps in the same functions host: a trigger that only asks the model (``bare``), Driftline's with
capture off, and Driftline's with capture on, which here is sending the records to Event Hubs; what happens to them
there is for ``benchmarks.capture``. They take turns, and every figure is the median of the rounds. CPU is that of the
host's process while it answers; the load comes from another process.

Then the trigger is called in process, without any host, and what the model alone takes is subtracted. Telemetry is
sent seconds later by a thread of its own, whose CPU is known best from here, as that of the other threads.
"""

import statistics
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress

from benchmarks.hosts import BARE, CAPTURE_OFF, CAPTURE_ON, MODEL, Bench
from benchmarks.processes import answer_of
from benchmarks.reporting import Machine, Report, Result, Target, arguments

CLIENTS: Final = (1, 8, 32)
SUBJECTS: Final = (BARE, CAPTURE_OFF, CAPTURE_ON)
TARGET_US: Final = 150.0
NOWHERE: Final = "to nowhere"

_FIGURES = ("requests_per_s", "cpu_us", "p50_ms", "p95_ms", "p99_ms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """How long to measure: seconds a cell and round over HTTP, and calls in process."""

    rounds: int
    seconds: float
    calls: int


THOROUGH: Final = Effort(rounds=5, seconds=1.4, calls=5_000)
QUICK: Final = Effort(rounds=3, seconds=0.3, calls=1_000)


def main() -> None:
    """Measure, and print the report."""
    asked = arguments(__doc__, rows=100).parse_args()
    machine = Machine.this()
    effort = QUICK if asked.quick else THOROUGH
    with (
        tempfile.TemporaryDirectory(prefix="driftline-benchmark-") as folder,
        Bench.running(Path(folder), rows=(1, asked.rows), seed=asked.seed) as bench,
    ):
        results = [*_over_http(bench, effort), *_in_process(bench, effort)]
    report = Report(benchmark="score", machine=machine, results=results, targets=_targets(results))
    if not asked.json:
        report.show()
    print(report.line())


def _over_http(bench: Bench, effort: Effort) -> list[Result]:
    cells = list(product(bench.bodies, CLIENTS))
    measured: dict[tuple[str, int, int], list[dict[str, float]]] = {}
    with ExitStack() as stack:
        hosts = {subject: stack.enter_context(bench.host(subject)) for subject in SUBJECTS}
        progress = stack.enter_context(Progress(console=Console(stderr=True)))
        task = progress.add_task("over HTTP", total=effort.rounds * len(cells) * len(SUBJECTS))
        for host in hosts.values():
            bench.load(host, rows=1, clients=1, seconds=effort.seconds)
        for _, (rows, clients), subject in product(range(effort.rounds), cells, SUBJECTS):
            figures = bench.load(hosts[subject], rows=rows, clients=clients, seconds=effort.seconds)
            measured.setdefault((subject, rows, clients), []).append(figures)
            progress.advance(task)
    return [
        *(
            _speed(subject, rows, clients, measured[subject, rows, clients])
            for rows, clients in cells
            for subject in SUBJECTS
        ),
        *(
            _price(rows, clients, *(measured[subject, rows, clients] for subject in SUBJECTS))
            for rows, clients in cells
        ),
    ]


def _speed(subject: str, rows: int, clients: int, rounds: Sequence[Mapping[str, float]]) -> Result:
    medians = {figure: _median(one[figure] for one in rounds) for figure in _FIGURES}
    return {"measure": "speed", "rows": rows, "clients": clients, "app": subject, **medians}


def _price(
    rows: int,
    clients: int,
    bare: Sequence[Mapping[str, float]],
    off: Sequence[Mapping[str, float]],
    on: Sequence[Mapping[str, float]],
) -> Result:
    """Return what is paid beside the bare trigger, and for capture: CPU more, and how many times as much."""
    return {
        "measure": "price",
        "rows": rows,
        "clients": clients,
        **_more("driftline", off, bare),
        **_more("capture", on, off),
    }


def _more(what: str, paid: Sequence[Mapping[str, float]], beside: Sequence[Mapping[str, float]]) -> dict[str, float]:
    rounds = list(zip(paid, beside, strict=True))
    return {
        f"{what}_cpu_us": _median(one["cpu_us"] - other["cpu_us"] for one, other in rounds),
        f"{what}_cpu_times": _median(one["cpu_us"] / other["cpu_us"] for one, other in rounds),
        f"{what}_p50_times": _median(one["p50_ms"] / other["p50_ms"] for one, other in rounds),
    }


def _median(values: Iterable[float]) -> float:
    return round(statistics.median(values), 3)


def _in_process(bench: Bench, effort: Effort) -> list[Result]:
    results: list[Result] = []
    with Progress(console=Console(stderr=True)) as progress:
        for telemetry in progress.track((NOWHERE, "to a sink"), description="in process"):
            environment = {**bench.system.environment, "CAPTURE": "false"}
            if telemetry == NOWHERE:
                environment["APPLICATIONINSIGHTS_CONNECTION_STRING"] = ""
            command = ("-m", "benchmarks.in_process", MODEL, "--model", str(bench.trained.model))
            options = ("--bodies", str(bench.bodies[1]), "--calls", str(effort.calls))
            found = answer_of(*command, *options, environment=environment)
            results.append(
                {
                    "measure": "in process",
                    "telemetry": telemetry,
                    "rows": 1,
                    "call_us": round(found["call_us"], 1),
                    "model_us": round(found["model_us"], 1),
                    "ours_us": round(found["call_us"] - found["model_us"], 1),
                    "other_threads_us": round(found["other_threads_us"], 1),
                    "data_frame_libraries": len(found["loaded"]),
                }
            )
    return results


def _targets(results: Sequence[Result]) -> list[Target]:
    in_process = [result for result in results if result["measure"] == "in process"]
    costs = [
        Target.at_most(
            TARGET_US,
            round(float(result["ours_us"]) + float(result["other_threads_us"]), 1),
            name=f"one row, minus the model, telemetry {result['telemetry']}",
            unit="µs of CPU",
        )
        for result in in_process
    ]
    loaded = sum(int(result["data_frame_libraries"]) for result in in_process)
    return [*costs, Target.at_most(0, loaded, name="pandas, pyarrow, scipy, sklearn loaded to score", unit="libraries")]


if __name__ == "__main__":
    main()
