"""``erase`` takes every row of somebody out of everything that is stored."""

import argparse
import sys
from typing import TYPE_CHECKING, Final

from infra.cli.command import Answer, Commands, valid_name
from shared import wiring

if TYPE_CHECKING:
    from shared.erasing.erasing import Report

_INPUT: Final = "-"
_FROM_INPUT: Final = "; '-' reads a line from standard input, so that no shell remembers it"


def add(commands: Commands) -> None:
    """Declare it."""
    erase = commands.add("erase", _erase, about="take every row of a subject out of everything that is stored")
    erase.add_argument("--model", type=valid_name, help="whose rows")
    subject = erase.add_mutually_exclusive_group()
    subject.add_argument("--external-id", metavar="ID", help=f"the subject is who has this external id{_FROM_INPUT}")
    subject.add_argument("--feature", metavar="NAME", help="the subject is who has a value of this feature: --value")
    erase.add_argument(
        "--value", help=f"as it was asked; where the feature is hashed, it is hashed likewise{_FROM_INPUT}"
    )
    erase.add_argument("--dry-run", action="store_true", help="say what would go, and change nothing")
    erase.add_argument("--status", action="store_true", help="name erasures that were begun and are not done")


async def _erase(asked: argparse.Namespace) -> Answer:
    from infra.cli.progress import Progress

    if asked.status:
        return await _status(as_json=asked.json)
    if asked.model is None or (asked.external_id is None and asked.feature is None):
        raise SystemExit("who is to be erased? --model, and --external-id or --feature with --value")
    if (asked.feature is None) != (asked.value is None):
        raise SystemExit("--feature and --value go together")
    with Progress("going through places", shown=not asked.json) as progress:
        report = await wiring.erasing().erase(
            asked.model,
            external_id=_said(asked.external_id),
            feature=asked.feature,
            value=_said(asked.value),
            is_dry=asked.dry_run,
            done=progress.show,
        )
    if not asked.json:
        _show(report)
    return Answer(
        {
            "model": asked.model,
            "rows": report.rows,
            "dry_run": report.is_dry,
            "untold": report.untold,
            "spooled": report.spooled,
            "hub_until": report.hub_until.isoformat(),
            "resends_until": report.resends_until.isoformat(),
            "let_go_until": report.let_go_until,
        },
        holds=not report.untold,
    )


def _said(argument: str | None) -> str | None:
    """Return what an argument says, or the line that is given in its place: a shell remembers its commands, and `ps` shows them."""
    if argument != _INPUT:
        return argument
    line = sys.stdin.readline().removesuffix("\n").removesuffix("\r")
    if not line:
        raise SystemExit("there is no line on standard input")
    return line


async def _status(*, as_json: bool) -> Answer:
    unfinished = await wiring.erasing().unfinished()
    if not as_json:
        for one in unfinished:
            print(
                f"begun {one.began_at:%Y-%m-%d %H:%M} UTC: {one.model} by {one.by}, {sum(one.rows.values()):,} rows so far"
            )
        print("run the command of each again" if unfinished else "every erasure that was begun is done")
    told = [
        {"model": one.model, "by": one.by, "began_at": one.began_at.isoformat(), "rows": one.rows} for one in unfinished
    ]
    return Answer({"unfinished": told}, holds=not unfinished)


def _show(report: "Report") -> None:
    for name, rows in report.rows.items():
        print(f"{name:22} {rows:>12,} {'would go' if report.is_dry else 'gone'}")
    if not report.rows:
        print("nothing is stored of this subject")
    for version, reason in report.untold.items():
        print(f"version {version}: {reason}; erase by --external-id")
    if report.let_go_until is not None:
        print(f"hours up to {report.let_go_until} were let go, and with them by which ids the subject was known there:")
        print(
            "what was copied of them and has neither the value nor the external id, only such ids, could not be found"
        )
    if report.spooled:
        print(f"{report.spooled:,} records wait in the spool; they are dropped once Event Hubs has delivered them")
    print(f"Event Hubs may hold events with it until {report.hub_until:%Y-%m-%d %H:%M} UTC")
    if not report.is_dry:
        longer = ", and for as long after that as something waits in the spool" if report.spooled else ""
        print(f"what it delivers again is dropped until {report.resends_until:%Y-%m-%d %H:%M} UTC{longer}")
