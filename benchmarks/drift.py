"""What comparing costs: ``python -m benchmarks.drift [--rows N] [--seed S] [--json] [--quick]``.

* **Rows**: from two Parquet files of 40 numbers and 10 categories, 1 % of the values missing, to all metrics of each with
  p-values. Whole processes, from start to exit, children included: CPU seconds and peak memory, as the kernel counts them.
  Other tools, which ``make bench-peers`` installs, take turns with ours and compute those of our metrics that they have.
  ``decode and sort`` is what none of them can do without. ``joint`` are the figures of the program that says how columns go
  together: ours adds it to all other metrics; theirs say nothing else, of no more rows than take half a minute of CPU.
* **Agreement**: how far the values are apart where the definitions are one.
* **Looks**: 30 days of 50 features read and judged from their profiles, whether they hold ten thousand rows or a billion; one
  day by itself, held against ninety days of training data; what a profile takes; and how far its metrics are from those of
  the rows.

Every figure is the median of five rounds (three from 1,000,000 rows on, one with ``--quick``).
"""

import argparse
import os
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import Progress

from benchmarks.comparing import (
    ALIBI,
    DIGITS,
    DRIFTLINE,
    FLOOR,
    FROUROS,
    FUNCTIONS,
    JOINTLY,
    NANNYML,
    PRESET,
    TOOLS,
    WHYLOGS,
    Run,
    Tool,
    differences,
    furthest,
    run,
)
from benchmarks.processes import ONE_THREAD, answer_of
from benchmarks.reporting import Machine, Report, Row, Target, arguments

MANY_ROWS: Final = 1_000_000
MONTHS: Final = (10_000, 1_000_000_000)
MONTH: Final = "look: 30 days of 50 features"
DAY: Final = "look: one day of 50 features, calibrated"

_TIMES_AT_FEW: Final = {PRESET: 30.0, FUNCTIONS: 10.0, NANNYML: 10.0, WHYLOGS: 12.0, ALIBI: 6.0, FROUROS: 4.0}
_TIMES_AT_MANY: Final = {FUNCTIONS: 12.0, NANNYML: 20.0, WHYLOGS: 35.0}
_MEMORY_AT_FEW: Final = (PRESET, FUNCTIONS, NANNYML)
_MEMORY_AT_MANY: Final = (PRESET, FUNCTIONS, NANNYML, WHYLOGS, ALIBI, FROUROS)
_ERRORS: Final = {"ks": 3e-4, "wasserstein_normalised": 3e-3, "jensen_shannon_distance": 5e-4, "psi": 1e-9}


def main() -> None:
    """Measure, and print the report."""
    parser = arguments(__doc__, rows=100_000)
    parser.add_argument(
        "--only", action="append", choices=[tool.name for tool in TOOLS], help="measure this tool; repeatable"
    )
    asked = parser.parse_args()
    machine = Machine.this()
    with tempfile.TemporaryDirectory(prefix="driftline-benchmark-") as folder:
        runs = _runs(asked, Path(folder))
    looks = _looks(asked)
    accuracy = answer_of("-m", "benchmarks.windows", "accuracy", "--seed", str(asked.seed), environment=os.environ)
    results: list[Row] = [
        *_speed(runs, rows=asked.rows),
        *_agreement(runs),
        *looks,
        *({"measure": "profile: bytes of an hour", **one} for one in accuracy["sizes"]),
        *({"measure": "profile: errors against rows", **one} for one in accuracy["errors"]),
    ]
    targets = [*_targets(runs, rows=asked.rows), *_joint_targets(runs), *_profile_targets(looks, accuracy)]
    report = Report(benchmark="drift", machine=machine, results=results, targets=targets)
    if not asked.json:
        report.show()
    print(report.line())


def _rounds(asked: argparse.Namespace) -> int:
    if asked.quick:
        return 1
    return 3 if asked.rows >= MANY_ROWS else 5


def _runs(asked: argparse.Namespace, folder: Path) -> dict[Tool, list[Run]]:
    """Run every tool that is installed, in turns; one that is not has no runs."""
    columns = ("-m", "benchmarks.columns", str(folder), "--rows", str(asked.rows), "--seed", str(asked.seed))
    answer_of(*columns, environment=os.environ)
    sides = folder / "baseline.parquet", folder / "current.parquet"
    wanted = [tool for tool in TOOLS if tool in (DRIFTLINE, FLOOR) or not asked.only or tool.name in asked.only]
    wanted += [JOINTLY[tool] for tool in wanted if tool in JOINTLY]
    runs: dict[Tool, list[Run]] = {tool: [] for tool in (*TOOLS, *JOINTLY.values())}
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("comparing", total=_rounds(asked) * len(wanted))
        for _ in range(_rounds(asked)):
            for tool in wanted:
                if tool.is_installed:
                    runs[tool].append(run(tool.command, *sides))
                progress.advance(task)
    return runs


def _median(runs: Sequence[Run], figure: Callable[[Run], float]) -> float | None:
    return statistics.median(map(figure, runs)) if runs else None


