"""``verify`` proves that nothing was lost, or says what was."""

import argparse
from typing import TYPE_CHECKING

from infra.cli.command import Answer, Commands, hour
from shared import wiring

if TYPE_CHECKING:  # each command imports what it needs
    from shared.sealing.accounting.account import Account


def add(commands: Commands) -> None:
    """Declare it."""
    verify = commands.add("verify", _verify, about="prove that nothing that was captured is lost or doubled")
    verify.add_argument("--from", dest="start", type=hour, metavar="HOUR", help="the first hour, as 2026-03-01T09")
    verify.add_argument("--to", dest="end", type=hour, metavar="HOUR", help="the hour it ends before")
    verify.add_argument(
        "--deep", action="store_true", help="read every row and log: hashes, ids, the numbers themselves"
    )
    verify.add_argument(
        "--accept-gap", metavar="GAP", help="take note of a loss: <incarnation>/p<partition>/<from>-<to>"
    )
    verify.add_argument("--by", metavar="NAME", help="who takes note of it")


async def _verify(asked: argparse.Namespace) -> Answer:
    import msgspec

    from infra.cli.progress import Progress
    from shared.sealing.accounting.asked import Asked

    if bool(asked.accept_gap) != bool(asked.by):
        raise SystemExit("--accept-gap and --by go together: a loss is taken note of by somebody")
    if asked.start and asked.end and asked.end <= asked.start:
        raise SystemExit("--to is not after --from")
    draw_up = wiring.verifying().verify
    if asked.accept_gap:
        missing = (await draw_up(Asked(is_deep=True))).missing if asked.deep else ()
        await wiring.accepting().accept(asked.accept_gap, by=asked.by, missing=[*map(msgspec.structs.astuple, missing)])
    with Progress("reading hours", shown=not asked.json) as progress:
        account = await draw_up(Asked(asked.start, asked.end, asked.deep), done=progress.show)
    if not asked.json:
        _show(account)
    return Answer({"closes": account.closes, **msgspec.to_builtins(account)}, holds=account.closes)


def _show(account: "Account") -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    partitions = Table("incarnation", "partition", "from", "to", "events", "lost", "in flight", "closes")
    for one in account.partitions:
        in_flight = "unknown" if one.in_flight is None else str(one.in_flight)
        numbers = (one.first, one.last, one.events, one.lost)
        partitions.add_row(
            one.incarnation, str(one.partition), *map(str, numbers), in_flight, "yes" if one.closes else "NO"
        )
    console.print(partitions if account.partitions else "nothing was captured yet")
    totals = account.totals
    rows = Table.grid(padding=(0, 2))
    for name, value in (
        ("events", f"{totals.events:,}, {totals.unsealed_events:,} of them in hours that are not sealed yet"),
        ("rows", f"{totals.rows:,} in {totals.hours:,} sealed hours, {totals.imported:,} of them imported"),
        ("doubles dropped", f"{totals.doubles:,}"),
        ("erased", f"{totals.erased:,} records, and what came again of them"),
        ("dead letters", f"{totals.dead_letters:,} events, and {totals.unreadable:,} records of others"),
        ("spool", f"{account.spool.waiting:,}" + _age(account.spool.oldest_s)),
    ):
        rows.add_row(name, value)
    console.print(rows)
    if account.hub_problem is not None:
        console.print(f"Event Hubs could not be asked, so what is in flight is not known: {account.hub_problem}")
    for wrong in account.wrong:
        console.print(f"\n{wrong.what}: {wrong.where}\n  {wrong.why}\n  → {wrong.mend}", soft_wrap=True, markup=False)
    console.print(
        "\nthe account closes" if account.closes else f"\nTHE ACCOUNT DOES NOT CLOSE: {len(account.wrong)} wrong"
    )


def _age(oldest_s: float | None) -> str:
    return "" if oldest_s is None else f", the oldest for {oldest_s:.0f} s"
