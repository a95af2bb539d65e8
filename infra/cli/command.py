"""What all commands share: how they are declared, and what they return."""

import argparse
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from shared.errors import Fault
from shared.hours import Hour
from shared.ids import is_name

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command found: ``values`` for programs, and whether it ``holds``, which is exit code 0 or 1.

    ``faults`` are what kept a part of it from being done; with one, it does not hold.
    """

    values: dict[str, Any] = field(default_factory=dict)
    holds: bool = True
    faults: Sequence[Fault] = ()


Run: TypeAlias = Callable[[argparse.Namespace], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Commands:
    """The command line as far as it is declared; every command has the options of ``common``."""

    parsers: "argparse._SubParsersAction[argparse.ArgumentParser]"
    common: argparse.ArgumentParser

    def add(self, name: str, run: Run, *, about: str) -> argparse.ArgumentParser:
        """Declare a command, and return where its own options go."""
        parser = self.parsers.add_parser(name, parents=[self.common], help=about, description=about)
        parser.set_defaults(run=run)
        return parser

    def group(self, name: str, *, about: str) -> "Commands":
        """Declare a command that has commands of its own."""
        parser = self.parsers.add_parser(name, help=about, description=about)
        return Commands(parser.add_subparsers(required=True, metavar="COMMAND"), self.common)


def valid_name(text: str) -> str:
    """Read the name of a model or a version."""
    if not is_name(text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name: lower-case letters, digits, '.', '_' and '-', 63 at most"
        )
    return text


def hour(text: str) -> Hour:
    """Read the name of an hour."""
    try:
        return Hour.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no hour, as 2026-03-01T09 is") from error


def count(text: str) -> int:
    """Read a number of things, at least one."""
    if not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number, 1 or more")
    return int(text)


def moment(text: str) -> datetime:
    """Read a time that says its zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no time, as 2026-03-01T09:00Z is") from error
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text!r} has no time zone, as 2026-03-01T09:00Z has")
    return found


def existing_file(text: str) -> Path:
    """Read the path of a file that is there."""
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text!r}")
    return path


def table(path: Path) -> "pa.Table":
    """Read a CSV or Parquet file."""
    import pyarrow.csv
    import pyarrow.parquet

    return pyarrow.csv.read_csv(path) if path.suffix == ".csv" else pyarrow.parquet.read_table(path)


def decoded(read: Callable[[], Any], path: Path) -> Any:  # noqa: ANN401 - whatever is read
    """Return what ``read`` returns; a file that cannot be read ends the command with its name and the reason."""
    import msgspec
    import pyarrow as pa

    try:
        return read()
    except (pa.ArrowInvalid, msgspec.DecodeError) as error:
        raise SystemExit(f"{path} cannot be read: {error}") from error
