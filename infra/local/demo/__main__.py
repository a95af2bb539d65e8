"""Tell the whole story once: ``python -m infra.local.demo``, or ``make demo``.

It ends with a table, and with exit code 1 if any step did not happen.
"""

import argparse
import asyncio
import shutil
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from infra.local.demo import flights as data
from infra.local.demo import training
from infra.local.demo.course import QUIET, Course, Overdue
from infra.local.demo.story import problems
from infra.local.demo.telling import tell
from infra.local.processes import end_by_interrupt
from infra.local.system import System
from shared.clock import Clock
from shared.hours import Hour

LEARNED: Final = (Hour.parse("2013-01-01T00"), QUIET[0])
JUNE: Final = datetime(2013, 6, 30, 1, tzinfo=UTC)
"""When March is brought in and a challenger learns. The clock runs as on the wall: no timer is due for half an hour."""

JULY: Final = datetime(2013, 6, 30, 18, tzinfo=UTC)
"""When the clock begins to run fast: by the midnight after it everything should have started again."""

SPEED: Final = 3_600.0
"""How fast the clock runs in July, on a machine that has little else to do."""

_DAY_S: Final = 86_400.0

SCHEDULES: Final = {
    # At this speed an hour is a second: what people wait for is done every other hour.
    "DRAIN_SCHEDULE": "0 10 */6 * * *",
    "SEAL_SCHEDULE": "0 20 */2 * * *",
    "ACCOUNT_SCHEDULE": "0 30 */6 * * *",
    "JOIN_SCHEDULE": "0 35 */2 * * *",
    "MONITOR_SCHEDULE": "0 40 */2 * * *",
    "DECIDE_SCHEDULE": "0 45 */2 * * *",
    "DATASETS_SCHEDULE": "0 55 */6 * * *",
    "DELIVER_SCHEDULE": "0 50 * * * *",
}


def main() -> int:
    """Run the story; return 1 if any of it did not happen, 130 if it was interrupted."""
    end_by_interrupt()
    try:
        return _run()
    except Overdue as overdue:
        Console(stderr=True).print(f"[red]did not happen:[/red] {overdue}")
        return 1
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted; everything that was started has been stopped")
        return 130


def speed_after(joined_after_s: float) -> float:
    """Return how fast July's clock is to run, so that the system keeps up with it on this machine as it is now.

    Of several days that are settled when it comes to decide, the system decides about the newest alone: none may pass while
    it is busy with the one before. So a day lasts at least three quarters of what it took to bring in two weeks and join
    them; at half of it, measured on a machine with three times as much to do as it has cores, the system was half a day behind.
    """
    return min(SPEED, _DAY_S / (0.75 * joined_after_s))


def _run() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.local.demo", description=__doc__)
    parser.add_argument(
        "--data", type=Path, default=Path(".local/demo"), help="where everything is kept; emptied first"
    )
    parser.add_argument(
        "--days", type=int, choices=range(1, 29), default=3, metavar="N", help="days of flights to send"
    )
    asked = parser.parse_args()
    console = Console(stderr=True)
    if System.in_use(asked.data):
        console.print(f"{asked.data} is in use, by another demo or by python -m infra.local: stop that first")
        return 1
    shutil.rmtree(asked.data, ignore_errors=True)
    started = time.monotonic()
    columns = (
        SpinnerColumn(finished_text="[green]✓"),
        TextColumn("{task.description:52}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    folder = asked.data / "model"
    with Progress(*columns, console=console) as progress:
        table, model, training_data = _train(progress, folder)
        step = progress.add_task("starting storage, Event Hubs, sinks and the app", total=1)
        clock = Clock.starting(JUNE, speed=1.0)
        with System.in_folder(asked.data, clock=clock, settings=SCHEDULES) as system:
            progress.advance(step)
            course = Course(progress, system, folder, table)
            june = asyncio.run(course.june(model, training_data))
            step = progress.add_task("starting again on the eve of July", total=1)
            system.leap(JULY, speed=speed_after(june.joined_after_s))
            progress.advance(step)
            story = asyncio.run(course.july(june, days=asked.days))
    missing = problems(story)
    tell(Console(), story, asked.data, took_s=time.monotonic() - started)
    for problem in missing:
        console.print(f"[red]did not happen:[/red] {problem}")
    return 1 if missing else 0


def _train(progress: Progress, folder: Path) -> tuple[Any, Path, Path]:
    step = progress.add_task("training on January to mid-March 2013", total=1)
    table = data.load()
    model, training_data = training.write(folder, data.between(table, *LEARNED))
    progress.advance(step)
    return table, model, training_data


if __name__ == "__main__":
    sys.exit(main())
