"""What a dataset costs: ``python -m benchmarks.datasets [--rows N] [--data FOLDER] [--json] [--quick]``.

Thirty days of so many predictions of thirty features, which have turned out, lie in a folder as sealing and joining leave them.
A drift-aware sample of a tenth is built of them on two cores, in a process of its own that is ended past 4 GiB of memory; then
everything but its plan is forgotten, and it is built again: that has to be the same dataset.

* **Build**: seconds, CPU and rows/s of each step; for ``finish`` rows of the sample, for the others all of them.
* **Whole**: both builds, with the most memory of the process and its children, and the most disk beside the inputs.
* **Means**: of the features that drift, in all rows, in the sample by its weights, and in the sample as if there were none.
* **Plain pandas**: the same join with everything in memory, of twice as many rows again and again until it is ended past the
  same 4 GiB (``benchmarks.plain_pandas`` says what it does and leaves out).

With ``--data`` the hours stay there for the next run, and are made only once. Where the disk is too small for so many rows, it
is fewer, and said.
"""

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
from rich.console import Console
from rich.progress import Progress

from benchmarks.captured_month import DAYS, DRIFTED, FEATURES, SCHEMA, Month
from benchmarks.dataset_build import SCRATCH
from benchmarks.processes import ONE_THREAD, Watched, size_of, watched
from benchmarks.records import MODEL
from benchmarks.reporting import Machine, Report, Row, Target, arguments
from benchmarks.weighted_means import Sums, by_weight, estimated, numeric, numeric_features, sums
from shared.datasets.paths import dataset_folder

ROWS: Final = 100_000_000
QUICK_ROWS: Final = 1_000_000
CORES: Final = 2
MOST_BYTES: Final = 4 * 2**30
MOST_ERRORS: Final = 4.5
"""Of 27 means of one sample, one is so far from the truth by chance once in five thousand samples."""

_SAMPLED: Final = 10
_FEWEST_IN_PANDAS: Final = 500_000
_INPUT_BYTES: Final = 130
_WORKING_BYTES: Final = 100
"""What a row takes of the disk at most, as it is kept, and while its sample is built."""


def main(given: Sequence[str] | None = None) -> None:
    """Run it, and print what came out."""
    asked = _parser().parse_args(given)
    wanted = min(asked.rows, QUICK_ROWS) if asked.quick else asked.rows
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    machine = Machine.this()
    with _kept(asked.data) as data:
        month = _that_fits(data, wanted, asked)
        _make(month)
        results, targets = _measured(month, wanted)
    report = Report(benchmark="datasets", machine=machine, results=results, targets=targets)
    if not asked.json:
        report.show()
    print(report.line())