def _times(
    runs: Mapping[Tool, Sequence[Run]], tool: Tool, figure: Callable[[Run], float], *, ours: Tool = DRIFTLINE
) -> float | None:
    """Return how many times ours a tool takes."""
    their_figure, our_figure = _median(runs[tool], figure), _median(runs[ours], figure)
    return None if their_figure is None or our_figure is None else round(their_figure / our_figure, 2)


def _cpu(one: Run) -> float:
    return one.cpu_s


def _peak(one: Run) -> float:
    return one.peak_mib


def _speed(runs: Mapping[Tool, Sequence[Run]], *, rows: int) -> Iterator[Row]:
    for tool in TOOLS:
        some, jointly = runs[tool], runs[JOINTLY[tool]] if tool in JOINTLY else []
        yield {
            "measure": "rows: two files to all metrics",
            "tool": tool.name,
            "cpu_s": _rounded(_median(some, _cpu), 3),
            "peak_mib": _rounded(_median(some, _peak)),
            "cpu_times_ours": _times(runs, tool, _cpu),
            "values": sum(map(len, some[0].values.values())) if some else None,
            "joint_cpu_s": _rounded(_median(jointly, _cpu), 3),
            "joint_peak_mib": _rounded(_median(jointly, _peak)),
            "joint_rows": (jointly[0].joint_rows or rows) if jointly else None,
        }


def _rounded(figure: float | None, digits: int | None = None) -> float | None:
    return None if figure is None else round(figure, digits)


def _agreement(runs: Mapping[Tool, Sequence[Run]]) -> Iterator[Row]:
    for tool, metric, features, largest in _compared(runs):
        yield {
            "measure": "agreement: one definition, two tools",
            "tool": tool.name,
            "metric": metric,
            "features": features,
            "largest_difference": largest,
        }


def _compared(runs: Mapping[Tool, Sequence[Run]]) -> Iterator[tuple[Tool, str, int, float | None]]:
    """Yield what ``differences`` says of every tool that was measured."""
    ours = runs[DRIFTLINE][0].values
    for tool in TOOLS:
        if runs[tool] and tool is not DRIFTLINE:
            for metric, features, largest in differences(ours, runs[tool][0].values):
                yield tool, metric, features, largest


def _looks(asked: argparse.Namespace) -> list[dict[str, Any]]:
    told = ("--rows", *MONTHS, "--rounds", _rounds(asked), "--seed", asked.seed, *(["--quick"] if asked.quick else []))
    environment = {**os.environ, **ONE_THREAD}
    found = answer_of("-m", "benchmarks.windows", "looks", *map(str, told), environment=environment)
    return [
        {
            "measure": MONTH if one["days"] > 1 else DAY,
            **{name: round(figure, 3) if isinstance(figure, float) else figure for name, figure in one.items()},
        }
        for one in found["looks"]
    ]


def _targets(runs: Mapping[Tool, Sequence[Run]], *, rows: int) -> Iterator[Target]:
    many = rows >= MANY_ROWS
    for tool, times in (_TIMES_AT_MANY if many else _TIMES_AT_FEW).items():
        yield Target.at_least(times, _times(runs, tool, _cpu), name=f"{tool.name}: CPU", unit="times ours")
    for tool in _MEMORY_AT_MANY if many else _MEMORY_AT_FEW:
        yield Target.at_least(4.0, _times(runs, tool, _peak), name=f"{tool.name}: peak memory", unit="times ours")
    if many:
        floor = _times(runs, FLOOR, _cpu)
        yield Target.at_most(
            2.0,
            None if floor is None else round(1 / floor, 2),
            name="all metrics",
            unit="times the CPU of decoding every column and sorting every number once",
        )
    yield Target.at_most(
        DIGITS,
        furthest([largest for _, _, _, largest in _compared(runs)]),
        name="values of other tools, where definitions are one",
        unit="difference, relative where neither is 0",
    )


def _joint_targets(runs: Mapping[Tool, Sequence[Run]]) -> Iterator[Target]:
    for tool in JOINTLY:
        if tool is not DRIFTLINE:
            times = _times(runs, JOINTLY[tool], _cpu, ours=JOINTLY[DRIFTLINE])
            yield Target.at_least(1.0, times, name=f"{tool.name}: CPU jointly, of no more rows", unit="times ours")


def _profile_targets(looks: Sequence[Mapping[str, Any]], accuracy: Mapping[str, Any]) -> Iterator[Target]:
    for look in looks:
        if look["measure"] == MONTH:
            name = f"a month of {look['rows']:,} rows, read and judged"
            yield Target.at_most(0.5, look["cpu_s"], name=name, unit="CPU seconds")
    largest = max(one["bytes_a_feature"] for one in accuracy["sizes"])
    yield Target.at_most(1300, round(largest), name="a profile", unit="bytes a feature and hour")
    for one in accuracy["errors"]:
        if one["metric"] in _ERRORS:
            yield Target.at_most(
                _ERRORS[one["metric"]], one["largest_error"], name=f"{one['metric']} from profiles", unit="off at most"
            )


if __name__ == "__main__":
    main()
