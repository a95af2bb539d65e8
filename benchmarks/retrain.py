"""When to retrain: ``python -m benchmarks.retrain [--development | --further] [--streams NAME ...] [--data FOLDER] [--json]``.

A stream is cut into periods. At the beginning of each, a version is trained on the newest window of actuals, and may be
swapped to at a cost; loss is the error rate of the version in use. The optimum is exact, and every policy is held against
it. Tables of losses are made once, in minutes altogether, and kept in the folder.
"""

import argparse
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import Progress, TaskID

from benchmarks.processes import one_thread_each
from benchmarks.reporting import Machine, Report, Result
from benchmarks.retraining.findings import best_fixed, by_stream, comparisons, games, policies, targets
from benchmarks.retraining.further import FURTHER
from benchmarks.retraining.learning import SETTINGS, Answers, Training
from benchmarks.retraining.oracle import COSTS, oracle, play
from benchmarks.retraining.policies import RULES
from benchmarks.retraining.scores import Score, scores
from benchmarks.retraining.streams import DEVELOPMENT, REPORTED, STREAMS, Stream
from benchmarks.retraining.tables import Spread, Tables, kept
from infra.local.processes import HERE

DATA: Final = HERE / ".local/benchmarks/retrain"


def main() -> None:
    """Make the tables that are missing, let every policy play, and print the report."""
    asked = _arguments().parse_args()
    machine = Machine.this()
    for rule in RULES:
        # What a policy lacks is found out before minutes are spent on tables.
        rule.begin()
    streams = DEVELOPMENT if asked.development else FURTHER if asked.further else REPORTED
    if asked.streams:
        streams = tuple(stream for stream in (*STREAMS, *FURTHER) if stream.name in asked.streams)
    optima: list[Result] = []
    scored: list[Score] = []
    for stream, tables in played(streams, asked.data, processes=asked.processes):
        optima += _lines(stream, tables)
        scored += scores(stream, tables, RULES)
    promised = targets(scored)
    shown = [*by_stream(scored), *policies(scored), *best_fixed(scored), *comparisons(scored)]
    if not asked.json:
        Report(benchmark="retrain", machine=machine, results=shown, targets=promised).show()
    results = [*optima, *games(scored), *shown]
    print(Report(benchmark="retrain", machine=machine, results=results, targets=promised).line())


def played(streams: Iterable[Stream], folder: Path, *, processes: int = 1) -> Iterator[tuple[Stream, Tables]]:
    """Yield the tables of each stream in each setting; those that ``folder`` does not have are made."""
    one_thread_each()
    folder.mkdir(parents=True, exist_ok=True)
    progress = Progress(console=Console(stderr=True))
    with progress, multiprocessing.get_context("spawn").Pool(processes) as pool:
        for stream in streams:
            periods = stream.read(folder)
            for setting in SETTINGS:
                task = progress.add_task(f"{stream.name}, {setting.name}", total=None)
                spread = _shown(progress, task, pool.imap_unordered)
                yield stream, kept(folder, stream.name, periods, setting, stream.window, spread=spread)
                progress.remove_task(task)


def _shown(progress: Progress, task: TaskID, spread: Spread) -> Spread:
    """Return the same, with a bar that moves on with every version."""

    def shown(
        train: Callable[[Training], tuple[int, Answers]], trainings: list[Training]
    ) -> Iterable[tuple[int, Answers]]:
        return progress.track(spread(train, trainings), total=len(trainings), task_id=task)

    return shown


def _lines(stream: Stream, tables: Tables) -> list[Result]:
    """Return what can be said without any policy."""
    losses, first, periods = tables.losses, tables.first, len(tables.losses)
    played_periods = periods - first
    lines: list[Result] = []
    for cost in COSTS:
        best = oracle(losses, cost)
        never, always = play(losses, ()), play(losses, range(first + 1, periods))
        lines.append(
            {
                "measure": "oracle",
                "stream": stream.name,
                "drifts": "yes" if stream.drifts else "no",
                "setting": tables.setting.name,
                "periods": played_periods,
                "error_never": never.loss / played_periods,
                "error_newest": always.loss / played_periods,
                "swap_cost": cost,
                "oracle_cost": best.cost(cost),
                "oracle_swaps": len(best.swaps),
                "never_above": never.above(best, cost),
                "always_above": always.above(best, cost),
            }
        )
    return lines


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA, help="where downloads and tables are kept")
    parser.add_argument("--streams", nargs="+", metavar="NAME", help="only these, of all there are")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--development", action="store_true", help="the streams that policies were made with")
    which.add_argument(
        "--further", action="store_true", help="streams that no policy was made with, as a second opinion"
    )
    parser.add_argument("--processes", type=int, default=1, help="how many train at a time")
    parser.add_argument("--json", action="store_true", help="print the line of JSON and nothing before it")
    return parser


if __name__ == "__main__":
    main()
