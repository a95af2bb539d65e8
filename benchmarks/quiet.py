"""False alarms of everything at once: ``python -m benchmarks.quiet [--rows N] [--versions N] [--seed S] [--json] [--quick]``.

Each version has ninety days of training data and a month of predictions like it: ten features (skewed and rounded numbers, a
count, categories of 5 and of 40 values, a flag of one row in three and a rare one), an answer, and segments by one category.
Each month is replayed by ``backtest`` with daily looks, so that all that judges takes part, drift of features and answers, of
how they go together, of segments, and quality; and all that counts alerts. ``--rows`` are those of a day, scored at one hour.

Rows are independent, or come in bursts (each day's means stray, together and alone, and so do shares), or have a week.
"""

import asyncio
import math
import multiprocessing
from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from benchmarks.in_memory import MemoryBlobs
from benchmarks.months import NULLS
from benchmarks.processes import one_thread_each
from benchmarks.reporting import Machine, Report, Result, Target, arguments
from benchmarks.sealed_days import DAYS, END, HOURS, TRAINING_DAYS, VERSION, Version
from shared import documents
from shared.clock import Clock
from shared.hours import Hour
from shared.monitor_config import parse
from shared.monitoring.backtest import Backtest
from shared.monitoring.evaluating import Evaluating
from shared.monitoring.histories import Histories
from shared.monitoring.performing import Performing
from shared.monitoring.refusals import Refusals
from shared.monitoring.standing import Standings
from shared.monitoring.windows import Windows
from shared.registry.baselines import Baselines
from shared.registry.store import Registry
from shared.sealing.hours.watermark import WATERMARK_PATH, Watermark
from shared.signals.judgement import Signal
from shared.signals.judging import BUDGET_SHARES

CONFIG: Final = b"schedule: {frequency: day}\nsegments: [category_0]\n"

_MODEL: Final = "quiet"
_SWING: Final = 0.3


@dataclass(frozen=True, slots=True)
class Cell:
    """Versions of one kind."""

    null: str
    rows: int
    seed: int
    index: int


def main() -> None:
    """Measure, and print the report."""
    parser = arguments(__doc__, rows=500)
    parser.add_argument("--versions", type=int, default=100, help="of each kind")
    asked = parser.parse_args()
    versions = 2 if asked.quick else asked.versions
    machine = Machine.this()
    one_thread_each()
    cells = [Cell(null, asked.rows, asked.seed, index) for index in range(versions) for null in NULLS]
    found: dict[str, list[Counter[Signal]]] = {null: [] for null in NULLS}
    with (
        Progress(console=Console(stderr=True)) as progress,
        multiprocessing.get_context("spawn").Pool(machine.cpus) as pool,
    ):
        task = progress.add_task("versions", total=len(cells))
        for cell, alarms in zip(cells, pool.imap(alarms_of, cells), strict=True):
            found[cell.null].append(alarms)
            progress.advance(task)
    results = [_result(null, some) for null, some in found.items()]
    report = Report(benchmark="quiet", machine=machine, results=results, targets=_targets(results))
    if not asked.json:
        report.show()
    print(report.line())


def alarms_of(cell: Cell) -> Counter[Signal]:
    """Return how many alerts one version's month opens, by signal."""
    return asyncio.run(_replayed(cell))


