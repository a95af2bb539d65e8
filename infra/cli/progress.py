"""Progress on a terminal."""

from typing import Self


class Steps:
    """A progress bar over named steps."""

    def __init__(self, *names: str, shown: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._names = names
        columns = (TextColumn("{task.description:28}"), BarColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True), disable=not shown)
        self._task = self._progress.add_task(names[0], total=len(names))
        self._done = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def next(self) -> None:
        """Note that a step is done."""
        self._done += 1
        name = self._names[min(self._done, len(self._names) - 1)]
        self._progress.update(self._task, completed=self._done, description=name)


class Progress:
    """A progress bar over many things of one sort, of which it is told how many there are as they are done."""

    def __init__(self, name: str, *, shown: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description:28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), disable=not shown)
        self._task = self._bar.add_task(name, total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, done: int, total: int) -> None:
        """Show how many are done, of how many."""
        self._bar.update(self._task, completed=done, total=total)
