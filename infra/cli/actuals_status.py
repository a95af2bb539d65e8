"""What became of actuals: which were joined, and which wait or were never found."""

import argparse
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from infra.cli.command import Answer, valid_name
from infra.cli.progress import Progress
from shared import wiring
from shared.errors import UnknownModel

if TYPE_CHECKING:  # each command imports what it needs
    from shared.actuals.status import Status

_EVERY: Final = True
_COUNTED: Final = {
    "received": "actuals that were sealed and taken",
    "waiting": "their prediction may still come",
    "unknown": "no prediction was found",
    "joined": "predictions that have one",
    "duplicate": "the same value again",
    "corrected": "another value again: the last one enqueued counts",
    "misfit": "no value that the version could have answered",
    "early": "there before their prediction",
    "late": "their prediction's first, after more than 30 days",
}


def add_arguments(actuals: argparse.ArgumentParser) -> None:
    """Declare what asks for it."""
    actuals.add_argument(
        "--status",
        type=valid_name,
        nargs="?",
        const=_EVERY,
        metavar="MODEL",
        help="what was joined, of a model or of every one, and how long it takes",
    )
    actuals.add_argument(
        "--list", choices=("unknown",), help="with --status: the ids of the last ones that no prediction was found for"
    )


async def status(asked: argparse.Namespace) -> Answer:
    """Say it of a model, or of every one."""
    if asked.path is not None:
        raise SystemExit("a file and --status are two things: send the file first, and ask once it is joined")
    model = asked.model if asked.status is _EVERY else asked.status
    if asked.model not in {None, model}:
        raise SystemExit(f"--status {model} or --model {asked.model}: say one of them")
    if model is not None and not await wiring.registry().has(model):
        raise UnknownModel(model)
    models = await wiring.registry().models() if model is None else [model]
    with Progress("reading joined hours", shown=not asked.json):
        found = [await wiring.joins().status(model) for model in models]
    if not asked.json:
        _show(found, lists_unknown=asked.list is not None)
    return Answer({"models": [_values(one, lists_unknown=asked.list is not None) for one in found]})


def _values(status: "Status", *, lists_unknown: bool) -> dict[str, Any]:
    values: dict[str, Any] = {
        "model": status.model,
        "unjoined": status.unjoined,
        **_counts(status),
        "versions": [
            {
                "version": one.version,
                "predictions": one.predictions,
                "joined": one.joined,
                "coverage": one.coverage,
                "delay_s": {f"{share:.2f}": _seconds(delay) for share, delay in one.quantiles.items()},
            }
            for one in status.versions
        ],
    }
    if lists_unknown:
        values["unknown_ids"] = [{"id": one.id, "prediction_id": one.prediction_id} for one in status.listed]
    return values


def _counts(status: "Status") -> dict[str, int]:
    """Return what is counted, by its name."""
    counts = status.counts
    return {
        "received": status.received,
        "waiting": status.waiting,
        "unknown": status.unknown,
        "joined": counts.joined,
        "duplicate": counts.duplicates,
        "corrected": counts.corrected,
        "misfit": counts.misfits,
        "early": counts.early,
        "late": counts.late,
    }


def _show(found: "Sequence[Status]", *, lists_unknown: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for status in found:
        waits = f"; {status.unjoined:,} parts of hours wait to be joined" if status.unjoined else ""
        console.print(f"{status.model}: actuals{waits}")
        counts = Table("", "", "what")
        for name, count in _counts(status).items():
            counts.add_row(name, f"{count:,}", _COUNTED[name])
        console.print(counts)
        versions = Table("version, last 30 days", "predictions", "joined", "half within", "95 % within", "99 % within")
        for one in status.versions:
            share = "" if one.coverage is None else f" ({one.coverage:.1%})"
            delays = [delay_text(delay) for delay in one.quantiles.values()]
            versions.add_row(one.version, f"{one.predictions:,}", f"{one.joined:,}{share}", *delays)
        console.print(versions)
        if lists_unknown:
            unknown = Table("unknown actual", "says prediction")
            for each in status.listed:
                unknown.add_row(each.id, each.prediction_id or "by external id")
            console.print(unknown)
    if not found:
        console.print("no model is registered")


def _seconds(delay: timedelta | None) -> float | None:
    return None if delay is None else delay.total_seconds()


def delay_text(delay: timedelta | None) -> str:
    """Return a delay as a person says it.

    >>> delay_text(timedelta(minutes=90)), delay_text(timedelta(days=3)), delay_text(None)
    ('1.5 hours', '3.0 days', '')
    """
    if delay is None:
        return ""
    seconds = delay.total_seconds()
    unit, length = next((one for one in (("days", 86_400), ("hours", 3_600)) if seconds >= one[1]), ("minutes", 60))
    return f"{seconds / length:.1f} {unit}"
