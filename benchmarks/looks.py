"""What looking costs: ``python -m benchmarks.looks [--models N] [--rows N] [--seed S] [--json] [--quick]``.

So many models have a month of days as sealing leaves them, of 50 features and one output, and ninety days of training data
by the hour.

* **A month at once**: ``manage.py monitor`` with a window of thirty days, in a process that knows nothing yet. It looks at
  all models, one after the other.
* **A month day by day**: ``manage.py backtest`` of each model, thirty windows of a day, two processes at a time: models are
  independent work.

``seconds`` are those of a clock on the wall, from start to exit; storage is Azurite on the same machine, and takes its part.
``cpu_s`` is that of the commands alone.
"""

import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, TypeVar

from benchmarks.processes import answer_of
from benchmarks.reporting import Machine, Report, Result, Target, arguments
from benchmarks.sealed_days import DAYS, END, TRAINING_DAYS, VERSION, model_named
from infra.local.system import System
from shared.clock import Clock
from shared.hours import Hour

PROCESSES: Final = 2

T = TypeVar("T")

_WITHIN_S = 60.0


def main() -> None:
    """Measure, and print the report."""
    parser = arguments(__doc__, rows=40)
    parser.add_argument("--models", type=int, default=20)
    asked = parser.parse_args()
    models, training_days = (1, 42) if asked.quick else (asked.models, TRAINING_DAYS)
    machine = Machine.this()
    with tempfile.TemporaryDirectory(prefix="driftline-benchmark-") as folder:
        system = System.in_folder(Path(folder) / "system", clock=Clock.standing(END))
        try:
            system.start_azurite()
            storage = system.settings["STORAGE"]
            told = ("--models", models, "--training-days", training_days, "--rows", asked.rows, "--seed", asked.seed)
            answer_of("-m", "benchmarks.sealed_days", storage, *map(str, told), environment=system.environment)
            results = [_at_once(system), _day_by_day(system, Path(folder), models)]
        finally:
            system.stop()
    taken_s = float(results[0]["seconds"])
    targets = [Target.at_most(_WITHIN_S, taken_s, name=f"{models} models, a month at once", unit="seconds")]
    report = Report(benchmark="looks", machine=machine, results=results, targets=targets)
    if not asked.json:
        report.show()
    print(report.line())


def _at_once(system: System) -> Result:
    answer, spent = _timed(lambda: answer_of("manage.py", "monitor", "--json", environment=system.environment))
    evaluations = answer["evaluations"]
    (days,) = {sum(path.startswith("captures/days/") for path in one["inputs"]) for one in evaluations}
    return {"measure": "a month at once", "looks": len(evaluations), "days_read_a_look": days, **spent}


def _day_by_day(system: System, folder: Path, models: int) -> Result:
    config = folder / "daily.yaml"
    config.write_text("schedule: {frequency: day}\n")
    between = ("--from", Hour(END).plus(-DAYS * 24).key, "--to", Hour(END).key)

    def replay(number: int) -> dict[str, Any]:
        which = ("--model", model_named(number), "--version", VERSION, "--config", str(config))
        return answer_of("manage.py", "backtest", *which, *between, "--json", environment=system.environment)

    with ThreadPoolExecutor(PROCESSES) as pool:
        found, spent = _timed(lambda: list(pool.map(replay, range(models))))
    return {
        "measure": "a month day by day",
        "looks": sum(one["looks"] for one in found),
        "calibrating": sum(one["calibrating"] for one in found),
        **spent,
    }


def _timed(work: Callable[[], T]) -> tuple[T, dict[str, float]]:
    """Return what ``work`` returns, how long it took, and the CPU of the processes that it started and that ended."""
    began, before = time.monotonic(), os.times()
    done = work()
    after = os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    return done, {"seconds": round(time.monotonic() - began, 1), "cpu_s": round(cpu_s, 1)}


if __name__ == "__main__":
    main()
