"""``dead`` shows what capture set aside, and sends again what has a place by now."""

import argparse
from collections import Counter
from typing import TYPE_CHECKING, Any

from infra.cli.command import Answer, Commands, hour, valid_name
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from shared.capture.dead import Found, Replay, Wanted

_KINDS = ("prediction", "actual", "failure")


def add(commands: Commands) -> None:
    """Declare both."""
    dead = commands.group("dead", about="dead letters: events and records that capture set aside")
    listing = dead.add("list", _list, about="show which there are, and why")
    replaying = dead.add("replay", _replay, about="send those again that can be read and whose version is registered")
    replaying.add_argument("--dry-run", action="store_true", help="say what would be sent, and send nothing")
    for parser in (listing, replaying):
        parser.add_argument("--from", dest="start", type=hour, metavar="HOUR", help="the first hour, as 2026-03-01T09")
        parser.add_argument("--to", dest="end", type=hour, metavar="HOUR", help="the hour it ends before")
        parser.add_argument("--kind", choices=_KINDS)
        parser.add_argument("--model", type=valid_name)
        parser.add_argument("--version", type=valid_name)
        parser.add_argument("--reason", metavar="TEXT", help="a part of the reason")


async def _list(asked: argparse.Namespace) -> Answer:
    from infra.cli.progress import Progress

    counts: Counter[tuple[str, str, str, str, bool]] = Counter()
    letters: list[dict[str, Any]] = []
    with Progress("reading dead letters, bytes", shown=not asked.json) as progress:
        async for found in wiring.dead_letters().find(_wanted(asked), progress.show):
            names = (found.shelf.kind, found.shelf.model, found.shelf.version) if found.shelf else ("", "", "")
            counts[*names, found.letter.reason, found.shelf is not None] += 1
            if asked.json:
                letters.append(_place(found))
    if not asked.json:
        _show_counts(counts)
    fields = ("kind", "model", "version", "reason", "replayable", "letters")
    rows = [dict(zip(fields, (*key, number), strict=True)) for key, number in counts.most_common()]
    return Answer({"counts": rows, "letters": letters})


async def _replay(asked: argparse.Namespace) -> Answer:
    from infra.cli.progress import Progress

    with Progress("reading dead letters, bytes", shown=not asked.json) as progress:
        replay = await wiring.dead_letters().replay(_wanted(asked), is_dry=asked.dry_run, done=progress.show)
    if not asked.json:
        _show_replay(replay, is_dry=asked.dry_run)
    not_registered = [
        {"kind": shelf.kind, "model": shelf.model, "version": shelf.version, "letters": number}
        for shelf, number in sorted(replay.not_registered.items())
    ]
    return Answer(
        {
            "sent": not asked.dry_run,
            "records": replay.records,
            "events": replay.events,
            "not_registered": not_registered,
            "not_replayable": replay.unreadable,
        }
    )


def _wanted(asked: argparse.Namespace) -> "Wanted":
    from shared.capture.dead import Wanted
    from shared.capture.records import Kind

    if asked.start and asked.end and asked.end <= asked.start:
        raise SystemExit("--to is not after --from")
    return Wanted(
        start=asked.start,
        end=asked.end,
        kind=Kind(asked.kind) if asked.kind else None,
        model=asked.model,
        version=asked.version,
        reason=asked.reason,
    )


def _place(found: "Found") -> dict[str, Any]:
    """Return where a letter stands and what is known of its record, without the record."""
    letter = found.letter
    return {
        "log": found.log,
        "partition": letter.partition,
        "sequence": letter.sequence,
        "index": letter.index,
        "enqueued_at": letter.enqueued_at.isoformat(),
        "reason": letter.reason,
        "size_bytes": letter.size_bytes,
        "sha256": letter.sha256,
        "replayable": found.shelf is not None,
    }


def _show_counts(counts: "Counter[tuple[str, str, str, str, bool]]") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("letters", "kind", "model", "version", "reason", "can be replayed")
    for (kind, model, version, reason, replayable), number in counts.most_common():
        table.add_row(f"{number:,}", kind, model, version, reason, "yes" if replayable else "no")
    Console().print(table if counts else "no dead letters")


def _show_replay(replay: "Replay", *, is_dry: bool) -> None:
    print(f"{replay.records:,} records in {replay.events:,} events {'would be sent' if is_dry else 'were sent again'}")
    for shelf, number in sorted(replay.not_registered.items()):
        print(f"{number:,} stay: {shelf.model} {shelf.version} is not registered ({shelf.kind})")
    if replay.unreadable:
        print(f"{replay.unreadable:,} stay: of what could not be read only length and SHA-256 were kept")