async def _replayed(cell: Cell) -> Counter[Signal]:
    rng = np.random.default_rng([cell.seed, NULLS.index(cell.null), cell.rows, cell.index])
    world = _World(cell, rng)
    none = world.day(0).slice(0, 0)
    training = [world.day(at // HOURS) if at % HOURS == 9 else none for at in range(TRAINING_DAYS * HOURS)]
    days = [world.day(TRAINING_DAYS + number) for number in range(DAYS)]
    blobs = MemoryBlobs()
    await Version.of(training, days, segments=("category_0",)).seal(blobs, _MODEL, CONFIG)
    await blobs.create(WATERMARK_PATH, documents.encode(Watermark(before=Hour(END).key)))
    registry = Registry(blobs, Clock.standing(END))
    baselines = Baselines(blobs, registry)
    evaluating = Evaluating(Windows(blobs), Refusals(blobs), Histories(blobs, baselines), Performing.of(blobs))
    replayed = await Backtest(blobs, registry, baselines, Standings(blobs, registry), evaluating).replay(
        _MODEL, VERSION, parse(CONFIG, path="monitor.yaml"), start=Hour(END).plus(-DAYS * HOURS), end=Hour(END)
    )
    return Counter(one.signal for one in replayed.alarms)


class _World:
    """Days of one version."""

    def __init__(self, cell: Cell, rng: np.random.Generator) -> None:
        self._cell, self._rng = cell, rng
        self._weekend = _SWING * rng.standard_normal(6)
        self._weights = rng.standard_normal(6) / 3

    def day(self, number: int) -> pa.Table:
        """Draw the rows of a day, counted from a Monday."""
        rng, rows = self._rng, self._cell.rows
        apart, common = np.zeros(6), 0.0
        if self._cell.null == "autocorrelated":
            apart, common = 0.15 * rng.standard_normal(6), 0.15 * float(rng.standard_normal())
        elif self._cell.null == "season":
            apart = self._weekend * (number % 7 >= 5)
        normal = rng.standard_normal((rows, 6)) + apart + common
        numbers = {
            "number_0": normal[:, 0],
            "number_1": np.exp(normal[:, 1]),
            "number_2": np.round(20 + 5 * normal[:, 2]),
            "number_3": np.round(np.exp(normal[:, 3]), 1),
            "number_4": normal[:, 4] + 0.7 * normal[:, 0],
            "number_5": rng.poisson(np.exp(1 + 0.3 * normal[:, 5])).astype(np.float64),
        }
        flags = {
            "category_2": _named(rng.random(rows) < 0.3 * math.exp(common), 2),
            "category_3": _named(rng.random(rows) < 0.003, 2),
        }
        categories = {
            f"category_{place}": _named(rng.choice(size, rows, p=_zipf(size, apart[place])), size)
            for place, size in enumerate((5, 40))
        }
        score = pa.array(normal @ self._weights + 0.5 * rng.standard_normal(rows))
        return pa.table({**numbers, **categories, **flags, "prediction": score})


def _named(drawn: NDArray[np.int64] | NDArray[np.bool_], size: int) -> pa.Array:
    names = pa.array([f"value {one}" for one in range(size)])
    return pa.DictionaryArray.from_arrays(pa.array(drawn.astype(np.int32)), names).cast(pa.string())


def _zipf(size: int, tilt: float) -> NDArray[np.float64]:
    shares = np.arange(1.0, size + 1.0) ** (-1.0 - tilt / 3)
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def _result(null: str, found: list[Counter[Signal]]) -> Result:
    whole = np.array([one.total() for one in found], dtype=np.float64)
    margin = 1.96 * float(whole.std(ddof=1)) / math.sqrt(len(whole))
    by_signal = {str(signal): sum(one[signal] for one in found) / len(found) for signal in BUDGET_SHARES}
    mean = float(whole.mean())
    return {
        "measure": "alerts a month, nothing wrong",
        "null": null,
        "versions": len(found),
        "all": mean,
        "low": mean - margin,
        "high": mean + margin,
        **by_signal,
    }


def _targets(results: list[Result]) -> list[Target]:
    over = sum(float(one["low"]) > 1.0 for one in results)
    mean = float(np.mean([float(one["all"]) for one in results]))
    return [
        Target.at_most(1.0, mean, name="alerts a month, all signals, mean over kinds", unit="alerts"),
        Target.at_most(0, over, name="kinds whose interval lies above the budget", unit="kinds"),
    ]


if __name__ == "__main__":
    main()