def _measured(month: Month, wanted: int) -> tuple[list[Row], list[Target]]:
    """Return the results, and what they are held against."""
    first = _build(month)
    found = first.answer
    again = None if found is None else _build(month, "--plan", str(found["build"]))
    means = [] if found is None else list(_means(month, str(found["dataset"])))
    pandas = list(_in_pandas(month))
    results: list[Row] = [
        *([] if found is None else _steps(month, found["steps"], found["rows"])),
        _whole("from the recipe", month, first),
        *([] if again is None else [_whole("from the plan", month, again)]),
        *(one for one in means if one["feature"] in DRIFTED),
        *pandas,
    ]
    digests = {one.answer["dataset"] for one in (first, again) if one is not None and one.answer is not None}
    peak_bytes = max(one.peak_bytes for one in (first, again) if one is not None)
    drawn = None if found is None else float(found["rows"])
    apart = max((float(one["errors_apart"] or 0) for one in means), default=None)
    targets = [
        Target.at_least(wanted, month.rows, name="rows of the population", unit="rows"),
        Target.at_least(month.rows // _SAMPLED, drawn, name="rows of the sample", unit="rows"),
        Target.at_most(MOST_BYTES / 2**30, _gib(peak_bytes), name="memory of the build", unit="GiB"),
        Target.at_most(MOST_ERRORS, apart, name="means of the sample from those of all rows", unit="standard errors"),
        Target.at_most(1, len(digests) or None, name="datasets of one plan", unit=""),
    ]
    return results, targets


def _build(month: Month, *options: str) -> Watched:
    return watched(
        "-m",
        "benchmarks.dataset_build",
        str(month.folder),
        *("--rows", str(month.rows), "--days", str(month.days), "--seed", str(month.seed)),
        *("--sample", str(month.rows // _SAMPLED), "--threads", str(CORES), *options),
        most_bytes=MOST_BYTES,
        environment={**os.environ, **ONE_THREAD},
        folders=[month.folder / SCRATCH, month.folder / "blobs" / "datasets"],
    )


def _steps(month: Month, steps: dict[str, dict[str, float]], drawn: int) -> Iterator[Row]:
    for step, spent in steps.items():
        rows = drawn if step == "finish" else month.rows
        yield {
            "measure": f"build: {month.rows:,} rows of {FEATURES} features, a tenth of them by drift",
            "step": step,
            "seconds": round(spent["seconds"], 2),
            "cpu_s": round(spent["cpu_s"], 2),
            "rows_per_s": round(rows / spent["seconds"]),
        }


def _whole(what: str, month: Month, one: Watched) -> Row:
    return {
        "measure": "whole: processes from start to exit",
        "build": what if one.answer is not None else f"{what}: ended, it took more memory than it may",
        "rows": month.rows,
        "drawn": None if one.answer is None else one.answer["rows"],
        "seconds": round(one.seconds, 1),
        "cpu_s": round(one.cpu_s, 1),
        "rows_per_s": None if one.answer is None else round(month.rows / one.seconds),
        "peak_gib": _gib(one.peak_bytes),
        "input_gib": _gib(size_of(month.folder / "blobs" / "captures")),
        "disk_gib": _gib(one.disk_bytes),
        "dataset": "" if one.answer is None else one.answer["dataset"],
    }


def _means(month: Month, dataset: str) -> Iterator[Row]:
    population, strata = month.population, _strata(month, dataset)
    unweighted = sums(strata.values())
    for feature in numeric_features(SCHEMA):
        mean = estimated(strata, feature)
        yield {
            "measure": "means: of all rows, and of the sample by its weights",
            "feature": feature,
            "all_rows": round(population.mean(feature), 6),
            "by_weight": round(mean.mean, 6),
            "standard_error": round(mean.error, 6),
            "errors_apart": round(mean.errors_from(population.mean(feature)), 2),
            "without_weights": round(unweighted.mean(feature), 6),
        }


def _strata(month: Month, dataset: str) -> dict[int, Sums]:
    """Return what the rows of a dataset come to by their weight."""
    found: dict[int, Sums] = {}
    columns = ["_weight", *numeric_features(SCHEMA)]
    for path in sorted((month.folder / "blobs" / dataset_folder(MODEL, dataset)).glob("*/part-*.parquet")):
        file = pq.ParquetFile(path)
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group, columns=columns)
            for weight, one in by_weight(numeric(rows, SCHEMA), rows.column("_weight")).items():
                found[weight] = sums([found.get(weight, Sums()), one])
    return found


def _in_pandas(month: Month) -> Iterator[Row]:
    """Join more and more rows in plain pandas, up to those that it does not survive."""
    rows = min(_FEWEST_IN_PANDAS, month.rows)
    while True:
        command = ("-m", "benchmarks.plain_pandas", str(month.folder), "--rows", str(rows), "--seed", str(month.seed))
        one = watched(*command, most_bytes=MOST_BYTES, environment={**os.environ, **ONE_THREAD})
        yield {
            "measure": "plain pandas: the same join, a tenth by chance",
            "rows": rows if one.answer is None else one.answer["rows"],
            "came_through": "no" if one.answer is None else "yes",
            "seconds": round(one.seconds, 2),
            "rows_per_s": None if one.answer is None else round(one.answer["rows"] / one.seconds),
            "peak_gib": _gib(one.peak_bytes),
        }
        if one.answer is None or rows >= month.rows:
            return
        rows = min(2 * rows, month.rows)


def _that_fits(data: Path, wanted: int, asked: argparse.Namespace) -> Month:
    """Return a month of as many rows as there is room for, of so many that are wanted."""
    month = _month(data, wanted, asked)
    room = shutil.disk_usage(data).free + sum(map(size_of, (month.folder / "blobs", month.folder / SCRATCH)))
    rows = min(wanted, room // (_INPUT_BYTES + _WORKING_BYTES))
    if rows < wanted:
        print(f"the disk has room for {rows:,} rows, so it is not {wanted:,}", file=sys.stderr)
    return _month(data, rows, asked)


def _month(data: Path, rows: int, asked: argparse.Namespace) -> Month:
    return Month(data / f"{rows}-rows-{asked.days}-days-seed-{asked.seed}", rows, asked.seed, asked.days)


def _make(month: Month) -> None:
    if month.is_whole:
        return
    month.folder.mkdir(parents=True, exist_ok=True)
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("making hours", total=None)
        month.make(processes=CORES, told=lambda done, hours: progress.update(task, completed=done, total=hours))


@contextmanager
def _kept(data: Path | None) -> Iterator[Path]:
    """Give a folder for what is made: one that stays, or one that goes again."""
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
        yield data.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="driftline-benchmark-") as folder:
        yield Path(folder)


def _gib(size_bytes: int) -> float:
    return round(size_bytes / 2**30, 3)


def _parser() -> argparse.ArgumentParser:
    parser = arguments(__doc__, rows=ROWS)
    parser.add_argument("--data", type=Path, metavar="FOLDER", help="where the hours are kept for the next run")
    parser.add_argument("--days", type=int, default=DAYS, help=f"over which the rows are spread (default {DAYS})")
    return parser


if __name__ == "__main__":
    main()
